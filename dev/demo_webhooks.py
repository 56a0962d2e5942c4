"""A webhook with weeks of deliveries behind it, for a demonstration; paused, so nothing leaves."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction

from apps.events.actors import Actor
from apps.events.models import Event
from apps.webhooks import services
from apps.webhooks.models import Attempt, Delivery, Endpoint
from apps.webhooks.outcomes import BACKOFF_S
from dev.demo_history import Past

URL = "https://hooks.hilltop.example/dotmac"
_TYPES = ["subscriber.*", "service.*", "user.*"]
# What became of every so many deliveries that were not taken at once: the answers in turn.
_EVERY = 7
_COURSES = ((503, 200), (500,) * (len(BACKOFF_S) + 1), (None, 503, 200))


@transaction.atomic
def fill(past: Past, happened: Iterable[Event], *, actor: Actor) -> Endpoint:
    """The endpoint, and what became of the events that it asked for, as long as that is kept."""
    endpoint, _secret = services.create_endpoint(
        url=URL, actor=actor, description="Accounting of Hilltop", types=_TYPES
    )
    services.pause_endpoint(endpoint, actor=actor)
    since = past.now - services.KEPT
    wanted = [one for one in happened if one.at > since and endpoint.wants(one.type)]
    rows = [_delivered(past, endpoint, event, n) for n, event in enumerate(wanted)]
    Delivery.objects.bulk_create([delivery for delivery, _attempts in rows])
    Attempt.objects.bulk_create([one for _delivery, attempts in rows for one in attempts])
    return endpoint


def _delivered(
    past: Past, endpoint: Endpoint, event: Event, number: int
) -> tuple[Delivery, list[Attempt]]:
    turn, rest = divmod(number, _EVERY)
    answers: tuple[int | None, ...] = (200,) if rest else _COURSES[turn % len(_COURSES)]
    if sum(BACKOFF_S[: len(answers) - 1]) > (past.now - event.at).total_seconds() - 60:
        # All of it is behind us.
        answers = (200,)
    delivery = Delivery(
        uuid=past.uuid(), endpoint=endpoint, event=event.uuid, type=event.type,
        created_at=event.at, due_at=event.at, attempts=len(answers),
        state=Delivery.State.DELIVERED if answers[-1] == 200 else Delivery.State.FAILED,
    )  # fmt: skip
    attempts, at = [], event.at + timedelta(seconds=2)
    for pause_s, status in zip((*BACKOFF_S, 0), answers, strict=False):
        attempts.append(
            Attempt(
                delivery=delivery, at=at, status=status,
                duration_ms=past.random.randrange(40, 400) if status else 10_000,
                error="" if status else "No answer within 10 s",
                answer="" if status in (200, None) else "upstream error",
            )
        )  # fmt: skip
        at += timedelta(seconds=pause_s)
    delivery.ended_at = attempts[-1].at
    return delivery, attempts
