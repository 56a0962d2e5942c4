"""The gallery of components at /dev/ui/, where the platform is developed."""

import re
from pathlib import Path
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, resolve, reverse
from django.utils.module_loading import import_string

from apps.core.middleware import ADMIN_POLICY
from apps.core.zones import time_zones
from apps.portal.diffs import diff
from apps.portal.fields import SearchedChoiceField
from dev import ui_charts, ui_samples

ROOT = Path(__file__).resolve().parents[1]
_PIECES = ROOT / "dev" / "templates" / "gallery" / "pieces"
_COMPONENTS = ROOT / "templates" / "cotton"
_TOKENS = ROOT / "static" / "src" / "tokens.css"
_ROLE = [
    f"subscribers.{right}" for right in ("view", "add", "change", "suspend", "end", "move", "bill")
]


class SampleForm(forms.Form):
    """A field of each kind, some with an error."""

    name = forms.CharField(help_text="As on the invoice.")
    email = forms.EmailField(label="E-mail")
    password = forms.CharField(widget=forms.PasswordInput)
    region = forms.ChoiceField(choices=[("local", "This machine"), ("fra", "Frankfurt")])
    starts_on = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), label="Starts on")
    timezone = SearchedChoiceField(label="Time zone", choices=time_zones)
    remember = forms.BooleanField(required=False, label="Stay signed in")


def gallery(request: HttpRequest) -> HttpResponse:
    """Every component with a sample, its parameters and its markup."""
    return render(request, "gallery/page.html", context())


def in_admin(request: HttpRequest) -> HttpResponse:
    """What is at home in the admin alone, for who may open that."""
    site = resolve(reverse("admin:index")).func.admin_site  # type: ignore[attr-defined]

    def shown(request: HttpRequest) -> HttpResponse:
        return render(request, "gallery/admin.html", site.each_context(request) | admin_samples())

    answer: HttpResponse = site.admin_view(shown)(request)
    # It stands outside of /admin/, and has the theme's scripts all the same.
    answer["Content-Security-Policy"] = ADMIN_POLICY
    return answer


def admin_samples() -> dict[str, Any]:
    """A list with two rows and something to do with them."""
    # By its name: samples are looked at before there are settings, which its module asks for.
    form = import_string("unfold.forms.ActionForm")(auto_id=False)
    form.fields["action"].choices = [
        ("", "Choose what to do"),
        ("hide", "Hide chosen plans"),
    ]
    rows = ["Fiber 100", "Fiber 300"]
    return {
        "title": "Design system: the admin",
        "rows": rows,
        # The bar asks of what its list is. The page would take its heading from it too.
        "people": get_user_model()._meta,
        "cl": {"result_list": rows, "result_count": len(rows), "has_filters": True},
        "action_form": form,
        "actions_on_top": True,
        "actions_selection_counter": True,
        "selection_note": "0 of 2 selected",
    }


def context() -> dict[str, Any]:
    """All that the page shows."""
    return {"pieces": pieces(), "colours": colours(), **samples()}


def stylesheet(request: HttpRequest) -> HttpResponse:
    """How the gallery itself looks: no business of the platform's own style sheets."""
    shown = {"colours": colours()}
    return render(request, "gallery/gallery.css", shown, content_type="text/css")


def pieces() -> list[dict[str, str]]:
    """Each component: name, about (the comment in its head), template of the sample, markup."""
    return [
        {
            "name": file.stem,
            "about": _about(file.stem),
            "sample": f"gallery/pieces/{file.name}",
            "markup": file.read_text().rstrip(),
        }
        for file in sorted(_PIECES.glob("*.html"))
    ]


def colours() -> list[tuple[str, list[str]]]:
    """The tokens that are colours, by the first word of their names."""
    groups: dict[str, list[str]] = {}
    for name, value in re.findall(r"^  --([\w-]+):([^;]*);", _TOKENS.read_text(), re.M):
        if "oklch" in value and "px" not in value:
            groups.setdefault(name.partition("-")[0], []).append(name)
    return list(groups.items())


def samples() -> dict[str, Any]:
    """What the samples show."""
    sent = {"name": "Alice Archer", "email": "alice@acme", "region": "fra"}
    form = SampleForm({**sent, "timezone": "Europe/Berlin", "starts_on": "2026-03-04"})
    titles = ("Overview", "Deployments", "Logs")
    return {
        **ui_charts.numbers(),
        "form": form,
        "tabs": [
            {"title": title, "url": "#tabs", "current": not number}
            for number, title in enumerate(titles)
        ],
        "trail": [{"title": "Instances", "url": "#breadcrumb"}, {"title": "Radicale"}],
        "steps": [
            {"title": "Account", "state": "done", "url": "#stepper"},
            {"title": "Organisation", "state": "current"},
            {"title": "Plan", "state": "todo"},
        ],
        "events": ui_samples.EVENTS,
        "chips": [
            {"label": "Status", "value": "Active", "url": "#chips"},
            {"label": "Plan", "value": "Fiber 100", "url": "#chips"},
        ],
        "diff": diff(_ROLE, [*_ROLE[:3], "subscribers.export", *_ROLE[4:]]),
        "icons": sorted(file.stem for file in (ROOT / "templates" / "icons").glob("*.svg")),
    }


def _about(name: str) -> str:
    """The comment in the head of a component's template."""
    file = _COMPONENTS / f"{name}.html"
    text = (file if file.exists() else _COMPONENTS / name / "index.html").read_text()
    found = re.match(r"\{#\s*(.*?)\s*#\}", text)
    return found[1] if found else ""


urlpatterns = [
    path("", gallery, name="gallery"),
    path("admin/", in_admin, name="gallery_admin"),
    path("gallery.css", stylesheet, name="gallery_stylesheet"),
]
