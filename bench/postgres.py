"""A PostgreSQL server of the benchmarks' own, as it comes: what it confirms is on the disk."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres() -> Iterator[str | None]:
    """The address of an empty database on a server in a temporary folder; None where PostgreSQL is not installed."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="tianzhang-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    here = programs[-1].parent
    data = folder / "data"
    _run(
        *as_user, here / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", cwd=folder
    )
    control = [*as_user, here / "pg_ctl", "-D", data, "-w"]
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    _run(*control, "-l", folder / "log", "-o", options, "start", cwd=folder)
    try:
        _run(here / "createdb", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "tianzhang", cwd=folder)
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/tianzhang"
    finally:
        _run(*control, "-m", "immediate", "stop", cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)


def _run(*words: object, cwd: Path) -> None:
    subprocess.run(
        [str(word) for word in words], cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
