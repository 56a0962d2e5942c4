"""People with their roles, and the schema's own roles, in the admin of every kind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.db.transaction import atomic
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from apps.accounts import members, services
from apps.accounts.access import all_permissions, may, permissions_here
from apps.accounts.models import Role, User
from apps.accounts.personal_admin import PersonalData
from apps.accounts.security.factors import ASKED_AT_SIGN_IN
from apps.accounts.sessions_admin import Sessions
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor


class UserForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person as those write one down who manage people."""

    role = forms.ChoiceField(
        label=_("Role"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Without a role they may do nothing here."),
    )
    limits = forms.MultipleChoiceField(
        label=_("Only for"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("With none ticked, the role holds for everything here."),
    )

    class Meta:
        model = User
        fields = ["email", "name"]

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        user: User = self.instance
        current = members.role_of(user) if user.pk else members.NO_ROLE
        if "role" in self.fields:
            self.fields["role"].choices = [("", _("No role")), *members.role_choices(by)]  # type: ignore[attr-defined]
            self.fields["role"].initial = current
        if "limits" in self.fields:
            held = members.limits_in_text(user) if user.pk else []
            offered = limit_choices()
            # What is gone by now stays ticked: without it the role would hold for everything.
            gone = [(one, one) for one in held if one not in {value for value, _name in offered}]
            self.fields["limits"].choices = [*offered, *gone]  # type: ignore[attr-defined]
            self.fields["limits"].initial = held

    def clean_email(self) -> str:
        """Addresses are kept in lower case."""
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any]:
        """Write it here, so that what stands against it is said at the form, by field."""
        values = super().clean() or {}
        if not self.errors:
            with saying_refusals(self):
                self.written = self._write(values)
        return values

    @atomic
    def _write(self, values: dict[str, Any]) -> User:
        user: User = self.instance
        actor = user_actor(self.by)
        if user.pk is None:
            user = services.create_user(email=values["email"], name=values["name"], actor=actor)
        else:
            services.rename_user(user, values["name"], actor=actor)
            user.name = values["name"]
        if "role" in values:
            limits = values.get("limits", members.limits_in_text(user))
            members.set_role(user, values["role"], by=self.by, limits=limits)
        return user

    def _post_clean(self) -> None:
        """The services have written the row; nothing is put together here."""


class UserAdmin(Sessions, PersonalData, ModelAdmin):  # type: ignore[misc]
    """People of this schema; they are switched off, never deleted."""

    form = UserForm
    list_display = ["email", "name", "role", "second_factor", "is_active", "last_login"]
    list_filter = ["is_staff", "is_active"]
    list_select_related = ["membership__own_role"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    readonly_fields = ["is_active", "last_login", "date_joined"]
    actions = ["deactivate", "reactivate"]
    actions_detail = ["own_data"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With whether they have a second factor."""
        factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=ASKED_AT_SIGN_IN)
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.filter(is_visitor=False).annotate(has_factor=Exists(factors))

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """State and dates only of somebody who is there."""
        limits = ["limits"] if limit_choices() or (obj and members.limits_of(obj)) else []
        shown = [*self.readonly_fields] if obj else []
        return ["email", "name", "role", *limits, *shown]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """An address stays with its person, and a role with those who may not give it."""
        if obj is None:
            return self.readonly_fields
        offered = {members.NO_ROLE, *dict(members.role_choices(_person(request)))}
        kept = [] if members.role_of(obj) in offered else ["role", "limits"]
        return [*self.readonly_fields, "email", *kept]

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form of those who ask, who give no role above their own."""
        built = super().get_form(request, obj, change, **kwargs)
        by = _person(request)

        class Form(built):  # type: ignore[misc,valid-type]
            def __init__(self, *args: Any, **given: Any) -> None:
                super().__init__(*args, by=by, **given)

        return Form

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Nothing by which a password's hash could be guessed letter by letter."""
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """What a person did stays theirs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody changes somebody who may do more."""
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or _is_above(request, obj)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Who may switch people on and off."""
        return may(request.user, "people.manage")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """The form's services have written it."""
        if not change:
            obj.__dict__.update(form.written.__dict__)
            text = _("They choose a password at the sign-in page, through “Forgot your password?”.")
            messages.info(request, text)

    @display(description=_("role"))  # type: ignore[untyped-decorator]
    def role(self, user: User) -> str:
        """What they are here."""
        return members.role_title(user) or "–"

    @display(description=_("only for"))  # type: ignore[untyped-decorator]
    def limits(self, user: User) -> str:
        """The names of what they are limited to."""
        names, held = dict(limit_choices()), members.limits_of(user)
        keys = [f"{one['type']}:{one['id']}" for one in held]
        return ", ".join(str(names.get(key, key)) for key in keys) or str(_("everything here"))

    @display(description=_("second factor"))  # type: ignore[untyped-decorator]
    def second_factor(self, user: Any) -> str:
        """Whether they have one, where they sign in."""
        if user.has_factor:
            return str(_("Yes"))
        return str(_("At DotMac")) if user.identity else str(_("No"))

    @action(description=_("Switch off"), permissions=["switch"])  # type: ignore[untyped-decorator]
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Keep people out from their next request on."""
        self._switch(request, queryset, services.deactivate_user)

    @action(description=_("Switch on"), permissions=["switch"])  # type: ignore[untyped-decorator]
    def reactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Let people in again."""
        self._switch(request, queryset, services.reactivate_user)

    @staticmethod
    def _switch(request: HttpRequest, rows: QuerySet[User], change: Callable[..., None]) -> None:
        by = _person(request)
        for user in rows:
            _try(request, lambda user=user: _switch_one(by, user, change))  # type: ignore[misc]


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A role of one's own, by ticking what it may do."""

    permissions = forms.MultipleChoiceField(
        label=_("Permissions"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("You can tick what you may do yourself."),
    )

    # Who asks; set by the admin on a class of the request's own.
    by: User

    class Meta:
        model = Role
        fields = ["name", "permissions"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "permissions" in self.fields:
            choices = [(one.key, one.title) for one in permissions_here()]
            self.fields["permissions"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Write it here, so that what stands against it is said at the form, by field."""
        values = super().clean() or {}
        if not self.errors:
            with saying_refusals(self, "permissions"):
                self.written = self._write(values)
        return values

    def _write(self, values: dict[str, Any]) -> Role:
        if self.instance.pk is None:
            return members.create_role(by=self.by, **values)
        members.change_role(self.instance, by=self.by, **values)
        self.instance.name = values["name"]
        return self.instance

    def _post_clean(self) -> None:
        """The services have written the row; nothing is put together here."""


class RoleAdmin(ModelAdmin):  # type: ignore[misc]
    """Roles beside the built-in ones."""

    form = RoleForm
    list_display = ["name", "what"]
    search_fields = ["name"]
    fields = ["name", "permissions"]
    actions = None

    @display(description=_("permissions"))  # type: ignore[untyped-decorator]
    def what(self, role: Role) -> str:
        """What it may do, in words."""
        known = all_permissions()
        titles = [str(known[key].title) for key in role.permissions if key in known]
        return ", ".join(titles) or "–"

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form of those who ask, who tick nothing that they do not hold."""
        built = super().get_form(request, obj, change, **kwargs)
        return type("Form", (built,), {"by": _person(request)})

    def has_change_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        """Nobody changes a role that may do more than they."""
        return super().has_change_permission(request, obj) and _is_within_own(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        """Nor removes one."""
        return super().has_delete_permission(request, obj) and _is_within_own(request, obj)

    def save_model(self, request: HttpRequest, obj: Role, form: Any, change: bool) -> None:
        """The form's services have written it."""
        obj.__dict__.update(form.written.__dict__)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Say it when somebody got the role in between."""
        try:
            return super().delete_view(request, object_id, extra_context)  # type: ignore[no-any-return]
        except DomainError as error:
            messages.error(request, error.message)
            return redirect("admin:accounts_role_change", object_id)

    def delete_model(self, request: HttpRequest, obj: Role) -> None:
        """Only one that nobody has."""
        members.delete_role(obj, by=_person(request))


def register(site: AdminSite) -> None:
    """In every kind."""
    site.register(User, UserAdmin)
    site.register(Role, RoleAdmin)


def _switch_one(by: User, user: User, change: Callable[..., None]) -> None:
    members.require_above(by, user)
    change(user, actor=user_actor(by))


def _is_within_own(request: HttpRequest, role: Role | None) -> bool:
    return role is None or members.may_change_role(_person(request), role)


def _is_above(request: HttpRequest, user: User) -> bool:
    try:
        members.require_above(_person(request), user)
    except PermissionDenied:
        return False
    return True


def limit_choices() -> list[tuple[str, str]]:
    """What a role can be limited to in the current schema."""
    return list(members.offered_limits().items())


@contextmanager
def saying_refusals(form: Any, field: str = "role") -> Iterator[None]:
    """What a service refuses becomes an error of the form, at its field."""
    try:
        yield
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
    except PermissionDenied as error:
        form.add_error(field if field in form.fields else None, str(error))


def _try(request: HttpRequest, change: Callable[[], None]) -> None:
    """Do it; what stands against it becomes a message."""
    try:
        change()
    except DomainError as error:
        messages.error(request, error.message)
    except PermissionDenied as error:
        messages.error(request, str(error))


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
