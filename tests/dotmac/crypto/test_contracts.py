import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from dotmac.crypto.contracts import (
    Grant,
    HandOff,
    SupportVisit,
    UsageReport,
    open_grant,
    open_hand_off,
    open_support_visit,
    open_usage_report,
    sign_grant,
    sign_hand_off,
    sign_support_visit,
    sign_usage_report,
)
from dotmac.crypto.keys import SigningKey
from dotmac.crypto.tokens import TokenError, sign

HOST = "acme.dotmac.test"
PLATFORM = "dotmac.test"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def alice():
    return HandOff(
        user_id="17", email="alice@acme.test", name="Alice", role="owner", next_path="/admin/"
    )


@pytest.fixture
def grant(tenant):
    return Grant(
        serial=4,
        tenant=tenant,
        schema="w_acme",
        mode="full",
        version="2026.3",
        issued_at=NOON,
        entitlements={"radius": True, "seats": 5, "support": "gold"},
        limits={"subscribers": 500, "storage": None},
        hostnames=("acme.apps.test", "isp.example"),
        brand={"title": "Acme Fiber"},
    )


@pytest.fixture
def report(tenant):
    return UsageReport(
        number=9, tenant=tenant, period="2026-03", meters={"active_subscribers": "412.5"}
    )


def test_a_hand_off_brings_the_user_to_the_named_host(platform_key, alice):
    token = sign_hand_off(alice, platform_key, host=HOST, issuer=PLATFORM)
    opened = open_hand_off(token, [platform_key.public], host=HOST, issuer=PLATFORM)
    assert opened.value == alice
    assert opened.claims.subject == "17"
    assert opened.claims.jti


def test_a_hand_off_says_how_the_person_signed_in(platform_key, alice):
    proven = replace(alice, amr=("pwd", "webauthn"))
    token = sign_hand_off(proven, platform_key, host=HOST, issuer=PLATFORM)
    assert open_hand_off(token, [platform_key.public], host=HOST).value.amr == ("pwd", "webauthn")


def test_a_hand_off_of_a_platform_before_that_still_opens(platform_key, alice):
    before = {"user_id": "17", "email": "a@b.test", "name": "", "role": "", "next_path": "/"}
    token = _sign(before, platform_key, purpose="hand-off", audience=HOST)
    assert open_hand_off(token, [platform_key.public], host=HOST).value.amr == ()


def test_a_hand_off_opens_on_no_other_host_and_not_late(platform_key, alice, noon):
    token = sign_hand_off(alice, platform_key, host=HOST, issuer=PLATFORM)
    with pytest.raises(TokenError) as elsewhere:
        open_hand_off(token, [platform_key.public], host="hilltop.dotmac.test")
    noon.shift(timedelta(seconds=66))
    with pytest.raises(TokenError) as late:
        open_hand_off(token, [platform_key.public], host=HOST)
    assert (elsewhere.value.reason, late.value.reason) == ("audience", "expired")


def test_a_hand_off_prints_no_personal_data(alice):
    assert "alice" not in repr(alice).lower()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "admin/",
        "//evil.test",
        "/\\evil.test",
        "/a\\b",
        "https://evil.test/",
        "javascript:alert(1)",
        "/a b",
        "/\t/evil.test",
        "/a\r\nSet-Cookie: b",
        "/a\n",
    ],
)
def test_a_hand_off_leads_nowhere_but_to_a_path_of_its_host(path):
    with pytest.raises(ValueError, match="next_path") as refusal:
        HandOff(user_id="1", email="a@b.test", next_path=path)
    assert "evil" not in str(refusal.value)


@pytest.mark.parametrize("path", ["/", "/admin/", "/a//b", "/suche?q=ü&x=1#top"])
def test_ordinary_paths_are_taken(path):
    assert HandOff(user_id="1", email="a@b.test", next_path=path).next_path == path


def test_a_grant_says_what_a_workspace_may_do(platform_key, grant, tenant):
    token = sign_grant(grant, platform_key, issuer=PLATFORM)
    opened = open_grant(token, [platform_key.public], tenant=tenant, issuer=PLATFORM)
    assert opened.value == grant
    assert opened.value.entitlements["radius"] is True
    assert opened.claims.expires_at == grant.valid_until == NOON + timedelta(days=14)


def test_a_grant_lasts_fourteen_days_and_then_reads_only(platform_key, grant, tenant, noon):
    token = sign_grant(grant, platform_key, issuer=PLATFORM)
    noon.shift(timedelta(days=13, hours=23))
    assert open_grant(token, [platform_key.public], tenant=tenant).value.mode == "full"
    noon.shift(timedelta(hours=2))
    with pytest.raises(TokenError) as refusal:
        open_grant(token, [platform_key.public], tenant=tenant)
    assert refusal.value.reason == "expired"
    assert grant.mode_at(NOON + timedelta(days=13)) == "full"
    assert grant.mode_at(NOON + timedelta(days=14)) == "read_only"


def test_a_grant_opens_for_its_own_tenant_only(platform_key, grant):
    token = sign_grant(grant, platform_key, issuer=PLATFORM)
    with pytest.raises(TokenError) as refusal:
        open_grant(token, [platform_key.public], tenant=uuid.uuid4())
    assert refusal.value.reason == "audience"


def test_a_grant_whose_inside_names_another_tenant_is_refused(platform_key, grant, tenant):
    payload = {
        "serial": 1,
        "tenant": str(uuid.uuid4()),
        "schema": "w_x",
        "mode": "full",
        "version": "1",
        "issued_at": NOON.isoformat(),
    }
    token = _sign(payload, platform_key, purpose="grant", audience=str(tenant))
    with pytest.raises(TokenError) as refusal:
        open_grant(token, [platform_key.public], tenant=tenant)
    assert refusal.value.reason == "audience"


def test_a_usage_report_is_believed_from_its_own_instance_only(report, tenant):
    own, other = SigningKey.generate(), SigningKey.generate()
    token = sign_usage_report(report, own, audience=PLATFORM)
    opened = open_usage_report(token, [own.public], tenant=tenant, audience=PLATFORM)
    assert opened.value == report
    with pytest.raises(TokenError) as other_key:
        open_usage_report(token, [other.public], tenant=tenant, audience=PLATFORM)
    with pytest.raises(TokenError) as other_tenant:
        open_usage_report(token, [own.public], tenant=uuid.uuid4(), audience=PLATFORM)
    assert (other_key.value.reason, other_tenant.value.reason) == ("key", "issuer")


@pytest.mark.parametrize("amount", ["", "-1", "1e3", "NaN", "1,5", ".5", "5.", " 5", "٥"])
def test_meters_are_plain_decimals(tenant, amount):
    with pytest.raises(ValueError, match="meters"):
        UsageReport(number=1, tenant=tenant, period="2026-03", meters={"calls": amount})


@pytest.mark.parametrize("period", ["2026", "2026-13", "2026-00", "2026-03-32", "March"])
def test_a_period_is_a_month_or_a_day(tenant, period):
    with pytest.raises(ValueError, match="period"):
        UsageReport(number=1, tenant=tenant, period=period, meters={})


def test_no_message_opens_as_another(platform_key, alice, grant, report, tenant):
    keys, same = [platform_key.public], str(tenant)
    tokens = {
        "hand-off": sign_hand_off(alice, platform_key, host=same, issuer=same),
        "grant": sign_grant(grant, platform_key, issuer=same),
        "usage-report": sign_usage_report(report, platform_key, audience=same),
    }
    openers = {
        "hand-off": lambda token: open_hand_off(token, keys, host=same),
        "grant": lambda token: open_grant(token, keys, tenant=tenant),
        "usage-report": lambda token: open_usage_report(token, keys, tenant=tenant, audience=same),
    }
    for made, token in tokens.items():
        for wanted, opener in openers.items():
            if made == wanted:
                assert opener(token)
                continue
            with pytest.raises(TokenError) as refusal:
                opener(token)
            assert refusal.value.reason == "purpose"


def test_fields_of_a_newer_platform_are_passed_over(platform_key, tenant):
    payload = {
        "serial": 1,
        "tenant": str(tenant),
        "schema": "w_acme",
        "mode": "full",
        "version": "2030.1",
        "issued_at": NOON.isoformat(),
        "telepathy": True,
    }
    token = _sign(payload, platform_key, purpose="grant", audience=str(tenant))
    assert open_grant(token, [platform_key.public], tenant=tenant).value.version == "2030.1"


@pytest.mark.parametrize(
    "payload",
    [{}, {"user_id": ""}, {"user_id": "1", "email": "a@b.test", "next_path": "//evil.test"}],
)
def test_an_incomplete_hand_off_is_refused_without_repeating_it(platform_key, payload):
    token = _sign(payload, platform_key, purpose="hand-off", audience=HOST)
    with pytest.raises(TokenError) as refusal:
        open_hand_off(token, [platform_key.public], host=HOST)
    assert refusal.value.reason == "malformed"
    assert "evil" not in str(refusal.value)


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "root"},
        {"serial": 0},
        {"schema": "w_acme; drop"},
        {"issued_at": NOON.replace(tzinfo=None)},
        {"tenant": "acme"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_grant_of_nonsense_cannot_be_made(tenant, change):
    fields = {
        "serial": 1,
        "tenant": tenant,
        "schema": "w_acme",
        "mode": "full",
        "version": "1",
        "issued_at": NOON,
    }
    with pytest.raises(ValueError, match=next(iter(change))):
        Grant(**fields | change)


def _sign(payload, key, *, purpose, audience):
    return sign(
        payload,
        key,
        purpose=purpose,
        audience=audience,
        issuer=PLATFORM,
        lifetime=timedelta(minutes=1),
    )


KEY = SigningKey.generate()
AMOUNTS = st.from_regex(r"\A[0-9]{1,24}(\.[0-9]{1,12})?\Z")


@given(
    number=st.integers(1, 2**53),
    tenant=st.uuids(),
    meters=st.dictionaries(st.text(max_size=30), AMOUNTS),
)
def test_every_report_opens_as_it_was_signed(number, tenant, meters):
    report = UsageReport(number=number, tenant=tenant, period="2026-03-01", meters=meters)
    token = sign_usage_report(report, KEY, audience=PLATFORM)
    opened = open_usage_report(token, [KEY.public], tenant=tenant, audience=PLATFORM)
    assert opened.value == report


def test_a_support_visit_is_opened_as_nothing_else(platform_key):
    visit = SupportVisit(
        visit=uuid.uuid4(),
        person=uuid.uuid4(),
        expires_at=NOON + timedelta(minutes=15),
        email="eve@dotmac.test",
        reason="Ticket 4711",
    )
    token = sign_support_visit(visit, platform_key, host=HOST, issuer=PLATFORM, state="0" * 64)
    opened = open_support_visit(token, [platform_key.public], host=HOST, issuer=PLATFORM)
    assert opened.value == visit
    assert opened.claims.payload["state"] == "0" * 64
    assert "eve@dotmac.test" not in repr(visit)
    with pytest.raises(TokenError) as refused:
        open_hand_off(token, [platform_key.public], host=HOST)
    assert refused.value.reason == "purpose"
    with pytest.raises(TokenError) as elsewhere:
        open_support_visit(token, [platform_key.public], host="initech.dotmac.test")
    assert elsewhere.value.reason == "audience"


def test_a_grant_of_before_says_nothing_of_who_belongs(grant, platform_key, tenant):
    member = uuid.uuid4()
    newer = replace(grant, members={member: "owner"}, visits=())
    for one in (grant, newer):
        token = sign_grant(one, platform_key, issuer=PLATFORM)
        assert open_grant(token, [platform_key.public], tenant=tenant).value == one
    assert (grant.members, grant.visits) == (None, None)
