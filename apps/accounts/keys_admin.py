"""Keys of service accounts in the admin of every kind: made, shown once, replaced, revoked."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from apps.accounts import api_keys, service_accounts
from apps.accounts.access import all_permissions, may, permissions_here
from apps.accounts.models import ApiKey, ServiceAccount, User
from apps.accounts.programs_admin import change_each, person_of
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
    # The same word alone is a month in every date.
    wide = forms.ChoiceField(
        label=pgettext_lazy("of a key", "May"),
        choices=_WIDE,
        required=False,
        widget=UnfoldAdminSelectWidget,
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
            self.fields["ticked"].choices = [  # type: ignore[attr-defined]
                (one.key, one.title) for one in permissions_here() if may(self.by, one.key)
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
        return type("Form", (built,), {"by": person_of(request)})

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """Of the accounts that may no more than who asks."""
        rows: QuerySet[ApiKey] = super().get_queryset(request)
        mine = service_accounts.accounts_of(person_of(request))
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
        by = person_of(request)
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

    @display(description=pgettext_lazy("of a key", "may"))  # type: ignore[untyped-decorator]
    def may_do(self, key: ApiKey) -> str:
        """Its scopes in words."""
        return ", ".join(map(_title_of, key.scopes))

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
        by = person_of(request)
        rows = queryset.select_related("account__own_role")
        change_each(request, rows, lambda key: api_keys.revoke_key(key, by=by))


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


def _title_of(scope: str) -> str:
    for wide, title in _WIDE:
        if wide and wide == scope:
            return str(title)
    known = all_permissions().get(scope)
    return str(known.title) if known else scope


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
