"""One POST: within its deadline, to whom it may be sent, whatever the other side does."""

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dotmac.crypto.local_ca import ensure_certificate, ensure_local_ca
from dotmac.net import OutOfReachError, Reach
from dotmac.webhooks import Message, send
from dotmac.webhooks.sending import ANSWER_BYTES, check_url
from tests.dotmac.webhooks.receiver import Receiver, closed_port, receiving

HERE = Reach.of(["127.0.0.0/8"])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that receives."""
    with receiving() as made:
        yield made


def message(url: str) -> Message:
    return Message(url, b'{"n": 1}', {"webhook-id": "evt_1"})


def test_a_message_arrives_whole(receiver: Receiver) -> None:
    answer = send(message(receiver.url), HERE)
    assert (answer.status, answer.is_ok, answer.error) == (200, True, "")
    assert answer.text == "thank you"
    ((path, head, body),) = receiver.got
    assert (path, body) == ("/hook?x=1", b'{"n": 1}')
    assert head["webhook-id"] == "evt_1"
    assert head["content-type"] == "application/json"
    assert head["host"].startswith("127.0.0.1:")


@pytest.mark.parametrize("way", ["hang", "drip"])
def test_one_that_hangs_or_drips_is_cut_off(receiver: Receiver, way: str) -> None:
    receiver.always = way
    began = time.monotonic()
    answer = send(message(receiver.url), HERE, timeout_s=0.5)
    assert time.monotonic() - began < 2
    assert (answer.status, answer.error) == (None, "It did not answer in time.")


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver with TLS, whose certificate is trusted."""
    ca = ensure_local_ca(tmp_path)
    ensure_certificate(ca, tmp_path, ["localhost", "127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    trusting.check_hostname = False
    monkeypatch.setattr("dotmac.webhooks.sending._context", lambda: trusting)
    with receiving(context) as made:
        yield made


@pytest.mark.parametrize("way", ["hang", "drip"])
def test_the_deadline_holds_under_tls_too(secure: Receiver, way: str) -> None:
    assert send(message(secure.url), HERE).is_ok
    secure.always = way
    began = time.monotonic()
    answer = send(message(secure.url), HERE, timeout_s=0.5)
    assert time.monotonic() - began < 2
    assert (answer.status, answer.error) == (None, "It did not answer in time.")


def test_a_redirect_inside_is_not_followed(receiver: Receiver) -> None:
    with receiving() as inside:
        receiver.ways = [f"redirect {inside.url}"]
        answer = send(message(receiver.url), HERE)
        assert inside.got == []
    assert (answer.status, answer.is_ok) == (302, False)
    assert "redirects are not followed" in answer.error


def test_a_flood_is_not_read(receiver: Receiver) -> None:
    receiver.ways = ["200 flood"]
    answer = send(message(receiver.url), HERE)
    assert answer.is_ok
    assert len(answer.text) == ANSWER_BYTES


def test_what_goes_wrong_is_told(receiver: Receiver) -> None:
    receiver.ways = ["500", "nonsense"]
    assert send(message(receiver.url), HERE).error == "It answered 500."
    assert "failed: " in send(message(receiver.url), HERE).error
    gone = send(message(f"http://127.0.0.1:{closed_port()}/"), HERE)
    assert (gone.status, gone.error) == (None, "Nothing listens there.")
    tls = send(message(receiver.url.replace("http:", "https:")), HERE)
    assert "TLS is not valid" in tls.error


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://user:secret@example.org/",
        "https:///nowhere",
        "file:///etc/passwd",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost:5432/",
    ],
)
def test_what_may_not_be_reached_is_not_sent_to(url: str) -> None:
    with pytest.raises(OutOfReachError):
        check_url(url, Reach())
    answer = send(message(url), Reach())
    assert answer.status is None
    assert answer.error


def test_plain_http_only_in_networks_that_the_operator_listed(receiver: Receiver) -> None:
    check_url(receiver.url, HERE)
    check_url(receiver.url, Reach(everything=True))
    with pytest.raises(OutOfReachError, match="https"):
        check_url(receiver.url, Reach())
