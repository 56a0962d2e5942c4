"""The catalogue: apps and their releases, each described by its manifest alone."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.models import Labelled, unique_external_id


class App(Labelled):
    """Something that can be deployed."""

    key = models.SlugField(max_length=30, unique=True)
    title = models.CharField(max_length=80)
    summary = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    icon = models.CharField(max_length=40, blank=True)
    is_listed = models.BooleanField(_("listed"), default=True)

    class Meta:
        db_table = '"public"."marketplace_app"'
        ordering = ["title"]
        constraints = [unique_external_id("app")]

    def __str__(self) -> str:
        return self.title


class Release(models.Model):
    """A version of an app: its manifest, as the data it was parsed from."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="releases")
    version = models.CharField(max_length=40)
    manifest = models.JSONField()
    published_at = models.DateTimeField(auto_now_add=True)
    is_withdrawn = models.BooleanField(default=False)

    class Meta:
        db_table = '"public"."marketplace_release"'
        ordering = ["-published_at"]
        constraints = [
            models.UniqueConstraint(fields=["app", "version"], name="one_release_a_version")
        ]

    def __str__(self) -> str:
        return f"{self.app.key} {self.version}"
