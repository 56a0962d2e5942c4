"""What the portal holds of people."""

from apps.core.personal import USER, holds

holds("portal.StepSetAside", of=USER, by="user")
