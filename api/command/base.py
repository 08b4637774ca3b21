"""What all subcommands need: where they say things, the database of these settings, a progress bar, shared options.

The subcommands import what they need when they are run: each starts as fast as its own work allows.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from api.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from farmland.records.database import Database
    from farmland.records.telling import Tell

# What is printed is what people entered: nothing in it is markup, whatever brackets and colons it has.
console = Console(width=None if sys.stdout.isatty() else 120, markup=False, emoji=False)
errors = Console(stderr=True, markup=False, emoji=False)

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="截至何时 · A day (its end, Asia/Shanghai) or moment: 2022-04-26"),
]
KnownAt = Annotated[
    str | None,
    typer.Option(
        "--known-at", help="当时所知 · As it was known then: a day (its end) or moment; without it, as known now"
    ),
]
UnitCode = Annotated[str | None, typer.Option("--unit", help="单位代码 · A unit's code; without it, the city")]


@contextmanager
def database_of(settings: Settings, *, prepared: bool = True) -> Iterator["Database"]:
    """The database of these settings. Raises NOT_PREPARED unless its tables are there or `prepared` is False."""
    from farmland.records.database import Database

    database = Database(settings.url)
    try:
        if prepared:
            database.require_prepared()
        yield database
    finally:
        database.close()


def asked(session: "Session", unit: str | None, as_of: str | None) -> tuple[str, "datetime"]:
    """The unit and the moment that are meant: where none is named, the city and now."""
    from farmland.land.units import the_city
    from farmland.records import city
    from farmland.records.clock import parse_moment

    return unit or the_city(session).code, parse_moment(as_of) if as_of else city.now(session)


def say(settings: Settings, zh: str, en: str) -> None:
    """Say a sentence to the reader, in the reader's language."""
    console.print(zh if settings.language == "zh" else en, highlight=False, markup=False, soft_wrap=True)


def print_json(content: dict[str, Any]) -> None:
    """Write to standard output as JSON what a program asked for."""
    import orjson

    sys.stdout.buffer.write(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


@contextmanager
def bar_of(settings: Settings) -> Iterator["Tell"]:
    """A progress bar on standard error; what it is told is the share that is done, and what comes next."""
    from rich.progress import Progress

    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=1.0)

        def tell(share: float, zh: str, en: str) -> None:
            bar.update(task, completed=share, description=zh if settings.language == "zh" else en)

        yield tell
