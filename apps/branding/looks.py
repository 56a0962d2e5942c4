"""The look of the schema one is in: what pages and mails show of its brand, from the cache."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from django.core.cache import cache

from apps.branding.colours import Shades, shades_of
from apps.branding.models import Brand, Picture
from apps.tenancy.kinds import PUBLIC, current_schema, kind_of
from apps.tenancy.models import Tenant

OUR_NAME = "DotMac"
OUR_PRIMARY = "#2a6fd6"
# The cache's own key holds the schema. Other processes than the one that saved see it by then.
_KEY, _KEPT_S = "brand.look", 30
# A logo wider than this holds the name already.
_SQUARE = 1.6
_EXTENSIONS = {"image/png": "png", "image/svg+xml": "svg"}
ZoneSource = Callable[[], str]
_zone_sources: list[ZoneSource] = []


@dataclass(frozen=True)
class Logo:
    """A picture as pages name it."""

    url: str
    width: int
    height: int
    is_png: bool

    @property
    def is_wide(self) -> bool:
        """Whether the name is in it."""
        return self.width > _SQUARE * self.height


@dataclass(frozen=True)
class Look:
    """What pages, mails and the admin theme show."""

    name: str = OUR_NAME
    primary: str = OUR_PRIMARY
    logo: Logo | None = None
    logo_dark: Logo | None = None
    sender_name: str = ""
    footer: str = ""
    support_email: str = ""
    support_phone: str = ""
    support_hours: str = ""
    language: str = ""
    time_zone: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether nothing was chosen: pages then need no sheet of their own."""
        return self.primary == OUR_PRIMARY

    @property
    def shades(self) -> Shades:
        """Everything that follows from the colour."""
        return shades_of(self.primary)

    @property
    def css(self) -> str:
        """The sheet that overrides the colours of static/src/tokens.css and of the admin theme."""
        values = ";".join(f"{name}:{value}" for name, value in _variables(self.shades).items())
        scale = ";".join(f"--color-primary-{step}:{value}" for step, value in self.shades.scale)
        # The theme writes its own scale into the page, behind every sheet.
        return f":root{{{values}}}\nhtml:root{{{scale}}}\n"

    @property
    def css_url(self) -> str:
        """Where the sheet is; nothing where the colour is our own."""
        return "" if self.is_ours else f"/brand/{digest_of(self.css)}/colours.css"

    @property
    def variables(self) -> str:
        """The colours for the style of one element, which shows another brand than its page."""
        return ";".join(f"{name}:{value}" for name, value in _variables(self.shades).items())

    @property
    def mark(self) -> str:
        """A square with the name's first letter, as SVG."""
        letter = self.name[:1].upper().replace("&", "&amp;").replace("<", "&lt;")
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
            f'<rect width="32" height="32" rx="8" fill="{self.primary}"/>'
            f'<text x="16" y="22" text-anchor="middle" font-family="sans-serif" font-size="17"'
            f' font-weight="600" fill="{self.shades.on_fill}">{letter}</text></svg>'
        )

    @property
    def mark_url(self) -> str:
        """The browser tab's icon; nothing where it is our own."""
        if self.logo and not self.logo.is_wide:
            return self.logo.url
        is_ours = self.name == OUR_NAME and self.is_ours
        return "" if is_ours else f"/brand/{digest_of(self.mark)}/mark.svg"


def look_in_force() -> Look:
    """The look of the current schema."""
    look = cache.get(_KEY)
    if not isinstance(look, Look):
        look = read_look()
        cache.set(_KEY, look, _KEPT_S)
    return look


def read_look() -> Look:
    """The look as the database has it."""
    brand = Brand.objects.select_related("logo", "logo_dark").filter(is_only=True).first()
    return look_of(brand or Brand())


def look_of(brand: Brand) -> Look:
    """How a brand, saved or not, is shown in the current schema."""
    return Look(
        name=brand.name or name_of_schema(),
        primary=brand.primary or OUR_PRIMARY,
        logo=logo_of(brand.logo),
        logo_dark=logo_of(brand.logo_dark),
        sender_name=brand.sender_name,
        footer=brand.footer,
        support_email=brand.support_email,
        support_phone=brand.support_phone,
        support_hours=brand.support_hours,
        language=brand.language,
        time_zone=brand.time_zone or zone_of_schema(),
    )


def name_of_schema() -> str:
    """What the schema's tenant is called; the operator's has our name until it has its own."""
    schema = current_schema()
    if kind_of(schema) == PUBLIC:
        return OUR_NAME
    names = Tenant.objects.filter(schema_name=schema).values_list("name", flat=True)
    return names.first() or OUR_NAME


def zone_source(source: ZoneSource) -> ZoneSource:
    """Register who knows in which zone the current schema's ISP is; empty where it does not."""
    _zone_sources.append(source)
    return source


def zone_of_schema() -> str:
    """The time zone of a level that chose none; empty for UTC."""
    return next(filter(None, (source() for source in _zone_sources)), "")


def forget_look() -> None:
    """Read it anew at the next page; call it once what changed it is committed."""
    cache.delete(_KEY)


def digest_of(text: str) -> str:
    """A short mark of a file's content, for its address."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def logo_of(picture: Picture | None) -> Logo | None:
    """A picture as it is shown."""
    if picture is None:
        return None
    extension = _EXTENSIONS[picture.media_type]
    url = f"/brand/{picture.digest}/logo.{extension}"
    return Logo(url, picture.width, picture.height, extension == "png")


def _variables(shades: Shades) -> dict[str, str]:
    return {
        "--brand": shades.primary,
        "--brand-fill": shades.primary,
        "--brand-fill-hover": shades.fill_hover,
        "--brand-on-fill": shades.on_fill,
        "--brand-text": _both(shades.text),
        "--brand-tint": _both(shades.tint),
        "--brand-line": _both(shades.line),
        "--brand-solid": _both(shades.solid),
        "--ring": _both(shades.text),
    }


def _both(pair: tuple[str, str]) -> str:
    return f"light-dark({pair[0]},{pair[1]})"
