"""The page of an operation, and what one can do there."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.core.exceptions import ConflictError, NotFoundError
from apps.events.actors import user_actor
from apps.operations import services
from apps.operations.access import operation_for, require_steer
from apps.operations.models import Operation
from apps.operations.pages import page_for


def _operation(request: HttpRequest, operation_id: UUID) -> Operation:
    try:
        return operation_for(request.user, operation_id)
    except NotFoundError as error:
        raise Http404(str(error)) from error


def _steered(request: HttpRequest, operation_id: UUID) -> Operation:
    found = _operation(request, operation_id)
    require_steer(request.user, found)
    return found


@login_required
def operation(request: HttpRequest, operation_id: UUID) -> HttpResponse:
    """On to the operation's page, which is a part of the admin."""
    return redirect("admin:operations_operation_change", _operation(request, operation_id).pk)


@login_required
def steps(request: HttpRequest, operation_id: UUID) -> HttpResponse:
    """The steps alone, for the page that is open."""
    context = page_for(request.user, _operation(request, operation_id))
    return render(request, "operations/_stepper.html", context)


@login_required
@require_POST
def cancel(request: HttpRequest, operation_id: UUID) -> HttpResponse:
    """Ask it to stop."""
    found = _steered(request, operation_id)
    try:
        services.cancel(found, actor=user_actor(request.user))  # type: ignore[arg-type]
        messages.info(request, _("It stops at the end of the step that runs."))
    except ConflictError as error:
        messages.warning(request, error.message)
    return redirect("operation", operation_id)


@login_required
@require_POST
def retry(request: HttpRequest, operation_id: UUID) -> HttpResponse:
    """Start it anew and show the new one."""
    found = _steered(request, operation_id)
    try:
        again = services.retry(found, actor=user_actor(request.user))  # type: ignore[arg-type]
    except ConflictError as error:
        messages.warning(request, error.message)
        return redirect("operation", operation_id)
    return redirect("operation", again.uuid)
