"""What log lines look like, and what each of them carries: who asked, where, and in which process.

One JSON object a line in production, words for people in development; ours and those of libraries
alike. Secrets do not come near it: nothing here logs a body, a header, a raw path or the value of
a local variable.
"""

import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog
from django.db import connection

from apps.core.telemetry.serving import who
from dotmac.telemetry import process, tracing

_Line = MutableMapping[str, Any]
JSON, TEXT = "json", "text"
# Of Django's lines about requests: their texts hold the raw path, which may hold a token.
_ABOUT_REQUESTS = ("django.request", "django.security")


class _Place:
    """Adds process, release, schema, person and trace to a line that does not name them."""

    def __init__(self, release: str) -> None:
        self._release = release

    def __call__(self, _logger: Any, _method: str, line: _Line) -> _Line:
        line.setdefault("schema", getattr(connection, "schema_name", ""))
        line.setdefault("process", process.role())
        line.setdefault("release", self._release)
        for name, value in (("user", who()), ("trace", tracing.trace_id())):
            if value:
                line.setdefault(name, value)
        return line


class _WithoutPath(logging.Filter):
    """Takes the path out of what Django says of a request; its route is in the access line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every line passes."""
        if record.name.startswith(_ABOUT_REQUESTS) and hasattr(record, "status_code"):
            record.msg, record.args = "request_answered_%s", (record.status_code,)
        return True


class LossyStream:
    """Loses what finds no room on a full disk, instead of the request that the line tells of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """As of any stream; the number is of what was asked for."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """What stays in its buffer is written with the next line."""
        with suppress(OSError):
            self._stream.flush()


def set_up(form: str, level: str, release: str) -> dict[str, Any]:
    """Configure our own logger, and return LOGGING for all others."""
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Place(release),
    ]
    # A plain traceback: the pretty one prints local variables, and secrets with them.
    after: list[Any] = [structlog.processors.format_exc_info, _renderer(form)]
    structlog.configure(
        processors=[*before, *after],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, LossyStream(sys.stderr))),
    )
    lines = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [structlog.stdlib.add_logger_name, *before],
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *after],
    }
    console = {"class": "logging.StreamHandler", "formatter": "lines", "filters": ["no_path"]}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "no_path": {"()": _WithoutPath},
            "outages": {"()": "apps.core.logs.OutageFilter"},
        },
        "formatters": {"lines": lines},
        "handlers": {"console": console},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Its own handlers would say it once more, in their form.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.request": {"level": "ERROR", "filters": ["outages"]},
            # It says each try to connect.
            "psycopg.pool": {"level": "ERROR"},
            # Every request and answer, otherwise.
            "acme": {"level": "WARNING"},
            "fido2": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            # What a collector that is away costs is spans; it is said once a batch, not a try.
            "opentelemetry": {"level": "ERROR"},
        },
    }


def _renderer(form: str) -> Any:
    if form == JSON:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
