"""A backup file: all records of a city at one moment, the evidence files that they name, and the seal's keys.

It is a zip of members that are stored as they are: `manifest.json`, which names every other member with its size and
SHA-256; `tables/NAME.parquet` for each table; `evidence/SHA256`; `seal.key` and `seal.pub`. Both kinds of database write
the same, so each can be restored into the other. Nothing is ever unpacked under a name that stands in the file.
"""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from farmland.keeping.seal import PRIVATE_NAME, PUBLIC_NAME
from farmland.records.database import VERSION
from farmland.records.telling import Tell, silent
from geodata.problems import Kind, Problem

FILE_UNREADABLE = Kind(
    "backup_unreadable",
    "备份文件 {file} 读不出来：{reason}。请核对文件名和权限。",
    "The backup {file} cannot be read: {reason}. Check its name and the rights.",
)
NOT_A_BACKUP = Kind(
    "not_a_backup",
    "{file} 不是田长系统的备份，或者不完整。请用 tianzhang backup 所写的文件，并核对是否完整复制。",
    "{file} is no backup of Tianzhang, or not all of it. Use a file that tianzhang backup wrote, and check that it was "
    "copied whole.",
)
BACKUP_DAMAGED = Kind(
    "backup_damaged",
    "备份 {file} 已损坏：其中的 {member} 与清单不符。什么也没有恢复。请用另一份备份。",
    "The backup {file} is damaged: {member} in it is not what the manifest says. Nothing was restored. Use another backup.",
)
BACKUP_NEWER = Kind(
    "backup_newer",
    "备份 {file} 由较新的版本写成（{program}，数据库版本 {database}；本程序为 {own}）。请先升级田长，再恢复。",
    "The backup {file} was written by a newer Tianzhang ({program}, database version {database}; this program's is {own}). "
    "Upgrade Tianzhang first, then restore.",
    "conflict",
)
FORM = 1
"""The form of the file: what the manifest says, and what the members are."""
MANIFEST = "manifest.json"
_TABLE, _EVIDENCE = r"tables/[a-z][a-z0-9_]*\.parquet", r"evidence/[0-9a-f]{64}"
_AT_ONCE = 1 << 20
_BROKEN = (zipfile.BadZipFile, pa.ArrowException, OSError, EOFError, RuntimeError, ValueError)
"""What reading a file can end in that is no zip any more."""


class Member(BaseModel):
    """What a member holds: how many bytes, their SHA-256, and of a table how many rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int
    sha256: str
    rows: int | None = None


class Manifest(BaseModel):
    """What is in a backup: of which city, when, by which program, of which version of the tables, up to which entry.

    `missing` are the evidence files that the records name and the store did not have whole.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tianzhang_backup: int = FORM
    program: str
    database: str = Field(pattern=r"^\d{4}$")
    made_at: datetime
    city: str
    entry: int
    head: str
    missing: list[str]
    members: dict[
        Annotated[str, Field(pattern=rf"^({_TABLE}|{_EVIDENCE}|{PRIVATE_NAME}|{PUBLIC_NAME})$")],
        Member,
    ]

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(member.rows or 0 for member in self.members.values())

    @property
    def tables(self) -> list[str]:
        """The names of the tables."""
        return [Path(name).stem for name in self.members if name.startswith("tables/")]

    @property
    def evidence(self) -> list[str]:
        """The members that are evidence files."""
        return [name for name in self.members if name.startswith("evidence/")]


def table_member(table: str) -> str:
    """The member that holds a table."""
    return f"tables/{table}.parquet"


def evidence_member(sha256: str) -> str:
    """The member that holds an evidence file."""
    return f"evidence/{sha256}"


@dataclass(frozen=True)
class Backup:
    """A backup file that is open, and what it says that it holds."""

    path: Path
    manifest: Manifest
    archive: zipfile.ZipFile

    def check(self, tell: Tell = silent) -> None:
        """Read every member and hold it against the manifest. Raises BACKUP_DAMAGED."""
        whole, done = sum(member.size for member in self.manifest.members.values()), 0
        for name, member in self.manifest.members.items():
            tell(done / whole, f"核对 {name}", f"checking {name}")
            with self._opened(name) as file:
                hashed = hashlib.sha256()
                while content := file.read(_AT_ONCE):
                    hashed.update(content)
                if hashed.hexdigest() != member.sha256:
                    raise self._damaged(name)
            done += member.size

    def content(self, name: str) -> bytes:
        """A member that is not large. Raises BACKUP_DAMAGED."""
        with self._opened(name) as file:
            return file.read()

    @contextmanager
    def rows(self, table: str) -> Iterator[pa.RecordBatchReader]:
        """The rows of a table. Raises BACKUP_DAMAGED."""
        name = table_member(table)
        with tempfile.TemporaryFile() as seekable:
            with self._opened(name) as file:
                shutil.copyfileobj(file, seekable, _AT_ONCE)
            try:
                parquet = pq.ParquetFile(seekable)
                yield pa.RecordBatchReader.from_batches(parquet.schema_arrow, parquet.iter_batches(500))
            except pa.ArrowException:
                raise self._damaged(name) from None

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self.archive.open(name) as file:
                yield file
        except _BROKEN:
            raise self._damaged(name) from None

    def _damaged(self, name: str) -> Problem:
        return Problem(BACKUP_DAMAGED, file=self.path, member=name)


@contextmanager
def opened(path: Path) -> Iterator[Backup]:
    """A backup, its manifest read and its members those of the manifest, by name and size.

    Raises FILE_UNREADABLE, NOT_A_BACKUP, BACKUP_DAMAGED, BACKUP_NEWER.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise Problem(FILE_UNREADABLE, file=path, reason=error.strerror) from None
    with file:
        try:
            archive = zipfile.ZipFile(file)
            found = {info.filename: info for info in archive.infolist()}
            text = archive.read(found[MANIFEST])
        except (*_BROKEN, KeyError):
            raise Problem(NOT_A_BACKUP, file=path) from None
        with archive:
            backup = Backup(path, _manifest(path, text), archive)
            sizes = {name: member.size for name, member in backup.manifest.members.items()}
            sizes[MANIFEST] = len(text)
            for name in sizes.keys() | found.keys():
                info = found.get(name)
                # What is stored as it is cannot be larger than the file.
                if info is None or info.file_size != sizes.get(name) or info.compress_type != zipfile.ZIP_STORED:
                    raise Problem(BACKUP_DAMAGED, file=path, member=name)
            yield backup


def _manifest(path: Path, text: bytes) -> Manifest:
    """Raises NOT_A_BACKUP, BACKUP_NEWER."""
    try:
        said = orjson.loads(text)
        form, database = int(said["tianzhang_backup"]), str(said["database"])
        if form > FORM or database > VERSION:
            raise Problem(BACKUP_NEWER, file=path, program=said["program"], database=database, own=VERSION)
        return Manifest.model_validate_json(text)
    except (ValidationError, ValueError, TypeError, KeyError):
        raise Problem(NOT_A_BACKUP, file=path) from None
