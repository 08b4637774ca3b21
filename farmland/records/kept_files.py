"""Files that are confirmed to be kept: on the disk before anybody is told so, whole or not at all.

A file's name stands in its folder, which is a file of its own to the disk: a power cut may lose either, until it is synced.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def taking_the_place_of(path: Path) -> Iterator[IO[bytes]]:
    """A new file beside, for its owner alone, which takes that name at the end and is on the disk, or is gone."""
    handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        sync_folder(path.parent)
    finally:
        Path(part).unlink(missing_ok=True)


def keep_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file to the disk, in place of one of that name."""
    with taking_the_place_of(path) as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)


def sync_file(path: Path) -> None:
    """Have what was written to a file on the disk."""
    _sync(path, os.O_RDONLY)


def sync_folder(folder: Path) -> None:
    """Have the names of a folder's files on the disk."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, how: int) -> None:
    opened = os.open(path, how)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
