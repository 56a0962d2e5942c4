"""Which past each level of the demonstration has; once, before anybody has signed in there."""

from datetime import datetime

from django.db import transaction

from apps.accounts.models import Membership, User
from apps.accounts.services import create_user
from apps.events.actors import Subject, subject_of, user_actor
from apps.events.models import Event
from apps.instances.constants import WORKSPACE_APP
from apps.instances.models import Instance
from apps.subscribers.imports import WRITE
from apps.subscribers.models import SubscriberImport
from dev import demo_webhooks
from dev.demo_history import Past, messages, newcomers, operations, pauses, sign_ins, write_events
from dev.demo_subscribers import ACTOR

_IMPORTED = {"file": "new-customers.csv", "rows": 12, "left_out": 1}
_CAUSE = "The server did not answer for 40 s. What ran before goes on."


@transaction.atomic
def fill_operator(past: Past) -> None:
    """The operator's people came and went."""
    if not _has_past():
        write_events(sign_ins(past, _staff()), past)


@transaction.atomic
def fill_console(past: Past) -> bool:
    """An ISP's people came and went, and deployed what is dedicated; False where it was before."""
    if _has_past():
        return False
    people = _staff()
    write_events(sign_ins(past, people), past)
    instance = Instance.objects.get(app=WORKSPACE_APP)
    if instance.hosting == Instance.Hosting.DEDICATED:
        subject = subject_of(instance)
        operations(past, "instances.deploy", lambda _at: subject, people[0], per_day=0.5)
        failed = {"app": instance.name, "cause": _CAUSE}
        messages(past, people, "deployment.failed", failed, per_day=0.2)
    return True


@transaction.atomic
def fill_workspace(past: Past, colleague: str, email: str) -> None:
    """An ISP's people paused services, brought lists, and had a program told of it."""
    if _has_past():
        return
    _add_colleague(colleague, email)
    owner, staff = _staff()[:2]
    happened = [*sign_ins(past, [owner, staff]), *newcomers(past, staff), *pauses(past, staff, 14)]
    written = write_events(happened, past)
    demo_webhooks.fill(past, written, actor=user_actor(owner))
    operations(past, WRITE, _imported_list, staff, per_day=0.2)
    messages(past, [owner, staff], "import.finished", _IMPORTED, per_day=0.3)


def _has_past() -> bool:
    return Event.objects.filter(type="user.signed_in").exists()


def _staff() -> list[User]:
    return list(User.objects.filter(is_staff=True, is_active=True).order_by("pk"))


def _add_colleague(name: str, email: str) -> None:
    """Comes by “Forgot your password?”, as invited people do."""
    user = create_user(email=email, name=name, is_verified=True, is_staff=True, actor=ACTOR)
    Membership.objects.create(user=user, role="technician")


def _imported_list(at: datetime) -> Subject:
    """A list that was brought by file."""
    count = 3 + at.day % 17
    row = SubscriberImport.objects.create(
        filename=f"new-customers-{at:%Y-%m-%d}.csv",
        status=SubscriberImport.Status.IMPORTED,
        total_rows=count,
        created_rows=count,
        created_by=ACTOR.label,
        created_at=at,
        finished_at=at,
    )
    return subject_of(row)
