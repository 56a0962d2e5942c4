"""Giving an organisation an imported workspace in the place of its own, which is empty."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from apps.accounts.addresses import workspace_host
from apps.accounts.arrivals import recognise
from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import Actor
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import operator, schema_of
from apps.tenancy.middleware import forget_hosts
from apps.tenancy.models import Domain, Tenant
from apps.tenancy.templates import drop_schema
from apps.tenants import registry
from apps.tenants.adopting import locked, members_by_address, tell_inside, told_plainly
from apps.tenants.models import Organisation, UsageReport
from apps.tenants.telling import tell_workspace

_LOCK_WAIT = "10s"


def attach(slug: str, organisation: Organisation, *, actor: Actor) -> Organisation:
    """Let the imported workspace of a slug be an organisation's; its own is deleted.

    It gets the organisation's address, and its members. ConflictError where its own holds
    subscribers, or has a database of its own that is not lost with its server, or where there is
    nothing to attach.
    """
    with told_plainly(slug), _in_use_told(), transaction.atomic(), operator():
        current = Organisation.objects.select_for_update().get(pk=organisation.pk)
        if current.status != Organisation.Status.ACTIVE or current.console is None:
            raise ConflictError(
                _("%(name)s is %(state)s, so nothing is attached to it.")
                % {"name": current, "state": current.get_status_display().lower()}
            )
        found = locked(slug)
        if found.workspace is None:
            raise ConflictError(_("There is no imported workspace “%(slug)s”.") % {"slug": slug})
        before, current.workspace = current.workspace, found.workspace
        current.save(update_fields=["workspace"])
        if before is not None:
            _delete_empty(before, current)
        _move_to_address(found.workspace, current)
        # Reports are numbered, and these were of another workspace.
        UsageReport.objects.filter(organisation=current).delete()
        members = members_by_address(current)
        with schema_of(found.workspace.schema_name):
            recognise(members)
            tell_inside(current, found.workspace, actor)
        data = {"slug": slug, "schema": found.workspace.schema_name}
        events.record("organisation.attached", actor=actor, subject=current, data=data)
        with schema_of(current.console.schema_name):
            registry.console_is_adopted(current, actor)
        tell_workspace(current)
        transaction.on_commit(forget_hosts)
    return current


@contextmanager
def _in_use_told() -> Iterator[None]:
    """Somebody works in the workspace that goes."""
    try:
        yield
    except OperationalError as error:
        if not connection.is_usable():
            raise
        raise ConflictError(_("The workspace is in use just now. Try again.")) from error


def _delete_empty(workspace: Tenant, organisation: Organisation) -> None:
    """Delete a workspace in which nobody was served yet."""
    if not workspace.is_local:
        _forget_lost(workspace, organisation)
        return
    with schema_of(workspace.schema_name):
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
            # Whoever adds a subscriber now waits, and then finds the schema gone.
            cursor.execute("LOCK TABLE subscribers_subscriber IN ACCESS EXCLUSIVE MODE")
        if Subscriber.objects.exists():
            raise ConflictError(
                _(
                    "The workspace of %(name)s has subscribers, and only an empty one is replaced."
                    " Adopt the imported one as an organisation of its own."
                )
                % {"name": organisation}
            )
    drop_schema(workspace.schema_name)
    Tenant.objects.filter(pk=workspace.pk).delete()


def _forget_lost(workspace: Tenant, organisation: Organisation) -> None:
    """What of it lies on the server is given up with that, and cleared should it return."""
    assert organisation.console is not None
    with schema_of(organisation.console.schema_name):
        is_lost = registry.is_workspace_lost()
    if not is_lost:
        raise ConflictError(
            _("%(name)s has a workspace with a database of its own, which nothing replaces.")
            % {"name": organisation}
        )
    drop_schema(workspace.schema_name)
    Tenant.objects.filter(pk=workspace.pk).delete()


def _move_to_address(workspace: Tenant, organisation: Organisation) -> None:
    """It is found where the organisation's workspace is; its schema keeps its name."""
    Tenant.objects.filter(pk=workspace.pk).update(slug=organisation.slug, name=organisation.name)
    Domain.objects.filter(tenant=workspace).delete()
    Domain.objects.create(tenant=workspace, domain=workspace_host(organisation.slug))
