"""Service accounts and their keys in the admin of every kind."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from apps.accounts import api_keys, members, service_accounts
from apps.accounts.access import all_permissions, held_by, may, permissions_here
from apps.accounts.models import ApiKey, ServiceAccount, User
from apps.accounts.people_admin import limit_choices
from apps.accounts.scopes import FULL, READ
from apps.core.exceptions import DomainError
from dotmac.crypto.secret import Secret

_ENDS = ((90, _("in 90 days")), (365, _("in a year")), (0, _("never")))
_WIDE = (
    (FULL, _("Everything that its service account may")),
    (READ, _("All of it that only looks")),
    ("", _("Only what is ticked below")),
)
_OVERLAPS = (
    (0, _("It ends now")),
    (24, _("It is good for another day")),
    (24 * 7, _("It is good for another week")),
)
_KEY_LABELS = {
    "active": "success",
    "ending": "warning",
    "replaced": "warning",
    "expired": "danger",
    "revoked": "danger",
    "off": "danger",
}
_KEY_STATES = {
    "active": _("Active"),
    "ending": _("Ends soon"),
    "replaced": _("Replaced"),
    "expired": _("Expired"),
    "revoked": _("Revoked"),
    "off": _("Account is off"),
}


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
        return type("Form", (built,), {"by": _person(request)})

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceAccount]:
        """Those that may no more than who asks."""
        usable = Q(keys__revoked_at=None) & (
            Q(keys__expires_at=None) | Q(keys__expires_at__gt=timezone.now())
        )
        rows = service_accounts.accounts_of(_person(request)).order_by("name")
        return rows.annotate(usable=Count("keys", filter=usable)).prefetch_related("keys")

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
    def keys_now(self, row: Any) -> int:
        """How many can be used today."""
        return int(row.usable)

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
        by = _person(request)
        _each(request, rows, lambda row: service_accounts.switch_account(row, False, by=by))

    @action(description=_("Switch on"), permissions=["switch"])  # type: ignore[untyped-decorator]
    def switch_on(self, request: HttpRequest, rows: QuerySet[ServiceAccount]) -> None:
        """Let them in again."""
        by = _person(request)
        _each(request, rows, lambda row: service_accounts.switch_account(row, True, by=by))


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A key to make: for which account, what it may, until when."""

    account = forms.ModelChoiceField(
        label=_("Service account"),
        queryset=ServiceAccount.objects.none(),
        widget=UnfoldAdminSelectWidget,
    )
    ends = forms.TypedChoiceField(
        label=_("Expires"),
        choices=_ENDS,
        coerce=int,
        initial=90,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Owners are told 14 and 3 days before. Who knows a key can use it until then."),
    )
    wide = forms.ChoiceField(
        label=_("May"), choices=_WIDE, required=False, widget=UnfoldAdminSelectWidget
    )
    ticked = forms.MultipleChoiceField(
        label=_("Permissions"), required=False, widget=forms.CheckboxSelectMultiple
    )
    # Who asks; set by the admin on a class of the request's own.
    by: User

    class Meta:
        model = ApiKey
        fields = ["name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "account" in self.fields:
            self.fields["account"].queryset = service_accounts.accounts_of(self.by)  # type: ignore[attr-defined]
            held = held_by(self.by)
            self.fields["ticked"].choices = [  # type: ignore[attr-defined]
                (one.key, one.title)
                for one in permissions_here()
                if self.by.is_superuser or one.key in held
            ]

    def clean(self) -> dict[str, Any]:
        """Make it here, so that what stands against it is said at the form."""
        values = super().clean() or {}
        if not self.errors:
            try:
                self.made = api_keys.create_key(
                    values["account"],
                    name=values["name"],
                    scopes=[values["wide"]] if values["wide"] else values["ticked"],
                    days=values["ends"] or None,
                    by=self.by,
                )
            except DomainError as error:
                self.add_error("ticked" if error.field == "scopes" else None, error.message)
            except PermissionDenied as error:
                self.add_error(None, str(error))
        return values

    def _post_clean(self) -> None:
        """The service has written the row; nothing is put together here."""


class ApiKeyAdmin(ModelAdmin):  # type: ignore[misc]
    """Keys of programs: made here and shown once, then only replaced or revoked."""

    form = KeyForm
    list_display = [
        "name",
        "account",
        "prefix",
        "may_do",
        "ends",
        "last_used_at",
        "last_used_ip",
        "state",
    ]
    search_fields = ["name", "prefix", "account__name"]
    list_filter = ["account"]
    actions = ["revoke"]
    show_full_result_count = False
    change_form_outer_after_template = "admin/accounts/apikey/rotate.html"

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        """All of one that is there is only shown."""
        if obj is None:
            return ["account", "name", "ends", "wide", "ticked"]
        return [
            "name",
            "account",
            "prefix",
            "may_do",
            "how_it_stands",
            "created_by",
            "created_at",
            "ends",
            "last_used_at",
            "last_used_ip",
            "revoked_at",
        ]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form of those who ask."""
        built = super().get_form(request, obj, change, **kwargs)
        return type("Form", (built,), {"by": _person(request)})

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """Of the accounts that may no more than who asks."""
        rows: QuerySet[ApiKey] = super().get_queryset(request)
        mine = service_accounts.accounts_of(_person(request))
        return rows.filter(account__in=mine).select_related("account", "created_by")

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """A key never changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """A revoked key stays in the list, so that its uses can be traced."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Who may make keys may end those they see."""
        return may(request.user, "keys.use")

    def get_urls(self) -> list[URLPattern]:
        """Replacing one, before the admin's own pages."""
        view = self.admin_site.admin_view(require_POST(self.rotate))
        own = path("<int:object_id>/rotate/", view, name="accounts_apikey_rotate")
        return [own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With what can be done."""
        key = self.get_object(request, object_id)
        more = {"key": key, "rotate_form": RotateForm(initial={"overlap": 24, "ends": 90})}
        more["may_rotate"] = bool(key and key.is_usable and not key.replaced_by_id)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})  # type: ignore[no-any-return]

    def rotate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Make a key that takes its place, and show it, this once."""
        by = _person(request)
        if not may(by, "keys.use"):
            raise PermissionDenied
        key = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = RotateForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Choose until when both keys are good."))
            return redirect("admin:accounts_apikey_change", key.pk)
        try:
            made, text = api_keys.rotate_key(
                key,
                by=by,
                overlap_h=form.cleaned_data["overlap"],
                days=form.cleaned_data["ends"] or None,
            )
        except DomainError as error:
            messages.error(request, error.message)
            return redirect("admin:accounts_apikey_change", key.pk)
        return self._shown_once(request, made, text)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> ApiKey:
        """The row that the form's service made."""
        key: ApiKey = form.made[0]
        return key

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """It is written; its text lives in this request alone."""
        request.made_key = form.made[1]  # type: ignore[attr-defined]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """It has nothing beside it."""

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key, this once."""
        return self._shown_once(request, obj, request.made_key)  # type: ignore[attr-defined]

    def _shown_once(self, request: HttpRequest, key: ApiKey, text: Secret) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("API key made"),
            "opts": self.opts,
            "key": key,
            "text": text.reveal(),
        }
        return render(request, "admin/accounts/apikey/made.html", context)

    @display(description=_("may"))  # type: ignore[untyped-decorator]
    def may_do(self, key: ApiKey) -> str:
        """Its scopes in words."""
        words = {**{key: str(one.title) for key, one in all_permissions().items()}, **_words()}
        return ", ".join(words.get(scope, scope) for scope in key.scopes)

    @display(description=_("state"), label=_KEY_LABELS)  # type: ignore[untyped-decorator]
    def state(self, key: ApiKey) -> tuple[str, str]:
        """Whether it still works."""
        word = _state_of(key)
        return word, str(_KEY_STATES[word])

    @display(description=_("state"))  # type: ignore[untyped-decorator]
    def how_it_stands(self, key: ApiKey) -> str:
        """The same as a word, for its page."""
        return str(_KEY_STATES[_state_of(key)])

    @display(description=_("expires"), ordering="expires_at")  # type: ignore[untyped-decorator]
    def ends(self, key: ApiKey) -> Any:
        """When, or that it never does."""
        return key.expires_at or str(_("Never"))

    @action(description=_("Revoke"), permissions=["revoke"])  # type: ignore[untyped-decorator]
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """End keys at once."""
        by = _person(request)
        rows = queryset.select_related("account__own_role")
        _each(request, rows, lambda key: api_keys.revoke_key(key, by=by))


class RotateForm(forms.Form):
    """How long the old key is good beside the new one, and how long the new one is."""

    overlap = forms.TypedChoiceField(
        label=_("The key that it has now"),
        choices=_OVERLAPS,
        coerce=int,
        widget=UnfoldAdminSelectWidget,
    )
    ends = forms.TypedChoiceField(
        label=_("The new key expires"), choices=_ENDS, coerce=int, widget=UnfoldAdminSelectWidget
    )


def register(site: AdminSite) -> None:
    """In every kind."""
    site.register(ServiceAccount, ServiceAccountAdmin)
    site.register(ApiKey, ApiKeyAdmin)


def _words() -> dict[str, str]:
    return {scope: str(title) for scope, title in _WIDE if scope}


def _state_of(key: ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    if not key.is_usable:
        return "expired"
    if not key.account.is_active:
        return "off"
    if key.replaced_by_id:
        return "replaced"
    soon = key.expires_at and (key.expires_at - timezone.now()).days < api_keys.NOTICES[0]
    return "ending" if soon else "active"


def _each(request: HttpRequest, rows: QuerySet[Any], change: Callable[[Any], None]) -> None:
    for row in rows:
        try:
            change(row)
        except (DomainError, PermissionDenied) as error:
            messages.error(request, str(error))


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
