"""Support visits, as the schema that is visited knows them."""

from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.events.actors import Actor

SUPPORT = "support"
LONGEST_REASON = 140
# What an event keeps of who did it.
_LABEL = 254


class Visit(models.Model):
    """Somebody of the operator in this schema, for a reason and for a time that never grows."""

    # The same at the operator, in the console and in the workspace.
    uuid = models.UUIDField(unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="visits"
    )
    # Who it is at the operator.
    person = models.UUIDField()
    email = models.EmailField()
    name = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=LONGEST_REASON)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["expires_at"], name="visit_open", condition=models.Q(ended_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.ended_at is None and self.expires_at > timezone.now()

    @property
    def minutes_left(self) -> int:
        """Minutes that are left, the last one counted whole."""
        seconds = (self.expires_at - timezone.now()).total_seconds()
        return max(0, -int(-seconds // 60))

    @property
    def actor(self) -> Actor:
        """Who acts, as the log names them: the person of the operator, and why they are here."""
        return support_actor(self.person, self.email, self.reason)


def support_actor(person: UUID, email: str, reason: str) -> Actor:
    """The actor that somebody of the operator is in an ISP's schemas."""
    return Actor(SUPPORT, str(person), f"{email}, support: {reason}"[:_LABEL])
