"""A time zone as programs name it."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.core.zones import is_zone


class TimeZoneField(serializers.CharField):
    """A name of the time zone database, as `Europe/Stockholm`; empty where that is allowed."""

    default_error_messages = {"zone": _("“{name}” is no time zone. Write it as Europe/Stockholm.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=60, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """One that exists."""
        name = str(super().to_internal_value(data))
        if name and not is_zone(name):
            self.fail("zone", name=name)
        return name
