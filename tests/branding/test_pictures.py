"""Logos: nothing of a file but its picture is kept."""

import io

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from apps.branding.exceptions import PictureError
from apps.branding.pictures import MAX_BYTES, clean_picture

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    b' viewBox="0 0 120 40" onload="steal()">%s</svg>'
)


def png(width: int, height: int, text: str = "", mode: str = "RGBA") -> bytes:
    """A picture with a comment inside."""
    written, notes = io.BytesIO(), PngInfo()
    notes.add_text("Comment", text)
    Image.new(mode, (width, height)).save(written, "PNG", pnginfo=notes)
    return written.getvalue()


def test_a_png_is_written_anew_without_what_was_hidden_in_it() -> None:
    clean = clean_picture(png(100, 50, "<script>steal()</script>") + b"<script>steal()</script>")
    assert (clean.media_type, clean.width, clean.height) == ("image/png", 100, 50)
    assert b"script" not in clean.content


def test_a_large_one_becomes_as_small_as_it_is_shown() -> None:
    clean = clean_picture(png(2000, 1000))
    assert (clean.width, clean.height) == (640, 320)


@pytest.mark.parametrize(
    "part",
    [
        b"<script>steal()</script>",
        b'<script xmlns="http://www.w3.org/1999/xhtml">steal()</script>',
        b"<foreignObject><body>steal</body></foreignObject>",
        b'<image href="http://evil.example/steal"/>',
        b'<use href="http://evil.example/steal#a"/>',
        b'<use xlink:href="data:image/svg+xml,steal"/>',
        b'<a href="javascript:steal()"><path d="M0 0"/></a>',
        b'<path d="M0 0" onclick="steal()"/>',
        b'<path d="M0 0" style="fill:url(http://evil.example/steal)"/>',
        b"<path d='M0 0' fill='url(\"//evil.example/steal\")'/>",
        b"<style>@import 'http://evil.example/steal';</style>",
        b"<style>a{fill:\\75rl(http://evil.example/steal)}</style>",
        b'<animate attributeName="href" to="steal"/><set to="steal"/>',
        b"<!-- steal --><?steal now?>",
    ],
)
def test_nothing_that_runs_or_fetches_stays_in_an_svg(part: bytes) -> None:
    clean = clean_picture(SVG % (b'<path d="M1 1h9"/>' + part))
    assert b"steal" not in clean.content
    assert b"M1 1h9" in clean.content


def test_what_a_drawing_needs_stays() -> None:
    parts = (
        b"<style>.a{fill:url(#g)}</style>"
        b'<defs><linearGradient id="g"><stop offset="1" stop-color="#fff"/></linearGradient></defs>'
        b'<g fill="url( #g)" transform="scale(2)"><path id="p" class="a" d="M0 0"/></g>'
        b'<use xlink:href="#p"/>'
    )
    clean = clean_picture(SVG % parts)
    assert (clean.width, clean.height) == (120, 40)
    for kept in (b".a{fill:url(#g)}", b'stop-color="#fff"', b'fill="url( #g)"', b'href="#p"'):
        assert kept in clean.content


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"GIF89a", "neither a PNG nor an SVG"),
        (b"", "neither a PNG nor an SVG"),
        (b"\x89PNG nonsense", "damaged"),
        (png(50, 50)[:60], "damaged"),
        (b"\x89PNG" + b"0" * MAX_BYTES, "larger than 512 kB"),
        (png(4000, 4000), "too many pixels"),
        (png(20000, 20000, mode="1"), "too many pixels"),
        (SVG % (b"<g>" * 1200 + b"</g>" * 1200), "too many parts"),
        (b"<?xml version='1.0' encoding='nonsense'?>" + SVG % b"", "damaged"),
        (b"<svg", "damaged"),
        (b'<html xmlns="http://www.w3.org/1999/xhtml"><svg/></html>', "no SVG file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "does not say its size"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 -1 nan'/>",
            "does not say its size",
        ),
        (SVG % (b"<g/>" * 3001), "too many parts"),
        (
            b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
            b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">&a;</svg>',
            "refers to other files",
        ),
    ],
)
def test_any_other_file_is_refused_with_the_reason(content: bytes, why: str) -> None:
    with pytest.raises(PictureError, match=why):
        clean_picture(content)
