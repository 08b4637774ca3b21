"""The replay of the ledger: does every entry fit the one before it, every record what the ledger last said of it, and
every figure the records? The first entry that does not fit is named.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import orjson
from shapely.errors import GEOSException
from sqlalchemy import Table, inspect, select, text
from sqlalchemy.exc import DatabaseError, DBAPIError
from sqlalchemy.orm import Session

from farmland.keeping.consistency import inconsistencies
from farmland.keeping.seal import Seal
from farmland.keeping.tables import SCHEMA, tracked
from farmland.records.database import table_of
from farmland.records.ledger import FIRST, Columns, Content, Entry, hash_of, key_of, merge, stored
from farmland.records.telling import Tell, silent
from geodata.column import index_misfits, raw
from geodata.problems import Kind, Problem

CHAIN_BROKEN = Kind(
    "ledger_chain_broken",
    "台账第 {seq} 条与前一条接不上，或内容已被改动。",
    "Entry {seq} of the ledger does not follow from the one before it, or was altered.",
    "conflict",
)
ENTRY_MISSING = Kind(
    "ledger_entry_missing",
    "台账第 {seq} 条不见了。",
    "Entry {seq} of the ledger is missing.",
    "conflict",
)
OTHER_THAN_SEALED = Kind(
    "other_than_sealed",
    "台账第 {seq} 条不是 {sealed_at:%Y-%m-%d %H:%M} 封存时的那一条：封存前的台账被改写过。",
    "Entry {seq} of the ledger is not the one that was sealed at {sealed_at:%Y-%m-%d %H:%M}: what stood before the seal "
    "was rewritten.",
    "conflict",
)
ROLLED_BACK = Kind(
    "ledger_rolled_back",
    "台账从第 {seq} 条起不见了，而 {sealed_at:%Y-%m-%d %H:%M} 封存时已有 {last} 条：数据库被退回到了更早的状态。",
    "The ledger ends before entry {seq}, yet it had {last} entries when it was sealed at {sealed_at:%Y-%m-%d %H:%M}: the "
    "database was rolled back.",
    "conflict",
)
ROW_ALTERED = Kind(
    "row_altered",
    "{table} 表的记录 {key} 与台账第 {seq} 条不符：{columns}。",
    "Row {key} of {table} is not what entry {seq} of the ledger says: {columns}.",
    "conflict",
)
ROW_DELETED = Kind(
    "row_deleted",
    "{table} 表的记录 {key}（台账第 {seq} 条）不见了。",
    "Row {key} of {table}, of which entry {seq} of the ledger speaks, is gone.",
    "conflict",
)
ROW_UNKNOWN = Kind(
    "row_unknown",
    "{table} 表的记录 {key} 在台账中没有来历。",
    "Row {key} of {table} is in no entry of the ledger.",
    "conflict",
)
UNREADABLE = Kind(
    "rows_unreadable",
    "{table} 表的记录 {key} 已无法读取：{reason}。",
    "Row {key} of {table} can no longer be read: {reason}.",
    "conflict",
)
FILE_DAMAGED = Kind(
    "database_file_damaged",
    "数据库文件已损坏：{reason}。",
    "The database's file is damaged: {reason}.",
    "conflict",
)
INDEX_ALTERED = Kind(
    "index_altered",
    "{table} 表的空间索引与记录 {key} 的图形不符。",
    "The spatial index of {table} does not fit the geometry of row {key}.",
    "conflict",
)


@dataclass(frozen=True)
class Misfit:
    """Something that does not fit, and the entry it is said of; None where no entry speaks of it."""

    seq: int | None
    problem: Problem


@dataclass
class Verdict:
    """What a replay found: the number of entries, the last one's hash, the rows compared, and what does not fit."""

    entries: int = 0
    head: str = FIRST
    rows: int = 0
    misfits: list[Misfit] = field(default_factory=list)

    @property
    def fits(self) -> bool:
        """Whether everything fits."""
        return not self.misfits

    @property
    def first(self) -> Misfit | None:
        """The misfit of the earliest entry; what no entry speaks of comes last."""
        return min(self.misfits, key=lambda misfit: (misfit.seq is None, misfit.seq or 0), default=None)

    def add(self, seq: int | None, kind: Kind, /, **facts: Any) -> None:
        """Note a misfit."""
        self.misfits.append(Misfit(seq, Problem(kind, **facts)))


Said = dict[str, dict[Any, tuple[int, tuple[Any, ...]]]]
"""What the ledger last said of each row: table → key → (entry, values in the order of the columns' names)."""


def verify(session: Session, seal: Seal | None = None, tell: Tell = silent) -> Verdict:
    """Replay the whole ledger against the records, and against a seal of before."""
    verdict = Verdict()
    tell(0.0, "核对数据库文件", "checking the database's file")
    if session.get_bind().dialect.name == "sqlite":
        _check_file(session, verdict)
    tell(0.2, "核对台账", "checking the chain")
    said = _replay(session, verdict, seal)
    every = tracked()
    for place, table in enumerate(every):
        tell(0.4 + 0.4 * place / len(every), f"核对 {table.name}", f"comparing {table.name}")
        _compare(session, table, said.get(table.name, {}), verdict)
    tell(0.8, "核对净面积", "measuring what is counted")
    if verdict.fits:  # what was altered needs no second proof, and may not even be a geometry
        for claim_id, problem in inconsistencies(session):
            seq = None if claim_id is None else said["claim"][claim_id][0]
            verdict.misfits.append(Misfit(seq, problem))
    tell(1.0, "完成", "done")
    return verdict


def _check_file(session: Session, verdict: Verdict) -> None:
    """SQLite's own look at its file, and one at the spatial indexes, by which land is found."""
    try:
        faults = [fault for (fault,) in session.execute(text("PRAGMA integrity_check(10)")) if fault != "ok"]
    except DatabaseError as error:
        faults = [str(error.orig)]
    try:
        held = set(inspect(session.connection()).get_table_names())
        faults += [f"no such table: {name}" for name in SCHEMA.tables if name not in held]
    except _UNREADABLE as error:
        faults.append(str(error).splitlines()[0])
    for fault in faults:
        verdict.add(None, FILE_DAMAGED, reason=fault)
    for table in tracked():
        if "geometry" in table.c:
            with suppress(*_UNREADABLE):  # rows that cannot be read are named where they are compared
                for key in index_misfits(session.connection(), table):
                    verdict.add(None, INDEX_ALTERED, table=table.name, key=key)


def _replay(session: Session, verdict: Verdict, seal: Seal | None) -> Said:
    """The chain, entry by entry; what it says of the records in the end."""
    names = {table.name: sorted(str(column.name) for column in table.c) for table in tracked()}
    said: Said = {name: {} for name in names}
    previous, expected, last = FIRST, 1, ""
    for row in _entries(session, verdict):
        seq = row["seq"]
        if seq != expected:
            verdict.add(expected, ENTRY_MISSING, seq=expected)
        elif row["previous"] != previous or not _is_whole(row) or row["at"] < last:
            verdict.add(seq, CHAIN_BROKEN, seq=seq)
        if seal and seq == seal.entry and row["hash"] != seal.head:
            verdict.add(seq, OTHER_THAN_SEALED, seq=seq, sealed_at=seal.sealed_at)
        with suppress(ValueError, TypeError, AttributeError):  # an entry that was altered, and was named
            for name, columns in orjson.loads(row["after"]).items():
                if name in said:
                    key = columns[key_of(SCHEMA.tables[name])]
                    missing = [None] * len(key)
                    values = zip(*(columns.get(column, missing) for column in names[name]), strict=True)
                    said[name].update(zip(key, zip(repeat(seq), values), strict=False))
        previous, expected, last = row["hash"], seq + 1, row["at"]
        verdict.entries, verdict.head = verdict.entries + 1, row["hash"]
    if seal and expected <= seal.entry:
        verdict.add(expected, ROLLED_BACK, seq=expected, last=seal.entry, sealed_at=seal.sealed_at)
    return said


def _is_whole(row: dict[str, Any]) -> bool:
    try:
        return hash_of(row) == row["hash"]
    except (TypeError, AttributeError):  # a text that no longer is one
        return False


def _entries(session: Session, verdict: Verdict) -> Iterator[dict[str, Any]]:
    """The entries in their order, some at a time: one alone can be an import of a hundred megabytes."""
    keys = session.scalars(select(Entry.seq).order_by(Entry.seq)).all()
    for start in range(0, len(keys), 500):
        columns = _readable(session, table_of(Entry), keys[start : start + 500], verdict)
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))


def _compare(session: Session, table: Table, said: dict[Any, tuple[int, tuple[Any, ...]]], verdict: Verdict) -> None:
    """Whether the rows of a table are those of which the ledger speaks, value by value."""
    columns = _readable(session, table, None, verdict)
    names = sorted(columns)
    held = dict(zip(columns.get(key_of(table), []), zip(*(columns[name] for name in names), strict=True), strict=True))
    verdict.rows += len(held)
    unreadable = {misfit.problem.facts["key"] for misfit in verdict.misfits if misfit.problem.kind is UNREADABLE}
    for key, values in held.items():
        seq, expected = said.get(key, (None, ()))
        if seq is None:
            verdict.add(None, ROW_UNKNOWN, table=table.name, key=key)
        elif values != expected:
            pairs = zip(names, values, expected, strict=True)
            altered = ", ".join(name for name, value, other in pairs if value != other)
            verdict.add(seq, ROW_ALTERED, table=table.name, key=key, seq=seq, columns=altered)
    for key in said.keys() - held.keys() - unreadable:
        verdict.add(said[key][0], ROW_DELETED, table=table.name, key=key, seq=said[key][0])


def _readable(session: Session, table: Table, keys: Sequence[Any] | None, verdict: Verdict) -> Columns:
    """The rows of a table; where they cannot be read all at once, those that can, and the others are named."""
    try:
        with session.begin_nested():  # on PostgreSQL a fault would end the transaction
            return stored(session, table, keys).get(table.name, {})
    except _UNREADABLE:
        pass
    found: Content = {}
    key = table.c[key_of(table)]
    try:
        with session.begin_nested():
            keys = keys or session.scalars(select(raw(key)).order_by(key)).all()
    except _UNREADABLE as error:  # not even what they are called
        verdict.add(None, UNREADABLE, table=table.name, key="?", reason=str(error).splitlines()[0])
        return {}
    for one in keys:
        try:
            with session.begin_nested():
                merge(found, stored(session, table, [one]))
        except _UNREADABLE as error:
            verdict.add(None, UNREADABLE, table=table.name, key=one, reason=str(error).splitlines()[0])
    return found.get(table.name, {})


_UNREADABLE = (DBAPIError, GEOSException, ValueError, TypeError)
"""What reading a value can end in that was not written by this program."""
