"""Serve every page with sample content and no sign-in: `python -m dev.ui_preview 8790`."""

import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import path

from config.unfold_theme import THEME
from dev import ui_gallery, ui_pages, ui_samples

ROOT = Path(__file__).resolve().parent.parent
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STEP_SECONDS = 1.5


def configure(scratch: Path) -> None:
    """Settings with the project's templates and static files, and the samples in scratch."""
    loader = "django.template.loaders."
    contrib = ["admin", "auth", "contenttypes", "sessions", "messages", "staticfiles"]
    settings.configure(
        DEBUG=True,
        SECRET_KEY="for sample pages only",
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        ROOT_URLCONF="dev.ui_preview",
        USE_TZ=True,
        STATIC_URL="/static/",
        STATICFILES_DIRS=[ROOT / "static"],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": scratch / "preview.sqlite3"}
        },
        INSTALLED_APPS=[
            "unfold",
            *(f"django.contrib.{app}" for app in contrib),
            "django_cotton.apps.SimpleAppConfig",
        ],
        UNFOLD=THEME,
        MIDDLEWARE=[],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [ROOT / "templates", ROOT / "dev" / "templates", scratch],
                "OPTIONS": {
                    "context_processors": ["django.template.context_processors.request"],
                    "builtins": ["django_cotton.templatetags.cotton"],
                    "libraries": {"times": "apps.portal.templatetags.times"},
                    "loaders": [
                        "django_cotton.cotton_loader.Loader",
                        f"{loader}filesystem.Loader",
                        f"{loader}app_directories.Loader",
                    ],
                },
            }
        ],
    )
    django.setup()


def admin_context(request: HttpRequest) -> dict[str, Any]:
    """What the admin's own pages get, for someone who may see everything."""
    user = get_user_model()(username="alice@acme.example", is_staff=True, is_superuser=True)
    request.user = user
    return {**admin.site.each_context(request), "user": user, "title": "Home"}


def show(request: HttpRequest, name: str = "front") -> HttpResponse:
    """One sample page."""
    samples = ui_pages.samples()
    if name not in samples:
        raise Http404(name)
    template, context = samples[name]
    in_admin = "admin" in template
    if in_admin:
        context = admin_context(request) | context
    response = HttpResponse(render_to_string(template, context, request))
    if not in_admin and template not in ui_pages.STANDALONE:
        response["Content-Security-Policy"] = STRICT
    return response


def live(request: HttpRequest) -> HttpResponse:
    """A deployment that goes on while you look: each step takes a moment, then it starts again."""
    step = int(time.time() / STEP_SECONDS) % (len(ui_samples.DEPLOY) + 6) + 1
    status = "running" if step <= len(ui_samples.DEPLOY) else "done"
    context = ui_samples.deployment(status, step) | {"poll_url": "/live/"}
    partial = "HX-Request" in request.headers
    template = "operations/_stepper.html" if partial else "operations/progress.html"
    response = HttpResponse(render_to_string(template, context, request))
    response["Content-Security-Policy"] = STRICT
    return response


def slug_check(request: HttpRequest) -> HttpResponse:
    """Everything but "acme" is free."""
    slug = request.GET.get("slug", "")
    free = {"state": "free", "address": f"{slug}.dotmac.localhost"}
    taken = {"state": "taken", "text": f"{slug} is taken.", "suggestion": f"{slug}-net"}
    status = taken if slug == "acme" else free
    return HttpResponse(render_to_string("partials/slug_status.html", {"status": status}, request))


def names(request: HttpRequest) -> HttpResponse:
    """The names of all samples, one a line."""
    return HttpResponse("\n".join([*ui_pages.samples(), "live"]), content_type="text/plain")


def nothing(request: HttpRequest, **_values: str) -> HttpResponse:
    """An address that templates name."""
    return HttpResponse(status=204)


def addresses() -> list[Any]:
    """The samples, and the views that templates name."""
    accounts = ["login", "logout", "reset_password", "change_password", "signup", "security"]
    return [
        path("admin/", admin.site.urls),
        path("live/", live),
        path("slug/", slug_check),
        path("names/", names),
        path("language/", nothing, name="set_language"),
        path("dev/ui/admin/", nothing, name="gallery_admin"),
        path("dev/ui/gallery.css", ui_gallery.stylesheet, name="gallery_stylesheet"),
        path("nothing/", nothing),
        *(path(f"accounts/{name}/", nothing, name=f"account_{name}") for name in accounts),
        path("dev/mail/samples/", nothing, name="mail_samples"),
        path("accounts/confirm/<key>/", nothing, name="account_confirm_email"),
        path("accounts/2fa/passkeys/login/", nothing, name="mfa_login_webauthn"),
        path("", show),
        path("<name>/", show),
    ]


urlpatterns: list[Any] = addresses() if settings.configured else []


def main() -> None:
    """Serve on the port given."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="ui-preview-") as folder:
        scratch = Path(folder)
        for name, text in ui_pages.TEMPLATES.items():
            (scratch / name).write_text(text)
        configure(scratch)
        call_command("migrate", verbosity=0)
        call_command("runserver", f"127.0.0.1:{sys.argv[1]}", use_reloader=False)


if __name__ == "__main__":
    main()
