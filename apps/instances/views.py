"""From the console into an instance."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.accounts.access import narrow
from apps.accounts.addresses import host_url
from apps.accounts.models import User
from apps.events.actors import user_actor
from apps.instances import services
from apps.instances.constants import WORKSPACE_APP
from apps.instances.models import Instance


@login_required
def open_instance(request: HttpRequest, instance_id: UUID) -> HttpResponse:
    """Go to an instance; a workspace signs its staff in on the way."""
    user = request.user
    instance = narrow(user, Instance.objects.filter(uuid=instance_id)).first()
    if instance is None or not isinstance(user, User):
        raise Http404
    services.note_opened(instance, actor=user_actor(user))
    path = "/sso/login/?next=/admin/" if instance.app == WORKSPACE_APP else "/"
    return redirect(host_url(instance.hostname, path, is_workspace=True))
