"""The settings of an instance: checked, defaults filled in, secrets made."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from urllib.parse import urlsplit

from dotmac.crypto.secret import generate_secret
from dotmac.stack.errors import ManifestError, Problem
from dotmac.stack.manifest import Manifest, Variable
from dotmac.stack.types import has_no_zero_byte

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}
MAXIMUM_LENGTH = 16384


def resolve_environment(
    manifest: Manifest, given: Mapping[str, str], *, kept: Mapping[str, str]
) -> dict[str, str]:
    """Return the value of every setting that has one; raises ManifestError with all mistakes.

    `given` is what is asked for now, `kept` what was chosen and generated before: it stays where
    nothing else is given, and a blank secret means that it stays. A blank other value goes back
    to the default. Kept names that the manifest no longer has are left out.
    """
    known = [variable.name for variable in manifest.environment]
    problems = [Problem(_path(name), _unknown(name, known)) for name in given if name not in known]
    values: dict[str, str] = {}
    for variable in manifest.environment:
        try:
            value = _value(variable, given.get(variable.name), kept.get(variable.name))
        except ValueError as error:
            problems.append(Problem(_path(variable.name), str(error)))
        else:
            values |= {variable.name: value} if value is not None else {}
    if problems:
        raise ManifestError(problems)
    return values


def check_value(variable: Variable, text: str) -> str:
    """Return the text in the one form of its type; raises ValueError, never repeating it."""
    if len(text) > MAXIMUM_LENGTH:
        raise ValueError(f"This is longer than {MAXIMUM_LENGTH} characters; shorten it.")
    has_no_zero_byte(text)
    if variable.type == "choice" and text not in variable.choices:
        raise ValueError(f"Choose one of {', '.join(variable.choices)}.")
    return _NORMAL_FORMS.get(variable.type, str)(text)


def _value(variable: Variable, given: str | None, kept: str | None) -> str | None:
    asked = _asked(variable, given, kept) or variable.default
    if asked:
        return check_value(variable, asked)
    if variable.generate:
        return generate_secret(variable.generate).reveal()
    if variable.required:
        raise ValueError("This setting is required; give it a value.")
    return None


def _asked(variable: Variable, given: str | None, kept: str | None) -> str | None:
    is_silent = given is None or (not given and variable.type == "secret")
    if is_silent or given is None:
        return kept
    if kept and not variable.editable and given != kept:
        raise ValueError("This setting was fixed when the instance was made; leave it as it is.")
    return given


def _integer(text: str) -> str:
    if not re.fullmatch(r"\s*[+-]?\d{1,30}\s*", text, re.ASCII):
        raise ValueError("Write a whole number.")
    return str(int(text))


def _boolean(text: str) -> str:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("Write true or false.")
    return "true" if word in _TRUE else "false"


def _url(text: str) -> str:
    address = text.strip()
    try:
        parts = urlsplit(address)
        is_complete = bool(parts.scheme and parts.hostname) and parts.port != 0
    except ValueError:
        is_complete = False
    if not is_complete or re.search(r"\s", address):
        raise ValueError("Write a whole address with its scheme, for example https://example.org.")
    return address


_NORMAL_FORMS: Mapping[str, Callable[[str], str]] = {
    "integer": _integer,
    "boolean": _boolean,
    "url": _url,
}


def _path(name: str) -> str:
    return f"environment.{name}"


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return (
        f"This app has no such setting; did you mean {near[0]}?"
        if near
        else ("This app has no such setting; remove it.")
    )
