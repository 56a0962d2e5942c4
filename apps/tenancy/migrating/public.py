"""The operator's schema, which is migrated before all others."""

from collections.abc import Callable

from django.apps import apps
from django.core.management import call_command
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from apps.tenancy.kinds import PUBLIC, schema_of
from apps.tenancy.models import SchemaTemplate
from apps.tenancy.templates import fingerprint, migrate_schema

Report = Callable[[str], object]
# Its second migration removes 500 fields one by one, and rendering each state takes minutes.
_BORN_WHOLE = {"djstripe": "tenants"}


def migrate_public(report: Report) -> None:
    """Migrate the operator's schema; on an empty database dj-stripe's tables are made at once."""
    if _is_current():
        return
    with schema_of(PUBLIC):
        for label, needs in _BORN_WHOLE.items():
            if apps.is_installed(label):
                _create_whole(label, needs, report)
    migrate_schema(PUBLIC)
    SchemaTemplate.objects.update_or_create(kind=PUBLIC, fingerprint=fingerprint(PUBLIC))
    report("operator")


def _is_current() -> bool:
    """Whether this release's migrations of `public` are noted as done, by one query."""
    if "tenancy_schematemplate" not in connection.introspection.table_names():
        return False
    newest = SchemaTemplate.objects.filter(kind=PUBLIC).order_by("-made_at").first()
    return newest is not None and newest.fingerprint == fingerprint(PUBLIC)


def _create_whole(label: str, needs: str, report: Report) -> None:
    """Make an app's tables from its models and record its migrations, where it has none yet."""
    recorder = MigrationRecorder(connection)
    if any(app == label for app, _name in recorder.applied_migrations()):
        return
    call_command(MigrateCommand(), needs, interactive=False, verbosity=0)
    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    with transaction.atomic(), connection.schema_editor() as editor:
        for model in apps.get_app_config(label).get_models():
            if model._meta.managed and not model._meta.proxy:
                editor.create_model(model)
        recorder.ensure_schema()
        for app, name in graph.nodes:
            if app == label:
                recorder.record_applied(app, name)
    report(label)
