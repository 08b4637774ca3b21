"""Restoring a backup: in one transaction, so that whoever reads meanwhile sees what was or what is, never a mixture.

The records are then those of the backup to the last, the ledger's head too: no entry says that they were restored.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pyarrow as pa
from alembic import command
from sqlalchemy import Integer, Table, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from farmland.evidence.store import EvidenceStore
from farmland.keeping.backup_file import BACKUP_DAMAGED, Backup, Manifest, opened, table_member
from farmland.keeping.prepare import migrations, prepare
from farmland.keeping.seal import PRIVATE_NAME, PUBLIC_NAME
from farmland.keeping.tables import SCHEMA
from farmland.land.tiles import note_change
from farmland.land.units import cities
from farmland.records.database import VERSION, Database, count_rows_anew
from farmland.records.kept_files import keep_file
from farmland.records.ledger import head
from farmland.records.rows import read_rows, write_rows
from farmland.records.telling import Tell, silent
from geodata.column import index_name
from geodata.problems import Kind, Problem

TARGET_HOLDS_RECORDS = Kind(
    "target_holds_records",
    "数据库 {database} 里已有记录：{city}，台账 {entry:,} 条。什么也没有恢复。若要用备份取代它们，请先备份，再加 --replace。",
    "The database {database} holds records: {city}, {entry:,} entries of the ledger. Nothing was restored. To have the "
    "backup take their place, back them up first, then add --replace.",
    "conflict",
)
Rows = Callable[[str], AbstractContextManager[pa.RecordBatchReader]]
"""The rows of a table by its name, of this program's version."""


class Keys(StrEnum):
    """What became of the seal's keys in a backup."""

    NONE = "none"
    WRITTEN = "written"
    SAME = "same"
    OTHERS = "others"
    """Other keys are there, and stay."""


@dataclass(frozen=True)
class Restored:
    """What was restored: the backup's manifest, the ledger's head now, evidence files that were not there, the keys.

    `entry` and `head` are those of the manifest, unless the backup was of an older version and the ledger says so.
    """

    manifest: Manifest
    entry: int
    head: str
    new_files: int
    keys: Keys


def check_backup(path: Path, tell: Tell = silent) -> Manifest:
    """What a backup holds, after every member was held against its checksum. Raises as :func:`restore` does of a file."""
    with opened(path) as backup:
        backup.check(tell)
        return backup.manifest


def restore(
    database: Database, store: EvidenceStore, keys: Path, path: Path, *, replace: bool = False, tell: Tell = silent
) -> Restored:
    """Restore a backup into a database, a store of evidence files and a folder of keys.

    Raises FILE_UNREADABLE, NOT_A_BACKUP, BACKUP_DAMAGED, BACKUP_NEWER, NOT_PREPARED, TARGET_HOLDS_RECORDS, STORE_FAULT; the
    records are then as they were.
    """
    with opened(path) as backup:
        backup.check(lambda share, zh, en: tell(share * 0.2, zh, en))
        if database.version() is None:
            prepare(database)
        database.require_prepared()
        with database.reading() as session:
            _require_room(session, database, replace)
        new_files = 0
        for place, name in enumerate(backup.manifest.evidence):
            tell(0.2 + 0.2 * place / len(backup.manifest.evidence), "证据文件", "evidence files")
            new_files += store.keep(backup.content(name))
        with _rows_of(backup) as rows, database.writing() as session:
            _require_room(session, database, replace)
            _replace_all(session, rows, lambda share, zh, en: tell(0.4 + 0.6 * share, zh, en))
            entry, last = head(session)
            if backup.manifest.database == VERSION and (entry, last) != (backup.manifest.entry, backup.manifest.head):
                raise Problem(BACKUP_DAMAGED, file=path, member=table_member("ledger_entry"))
            note_change(session)
            count_rows_anew(session)
        tell(1.0, "完成", "done")
        return Restored(backup.manifest, entry, last, new_files, _keep_keys(backup, keys))


def _require_room(session: Session, database: Database, replace: bool) -> None:
    """Raises TARGET_HOLDS_RECORDS."""
    entry, _ = head(session)
    names = "、".join(unit.name for unit in cities(session))
    if (entry or names) and not replace:
        raise Problem(TARGET_HOLDS_RECORDS, database=database.name, city=names or "—", entry=entry)


@contextmanager
def _rows_of(backup: Backup) -> Iterator[Rows]:
    """The backup's rows; those of an older version as the migrations make of them, in a database that is thrown away."""
    manifest = backup.manifest
    if manifest.database == VERSION:
        _require_tables(backup, list(SCHEMA.tables))
        yield backup.rows
        return
    with tempfile.TemporaryDirectory() as folder, closing(Database(f"sqlite:///{folder}/older.sqlite")) as older:
        with older.writing() as session:
            connection = session.connection()
            command.upgrade(migrations(connection), manifest.database)
            _require_tables(backup, [name for name in inspect(connection).get_table_names() if name in SCHEMA.tables])
            _put_foreign_keys_off(connection)
            for table in manifest.tables:
                with backup.rows(table) as rows:
                    write_rows(connection, table, rows)
        prepare(older)
        with older.reading() as session:

            @contextmanager
            def migrated(table: str) -> Iterator[pa.RecordBatchReader]:
                yield read_rows(session, SCHEMA.tables[table])

            yield migrated


def _require_tables(backup: Backup, tables: list[str]) -> None:
    for table in set(tables) ^ set(backup.manifest.tables):
        raise Problem(BACKUP_DAMAGED, file=backup.path, member=table_member(table))


def _replace_all(session: Session, rows_of: Rows, tell: Tell) -> None:
    """Every table emptied and filled anew."""
    connection = session.connection()
    _put_foreign_keys_off(connection)
    tables = SCHEMA.sorted_tables
    for table in reversed(tables):  # deleted, not truncated: who reads meanwhile must go on seeing them
        connection.execute(table.delete())
        if connection.dialect.name == "sqlite" and inspect(connection).has_table(index_name(table.name)):
            connection.execute(text(f"DELETE FROM {index_name(table.name)}"))
    for place, table in enumerate(tables):
        tell(place / len(tables), f"恢复 {table.name}", f"restoring {table.name}")
        with rows_of(table.name) as rows:
            write_rows(connection, table.name, rows)
        if connection.dialect.name == "postgresql":
            _count_on(connection, table)


def _put_foreign_keys_off(connection: Connection) -> None:
    """Let SQLite look at foreign keys at the commit; PostgreSQL does at the end of each table, which is one statement."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))


def _count_on(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number the next row after all that are there. A number that was given is not given again."""
    for column in table.primary_key.columns:
        if isinstance(column.type, Integer):
            sequence = connection.scalar(text(f"SELECT pg_get_serial_sequence('{table.name}', '{column.name}')"))
            if sequence:
                last = f"GREATEST(nextval('{sequence}'), (SELECT max({column.name}) FROM {table.name}))"
                connection.execute(text(f"SELECT setval('{sequence}', {last})"))


def _keep_keys(backup: Backup, folder: Path) -> Keys:
    """Put the seal's keys into a folder that has none."""
    held = {name: backup.content(name) for name in (PRIVATE_NAME, PUBLIC_NAME) if name in backup.manifest.members}
    if not held:
        return Keys.NONE
    there = {name: (folder / name).read_bytes() for name in (PRIVATE_NAME, PUBLIC_NAME) if (folder / name).exists()}
    if there:
        return Keys.SAME if there == held else Keys.OTHERS
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in held.items():
        keep_file(folder / name, content, 0o600 if name == PRIVATE_NAME else 0o644)
    return Keys.WRITTEN
