"""One ISP's data are spoiled and come back from a backup, while the others go on.

It walks the commands of docs/runbooks/restoring.md.
"""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from tests.backups.machine import Machine
from tests.backups.offsite import Offsite
from tests.backups.programs import CARRY, SAVE

_ISP = """
from apps.accounts.services import create_user
from apps.billing.services import offered_plans, seed_operator_plans
from apps.events.actors import SYSTEM
from apps.fleet.models import Region
from apps.tenants.services import Application, create_organisation
seed_operator_plans()
Region.objects.get_or_create(code="local", name="Here", country="SE")
owner = create_user(email="alice@{slug}.example", is_verified=True, actor=SYSTEM)
plan = next(one for one in offered_plans() if one.key == "starter")
said = Application("{slug} Fiber", "{slug}", "SE", "SEK", "Europe/Stockholm", "local")
create_organisation(said, plan, owner=owner, actor=SYSTEM)
"""
_SUBSCRIBERS = """
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.sealing import seal
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import schema_of
with schema_of("w_{slug}"):
    for number in range({first}, {first} + 5):
        one = Subscriber.objects.create(number=f"S-{{number}}", name=f"Subscriber {{number}}")
        about = Subject("subscriber", str(one.uuid), one.name)
        events.record("subscriber.created", actor=SYSTEM, subject=about)
    seal()
"""
# A faulty import: half of them are gone, and the others are called alike.
_SPOIL = """
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.sealing import seal
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import schema_of
with schema_of("w_{slug}"):
    Subscriber.objects.filter(number__in=["S-3", "S-4"]).delete()
    Subscriber.objects.update(name="NULL")
    events.record("subscribers.imported", actor=SYSTEM, subject=Subject("import", "1", "x"))
    seal()
"""
_CHANGE = """
from django.utils import timezone
from apps.events.actors import SYSTEM
from apps.instances import services
from apps.instances.models import Instance
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of, to_public
from apps.work import jobs
from apps.work.models import Due
with schema_of("c_{slug}"):
    services.change(Instance.objects.get(), "{what}", actor=SYSTEM)
for turn in range(40):
    open_ones = Due.objects.filter(kind="operation", state__in=["queued", "waiting"])
    open_ones.update(due_at=timezone.now())
    for pk in list(open_ones.values_list("pk", flat=True)):
        jobs.run(str(pk))
        to_public()
with schema_of("c_{slug}"):
    print(Instance.objects.get().status, [one.cause for one in Operation.objects.exclude(cause="")])
"""
# As the clock does all the time.
_SEAL = """
from apps.events.places_of_logs import schemas_with_logs
from apps.events.sealing import seal
from apps.tenancy.kinds import schema_of
for schema in schemas_with_logs():
    with schema_of(schema):
        seal()
"""


@pytest.fixture
def machine(far_folder: Path, offsite: Offsite) -> Iterator[Machine]:
    """A platform with backups on, and two ISPs with five subscribers each."""
    made = Machine(far_folder / "platform")
    made.install()
    target = offsite.target
    facts = {"address": f"{target.address}/{far_folder.name}", "user": target.user}
    acts = [SAVE.format(**facts, secret=target.secret.reveal())]
    for slug in ("acme", "initech"):
        acts += [_ISP.format(slug=slug), _SUBSCRIBERS.format(slug=slug, first=0)]
    made.do("".join(acts))
    yield made
    made.destroy()


def subscribers(machine: Machine, schema: str) -> list[tuple[object, ...]]:
    """Number and name of each."""
    return machine.sql(f'SELECT number, name FROM "{schema}".subscribers_subscriber ORDER BY 1')


def change(machine: Machine, what: str) -> str:
    """The instance's status once a worker has done it."""
    return machine.do(_CHANGE.format(slug="acme", what=what)).splitlines()[-1]


@pytest.mark.timeout(1500)
def test_one_isp_is_as_it_was_and_the_others_go_on(machine: Machine, far_folder: Path) -> None:
    machine.manage("backup")
    before = subscribers(machine, "w_acme")
    assert len(before) == 5
    good = machine.sql("SELECT clock_timestamp()")[0][0].astimezone(UTC)  # type: ignore[attr-defined]
    meanwhile = _SPOIL.format(slug="acme"), _SUBSCRIBERS.format(slug="initech", first=5), CARRY
    assert "ran" in machine.do("".join(meanwhile))
    spoiled = subscribers(machine, "w_acme")
    assert len(spoiled) == 3

    assert change(machine, "stop") == "stopped []"
    kept = far_folder / "before.dotmac"
    machine.manage("export_tenant", "w_acme", "--to", str(kept))
    assert f"{good:%Y-%m-%d}" in machine.manage("backups")
    with pytest.raises(AssertionError, match="reaches until"):
        machine.manage("restore_schema", "w_acme", "--at", "2100-01-01 00:00")
    assert subscribers(machine, "w_acme") == spoiled
    said = machine.manage("restore_schema", "w_acme", "--at", f"{good:%Y-%m-%d %H:%M:%S.%f}")
    assert "What was there is in w_acme__lost" in said
    machine.manage("migrate_fleet", "w_acme")
    accepted = machine.manage(
        "accept_restored_log", "w_acme", "--by", "Olga", "--reason", "A faulty import"
    )
    assert "it goes on from event" in accepted
    assert change(machine, "start") == "active []"

    assert subscribers(machine, "w_acme") == before
    assert subscribers(machine, "w_acme__lost") == spoiled
    assert len(subscribers(machine, "w_initech")) == 10
    # It goes on: numbers, rows and record.
    machine.do(_SUBSCRIBERS.format(slug="acme", first=5) + _SEAL)
    assert len(subscribers(machine, "w_acme")) == 10
    assert "checkpoints" in machine.manage("verify_events")
    # Without a clock nobody makes spare ones.
    machine.manage(
        *["doctor", "--only", "schemas", "--only", "events", "--only", "placements"],
        SPARE_SCHEMAS="0",
    )
    with pytest.raises(AssertionError, match="w_acme__lost is there already"):
        machine.manage("restore_schema", "w_acme")
