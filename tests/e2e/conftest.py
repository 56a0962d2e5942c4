"""A browser on the session's live platform, and visitors in whose pages nothing goes wrong."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import chromium
from tests.e2e.story import Story
from tests.live_platform import LivePlatform


@pytest.fixture(scope="module")
def browser(live_platform: LivePlatform) -> Iterator[Browser]:
    """Chromium, which reaches the platform's edge.

    It goes with its module: while its driver runs, Django takes this thread for an event loop's.
    """
    ports = live_platform.ports
    with chromium([ports["http"], ports["https"]]) as running:
        yield running


@pytest.fixture
def visitor(live_platform: LivePlatform, browser: Browser) -> Iterator[Story]:
    """Somebody who comes to the front page; axe, console and network stay quiet on the way."""
    story = Story(live_platform, browser).watched()
    yield story
    story.watch.assert_quiet()
