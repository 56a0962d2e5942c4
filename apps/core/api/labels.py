"""`external_id` and `metadata`: what other systems call a resource, and note beside it."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.api.serializers import ModelSerializer

LABELS = ("external_id", "metadata")
MOST_KEYS, LONGEST_KEY, LONGEST_TEXT = 50, 40, 500


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class MetadataField(serializers.DictField):
    """Texts by key, bounded; a PATCH replaces all of it."""

    default_error_messages = {
        "too_many": _("At most {most} keys are kept."),
        "key": _("A key has 1 to {longest} characters."),
        "nul": _("A text has no NUL."),
    }
    child = serializers.CharField(max_length=LONGEST_TEXT, allow_blank=True, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """The texts, within their bounds."""
        found: dict[str, str] = super().to_internal_value(data)
        if len(found) > MOST_KEYS:
            self.fail("too_many", most=MOST_KEYS)
        if any(not 0 < len(key) <= LONGEST_KEY for key in found):
            self.fail("key", longest=LONGEST_KEY)
        if any("\x00" in key for key in found):
            self.fail("nul")
        return found


class Shown(ModelSerializer[Any]):
    """How a labelled resource is shown: with its labels, and when it changed."""

    external_id = serializers.CharField(read_only=True)
    metadata = serializers.DictField(child=serializers.CharField(), read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    def get_field_names(self, declared_fields: Any, info: Any) -> Any:
        """Those of the resource, and these."""
        named = list(super().get_field_names(declared_fields, info))
        return [*named, *(n for n in (*LABELS, "updated_at") if n not in named)]


class Labels(serializers.Serializer[Any]):
    """What another system calls it, unique where set, and texts of its own by key."""

    external_id = serializers.CharField(max_length=64, required=False, allow_blank=True)
    metadata = MetadataField(required=False)

    def get_field_names(self, declared_fields: Any, info: Any) -> Any:
        """Beside those of a model's serializer."""
        named = list(super().get_field_names(declared_fields, info))  # type: ignore[misc]
        return [*named, *(name for name in LABELS if name not in named)]
