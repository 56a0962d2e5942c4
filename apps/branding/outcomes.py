"""Whether mail servers take mails: told to higher apps, which know what to do about it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused

# No such mailbox or domain, bad syntax, moved, no mail taken (RFC 3463, RFC 7505). Other refusals,
# as of a relay that is set up wrong, say nothing about the address.
_NO_SUCH_ADDRESS = re.compile(r"\s*5\.1\.(1|2|3|6|10)\b")
# A mailbox that is full, off, or takes no such message (RFC 3463, X.2): of others it says nothing.
_OF_ONE_MAILBOX = re.compile(r"\s*[45]\.2\.\d+\b")
# Whether the level's own server was asked, and why it did not take the mail; empty: it did.
Witness = Callable[[bool, str], None]
# Answers from here on are for good (RFC 5321, 4.2.1).
_FOR_GOOD = 500
_witnesses: list[Witness] = []
# An address that is none, and the code of the answer.
Refusal = Callable[[str, int], None]
_refusals: list[Refusal] = []


def when_sending_ends(witness: Witness) -> Witness:
    """Register what is done after each try to send a mail, in the schema that sends it."""
    _witnesses.append(witness)
    return witness


def when_no_address(refusal: Refusal) -> Refusal:
    """Register what is done about an address that is none, in the schema that wrote to it."""
    _refusals.append(refusal)
    return refusal


def note_no_address(error: SMTPRecipientsRefused) -> None:
    """Tell of addresses that are none (`names_no_address`). Outside of a transaction."""
    for address, (code, _why) in error.recipients.items():
        for refusal in _refusals:
            refusal(address, code)


@contextmanager
def note_sending(*, is_own: bool) -> Iterator[None]:
    """Tell how the block ends; what it raises is raised on."""
    try:
        yield
    except (OSError, SMTPException) as error:
        if not (names_no_address(error) or _is_of_one_mailbox(error)):
            _tell(is_own, reason_of(error))
        raise
    _tell(is_own, "")


def names_no_address(error: Exception) -> bool:
    """Whether the server is well, and only has no such addresses."""
    found = _answers(error)
    return bool(found) and all(
        code >= _FOR_GOOD and _NO_SUCH_ADDRESS.match(_text_of(why)) for code, why in found
    )


def _is_of_one_mailbox(error: Exception) -> bool:
    """Whether the server is well, and the mailboxes are not."""
    found = _answers(error)
    return bool(found) and all(_OF_ONE_MAILBOX.match(_text_of(why)) for _code, why in found)


def _answers(error: Exception) -> list[tuple[int, bytes | str]]:
    """What was answered of recipients, each with its code; empty where it was of none.

    Some look an address up only when they have read the mail.
    """
    if isinstance(error, SMTPRecipientsRefused):
        return list(error.recipients.values())
    if isinstance(error, SMTPDataError):
        return [(error.smtp_code, error.smtp_error)]
    return []


def reason_of(error: Exception) -> str:
    """What a server said, without addresses and without what it may repeat of a password."""
    if isinstance(error, SMTPRecipientsRefused):
        codes = sorted({code for code, _why in error.recipients.values()})
        return f"{type(error).__name__} {', '.join(map(str, codes))}"
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def _tell(is_own: bool, why: str) -> None:
    for witness in _witnesses:
        witness(is_own, why)


def _text_of(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
