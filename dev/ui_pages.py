"""Which template each sample page has, and with which content."""

from types import SimpleNamespace
from typing import Any

from dev import ui_charts, ui_gallery
from dev import ui_forms as f
from dev import ui_samples as s

Samples = dict[str, tuple[str, dict[str, Any]]]

STANDALONE = {"500.html", "edge/notice.html"}

TEMPLATES = {
    "preview_admin.html": """{% extends "admin/base_site.html" %}
{% block content %}{% include partial %}{% endblock %}""",
}


def sign_up() -> Samples:
    """The five steps, and two with errors."""
    slug = {"slug_check_url": "/slug/", "base_domain": "dotmac.localhost"}
    free = {"state": "free", "address": "acme-fiber.dotmac.localhost"}
    short = f.bound(
        f.AccountForm,
        {"email": "alice@acme", "password": "short"},
        password="This password is too short. Use 12 characters or more.",
    )
    taken = f.bound(
        f.OrganisationForm,
        {"name": "Acme", "slug": "acme"},
        slug="acme is taken.",
    )
    named = f.OrganisationForm(initial={"name": "Acme Fiber", "slug": "acme-fiber"})
    plan = f.PlanForm(initial={"plan": "business"})
    mail = {"email": "alice@acme.example", "mailbox_url": "#", "resend_url": "#"}
    organisation = "signup/organisation.html"
    return {
        "signup-1": ("signup/account.html", s.step(1, form=f.AccountForm())),
        "signup-1-error": ("signup/account.html", s.step(1, form=short)),
        "signup-2": ("signup/verify.html", s.step(2, **mail)),
        "signup-3": (organisation, s.step(3, form=named, slug_status=free, **slug)),
        "signup-3-new": (organisation, s.step(3, form=f.OrganisationForm(), **slug)),
        "signup-3-error": (organisation, s.step(3, form=taken, **slug)),
        "signup-4": ("signup/place.html", s.step(4, form=f.PlaceForm())),
        "signup-5": (
            "signup/plan.html",
            s.step(5, form=plan, plans=s.PLANS, trial_ends_on=s.NOW),
        ),
    }


def accounts() -> Samples:
    """Sign-in and what belongs to it."""
    wrong = f.bound(
        f.LoginForm,
        {"login": "nora@example.net", "password": "x"},
        all="The e-mail address or the password is not right.",
    )
    address = SimpleNamespace(email="alice@acme.example")
    confirm = {"confirmation": SimpleNamespace(key="k", email_address=address), "can_confirm": True}
    key = "account/password_reset_from_key.html"
    return {
        "login": ("account/login.html", {"form": f.LoginForm(), "signup_url": "#"}),
        "login-error": ("account/login.html", {"form": wrong, "brand": s.BRAND}),
        "logout": ("account/logout.html", {}),
        "reset": ("account/password_reset.html", {"form": f.AccountForm()}),
        "reset-done": ("account/password_reset_done.html", {"mailbox_url": "#"}),
        "reset-key": (key, {"form": f.NewPasswordForm(), "action_url": "#"}),
        "reset-bad": (key, {"token_fail": True}),
        "reset-key-done": ("account/password_reset_from_key_done.html", {}),
        "password-change": ("account/password_change.html", {"form": f.ChangePasswordForm()}),
        "confirm": ("account/email_confirm.html", confirm),
        "confirm-bad": ("account/email_confirm.html", {}),
        "verification-sent": ("account/verification_sent.html", {"mailbox_url": "#"}),
        "inactive": ("account/account_inactive.html", {}),
        "closed": ("account/signup_closed.html", {}),
    }


def deployments() -> Samples:
    """One operation in each of its states."""
    done = {"done_text": "acme.apps.localhost answers over HTTPS. The button signs you in."}
    failed = {
        "cause": "The app never became healthy: the container “web” was killed after 60 s because "
        "it used more than its 512 MB of memory. Raise its memory limit, or try again."
    }
    waiting = {
        "waiting_for": "Server local-1 does not answer (no reply on its socket for 40 s). "
        "It is tried again every 15 s."
    }
    page = "operations/progress.html"
    return {
        "deploy-running": (page, s.deployment("running", 8)),
        "deploy-done": (page, s.deployment("done", 11, **done)),
        "deploy-failed": (page, s.deployment("failed", 8, **failed)),
        "deploy-waiting": (page, s.deployment("waiting", 2, **waiting)),
        "deploy-pending": (page, s.deployment("pending", 0)),
        "deploy-cancelled": (page, s.deployment("cancelled", 4)),
        "deploy-admin": ("operations/progress_admin.html", s.deployment("running", 8)),
    }


def homes() -> Samples:
    """Console and workspace inside the admin; the subscriber's portal."""
    page = "preview_admin.html"
    new = {
        "headline": {"tone": "info", "title": "Your workspace is being set up"},
        "checklist": s.CHECKLIST,
        "partial": "console/home.html",
    }
    workspace = s.WORKSPACE | ui_charts.numbers() | {"partial": "workspace/home.html"}
    empty = s.PORTAL | {"state": None, "service": None, "services": []}
    return {
        "console-admin": (page, s.CONSOLE | {"partial": "console/home.html"}),
        "console-new-admin": (page, new),
        "workspace-admin": (page, workspace),
        "portal-home": ("portal/home.html", s.PORTAL),
        "portal-suspended": ("portal/home.html", s.SUSPENDED),
        "portal-home-none": ("portal/home.html", empty),
        "portal-services": ("portal/services.html", s.PORTAL),
        "portal-services-none": ("portal/services.html", empty),
    }


def others() -> Samples:
    """The front page, the mailbox, errors, notices and the pieces by themselves."""
    crumbs = [{"title": "Mailbox", "url": "#"}, {"title": "Mail"}]
    suspended = {
        "kind": "suspended",
        "brand_name": "Acme Fiber",
        "contact_email": "help@acme.example",
    }
    return {
        "front": ("pages/front.html", s.FRONT),
        "mailbox": ("dev/mail_list.html", {"mails": s.MAILS, "crumbs": crumbs[:1]}),
        "mailbox-empty": ("dev/mail_list.html", {"crumbs": crumbs[:1]}),
        "mail": ("dev/mail_detail.html", {"mail": s.MAIL, "crumbs": crumbs}),
        "404": ("404.html", {}),
        "403": ("403.html", {"reason": "Only owners may delete an instance."}),
        "500": ("500.html", {"request_id": "7f3a-91c2"}),
        "notice-suspended": ("edge/notice.html", suspended),
        "notice-archived": ("edge/notice.html", suspended | {"kind": "archived"}),
        "notice-stopped": ("edge/notice.html", suspended | {"kind": "stopped"}),
        "notice-deploying": ("edge/notice.html", {"kind": "deploying", "brand_name": "Acme Fiber"}),
        "notice-nothing": (
            "edge/notice.html",
            {"kind": "nothing_here", "host": "x.apps.localhost"},
        ),
        "gallery-admin": ("gallery/admin.html", ui_gallery.admin_samples()),
        "gallery": ("gallery/page.html", ui_gallery.context()),
    }


def samples() -> Samples:
    """Name of each sample page: its template and its context."""
    return others() | sign_up() | accounts() | deployments() | homes()
