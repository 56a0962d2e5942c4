"""What a browser calls itself, in few words, and how one is known again.

Versions are left out: an update must not look like a stranger. So are the last parts of the
address, which change while somebody sits still.
"""

import hmac
import ipaddress

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.security.models import KnownBrowser

# The first that fits: most browsers name others too.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_NETWORK_BITS = {4: 24, 6: 48}


def browser_name(user_agent: str) -> str:
    """As “Firefox on Windows”."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")


def note_browser(user: User, *, user_agent: str, ip: str) -> bool:
    """Remember a browser and its network; True when it is new to somebody who has others."""
    has_others = KnownBrowser.objects.filter(user=user).exists()
    _row, is_new = KnownBrowser.objects.update_or_create(
        user=user, digest=_digest(user, user_agent, ip), defaults={"seen_at": timezone.now()}
    )
    return is_new and has_others


def _digest(user: User, user_agent: str, ip: str) -> str:
    """Keyed, and different for each person, so that a copy of the table tells no addresses."""
    said = f"known-browser|{user.uuid}|{browser_name(user_agent)}|{network_of(ip)}"
    return hmac.new(settings.SECRET_KEY.encode(), said.encode(), "sha256").hexdigest()


def is_known(email: str, *, user_agent: str, ip: str) -> bool:
    """Whether whoever has an address signed in from this browser and network before."""
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        return False
    digest = _digest(user, user_agent, ip)
    return KnownBrowser.objects.filter(user=user, digest=digest).exists()


def network_of(ip: str) -> str:
    """The neighbourhood of an address, within which one device moves."""
    address = ipaddress.ip_address(ip)
    return str(ipaddress.ip_network(f"{ip}/{_NETWORK_BITS[address.version]}", strict=False))
