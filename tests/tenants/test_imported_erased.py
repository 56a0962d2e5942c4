"""What was imported and nobody adopts goes as an organisation does: typed, told, certified."""

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.exceptions import DomainError, NotFoundError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.instances.models import Instance
from apps.operations.models import Operation
from apps.tenancy.kinds import operator, schema_exists, schema_of
from apps.tenants.adopting import imported
from apps.tenants.erasing.certificates import faults, said
from apps.tenants.erasing.imported import erase_imported
from apps.tenants.models import Erasure
from tests.accounts.conftest import PASSWORD
from tests.tenants.arrived import (
    Bring,
    adopted,
    bring,
    furnished,
    module_database,
    own_files,
    swept_database,
    work_off,
)

__all__ = ["bring", "furnished", "module_database", "own_files", "swept_database"]


def test_the_operator_types_its_address_and_all_of_it_is_gone(bring: Bring) -> None:
    slug = bring()
    with operator():
        boss = User.objects.create_superuser("boss@dotmac.example", PASSWORD)
    browser = Client(headers={"host": django_settings.BASE_DOMAIN})
    browser.force_login(boss)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    with operator():
        page = f"{reverse('admin:tenants_organisation_adopt', 'config.urls.operator')}?slug={slug}"
    assert "Erase what was imported" in browser.get(page).text
    wrong = browser.post(page, {"what": "erase", "confirm": "other"})
    assert "This is another address" in wrong.text
    begun = browser.post(page, {"what": "erase", "confirm": slug})
    assert "/operations/" in begun["location"]
    assert imported(slug) is None
    with pytest.raises(NotFoundError):
        erase_imported(slug, confirm=slug, actor=SYSTEM)
    with schema_of(f"c_{slug}"):
        assert not Operation.objects.exists(), "What runs elsewhere under the same ids is not ours."
        assert Instance.objects.exists()
    work_off()
    with operator():
        erasure = Erasure.objects.get(slug=slug)
        assert erasure.erased_at is not None, Operation.objects.order_by("-pk").first().cause
        assert faults(erasure) == []
        assert said(erasure)["asked_by"] == "operator"
        assert f"w_{slug}" in erasure.counts
        told = Event.objects.get(type="organisation.erased", subject_id=erasure.organisation)
        assert told.actor_label == boss.email
        boss.delete()
    assert not schema_exists(f"c_{slug}")
    assert not schema_exists(f"w_{slug}")


def test_a_command_does_the_same_and_what_is_a_customer_s_stays(bring: Bring) -> None:
    slug, other = bring(), bring()
    adopted(other)
    with pytest.raises(CommandError, match=f"--confirm {slug}"):
        call_command("erase_imported", slug)
    with pytest.raises(CommandError, match="belongs to no organisation"):
        call_command("erase_imported", other, confirm=other)
    with pytest.raises(DomainError, match="another address"):
        erase_imported(slug, confirm=other, actor=SYSTEM)
    call_command("erase_imported", slug, confirm=slug)
    assert imported(slug) is None
