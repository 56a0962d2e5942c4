"""Whether mail servers take mails: told to higher apps, which know what to do about it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused

# No such mailbox or domain, bad syntax, moved, no mail taken (RFC 3463, RFC 7505). Other refusals,
# as of a relay that is set up wrong, say nothing about the address.
_NO_SUCH_ADDRESS = re.compile(r"\s*5\.1\.(1|2|3|6|10)\b")
# Whether the level's own server was asked, and why it did not take the mail; empty: it did.
Witness = Callable[[bool, str], None]
_witnesses: list[Witness] = []


def when_sending_ends(witness: Witness) -> Witness:
    """Register what is done after each try to send a mail, in the schema that sends it."""
    _witnesses.append(witness)
    return witness


@contextmanager
def note_sending(*, is_own: bool) -> Iterator[None]:
    """Tell how the block ends; what it raises is raised on."""
    try:
        yield
    except (OSError, SMTPException) as error:
        if not names_no_address(error):
            _tell(is_own, reason_of(error))
        raise
    _tell(is_own, "")


def names_no_address(error: Exception) -> bool:
    """Whether the server is well, and only has no such addresses."""
    if isinstance(error, SMTPRecipientsRefused):
        answers: list[tuple[int, bytes | str]] = list(error.recipients.values())
    elif isinstance(error, SMTPDataError):
        # Some look the address up only when they have read the mail.
        answers = [(error.smtp_code, error.smtp_error)]
    else:
        return False
    return all(code >= 500 and _NO_SUCH_ADDRESS.match(_text_of(why)) for code, why in answers)


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
