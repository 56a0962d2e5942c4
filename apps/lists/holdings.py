"""What lists hold of people."""

from apps.core.personal import USER, holds

holds("lists.SavedView", of=USER, by="user")
holds("lists.ChosenColumns", of=USER, by="user")
