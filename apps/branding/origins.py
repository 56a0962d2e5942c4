"""What a mail carries so that its return tells from which schema it was, and to whom.

Receivers see the name of the schema, as they see its host. Who copies it into a report of their
own making can report the one address that they were written to.
"""

import hmac

from django.conf import settings

from apps.tenancy.kinds import current_schema

HEADER = "X-Origin"
_DIGEST, _LENGTH = "sha256", 40


def origin_for(address: str) -> str:
    """The header of a mail from the current schema to one address."""
    schema = current_schema()
    return f"{schema} {_proof(settings.SECRET_KEY, schema, address)}"


def origin_of(text: str, address: str) -> str:
    """The schema that a header names; empty where it is none of ours to that address."""
    schema, _space, proof = text.strip().partition(" ")
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    said = proof.encode()
    right = any(hmac.compare_digest(said, _proof(one, schema, address).encode()) for one in keys)
    return schema if right else ""


def _proof(key: str, schema: str, address: str) -> str:
    text = f"origin|{schema}|{address.strip().lower()}"
    return hmac.new(key.encode(), text.encode(), _DIGEST).hexdigest()[:_LENGTH]
