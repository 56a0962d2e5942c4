"""Keys from before there were service accounts move to one for each maker, who may no more."""

from importlib import import_module

from django.apps import apps
from django.db import connection

from apps.accounts.access import may
from apps.accounts.api_keys import key_digest
from apps.accounts.models import ApiKey, Membership, User
from apps.tenancy.kinds import schema_of
from tests.conftest import Isp


def test_a_key_may_what_its_maker_might(acme: Isp, db: None) -> None:
    move = import_module("apps.accounts.migrations.0008_keys_move_to_service_accounts").move
    with schema_of(acme.workspace):
        people = {
            "owner": User.objects.create_user(
                "alice@acme.example", is_staff=True, is_superuser=True
            ),
            "support": User.objects.create_user("sam@acme.example", is_staff=True),
            "nothing": User.objects.create_user("dora@example.com"),
            "gone": User.objects.create_user("bert@acme.example", is_staff=True, is_active=False),
        }
        for role in ("support", "gone"):
            Membership.objects.create(user=people[role], role="support")
        for role, user in people.items():
            ApiKey.objects.create(
                name=role, prefix=role, digest=key_digest(role), created_by=user, account=None
            )
        with connection.schema_editor() as editor:
            move(apps, editor)
        keys = {key.name: key for key in ApiKey.objects.select_related("account")}
        assert may(keys["owner"], "people.manage")
        assert may(keys["support"], "subscribers.change")
        assert not may(keys["support"], "people.view")
        assert not may(keys["nothing"], "subscribers.view")
        assert not may(keys["gone"], "subscribers.view")
        assert {key.account.created_by for key in keys.values()} == set(people.values())
