"""YAML as a manifest may use it: the 1.2 core schema, no aliases, no key twice."""

import re
from typing import Any

import yaml

# PyYAML needs up to 2 s for this much hostile text.
MAXIMUM_LENGTH = 64 * 1024


class YamlError(ValueError):
    """The text is no YAML that is accepted; the message names the line."""


class _Loader(yaml.SafeLoader):
    """PyYAML follows YAML 1.1, where `no` is false, `1000:50` is 60050 and `010` is 8."""

    # Replaced below as a whole, so that the parent's resolvers stay as they are.
    yaml_implicit_resolvers: dict[str, Any] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse aliases: nested ones make a few lines grow to gigabytes."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "anchors are not supported", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that stands twice, of which PyYAML would silently keep the last."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{name} stands here twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


def load_yaml(text: str) -> object:
    """Return the one document in the text; raises YamlError."""
    if len(text) > MAXIMUM_LENGTH:
        raise YamlError(f"The text is longer than {MAXIMUM_LENGTH} characters; shorten it.")
    try:
        # The loader is a SafeLoader, which bandit does not see.
        return yaml.load(text, Loader=_Loader)  # nosec B506
    except yaml.MarkedYAMLError as error:
        raise YamlError(_sentence(error)) from None
    except (yaml.YAMLError, ValueError, TypeError):
        raise YamlError("The text holds characters that YAML does not allow.") from None
    except RecursionError:
        raise YamlError("The text is nested too deeply; flatten it.") from None


def _sentence(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"The YAML cannot be read{where}: {error.problem or error.context}."
