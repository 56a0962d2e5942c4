"""Identity providers in the admin: owners set them up."""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.accounts.models import User
from apps.accounts.providers.links import links_of
from apps.accounts.providers.models import IdentityProvider
from apps.accounts.providers.pages import callback_url, metadata_url
from apps.accounts.providers.services import (
    check_provider,
    is_moved,
    remove_provider,
    save_provider,
)
from apps.core.exceptions import DomainError
from apps.events.actors import Actor, user_actor
from apps.tenancy.kinds import CONSOLE
from dotmac.crypto.secret import Secret

_OF_SAML = {"metadata_url", "metadata"}
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+\Z")


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    """A provider as its owner enters it."""

    client_secret = forms.CharField(
        label=_("Client secret"),
        required=False,
        strip=True,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_(
            "Kept encrypted and never shown again. Empty leaves the present one; another issuer"
            " needs its own."
        ),
    )
    domain_list = forms.CharField(
        label=_("E-mail domains"),
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_(
            "As “hilltop.example, hilltop.net”. Only people with such an address come in, and the"
            " provider is believed about whose it is: it opens the account that has the address."
            " Empty: everybody’s address, but accounts must be connected by hand first."
        ),
    )

    ends_links = forms.BooleanField(
        label=_("End the links of people"), required=False, widget=UnfoldBooleanSwitchWidget()
    )

    class Meta:
        model = IdentityProvider
        fields = ["kind", "name", "key", "client_id", "issuer", "metadata_url", "metadata"]
        fields += ["creates_people", "is_on"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["domain_list"].initial = ", ".join(self.instance.domains)
        self.fields["ends_links"].help_text = _of_links(links_of(self.instance).count())

    def clean_domain_list(self) -> list[str]:
        """Domains in lower case, each once."""
        words = re.split(r"[\s,;]+", self.cleaned_data["domain_list"].lower().strip())
        domains = list(dict.fromkeys(word.removeprefix("@") for word in words if word))
        wrong = next((domain for domain in domains if not _DOMAIN.match(domain)), None)
        if wrong:
            text = _("“%(domain)s” is no domain. Write it as in hilltop.example.")
            raise forms.ValidationError(text, params={"domain": wrong})
        return domains

    def clean(self) -> dict[str, Any]:
        """What the service would refuse, at its field."""
        data = super().clean() or {}
        self.instance.domains = data.get("domain_list", [])
        return data

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            check_provider(self.instance, self.secret)
        except DomainError as error:
            # The names of fields, no passwords.
            names = {"secret": "client_secret", "domains": "domain_list"}  # nosec B105
            field = names.get(error.field, error.field)
            self.add_error(field or None, error.message)
        else:
            self._check_links()

    def _check_links(self) -> None:
        """What ends for people is ticked by who ends it."""
        before = IdentityProvider.objects.filter(pk=self.instance.pk).first()
        if before is None or self.cleaned_data["ends_links"]:
            return
        if is_moved(before, self.instance) and links_of(before).exists():
            text = _("This is another provider than the one that people are linked to. Tick this.")
            self.add_error("ends_links", text)

    @property
    def secret(self) -> Secret | None:
        """The one entered, if any."""
        text = self.cleaned_data.get("client_secret")
        return Secret(text) if text else None


class IdentityProviderAdmin(ModelAdmin):  # type: ignore[misc]
    """Where people may sign in elsewhere; for owners, since a provider opens any account."""

    form = ProviderForm
    list_display = ["name", "kind", "shown_domains", "creates_people", "is_on"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A key once made stays; with it the address that the provider is told is known."""
        fields = ["kind", "name", "key", "issuer", "client_id", "client_secret"]
        fields += ["metadata_url", "metadata", "ends_links"]
        fields += ["domain_list", "creates_people", "is_on"]
        if obj is None or not links_of(obj).exists():
            fields.remove("ends_links")
        if obj is None:
            return fields
        is_saml = obj.kind == IdentityProvider.Kind.SAML
        unused = {"issuer", "client_id", "client_secret"} if is_saml else _OF_SAML
        more = ["entity_id", "metadata_state"] if is_saml else []
        return [*(field for field in fields if field not in unused), "callback", *more]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What links of people depend on."""
        shown = ["callback", "entity_id", "metadata_state"]
        return ["kind", "key", *shown] if obj else shown

    @display(description=_("E-mail domains"))  # type: ignore[untyped-decorator]
    def shown_domains(self, provider: IdentityProvider) -> str:
        """Whose people come from there."""
        return ", ".join(provider.domains) or str(_("any, connected by hand"))

    @display(description=_("Address to allow at the provider"))  # type: ignore[untyped-decorator]
    def callback(self, provider: IdentityProvider) -> str:
        """Where the provider sends people back."""
        return callback_url(provider)

    @display(description=_("Entity ID and metadata of this service"))  # type: ignore[untyped-decorator]
    def entity_id(self, provider: IdentityProvider) -> str:
        """What the identity provider must know of us."""
        return metadata_url(provider)

    @display(description=_("State of its metadata"))  # type: ignore[untyped-decorator]
    def metadata_state(self, provider: IdentityProvider) -> str:
        """Whether people can sign in with it by now."""
        if provider.metadata_error:
            return provider.metadata_error
        return str(_("Known") if provider.metadata else _("Being fetched"))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write through the service, which records it."""
        save_provider(obj, secret=form.secret, actor=_actor(request))
        address = {"address": callback_url(obj)}
        messages.info(request, _("At the provider, allow this address: %(address)s") % address)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Through the service, with people's links."""
        remove_provider(obj, actor=_actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[IdentityProvider]) -> None:
        """Each by itself."""
        for row in queryset:
            remove_provider(row, actor=_actor(request))


def register(site: AdminSite, kind: str) -> None:
    """Where people sign in; a console is entered by hand-off."""
    if kind != CONSOLE:
        site.register(IdentityProvider, IdentityProviderAdmin)


def _of_links(number: int) -> str:
    text = ngettext(
        "%(number)d person is linked to this provider. With another issuer, or metadata of another"
        " host or entity, the link ends, since it may call somebody else the same: the person comes"
        " in by a domain that you name below, or connects by hand again.",
        "%(number)d people are linked to this provider. With another issuer, or metadata of another"
        " host or entity, their links end, since it may call somebody else the same: people come"
        " in by a domain that you name below, or connect by hand again.",
        number,
    )
    return text % {"number": number}


def _actor(request: HttpRequest) -> Actor:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return user_actor(request.user)
