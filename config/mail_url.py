"""Django's settings of a mail server, from one address."""

import re
from typing import Any

import dj_email_url
from django.core.exceptions import ImproperlyConfigured

# Without one, a server that takes the line and says nothing would hold a worker for ever.
TIMEOUT_S = 20
# What the library calls a server that has to speak STARTTLS, and one that is TLS from the start.
_STARTTLS = re.compile(r"\Asmtp\+tls:")
_TLS = re.compile(r"\Asmtp\+ssl:(.*)\Z", re.DOTALL)


def email_of(url: str) -> dict[str, Any]:
    """EMAIL_* of smtp+tls://user:password@host:587, and of whatever dj-email-url knows.

    ImproperlyConfigured for a scheme that nobody knows: without its backend passwords would leave
    unencrypted.
    """
    known = _TLS.sub(_asking_for_tls, _STARTTLS.sub("submission:", url))
    found: dict[str, Any] = dj_email_url.parse(known)
    if "EMAIL_BACKEND" not in found:
        raise ImproperlyConfigured(
            "EMAIL_URL has a scheme that is not known. Write smtp+tls://user:password@host:587."
        )
    return {**found, "EMAIL_TIMEOUT": found["EMAIL_TIMEOUT"] or TIMEOUT_S}


def _asking_for_tls(found: re.Match[str]) -> str:
    return f"smtp:{found[1]}{'&' if '?' in found[1] else '?'}ssl=1"
