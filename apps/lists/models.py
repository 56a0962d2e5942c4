"""Views of lists that people keep, and the columns that they chose."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

NAME_LENGTH, QUERY_LENGTH = 60, 1000


class SavedView(models.Model):
    """A search, filters and an order of one list under a name; one person's own."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    # The model that the list shows: "subscribers.subscriber".
    list = models.CharField(max_length=100)
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    # Parameters of the list's address, without a page.
    query = models.CharField(max_length=QUERY_LENGTH)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "list", "name"], name="one_view_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class ChosenColumns(models.Model):
    """Which columns of one list one person sees; without a row those that it has by itself."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chosen_columns"
    )
    # As in SavedView.
    list = models.CharField(max_length=100)
    names = models.JSONField(_("columns"))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "list"], name="one_choice_a_list")]

    def __str__(self) -> str:
        return self.list
