"""Invitations in the admin of every kind: made here, sent again, revoked."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget

from apps.accounts import invitations, members
from apps.accounts.access import may
from apps.accounts.invitation_mails import send_invitation
from apps.accounts.models import Invitation, User
from apps.accounts.people_admin import limit_choices
from apps.core.exceptions import DomainError
from apps.core.permissions import OWNER

_STATES = {
    "open": _("Open"),
    "accepted": _("Accepted"),
    "revoked": _("Revoked"),
    "expired": _("Expired"),
}
_LABELS = {"open": "info", "accepted": "success", "revoked": "danger", "expired": "warning"}


class InvitationForm(forms.ModelForm):  # type: ignore[type-arg]
    """Whom to invite, in which role."""

    email = forms.EmailField(label=_("E-mail"), widget=UnfoldAdminEmailInputWidget)
    role = forms.ChoiceField(label=_("Role"), widget=UnfoldAdminSelectWidget)
    limits = forms.MultipleChoiceField(
        label=_("Only for"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("With none ticked, the role holds for everything here."),
    )
    # Who asks; set by the admin on a class of the request's own.
    by: User

    class Meta:
        model = Invitation
        fields = ["email"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "role" in self.fields:
            given = [one for one in members.role_choices(self.by) if one[0] != OWNER]
            self.fields["role"].choices = given  # type: ignore[attr-defined]
        if "limits" in self.fields:
            self.fields["limits"].choices = limit_choices()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Make it here, so that what stands against it is said at the form."""
        values = super().clean() or {}
        if not self.errors:
            try:
                self.made = invitations.invite(
                    email=values["email"],
                    role=values["role"],
                    limits=values.get("limits", ()),
                    by=self.by,
                )
            except DomainError as error:
                self.add_error(error.field or None, error.message)
        return values

    def _post_clean(self) -> None:
        """The service has written the row; nothing is put together here."""


class InvitationAdmin(ModelAdmin):  # type: ignore[misc]
    """Who is invited, and what became of it."""

    form = InvitationForm
    list_display = ["email", "shown_role", "state", "inviter", "sent", "expires"]
    list_select_related = ["invited_by", "invited_by_program"]
    search_fields = ["email"]
    actions = ["send_again", "revoke"]

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> list[str]:
        """One that is there is only shown."""
        if obj is not None:
            limits = ["only_for"] if obj.limits else []
            return ["email", "shown_role", *limits, "state_in_words", *self.list_display[3:]]
        return ["email", "role", *(["limits"] if limit_choices() else [])]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form of those who ask, who offer no role above their own."""
        built = super().get_form(request, obj, change, **kwargs)
        return type("Form", (built,), {"by": _person(request)})

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is revoked and made anew instead."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is revoked, so that the list tells who was invited."""
        return False

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Who may send and revoke them."""
        return may(request.user, "people.manage")

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Invitation:
        """The row that the form's service made."""
        invitation: Invitation = form.made[0]
        return invitation

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        """Send the link."""
        send_invitation(request, *form.made)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """It has nothing beside it."""

    def response_add(
        self, request: HttpRequest, obj: Invitation, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Back to the list, which shows it."""
        messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": obj})
        return redirect("admin:accounts_invitation_changelist")

    @display(description=_("role"))  # type: ignore[untyped-decorator]
    def shown_role(self, row: Invitation) -> str:
        """The role as people read it; one of the schema's own by its name."""
        return str(members.BUILT_IN.get(row.role) or members.titles_of_roles().get(row.role, "–"))

    @display(description=_("invited by"))  # type: ignore[untyped-decorator]
    def inviter(self, row: Invitation) -> str:
        """A person, or a program."""
        return row.inviter

    @display(description=_("state"), label=_LABELS)  # type: ignore[untyped-decorator]
    def state(self, row: Invitation) -> tuple[str, str]:
        """What became of it."""
        word = "open" if row.expires_at > timezone.now() else "expired"
        word = "revoked" if row.revoked_at else word
        word = "accepted" if row.accepted_at else word
        return word, str(_STATES[word])

    @display(description=_("only for"))  # type: ignore[untyped-decorator]
    def only_for(self, row: Invitation) -> str:
        """What the role is limited to, by its names."""
        names, keys = dict(limit_choices()), [f"{one['type']}:{one['id']}" for one in row.limits]
        return ", ".join(str(names.get(key, key)) for key in keys)

    @display(description=_("sent"), ordering="sent_at")  # type: ignore[untyped-decorator]
    def sent(self, row: Invitation) -> datetime:
        """When the link was sent last."""
        return row.sent_at

    @display(description=_("expires"), ordering="expires_at")  # type: ignore[untyped-decorator]
    def expires(self, row: Invitation) -> datetime:
        """Until when the link works."""
        return row.expires_at

    @display(description=_("state"))  # type: ignore[untyped-decorator]
    def state_in_words(self, row: Invitation) -> str:
        """On a page of its own, where there are no tags."""
        return self.state(row)[1]

    @action(description=_("Send again"), permissions=["manage"])  # type: ignore[untyped-decorator]
    def send_again(self, request: HttpRequest, rows: QuerySet[Invitation]) -> None:
        """With another link, good for seven days from now."""
        by = _person(request)
        self._each(
            request, rows, lambda row: send_invitation(request, row, invitations.renew(row, by=by))
        )

    @action(description=_("Revoke"), permissions=["manage"])  # type: ignore[untyped-decorator]
    def revoke(self, request: HttpRequest, rows: QuerySet[Invitation]) -> None:
        """End them at once."""
        by = _person(request)
        self._each(request, rows, lambda row: invitations.revoke(row, by=by))

    @staticmethod
    def _each(
        request: HttpRequest, rows: QuerySet[Invitation], change: Callable[[Invitation], None]
    ) -> None:
        for row in rows.select_related("invited_by", "invited_by_program"):
            try:
                change(row)
            except DomainError as error:
                messages.error(request, error.message)
            except PermissionDenied as error:
                messages.error(request, str(error) or _("You may not do this."))
            else:
                messages.success(request, f"{row}: {_('done.')}")


def register(site: AdminSite) -> None:
    """In every kind."""
    site.register(Invitation, InvitationAdmin)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
