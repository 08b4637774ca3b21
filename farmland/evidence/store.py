"""Where the contents of evidence files are kept, by what they are: a folder, or a bucket of an S3-compatible service.

A content's address is its SHA-256, so the same photograph is kept once, and a damaged one is found out whenever it is read.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from farmland.evidence.photographs import thumbnail
from farmland.records.kept_files import sync_file, sync_folder
from geodata.problems import Kind, Problem

BAD_STORE = Kind(
    "bad_evidence_store",
    "TIANZHANG_EVIDENCE 的值“{address}”不是可用的证据文件存放处：{reason}。请写文件夹，或 s3://存储桶/前缀。",
    "TIANZHANG_EVIDENCE is “{address}”, no place where evidence files can be kept: {reason}. Write a folder, or "
    "s3://BUCKET/PREFIX.",
)
STORE_FAULT = Kind(
    "evidence_store_fault",
    "证据文件存放处 {address} 不能完成这一步：{reason}。请检查 TIANZHANG_EVIDENCE、磁盘或存储服务，再试一次。",
    "The store of evidence files {address} could not do this: {reason}. Check TIANZHANG_EVIDENCE, the disk or the storage "
    "service, and try again.",
    "fault",
)
FILE_MISSING = Kind(
    "evidence_file_missing",
    "证据文件 {sha256} 不在存放处 {address}。请从备份恢复，或把原文件重新附上。",
    "The evidence file {sha256} is not in the store {address}. Restore it from a backup, or attach the original again.",
    "fault",
)
FILE_DAMAGED = Kind(
    "evidence_file_damaged",
    "存放处 {address} 的证据文件 {sha256} 已损坏：内容与编号不符。请从备份恢复，或把原文件重新附上。",
    "The evidence file {sha256} in the store {address} is damaged: its content does not fit its name. Restore it from a "
    "backup, or attach the original again.",
    "fault",
)


class EvidenceStore:
    """Contents by their SHA-256, under ab/cd/abcd…. Threads may share it. Raises BAD_STORE.

    `address` is a folder, which is made, or ``s3://bucket/prefix``; the service and the keys are those of the usual AWS_*
    variables.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        scheme, separator, place = address.rpartition("://")
        try:
            if not separator:
                self._store: LocalStore | S3Store = LocalStore(Path(address).absolute(), mkdir=True)
            elif scheme == "s3" and place.strip("/"):
                bucket, _, prefix = place.partition("/")
                self._store = S3Store(
                    bucket,
                    prefix=prefix.strip("/") or None,
                    client_options={"allow_http": True, "connect_timeout": "5s", "timeout": "60s"},
                    retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
                )
            else:
                raise Problem(BAD_STORE, address=address, reason="s3://?")
        except (BaseError, OSError, ValueError) as error:
            raise Problem(BAD_STORE, address=address, reason=_first_line(error)) from None

    def reach(self) -> None:
        """Raises STORE_FAULT unless the store is there: the folder, and it can be written to; the bucket, and it answers."""
        with self._faults_told():
            if isinstance(self._store, LocalStore):
                if not os.access(self.address, os.W_OK | os.X_OK):
                    raise PermissionError("cannot be written to")
            else:
                next(iter(obstore.list(self._store, chunk_size=1)), None)

    def put(self, content: bytes) -> str:
        """Keep a content, whole or not at all, and return its SHA-256. One that is there is written anew: that mends it.

        In a folder it is on the disk then: the file, and the names that lead to it. Raises STORE_FAULT.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        with self._faults_told():
            obstore.put(self._store, _path(sha256), content)
            if isinstance(self._store, LocalStore):
                root = Path(self.address).absolute()
                file = root / _path(sha256)
                sync_file(file)
                for folder in (file.parent, file.parent.parent, root):
                    sync_folder(folder)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The content with that SHA-256. Raises FILE_MISSING, FILE_DAMAGED, STORE_FAULT."""
        content = self._read(_path(sha256))
        if content is None:
            raise Problem(FILE_MISSING, sha256=sha256, address=self.address)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Problem(FILE_DAMAGED, sha256=sha256, address=self.address)
        return content

    def keep(self, content: bytes) -> bool:
        """Put a content unless it is there unharmed; whether it was put. Raises STORE_FAULT."""
        sha256 = hashlib.sha256(content).hexdigest()
        if self._read(_path(sha256)) == content:
            return False
        self.put(content)
        return True

    def thumbnail(self, sha256: str, pixels: int) -> bytes:
        """A small JPEG of a photograph (:func:`farmland.evidence.photographs.thumbnail`), made once. Raises as :meth:`get`."""
        path = f"thumbnails/{_path(sha256)}-{pixels}.jpg"
        kept = self._read(path)
        if kept is None:
            kept = thumbnail(self.get(sha256), pixels)
            with self._faults_told():
                obstore.put(self._store, path, kept)
        return kept

    def _read(self, path: str) -> bytes | None:
        with self._faults_told():
            try:
                return bytes(obstore.get(self._store, path).bytes())
            except FileNotFoundError:
                return None

    @contextmanager
    def _faults_told(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            raise Problem(STORE_FAULT, address=self.address, reason=_first_line(error)) from None


def _path(sha256: str) -> str:
    # Two levels of folders: no file system likes hundreds of thousands of files in one.
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
