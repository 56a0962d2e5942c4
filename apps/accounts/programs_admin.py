"""Service accounts in the admin of every kind."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from apps.accounts import members, service_accounts
from apps.accounts.access import may
from apps.accounts.models import ServiceAccount, User
from apps.accounts.people_admin import limit_choices
from apps.core.exceptions import DomainError


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """A service account as somebody writes it down who may make keys."""

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
        model = ServiceAccount
        fields = ["name", "description"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account: ServiceAccount = self.instance
        if "role" in self.fields:
            given = [one for one in members.role_choices(self.by) if one[0]]
            self.fields["role"].choices = given  # type: ignore[attr-defined]
            self.fields["role"].initial = service_accounts.word_of(account) if account.pk else ""
        if "limits" in self.fields:
            held = [f"{one['type']}:{one['id']}" for one in account.limits]
            offered = limit_choices()
            gone = [(one, one) for one in held if one not in dict(offered)]
            self.fields["limits"].choices = [*offered, *gone]  # type: ignore[attr-defined]
            self.fields["limits"].initial = held

    def clean(self) -> dict[str, Any]:
        """Write it here, so that what stands against it is said at the form."""
        values = super().clean() or {}
        if not self.errors:
            try:
                self.made = self._write(values)
            except DomainError as error:
                self.add_error(error.field or None, error.message)
        return values

    def _write(self, values: dict[str, Any]) -> ServiceAccount:
        if not self.instance.pk:
            return service_accounts.create_account(by=self.by, **values)
        service_accounts.change_account(self.instance, by=self.by, **values)
        return self.instance  # type: ignore[no-any-return]

    def _post_clean(self) -> None:
        """The service has written the row; nothing is put together here."""


class ServiceAccountAdmin(ModelAdmin):  # type: ignore[misc]
    """Programs with a role here; they are switched off, never deleted."""

    form = AccountForm
    list_display = ["name", "shown_role", "keys_now", "last_used", "made_by", "state"]
    search_fields = ["name", "description"]
    list_filter = ["is_active"]
    actions = ["switch_off", "switch_on"]
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: ServiceAccount | None = None) -> list[str]:
        """State and maker only of one that is there."""
        limits = ["limits"] if limit_choices() else []
        shown = ["made_by", "created_at", "is_active"] if obj else []
        if obj and not self.has_change_permission(request, obj):
            return ["name", "description", "shown_role", *shown]
        return ["name", "description", "role", *limits, *shown]

    readonly_fields = ["made_by", "created_at", "is_active"]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form of those who ask, who give no role above their own."""
        built = super().get_form(request, obj, change, **kwargs)
        return type("Form", (built,), {"by": person_of(request)})

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceAccount]:
        """Those that may no more than who asks."""
        rows = service_accounts.accounts_of(person_of(request)).order_by("name")
        return rows.prefetch_related("keys")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is switched off, so that what it did can be traced."""
        return False

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Who may make them may switch off those they see."""
        return may(request.user, "keys.use")

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> ServiceAccount:
        """The row that the form's service wrote."""
        made: ServiceAccount = form.made
        return made

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """It is written."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Keys are made on a page of their own."""

    def response_add(
        self, request: HttpRequest, obj: ServiceAccount, post_url_continue: str | None = None
    ) -> HttpResponse:
        """On to its first key."""
        messages.success(request, _("“%(name)s” is made. Now give it a key.") % {"name": obj})
        return redirect(f"{reverse('admin:accounts_apikey_add')}?account={obj.pk}")

    @display(description=_("role"))  # type: ignore[untyped-decorator]
    def shown_role(self, row: ServiceAccount) -> str:
        """As people read it."""
        return service_accounts.title_of(row)

    @display(description=_("usable keys"))  # type: ignore[untyped-decorator]
    def keys_now(self, row: ServiceAccount) -> int:
        """How many can be used today."""
        return sum(key.is_usable for key in row.keys.all())

    @display(description=_("last used"))  # type: ignore[untyped-decorator]
    def last_used(self, row: ServiceAccount) -> Any:
        """Of all its keys."""
        used = [key.last_used_at for key in row.keys.all() if key.last_used_at]
        return max(used, default=None)

    @display(description=_("made by"))  # type: ignore[untyped-decorator]
    def made_by(self, row: ServiceAccount) -> str:
        """Who made it, and whether they have left."""
        name = str(row.created_by or "–")
        if service_accounts.is_orphan(row):
            return str(_("%(name)s, who left") % {"name": name})
        return name

    @display(description=_("state"), label={"on": "success", "off": "danger"})  # type: ignore[untyped-decorator]
    def state(self, row: ServiceAccount) -> tuple[str, str]:
        """Whether its keys are let in."""
        return ("on", str(_("Active"))) if row.is_active else ("off", str(_("Switched off")))

    @action(description=_("Switch off"), permissions=["switch"])  # type: ignore[untyped-decorator]
    def switch_off(self, request: HttpRequest, rows: QuerySet[ServiceAccount]) -> None:
        """Refuse their keys from the next request on."""
        by = person_of(request)
        change_each(request, rows, lambda row: service_accounts.switch_account(row, False, by=by))

    @action(description=_("Switch on"), permissions=["switch"])  # type: ignore[untyped-decorator]
    def switch_on(self, request: HttpRequest, rows: QuerySet[ServiceAccount]) -> None:
        """Let them in again."""
        by = person_of(request)
        change_each(request, rows, lambda row: service_accounts.switch_account(row, True, by=by))


def register(site: AdminSite) -> None:
    """In every kind."""
    site.register(ServiceAccount, ServiceAccountAdmin)


def change_each(request: HttpRequest, rows: QuerySet[Any], change: Callable[[Any], None]) -> None:
    for row in rows:
        try:
            change(row)
        except (DomainError, PermissionDenied) as error:
            messages.error(request, str(error))


def person_of(request: HttpRequest) -> User:
    """Who is signed in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
