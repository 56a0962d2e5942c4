"""Writes about clients, and about who signed in to them."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from allauth.idp.oidc.models import Client, Token
from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import Actor, user_actor
from apps.events.differences import CHANGED, differences
from apps.idp.access import may_stay
from apps.idp.models import ClientSignIn, RelyingParty
from apps.tenants.models import Organisation
from dotmac.crypto.secret import Secret

SCOPES = ("openid", "profile", "email", "organisations")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# As long as a refresh token that nobody uses can live; then its person signs in again.
KEPT = timedelta(seconds=settings.IDP_OIDC_REFRESH_TOKEN_EXPIRES_IN)
# A refresh token is `<number of its sign-in>.<signature>.<the library's token>`, so that one which
# was spent is known without a row for each.
_FAMILY = Signer(salt="idp.refresh", sep=".")


@dataclass(frozen=True)
class PartyWords:
    """What an owner enters about a client."""

    name: str
    is_public: bool
    redirect_uris: Sequence[str]
    scopes: Sequence[str]
    who: str
    organisations: Iterable[Organisation] = ()
    needs_second_factor: bool = False
    skip_consent: bool = False
    may_refresh: bool = False
    is_on: bool = True


@transaction.atomic
def save_party(
    party: RelyingParty | None, words: PartyWords, *, actor: Actor
) -> tuple[RelyingParty, Secret | None]:
    """Make or change a client; a new confidential one's secret is returned and not kept.

    DomainError names the field that is wrong.
    """
    check_words(words)
    secret = None
    if party is None:
        client = Client(type=Client.Type.PUBLIC if words.is_public else Client.Type.CONFIDENTIAL)
        secret = None if words.is_public else _new_secret(client)
        row = RelyingParty(client=client)
    else:
        row = RelyingParty.objects.select_for_update(of=("self",)).get(pk=party.pk)
    before = said_of(row) if party else {}
    _write(row, words)
    said = said_of(row)
    if party:
        data = {**said, CHANGED: differences(before, said)}
        events.record("sso_client.changed", actor=actor, subject=row, data=data)
    else:
        events.record("sso_client.created", actor=actor, subject=row, data=said)
    return row, secret


def check_words(words: PartyWords) -> None:
    """DomainError for an address that is not exact, or that somebody else could listen at."""
    if not words.redirect_uris:
        raise DomainError(_("Enter at least one redirect address."), field="redirect_uris")
    for uri in words.redirect_uris:
        if not _is_exact(uri):
            text = _(
                "%(uri)s cannot be a redirect address. Enter the whole https address, without"
                " wildcard or fragment; http only for this machine."
            )
            raise DomainError(text % {"uri": uri}, field="redirect_uris")
    if words.who == RelyingParty.Who.MEMBERS and not list(words.organisations):
        raise DomainError(_("Choose the organisations it is for."), field="organisations")


@transaction.atomic
def rotate_secret(party: RelyingParty, *, actor: Actor) -> Secret:
    """Another secret, at once; DomainError for a public client, which has none."""
    client = Client.objects.select_for_update().get(pk=party.client_id)
    if client.type == Client.Type.PUBLIC:
        raise DomainError(_("A public client has no secret."))
    secret = _new_secret(client)
    client.save(update_fields=["secret"])
    events.record("sso_client.secret_rotated", actor=actor, subject=party)
    return secret


@transaction.atomic
def remove_party(party: RelyingParty, *, actor: Actor) -> None:
    """Take a client away, with all its tokens."""
    events.record("sso_client.removed", actor=actor, subject=party, data=said_of(party))
    Client.objects.filter(pk=party.client_id).delete()


@transaction.atomic
def note_sign_in(
    party: RelyingParty, user: User, code: str, *, methods: Iterable[str], signed_in_at: datetime
) -> None:
    """Keep how a person signed in for whoever brings the code, with the event that tells of it."""
    ClientSignIn.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    Token.objects.expired().delete()
    said = list(methods)
    ClientSignIn.objects.create(
        party=party, user=user, digest=_digest(code), methods=said, signed_in_at=signed_in_at
    )
    data = {"client": party.client_id, "name": str(party), "methods": said}
    events.record("user.signed_in_elsewhere", actor=user_actor(user), subject=user, data=data)


def spend_code(code: str) -> ClientSignIn | None:
    """The sign-in that a code is of, once; brought again, it ends what it was spent for.

    To be called in the transaction that makes its tokens: who brings it again meanwhile waits at
    the row, and finds what there is to end.
    """
    rows = ClientSignIn.objects.filter(digest=_digest(code))
    is_first = rows.filter(spent_at=None).update(spent_at=timezone.now())
    found = rows.select_related("party__client", "user").first()
    if found and not is_first:
        _end_replayed(found, "user.code_replayed")
        return None
    return _judged(found)


def spend_refresh(value: str) -> tuple[ClientSignIn, str] | None:
    """The sign-in that a refresh token is of, and the token as the library knows it.

    One that was spent already ends all of its sign-in (RFC 9700, 4.14): it is known to two. To be
    called in the transaction that makes the next; of two at once the second waits, and is late.
    """
    family, _sep, known = value.rpartition(".")
    try:
        pk = int(_FAMILY.unsign(family))
    except (BadSignature, ValueError):
        return None
    young = _signed_in().filter(created_at__gt=timezone.now() - KEPT)
    found = young.select_for_update(of=("self",)).filter(pk=pk).first()
    if found is None:
        return None
    token = tokens_of(found).filter(type=Token.Type.REFRESH_TOKEN)
    current = token.valid().by_value(known).first()
    if current is None:
        _end_replayed(found, "user.token_replayed")
        return None
    judged = _judged(found)
    if judged is None:
        return None
    _narrow(current, found.party.client)
    return judged, known


def named(sign_in: ClientSignIn, refresh_token: str) -> str:
    """A refresh token as clients get it: with the sign-in that it is of."""
    return f"{_FAMILY.sign(str(sign_in.pk))}.{refresh_token}"


def bare(value: str) -> str:
    """A token as the library knows it, of one that a client brings."""
    return value.rpartition(".")[2]


def sign_in_of(value: str) -> ClientSignIn | None:
    """The sign-in that a token is of, while its person may still enter; else the token ends.

    So does an access token with more than the client may still know.
    """
    token = Token.objects.valid().by_value(bare(value)).first()
    kept = token.data if token and isinstance(token.data, dict) else {}
    row = _judged(_signed_in().filter(pk=int(kept.get("sign_in") or 0)).first())
    if row is None or token is None:
        return None
    if token.type == Token.Type.ACCESS_TOKEN and _knows_more(token, row.party.client):
        token.delete()
        return None
    return row


def bind_tokens(sign_in: ClientSignIn, values: Iterable[str]) -> None:
    """Note of what sign-in new tokens are."""
    for value in values:
        for token in Token.objects.by_value(value):
            token.data = {**(token.data or {}), "sign_in": sign_in.pk}
            token.save(update_fields=["data"])


def tokens_of(sign_in: ClientSignIn) -> Any:
    """All that was given out for it."""
    return Token.objects.filter(client_id=sign_in.party.client_id, data__sign_in=sign_in.pk)


def end_sign_in(sign_in: ClientSignIn) -> None:
    """End a sign-in with all that was given out for it.

    Its row first: who is making tokens at the moment holds it, and what they make goes too.
    """
    ClientSignIn.objects.filter(pk=sign_in.pk).delete()
    tokens_of(sign_in).delete()


def revoke_all(user_id: str) -> int:
    """End every token of a person; returns how many there were."""
    ended: int = Token.objects.filter(user__uuid=user_id).delete()[0]
    return ended


def has_consented(party: RelyingParty, user: User, scopes: Iterable[str]) -> bool:
    """Whether somebody let this client, not another one, know as much before."""
    if party.client.skip_consent:
        return True
    tokens = Token.objects.valid().filter(user=user, client_id=party.client_id)
    granted = {scope for token in tokens for scope in token.get_scopes()}
    return bool(granted) and set(scopes) <= granted


def said_of(party: RelyingParty) -> dict[str, Any]:
    """What events tell of a client."""
    client = party.client
    return {
        "client": client.id,
        "name": client.name,
        "redirect_uris": client.get_redirect_uris(),
        "scopes": client.get_scopes(),
        "who": party.who,
        "organisations": sorted(party.organisations.values_list("slug", flat=True)),
        "second_factor": party.needs_second_factor,
        "skips_consent": client.skip_consent,
        "is_on": party.is_on,
    }


def _write(row: RelyingParty, words: PartyWords) -> None:
    client = row.client
    before = set(client.get_scopes())
    client.name, client.skip_consent = words.name, words.skip_consent
    client.set_redirect_uris(list(words.redirect_uris))
    client.set_scopes([scope for scope in SCOPES if scope in ("openid", *words.scopes)])
    grants = [Client.GrantType.AUTHORIZATION_CODE]
    grants += [Client.GrantType.REFRESH_TOKEN] if words.may_refresh else []
    client.set_grant_types([str(grant) for grant in grants])
    client.save()
    row.client = client
    row.who, row.needs_second_factor = words.who, words.needs_second_factor
    row.is_on = words.is_on
    row.save()
    row.organisations.set(words.organisations)
    tokens = Token.objects.filter(client=client)
    if not row.is_on:
        tokens.delete()
    elif before - set(client.get_scopes()):
        # The next ones, by refresh tokens, know less.
        tokens.filter(type=Token.Type.ACCESS_TOKEN).delete()


def _signed_in() -> QuerySet[ClientSignIn]:
    return ClientSignIn.objects.select_related("party__client", "user")


def _judged(sign_in: ClientSignIn | None) -> ClientSignIn | None:
    """The same while its person may stay; else it ends."""
    if sign_in is None or may_stay(sign_in):
        return sign_in
    end_sign_in(sign_in)
    return None


def _end_replayed(sign_in: ClientSignIn, type: str) -> None:
    """What was used twice is in the hands of two; nobody can tell whose are right."""
    end_sign_in(sign_in)
    data = {"client": sign_in.party.client_id, "name": str(sign_in.party)}
    events.record(type, actor=user_actor(sign_in.user), subject=sign_in.user, data=data)


def _knows_more(token: Token, client: Client) -> bool:
    return not set(token.get_scopes()) <= set(client.get_scopes())


def _narrow(token: Token, client: Client) -> None:
    """Take from a refresh token what was taken from its client: its next ones get no more."""
    if _knows_more(token, client):
        allowed = client.get_scopes()
        token.set_scopes([scope for scope in token.get_scopes() if scope in allowed])
        token.save(update_fields=["scopes"])


def _new_secret(client: Client) -> Secret:
    secret = secrets.token_urlsafe(32)
    client.set_secret(secret)
    return Secret(secret)


def _is_exact(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    is_local = parts.hostname in _LOOPBACK or settings.DEVELOPMENT
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_local)
    is_plain = not {"*", "#", "@", "\\"} & set(uri)
    return bool(is_safe and parts.hostname and is_plain)


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
