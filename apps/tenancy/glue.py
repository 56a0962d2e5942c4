"""What Django does for all installed apps at once, limited to the apps of the current kind.

Without this a delete follows relations into tables that the schema does not have, and every
schema gets content types and permissions for apps that live elsewhere.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.management import create_permissions
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models import deletion
from django.db.models.options import Options
from django.db.models.signals import post_migrate

from apps.tenancy.kinds import current_labels

_all_candidates = deletion.get_candidate_relations_to_delete


def _candidates_of_this_kind(opts: Options) -> Iterable[Any]:
    labels = current_labels(connection.alias)
    relations: Iterable[Any] = _all_candidates(opts)
    return (r for r in relations if r.related_model._meta.app_label in labels)


def _only_at_home(receiver: Callable[..., Any]) -> Callable[..., None]:
    def limited(app_config: AppConfig, using: str = "default", **kwargs: Any) -> None:
        if app_config.label in current_labels(using):
            receiver(app_config=app_config, using=using, **kwargs)

    return limited


def install() -> None:
    """Put the limits in place; called once, by the last app in INSTALLED_APPS."""
    deletion.get_candidate_relations_to_delete = _candidates_of_this_kind
    post_migrate.disconnect(create_contenttypes)
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    for uid, receiver in (("content_types", create_contenttypes), ("perms", create_permissions)):
        post_migrate.connect(_only_at_home(receiver), weak=False, dispatch_uid=f"dotmac.{uid}")
