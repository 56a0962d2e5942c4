"""Whether the settings of this installation are safe, and what it needs besides the database."""

from collections.abc import Iterator

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core.health import SOON_S, Finding, check, problem, warning
from apps.core.mailbox import has_server

_SHORTEST_KEY, _FEWEST_LETTERS = 50, 5
_HOSTS = "apps.tenancy.middleware.HostMiddleware"


@check("settings.secrets", _("Secret keys"), runbook="stolen-key", needs_database=False)
def _secrets() -> Iterator[Finding]:
    key = settings.SECRET_KEY
    if key.startswith("insecure-"):
        yield problem(
            gettext_noop("SECRET_KEY is the one that everybody knows."),
            gettext_noop("Set SECRET_KEY to 50 random characters, then start all processes anew."),
        )
    elif len(key) < _SHORTEST_KEY or len(set(key)) < _FEWEST_LETTERS:
        yield warning(
            gettext_noop("SECRET_KEY is shorter than 50 characters, or has few different ones."),
            gettext_noop(
                "Set SECRET_KEY to 50 random characters, and put the old one into"
                " SECRET_KEY_FALLBACKS for two weeks and into EVENT_KEY_FALLBACKS for good."
            ),
        )
    if settings.SECRET_KEY_FALLBACKS:
        yield warning(
            gettext_noop("Old secret keys are still accepted ({count} in SECRET_KEY_FALLBACKS)."),
            gettext_noop(
                "Two weeks after a change of SECRET_KEY, at once if it was leaked, move the old one"
                " from SECRET_KEY_FALLBACKS to EVENT_KEY_FALLBACKS. There it stays: it proves event"
                " logs, and does nothing else."
            ),
            count=len(settings.SECRET_KEY_FALLBACKS),
        )
    if not settings.FIELD_KEYS:
        yield problem(
            gettext_noop("FIELD_KEYS is empty, so that nothing secret can be stored or read."),
            gettext_noop("Set FIELD_KEYS to the Fernet keys of this installation, newest first."),
        )


@check("settings.serving", _("Settings of the web"), runbook="stolen-key", needs_database=False)
def _serving() -> Iterator[Finding]:
    if settings.DEBUG:
        yield problem(
            gettext_noop("DEBUG is on: pages of errors show source text and settings."),
            gettext_noop("Unset DEBUG, then start the web processes anew."),
        )
    if "*" in settings.ALLOWED_HOSTS and _HOSTS not in settings.MIDDLEWARE:
        yield problem(
            gettext_noop("Requests for any host name are answered."),
            gettext_noop("Put {middleware} back into MIDDLEWARE: it knows the tenants' hosts."),
            middleware=_HOSTS,
        )
    yield from _cookies()
    if settings.ALLAUTH_TRUSTED_PROXY_COUNT < 1:
        yield warning(
            gettext_noop("The edge is not trusted to name who asks (TRUSTED_PROXY)."),
            gettext_noop(
                "Set ALLAUTH_TRUSTED_PROXY_COUNT to the proxies before the web processes: with 0,"
                " all visitors share one limit of tries."
            ),
        )


def _cookies() -> Iterator[Finding]:
    is_secure = settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE
    if settings.PLATFORM_SCHEME == "https" and not is_secure and not settings.DEVELOPMENT:
        yield problem(
            gettext_noop("Cookies also leave without encryption."),
            gettext_noop("Set SECURE_COOKIES=1, then start the web processes anew."),
        )
    if settings.PLATFORM_SCHEME != "https" and not settings.DEVELOPMENT:
        yield problem(
            gettext_noop("The addresses of the platform are not encrypted (PLATFORM_SCHEME)."),
            gettext_noop("Set PLATFORM_SCHEME=https once the edge has a certificate."),
        )


@check("redis", _("Redis"), runbook="redis-away", every_s=SOON_S, needs_database=False)
def _redis() -> Iterator[Finding]:
    """Only where the installation has one."""
    if not settings.REDIS_URL:
        return
    # The counted tries fall back to this process's memory; here the fall is what is looked for.
    backend = getattr(cache, "far", cache)
    try:
        backend.get("doctor")
    except Exception as error:
        yield problem(
            gettext_noop("Redis does not answer: {error}"),
            gettext_noop(
                "Start Redis, or unset REDIS_URL. Meanwhile each web process counts tries and"
                " limits by itself."
            ),
            error=type(error).__name__,
        )


@check("mail.server", _("Mail server"), runbook="mails-do-not-leave", needs_database=False)
def _mail_server() -> Iterator[Finding]:
    advice = gettext_noop("Set EMAIL_URL, as smtp+tls://user:password@mail.example:587.")
    if not has_server():
        text = gettext_noop(
            "No mail server is set: only who has a sender of their own sends mails."
        )
        yield warning(text, advice)
    elif settings.EMAIL_BACKEND == settings.MAILBOX:
        text = gettext_noop("No mail server is set: mails lie in the mailbox of this machine.")
        yield warning(text, advice)
