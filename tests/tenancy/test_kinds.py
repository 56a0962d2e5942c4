"""Each kind of schema holds its own apps' tables, and no more."""

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.db.utils import ProgrammingError

from apps.accounts.models import User
from apps.instances.models import Instance
from apps.tenancy.kinds import app_labels, kind_of, operator, schema_of


def _tables() -> set[str]:
    return set(connection.introspection.table_names())


def _expected(kind: str) -> set[str]:
    names = {"django_migrations"}
    for label in app_labels(kind):
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            table = model._meta.db_table
            if model._meta.managed and not table.startswith('"'):
                names.add(table)
    return names


@pytest.mark.django_db
@pytest.mark.parametrize("schema", ["public", "c_acme", "w_acme"])
def test_a_schema_has_the_tables_of_its_kind(schema: str) -> None:
    with schema_of(schema):
        found = _tables()
    shared = {"work_due", "work_signal"} if schema == "public" else set()
    assert _expected(kind_of(schema)) | shared <= found
    if schema != "public":
        assert found == _expected(kind_of(schema))


@pytest.mark.django_db
@pytest.mark.parametrize("schema", ["c_acme", "w_acme"])
def test_content_types_are_those_of_the_kind(schema: str) -> None:
    with schema_of(schema):
        labels = set(ContentType.objects.values_list("app_label", flat=True))
    assert labels <= app_labels(kind_of(schema))


@pytest.mark.django_db
@pytest.mark.parametrize("schema", ["public", "c_acme", "w_acme"])
def test_deleting_a_person_stays_in_the_schema(schema: str) -> None:
    with operator():
        kept = User.objects.create_user("kept@example.org")
    with schema_of(schema):
        gone = User.objects.create_user("gone@example.org")
        gone.delete()
        assert not User.objects.filter(email="gone@example.org").exists()
    with operator():
        assert User.objects.filter(pk=kept.pk).exists()


@pytest.mark.django_db(transaction=False)
def test_a_missing_table_is_an_error_and_never_the_operators(acme) -> None:
    with schema_of(acme.workspace), pytest.raises(ProgrammingError):
        list(Instance.objects.all())


def test_no_foreign_key_leaves_its_kind() -> None:
    for kind in ("console", "workspace"):
        own = app_labels(kind)
        for label in own:
            for model in apps.get_app_config(label).get_models():
                for field in model._meta.get_fields():
                    if isinstance(field, models.ForeignKey):
                        assert field.related_model._meta.app_label in own, field


@pytest.mark.django_db
def test_two_isps_share_no_rows(in_console, acme, initech) -> None:
    with in_console(acme):
        User.objects.create_user("alice@example.org")
    with in_console(initech):
        assert not User.objects.filter(email="alice@example.org").exists()
        User.objects.create_user("alice@example.org")
