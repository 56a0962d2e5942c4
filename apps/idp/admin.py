"""Clients of single sign-on in the operator's admin: owners register them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.accounts.addresses import platform_url
from apps.accounts.models import User
from apps.core.exceptions import DomainError
from apps.events.actors import Actor, user_actor
from apps.idp import services
from apps.idp.adapter import ProviderAdapter
from apps.idp.keys import is_ready
from apps.idp.models import RelyingParty
from apps.idp.services import SCOPES, PartyWords
from apps.tenancy.kinds import PUBLIC


class PartyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A client as its owner enters it."""

    name = forms.CharField(
        label=_("Name"), max_length=100, widget=UnfoldAdminTextInputWidget(),
        help_text=_("What people read when they are asked."),
    )  # fmt: skip
    is_public = forms.BooleanField(
        label=_("Public client"), required=False, widget=UnfoldBooleanSwitchWidget(),
        help_text=_("It runs in a browser or on a phone, where no secret can be kept."),
    )  # fmt: skip
    redirect_uris = forms.CharField(
        label=_("Redirect addresses"), widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("One a line, each exactly as the client sends it."),
    )  # fmt: skip
    scopes = forms.MultipleChoiceField(
        label=_("May know"),
        choices=[(name, ProviderAdapter.scope_display[name]) for name in SCOPES[1:]],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    skip_consent = forms.BooleanField(
        label=_("Ask nobody for consent"), required=False, widget=UnfoldBooleanSwitchWidget(),
        help_text=_("Only for tools that you run yourself."),
    )  # fmt: skip
    may_refresh = forms.BooleanField(
        label=_("May stay connected"), required=False, widget=UnfoldBooleanSwitchWidget(),
        help_text=_("It gets refresh tokens, which last 30 days."),
    )  # fmt: skip

    class Meta:
        model = RelyingParty
        fields = ["who", "organisations", "needs_second_factor", "is_on"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            client = self.instance.client
            known = {
                "name": client.name,
                "redirect_uris": client.redirect_uris,
                "scopes": client.get_scopes(),
                "skip_consent": client.skip_consent,
                "may_refresh": "refresh_token" in client.get_grant_types(),
            }
            for name, value in known.items():
                self.fields[name].initial = value
            del self.fields["is_public"]

    def clean_redirect_uris(self) -> list[str]:
        """Each line that says something."""
        lines = self.cleaned_data["redirect_uris"].splitlines()
        return list(dict.fromkeys(line.strip() for line in lines if line.strip()))

    def clean(self) -> dict[str, Any]:
        """What the service would refuse, at its field."""
        data = super().clean() or {}
        if not self.errors:
            try:
                services.check_words(self.words)
            except DomainError as error:
                self.add_error(error.field or None, error.message)
        return data

    @property
    def words(self) -> PartyWords:
        """What was entered."""
        names = ("name", "redirect_uris", "scopes", "who", "organisations")
        switches = ("is_public", "needs_second_factor", "skip_consent", "may_refresh", "is_on")
        said: dict[str, Any] = {name: self.cleaned_data[name] for name in names}
        said |= {name: bool(self.cleaned_data.get(name)) for name in switches}
        return PartyWords(**said)


class RelyingPartyAdmin(ModelAdmin):  # type: ignore[misc]
    """Tools that people sign in to with their account here."""

    form = PartyForm
    list_display = ["name", "who", "needs_second_factor", "is_on"]
    list_select_related = ["client"]
    filter_horizontal = ["organisations"]
    readonly_fields = ["client_id_shown", "issuer"]
    change_form_template = "admin/idp/party.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The kind of client once made stays."""
        first = ["client_id_shown", "issuer"] if obj else ["is_public"]
        return [
            *("name", *first, "redirect_uris", "scopes", "who", "organisations"),
            *("needs_second_factor", "may_refresh", "skip_consent", "is_on"),
        ]

    def get_urls(self) -> list[URLPattern]:
        """With the button for another secret."""
        view = self.admin_site.admin_view(require_POST(self.rotate))
        own = path("<int:pk>/secret/", view, name="idp_relyingparty_rotate")
        return [own, *super().get_urls()]

    @display(description=_("Name"))  # type: ignore[untyped-decorator]
    def name(self, party: RelyingParty) -> str:
        """What people read."""
        return str(party)

    @display(description=_("Client ID"))  # type: ignore[untyped-decorator]
    def client_id_shown(self, party: RelyingParty) -> str:
        """What the client names itself by."""
        return str(party.client_id)

    @display(description=_("Issuer"))  # type: ignore[untyped-decorator]
    def issuer(self, party: RelyingParty) -> str:
        """Where the client finds all the rest."""
        missing = _("OIDC_SIGNING_KEYS is empty, so nobody can sign in to it yet.")
        return platform_url("").rstrip("/") if is_ready() else str(missing)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Nothing yet: the service makes the rows."""
        return form.instance

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through the service; the secret lives in this request alone."""
        row, secret = services.save_party(
            obj if change else None, form.words, actor=_actor(request)
        )
        obj.__dict__.update(row.__dict__)
        request.made_secret = secret  # type: ignore[attr-defined]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The service wrote the organisations too."""

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret, this once; a public client has none."""
        secret = request.made_secret  # type: ignore[attr-defined]
        return self._shown(request, obj, secret.reveal() if secret else "")

    def rotate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Another secret, shown this once."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        actor, party = _actor(request), get_object_or_404(RelyingParty, pk=pk)
        try:
            secret = services.rotate_secret(party, actor=actor)
        except DomainError as error:
            messages.error(request, error.message)
            return redirect("admin:idp_relyingparty_change", pk)
        return self._shown(request, party, secret.reveal())

    def _shown(self, request: HttpRequest, party: RelyingParty, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Single sign-on client"),
            "opts": self.opts,
            "party": party,
            "issuer": platform_url("").rstrip("/"),
            "secret": secret,
        }
        response = render(request, "admin/idp/secret.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Through the service, with its tokens."""
        services.remove_party(obj, actor=_actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[RelyingParty]) -> None:
        """Each by itself."""
        for row in queryset:
            services.remove_party(row, actor=_actor(request))


def register(site: AdminSite, kind: str) -> None:
    """At the operator, whose people sign in elsewhere with it."""
    if kind == PUBLIC:
        site.register(RelyingParty, RelyingPartyAdmin)


def _actor(request: HttpRequest) -> Actor:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return user_actor(request.user)
