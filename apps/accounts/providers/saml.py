"""SAML 2.0, as a service provider: stricter than allauth's views, over its login machinery.

Only a signed assertion counts, which answers a request of this very browser, names this service
as audience and recipient, and was not used before. What an identity provider begins by itself is
refused, and so is all that is encrypted or unsigned around the assertion.
"""

import binascii
import hashlib
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import urlsplit

import structlog
from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import ratelimit
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login, render_authentication_error
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base.views import BaseLoginView
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from allauth.socialaccount.sessions import LoginSession
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from lxml.etree import LxmlError
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Saml
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from apps.accounts.models import UsedHandOff
from apps.accounts.providers.metadata import MetadataError, idp_of
from apps.accounts.providers.pages import leave

log = structlog.get_logger(__name__)
_LONGEST_RESPONSE = 64_000
_CONFIRMATION = "/saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData"
# Not the library's, which ends after two days: many identity providers read it once, and refuse the
# service from then on. It asks for no kind of name ID either, so that theirs holds.
_METADATA = """<?xml version="1.0"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">
  <md:SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="true"
    protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
      Location="{acs}" index="1"/>
  </md:SPSSODescriptor>
</md:EntityDescriptor>
"""
# By their names of the SAML profiles, and by those that products say plainly.
ATTRIBUTES = {
    "uid": ["urn:oasis:names:tc:SAML:attribute:subject-id"],
    "email": [
        "urn:oid:0.9.2342.19200300.100.1.3",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
        "email",
        "mail",
        "emailAddress",
        "urn:oid:1.2.840.113549.1.9.1",
    ],
    "name": [
        "urn:oid:2.16.840.1.113730.3.1.241",
        "http://schemas.microsoft.com/identity/claims/displayname",
        "displayName",
        "name",
    ],
    "first_name": [
        "urn:oid:2.5.4.42",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
        "givenName",
    ],
    "last_name": [
        "urn:oid:2.5.4.4",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
        "sn",
    ],
}


class SamlError(Exception):
    """The response signs nobody in; the message is for the log."""


class CheckedSaml(SAMLProvider):  # type: ignore[misc]
    """A SAML identity provider that an owner set up."""

    def extract_uid(self, data: Any) -> str:
        """What stays the same between sign-ins; an address where the name is made anew each time.

        The address is of a domain that the owner vouched for, so it says as much.
        """
        known = self._extract(data)
        if known.get("uid"):
            return str(known["uid"])
        if data.get_nameid_format() != Saml.NAMEID_TRANSIENT:
            return str(data.get_nameid())
        if not known.get("email"):
            raise SamlError("It sends no e-mail address, and a name that is made anew each time.")
        return str(known["email"]).lower()

    def redirect(
        self,
        request: HttpRequest,
        process: str,
        next_url: str | None = None,
        data: Any = None,
        **kwargs: Any,
    ) -> HttpResponse:
        """To the identity provider; the request's id waits in this browser's session."""
        try:
            auth = OneLogin_Saml2_Auth(_said(self, ""), _settings(self))
            # Asked for "unspecified" names, some send one that changes, though they have others.
            address = auth.login(return_to=_address(self, "acs"), set_nameid_policy=False)
        except (MetadataError, OneLogin_Saml2_Error) as error:
            return _failed(request, self, error)
        asked = auth.get_last_request_id()
        self.stash_redirect_state(request, process, next_url, data, state_id=asked, **kwargs)
        return leave(request, self.app.name, HttpResponseRedirect(address))


class _Login(BaseLoginView):  # type: ignore[misc]
    def get_provider(self) -> CheckedSaml:
        return _provider(self.request, self.kwargs["key"])


login = never_cache(_Login.as_view())


@csrf_exempt
@require_POST
def acs(request: HttpRequest, key: str) -> HttpResponse:
    """The identity provider's answer, which the browser posts from there without our cookies.

    It waits a moment beside the session, and is looked at where the cookies come along.
    """
    _provider(request, key)
    # Whoever posts here leaves a row; not more often than one may try to sign in.
    if limited := ratelimit.consume_or_429(request, action="login"):
        return limited
    said = request.POST.get("SAMLResponse", "")
    response = HttpResponseRedirect(reverse("saml_finish", args=[key]))
    if 0 < len(said) <= _LONGEST_RESPONSE:
        waiting = LoginSession(request, "saml_waiting", "saml-waiting")
        waiting.store["response"] = said
        waiting.store.set_expiry(300)
        waiting.save(response)
    return response


@never_cache
@require_GET
def finish(request: HttpRequest, key: str) -> HttpResponse:
    """Sign in whom the answer names; or a page that says that it did not work."""
    provider = _provider(request, key)
    waiting = LoginSession(request, "saml_waiting", "saml-waiting")
    said = str(waiting.store.get("response", ""))
    waiting.delete()
    try:
        sign_in = _login_of(request, provider, said)
    except (SamlError, MetadataError) as error:
        return _failed(request, provider, error)
    response: HttpResponse = complete_social_login(request, sign_in)
    return response


@require_GET
def metadata(request: HttpRequest, key: str) -> HttpResponse:
    """This service as the identity provider wants to know it."""
    provider = _provider(request, key)
    known = {
        "entity": escape(_address(provider, "metadata")),
        "acs": escape(_address(provider, "acs")),
    }
    answer = HttpResponse(_METADATA.format(**known), content_type="application/samlmetadata+xml")
    answer["Content-Disposition"] = f'attachment; filename="dotmac-{key}.xml"'
    return answer


def _login_of(request: HttpRequest, provider: CheckedSaml, said: str) -> SocialLogin:
    """SamlError for whatever is not meant for this browser, here and now."""
    try:
        response = OneLogin_Saml2_Response(OneLogin_Saml2_Settings(_settings(provider)), said)
        asked = str(response.get_in_response_to() or "")
        state = provider.unstash_redirect_state(request, asked)
        response.is_valid(_said(provider, said), request_id=asked, raise_exceptions=True)
        _check_answer(response, asked)
        sign_in: SocialLogin = provider.sociallogin_from_response(request, response)
    except PermissionDenied:
        raise SamlError("It answers no request of this browser.") from None
    except (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError) as error:
        raise SamlError(str(error)) from None
    except (LxmlError, binascii.Error, AttributeError, IndexError, TypeError, ValueError) as error:
        raise SamlError(f"It is no SAML response: {type(error).__name__}") from None
    sign_in.state = state
    return sign_in


def _check_answer(response: OneLogin_Saml2_Response, asked: str) -> None:
    """What the library leaves open: the signed part itself must answer, and only once."""
    answered = {node.get("InResponseTo") for node in response._query_assertion(_CONFIRMATION)}
    if answered != {asked}:
        raise SamlError("The signed assertion does not answer the request.")
    if not response.get_nameid():
        raise SamlError("It names nobody.")
    # The library goes on for its drift of clocks, and so long it is remembered.
    until = response.get_assertion_not_on_or_after() + OneLogin_Saml2_Constants.ALLOWED_CLOCK_DRIFT
    digest = hashlib.sha256(f"saml|{response.get_assertion_id()}".encode()).hexdigest()
    try:
        with transaction.atomic():
            expires_at = datetime.fromtimestamp(until, UTC)
            UsedHandOff.objects.create(jti=digest, expires_at=expires_at)
    except IntegrityError:
        raise SamlError("The assertion was used already.") from None


def _provider(request: HttpRequest, key: str) -> CheckedSaml:
    try:
        provider = get_adapter().get_provider(request, key)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    if not isinstance(provider, CheckedSaml):
        raise Http404
    return provider


def _settings(provider: CheckedSaml) -> dict[str, Any]:
    """The library's settings; MetadataError while the identity provider's are not known."""
    return {**_service(provider), "idp": idp_of(provider.app.settings["metadata"])}


def _service(provider: CheckedSaml) -> dict[str, Any]:
    return {
        "strict": True,
        "sp": {
            "entityId": _address(provider, "metadata"),
            "assertionConsumerService": {
                "url": _address(provider, "acs"),
                "binding": Saml.BINDING_HTTP_POST,
            },
        },
        "security": {
            "wantAssertionsSigned": True,
            "rejectDeprecatedAlgorithm": True,
            "requestedAuthnContext": False,
            "wantAttributeStatement": False,
            "allowRepeatAttributeName": True,
            "allowSingleLabelDomains": True,
            "failOnAuthnContextMismatch": False,
        },
    }


def _said(provider: CheckedSaml, said: str) -> dict[str, Any]:
    """The request as the library reads it: to the address that people reach, not as it came."""
    here = urlsplit(_address(provider, "acs"))
    return {
        "https": "on" if here.scheme == "https" else "off",
        "http_host": here.netloc,
        "script_name": here.path,
        "get_data": {},
        "post_data": {"SAMLResponse": said},
    }


def _address(provider: CheckedSaml, what: str) -> str:
    path = reverse(f"saml_{what}", args=[provider.app.client_id])
    return str(get_account_adapter().absolute_url(path))


def _failed(request: HttpRequest, provider: CheckedSaml, error: Exception) -> HttpResponse:
    log.warning("saml_refused", provider=provider.app.client_id, reason=str(error)[:300])
    response: HttpResponse = render_authentication_error(request, provider, exception=error)
    return response
