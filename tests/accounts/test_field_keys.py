"""FIELD_KEYS change: all that is encrypted goes over to the new key, also after a stop half-way."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from apps.accounts.checkups import _field_keys
from apps.accounts.resealing import reseal
from apps.alerts.models import AlertChannel
from apps.branding.models import Sender
from apps.core.health import PROBLEM, WARNING
from apps.core.sealed import sealed_columns
from apps.events.models import Event
from apps.tenancy.kinds import operator, schema_of
from apps.webhooks.models import Endpoint
from dotmac.crypto.fields import Cipher, CipherError
from dotmac.crypto.secret import Secret
from tests.conftest import Isp
from tests.notifications.conftest import person

PLACE = "a.column"
ROOT = Path(__file__).resolve().parents[2]
# Where something is encrypted, and what of the database it is.
SEALED = {
    "accounts/providers/services.py": {"accounts_identityprovider.secret"},
    "accounts/security/factors.py": {"mfa_authenticator.data"},
    "alerts/channels.py": {"alerts_alertchannel.address", "alerts_alertchannel.secret"},
    "backups/opening.py": {
        "backups_backuptarget.secret",
        "backups_backuptarget.key",
        "backups_formerplace.secret",
    },
    "branding/post.py": {"branding_postedmail.sealed"},
    "branding/senders.py": {"branding_sender.password"},
    "certificates/sealing.py": {
        "certificates_acmeaccount.binding_key",
        "certificates_acmeaccount.key",
        "certificates_acmeaccount.dns_secret",
        "certificates_certificate.order_key",
    },
    "fleet/services/certificates.py": {"fleet_certificate.key"},
    "instances/sealed.py": {"instances_instance.sealed", "instances_deployment.sealed"},
    "notifications/gateways.py": {"notifications_smsgateway.headers"},
    # In an archive only.
    "tenancy/hooks.py": set(),
    "tenants/erasing/traces.py": {"tenants_erasure.sealed"},
    "webhooks/secrets.py": {"webhooks_endpoint.secret", "webhooks_endpoint.old_secret"},
}


def test_every_column_that_is_encrypted_is_registered() -> None:
    files = (file for file in (ROOT / "apps").rglob("*.py") if file.stem != "resealing")
    found = {
        str(file.relative_to(ROOT / "apps"))
        for file in files
        if re.search(r"Cipher\(parse_keys", file.read_text())
    }
    assert found == SEALED.keys()
    assert {str(one) for one in sealed_columns()} == set().union(*SEALED.values())


def rotate(*args: Any) -> str:
    out = StringIO()
    call_command("rotate_field_keys", *args, stdout=out)
    return out.getvalue()


def test_a_key_is_changed_and_a_stop_half_way_loses_nothing(
    acme: Isp, db: None, settings: Any
) -> None:
    old, new, lost = (Secret(Fernet.generate_key().decode()) for _n in range(3))
    before, after = Cipher([old]), Cipher([new])
    settings.FIELD_KEYS = [old.reveal()]
    alice = person(acme.workspace, "alice")

    def secret(number: int | str, cipher: Cipher = before) -> str:
        return cipher.encrypt(f"secret {number}", context=PLACE)

    with operator():
        AlertChannel.objects.create(name="Chat", kind="slack", address=secret(0), place="x")
        assert list(_field_keys()) == []
    with schema_of(acme.workspace):
        Sender.objects.create(password=secret(1))
        rows = [
            Endpoint.objects.create(url=f"https://{n}.example", secret=secret(n)) for n in "12345"
        ]
        data = {"secret": secret(6), "migrated_codes": [secret(7)], "used_mask": 1}
        factor = Authenticator.objects.create(user=alice, type="totp", data=data)

    settings.FIELD_KEYS = [new.reveal(), old.reveal()]
    with operator():
        (found,) = _field_keys()
        assert (found.status, f"{acme.workspace} webhooks_endpoint.secret" in found.said) == (
            WARNING,
            True,
        )

    def stop(column: str, _count: int) -> None:
        if column == "webhooks_endpoint.secret":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reseal(acme.workspace, watch=stop, batch=2)
    with schema_of(acme.workspace):
        secrets = list(Endpoint.objects.order_by("pk").values_list("secret", flat=True))
        assert [after.is_current(one) for one in secrets] == [True, True, False, False, False]
        assert after.is_current(Sender.objects.get().password)

    def meddle(column: str, _count: int) -> None:
        """A process that still has the old keys writes behind what is read."""
        if column == "webhooks_endpoint.secret":
            Endpoint.objects.filter(pk=rows[4].pk).update(secret=secret(9))

    assert reseal(acme.workspace, watch=meddle, batch=2).old == {"webhooks_endpoint.secret": 1}
    with pytest.raises(CommandError, match="Not all is under the first key"):
        rotate(acme.workspace, "--check")
    said = rotate()
    assert f"{acme.workspace}: 1 encrypted anew" in said
    assert "the others can go" in said
    with schema_of(acme.workspace):
        texts = [
            after.decrypt(row.secret, context=PLACE) for row in Endpoint.objects.order_by("pk")
        ]
        assert texts == ["secret 1", "secret 2", "secret 3", "secret 4", "secret 9"]
        factor.refresh_from_db()
        assert after.decrypt(factor.data["secret"], context=PLACE) == "secret 6"
        assert after.decrypt(factor.data["migrated_codes"][0], context=PLACE) == "secret 7"
        assert factor.data["used_mask"] == 1
        events = Event.objects.filter(type="secrets.resealed")
        assert sum(one.data["count"] for one in events) == 9
        assert "gAAAA" not in str(list(events.values_list("data", flat=True)))
        with pytest.raises(CipherError):
            after.decrypt(Sender.objects.get().password, context="elsewhere")
        # What no key opens is named, and keeps nothing else from its turn.
        Endpoint.objects.filter(pk=rows[0].pk).update(secret=secret(1, Cipher([lost])))
    with operator():
        assert [one.status for one in _field_keys()] == [PROBLEM]
    with pytest.raises(CommandError, match="in 1 of"):
        rotate()
