"""What is said of work is read in the reader's language, whoever's language wrote it."""

import pytest
from django.utils.translation import gettext_lazy, gettext_noop, override

from apps.notifications.models import Channel
from apps.tenancy.kinds import operator
from apps.work import services as work
from apps.work.models import Due
from apps.work.words import words

pytestmark = pytest.mark.django_db


def test_a_title_is_french_for_french_readers_and_english_in_the_row() -> None:
    with operator(), override("fr"):
        title = words(gettext_noop("Send webhooks to {endpoint}"), endpoint="Accounting {1}")
        due = work.enqueue("webhook", "1", title=title)
        due.refresh_from_db()
        assert due.title == "Send webhooks to Accounting {1}"
        assert str(due) == "Envoyer les webhooks vers Accounting {1}"
    with override("en"):
        assert due.shown_title == due.title


def test_a_value_may_be_a_text_too() -> None:
    with operator():
        with override("fr"):
            said = words(
                gettext_noop("{channel}: {about}"),
                channel=Channel.EMAIL.label,
                about=gettext_lazy("A deployment failed"),
            )
        due = work.enqueue("notification", "1", title=said)
        due.refresh_from_db()
    assert due.title == "E-mail: A deployment failed"
    with override("fr"):
        assert due.shown_title.startswith("E-mail\N{NO-BREAK SPACE}: ")
        assert "A deployment failed" not in due.shown_title


def test_plain_titles_and_new_reasons_replace_what_was_said_before() -> None:
    with operator():
        title = words(gettext_noop("Verify the event log"))
        work.note_failure("x", "1", title=title, reason=words(gettext_noop("It goes on.")))
        row = Due.objects.get(kind="x")
        with override("fr"):
            assert row.shown_reason == "Elle continue."
        work.note_failure("x", "1", title="Plain", reason="as it came")
        row.refresh_from_db()
    with override("fr"):
        assert (row.shown_title, row.shown_reason) == ("Plain", "as it came")
