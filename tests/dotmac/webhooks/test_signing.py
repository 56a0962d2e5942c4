"""Webhooks are signed after Standard Webhooks, and believed only when they are fresh and whole."""

import time

import pytest

from dotmac.crypto.secret import Secret
from dotmac.webhooks import SignatureError, new_secret, sign, verify

# The example of the specification's own libraries.
SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def headers(signature: str = SIGNATURE, at: object = AT) -> dict[str, str]:
    return {"webhook-id": ID, "webhook-timestamp": str(at), "webhook-signature": signature}


def test_the_specification_s_example_is_signed_alike() -> None:
    assert sign(ID, AT, BODY, [SECRET]) == SIGNATURE
    verify(headers(), BODY, SECRET, now=AT)


def test_during_a_rotation_either_secret_fits() -> None:
    new, old = new_secret(), new_secret()
    both = sign(ID, AT, BODY, [new, old])
    assert len(both.split(" ")) == 2
    for secret in (new, old):
        verify(headers(both), BODY, secret, now=AT)


@pytest.mark.parametrize(
    ("given", "body", "now"),
    [
        (headers(), b'{"test": 2432232315}', AT),
        (headers("v1,AAAA"), BODY, AT),
        (headers("v2," + SIGNATURE[3:]), BODY, AT),
        (headers("v1,ü"), BODY, AT),
        (headers(at=AT + 1), BODY, AT),
        (headers(), BODY, AT + 301),
        (headers(), BODY, AT - 301),
        (headers(at="soon"), BODY, AT),
        ({}, BODY, AT),
        ({**headers(), "webhook-id": "msg_other"}, BODY, AT),
    ],
)
def test_what_is_changed_replayed_or_incomplete_is_refused(
    given: dict[str, str], body: bytes, now: int
) -> None:
    with pytest.raises(SignatureError):
        verify(given, body, SECRET, now=now)


def test_another_secret_does_not_fit() -> None:
    with pytest.raises(SignatureError, match="does not fit"):
        verify(headers(), BODY, new_secret(), now=AT)
    with pytest.raises(SignatureError, match="base64"):
        verify(headers(), BODY, Secret("whsec_*"), now=AT)


def test_secrets_differ_and_do_not_print() -> None:
    one, other = new_secret(), new_secret()
    assert one != other
    assert one.reveal().startswith("whsec_")
    assert "whsec_" not in f"{one!r} {one}"
    now = int(time.time())
    verify(headers(sign(ID, now, BODY, [one]), now), BODY, one)
