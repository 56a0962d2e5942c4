"""What other systems call a row, and what they note beside it: one write for every resource."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.core.exceptions import ConflictError
from apps.core.models import Labelled
from apps.events import services as events
from apps.events.actors import Actor, Subject, subject_of
from apps.events.differences import CHANGED, differences, values_of


@transaction.atomic
def set_labels(row: Labelled, *, actor: Actor, **labels: Any) -> None:
    """Change `external_id` or `metadata`, as far as given; ConflictError for a reference taken."""
    # Without the joins of a default manager: a row of a table that names its schema is locked too.
    rows: Any = type(row)._base_manager  # type: ignore[attr-defined]
    current = rows.select_for_update().get(pk=row.pk)
    changed = {name: value for name, value in labels.items() if getattr(current, name) != value}
    if not changed:
        return
    try:
        with transaction.atomic():
            rows.filter(pk=row.pk).update(**changed)
    except IntegrityError as error:
        text = _("“%(id)s” is the reference of another one.") % {"id": labels["external_id"]}
        raise ConflictError(text, field="external_id") from error
    name = str(row._meta.model_name)
    about = subject_of(row) if hasattr(row, "uuid") else None
    events.record(
        f"{name}.labelled",
        actor=actor,
        subject=about or Subject(name, str(row.pk), str(row)[:200]),
        data={CHANGED: differences(values_of(current, changed), changed)},
    )
