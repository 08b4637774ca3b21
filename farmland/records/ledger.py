"""The ledger (台账): one entry for every change of a record, each with the hash of the one before it.

An entry holds the rows of the tables that it speaks of as they were before and as they are after, as canonical JSON:
table → column → values. Of a geometry and of a secret (a column with ``info={"secret": True}``) its hash stands there. Entries
are written in the transaction of the change and never altered: whoever alters a row, or an entry, is found out by
:mod:`farmland.keeping.verify`.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Date,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session

from farmland.records.database import Base, Moment, table_of
from geodata.column import Geometry, decode, raw
from geodata.problems import Kind, Problem

Geometries = NDArray[np.object_]
Columns = dict[str, list[Any]]
Content = dict[str, Columns]
NOTHING: Content = {}


class Entry(Base):
    """One change: who, for which unit, what ("claim.accepted"), of what (a number or code), and the rows it changed."""

    __tablename__ = "ledger_entry"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str] = mapped_column(String(200))
    unit_code: Mapped[str | None] = mapped_column(String(14))
    event: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str | None] = mapped_column(String(200))
    before: Mapped[str] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (Index("ledger_entry_subject", "subject"),)


_LAST = select(Entry.seq, Entry.hash, Entry.at).order_by(Entry.seq.desc()).limit(1)
_ENTER = insert(table_of(Entry))
ENTRY_UNKNOWN = Kind(
    "entry_unknown",
    "台账没有第 {seq} 条。",
    "The ledger has no entry {seq}.",
    "not_found",
)
FIRST = "0" * 64
"""What stands for the hash of the entry before the first."""


def note(
    session: Session,
    event: str,
    subject: str | None,
    unit_code: str | None,
    *,
    actor: str,
    at: datetime,
    before: Content = NOTHING,
    after: Content = NOTHING,
) -> None:
    """Write the entry of a change. Only under the right to write; the changed rows are in the database already.

    `at` is the server's time. An entry is never earlier than the one before it, whatever a clock says.
    """
    seq, previous, last = session.execute(_LAST).one_or_none() or (0, FIRST, at)
    at = max(at, last)
    row = {
        "seq": seq + 1,
        "at": _form(table_of(Entry).c.at)(at),
        "actor": actor,
        "unit_code": unit_code,
        "event": event,
        "subject": subject,
        "before": canonical(before),
        "after": canonical(after),
        "previous": previous,
    }
    session.execute(_ENTER, [row | {"at": at, "hash": hash_of(row)}])


def hash_of(row: Mapping[str, Any]) -> str:
    """The hash of an entry: SHA-256 over the canonical JSON of its fields, `before` and `after` by their own SHA-256.

    `at` as :func:`stored` gives it: UTC, ISO form with microseconds.
    """
    said = {name: row[name] for name in ("seq", "at", "actor", "unit_code", "event", "subject", "previous")}
    said |= {name: hashlib.sha256(row[name].encode()).hexdigest() for name in ("before", "after")}
    return hashlib.sha256(canonical(said).encode()).hexdigest()


def restate(session: Session, tables: Iterable[Table], at: datetime) -> None:
    """Write an entry that says how tables stand, after a migration changed their columns or before the ledger began."""
    after: Content = {}
    for table in tables:
        after |= stored(session, table)
    if after:
        note(session, "ledger.restated", None, None, actor="tianzhang init", at=at, after=after)


def get_entry(session: Session, seq: int) -> Entry:
    """The entry of that number. Raises ENTRY_UNKNOWN."""
    entry = session.get(Entry, seq)
    if entry is None:
        raise Problem(ENTRY_UNKNOWN, seq=seq)
    return entry


def head(session: Session) -> tuple[int, str]:
    """The number and the hash of the last entry; (0, FIRST) while there is none."""
    found = session.execute(_LAST).one_or_none()
    return (found.seq, found.hash) if found else (0, FIRST)


LAST_MOMENT = select(Entry.at).order_by(Entry.seq.desc()).limit(1)


def last_moment(session: Session) -> datetime | None:
    """The moment of the last entry."""
    return session.scalar(LAST_MOMENT)


def history(session: Session, subject: str) -> Sequence[Entry]:
    """The entries on a subject, the first first."""
    return session.scalars(select(Entry).where(Entry.subject == subject).order_by(Entry.seq)).all()


def undone(session: Session, table: Table, event: str, known_at: datetime) -> dict[int | str, dict[str, Any] | None]:
    """What the rows of a table that changed since were at a moment: a row by its key, or None where there was none yet.

    `event` is what the changes of the table are called, up to the dot ("unit").
    """
    since = select(Entry.before, Entry.after).where(Entry.event.startswith(f"{event}."), Entry.at > known_at)
    rows: dict[int | str, dict[str, Any] | None] = {}
    key = key_of(table)
    for before, after in session.execute(since.order_by(Entry.seq)):
        held = rows_of(orjson.loads(before).get(table.name, {}), key)
        for changed in rows_of(orjson.loads(after).get(table.name, {}), key):
            rows.setdefault(changed, held.get(changed))
    return rows


def rows_of(columns: Columns, key: str) -> dict[int | str, dict[str, Any]]:
    """Columns as rows by their key."""
    names = list(columns)
    rows = (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return {row[key]: row for row in rows}


def key_of(table: Table) -> str:
    """The column that names a row."""
    (column,) = table.primary_key.columns
    return column.name


def contents(*rows: Base) -> Content:
    """What the ledger says of rows (flushed), by table; what of them is not loaded is loaded."""
    found: Content = {}
    for row in rows:
        table = table_of(type(row))
        state = inspect(row)
        session = object_session(row)
        if session and (missing := state.unloaded & set(state.mapper.columns.keys())):
            session.refresh(row, missing)
        columns = found.setdefault(table.name, {column.name: [] for column in table.c})
        for name, column in state.mapper.columns.items():
            value = getattr(row, name)
            columns[column.name].append(None if value is None else _form(column)(value))
    return found


def content(table: Table, columns: Mapping[str, Sequence[Any]], geometries: Geometries | None = None) -> Content:
    """The same of many new rows of one table, from their columns and geometries, shape (n,); {} where there are none."""
    count = len(next(iter(columns.values())))
    if not count:
        return {}
    whole = {
        column.name: [
            None if value is None else _form(column)(value) for value in columns.get(column.name, [None] * count)
        ]
        for column in table.c
    }
    if geometries is not None:
        whole["geometry"] = _hashes(shapely.to_wkb(geometries, byte_order=1))
    return {table.name: whole}


def stored(session: Session, table: Table, keys: Sequence[Any] | None = None) -> Content:
    """The same of rows as the database holds them, all or those with some keys; {} where there are none.

    A value that is not in the form in which it was written, though it may mean the same, is given as it stands there.
    """
    key = table.c[key_of(table)]
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    # SQLite's types forgive much: there all is read as it stands, not as the types would have it.
    columns = [raw(column) if on_sqlite or isinstance(column.type, Geometry) else column for column in table.c]
    found = select(*columns).order_by(key)
    chunks = [found] if keys is None else [found.where(key.in_(keys[i : i + 5000])) for i in range(0, len(keys), 5000)]
    rows = [row for chunk in chunks for row in session.execute(chunk).all()]
    if not rows:
        return {}
    whole: Columns = {}
    for column, values in zip(table.c, zip(*rows, strict=True), strict=True):
        if not isinstance(column.type, Geometry):
            form = _strictly(column) if on_sqlite else _form(column)
            whole[column.name] = [None if value is None else form(value) for value in values]
        elif on_sqlite:
            whole[column.name] = [_hash(value) if isinstance(value, bytes) else value for value in values]
        else:
            whole[column.name] = _hashes(shapely.to_wkb(decode(values), byte_order=1))
    return {table.name: whole}


def merge(whole: Content, more: Content) -> None:
    """Add rows to those that are there."""
    for table, columns in more.items():
        held = whole.setdefault(table, {name: [] for name in columns})
        for name, values in columns.items():
            held[name].extend(values)


def canonical(value: Any) -> str:
    """JSON in one form only: keys sorted, no spaces."""
    # SQLAlchemy's names are a subclass of text, which is no text to the library without the second option.
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()


def _hash(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()


def _hashes(blobs: Iterable[bytes | None]) -> list[str | None]:
    return [None if blob is None else _hash(blob) for blob in blobs]


@cache
def _form(column: ColumnElement[Any]) -> Callable[[Any], Any]:
    """How a value of a column is written, the same before it goes to the database as when it comes back."""
    kind = column.type
    if column.info.get("secret"):
        return lambda value: _hash(value.encode())
    if isinstance(kind, Geometry):
        return lambda value: _hash(shapely.to_wkb(value, byte_order=1))
    if isinstance(kind, Moment):
        return lambda value: value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(kind, Date):
        return lambda value: value.isoformat()
    if isinstance(kind, Float):
        return lambda value: float(value) + 0.0  # of -0.0 SQLite makes 0.0
    if isinstance(kind, JSON):
        return lambda value: orjson.loads(orjson.dumps(value))
    return next((form for base, form in ((Boolean, bool), (Integer, int)) if isinstance(kind, base)), str)


@cache
def _strictly(column: ColumnElement[Any]) -> Callable[[Any], Any]:
    """The same from what stands in SQLite; what does not stand there as it was written comes back unchanged."""
    kind = column.type

    def read(value: Any, parse: Callable[[str], Any], write: Callable[[Any], str], form: Callable[[Any], Any]) -> Any:
        try:
            held = parse(value)
        except (TypeError, ValueError):
            return value
        return form(held) if write(held) == value else value

    if column.info.get("secret"):
        return lambda value: _hash(value.encode()) if isinstance(value, str) else value
    if isinstance(kind, Moment):
        moment, text = _form(column), datetime.isoformat
        return lambda value: read(
            value,
            datetime.fromisoformat,
            lambda held: text(held, " ", "microseconds"),
            lambda held: moment(held.replace(tzinfo=UTC)),
        )
    if isinstance(kind, Date):
        return lambda value: read(value, date.fromisoformat, date.isoformat, date.isoformat)
    if isinstance(kind, JSON):
        return lambda value: read(value, orjson.loads, lambda held: orjson.dumps(held).decode(), lambda held: held)
    if isinstance(kind, Boolean):
        return lambda value: {0: False, 1: True}.get(value, value)
    return lambda value: value
