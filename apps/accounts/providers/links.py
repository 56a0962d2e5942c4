"""The links of people to a provider: they hold for who named these people, and for nobody else."""

from allauth.socialaccount.models import SocialAccount
from django.db.models import QuerySet

from apps.accounts.providers.models import IdentityProvider
from apps.events import services as events
from apps.events.actors import Actor


def links_of(provider: IdentityProvider) -> QuerySet[SocialAccount]:
    """The people who are linked to a provider, by its key."""
    found: QuerySet[SocialAccount] = SocialAccount.objects.filter(provider=provider.key)
    return found


def end_links(before: IdentityProvider, *, actor: Actor) -> None:
    """Forget who is who at a provider as it was. Call it in the transaction that moves it."""
    links, _rows = links_of(before).delete()
    data = {"links": links, "issuer": before.issuer, "metadata_url": before.metadata_url}
    events.record("identity_provider.links_ended", actor=actor, subject=before, data=data)
