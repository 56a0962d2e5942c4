"""Lines of Python that tests run on a machine, inside the operator's schema."""

SAVE = """
from apps.backups.targets import TargetWords, save_target, target_as_it_is
from apps.events.actors import SYSTEM
from dotmac.crypto.secret import Secret
words = TargetWords("s3", "{address}", "{user}", "", "", 7, 4, 1, True)
save_target(words, secret=Secret("{secret}"), version=target_as_it_is().version, actor=SYSTEM)
"""
TENANT = """
from apps.tenancy.services import create_tenant
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
made = create_tenant(kind="console", slug="{slug}", name="{slug}", host="{slug}.dotmac.localhost")
events.record("tenant.made", actor=SYSTEM, subject=Subject("tenant", "{slug}", "{slug}"))
"""
CARRY = """
from apps.backups.constants import WAL
from apps.work import jobs, services
from apps.work.models import Due
# As the clock does: what came back with the database was at it when the machine was lost.
services.reap()
services.hasten(WAL, "all")
print(jobs.run(str(Due.objects.get(kind=WAL).pk)))
"""
SEAL = """
from apps.events.sealing import seal
seal()
"""
GENERATIONS = """
import json
from dataclasses import asdict
from apps.backups.targets import store_of, target_as_it_is
from dotmac.backups.records import read_repository
print(json.dumps([asdict(one) for one in read_repository(store_of(target_as_it_is())).generations]))
"""
FILES = """
from apps.backups.targets import store_of, target_as_it_is
print(len(store_of(target_as_it_is()).list("files")))
"""
# An ISP that has signed up.
ISP = """
from apps.accounts.services import create_user
from apps.billing.services import offered_plans, seed_operator_plans
from apps.events.actors import SYSTEM
from apps.fleet.models import Region
from apps.tenants.services import Application, create_organisation
seed_operator_plans()
Region.objects.create(code="local", name="Here", country="SE")
owner = create_user(email="alice@gone.example", is_verified=True, actor=SYSTEM)
plan = next(one for one in offered_plans() if one.key == "starter")
said = Application("Gone Fiber", "gone", "SE", "SEK", "Europe/Stockholm", "local")
create_organisation(said, plan, owner=owner, actor=SYSTEM)
"""
# It leaves, and workers erase it.
CLOSE = """
from django.utils import timezone
from apps.events.actors import SYSTEM
from apps.tenants import closing
from apps.tenants.erasing.services import begin_due_erasures
from apps.tenants.models import Organisation
closing.close(Organisation.objects.get(), side="owner", actor=SYSTEM)
Organisation.objects.update(erase_after=timezone.now())
assert begin_due_erasures() == 1
"""
WORK = """
from django.utils import timezone
from apps.operations.models import Operation
from apps.tenants.models import Erasure
from apps.work import jobs
from apps.work.models import Due
from apps.tenancy.kinds import to_public
for turn in range(40):
    if not Erasure.objects.filter(erased_at=None).exists():
        break
    open_ones = Due.objects.filter(kind="operation", state__in=["queued", "waiting"])
    open_ones.update(due_at=timezone.now())
    for pk in list(open_ones.values_list("pk", flat=True)):
        jobs.run(str(pk))
        to_public()
print([(one.slug, one.erased_at is not None) for one in Erasure.objects.all()])
print([one.cause for one in Operation.objects.exclude(cause="")])
"""
