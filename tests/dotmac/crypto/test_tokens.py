import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from dotmac.crypto.keys import SigningKey
from dotmac.crypto.tokens import MAXIMUM_LENGTH, TokenError, open_token, sign

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOST = "acme.dotmac.test"
ISSUER = "dotmac.test"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def _signed(key, **changes):
    settings = {"purpose": "grant", "audience": HOST, "issuer": ISSUER, "lifetime": MINUTE}
    return sign({"mode": "full"}, key, **settings | changes)


def _opened(token, *keys, **changes):
    settings = {"purpose": "grant", "audience": HOST, "issuer": ISSUER}
    return open_token(token, [key.public for key in keys], **settings | changes)


def _refusal(token, *keys, **changes):
    with pytest.raises(TokenError) as refusal:
        _opened(token, *keys, **changes)
    return refusal.value.reason


def _encode(part):
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _decode(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_an_honest_token_opens_with_what_was_signed(platform_key):
    claims = _opened(_signed(platform_key, subject="user 7"), platform_key)
    assert claims.payload == {"mode": "full"}
    assert (claims.subject, claims.issuer) == ("user 7", ISSUER)
    assert (claims.issued_at, claims.expires_at) == (NOON, NOON + MINUTE)
    assert claims.key_id == platform_key.key_id


def test_every_token_has_its_own_id(platform_key):
    ids = {_opened(_signed(platform_key), platform_key).jti for _ in range(20)}
    assert len(ids) == 20


def test_the_payload_stays_out_of_the_printed_claims(platform_key):
    assert "full" not in repr(_opened(_signed(platform_key), platform_key))


def test_during_a_key_change_both_keys_open(platform_key, stranger_key):
    for key in (platform_key, stranger_key):
        assert _opened(_signed(key), platform_key, stranger_key).key_id == key.key_id


def test_a_payload_cannot_overrule_the_claims(platform_key):
    token = sign(
        {"aud": "evil.test", "exp": 9999999999, "jti": "chosen"},
        platform_key,
        purpose="grant",
        audience=HOST,
        issuer=ISSUER,
        lifetime=MINUTE,
    )
    claims = _opened(token, platform_key)
    assert claims.jti != "chosen"
    assert claims.expires_at == NOON + MINUTE


def test_a_key_that_is_not_trusted_is_refused(platform_key, stranger_key):
    assert _refusal(_signed(stranger_key), platform_key) == "key"
    assert _refusal(_signed(platform_key)) == "key"


def test_a_stranger_who_borrows_the_trusted_key_id_is_refused(platform_key, stranger_key):
    header, body, _ = _signed(platform_key).split(".")
    forged = _encode(stranger_key.private_key.sign(f"{header}.{body}".encode()))
    assert _refusal(f"{header}.{body}.{forged}", platform_key) == "signature"


def test_an_unsigned_token_is_refused(platform_key):
    header, body, _ = _signed(platform_key).split(".")
    for algorithm in ("none", "None", "NONE", ""):
        bare = _encode(_decode(header) | {"alg": algorithm})
        assert _refusal(f"{bare}.{body}.", platform_key) == "signature"
    assert _refusal(f"{header}.{body}.", platform_key) == "signature"


@pytest.mark.parametrize("form", ["pem", "raw"])
def test_the_public_key_used_as_a_shared_secret_is_refused(platform_key, form):
    public = platform_key.public
    secret = public.to_pem().encode() if form == "pem" else public.public_key.public_bytes_raw()
    header, body, _ = _signed(platform_key).split(".")
    confused = _encode(_decode(header) | {"alg": "HS256"})
    seal = hmac.new(secret, f"{confused}.{body}".encode(), hashlib.sha256).digest()
    assert _refusal(f"{confused}.{body}.{_encode(seal)}", platform_key) == "signature"


def test_a_changed_payload_is_refused(platform_key):
    header, body, signature = _signed(platform_key).split(".")
    changed = _encode(_decode(body) | {"payload": {"mode": "unlimited"}})
    assert _refusal(f"{header}.{changed}.{signature}", platform_key) == "signature"


def test_a_changed_purpose_is_refused(platform_key):
    header, body, signature = _signed(platform_key, purpose="hand-off").split(".")
    changed = _encode(_decode(header) | {"typ": "dotmac-grant+jwt"})
    assert _refusal(f"{changed}.{body}.{signature}", platform_key) == "signature"


def test_a_key_that_comes_with_the_token_is_not_used(platform_key, stranger_key):
    header, body, _ = _signed(stranger_key).split(".")
    own = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": _encode(stranger_key.public.public_key.public_bytes_raw()),
    }
    headed = _encode(_decode(header) | {"jwk": own, "kid": platform_key.key_id})
    signature = _encode(stranger_key.private_key.sign(f"{headed}.{body}".encode()))
    assert _refusal(f"{headed}.{body}.{signature}", platform_key) == "signature"


def test_a_token_for_another_use_is_refused_even_when_all_else_is_wrong_too(platform_key, noon):
    token = _signed(platform_key, purpose="hand-off")
    assert _refusal(token, platform_key) == "purpose"
    noon.shift(timedelta(days=1))
    assert _refusal(token, platform_key, audience="other.test") == "purpose"


def test_another_audience_or_issuer_is_refused(platform_key):
    token = _signed(platform_key)
    assert _refusal(token, platform_key, audience="evil.test") == "audience"
    assert _refusal(token, platform_key, issuer="evil.test") == "issuer"


def test_a_token_for_many_audiences_is_refused(platform_key):
    assert _refusal(_signed(platform_key, audience=[HOST, "b.test"]), platform_key) == "audience"


def test_any_issuer_opens_where_none_is_asked_for(platform_key):
    assert _opened(_signed(platform_key), platform_key, issuer=None).issuer == ISSUER


def test_time_runs_out_after_the_lifetime_and_the_leeway(platform_key, noon):
    token = _signed(platform_key)
    noon.shift(MINUTE + timedelta(seconds=4))
    assert _opened(token, platform_key)
    assert _refusal(token, platform_key, leeway=timedelta(0)) == "expired"
    noon.shift(timedelta(seconds=2))
    assert _refusal(token, platform_key) == "expired"


def test_a_token_from_the_future_is_refused(platform_key):
    assert _refusal(_signed(platform_key, issued_at=NOON + MINUTE), platform_key) == "early"


@pytest.mark.parametrize("claim", ["jti", "aud", "iss", "iat", "exp", "payload"])
def test_a_token_that_lacks_a_claim_is_refused(platform_key, claim):
    body = _decode(_signed(platform_key).split(".")[1])
    del body[claim]
    assert _refusal(_raw(platform_key, body), platform_key) in {"malformed", "audience", "issuer"}


@pytest.mark.parametrize(
    "change",
    [
        {"payload": "text"},
        {"payload": [["a"]]},
        {"iat": "soon"},
        {"iat": -1e300},
        {"exp": 1e300},
        {"exp": "never"},
        {"exp": None},
        {"jti": 7},
    ],
    ids=str,
)
def test_claims_of_another_kind_are_refused(platform_key, change):
    body = _decode(_signed(platform_key).split(".")[1]) | change
    assert _refusal(_raw(platform_key, body), platform_key) == "malformed"


def _raw(key, body):
    headers = {"kid": key.key_id, "typ": "dotmac-grant+jwt"}
    return jwt.api_jws.encode(
        json.dumps(body).encode(), key.private_key, algorithm="EdDSA", headers=headers
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "é.ü.ß",
        "\x00" * 9,
        "x" * (MAXIMUM_LENGTH + 1),
        "e30.e30.",
        f"{_encode([1])}.e30.",
        f"{_encode(b'[' * 20000)}.e30.",
        f"{_encode({'alg': 'EdDSA', 'kid': 7})}.e30.",
    ],
    ids=range(11),
)
def test_text_that_is_no_token_is_refused(platform_key, text):
    assert _refusal(text, platform_key) in {"malformed", "signature"}


@pytest.mark.parametrize(
    ("purpose", "words"),
    [("hand-off", "sign-in link"), ("grant", "grant"), ("invitation", "signed message")],
)
def test_the_message_tells_a_user_what_to_do(platform_key, noon, purpose, words):
    token = _signed(platform_key, purpose=purpose)
    noon.shift(timedelta(hours=1))
    with pytest.raises(TokenError, match=f"This {words} has expired. Ask for a new one."):
        _opened(token, platform_key, purpose=purpose)


KEY = SigningKey.generate()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(payload=st.dictionaries(st.text(), JSON), subject=st.text())
def test_any_json_comes_out_as_it_went_in(payload, subject):
    token = sign(
        payload, KEY, purpose="x", audience="a", issuer="i", lifetime=MINUTE, subject=subject
    )
    claims = open_token(token, [KEY.public], purpose="x", audience="a")
    assert claims.payload == payload
    assert claims.subject == subject


@given(position=st.integers(0), letter=st.sampled_from("AbZ09-_."))
def test_no_changed_letter_goes_unnoticed(position, letter):
    token = sign({"a": 1}, KEY, purpose="x", audience="a", issuer="i", lifetime=MINUTE)
    # The last letter carries four bits that base64 throws away.
    position %= len(token) - 1
    if token[position] != letter:
        changed = token[:position] + letter + token[position + 1 :]
        with pytest.raises(TokenError):
            open_token(changed, [KEY.public], purpose="x", audience="a")
