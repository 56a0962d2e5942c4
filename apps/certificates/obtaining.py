"""From an order to a certificate that is served. Every step can be repeated in another process.

What stands at the authority is asked for, never remembered: a worker that comes after another one
goes on where the order is.
"""

import time

from django.conf import settings

from apps.certificates.accounts import binding_of
from apps.certificates.challenges import cause_of, prove
from apps.certificates.constants import COME_BACK_S, PATIENCE_S
from apps.certificates.exceptions import OrderFailedError
from apps.certificates.models import AcmeAccount
from apps.certificates.sealing import ORDER_KEY, unseal
from apps.certificates.services import note_begun, note_issued
from apps.certificates.turns import Turn
from dotmac.acme import AcmeError, Order, check_chain, new_key, request_for
from dotmac.acme.errors import LOST
from dotmac.acme.orders import INVALID, PENDING, PROCESSING, READY
from dotmac.crypto.secret import Secret

_POLL_S = 0.5
_LONGEST_POLL_S = 5.0


def obtain(turn: Turn) -> float:
    """Go on with the order, or begin one; seconds to come back after, or 0 once it is served.

    AcmeError and DnsError where a step failed and the order stays, OrderFailedError where it is
    over.
    """
    register(turn)
    order, key = _order(turn)
    if order.status == PENDING:
        prove(turn, turn.wire.authorisations(order))
        order = _later(turn, order, PENDING)
    if order.status == READY:
        turn.lease.assert_held()
        order = turn.wire.finalise(order, request_for(turn.row.hostnames, key))
        # Some answer with the order as it was.
        order = _later(turn, order, READY, PROCESSING)
    elif order.status == PROCESSING:
        order = _later(turn, order, PROCESSING)
    if order.status == INVALID:
        raise OrderFailedError(cause_of(turn, turn.wire.authorisations(order), order.error))
    if order.status in (PENDING, READY, PROCESSING):
        return max(order.retry_after_s or 0.0, COME_BACK_S)
    _take(turn, order, key)
    return 0.0


def register(turn: Turn) -> None:
    """Have an account at the authority."""
    if turn.account.account_url:
        return
    turn.lease.assert_held()
    url = turn.wire.register(email=turn.account.email, binding=binding_of(turn.account))
    with turn.lease.atomic():
        # Not of another authority, which somebody chose meanwhile.
        same = AcmeAccount.objects.filter(pk=turn.account.pk, key=turn.account.key)
        same.update(account_url=url)
    turn.account.account_url = url


def _order(turn: Turn) -> tuple[Order, Secret]:
    """The order that goes on, with the key it is for; another one where there is none."""
    if turn.row.order_url:
        try:
            found = turn.wire.order(turn.row.order_url)
        except AcmeError as error:
            if error.code != LOST:
                raise
        else:
            return found, unseal(turn.row.order_key, ORDER_KEY)
    key = new_key()
    turn.lease.assert_held()
    order = turn.wire.new_order(turn.row.hostnames)
    with turn.lease.atomic():
        note_begun(turn.row, order.url, key)
    return order, key


def _later(turn: Turn, order: Order, *while_: str) -> Order:
    """The order once it is in none of these states, or as it is after a turn's patience."""
    end = time.monotonic() + min(PATIENCE_S, settings.ACME_PATIENCE_S)
    pause = _POLL_S
    while order.status in while_ and time.monotonic() < end:
        time.sleep(min(max(order.retry_after_s or 0.0, pause), _LONGEST_POLL_S))
        pause = min(pause * 2, _LONGEST_POLL_S)
        turn.lease.assert_held()
        order = turn.wire.order(order.url)
    return order


def _take(turn: Turn, order: Order, key: Secret) -> None:
    """Fetch the chain, look whether it is what was asked for, and serve it."""
    turn.lease.assert_held()
    chain = turn.wire.chain(order, preferred=turn.account.preferred_chain)
    facts = check_chain(chain, key, turn.row.hostnames)
    with turn.lease.atomic():
        note_issued(turn.row, chain, key, facts)
