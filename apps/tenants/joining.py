"""How somebody who is invited to a console becomes an operator-level member of its organisation."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts import invitations
from apps.accounts.models import Invitation, User
from apps.accounts.services import ensure_member
from apps.core.exceptions import ConflictError
from apps.events.actors import user_actor
from apps.tenancy.kinds import schema_of
from apps.tenants.models import Membership, Organisation

# Lets them in. What they may do is said in the console, and in the workspace, each for itself.
_MEMBER = "member"


def open_organisation(slug: str) -> Organisation | None:
    """The organisation of a slug, while it is not closed."""
    rows = Organisation.objects.select_related("console").exclude(console=None)
    return rows.exclude(status=Organisation.Status.CLOSED).filter(slug=slug).first()


def invitation_to(organisation: Organisation, token: str) -> Invitation | None:
    """The open invitation into a console that a link is of."""
    with schema_of(_console(organisation)):
        return invitations.open_invitation(token)


@transaction.atomic
def join(organisation: Organisation, invitation: Invitation, user: User) -> None:
    """Make an operator-level user a member, and spend the invitation in the console.

    ConflictError for somebody who belongs to the organisation already.
    """
    _row, is_new = Membership.objects.get_or_create(
        organisation=organisation, user=user.uuid, defaults={"role": _MEMBER}
    )
    if not is_new:
        raise ConflictError(
            _("You belong to %(organisation)s already. Its owner can change your role.")
            % {"organisation": organisation}
        )
    with schema_of(_console(organisation)):
        member = ensure_member(
            identity=user.uuid,
            email=user.email,
            name=user.name,
            role=_MEMBER,
            actor=user_actor(user),
        )
        invitations.accept(invitation, member)


def _console(organisation: Organisation) -> str:
    assert organisation.console is not None
    return str(organisation.console.schema_name)
