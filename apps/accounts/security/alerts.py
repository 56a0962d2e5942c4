"""A mail to somebody when a browser and network that are new to them sign in."""

from allauth.account.adapter import get_adapter
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.security.browsers import browser_name, note_browser
from apps.accounts.security.sessions import begin_session, client_ip, end_token
from apps.events import services as events
from apps.events.actors import user_actor


def alert_of_new_browser(request: HttpRequest, user: User) -> None:
    """Write to the person when they have not been seen there before; nothing at their first."""
    session = begin_session(request)
    if not note_browser(user, user_agent=session.user_agent, ip=client_ip(request)):
        return
    data = {"browser": browser_name(session.user_agent), "ip": client_ip(request)}
    events.record("user.new_browser", actor=user_actor(user), subject=user, data=data)
    adapter = get_adapter(request)
    context = {
        "browser": data["browser"],
        "end_url": adapter.absolute_url(reverse("account_end_session", args=[end_token(session)])),
    }
    adapter.send_notification_mail("account/email/new_sign_in", user, context)
