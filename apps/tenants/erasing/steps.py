"""The steps of an erasure: each can be repeated, and none can be taken back."""

from django.db import OperationalError, connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from apps.core.languages import grouped
from apps.core.mailbox import forget_messages
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.erasing import erase_traces
from apps.fleet import edge
from apps.operations.exceptions import HoldError, StepError
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, Step, register
from apps.tenancy.kinds import PUBLIC, kept_aside, operator, schema_exists, schema_of
from apps.tenancy.middleware import forget_hosts
from apps.tenancy.models import Tenant
from apps.tenancy.templates import drop_schema
from apps.tenants.closing import PERMISSION
from apps.tenants.erasing.certificates import certify, send_certificate
from apps.tenants.erasing.files import counting
from apps.tenants.erasing.registry import books, remove_instances, settle_books
from apps.tenants.erasing.rows import (
    forget_mentions,
    forget_organisation,
    forget_people,
    people_gone,
)
from apps.tenants.erasing.scanning import count_rows, tables_that_say
from apps.tenants.erasing.services import PIPELINE
from apps.tenants.erasing.traces import Traces, opened
from apps.tenants.models import Erasure, Organisation

# Instances hasten it when they are gone, so this is only the longest wait.
_LOOK_AGAIN_S = 15.0
_LOCK_WAIT = "10s"
# All that is to be left, but for the books.
_OWN = ("tenants_erasure",)


class ErasureStep(Step):
    """A step of an erasure, in the operator's schema."""

    deadline_s = 1800

    def erasure(self, run: Run) -> Erasure:
        """Its row, as it is now."""
        return Erasure.objects.get(uuid=run.operation.subject_id)

    def traces(self, run: Run) -> Traces:
        """What it looks for, read once a run."""
        if "traces" not in run.cache:
            run.cache["traces"] = opened(self.erasure(run).sealed)
        found: Traces = run.cache["traces"]
        return found

    def pattern(self, run: Run) -> str:
        """What the texts say that name it or its people."""
        traces = self.traces(run)
        return traces.pattern(people_gone(traces))

    def settle_books(self, run: Run, pattern: str) -> None:
        """Count what law demands to keep; the rest of those who were charged goes."""
        settled = settle_books(self.traces(run), pattern)
        if settled.kept:
            self.count(run, "kept", {"invoices_and_payments": settled.kept})
        self.count(run, "rows", settled.gone)

    def count(self, run: Run, kind: str, found: dict[str, int]) -> None:
        """Add to what went; in the transaction in which it goes, so that nothing counts twice."""
        row = Erasure.objects.select_for_update().get(uuid=run.operation.subject_id)
        counted = dict(row.counts.get(kind, {}))
        for name, count in found.items():
            counted[name] = counted.get(name, 0) + count
        row.counts = {**row.counts, kind: counted}
        row.save(update_fields=["counts"])


class RemoveInstances(ErasureStep):
    """Containers, volumes and addresses go by the instances' own operations."""

    key, title = "instances", gettext_noop("Remove its instances")

    def run(self, run: Run) -> None:
        """Begin those operations, and wait for their end."""
        erasure = self.erasure(run)
        console = _console_of(erasure)
        if console is None or not _ran_here(erasure):
            return
        with run.atomic():
            with schema_of(console):
                begun = run.memory.get("begun", [])
                removal = remove_instances(begun, Actor("platform", label="DotMac"))
            run.remember(begun=removal.begun)
        if removal.failed:
            raise StepError(removal.failed)
        if removal.waits_for:
            raise HoldError(removal.waits_for, seconds=_LOOK_AGAIN_S)
        with run.atomic():
            Erasure.objects.filter(uuid=run.operation.subject_id).update(
                counts={**self.erasure(run).counts, "containers": removal.counts},
                unproven=removal.unproven,
            )


class DropSchemas(ErasureStep):
    """Console and workspace, with all rows in them and all work in their names."""

    key, title = "schemas", gettext_noop("Delete its console and its workspace")

    def run(self, run: Run) -> None:
        """One at a time, counted before it goes."""
        for schema in _all_of(self.erasure(run).schemas):
            if schema_exists(schema):
                try:
                    self._drop(run, schema)
                except OperationalError as error:
                    # Somebody still reads there; a database that is away is no step's fault.
                    if not connection.is_usable():
                        raise
                    raise StepError(
                        _("%(schema)s is still in use. This is tried again.") % {"schema": schema},
                        permanent=False,
                    ) from error

    def _drop(self, run: Run, schema: str) -> None:
        with run.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
            counted = count_rows(schema)
            with counting(schema) as gone:
                drop_schema(schema)
            self.count(run, schema, counted)
            if gone.files:
                self.count(run, "files", {"uploads_and_exports": gone.files})
                self.count(run, "bytes", {"uploads_and_exports": gone.size})
        # Without its name, which is to be found nowhere.
        rows = sum(counted.values())
        text = ngettext(
            "A schema with %(rows)s row is deleted.",
            "A schema with %(rows)s rows is deleted.",
            rows,
        )
        run.log(text % {"rows": grouped(rows)})


class ForgetRows(ErasureStep):
    """Its rows at the operator."""

    key, title = "rows", gettext_noop("Delete its rows at the operator")

    def run(self, run: Run) -> None:
        """All or nothing; afterwards the edge has no way to it, nor has this process."""
        with run.atomic():
            # While the organisation is there, whose account at the provider of payments is known.
            self.settle_books(run, self.traces(run).pattern())
            self.count(run, "rows", forget_organisation(self.traces(run)))
        run.assert_held()
        edge.render()
        forget_hosts()


class ForgetPeople(ErasureStep):
    """People who belonged to nobody else."""

    key, title = "people", gettext_noop("Delete the accounts of its people")

    def run(self, run: Run) -> None:
        """Whoever belongs elsewhere, or works for the operator, stays."""
        with run.atomic():
            self.count(run, "rows", forget_people(self.traces(run)))


class ForgetMentions(ErasureStep):
    """What the operator was told of it, and what of it is in the operator's event log."""

    key, title = "mentions", gettext_noop("Delete what else names it")

    def run(self, run: Run) -> None:
        """Rows go; events lose what they say, and the log stays proven."""
        pattern, traces = self.pattern(run), self.traces(run)
        with run.atomic():
            self.settle_books(run, pattern)
            self.count(
                run, "rows", forget_mentions(pattern, traces.name_pattern(), but=run.operation)
            )
            ids = traces.ids(people_gone(traces))
            erased = erase_traces(pattern, ids, actor=Actor("system", label="DotMac"))
            if erased is not None:
                self.count(run, "log", {"events": erased.events})
        run.assert_held()
        removed = forget_messages([email for _uuid, email in people_gone(traces)])
        with run.atomic():
            self.count(run, "files", {"caught_mails": removed})


class Look(ErasureStep):
    """Whether anything is left."""

    key, title = "look", gettext_noop("Look whether anything is left")

    def run(self, run: Run) -> None:
        """StepError that names each table in which a row still speaks of it."""
        pattern = self.pattern(run)
        found = dict(tables_that_say(pattern, schema=PUBLIC, but=(*_OWN, *books())))
        schemas = [name for name in _all_of(self.erasure(run).schemas) if schema_exists(name)]
        left = [f"{name} ({count})" for name, count in found.items()] + schemas
        if left:
            raise StepError(
                _("Something of it is left in: %(places)s. Repeat this once that is mended.")
                % {"places": ", ".join(left)}
            )


class Certify(ErasureStep):
    """The certificate, and a mail with it."""

    key, title = "certificate", gettext_noop("Sign the certificate and send it")

    def check(self, run: Run) -> bool:
        """Whether it is signed and posted, after which nobody knows the address any more."""
        return self.erasure(run).erased_at is not None

    def run(self, run: Run) -> None:
        """In one transaction, with the event that tells of it."""
        to, language, zone = self.traces(run).owner
        with run.atomic(), operator():
            erasure = certify(self.erasure(run))
            if to:
                send_certificate(erasure, to=to, language=language, zone=zone)
            events.record(
                "organisation.erased",
                actor=Actor(
                    run.operation.actor_kind, run.operation.actor_id, run.operation.actor_label
                ),
                subject=Subject("organisation", str(erasure.organisation), erasure.name),
                data={"by": erasure.asked_by, "certificate": str(erasure.uuid)},
            )


def _all_of(schemas: list[str]) -> list[str]:
    """Its schemas, and what of them was kept aside when a backup was brought back."""
    return [*schemas, *map(kept_aside, schemas)]


def _console_of(erasure: Erasure) -> str | None:
    rows = Tenant.objects.filter(schema_name__in=erasure.schemas, kind=Tenant.Kind.CONSOLE)
    name = rows.values_list("schema_name", flat=True).first()
    return name if name is not None and schema_exists(name) else None


def _ran_here(erasure: Erasure) -> bool:
    """Nothing ever ran for tenants that nobody adopted; their instances may be another's, alive."""
    return Organisation.objects.filter(uuid=erasure.organisation).exists()


def _settle(run: Run, status: str) -> None:
    """What was remembered on the way goes with it."""
    if status == Operation.Status.SUCCEEDED:
        Operation.objects.filter(pk=run.operation.pk).update(memory={})


register(
    Pipeline(
        PIPELINE,
        gettext_noop("Erase {subject}"),
        (
            RemoveInstances,
            DropSchemas,
            ForgetRows,
            ForgetPeople,
            ForgetMentions,
            Look,
            Certify,
        ),
        settle=_settle,
        # What is gone is gone: it can be repeated, not taken back.
        can_cancel=False,
        asks=lambda _operation: PERMISSION,
    )
)
