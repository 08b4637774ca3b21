"""Bringing a database's tables to this version, by the migrations beside this module."""

from pathlib import Path
from typing import TYPE_CHECKING
from warnings import catch_warnings

from sqlalchemy import inspect
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import Session

from farmland.keeping.tables import tracked
from farmland.records.city import next_moment
from farmland.records.database import Database
from farmland.records.ledger import restate

if TYPE_CHECKING:
    from alembic.config import Config


def prepare(database: Database) -> None:
    """Make the tables, or bring them to this version; the ledger says how the tables stand that it changed.

    Raises UNREACHABLE.
    """
    from alembic import command  # takes as long to load as all else here, and only this needs it

    with database.connected(writing=True) as connection:
        before = _columns(connection)
        command.upgrade(migrations(connection), "head")
        after = _columns(connection)
        changed = {table for table in after if after[table] != before.get(table)}
        if changed:
            with Session(connection) as session:
                restated = tracked() if "ledger_entry" not in before else [t for t in tracked() if t.name in changed]
                restate(session, restated, next_moment(session))  # a demonstration's clock does not jump
                session.commit()
        connection.commit()


def migrations(connection: Connection | None) -> "Config":
    """The configuration of Alembic, over an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _columns(connection: Connection) -> dict[str, set[str]]:
    """The names of the columns of each table."""
    with catch_warnings(action="ignore", category=SAWarning):  # PostGIS's type is none that SQLAlchemy knows
        found = inspect(connection).get_multi_columns()
    return {table: {str(column["name"]) for column in columns} for (_, table), columns in found.items()}
