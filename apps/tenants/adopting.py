"""Making customers of tenants that were imported, which belong to no organisation."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.addresses import console_host, platform_url
from apps.accounts.arrivals import came_by_platform, recognise
from apps.accounts.exceptions import HandOffError
from apps.accounts.models import User
from apps.accounts.services import create_user, ensure_member, has_verified_email
from apps.accounts.zones import writing_to
from apps.billing.models import PlanVersion
from apps.branding.looks import look_in_force
from apps.branding.mail import write_letter
from apps.branding.post import post
from apps.core.exceptions import ConflictError, DomainError, NotFoundError
from apps.core.permissions import OWNER
from apps.events import services as events
from apps.events.actors import Actor
from apps.tenancy.exceptions import SchemaExistsError
from apps.tenancy.kinds import CONSOLE, WORKSPACE, operator, schema_of
from apps.tenancy.models import Tenant
from apps.tenancy.services import create_tenant
from apps.tenants import registry
from apps.tenants.models import Erasure, Membership, Organisation
from apps.tenants.services import Application, checked

PERMISSION = "organisations.adopt"
_MEMBER = "member"


@dataclass(frozen=True)
class Imported:
    """What there is under a slug that belongs to no organisation."""

    slug: str
    name: str
    console: Tenant | None
    workspace: Tenant | None


def tenants_without_organisation() -> QuerySet[Tenant]:
    """Consoles and workspaces of this database that are nobody's."""
    rows = Tenant.objects.filter(kind__in=[CONSOLE, WORKSPACE], is_local=True)
    # One that is shut is being erased.
    return rows.filter(console_of=None, workspace_of=None, is_shut=False)


def tenants_of_nobody() -> list[Imported]:
    """Consoles and workspaces without an organisation, by slug."""
    slugs = list(
        dict.fromkeys(
            tenants_without_organisation().order_by("slug").values_list("slug", flat=True)
        )
    )
    return [found for slug in slugs if (found := imported(slug))]


def imported(slug: str) -> Imported | None:
    """Those of one slug; None where there is nothing to adopt."""
    return _imported(list(tenants_without_organisation().filter(slug=slug)))


def adopt(application: Application, plan: PlanVersion, *, email: str, actor: Actor) -> Organisation:
    """Make an organisation of the tenants of its slug, owned by whom an address belongs to.

    A workspace alone gets a console. Whoever came into them by a platform before is a member; who
    has no account at the operator yet is given one, without a password. DomainError says why not.
    """
    with told_plainly(application.slug), transaction.atomic(), operator():
        found = locked(application.slug)
        _refuse_taken(application.slug)
        if found.workspace is None:
            raise ConflictError(
                _(
                    "Only the console of “%(slug)s” is here. Import its workspace too, then adopt"
                    " both."
                )
                % {"slug": application.slug}
            )
        organisation = _organisation(checked(application), plan, _account(email, "", actor))
        organisation.workspace = found.workspace
        organisation.console = found.console or create_tenant(
            kind=CONSOLE,
            slug=organisation.slug,
            name=organisation.name,
            host=console_host(organisation.slug),
        )
        organisation.save(update_fields=["console", "workspace"])
        Tenant.objects.filter(pk__in=[organisation.console_id, organisation.workspace_id]).update(
            name=organisation.name
        )
        people = _bring_people(organisation, actor)
        events.record(
            "organisation.adopted",
            actor=actor,
            subject=organisation,
            data={"slug": organisation.slug, "plan": plan.plan.key, "people": len(people)},
        )
        with schema_of(organisation.console.schema_name):
            registry.console_is_adopted(organisation, actor)
        _write_to(people, organisation)
    return organisation


def _imported(tenants: list[Tenant]) -> Imported | None:
    of_kind = {tenant.kind: tenant for tenant in tenants}
    console, workspace = of_kind.get(CONSOLE), of_kind.get(WORKSPACE)
    one = console or workspace
    return Imported(one.slug, one.name, console, workspace) if one else None


def locked(slug: str) -> Imported:
    """Those of a slug, held: whoever adopts them too waits, and finds that they belong."""
    held = Tenant.objects.select_for_update().filter(slug=slug).order_by("pk")
    found = imported(slug) if list(held.values_list("pk")) else None
    if found is None:
        raise NotFoundError(
            _("There is no tenant “%(slug)s” that belongs to no organisation. Import it first.")
            % {"slug": slug}
        )
    return found


def _refuse_taken(slug: str) -> None:
    if Organisation.objects.filter(slug=slug).exists():
        raise ConflictError(
            _(
                "There is an organisation with the address “%(slug)s”. Attach the workspace to it,"
                " or import under another slug."
            )
            % {"slug": slug}
        )
    if Erasure.objects.filter(slug=slug).exists():
        raise ConflictError(
            _(
                "“%(slug)s” was the address of an organisation that was erased, which nobody gets"
                " again. Import under another slug."
            )
            % {"slug": slug}
        )


@contextmanager
def told_plainly(slug: str) -> Iterator[None]:
    """What the database refuses, in words."""
    try:
        yield
    except (IntegrityError, SchemaExistsError) as error:
        raise ConflictError(
            _(
                "Something of “%(slug)s” is taken: its address, a host of it or a schema. Import it"
                " under another slug."
            )
            % {"slug": slug}
        ) from error


def _organisation(application: Application, plan: PlanVersion, owner: User) -> Organisation:
    """Its row and its owner; without a trial, since it is no new customer."""
    if not owner.is_active:
        raise DomainError(
            _("%(user)s is switched off at the operator.") % {"user": owner}, field="email"
        )
    organisation = Organisation.objects.create(
        **asdict(application),
        status=Organisation.Status.ACTIVE,
        plan_version=plan.uuid,
        plan_key=plan.plan.key,
        owner=owner.uuid,
        email=owner.email,
    )
    Membership.objects.create(organisation=organisation, user=owner.uuid, role=OWNER)
    return organisation


def _account(email: str, name: str, actor: Actor) -> User:
    """The operator-level user of an address, made where there is none.

    Somebody may have made one with an address that is not theirs: its password goes. All ways in
    that are left lead through a mail to the address.
    """
    user = User.objects.select_for_update().filter(email=email.lower()).first()
    if user is None:
        return create_user(email=email, name=name, actor=actor, is_verified=True)
    if not has_verified_email(user):
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def _bring_people(organisation: Organisation, actor: Actor) -> list[User]:
    """Accounts and memberships for everybody who came by a platform before; in both schemas too."""
    owner = User.objects.get(uuid=organisation.owner)
    people = {owner.pk: owner}
    for email, name in _people_of(organisation).items():
        user = _account(email, name, actor)
        if user.is_active:
            people[user.pk] = user
            Membership.objects.get_or_create(
                organisation=organisation, user=user.uuid, defaults={"role": _MEMBER}
            )
    members = members_by_address(organisation)
    for tenant in _tenants(organisation):
        with schema_of(tenant.schema_name):
            recognise(members)
            _bring_owner(owner, actor)
            tell_inside(organisation, tenant, actor)
    return list(people.values())


def _people_of(organisation: Organisation) -> dict[str, str]:
    """Their names by address."""
    found: dict[str, str] = {}
    for tenant in _tenants(organisation):
        with schema_of(tenant.schema_name):
            found |= dict(came_by_platform().values_list("email", "name"))
    return found


def members_by_address(organisation: Organisation) -> Mapping[str, UUID]:
    """Who belongs to it, by e-mail address."""
    belong = Membership.objects.filter(organisation=organisation).values("user")
    return dict(User.objects.filter(uuid__in=belong).values_list("email", "uuid"))


def _bring_owner(owner: User, actor: Actor) -> None:
    values = {"identity": owner.uuid, "email": owner.email, "name": owner.name}
    try:
        ensure_member(**values, role=OWNER, actor=actor)  # type: ignore[arg-type]
    except HandOffError as error:
        raise DomainError(
            _("%(user)s is switched off in what was imported. Name another owner.")
            % {"user": owner},
            field="email",
        ) from error


def tell_inside(organisation: Organisation, tenant: Tenant, actor: Actor) -> None:
    """An event in the tenant's own log, which its owners read."""
    data = {"organisation": organisation.slug}
    events.record("tenant.adopted", actor=actor, subject=tenant, data=data)


def _write_to(people: list[User], organisation: Organisation) -> None:
    """A mail to each, in their language: where it is now, and how they come in."""
    for user in people:
        context = {
            "organisation": organisation.name,
            "host": console_host(organisation.slug),
            "has_password": user.has_usable_password(),
            "url": platform_url("/organisations/"),
            "reset_url": platform_url("/accounts/password/reset/"),
        }
        with writing_to(user, zone=organisation.time_zone):
            letter = write_letter(
                "tenants/mail/adopted", context, look=look_in_force(), home_url=platform_url()
            )
        post(letter, to=[user.email])


def _tenants(organisation: Organisation) -> list[Tenant]:
    return [one for one in (organisation.console, organisation.workspace) if one is not None]
