import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from dotmac.crypto.keys import KeyFormatError, SigningKey, VerifyKey


def test_a_key_pair_survives_its_pem():
    key = SigningKey.generate()
    assert SigningKey.from_pem(key.to_pem()).key_id == key.key_id
    assert SigningKey.from_pem(key.to_pem().reveal()).key_id == key.key_id
    assert VerifyKey.from_pem(key.public.to_pem()) == key.public


def test_the_key_id_is_the_same_for_both_halves_and_different_for_each_pair():
    one, other = SigningKey.generate(), SigningKey.generate()
    assert one.key_id == one.public.key_id != other.key_id
    assert one.public != other.public
    assert len({one.public, one.public, other.public}) == 2


def test_a_signing_key_prints_as_its_id_and_is_not_pickled():
    key = SigningKey.generate()
    assert repr(key) == f"SigningKey({key.key_id})"
    assert "PRIVATE" not in f"{key.to_pem()} {key!r} {key}"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def _elliptic():
    return ec.generate_private_key(ec.SECP256R1())


def _encrypted_pem():
    private = SigningKey.generate().private_key
    locked = BestAvailableEncryption(b"password")
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode()


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "hunter2",
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
        SigningKey.generate().public.to_pem(),
        _encrypted_pem(),
        _elliptic().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    ],
    ids=["empty", "word", "damaged", "public", "encrypted", "elliptic"],
)
def test_other_text_is_no_signing_key_and_is_not_repeated(pem):
    with pytest.raises(KeyFormatError) as refusal:
        SigningKey.from_pem(pem)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "pem",
    [
        "",
        SigningKey.generate().to_pem().reveal(),
        _elliptic()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    ],
    ids=["empty", "private", "elliptic"],
)
def test_other_text_is_no_verify_key(pem):
    with pytest.raises(KeyFormatError):
        VerifyKey.from_pem(pem)
