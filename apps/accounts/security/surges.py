"""Many failed sign-ins at once: stolen passwords tried over many accounts from many addresses.

One try for each account and address passes every other limit, so failures of a whole schema are
counted too. While there are too many, each network has few tries. Nobody is locked out: a right
password costs none, browsers that the person signed in from before are not held up, nor are
passkeys and identity providers. Counted in the cache, as the other limits are.
"""

import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from apps.accounts.metrics import count_failure
from apps.accounts.security.browsers import is_known, network_of
from apps.accounts.security.sessions import client_ip
from apps.core.counting import count
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject

SURGE = "sign_ins.many_failed"
WINDOW_S = 600
# Failed tries of a network in a window while there are too many: a house or a small office.
TRIES = 3
# Who is told is not told again of what goes on.
_TOLD_EVERY_S = 3_600
_IS_ON, _TOLD = "sign-in-surge", "sign-in-surge-told"


def note_failure() -> None:
    """Count a failed sign-in of the current schema; one too many is recorded, once an hour."""
    count_failure()
    failures = _add("sign-in-failures", 1)
    if failures <= settings.FAILED_SIGN_INS_BOUND:
        return
    cache.set(_IS_ON, True, WINDOW_S)
    if cache.add(_TOLD, True, _TOLD_EVERY_S):
        data = {"count": failures, "minutes": WINDOW_S // 60}
        events.record(SURGE, actor=SYSTEM, subject=Subject("sign_ins", "all"), data=data)


def take_try(request: HttpRequest, email: str) -> bool:
    """Count a try of a network; False where it has none left, which is so in a surge only."""
    if not cache.get(_IS_ON):
        return True
    agent = request.headers.get("user-agent", "")
    if _add(_key_of(request), 1) <= TRIES:
        return True
    return is_known(email, user_agent=agent, ip=client_ip(request))


def give_try_back(request: HttpRequest) -> None:
    """The password was right."""
    if cache.get(_IS_ON):
        _add(_key_of(request), -1)


def _key_of(request: HttpRequest) -> str:
    return f"sign-in-tries:{network_of(client_ip(request))}"


def _add(name: str, number: int) -> int:
    """Add, and tell how many there are in this window."""
    window = int(time.time() // WINDOW_S)
    return count(f"{name}:{window}", lasts_s=2 * WINDOW_S, by=number)
