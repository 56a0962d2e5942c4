"""How many sign-ins fail."""

from prometheus_client import Counter

from apps.tenancy.kinds import current_schema, kind_of

_FAILED = Counter(
    "dotmac_sign_ins_failed", "Sign-ins that failed by a wrong password or code.", ["kind"]
)


def count_failure() -> None:
    """Count one, by the kind of schema."""
    _FAILED.labels(kind_of(current_schema())).inc()
