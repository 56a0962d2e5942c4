"""What lists hold of people."""

from django.utils.translation import gettext_lazy as _

from apps.core.personal import USER, holds

holds("lists.SavedView", title=_("saved views"), of=USER, by="user")
holds("lists.ChosenColumns", title=_("chosen columns"), of=USER, by="user")
