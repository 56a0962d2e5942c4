"""What changed since a program asked last."""

import django_filters


class ChangesFilter(django_filters.FilterSet):
    """Lets a list be asked for what changed; `deleted/` tells what is gone.

    A time is that of the write, which may be committed a little later: ask from a minute before.
    """

    updated_since = django_filters.IsoDateTimeFilter(
        field_name="updated_at",
        lookup_expr="gte",
        help_text="Only what changed at or after this time. Ask from a minute before your last.",
    )
