import copy
import dataclasses
import json
import logging
import pickle

import pytest

from dotmac.crypto.secret import Secret, generate_secret


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{0!r}".format,
        "{:>40}".format,
        lambda secret: f"{secret}",
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031
        lambda secret: str([secret, {"key": secret}]),
    ],
)
def test_a_secret_shows_itself_in_no_form_of_text(show):
    assert "hunter2" not in show(Secret("hunter2"))


def test_a_secret_is_revealed_only_on_request():
    assert Secret("hunter2").reveal() == "hunter2"


def test_a_log_line_and_a_dataclass_keep_it(caplog):
    @dataclasses.dataclass
    class Login:
        password: Secret

    with caplog.at_level(logging.INFO):
        logging.getLogger("login").info("trying %s", Login(Secret("hunter2")))
    assert "hunter2" not in caplog.text
    assert "[secret]" in caplog.text


@pytest.mark.parametrize(
    "leak", [json.dumps, pickle.dumps, "".join, lambda secret: "a" + secret, bytes]
)
def test_what_would_store_it_in_clear_fails(leak):
    with pytest.raises(TypeError):
        leak(Secret("hunter2"))


def test_secrets_compare_by_their_text():
    assert Secret("hunter2") == Secret("hunter2")
    assert Secret("hunter2") != Secret("hunter3")
    assert Secret("hunter2") != "hunter2"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert not Secret("")


def test_it_cannot_be_changed_and_is_its_own_copy():
    secret = Secret("hunter2")
    with pytest.raises(AttributeError):
        secret._text = "other"
    assert copy.deepcopy({"key": secret})["key"] is secret
    assert copy.copy(secret) is secret
    assert Secret(secret) == secret


def test_generated_secrets_have_the_length_asked_for_and_differ():
    one, other = generate_secret(32), generate_secret(32)
    assert one != other
    assert len(one.reveal()) == 43


def test_a_secret_short_enough_to_guess_is_refused():
    with pytest.raises(ValueError, match="guessed"):
        generate_secret(8)
