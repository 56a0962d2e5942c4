"""The high-water mark of each log: its newest link, signed, and kept outside of its schema.

A log whose end was cut back to an older signed checkpoint is whole by itself; the mark, which
only ever moves on from the end that it stands at, tells that there was more.
"""

import structlog
from django.utils import timezone

from apps.events.signing import is_signature, signature
from apps.tenancy.kinds import current_schema
from apps.work.models import Mark

log = structlog.get_logger(__name__)
End = tuple[int, str]
_PURPOSE = "mark"


def move_mark(begun: End, ended: End) -> None:
    """Move the mark of the current schema along with the end of its chain.

    It stays where it is when the chain does not go on from there: moving it would hide that.
    """
    number, chain = ended
    schema = current_schema()
    facts = {"number": number, "chain": chain, "signature": _signature(schema, number, chain)}
    moved = Mark.objects.filter(schema=schema, number=begun[0], chain=begun[1])
    if moved.update(**facts, at=timezone.now()):
        return
    _row, is_new = Mark.objects.get_or_create(schema=schema, defaults=facts)
    if not is_new:
        log.error("event_log_behind_its_mark", schema=schema, found=begun[0])


def force_mark(end: End) -> None:
    """Put the mark of the current schema at an end that somebody accepted (accepting)."""
    number, chain = end
    schema = current_schema()
    facts = {"number": number, "chain": chain, "signature": _signature(schema, number, chain)}
    Mark.objects.filter(schema=schema).update(**facts, at=timezone.now())


def mark() -> Mark | None:
    """The mark of the current schema; None before anything was sealed here."""
    return Mark.objects.filter(schema=current_schema()).first()


def is_genuine(row: Mark) -> bool:
    """Whether this installation signed a mark, with its present secret or one of before."""
    return is_signature(_PURPOSE, _signed_text(row.schema, row.number, row.chain), row.signature)


def _signature(schema: str, number: int, chain: str) -> str:
    return signature(_PURPOSE, _signed_text(schema, number, chain))


def _signed_text(schema: str, number: int, chain: str) -> str:
    return f"{schema}:{number}:{chain}"
