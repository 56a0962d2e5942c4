"""The content policy of every page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.core.form_targets import form_targets

GetResponse = Callable[[HttpRequest], HttpResponse]
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'self';"
    " object-src 'none'"
)
# The admin theme's Alpine compiles expressions in the page.
ADMIN_POLICY = _POLICY.replace(
    "script-src 'self'", "script-src 'self' 'unsafe-eval' 'unsafe-inline'"
).replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


# The page of an error stands alone, with its style inside.
_ERROR_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'"


class ContentSecurityPolicyMiddleware:
    """Strict everywhere but in the admin, whose theme needs more."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", _policy_of(request, response))
        response.setdefault("Referrer-Policy", "same-origin")
        return response


def _policy_of(request: HttpRequest, response: HttpResponse) -> str:
    if response.status_code >= 500:
        return _ERROR_POLICY
    policy = ADMIN_POLICY if request.path.startswith("/admin/") else _POLICY
    return f"{policy}; form-action {' '.join(_sources(request, response))}"


def _sources(request: HttpRequest, response: HttpResponse) -> list[str]:
    """Only a page has forms; what else is answered asks nobody where they lead."""
    is_page = response.get("Content-Type", "").startswith("text/html")
    return ["'self'", *(form_targets(request) if is_page else ())]
