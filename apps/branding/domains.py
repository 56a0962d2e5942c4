"""What the DNS says about a domain that mails are from: SPF, DKIM and DMARC.

RFC 7208, RFC 6376, RFC 7489. Which domain an organisation registered is in the Public Suffix List,
of which the library brings a copy. Each check says what is wrong and what to enter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import dns.exception
import dns.resolver
from django.utils.translation import gettext_noop as _
from publicsuffixlist import PublicSuffixList

from apps.branding import spf
from apps.branding.spf import Ask, spf_records
from apps.work.words import Words, read, words

OK, WARN, BAD, UNKNOWN = "ok", "warn", "bad", "idle"
# For one question. All of a domain's together are bounded by who asks (domain_state).
PATIENCE_S = 3.0


@dataclass(frozen=True)
class Check:
    """One check: its name, how it came out, what was found, and what to do."""

    name: str
    tone: str
    found: str
    said: Words

    @property
    def text(self) -> str:
        """What was found and what to do, in the language in force."""
        return read(self.said.kept())


class NoAnswerError(Exception):
    """No name server answered in time."""


def check_domain(
    domain: str, *, selector: str = "", addresses: Sequence[str] = (), ask: Ask | None = None
) -> list[Check]:
    """The three checks of a domain; `selector` is the name of its DKIM key.

    `addresses` are those IP addresses from which its mails really leave, where they are known.
    """
    ask = ask or records
    key = f"{selector}._domainkey.{domain}" if selector else ""
    return [
        _spf_of(domain, addresses, ask),
        _checked("DKIM", key, ask, _dkim),
        _dmarc_of(domain, ask),
    ]


def records(kind: str, name: str, patience_s: float = PATIENCE_S) -> list[str]:
    """The TXT, A, AAAA or MX records of a name, none where it has none; or NoAnswerError."""
    try:
        answer = dns.resolver.resolve(name, kind, lifetime=patience_s)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise NoAnswerError(name) from error
    return [_text_of(kind, row) for row in answer]


def _text_of(kind: str, row: Any) -> str:
    if kind == "TXT":
        return b"".join(row.strings).decode("utf-8", "replace")
    return str(row.exchange.to_text(omit_final_dot=True) if kind == "MX" else row.address)


def _checked(
    kind: str, name: str, ask: Ask, judge: Callable[[list[str]], tuple[str, str, str | Words]]
) -> Check:
    if not name:
        text = _("Enter the selector of your DKIM key to check it.")
        return Check(kind, UNKNOWN, "", words(text))
    try:
        found = ask("TXT", name)
    except NoAnswerError:
        return _unanswered(kind)
    tone, record, said = judge(found)
    return Check(kind, tone, record, said if isinstance(said, Words) else words(said))


def _unanswered(kind: str) -> Check:
    return Check(kind, UNKNOWN, "", words(_("No name server answered. Check it again in a while.")))


def _spf_of(domain: str, addresses: Sequence[str], ask: Ask) -> Check:
    """By what it says; and by whether it lets those send who do."""
    said = _checked("SPF", domain, ask, _spf)
    if said.tone in (BAD, UNKNOWN) or not addresses:
        return said
    try:
        results = {one: spf.check_host(one, domain, ask) for one in addresses}
    except NoAnswerError:
        return _unanswered("SPF")
    if spf.BROKEN in results.values():
        text = _("Receivers cannot evaluate it: a part is wrong, or it takes over ten look-ups.")
        return replace(said, tone=BAD, said=words(text))
    outside = [one for one, result in results.items() if result not in (spf.PASS, spf.UNKNOWN)]
    if outside:
        text = _("It does not name {addresses}, from which your mails leave. Add it, as {term}.")
        named = words(text, addresses=", ".join(outside), term=_term(outside[0]))
        return replace(said, tone=BAD, said=named)
    unsure = [one for one, result in results.items() if result == spf.UNKNOWN]
    if unsure:
        text = _(
            "{text} Whether it names {addresses} depends on a macro or on ptr, which cannot be"
            " judged here."
        )
        doubt = words(text, text=said.said, addresses=", ".join(unsure))
        return replace(said, said=doubt)
    if said.tone == OK:
        text = _("It names all the addresses from which your mails leave.")
        return replace(said, said=words(text))
    return said


def _term(address: str) -> str:
    return f"ip{6 if ':' in address else 4}:{address}"


def _spf(records: list[str]) -> tuple[str, str, str | Words]:
    found = spf_records(records)
    shown = "\n".join(found)
    if not found:
        return BAD, "", _("There is none. Enter a TXT record that names your mail server.")
    if len(found) > 1:
        return BAD, shown, _("There are several, which counts as none. Join them in one.")
    last = found[0].lower().split()[-1]
    if last in ("all", "+all", "?all"):
        return BAD, shown, _("It lets everybody send in your name. End it with -all or ~all.")
    if last not in ("-all", "~all") and not last.startswith("redirect="):
        return WARN, shown, _("It does not say what holds for all others. End it with -all.")
    return OK, shown, _("It says who may send in your name.")


def _dkim(records: list[str]) -> tuple[str, str, str | Words]:
    found = [row for row in records if "p=" in row.replace(" ", "")]
    shown = "\n".join(found)
    if not found:
        return BAD, "", _("There is no key by this selector. Enter the one of your mail server.")
    tags = _tags(found[0])
    if not tags.get("p"):
        return BAD, shown, _("This key was withdrawn. Enter the one of your mail server.")
    return OK, shown, _("Receivers can check your mail server’s signature.")


def _dmarc_of(domain: str, ask: Ask) -> Check:
    """By a record of its own; else that of the registered domain holds (RFC 7489, 6.6.3)."""
    own = _checked("DMARC", f"_dmarc.{domain}", ask, _dmarc)
    above = _list().privatesuffix(domain.lower()) or domain
    if own.found or own.tone == UNKNOWN or above == domain.lower():
        return own
    theirs = _checked("DMARC", f"_dmarc.{above}", ask, partial(_dmarc, tags=("sp", "p")))
    if not theirs.found:
        return theirs if theirs.tone == UNKNOWN else own
    text = _("This domain has none of its own, so that of {domain} holds. {text}")
    return replace(theirs, said=words(text, domain=above, text=theirs.said))


@lru_cache(maxsize=1)
def _list() -> PublicSuffixList:
    return PublicSuffixList()


def _dmarc(records: list[str], tags: Sequence[str] = ("p",)) -> tuple[str, str, str | Words]:
    """By the first of the tags that is there: `sp` is what a domain says of those below it."""
    found = [row for row in records if row.lower().replace(" ", "").startswith("v=dmarc1")]
    shown = "\n".join(found)
    if not found:
        return BAD, "", _("There is none. Enter v=DMARC1; p=none to begin with.")
    if len(found) > 1:
        return BAD, shown, _("There are several, which counts as none. Keep one.")
    said = _tags(found[0])
    tag = next((name for name in tags if said.get(name)), "p")
    policy = said.get(tag, "").lower()
    if policy in ("quarantine", "reject"):
        return OK, shown, _("Receivers refuse what only pretends to be from you.")
    if policy == "none":
        text = _("It only watches. Once reports look right, choose {tag}=quarantine.")
        return WARN, shown, words(text, tag=tag)
    return BAD, shown, _("It has no policy. Enter p=none, p=quarantine or p=reject.")


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, _equals, value in pairs}
