"""Making organisations, and who may enter them."""

import unicodedata
import zlib
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4, uuid5

import pycountry
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.addresses import console_host, workspace_host
from apps.accounts.models import User
from apps.accounts.services import ensure_member
from apps.accounts.zones import note_zone
from apps.billing.services import OfferedPlan
from apps.core.exceptions import DomainError
from apps.core.permissions import OWNER
from apps.core.zones import is_zone
from apps.events import services as events
from apps.events.actors import Actor
from apps.fleet.models import Region
from apps.tenancy.exceptions import SchemaExistsError
from apps.tenancy.kinds import CONSOLE, WORKSPACE, operator, schema_of
from apps.tenancy.models import Tenant
from apps.tenancy.services import create_tenant
from apps.tenants import registry
from apps.tenants.exceptions import SlugTakenError
from apps.tenants.models import Membership, Organisation
from apps.tenants.slugs import free_slug, is_free

SHARED = "shared"
_LONGEST_NAME = 120
# New schemas lock some hundred tables each until they are committed, and PostgreSQL's lock table
# is small by default: so many are made at once, the others wait.
_BUILDERS, _BUILDER_LOCK = 2, 0x0D07_7E00
# Controls that turn the direction of what stands around them.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


@dataclass(frozen=True)
class Application:
    """What an ISP says about itself when it signs up; codes of ISO 3166, ISO 4217 and tz."""

    name: str
    slug: str
    country: str
    currency: str
    time_zone: str
    region: str


def create_organisation(
    application: Application,
    plan: OfferedPlan,
    *,
    owner: User,
    actor: Actor,
    idempotency_key: UUID | None = None,
) -> Organisation:
    """An organisation with its console, and its workspace's address; all of it or nothing.

    `owner` is a user of the operator. The same key and owner again return the organisation that
    is there. DomainError names the field; SlugTakenError also for the one of two who came second.
    """
    key = idempotency_key or uuid4()
    earlier = made_with(key, owner)
    if earlier:
        return earlier
    try:
        with transaction.atomic(), operator():
            wanted = replace(checked(application), slug=free_slug(application.slug))
            return _create(wanted, plan, owner=owner, actor=actor, key=key)
    except (IntegrityError, SchemaExistsError, SlugTakenError) as error:
        earlier = made_with(key, owner)
        if earlier:
            return earlier
        if isinstance(error, IntegrityError) and is_free(application.slug):
            raise
        raise SlugTakenError(application.slug) from error


def made_with(key: UUID, owner: User) -> Organisation | None:
    """What a person made with an idempotency key before."""
    return Organisation.objects.filter(idempotency_key=_own_key(key, owner)).first()


def checked_name(text: str) -> str:
    """The name of an organisation, trimmed; DomainError for one that cannot be shown."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise DomainError(_("Write the name of your organisation."), field="name")
    if len(name) > _LONGEST_NAME:
        raise DomainError(
            _("%(count)s characters are too many. A name has up to %(most)s.")
            % {"count": len(name), "most": _LONGEST_NAME},
            field="name",
        )
    if any(unicodedata.category(sign) == "Cc" or sign in _BIDI for sign in name):
        raise DomainError(
            _("The name holds invisible control characters. Type it instead of pasting it."),
            field="name",
        )
    return name


def role_of(organisation: Organisation, user: User) -> str | None:
    """The role in which an operator-level user enters an organisation, None for an outsider."""
    found = Membership.objects.filter(organisation=organisation, user=user.uuid).first()
    return found.role if found else None


def _own_key(key: UUID, owner: User) -> UUID:
    """The key as it is kept: of this person alone, so that nobody's key is in another's way."""
    return uuid5(owner.uuid, key.hex)


def checked(application: Application) -> Application:
    """What somebody says of an organisation, with its name trimmed; DomainError names the field.

    Its address is not looked at: it may be new, or that of tenants which are here.
    """
    if pycountry.countries.get(alpha_2=application.country) is None:
        raise DomainError(_("Choose the country you work in."), field="country")
    if pycountry.currencies.get(alpha_3=application.currency) is None:
        raise DomainError(_("Choose the currency you bill in."), field="currency")
    if not is_zone(application.time_zone):
        raise DomainError(_("Choose a time zone of the list."), field="timezone")
    if not Region.objects.filter(code=application.region, is_open=True).exists():
        raise DomainError(
            _("This region takes no new organisations now. Choose another one."), field="region"
        )
    return replace(application, name=checked_name(application.name))


def _create(
    application: Application, plan: OfferedPlan, *, owner: User, actor: Actor, key: UUID
) -> Organisation:
    # First of all: the second of two with one address waits here, and for nothing else.
    organisation = Organisation.objects.create(
        **asdict(application),
        plan_version=plan.version_uuid,
        plan_key=plan.key,
        trial_ends_at=timezone.now() + timedelta(days=plan.trial_days) if plan.trial_days else None,
        owner=owner.uuid,
        email=owner.email,
        idempotency_key=_own_key(key, owner),
    )
    Membership.objects.create(organisation=organisation, user=owner.uuid, role=OWNER)
    note_zone(owner, application.time_zone)
    _wait_for_builder(organisation.slug)
    is_shared = plan.entitlements.get("hosting") == SHARED
    organisation.console = _tenant(organisation, CONSOLE, console_host(organisation.slug))
    organisation.workspace = _tenant(
        organisation, WORKSPACE, workspace_host(organisation.slug), is_local=is_shared
    )
    organisation.status = Organisation.Status.ACTIVE
    organisation.save(update_fields=["console", "workspace", "status"])
    events.record(
        "organisation.created",
        actor=actor,
        subject=organisation,
        data={"slug": organisation.slug, "plan": plan.key, "region": organisation.region},
    )
    _move_in(organisation, plan, owner, actor, is_shared=is_shared)
    return organisation


def _tenant(organisation: Organisation, kind: str, host: str, *, is_local: bool = True) -> Tenant:
    return create_tenant(
        kind=kind, slug=organisation.slug, name=organisation.name, host=host, is_local=is_local
    )


def _move_in(
    organisation: Organisation, plan: OfferedPlan, owner: User, actor: Actor, *, is_shared: bool
) -> None:
    """The owner's rows in the new schemas, and what higher apps put into a console."""
    assert organisation.console is not None
    with schema_of(organisation.console.schema_name):
        _admit_owner(owner, actor)
        registry.console_is_made(organisation, plan)
    if is_shared:
        assert organisation.workspace is not None
        with schema_of(organisation.workspace.schema_name):
            _admit_owner(owner, actor)


def _admit_owner(owner: User, actor: Actor) -> None:
    ensure_member(identity=owner.uuid, email=owner.email, name=owner.name, role=OWNER, actor=actor)


def _wait_for_builder(slug: str) -> None:
    number = _BUILDER_LOCK + zlib.crc32(slug.encode()) % _BUILDERS
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
