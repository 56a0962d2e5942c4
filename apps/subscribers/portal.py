"""What a subscriber sees of their services, in words for somebody who is no technician."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.billing.entitlements import format_speed
from apps.billing.models import PlanVersion
from apps.billing.money import format_money
from apps.branding.looks import look_in_force
from apps.contract.services import held_grant
from apps.subscribers.models import Service, Subscriber

SERVICE_TONES = {"active": "ok", "suspended": "bad", "pending_install": "info"}


def portal_services(request: HttpRequest) -> dict[str, Any] | None:
    """A subscriber's own services; None for somebody who is no subscriber."""
    person = Subscriber.objects.belonging_to(request.user).order_by("pk").first()
    if person is None:
        return None
    found = (
        Service.objects.belonging_to(request.user)
        .exclude(status=Service.Status.DRAFT)
        .select_related("plan_version__plan", "address")
    )
    rows = sorted(found, key=lambda s: (s.status == Service.Status.TERMINATED, s.pk))
    current = next((s for s in rows if s.status != Service.Status.TERMINATED), None)
    return {
        "greeting_name": person.name,
        "state": service_state(current),
        "service": service_row(current) if current else None,
        "services": [service_row(row) for row in rows],
        "help": _help(),
    }


def service_row(service: Service) -> dict[str, Any]:
    """A service as the portal shows it."""
    version = service.plan_version
    return {
        "plan": version.plan.name,
        "price": format_money(version.flat_minor, version.currency),
        "period": _period(version),
        "down": format_speed(version.entitlements.get("down_kbps")),
        "up": format_speed(version.entitlements.get("up_kbps")),
        "address": str(service.address or "–"),
        "status": service.get_status_display(),
        "status_tone": SERVICE_TONES.get(service.status, "idle"),
        "since": service.activated_at,
        "note": _note(service),
    }


def service_state(service: Service | None) -> dict[str, str] | None:
    """Does it work, and if not, why and what to do; None without a service."""
    if service is None:
        return None
    if service.status == Service.Status.ACTIVE:
        return {
            "tone": "ok",
            "title": _("Your service is switched on"),
            "text": _("Nothing is to be done on your side."),
        }
    if service.status == Service.Status.SUSPENDED:
        return {"tone": "bad", "title": _("Your service is switched off"), "text": _note(service)}
    return {"tone": "info", "title": _("Your service is on its way"), "text": _note(service)}


def _note(service: Service) -> str:
    reasons = {
        Service.Suspension.NONPAYMENT: _(
            "An invoice is unpaid. Once it is paid your service is switched on again."
        ),
        Service.Suspension.VOLUNTARY: _("You asked for this. Tell us when you want it back."),
        Service.Suspension.ABUSE: _(
            "Your connection was used against our terms. Call us, so that we can sort it out."
        ),
        Service.Suspension.ADMIN: _("We switched it off. Call us, and we tell you why."),
    }
    if service.status == Service.Status.SUSPENDED:
        return str(reasons[Service.Suspension(service.suspension)])
    if service.status == Service.Status.PENDING_INSTALL:
        return _("It is waiting for its installation. We get in touch for a date.")
    return ""


def _period(version: PlanVersion) -> str:
    return _("a year") if version.period == PlanVersion.Period.YEAR else _("a month")


def _help() -> dict[str, str]:
    """How the ISP can be reached: as its brand says, or as it said to the platform."""
    look, granted = look_in_force(), held_grant().brand
    return {
        key: getattr(look, f"support_{key}") or str(granted.get(f"support_{key}", ""))
        for key in ("email", "phone", "hours")
    }
