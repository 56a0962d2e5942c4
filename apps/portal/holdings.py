"""What the portal holds of people."""

from django.utils.translation import gettext_lazy as _

from apps.core.personal import USER, holds

holds("portal.StepSetAside", title=_("first steps set aside"), of=USER, by="user")
