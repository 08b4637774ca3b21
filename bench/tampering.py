"""Ways to alter a city's records behind the program's back, as somebody with the database in hand would."""

import struct
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Table, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from farmland.keeping.tables import tracked
from farmland.records.database import table_of
from farmland.records.ledger import Entry, key_of
from geodata.column import index_name, raw

KINDS = ("byte", "byte", "byte", "byte", "byte", "byte", "deleted", "inserted", "swapped", "rolled back")
"""Most are single bytes."""
Rows = list[dict[str, Any]]


def tables() -> list[Table]:
    """The ledger and all that it speaks of."""
    return [table_of(Entry), *tracked()]


def snapshot(session: Session) -> dict[str, Rows]:
    """All rows of all tables, as they stand there."""
    return {table.name: _rows(session, table) for table in tables()}


def tamper(session: Session, rng: np.random.Generator, earlier: dict[str, Rows]) -> str:
    """Alter one thing in this transaction, and say what. `earlier` is how the tables stood some time before."""
    while True:
        table = tables()[rng.integers(len(tables()))]
        kind = KINDS[rng.integers(len(KINDS))]
        rows = _rows(session, table)
        if not rows:
            continue
        try:
            with session.begin_nested():
                said = _WAYS[kind](session, rng, table, rows, earlier[table.name])
        except (DBAPIError, _Refused):  # what the database does not take is no change
            continue
        if said is not None:
            return f"{kind}: {table.name} {said}"


class _Refused(Exception):
    """A change that would change nothing."""


def _rows(session: Session, table: Table) -> Rows:
    columns = [raw(column).label(column.name) for column in table.c]
    return [dict(row._mapping) for row in session.execute(select(*columns).order_by(table.c[key_of(table)]))]


def _byte(session: Session, rng: np.random.Generator, table: Table, rows: Rows, _: Rows) -> str | None:
    row = rows[rng.integers(len(rows))]
    names = [name for name, value in row.items() if value is not None]
    name = names[rng.integers(len(names))]
    other = _other(row[name], rng)
    if other is None or (isinstance(other, float) and other != other):
        return None
    _set(session, table, row[key_of(table)], name, other)
    held = session.execute(select(raw(table.c[name])).where(table.c[key_of(table)] == row[key_of(table)])).all()
    if name != key_of(table) and held and held[0][0] == row[name]:
        raise _Refused
    return f"{row[key_of(table)]} {name}"


def _other(value: Any, rng: np.random.Generator) -> Any:
    """A value with one byte changed."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, datetime):
        return value + timedelta(microseconds=int(2 ** rng.integers(0, 40)))
    if isinstance(value, date):
        return value + timedelta(days=int(2 ** rng.integers(0, 8)))
    if isinstance(value, dict | list):
        value = orjson.dumps(value).decode()
    form = ">q" if isinstance(value, int) else ">d" if isinstance(value, float) else None
    content = bytearray(struct.pack(form, value) if form else value if isinstance(value, bytes) else value.encode())
    if not content:
        return None
    content[rng.integers(len(content))] ^= int(rng.integers(1, 256))
    if form:
        return struct.unpack(form, content)[0]
    return bytes(content) if isinstance(value, bytes) else _Text(bytes(content))


class _Text(bytes):
    """The bytes of a text, which need not be one any more."""


def _set(session: Session, table: Table, key: Any, name: str, value: Any) -> None:
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    place = ":value"
    if isinstance(value, _Text):
        place = "CAST(:value AS TEXT)"
        if not on_sqlite:
            try:
                value = value.decode()
            except UnicodeDecodeError:
                raise _Refused from None
            place = ":value" if "\0" not in value else "NULL"
            kind = table.c[name].type.dialect_impl(session.get_bind().dialect)
            if type(table.c[name].type).__name__ == "JSON":
                place = "CAST(:value AS JSON)"
            elif hasattr(kind, "impl") and "geometry" in str(getattr(kind, "impl", "")):
                place = "CAST(:value AS geometry)"
        else:
            value = bytes(value)
    session.execute(
        text(f'UPDATE {table.name} SET "{name}" = {place} WHERE "{key_of(table)}" = :key'), {"value": value, "key": key}
    )


def _deleted(session: Session, rng: np.random.Generator, table: Table, rows: Rows, _: Rows) -> str:
    row = rows[rng.integers(len(rows))]
    session.execute(text(f'DELETE FROM {table.name} WHERE "{key_of(table)}" = :key'), {"key": row[key_of(table)]})
    return str(row[key_of(table)])


def _inserted(session: Session, rng: np.random.Generator, table: Table, rows: Rows, _: Rows) -> str:
    row = dict(rows[rng.integers(len(rows))])
    key = key_of(table)
    keys = [other[key] for other in rows]
    row[key] = max(keys) + 1 if isinstance(keys[0], int) else f"{row[key]}x"
    for name in ("code", "number", "hash", "sha256"):  # what must be unique
        if isinstance(row.get(name), str) and name != key:
            row[name] = f"{row[name]}x"[-len(row[name]) - 1 :]
    _insert(session, table, [row])
    return str(row[key])


def _swapped(session: Session, rng: np.random.Generator, table: Table, rows: Rows, _: Rows) -> str | None:
    if len(rows) < 2:
        return None
    one, other = (rows[i] for i in rng.choice(len(rows), 2, replace=False))
    key = key_of(table)
    if {**one, key: None} == {**other, key: None}:
        return None
    for row in (one, other):
        session.execute(text(f'DELETE FROM {table.name} WHERE "{key}" = :key'), {"key": row[key]})
    _insert(session, table, [{**one, key: other[key]}, {**other, key: one[key]}])
    return f"{one[key]} {other[key]}"


def _rolled_back(session: Session, _: np.random.Generator, table: Table, rows: Rows, earlier: Rows) -> str | None:
    if rows == earlier:
        return None
    restore(session, table, earlier)
    return f"{len(rows)} → {len(earlier)} rows"


def restore(session: Session, table: Table, rows: Rows) -> None:
    """Put the rows of a table in the place of those that are there."""
    session.execute(text(f"DELETE FROM {table.name}"))
    _insert(session, table, rows)
    if inspect(session.connection()).has_table(index_name(table.name)):  # SQLite's spatial index is a table too
        session.execute(text(f"DELETE FROM {index_name(table.name)} WHERE id NOT IN (SELECT id FROM {table.name})"))


def _insert(session: Session, table: Table, rows: Rows) -> None:
    if rows:
        names = ", ".join(f'"{name}"' for name in rows[0])
        places = ", ".join(f":{name}" for name in rows[0])
        said = [
            {name: orjson.dumps(v).decode() if isinstance(v, dict | list) else v for name, v in row.items()}
            for row in rows
        ]
        session.execute(text(f"INSERT INTO {table.name} ({names}) VALUES ({places})"), said)


_WAYS = {
    "byte": _byte,
    "deleted": _deleted,
    "inserted": _inserted,
    "swapped": _swapped,
    "rolled back": _rolled_back,
}


def without_foreign_keys(session: Session) -> None:
    """Let rows be altered that others refer to, as one can who owns the database."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
    else:
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
