"""The admin's look, from the same values as static/src/tokens.css."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

NEUTRAL = {
    "50": "oklch(98.4% .003 248)",
    "100": "oklch(96.8% .006 250)",
    "200": "oklch(92.2% .012 255)",
    "300": "oklch(86% .02 254)",
    "400": "oklch(70% .03 255)",
    "500": "oklch(52% .044 257)",
    "600": "oklch(43% .042 257)",
    "700": "oklch(38.5% .03 260)",
    "800": "oklch(30.6% .027 261)",
    "900": "oklch(17.8% .02 264)",
    "950": "oklch(15.2% .018 264)",
}

BRAND = {
    "50": "oklch(97.2% .018 255)",
    "100": "oklch(94.5% .03 255)",
    "200": "oklch(90% .055 255)",
    "300": "oklch(83% .1 255)",
    "400": "oklch(76% .13 255)",
    "500": "oklch(62% .165 255)",
    "600": "oklch(55% .17 255)",
    "700": "oklch(49% .165 255)",
    "800": "oklch(43% .14 255)",
    "900": "oklch(37% .11 255)",
    "950": "oklch(28% .075 255)",
}


def stylesheet(request: HttpRequest) -> str:
    """Address of the sheet that stands beside unfold's own."""
    return static("css/admin.css")


def bell(request: HttpRequest) -> str:
    """Address of the script that keeps the bell fresh."""
    return static("js/bell.js")


def keys(request: HttpRequest) -> str:
    """Address of the script for people without a mouse."""
    return static("js/admin.js")


def mark(request: HttpRequest) -> str:
    """Address of the brand mark; every request has its schema's look (apps.branding)."""
    return getattr(_look(request), "mark_url", "") or static("img/mark.svg")


def icon(request: HttpRequest) -> str:
    """Address of the picture over the sidebar."""
    logo = getattr(_look(request), "logo", None)
    return logo.url if logo and not logo.is_wide else mark(request)


def icon_in_dark(request: HttpRequest) -> str:
    """The same on dark ground."""
    logo = getattr(_look(request), "logo_dark", None)
    return logo.url if logo and not logo.is_wide else icon(request)


def whose(request: HttpRequest) -> str:
    """Whose admin this is: the ISP, or the platform."""
    return str(getattr(_look(request), "name", "DotMac"))


def _look(request: HttpRequest) -> object:
    # Settings load this module, so that it cannot import models.
    return getattr(request, "brand", None)


def what(request: HttpRequest) -> str:
    """Which of its admins this is."""
    kind = getattr(getattr(request, "tenant", None), "kind", "")
    return str(_FACES.get(kind, _FACES["public"]))


def security(request: HttpRequest) -> str:
    """Where a person's own password, factors and sessions are."""
    return reverse("account_security")


_FACES = {"public": _("Platform"), "console": _("Console"), "workspace": _("Workspace")}

THEME: dict[str, Any] = {
    "SITE_TITLE": whose,
    "SITE_HEADER": whose,
    "SITE_SUBHEADER": what,
    "SITE_ICON": {"light": icon, "dark": icon_in_dark},
    "SITE_FAVICONS": [{"rel": "icon", "href": mark}],
    "STYLES": [stylesheet],
    "SCRIPTS": [bell, keys],
    "ACCOUNT": {"navigation": [{"title": _("Your security"), "link": security}]},
    "SHOW_LANGUAGES": True,
    "BORDER_RADIUS": "6px",
    "SHOW_BACK_BUTTON": True,
    "SIDEBAR": {"command_search": True},
    "COMMAND": {"search_models": True},
    "COLORS": {
        "base": NEUTRAL,
        "primary": BRAND,
        "font": {
            "subtle-light": "var(--color-base-500)",
            "subtle-dark": "var(--color-base-400)",
            "default-light": "var(--color-base-600)",
            "default-dark": "var(--color-base-300)",
            "important-light": "var(--color-base-900)",
            "important-dark": "var(--color-base-100)",
        },
    },
}
