"""Answers that hold a secret: whole in the first answer, never again and nowhere kept.

    secret = ShownOnceField()  # in the serializer that describes the answer
    return SecretResponse(shown, {"secret": made}, status=201)

An idempotency key repeats such an answer with null in its place, and a header names the fields.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.response import Response

from dotmac.crypto.secret import Secret

OMITTED = "Idempotent-Omitted"


class ShownOnceField(serializers.CharField):
    """A secret in an answer."""

    def __init__(self, **options: Any) -> None:
        own = {
            "read_only": True,
            "allow_null": True,
            "help_text": _(
                "Shown this once: null where an idempotency key repeats the answer. Make a new one"
                " if it was lost."
            ),
        }
        super().__init__(**{**own, **options})


class SecretResponse(Response):
    """An answer with secrets in it, by the names of their fields."""

    def __init__(
        self, shown: Mapping[str, Any], secrets: Mapping[str, Secret], *, status: int = 200
    ) -> None:
        opened = {name: secret.reveal() for name, secret in secrets.items()}
        # No cache between us and the program keeps it either.
        super().__init__({**shown, **opened}, status=status, headers={"Cache-Control": "no-store"})
        self.secret_fields = tuple(secrets)


def secret_fields_of(response: Response) -> tuple[str, ...]:
    """The fields of an answer that hold secrets, or held them before it was repeated."""
    found: tuple[str, ...] = getattr(response, "secret_fields", ())
    return found


def to_be_kept(response: Response) -> Any:
    """What may be stored of an answer."""
    hidden = secret_fields_of(response)
    return {**response.data, **dict.fromkeys(hidden)} if hidden else response.data


def to_be_compared(response: Response) -> Any:
    """The resource without what only this answer shows, so that its version is that of the rest."""
    hidden = secret_fields_of(response)
    if not hidden:
        return response.data
    return {name: value for name, value in response.data.items() if name not in hidden}


def repeated(body: Any, status: int, omitted: list[str], headers: dict[str, str]) -> Response:
    """A kept answer once more, which says what it lacks."""
    more = {OMITTED: ", ".join(omitted)} if omitted else {}
    response = Response(body, status=status, headers={**headers, **more})
    response.secret_fields = tuple(omitted)  # type: ignore[attr-defined]
    return response
