"""Keeping a view of a list, and letting it go; choosing its columns."""

from collections.abc import Iterable

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.exceptions import DomainError
from apps.lists.models import NAME_LENGTH, QUERY_LENGTH, ChosenColumns, SavedView

_MOST = 20
# Where in the list somebody is, and what the admin adds to its own links.
_PASSING = ("p", "all", "e", "_popup", "_to_field", "_changelist_filters")


def kept_query(query: str) -> str:
    """What of a list's parameters makes its view, in one order."""
    given = QueryDict(query, mutable=True)
    for name in _PASSING:
        given.pop(name, None)
    pairs = sorted((name, value) for name, values in given.lists() for value in values if value)
    kept = QueryDict(mutable=True)
    for name, value in pairs:
        kept.appendlist(name, value)
    return kept.urlencode()


def views_of(user: User, list_key: str) -> QuerySet[SavedView]:
    """A person's own views of a list."""
    return SavedView.objects.filter(user=user, list=list_key)


def save_view(user: User, list_key: str, name: str, query: str) -> SavedView:
    """Keep a view; one of the same name is replaced. DomainError for what cannot be kept."""
    name, query = name.strip(), kept_query(query)
    if not name:
        raise DomainError(_("Give the view a name."), field="name")
    if len(name) > NAME_LENGTH:
        raise DomainError(
            _("The name is too long. Use %(name_length)s characters at most.")
            % {"name_length": NAME_LENGTH},
            field="name",
        )
    if not query:
        raise DomainError(_("There is nothing to keep: search, filter or sort the list first."))
    if len(query) > QUERY_LENGTH:
        raise DomainError(_("These filters are too long to keep. Choose fewer values."))
    others = views_of(user, list_key).exclude(name=name)
    if others.count() >= _MOST:
        raise DomainError(
            _("You keep %(most)s views of this list. Remove one first.") % {"most": _MOST}
        )
    view, _made = SavedView.objects.update_or_create(
        user=user, list=list_key, name=name, defaults={"query": query}
    )
    return view


def chosen_columns(user: User, list_key: str) -> list[str] | None:
    """The names that a person chose for a list; None where they chose nothing."""
    own = ChosenColumns.objects.filter(user=user, list=list_key)
    return own.values_list("names", flat=True).first()


def choose_columns(user: User, list_key: str, names: Iterable[str]) -> None:
    """Show a person these columns of a list from now on."""
    ChosenColumns.objects.update_or_create(
        user=user, list=list_key, defaults={"names": list(names)}
    )


def forget_columns(user: User, list_key: str) -> None:
    """Show a person those that the list has by itself again."""
    ChosenColumns.objects.filter(user=user, list=list_key).delete()
