"""Programs sign in by key."""

from rest_framework.authentication import BaseAuthentication


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`."""
