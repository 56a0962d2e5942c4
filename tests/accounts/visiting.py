"""How somebody of the operator comes into the schemas of Alice's ISP as support."""

from collections.abc import Callable
from typing import Any

from django.conf import settings

from apps.accounts.models import Membership, User
from apps.events.models import Event
from apps.tenancy.kinds import operator, schema_of
from apps.tenants.models import Organisation
from tests.accounts.browser import Browser

FRONT = f"http://{settings.BASE_DOMAIN}:8000"
CONSOLE_HOST = f"northwind.{settings.BASE_DOMAIN}"
CONSOLE = f"http://{CONSOLE_HOST}:8000"
WORKSPACE = f"https://northwind.{settings.APPS_DOMAIN}:8443"
REASON = "Ticket 4711, the deployment hangs"


def staff(person: Callable[[str], User], name: str, role: str) -> User:
    """Somebody of the operator with a role."""
    user = person(name)
    with operator():
        User.objects.filter(pk=user.pk).update(is_staff=True)
        Membership.objects.create(user=user, role=role)
        return User.objects.get(pk=user.pk)


def page_of(organisation: Organisation) -> str:
    return f"{FRONT}/admin/tenants/organisation/{organisation.pk}/support/"


def begin(browser: Browser, organisation: Organisation, **form: Any) -> Any:
    """Ask for a visit and follow into the console."""
    asked = {"what": "start", "reason": REASON, "minutes": "15", **form}
    return browser.submit(page_of(organisation), asked)


def rows(schema: str, type: str) -> list[Event]:
    with schema_of(schema):
        return list(Event.objects.filter(type=type).order_by("id"))
