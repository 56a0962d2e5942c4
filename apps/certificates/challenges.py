"""Publishing what proves a name, and taking it back."""

import structlog

from apps.certificates.constants import DNS_PATIENCE_S
from apps.certificates.models import Certificate, ChallengeAnswer
from apps.certificates.turns import Turn
from dotmac.acme import DNS, AcmeError, Authorisation, Challenge
from dotmac.dns import DnsError, wait_until_visible
from dotmac.dns.lookup import nameservers_of, txt_of

log = structlog.get_logger(__name__)
_PENDING, _VALID = "pending", "valid"


def prove(turn: Turn, authorisations: list[Authorisation]) -> None:
    """Publish all that is still to be proved, wait until it is seen, then say so.

    A name that was said to be published before is published again: its record may be gone.
    """
    asked = [(one, _wanted(turn, one)) for one in authorisations if one.status == _PENDING]
    for authorisation, challenge in asked:
        publish(turn, authorisation, challenge)
    new = [pair for pair in asked if pair[1].status == _PENDING]
    if turn.row.challenge == DNS:
        for authorisation, challenge in new:
            wait_until_visible(
                authorisation.record,
                challenge.text,
                turn.account.nameservers,
                seconds=DNS_PATIENCE_S,
                meanwhile=turn.lease.assert_held,
            )
    for _authorisation, challenge in new:
        turn.lease.assert_held()
        turn.wire.answer(challenge)


def publish(turn: Turn, authorisation: Authorisation, challenge: Challenge) -> None:
    """Have it answered over HTTP or in the DNS; noted first, so that it is taken back for sure."""
    is_dns = challenge.kind == DNS
    with turn.lease.atomic():
        ChallengeAnswer.objects.get_or_create(
            certificate=turn.row,
            kind=challenge.kind,
            name=authorisation.record if is_dns else authorisation.name,
            text=challenge.text,
            defaults={"token": "" if is_dns else challenge.token},
        )
    if is_dns:
        if turn.provider is None:
            raise DnsError("No DNS server is set up any more, and wildcards need one.")
        turn.lease.assert_held()
        turn.provider.add_txt(authorisation.record, challenge.text)


def take_back(turn: Turn) -> None:
    """Remove what was published; what the DNS does not give back now is tried at the next look."""
    for answer in ChallengeAnswer.objects.filter(certificate=turn.row).order_by("pk"):
        if answer.kind == DNS and turn.provider is not None:
            turn.lease.assert_held()
            try:
                turn.provider.remove_txt(answer.name, answer.text)
            except DnsError as error:
                log.warning("challenge_left", name=answer.name, error=error.message)
                continue
        with turn.lease.atomic():
            answer.delete()


def cause_of(turn: Turn, authorisations: list[Authorisation], otherwise: str) -> str:
    """Why an order failed: which names, what the authority said, and what is seen from here."""
    failed = [one for one in authorisations if one.status not in (_PENDING, _VALID)]
    said = [_said(turn, one) for one in failed if one.error]
    return " ".join(said) or otherwise or "The authority gave the order up without a reason."


def _said(turn: Turn, authorisation: Authorisation) -> str:
    text = f"{authorisation.shown_name}: {authorisation.error.rstrip('.')}."
    if turn.row.challenge != DNS:
        return text
    return f"{text} {_seen(turn, authorisation.record)}".rstrip()


def _seen(turn: Turn, record: str) -> str:
    """What the zone's servers have: tells a wrong delegation from a record that is missing."""
    servers = turn.account.nameservers or nameservers_of(record)
    try:
        found = txt_of(record, servers)
    except DnsError as error:
        return error.message
    if not found:
        return f"No resolver here knows the servers of {record}."
    has = [f"{server} has {', '.join(values) or 'none'}" for server, values in found.items()]
    return f"TXT records of {record}: {'; '.join(has)}."


def _wanted(turn: Turn, authorisation: Authorisation) -> Challenge:
    challenge = authorisation.by(turn.row.challenge)
    if challenge is None:
        kind = Certificate.Challenge(turn.row.challenge).value
        text = f"The authority offers no {kind} for {authorisation.shown_name}."
        raise AcmeError(text, permanent=True)
    return challenge
