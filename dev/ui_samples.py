"""Sample content for the pages: plausible, fixed in time, in states that are hard to reach."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 3, 4, 14, 12, 30, tzinfo=UTC)


PLANS = [
    {
        "key": "starter",
        "name": "Starter",
        "price_minor": 2900,
        "per_subscriber_minor": 25,
        "currency": "EUR",
        "price": "€29",
        "per_subscriber": "€0.25",
        "summary": "A shared workspace, there at once.",
        "included": [
            "Shared workspace, ready at once",
            "Up to 500 subscribers",
            "Branded portal over HTTPS",
            "CSV import with dry run",
        ],
        "highlighted": False,
        "trial_days": 14,
        "max_subscribers": 500,
    },
    {
        "key": "business",
        "name": "Business",
        "price_minor": 14900,
        "per_subscriber_minor": 18,
        "currency": "EUR",
        "price": "€149",
        "per_subscriber": "€0.18",
        "summary": "Your own containers and database, ready in under a minute.",
        "included": [
            "Your own containers and database",
            "Up to 10,000 subscribers",
            "Three more apps from the catalogue",
            "API with keys",
            "Goes on when the platform is away",
        ],
        "highlighted": True,
        "trial_days": 14,
        "tag": "Dedicated",
        "max_subscribers": 10000,
    },
    {
        "key": "enterprise",
        "name": "Enterprise",
        "price_minor": 69000,
        "per_subscriber_minor": 12,
        "currency": "EUR",
        "price": "€690",
        "per_subscriber": "€0.12",
        "summary": "Larger containers, for more than 10,000 subscribers.",
        "included": [
            "Everything in Business",
            "No limit on subscribers",
            "Twelve more apps from the catalogue",
            "Larger limits on CPU, memory and disk",
        ],
        "highlighted": False,
        "trial_days": 14,
    },
]

STEP_TITLES = ["Account", "Verify", "Organisation", "Place", "Plan"]


def step(number: int, **context: Any) -> dict[str, Any]:
    """Context of one sign-up step."""
    steps = [
        {
            "title": title,
            "state": "done" if n < number else "current" if n == number else "todo",
            "url": "#",
        }
        for n, title in enumerate(STEP_TITLES, 1)
    ]
    back = {"back_url": "#"} if number > 1 else {}
    return {"step": number, "steps": steps, "login_url": "#", **back, **context}


DEPLOY = [
    ("Check quota, manifest and environment", 0.1, "3 services, 14 variables, within quota"),
    ("Reserve capacity on a server", 0.1, "local-1: 1.0 CPU, 640 MB, 10 GB reserved"),
    ("Make the image available", 0.2, "dotmac/isp:0.1.0 is on the host"),
    ("Create networks and volumes", 0.6, "front, database (internal), data"),
    ("Start the database", 2.4, "PostgreSQL 17 accepts connections"),
    ("Run the release command", 4.1, "Nothing to migrate: template of 0.1.0"),
    ("Start the app", 1.2, "web: 172.19.4.3:8000"),
    ("Wait until it is healthy", 3.0, "GET /readyz answered 200 in 11 ms"),
    ("Switch the route", 0.4, "acme.apps.localhost answers over HTTPS"),
    ("Retire the old and record", 0.2, "First deployment: nothing to retire"),
]


NEXT = (
    "When the last step is done, the button that opens your workspace appears here. You can leave "
    "this page: the work goes on, and your console shows how far it is."
)
FACTS = [
    {"label": "Address", "value": "acme.apps.localhost", "url": "#"},
    {"label": "Plan", "value": "Business"},
    {"label": "Server", "value": "local-1"},
    {"label": "Region", "value": "This machine"},
    {"label": "Started by", "value": "alice@acme.example"},
]
LOGS = {
    "running": [
        ("info", "dotmac_web_1 started (id 4f0c19a2)"),
        ("info", "GET http://172.19.4.3:8000/readyz: connection refused, trying again in 0.2 s"),
        ("info", "GET http://172.19.4.3:8000/readyz: 503, database is starting"),
    ],
    "failed": [
        ("info", "GET http://172.19.4.3:8000/readyz: connection refused"),
        ("warning", "web: exited with code 137"),
        ("error", "No healthy answer within 60 s; the container was killed"),
    ],
}


def log(number: int, *lines: tuple[str, str]) -> list[dict[str, Any]]:
    """Log lines of a step: level and text each."""
    start = NOW + timedelta(seconds=number * 2)
    return [
        {"at": start + timedelta(seconds=n), "level": level, "text": text}
        for n, (level, text) in enumerate(lines)
    ]


def deploy_step(number: int, status: str, current: int) -> dict[str, Any]:
    """Step `number` of a deployment that stands at step `current` and is in `status`."""
    title, seconds, said = DEPLOY[number - 1]
    if number < current:
        before = "undone" if status in {"failed", "cancelled"} and number > 1 else "done"
        lines = log(number, ("info", said))
        return {"title": title, "status": before, "duration_s": seconds, "log": lines}
    if number == current and status in {"running", "failed", "waiting"}:
        lines = log(number, *LOGS.get(status, []))
        return {"title": title, "status": status, "duration_s": 3.2, "log": lines}
    return {"title": title, "status": "pending", "duration_s": None, "log": []}


def deployment(status: str, current: int, **extra: Any) -> dict[str, Any]:
    """Context of a deployment that stands at step `current`, counted from one."""
    finished = status in {"done", "failed", "cancelled"}
    return {
        "operation": {
            "id": "b1",
            "title": "Deploy Acme Fiber",
            "status": status,
            "started_at": None if status == "pending" else NOW,
            "finished_at": NOW + timedelta(seconds=12) if finished else None,
            "duration_s": None if status == "pending" else 12.3,
            "cause": extra.get("cause", ""),
            "progress": min(100, max(0, current - 1) * 10),
            "can_cancel": not finished,
            "can_retry": status in {"failed", "cancelled"},
            "waiting_for": extra.get("waiting_for", ""),
        },
        "subtitle": "Workspace of Acme Fiber, release 0.1.0",
        "crumbs": [
            {"title": "Acme Fiber", "url": "#"},
            {"title": "Instances", "url": "#"},
            {"title": "Deployment"},
        ],
        "steps": [deploy_step(n, status, current) for n in range(1, len(DEPLOY) + 1)],
        "poll_url": "/nothing/",
        "cancel_url": "#",
        "retry_url": "#",
        "help_url": "#",
        "next_url": "#",
        "next_label": "Open workspace",
        "next_text": NEXT,
        "facts": FACTS,
        **extra,
    }


EVENTS = [
    {"text": "Workspace deployed, release 0.1.0", "at": NOW, "actor": "Alice Moreno", "tone": "ok"},
    {"text": "Whoami stopped", "at": NOW - timedelta(hours=2), "actor": "Alice Moreno"},
    {
        "text": "Organisation Acme Fiber created",
        "at": NOW - timedelta(days=1),
        "actor": "Alice Moreno",
    },
    {"text": "alice@acme.example confirmed", "at": NOW - timedelta(days=1, hours=1), "actor": ""},
]
CHECKLIST = [
    {"key": "mail", "title": "Confirm your e-mail address", "text": "", "url": "#", "done": True},
    {
        "key": "organisation",
        "title": "Create your organisation",
        "text": "",
        "url": "#",
        "done": True,
    },
    {
        "key": "plan",
        "title": "Create a service plan",
        "text": "Speed and price of what you sell.",
        "url": "#",
    },
    {
        "key": "import",
        "title": "Import your subscribers",
        "text": "A CSV file, with a dry run first.",
        "url": "#",
    },
    {
        "key": "brand",
        "title": "Add your logo and colour",
        "text": "Your portal wears them.",
        "url": "#",
    },
]
CONSOLE = {
    "shows_instances": True,
    "steps_done": 2,
    "headline": {
        "tone": "ok",
        "title": "Everything is running",
        "text": "2 of 2 instances answer. The trial runs until 18 March 2026.",
    },
    "checklist": CHECKLIST,
    "deploy_url": "#",
    "events_url": "#",
    "operations": [
        {
            "title": "Deploy Status page",
            "url": "#",
            "progress": 40,
            "text": "Step 5 of 10: start the database",
        }
    ],
    "instances": [
        {
            "name": "Acme Fiber",
            "kind": "DotMac workspace",
            "url": "#",
            "status": "Running",
            "tone": "ok",
            "address": "#",
            "host": "acme.apps.localhost",
            "release": "0.1.0",
            "region": "This machine",
            "placement": "Dedicated",
        },
        {
            "name": "Whoami",
            "kind": "Whoami",
            "url": "#",
            "status": "Stopped",
            "tone": "idle",
            "address": "#",
            "host": "acme--whoami.apps.localhost",
            "release": "1.10.2",
            "region": "This machine",
            "placement": "Dedicated",
        },
        {
            "name": "Status page",
            "kind": "Uptime",
            "url": "#",
            "status": "Deploying",
            "tone": "info",
            "live": True,
            "address": "",
            "release": "",
            "region": "This machine",
            "placement": "Dedicated",
        },
    ],
    "events": EVENTS,
}
WORKSPACE = {
    "steps_done": 2,
    "steps_url": "#",
    "plans": [
        {"name": "Fiber 100", "count": 96, "share": 52, "url": "#"},
        {"name": "Fiber 300", "count": 88, "share": 48, "url": "#"},
    ],
    "plans_url": "#",
    "events_url": "#",
    "checklist": CHECKLIST,
    "events": EVENTS,
}
BRAND = {"name": "Hilltop Wireless", "support_email": "help@hilltop.example", "portal": True}
PORTAL = {
    "brand": BRAND,
    "logout_url": "#",
    "greeting_name": "Nora Lindqvist",
    "nav": [
        {"title": "Home", "url": "#", "icon": "house", "current": True},
        {"title": "Services", "url": "#", "icon": "router"},
        {"title": "Account", "url": "#", "icon": "circle-user"},
    ],
    "state": {
        "tone": "ok",
        "title": "Your internet works",
        "text": "Your service is active. Nothing is reported in your area.",
    },
    "service": {
        "plan": "Home 100",
        "down": "100 Mbit/s",
        "up": "40 Mbit/s",
        "price": "€34.90",
        "period": "a month",
        "address": "14 Mill Lane, Hilltop",
        "status": "Active",
        "status_tone": "ok",
        "since": NOW,
    },
    "help": {
        "email": "help@hilltop.example",
        "phone": "+44 20 7946 0018",
        "hours": "Monday to Friday, 8:00 to 18:00",
    },
    "account": {
        "name": "Nora Lindqvist",
        "number": "HW-00017",
        "email": "nora@example.net",
        "phone": "",
        "address": "14 Mill Lane, Hilltop",
    },
    "security_url": "#",
}
PORTAL["services"] = [PORTAL["service"]]
SUSPENDED = {
    **PORTAL,
    "state": {
        "tone": "warn",
        "title": "Your internet is switched off",
        "text": "Your service was suspended on 2 March. Call or write to have it restored.",
    },
    "service": {**PORTAL["service"], "status": "Suspended", "status_tone": "warn"},
}
FRONT = {"plans": PLANS, "signup_url": "#", "login_url": "#"}
MAILS = [
    {"url": "#", "to": "alice@acme.example", "subject": "Confirm your e-mail address", "at": NOW},
    {"url": "#", "to": "bob@initech.example", "subject": "Choose a new password", "at": NOW},
]
MAIL = {
    "to": "alice@acme.example",
    "sender": "DotMac <noreply@dotmac.localhost>",
    "subject": "Confirm your e-mail address",
    "at": NOW,
    "body": "Someone, most likely you, gave this address to DotMac. Open this link to confirm that "
    "it is yours:\n\nhttp://dotmac.localhost:8000/accounts/confirm-email/Mg:1tq8xW:k3Zo/\n\n"
    "The link works once and is good for three days.",
}
