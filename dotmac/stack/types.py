"""The kinds of value that a manifest is made of."""

import re
import shlex
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt

MEBIBYTE = 2**20
_UNITS = {"K": 2**10, "M": MEBIBYTE, "G": 2**30, "T": 2**40}
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([KMGT])(?:i?B)?")
_NAME_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:[A-Za-z0-9.-]+(?::\d{{1,5}})?/)?{_NAME_PART}(?:/{_NAME_PART})*"
    r"(?P<tag>:\w[\w.-]{0,127})?(?P<digest>@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
_USER = re.compile(r"(\d{1,9})(?::(\d{1,9}))?", re.ASCII)
_SYSTEM_PATHS = ("/proc", "/sys", "/dev")


def parse_size(size: object) -> int:
    """Return bytes of a text such as "256M" (M is 1024 squared); raises ValueError."""
    found = _SIZE.fullmatch(size) if isinstance(size, str) else None
    if found is None:
        raise ValueError("Write a number and its unit, for example 256M or 2G.")
    return int(Decimal(found[1]) * _UNITS[found[2]])


def parse_cores(cores: object) -> Decimal:
    """Return a number of cores such as 0.5; raises ValueError."""
    try:
        if isinstance(cores, bool):
            raise ValueError
        return Decimal(str(cores))
    except (InvalidOperation, ValueError):
        raise ValueError("Write a number of cores, for example 0.5.") from None


def scalar_text(value: object) -> object:
    """Return YAML's whole numbers and booleans as the text that a program would read."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        raise ValueError("Put this number in quotes, so that it stays as written.")
    return str(value) if isinstance(value, int) else value


def matching(pattern: str, sentence: str) -> AfterValidator:
    """Return a validator of text that answers with the sentence when the pattern fails."""
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(sentence)
        return text

    return AfterValidator(check)


def _words(command: object) -> object:
    """Split a command given as one text, as a shell would; no shell runs it."""
    if not isinstance(command, str):
        return command
    try:
        return shlex.split(command)
    except ValueError:
        raise ValueError("A quotation mark is open; close it, or write a list.") from None


def _check_image(image: str) -> str:
    found = _IMAGE.fullmatch(image) if len(image) <= 255 else None
    if found is None:
        raise ValueError("This is no image reference, for example registry/name:1.4.")
    if not (found["tag"] or found["digest"]):
        raise ValueError("Name the image's tag, for example name:1.4, so that it cannot change.")
    return image


def _check_user(user: str) -> str:
    found = _USER.fullmatch(user)
    if found is None:
        raise ValueError('Write user and group as numbers in quotes, for example "10001:10001".')
    if any(number is not None and int(number) == 0 for number in found.groups()):
        raise ValueError("0 is root, which no container may be; choose a number from 1 on.")
    return user


def _check_target(target: str) -> str:
    steps = target.split("/")
    if target == "/" or steps[0] or not all(steps[1:]) or {".", ".."} & set(steps):
        raise ValueError("Write an absolute path without dots, for example /srv/files.")
    if re.search(r"[\s:,\\\x00-\x1f]", target):
        raise ValueError("A path in a container has no blanks, colons, commas or backslashes.")
    if any(is_inside(target, system) for system in _SYSTEM_PATHS):
        raise ValueError("This path belongs to the kernel; choose another.")
    return target


def is_inside(path: str, parent: str) -> bool:
    """Say whether one absolute path is the other or lies below it."""
    return path == parent or path.startswith(f"{parent}/")


def has_no_zero_byte(text: str) -> str:
    """Return the text; raises ValueError on a zero byte, which no environment can carry."""
    if "\0" in text:
        raise ValueError("A zero byte cannot stand in the environment; remove it.")
    return text


Flag = StrictBool
Slug = Annotated[
    str,
    matching(
        r"(?!.*--)[a-z0-9](?:[a-z0-9-]{1,28})[a-z0-9]",
        "Use 3 to 30 of a-z, 0-9 and single hyphens, with no hyphen at either end.",
    ),
]
# A container's deployment number follows the service's name, so a service may not end in one.
ServiceName = Annotated[
    str,
    matching(
        r"(?!release$|release-probe$)(?!.*-\d+$)[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?",
        "Use 1 to 30 of a-z, 0-9 and hyphens, a letter first and no number after a hyphen last; "
        "`release` and `release-probe` are taken.",
    ),
]
VolumeName = Annotated[
    str,
    matching(
        r"[a-z](?:[a-z0-9_-]{0,28}[a-z0-9])?",
        "Use 1 to 30 of a-z, 0-9, hyphen and underscore, a letter first.",
    ),
]
VariableName = Annotated[
    str,
    matching(r"[A-Z][A-Z0-9_]{0,63}", "Use up to 64 of A-Z, 0-9 and underscore, a letter first."),
]
EnvironmentKey = Annotated[
    str,
    matching(
        r"[A-Za-z_][A-Za-z0-9_.-]{0,127}",
        "Use up to 128 letters, digits, dots, hyphens and underscores, no digit first.",
    ),
]
Label = Annotated[
    str, matching(r"[a-z0-9]+(?:[._:-][a-z0-9]+)*", "Use a-z, 0-9 and single . _ : or -.")
]
Version = Annotated[
    str,
    matching(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}", "Use up to 64 letters, digits and . + _ or -."),
]
UrlPath = Annotated[
    str,
    matching(
        r"/(?:[^/\\\s\x00-\x1f][^\\\s\x00-\x1f]{0,255})?",
        "Write a path on the app's own host, beginning with one slash.",
    ),
]
Text = Annotated[str, Field(max_length=4000)]
Line = Annotated[str, Field(max_length=160)]
ScalarText = Annotated[str, BeforeValidator(scalar_text), AfterValidator(has_no_zero_byte)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Command = Annotated[Words, Field(min_length=1)]
ImageReference = Annotated[str, AfterValidator(_check_image)]
UserNumber = Annotated[str, BeforeValidator(scalar_text), AfterValidator(_check_user)]
TargetPath = Annotated[str, AfterValidator(_check_target)]
MemorySize = Annotated[int, BeforeValidator(parse_size), Field(ge=8 * MEBIBYTE)]
DiskSize = Annotated[int, BeforeValidator(parse_size), Field(ge=MEBIBYTE)]
Cores = Annotated[Decimal, BeforeValidator(parse_cores), Field(ge=Decimal("0.01"), le=256)]
Port = Annotated[StrictInt, Field(ge=1, le=65535)]
Seconds = Annotated[StrictInt, Field(ge=1, le=3600)]
