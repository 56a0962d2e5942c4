"""Logos: checked, and written anew, so that nothing of a file but its picture is kept."""

import hashlib
import io
import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, register_namespace, tostring  # nosec B405

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from apps.branding.exceptions import PictureError

MAX_BYTES = 512 * 1024
# Decoding costs memory by this, whatever the file's size.
_MAX_PIXELS = 8_000_000
_LARGEST = (960, 320)
_MAX_ELEMENTS = 3000
_MAX_DEPTH = 100
_SVG = "http://www.w3.org/2000/svg"
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_DRAWN = re.compile(
    r"(svg|g|defs|symbol|use|title|desc|path|rect|circle|ellipse|line|polyline|polygon|text|tspan"
    r"|linearGradient|radialGradient|stop|clipPath|mask|pattern|filter|feGaussianBlur|feOffset"
    r"|feBlend|feColorMatrix|feComposite|feFlood|feMerge|feMergeNode|style)\Z"
)
# Only a part of the same file may be referred to.
_ELSEWHERE = re.compile(r"url\s*\((?!\s*['\"]?\s*#)|@import|javascript:|expression|\\", re.I)
_LENGTH = re.compile(r"\s*([0-9.]+)\s*(?:px)?\s*\Z")
register_namespace("", _SVG)


@dataclass(frozen=True)
class CleanPicture:
    """A picture that may be served."""

    media_type: str
    content: bytes
    width: int
    height: int

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


def clean_picture(content: bytes) -> CleanPicture:
    """A PNG or SVG file without anything but its picture; PictureError for every other."""
    if len(content) > MAX_BYTES:
        raise PictureError(_("This file is larger than 512 kB. Save it smaller."))
    if content.startswith(b"\x89PNG"):
        return _clean_png(content)
    if b"<svg" in content[:4096].lower():
        return _clean_svg(content)
    raise PictureError(_("This is neither a PNG nor an SVG file. Save your logo as one of them."))


def _clean_png(content: bytes) -> CleanPicture:
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as opened:
            if opened.width * opened.height > _MAX_PIXELS:
                raise PictureError(_("This picture has too many pixels. Save it smaller."))
            picture = opened.convert("RGBA")
    except Image.DecompressionBombError as error:
        raise PictureError(_("This picture has too many pixels. Save it smaller.")) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise PictureError(_("This PNG file is damaged. Save your logo anew.")) from error
    picture.thumbnail(_LARGEST)
    written = io.BytesIO()
    picture.save(written, "PNG", optimize=True)
    return CleanPicture("image/png", written.getvalue(), *picture.size)


def _clean_svg(content: bytes) -> CleanPicture:
    try:
        root = fromstring(content, forbid_dtd=False)
    except DefusedXmlException as error:
        raise PictureError(_("This SVG file refers to other files. Export it without.")) from error
    # LookupError: it names an encoding that nobody knows.
    except (ParseError, ValueError, LookupError) as error:
        raise PictureError(_("This SVG file is damaged. Export your logo anew.")) from error
    if root.tag != f"{{{_SVG}}}svg":
        raise PictureError(_("This is no SVG file. Export your logo anew."))
    if sum(1 for _element in root.iter()) > _MAX_ELEMENTS or _is_deep(root):
        raise PictureError(_("This drawing has too many parts. Simplify it, or save it as PNG."))
    width, height = _size(root)
    _strip(root)
    # A viewer sizes it by these two, whatever was left out.
    root.set("viewBox", root.get("viewBox") or f"0 0 {width:g} {height:g}")
    written: bytes = tostring(root, encoding="utf-8")
    return CleanPicture("image/svg+xml", written, round(width) or 1, round(height) or 1)


def _is_deep(root: Element) -> bool:
    """Whether elements lie in each other deeper than any drawing needs."""
    level = [root]
    for _depth in range(_MAX_DEPTH):
        level = [child for element in level for child in element]
    return bool(level)


def _size(root: Element) -> tuple[float, float]:
    box = re.split(r"[\s,]+", (root.get("viewBox") or "").strip())
    try:
        if len(box) == 4:
            width, height = float(box[2]), float(box[3])
        else:
            width, height = (_length(root.get(name)) for name in ("width", "height"))
    except ValueError:
        width = height = 0
    if not (0 < width < 1e5 and 0 < height < 1e5):
        raise PictureError(_("This SVG file does not say its size. Export it with a viewBox."))
    return width, height


def _length(text: str | None) -> float:
    found = _LENGTH.match(text or "")
    if not found:
        raise ValueError(text)
    return float(found[1])


def _strip(element: Element) -> None:
    """Take away, below an element too, whatever is not drawn or leads out of the file."""
    for name, value in list(element.attrib.items()):
        if not _may_stay(name, value):
            del element.attrib[name]
    for child in list(element):
        if not _is_drawn(child):
            element.remove(child)
        else:
            _strip(child)


def _is_drawn(element: Element) -> bool:
    tag = element.tag if isinstance(element.tag, str) else ""
    if not (tag.startswith(f"{{{_SVG}}}") and _DRAWN.match(tag.partition("}")[2])):
        return False
    return not (tag.endswith("}style") and _ELSEWHERE.search("".join(element.itertext())))


def _may_stay(name: str, value: str) -> bool:
    if name in ("href", _XLINK_HREF):
        return value.strip().startswith("#")
    if name.startswith("{") or name.lower().startswith("on"):
        return False
    return not _ELSEWHERE.search(value)
