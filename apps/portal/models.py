"""What a person has put away on their first page."""

from django.conf import settings
from django.db import models

KEY_LENGTH = 60


class StepSetAside(models.Model):
    """A first step that somebody does not want to see; their own choice, and no event."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    step = models.CharField(max_length=KEY_LENGTH)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "step"], name="step_set_aside_once")]

    def __str__(self) -> str:
        return self.step
