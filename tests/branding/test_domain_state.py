"""The DNS of a sender is asked daily: what it says is kept, and told where it becomes worse."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils.translation import override

from apps.branding.checkups import _domain as domain_checkup
from apps.branding.domains import NoAnswerError
from apps.branding.hooks import _look_at_domain
from apps.branding.models import DomainState
from apps.core.health import PROBLEM, WARNING, Finding
from apps.notifications.models import Notification
from apps.tenancy.kinds import operator, schema_of
from apps.work.models import Due
from apps.work.words import words
from tests.accounts.browser import text_of
from tests.api.conftest import Program, key_in
from tests.conftest import Isp
from tests.notifications.conftest import show_events
from tests.pages.conftest import signed_in

PAGE = "/admin/branding/sender/"
GOOD = {
    "TXT acme.example": ["v=spf1 ip4:192.0.2.10 -all"],
    "TXT s1._domainkey.acme.example": ["v=DKIM1; p=MIGf"],
    "TXT _dmarc.acme.example": ["v=DMARC1; p=reject"],
}
WORDS = {
    "address": "billing@acme.example",
    "dkim_selector": "s1",
    "sending_addresses": "192.0.2.10",
    "port": 587,
    "security": "starttls",
    "version": 0,
}


@pytest.fixture
def zone(run_due: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the DNS says; None where no server answers."""
    known: dict[str, Any] = dict(GOOD)

    def records(kind: str, name: str, _patience_s: float) -> list[str]:
        assert len(connection.savepoint_ids) == AT_REST[0], "asked inside of a transaction"
        found = known.get(f"{kind} {name}", [])
        if found is None:
            raise NoAnswerError(name)
        return list(found)

    AT_REST[0] = len(connection.savepoint_ids)
    monkeypatch.setattr("apps.branding.domain_state.records", records)
    return known


# How deep the test's own transaction is.
AT_REST = [0]


def test_day_by_day_it_is_kept_shown_and_told(
    acme: Isp, zone: dict[str, Any], run_due: Callable[[], list[str]]
) -> None:
    alice = signed_in(acme.workspace_host, acme.workspace, "alice@acme.example")
    desk = Program(
        acme.workspace_host, key_in(acme.workspace, "ada@acme.example", is_superuser=True)
    )

    def next_day() -> list[str]:
        """Let the daily work be done; returns the kinds of what people were told."""
        Due.objects.filter(kind="mail.domain").update(due_at="2026-01-01T00:00Z")
        run_due()
        show_events(acme.workspace)
        with schema_of(acme.workspace):
            told = Notification.objects.filter(
                kind__startswith="mail_domain", user__email="alice@acme.example"
            )
            return list(told.order_by("pk").values_list("kind", flat=True))

    bad = text_of(alice.post(PAGE, {**WORDS, "sending_addresses": "192.0.2.300"}))
    assert "is no IP address" in bad
    assert alice.post(PAGE, WORDS).status_code == 302
    assert next_day() == []
    page = text_of(alice.get(PAGE))
    assert "v=spf1 ip4:192.0.2.10 -all" in page
    assert "names all the addresses" in page
    shown = desk.get("sender/").json()["domain"]
    assert [one["verdict"] for one in shown["checks"]] == ["ok", "ok", "ok"]
    assert (shown["name"], shown["silent_since"]) == ("acme.example", None)

    # A name server that is away changes nothing, and is named.
    zone["TXT acme.example"] = None
    assert next_day() == []
    assert "Since" in text_of(alice.get(PAGE))
    silent = desk.get("sender/").json()["domain"]
    assert (silent["checks"], silent["checked_at"]) == (shown["checks"], shown["checked_at"])
    assert silent["silent_since"]

    zone["TXT acme.example"] = ["v=spf1 ip4:198.51.100.7 -all"]
    worse = ["mail_domain.worsened"]
    # Once, however many days.
    assert next_day() == worse
    assert next_day() == worse
    assert desk.get("sender/").json()["domain"]["checks"][0]["verdict"] == "bad"
    zone.update(GOOD)
    assert alice.post(f"{PAGE}domain/").status_code == 302
    assert next_day() == [*worse, "mail_domain.recovered"]

    # Of another domain nothing is known, and without one nobody asks.
    alice.post(PAGE, {**WORDS, "address": "billing@other.example", "version": 1})
    assert desk.get("sender/").json()["domain"] is None
    alice.post(PAGE, {**WORDS, "address": "", "version": 2})
    next_day()
    assert Due.objects.get(kind="mail.domain").state == "done"


def test_the_doctor_names_the_operator_s_own(
    zone: dict[str, Any], run_due: Callable[[], list[str]], settings: Any
) -> None:
    with operator():
        # Where it is developed there is none.
        _look_at_domain()
        assert (list(domain_checkup()), Due.objects.count()) == ([], 0)
        settings.DEFAULT_FROM_EMAIL = "DotMac <no-reply@acme.example>"
        settings.MAIL_SENDING_ADDRESSES, settings.MAIL_DKIM_SELECTOR = ["192.0.2.9"], "s1"
        assert [one.status for one in domain_checkup()] == [WARNING]
        # Begun once a day where nobody asks yet.
        _look_at_domain()
    run_due()
    with operator():
        (found,) = domain_checkup()
        assert (found.status, found.is_told) == (PROBLEM, True)
        assert "SPF of acme.example: It does not name 192.0.2.9" in found.said
        # What the DNS says is read in the reader's language, not in that of whoever looked.
        row = DomainState.objects.get()
        DomainState.objects.update(answers={**row.answers, "TXT acme.example": []})
        (found, *_others) = domain_checkup()
        again = Finding(**found.kept())
        assert "There is none. Enter a TXT record" in again.said
        with override("fr"):
            assert "Saisissez un enregistrement TXT" in again.said
            assert str(words(again.text, **again.values)) == again.text.format(
                check="SPF",
                domain="acme.example",
                why="There is none. Enter a TXT record that names your mail server.",
            )
        assert DomainState.objects.get().told_at
