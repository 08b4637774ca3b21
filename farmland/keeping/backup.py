"""Writing a backup: the records as they stand at one moment, while others read and write."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from farmland.evidence.store import FILE_DAMAGED, FILE_MISSING, EvidenceStore
from farmland.keeping.backup_file import MANIFEST, Manifest, Member, evidence_member, table_member
from farmland.keeping.seal import PRIVATE_NAME, PUBLIC_NAME
from farmland.keeping.tables import PASSING, SCHEMA
from farmland.land.units import cities
from farmland.records.clock import SHANGHAI
from farmland.records.database import VERSION, Database
from farmland.records.kept_files import taking_the_place_of
from farmland.records.ledger import head
from farmland.records.rows import read_rows
from farmland.records.telling import Tell, silent
from farmland.restoration.evidence import Evidence
from geodata.problems import Kind, Problem
from geodata.writers import FOLDER_MISSING

BACKUP_TAKEN = Kind(
    "backup_taken",
    "{file} 已存在，没有改动。请换一个文件名，或加 --force 覆盖它。",
    "{file} is there already and was left as it is. Choose another name, or add --force to replace it.",
    "conflict",
)
BACKUP_UNWRITABLE = Kind(
    "backup_unwritable",
    "备份写不进 {file}：{reason}。没有留下不完整的文件。请检查磁盘空间和权限，或换一个位置。",
    "The backup cannot be written to {file}: {reason}. No part of it was left. Check the space on the disk and the rights, "
    "or choose another place.",
)
_ROW_GROUP_BYTES = 16_000_000


def write_backup(
    database: Database, store: EvidenceStore, keys: Path, path: Path, *, replace: bool = False, tell: Tell = silent
) -> Manifest:
    """Write a backup, for its owner alone to read; whole and on the disk, or not at all. `keys` is the folder of the seal's keys.

    Raises BACKUP_TAKEN, BACKUP_UNWRITABLE, FOLDER_MISSING, UNREADABLE, STORE_FAULT.
    """
    if not path.parent.is_dir():
        raise Problem(FOLDER_MISSING, folder=path.parent)
    if path.is_dir() or (path.exists() and not replace):
        raise Problem(BACKUP_TAKEN, file=path)
    try:
        with taking_the_place_of(path) as file, zipfile.ZipFile(file, "w") as archive:
            manifest = _write(database, store, keys, _Members(archive), tell)
    except OSError as error:
        raise Problem(BACKUP_UNWRITABLE, file=path, reason=error.strerror or error) from None
    tell(1.0, "完成", "done")
    return manifest


def _write(database: Database, store: EvidenceStore, keys: Path, members: "_Members", tell: Tell) -> Manifest:
    with database.reading() as session:
        _write_tables(session, members, tell)
        entry, last = head(session)
        city = "、".join(unit.name for unit in cities(session))
        named = session.scalars(select(Evidence.sha256).distinct().order_by(Evidence.sha256)).all()
    missing = []
    # Whatever a record names is in the store before, and stays there: these need not be of the same moment.
    for place, sha256 in enumerate(named):
        tell(0.5 + place / len(named) / 2, "证据文件", "evidence files")
        try:
            members.write(evidence_member(sha256), store.get(sha256))
        except Problem as problem:
            if problem.kind not in (FILE_MISSING, FILE_DAMAGED):
                raise
            missing.append(sha256)
    for name in (PRIVATE_NAME, PUBLIC_NAME):
        if (keys / name).exists():
            members.write(name, (keys / name).read_bytes())
    manifest = Manifest(
        program=version("tianzhang"),
        database=VERSION,
        made_at=datetime.now(SHANGHAI),
        city=city,
        entry=entry,
        head=last,
        missing=missing,
        members=members.written,
    )
    members.write(MANIFEST, manifest.model_dump_json(indent=1).encode())
    return manifest


def _write_tables(session: Session, members: "_Members", tell: Tell) -> None:
    tables = SCHEMA.sorted_tables
    whole = sum(session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)
    done = 0
    for table in tables:
        with members.opened(table_member(table.name)) as member:

            def told(rows: int, table: Table = table, before: int = done) -> None:
                tell((before + rows) / whole / 2, f"备份 {table.name}", f"saving {table.name}")

            member.rows = _write_table(session, table, member, told)
            done += member.rows


def _write_table(session: Session, table: Table, member: "_Written", told: Callable[[int], None]) -> int:
    """Write a table, some of its rows at a time, so that it need never be held whole; how many there were."""
    batches, rows = read_rows(session, table), 0
    with pq.ParquetWriter(pa.PythonFile(member, mode="w"), batches.schema, compression="zstd") as writer:
        held: list[pa.RecordBatch] = []
        for batch in () if table.name in PASSING else batches:  # a restored sign-in would come back to life
            held.append(batch)
            rows += len(batch)
            if sum(each.nbytes for each in held) > _ROW_GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(held))
                held.clear()
                told(rows)
        if held:
            writer.write_table(pa.Table.from_batches(held))
    return rows


class _Written(io.RawIOBase):
    """A member while it is written: what passes is counted."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.sha256()
        self.size = 0
        self.rows: int | None = None

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, content: Any) -> int:
        self._file.write(content)
        self._hash.update(content)
        self.size += len(content)
        return len(content)

    @property
    def told(self) -> Member:
        return Member(size=self.size, sha256=self._hash.hexdigest(), rows=self.rows)


class _Members:
    """The members of an archive while it is written, and what each of them holds."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.written: dict[str, Member] = {}

    @contextmanager
    def opened(self, name: str) -> Iterator[_Written]:
        info = zipfile.ZipInfo(name, datetime.now(SHANGHAI).timetuple()[:6])
        info.external_attr = 0o600 << 16  # whoever unpacks it finds the seal's key for its owner alone too
        with self._archive.open(info, "w", force_zip64=True) as file:
            member = _Written(file)
            yield member
        self.written[name] = member.told

    def write(self, name: str, content: bytes) -> None:
        with self.opened(name) as member:
            member.write(content)
