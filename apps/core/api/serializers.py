"""A model's serializer that finds out once what a field of the model becomes."""

from typing import Any, TypeVar

from django.db.models import Model
from rest_framework import serializers

T = TypeVar("T", bound=Model)
_built: dict[tuple[type[Any], str, int], tuple[Any, dict[str, Any]]] = {}


class ModelSerializer(serializers.ModelSerializer[T]):
    """The framework's, which looks at the model anew for each answer."""

    def build_field(
        self, field_name: str, info: Any, model_class: type[T], nested_depth: int
    ) -> Any:
        """Class and arguments of a field, which come from the classes alone."""
        key = (type(self), field_name, nested_depth)
        if key not in _built:
            _built[key] = super().build_field(field_name, info, model_class, nested_depth)
        made, arguments = _built[key]
        # A copy, since the framework adds to it.
        return made, dict(arguments)
