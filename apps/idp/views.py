"""The OpenID provider: allauth's protocol, with what it leaves open closed.

Redirect addresses are compared letter by letter, every client needs PKCE with S256, a code is
spent in the database, and who may enter is asked at every step.
"""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.internal.httpkit import add_query_params, del_query_params
from allauth.idp.oidc import views as allauth
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.addresses import platform_url
from apps.accounts.models import User
from apps.accounts.security.methods import holds_second_factor, methods_of
from apps.idp import services
from apps.idp.access import may_enter
from apps.idp.keys import is_ready
from apps.idp.models import ClientSignIn, RelyingParty

# Where each grant has its value: names of fields, no passwords.
_GRANTS = {"authorization_code": "code", "refresh_token": "refresh_token"}  # nosec B105

_CLAIMS = ["sub", "name", "email", "email_verified", "organisations", "auth_time", "amr"]


@require_GET
def configuration(request: HttpRequest) -> HttpResponse:
    """What a client reads first (OpenID Connect Discovery)."""
    if not is_ready():
        raise Http404
    return JsonResponse(
        {
            "issuer": platform_url("").rstrip("/"),
            "authorization_endpoint": _address("authorization"),
            "token_endpoint": _address("token"),
            "userinfo_endpoint": _address("userinfo"),
            "revocation_endpoint": _address("revoke"),
            "jwks_uri": _address("jwks"),
            "scopes_supported": list(services.SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": list(_GRANTS),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "consent"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "none",
            ],
            "claims_supported": _CLAIMS,
            "authorization_response_iss_parameter_supported": True,
        },
        headers={"Access-Control-Allow-Origin": "*"},
    )


class Authorize(allauth.AuthorizationView):  # type: ignore[misc]
    """Asks whether a client may know who somebody is, and sends them back with a code."""

    template_name = "idp/oidc/authorization_form.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A page that explains, a redirect that leads on, or the library's answer."""
        if request.method == "POST" and not request.POST.get("request"):
            # A client's own form; go on as if it had come by GET.
            query = request.POST.urlencode()
            return HttpResponseRedirect(f"{reverse('idp:oidc:authorization')}?{query}")
        asked = _asked(request)
        party = _party(asked)
        if party is None:
            text = _("The tool that sent you is not known here, or names an address that is not.")
            return _page(request, text, status=400)
        wrong = _stop(request, party, asked)
        if wrong is not None:
            return wrong
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return _noted(request, party, response)


authorize = never_cache(csrf_exempt(Authorize.as_view()))


@csrf_exempt
@never_cache
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """Tokens for a code or a refresh token, one request for each sign-in at a time."""
    grant = request.POST.get("grant_type", "")
    if grant not in _GRANTS:
        return JsonResponse({"error": "unsupported_grant_type"}, status=400)
    with transaction.atomic():
        sign_in = _spent(request, grant)
        if sign_in is None:
            return JsonResponse({"error": "invalid_grant"}, status=400)
        request.client_sign_in = sign_in  # type: ignore[attr-defined]
        response: HttpResponse = allauth.token(request)
        return _named(sign_in, response) if response.status_code == 200 else response


@csrf_exempt
@never_cache
def userinfo(request: HttpRequest) -> HttpResponse:
    """Who an access token is of, while they may still enter."""
    scheme, _space, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or services.sign_in_of(value.strip()) is None:
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return JsonResponse({"error": "invalid_token"}, status=401, headers=headers)
    response: HttpResponse = allauth.user_info(request)
    return response


@csrf_exempt
@never_cache
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """End a token, and with it all that was given out for the same sign-in (RFC 7009)."""
    value = request.POST.get("token", "")
    sign_in: ClientSignIn | None = services.sign_in_of(value)
    _say_bare(request, "token", services.bare(value))
    response: HttpResponse = allauth.revoke(request)
    if response.status_code == 200 and sign_in is not None:
        services.end_sign_in(sign_in)
    return response


def _spent(request: HttpRequest, grant: str) -> ClientSignIn | None:
    """The sign-in that a code or a refresh token is of; the library gets the token it knows."""
    value = request.POST.get(_GRANTS[grant], "")
    if grant == "authorization_code":
        return services.spend_code(value)
    found = services.spend_refresh(value)
    if found is None:
        return None
    sign_in, known = found
    _say_bare(request, _GRANTS[grant], known)
    return sign_in


def _say_bare(request: HttpRequest, name: str, value: str) -> None:
    said = request.POST.copy()
    said[name] = value
    request.POST = said  # type: ignore[assignment]


def _named(sign_in: ClientSignIn, response: HttpResponse) -> HttpResponse:
    """The library's answer, whose tokens are bound to the sign-in that they are of."""
    given = json.loads(response.content)
    kinds = ("access_token", "refresh_token")
    services.bind_tokens(sign_in, [given[kind] for kind in kinds if kind in given])
    if "refresh_token" in given:
        given["refresh_token"] = services.named(sign_in, given["refresh_token"])
        response.content = json.dumps(given)
    return response


def _asked(request: HttpRequest) -> dict[str, Any]:
    """What a client asks: of the query, or of the form that was signed when it was shown."""
    if request.method != "POST":
        return request.GET.dict()
    try:
        _scopes, asked = Signer().unsign_object(request.POST["request"])
    except (BadSignature, TypeError, ValueError):
        return {}
    return asked if isinstance(asked, dict) else {}


def _party(asked: dict[str, Any]) -> RelyingParty | None:
    """The client that asks, if it may be answered at the address that it names."""
    rows = RelyingParty.objects.select_related("client").filter(is_on=True)
    party = rows.filter(client_id=str(asked.get("client_id", ""))).first()
    is_known = party and asked.get("redirect_uri") in party.client.get_redirect_uris()
    return party if party and is_known and is_ready() else None


def _stop(request: HttpRequest, party: RelyingParty, asked: dict[str, Any]) -> HttpResponse | None:
    """Why it does not go on: back to the client with an error, or elsewhere first."""
    if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
        return _back(asked, "invalid_request", "PKCE with S256 is required.")
    is_silent = "none" in str(asked.get("prompt", "")).split()
    if not isinstance(request.user, User):
        return _back(asked, "login_required") if is_silent else None
    if not may_enter(party, request.user):
        return _outside(request, party, asked, is_silent=is_silent)
    if party.needs_second_factor and not holds_second_factor(methods_of(request)):
        if is_silent:
            return _back(asked, "interaction_required")
        query = urlencode({"next": request.get_full_path()})
        return HttpResponseRedirect(f"{reverse('account_second_factor')}?{query}")
    if request.method == "GET" and _is_too_old(request, asked):
        return _back(asked, "login_required") if is_silent else _again(request)
    scopes = str(asked.get("scope", "")).split()
    if is_silent and not services.has_consented(party, request.user, scopes):
        return _back(asked, "consent_required")
    return None


def _noted(request: HttpRequest, party: RelyingParty, response: HttpResponse) -> HttpResponse:
    """A redirect with a code is kept with how its person signed in, and names the issuer."""
    address = response.headers.get("Location", "")
    code = parse_qs(urlsplit(address).query).get("code", [""])[0]
    if not code or not isinstance(request.user, User) or not _is_of(party, address):
        return response
    services.note_sign_in(
        party,
        request.user,
        code,
        methods=methods_of(request),
        signed_in_at=_signed_in_at(request),
    )
    response["Location"] = add_query_params(address, {"iss": platform_url("").rstrip("/")})
    return response


def _is_of(party: RelyingParty, address: str) -> bool:
    return any(address.startswith(uri) for uri in party.client.get_redirect_uris())


def _signed_in_at(request: HttpRequest) -> datetime:
    records = get_authentication_records(request, request.user)
    times = [float(record["at"]) for record in records if "at" in record]
    assert isinstance(request.user, User)
    known = datetime.fromtimestamp(max(times), UTC) if times else request.user.last_login
    return known or timezone.now()


def _is_too_old(request: HttpRequest, asked: dict[str, Any]) -> bool:
    """Whether the client wants a fresher sign-in than this session's."""
    longest = str(asked.get("max_age", ""))
    age_s = (timezone.now() - _signed_in_at(request)).total_seconds()
    return longest.isdecimal() and age_s > int(longest)


def _again(request: HttpRequest) -> HttpResponse:
    wanted = del_query_params(request.get_full_path(), "max_age")
    query = urlencode({"next": wanted})
    return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{query}")


def _outside(
    request: HttpRequest, party: RelyingParty, asked: dict[str, Any], *, is_silent: bool
) -> HttpResponse:
    """Somebody whom the client is not for."""
    if is_silent:
        return _back(asked, "access_denied")
    text = _("%(email)s may not sign in to %(name)s. Whoever runs it can tell you who may.")
    said = text % {"email": request.user.email, "name": party}  # type: ignore[union-attr]
    return _page(request, said, status=403)


def _back(asked: dict[str, Any], error: str, text: str = "") -> HttpResponse:
    """To the client, whose address was compared before."""
    answer = {"error": error, "iss": platform_url("").rstrip("/")}
    answer |= {"error_description": text} if text else {}
    answer |= {"state": str(asked["state"])} if asked.get("state") else {}
    return HttpResponseRedirect(add_query_params(str(asked["redirect_uri"]), answer))


def _page(request: HttpRequest, text: str, *, status: int) -> HttpResponse:
    return render(request, "idp/oidc/error.html", {"text": text}, status=status)


def _address(name: str) -> str:
    return platform_url(reverse(f"idp:oidc:{name}"))
