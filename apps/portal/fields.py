"""Fields of forms that the pages share."""

from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class SearchedSelect(forms.TextInput):
    """A choice among many that is found by typing a part of it; the browser itself searches.

    `has_list` is whether the choices are written beside it, once on a page.
    """

    choices: Any = ()
    has_list = True

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """The field, and the labels of the choices."""
        key = f"{(attrs or {}).get('id') or name}-choices"
        attrs = {"autocomplete": "off", "list": key, **(attrs or {})}
        drawn = super().render(name, value, attrs, renderer)
        if not self.has_list:
            return drawn
        labels = ((label,) for choice, label in self.choices if choice)
        options = format_html_join("", '<option value="{}"></option>', labels)
        return format_html('{}<datalist id="{}">{}</datalist>', drawn, key, options)


class SearchedChoiceField(forms.ChoiceField):
    """One of many choices, shown and entered by its label; a value that is sent is taken too."""

    widget = SearchedSelect

    def prepare_value(self, value: Any) -> Any:
        """The label of a choice."""
        return next((label for choice, label in self._pairs() if choice == value), value)

    def to_python(self, value: Any) -> str:
        """The value of a choice, whose label was written large or small."""
        typed = str(super().to_python(value) or "")
        said = typed.strip().casefold()
        known = (key for key, label in self._pairs() if said in (label.casefold(), key.casefold()))
        return next(known, typed)

    def _pairs(self) -> list[tuple[str, str]]:
        choices: Any = self.choices
        return [(str(choice), str(label)) for choice, label in choices if choice]
