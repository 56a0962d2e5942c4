"""A new SECRET_KEY leaves what older ones signed proven, as long as those are kept for that."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.core import signing
from django.test import override_settings

from apps.events.accepting import accept_restored_log
from apps.events.digests import event_digest, link
from apps.events.erasing import erase_person
from apps.events.models import Checkpoint, Event
from apps.events.verifying import verify
from apps.work.models import Mark
from tests.events.conftest import ALICE, EMAIL
from tests.events.found import found
from tests.events.test_accepting import OLGA, WHY, restored
from tests.events.test_log import seal_all

__all__ = ["restored"]
NEW = "what-comes-after-a-theft-" * 2


def test_a_log_outlives_the_secret_that_signed_it(
    restored: Mark, log: Callable[[int], list[Event]]
) -> None:
    accept_restored_log(reason=WHY, actor=OLGA)
    erase_person([EMAIL], actor=ALICE)
    seal_all()
    assert verify().is_proven
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY=NEW, EVENT_KEY_FALLBACKS=[old]):
        assert verify().is_proven
        # The sealer goes on from what the old one signed.
        log(1100)
        assert verify().is_proven
        assert len(verify().breaks) == 1
        erase_person(["192.0.2.7"], actor=ALICE)
        seal_all()
    with override_settings(SECRET_KEY="a-third-one-" * 5, EVENT_KEY_FALLBACKS=[NEW, old]):
        assert verify().is_proven
    with override_settings(SECRET_KEY=NEW, EVENT_KEY_FALLBACKS=[]):
        assert found()


def test_a_secret_that_was_forgotten_can_be_named_later(log: Callable[[int], list[Event]]) -> None:
    log(2)
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY=NEW):
        log(2)
        assert found()
    with override_settings(SECRET_KEY=NEW, EVENT_KEY_FALLBACKS=[old]):
        log(1)
        assert verify().is_proven
        assert Checkpoint.objects.latest("seal_no").seal_no == 5


def test_nothing_added_by_hand_meanwhile_is_signed_then(log: Callable[[int], list[Event]]) -> None:
    log(2)
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY=NEW):
        last = log(2)[-1]
        added = Event(at=last.at, type="demo.forged", actor_kind="system", seal_no=5)
        added.subject_type, added.subject_id, added.salt = "mast", "7", "s"
        added.digest = event_digest(added)
        added.save(force_insert=True)
        added.chain = link(last.chain, added.scheme, added.pk, added.digest)
        added.save()
    with override_settings(SECRET_KEY=NEW, EVENT_KEY_FALLBACKS=[old]):
        log(1)
        assert ("inserted", added.pk) in found()
        assert Checkpoint.objects.latest("seal_no").seal_no == 2


def test_what_is_kept_for_logs_opens_nothing_else() -> None:
    link = signing.dumps("alice", salt="a-link")
    with (
        override_settings(SECRET_KEY=NEW, EVENT_KEY_FALLBACKS=[settings.SECRET_KEY]),
        pytest.raises(signing.BadSignature),
    ):
        signing.loads(link, salt="a-link")
