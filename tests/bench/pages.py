"""The pages of an ISP with ten thousand subscribers, and what its portal sends to a browser.

Behind each list of the console and the workspace that grows by itself lie ten thousand rows too.
"""

import http.client
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from django.apps import apps
from django.db import connection
from playwright.sync_api import Page

from apps.accounts.models import User
from apps.tenancy.kinds import schema_of
from apps.tenants.models import Organisation
from tests.accessibility.world import messages, people
from tests.bench.isp import PASSWORD, ROWS, large_isp
from tests.bench.result import Result, percentile, spread
from tests.crowds import crowd
from tests.e2e.browser import chromium
from tests.e2e.operator import Operator
from tests.e2e.story import Story, submit
from tests.live_platform import BASE, LivePlatform
from tests.pages.lists import lists

_TURNS = 40
_PORTAL_KB = 150
_CONSOLE = ("/admin/", "/admin/instances/instance/", "/admin/operations/operation/")
_WORKSPACE = (
    "/admin/",
    "/admin/subscribers/subscriber/",
    "/admin/subscribers/subscriber/?q=Subscriber+77",
    "/admin/subscribers/subscriber/?status__exact=active&p=90",
    "/admin/subscribers/service/",
    "/admin/billing/plan/",
    "/admin/events/event/",
)
_OPERATOR = ("/admin/", "/admin/tenants/organisation/", "/admin/work/due/", "/admin/fleet/server/")
# Of what nobody has thousands, and what the platform acts on while it runs.
_FEW = {
    "accounts.identityprovider",
    "accounts.role",
    "billing.plan",
    "instances.instance",
    "webhooks.endpoint",
}
_PORTAL = ("/", "/services/", "/account/", "/accounts/security/", "/notifications/")
_SHIFTS = """
() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 500);
})
"""


def measure(platform: LivePlatform) -> list[Result]:
    """Times at the server, then the portal in a browser whose cache is empty."""
    isp = large_isp(platform, "bench-pages")
    times: dict[str, list[float]] = {}
    ports = platform.ports
    with chromium([ports["http"], ports["https"]]) as browser:
        owner = Story(platform, browser, slug=isp.slug)
        page = owner.sign_in(PASSWORD)
        times |= _time(platform, page, "console", owner.console_host, _CONSOLE)
        page.goto(owner.url("/sso/login/?next=/admin/", host=owner.workspace_host))
        one = f"/admin/subscribers/subscriber/{isp.subscriber}/change/"
        for kind, host in (("console", owner.console_host), ("workspace", owner.workspace_host)):
            grown = _grow(kind, isp.slug, owner.email)
            times |= _time(platform, page, kind, host, ("/admin/", "/notifications/", *grown))
        times |= _time(platform, page, "workspace", owner.workspace_host, (*_WORKSPACE, one))
        olivia = Operator(owner)
        olivia.exist()
        olivia.sign_in()
        times |= _time(platform, olivia.page, "operator", BASE, _OPERATOR)
        customer = owner.new_page()
        customer.goto(owner.url("/", host=owner.workspace_host))
        customer.get_by_label("E-mail").fill(isp.customer)
        customer.get_by_label("Password", exact=True).fill(PASSWORD)
        submit(customer)
        times |= _time(platform, customer, "portal", owner.workspace_host, _PORTAL)
        sizes = _portal(owner, customer)
    return [_slowest(times), *sizes]


def _grow(kind: str, slug: str, owner: str) -> tuple[str, ...]:
    """Put rows behind the lists of a schema; the addresses of those that have some.

    In a thread: the browser's loop runs in this one, where Django asks no database.
    """
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(_grown, kind, slug, owner).result()


def _grown(kind: str, slug: str, owner: str) -> tuple[str, ...]:
    organisation = Organisation.objects.get(slug=slug)
    tenant = organisation.console if kind == "console" else organisation.workspace
    assert tenant is not None
    grown = []
    with schema_of(tenant.schema_name):
        person = User.objects.get(email=owner)
        people(person)
        messages(person)
        for one in lists(kind):
            if one.model in _FEW or crowd(apps.get_model(one.model), ROWS):
                grown.append(one.path)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    connection.close()
    return tuple(grown)


def _time(
    platform: LivePlatform, page: Page, kind: str, host: str, paths: tuple[str, ...]
) -> dict[str, list[float]]:
    """Seconds of each page at the server, for whoever is signed in in the browser."""
    cookies = "; ".join(
        f"{one['name']}={one['value']}"
        for one in page.context.cookies()
        if host.endswith(one["domain"].lstrip("."))
    )
    headers = {"Host": host, "Cookie": cookies, "X-Forwarded-Proto": "https"}
    connection = http.client.HTTPConnection("127.0.0.1", platform.ports["web"], timeout=30)
    taken: dict[str, list[float]] = {}
    for path in paths:
        _get(connection, path, headers)
        name = f"{kind} {re.sub(r'/[0-9]+/', '/…/', path)}"
        taken[name] = [_get(connection, path, headers) for _turn in range(_TURNS)]
    connection.close()
    return taken


def _get(connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]) -> float:
    start = time.perf_counter()
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    answer.read()
    seconds = time.perf_counter() - start
    assert answer.status == 200, (path, answer.status)
    return seconds


def _slowest(times: Mapping[str, list[float]]) -> Result:
    for name, taken in times.items():
        print(f"  {name}: {spread(taken, unit='ms')}", flush=True)
    name = max(times, key=lambda one: percentile(times[one], 0.95))
    slow = percentile(times[name], 0.95) * 1000
    what = f"slowest of {len(times)} pages with {ROWS:,} subscribers, at the server: {name}"
    shown = spread(times[name], unit="ms")
    return Result(what, shown, "", f"p95 {slow:.3g} ms", "p95 ≤ 150 ms", slow <= 150)


def _portal(story: Story, page: Page) -> list[Result]:
    """Bytes over the network of the heaviest page, and how much of the layout moved on any."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    lengths: list[float] = []
    session.on("Network.loadingFinished", lambda event: lengths.append(event["encodedDataLength"]))
    weighed, moved = {}, 0.0
    for path in _PORTAL:
        lengths.clear()
        page.goto(story.url(path, host=story.workspace_host), wait_until="networkidle")
        moved = max(moved, float(page.evaluate(_SHIFTS)))
        weighed[path] = (sum(lengths) / 1000, len(lengths))
        print(f"  portal {path}: {weighed[path][0]:.1f} kB", flush=True)
    heaviest = max(weighed, key=lambda one: weighed[one])
    size, files = weighed[heaviest]
    return [
        Result(
            f"heaviest of {len(_PORTAL)} portal pages, cache empty, over the edge: {heaviest}",
            f"{size:.0f} kB in {files} files",
            "",
            f"{size:.0f} kB",
            f"≤ {_PORTAL_KB} kB",
            size <= _PORTAL_KB,
        ),
        Result(
            "layout shift of all", f"{moved:.3f}", "", f"{moved:.3f}", "≤ 0.001", moved <= 0.001
        ),
    ]
