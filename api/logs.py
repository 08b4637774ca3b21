"""The log: lines on standard error, as text or as JSON, without personal data.

No line has an address, a query, a name, a token or a body. Of an error its type and where it arose are written, never its
text: that can hold what somebody entered.
"""

import logging
import sqlite3
import traceback
from types import TracebackType
from typing import Any, Literal

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from geodata.problems import Problem

Form = Literal["text", "json"]
Caught = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

log = logging.getLogger("tianzhang")


class Text(logging.Formatter):
    """A line for a person; errors without their texts."""

    def formatException(self, caught: Caught) -> str:
        return without_values(caught[1])


class Json(JsonFormatter):
    """A line for a program; errors without their texts."""

    def formatException(self, caught: Caught) -> str:
        return without_values(caught[1])


def without_values(error: BaseException | None) -> str:
    """The stack of an error and of those that led to it, the first first: types and places, no texts."""
    told: list[str] = []
    while error is not None:
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        told.insert(
            0, "".join(traceback.format_tb(error.__traceback__)) + " ".join(filter(None, (kind, _known(error))))
        )
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\n".join(told)


def _known(error: BaseException) -> str | None:
    """What of an error's text is the same whatever was entered."""
    if isinstance(error, Problem):
        return error.code
    if isinstance(error, OSError):
        return error.strerror
    return getattr(error, "sqlite_errorname", None) if isinstance(error, sqlite3.Error) else None


def configuration(form: Form) -> dict[str, Any]:
    """The configuration of Python's logging, ours and the server's."""
    text = {
        "()": Text,
        "fmt": "%(asctime)s %(levelname)s %(message)s [%(request_id)s]",
        "defaults": {"request_id": "-"},
    }
    json = {
        "()": Json,
        "fmt": "%(levelname)s %(message)s",
        "rename_fields": {"levelname": "level", "exc_info": "error"},
        "reserved_attrs": [*RESERVED_ATTRS, "color_message"],  # uvicorn's: the message once more
        "timestamp": "time",
        "json_ensure_ascii": False,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": json if form == "json" else text},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"tianzhang": {"level": "INFO"}, "uvicorn": {"level": "INFO"}},
    }
