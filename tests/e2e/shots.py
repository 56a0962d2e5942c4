"""Screenshots at the sizes and in the schemes in which people see the pages."""

from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.e2e.browser import Shot

WIDE, NARROW = (1440, 900), (360, 780)
_SCHEMES = ("light", "dark")
# A page of a thousand rows is not read to its end.
_TALLEST = 2400
_COLOURS = 256


def saved(folder: Path) -> Shot:
    """Save numbered PNG pictures at 360 and 1440 px, light and dark; each name once."""
    folder.mkdir(parents=True, exist_ok=True)
    taken: dict[str, int] = {}

    def shoot(name: str, page: Page) -> None:
        if name in taken:
            return
        number = taken[name] = len(taken) + 1
        # Two tabs of one window: only the front one is painted.
        page.bring_to_front()
        for size in (WIDE, NARROW):
            for scheme in _SCHEMES:
                look(page, size, scheme)
                file = folder / f"{number:02d}-{name}-{size[0]}-{scheme}.png"
                file.write_bytes(picture(page))
        look(page, WIDE, "light")

    return shoot


def look(page: Page, size: tuple[int, int], scheme: str) -> None:
    """Set size and scheme, and let fonts load and two frames pass."""
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.evaluate(
        "() => document.fonts.ready.then(() => new Promise(done =>"
        " requestAnimationFrame(() => requestAnimationFrame(done))))"
    )


def picture(page: Page, *, is_whole: bool = True) -> bytes:
    """A page as a PNG of a palette, a third of the size of one with all colours."""
    taken = _whole(page) if is_whole else page.screenshot()
    image = Image.open(BytesIO(taken)).convert("RGB")
    out = BytesIO()
    _reduced(image).save(out, "PNG", optimize=True)
    return out.getvalue()


def _whole(page: Page) -> bytes:
    """In a window as tall as the page, so that what sticks to its edges is where it belongs."""
    size = page.viewport_size
    assert size is not None
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": min(height, _TALLEST)})
    taken = page.screenshot()
    page.set_viewport_size(size)
    return taken


def _reduced(image: Image.Image) -> Image.Image:
    """The colours that cover most stay exact; the steps of smooth edges go to the nearest."""
    counted = image.getcolors(image.width * image.height) or []
    most = [colour for _count, colour in sorted(counted, reverse=True)[:_COLOURS]]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in most for part in colour])  # type: ignore[union-attr]
    return image.quantize(palette=palette, dither=Image.Dither.NONE)
