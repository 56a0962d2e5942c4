"""From YAML or a mapping to a checked manifest, or to a list of what is wrong with it."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dotmac.stack.checks import find_problems
from dotmac.stack.errors import ManifestError, Problem
from dotmac.stack.manifest import (
    BackupHooks,
    Console,
    Health,
    Manifest,
    Part,
    Release,
    SchemaVersion,
    Service,
    SingleSignOn,
    Variable,
    Volume,
)
from dotmac.stack.yaml_source import YamlError, load_yaml

_SENTENCES = {
    "missing": "This is required.",
    "string_type": "Write text; put a number or a date in quotes.",
    "string_unicode": "Write text; this holds half a character.",
    "int_type": "Write a whole number.",
    "bool_type": "Write true or false.",
    "dict_type": "Write names, each with its value.",
    "mapping_type": "Write names, each with its value.",
    "model_type": "Write names, each with its value.",
    "model_attributes_type": "Write names, each with its value.",
    "tuple_type": "Write a list.",
    "literal_error": "Write one of {expected}.",
    "greater_than_equal": "This is too small; the least is {ge}.",
    "less_than_equal": "This is too large; the most is {le}.",
    "string_too_short": "This may not be empty.",
    "string_too_long": "This is too long; the most is {max_length} characters.",
    "too_short": "This may not be empty.",
    "too_long": "This list is too long; the most is {max_length}.",
    "value_error": "{error}",
}

_PARTS: Mapping[str, type[Part]] = {
    "services": Service,
    "volumes": Volume,
    "environment": Variable,
    "health": Health,
    "release": Release,
    "schema": SchemaVersion,
    "backup": BackupHooks,
    "consoles": Console,
    "sso": SingleSignOn,
}


def parse_manifest(source: str | Mapping[str, Any]) -> Manifest:
    """Read a manifest from YAML text or a mapping; raises ManifestError with all problems."""
    tree = _tree(source)
    try:
        manifest = Manifest.model_validate(dict(tree))
    except ValidationError as error:
        raise ManifestError(_problems(error, tree)) from None
    problems = find_problems(manifest)
    if problems:
        raise ManifestError(problems)
    return manifest


def _tree(source: str | Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        tree = load_yaml(source) if isinstance(source, str) else source
    except YamlError as error:
        raise ManifestError([Problem("", str(error))]) from None
    if not isinstance(tree, Mapping):
        raise ManifestError([Problem("", "A manifest consists of names, each with its value.")])
    return tree


def _problems(error: ValidationError, tree: object) -> Iterator[Problem]:
    for details in error.errors(include_url=False):
        yield Problem(_path(details["loc"], tree), _sentence(details))


def _path(steps: tuple[int | str, ...], tree: object) -> str:
    """Join the steps; an item of a list goes by its name where it has one."""
    labels = []
    for step in steps:
        if step == "[key]":
            continue
        tree = _below(tree, step)
        name = tree.get("name") if isinstance(tree, Mapping) else None
        labels.append(name if isinstance(step, int) and isinstance(name, str) else str(step))
    return ".".join(labels)


def _below(tree: Any, step: int | str) -> object:
    try:
        return tree[step]
    except (KeyError, IndexError, TypeError):
        return None


def _sentence(details: ErrorDetails) -> str:
    if details["type"] == "extra_forbidden":
        return _unknown_key(details["loc"])
    template = _SENTENCES.get(details["type"])
    return template.format(**details.get("ctx", {})) if template else f"{details['msg']}."


def _unknown_key(steps: tuple[int | str, ...]) -> str:
    near = get_close_matches(str(steps[-1]), _keys_at(steps[:-1]), n=1)
    return (
        f"This is not known here; did you mean {near[0]}?"
        if near
        else ("This is not known here; remove it.")
    )


def _keys_at(steps: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the part at this place knows."""
    part = _PARTS.get(str(steps[0]) if steps else "", Manifest)
    return [field.alias or name for name, field in part.model_fields.items()]
