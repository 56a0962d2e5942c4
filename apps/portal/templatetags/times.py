"""Times as people say them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from apps.core.zones import Choice, zones_by_continent

register = template.Library()


@register.simple_tag
def zone_options(chosen: str) -> SafeString:
    """The time zones of a menu by continent, one of them chosen; by hand, as there are hundreds."""
    groups = [*zones_by_continent(), ("", (("UTC", "UTC"),))]
    drawn = ((continent, _options(zones, chosen)) for continent, zones in groups)
    return format_html_join("", '<optgroup label="{}">{}</optgroup>', drawn)


def _options(zones: Iterable[Choice], chosen: str) -> SafeString:
    rows = ((name, " selected" if name == chosen else "", place) for name, place in zones)
    return format_html_join("", '<option value="{}"{}>{}</option>', rows)


@register.filter
def ago(moment: datetime) -> str:
    """How long ago, in the largest unit alone; "just now" within a minute."""
    if timezone.now() - moment < timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(moment, depth=1)}
