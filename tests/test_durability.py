"""What is confirmed is on the disk: the system calls of the very programs that users run, in their order, as strace sees them.

A sync that comes after the answer, or not at all, is seen by no other test: only a power cut would show it.
"""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import shapely
from conftest import OFFICER, Run, cleared, free_port, until_answered
from ready import COMMAND
from sqlalchemy import text
from test_api import body
from test_evidence import PDF
from test_operations import awaited

from farmland.records.database import Database
from farmland.records.kept_files import keep_file

STRACE = (
    "strace",
    "-f",
    "-y",
    "-qq",
    "-s",
    "32",
    "-e",
    "signal=none",
    "-e",
    "trace=fsync,fdatasync,rename,sendto,write",
)
CLAIMS = 20


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: PostgreSQL writes its own files, by its own rules."""
    return f"sqlite:///{tmp_path / 'tianzhang.sqlite'}"


def calls(log: Path) -> list[str]:
    """The calls that were made, each as NAME(ARGUMENTS) = RESULT, in the order in which they ended."""
    whole: list[str] = []
    begun: dict[str, str] = {}
    for line in log.read_text(errors="replace").splitlines():
        process, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            begun[process] = call.removesuffix("<unfinished ...>")
        elif call.startswith("<... "):
            whole.append(begun.pop(process) + call.partition("resumed>")[2])
        else:
            whole.append(call)
    return whole


def synced(call: str) -> str | None:
    """The file that a call synced."""
    found = re.match(r"(?:fsync|fdatasync)\(\d+<([^>]*)>\)\s+= 0", call)
    return found[1] if found else None


@contextmanager
def traced(env: dict[str, str], folder: Path) -> Iterator[tuple[str, Path]]:
    """The server under strace: its address, and the file of its calls."""
    port, log = free_port(), folder / "calls"
    # -D: the tracer stands aside, so that what is told to end is the server.
    words = [*STRACE, "-D", "-o", str(log), str(COMMAND), "serve", "--port", str(port)]
    process = subprocess.Popen(words, env=cleared() | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        until_answered(f"{address}/health", process)
        yield address, log
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def answered(log: Path, count: int) -> list[list[str]]:
    """The calls before each of so many confirmations, those after the confirmation before."""

    def parts() -> list[list[str]]:
        found: list[list[str]] = [[]]
        for call in calls(log):
            if call.startswith("sendto") and '"HTTP/1.1 201' in call:
                found.append([])
            found[-1].append(call)
        return found if len(found) > count else []

    return awaited(parts)[:count]


def test_a_server_confirms_what_is_on_the_disk(
    small_city: Database, command_env: dict[str, str], tianzhang: Run, tmp_path: Path
) -> None:
    secret = tianzhang("token", "add", "office", *OFFICER).stdout.strip()
    with traced(command_env, tmp_path) as (address, log):
        with httpx.Client(base_url=f"{address}/api/v1", headers={"Authorization": f"Bearer {secret}"}) as client:
            for n in range(CLAIMS):
                x = 111.701 + 0.001 * n
                land = shapely.box(x, 27.25, x + 0.0008, 27.251)
                assert client.post("/claims", json=body(land, number=f"N{n}"), timeout=60).status_code == 201
            sent = client.post("/claims/N0/evidence", content=PDF, params={"name": "a.pdf"}, timeout=60)
            sha256 = sent.raise_for_status().json()["sha256"]
            client.post("/claims/N0/check", timeout=60).raise_for_status()
        before = answered(log, CLAIMS + 1)
        wal = f"{tmp_path / 'tianzhang.sqlite'}-wal"
        for n, part in enumerate(before):
            assert wal in map(synced, part), f"confirmation {n}"
    file = tmp_path / "evidence" / sha256[:2] / sha256[2:4] / sha256
    assert file.read_bytes() == PDF
    order = [name for name in map(synced, before[-1]) if name]
    expected = [file, file.parent, file.parent.parent, tmp_path / "evidence", Path(wal)]
    assert [name for name in order if Path(name) in expected] == list(map(str, expected))
    # A step is answered with 200: its sync is the last of the log before that answer.
    whole = calls(log)
    answers = [place for place, call in enumerate(whole) if call.startswith("sendto") and '"HTTP/1.1 200' in call]
    last_201 = max(place for place, call in enumerate(whole) if call.startswith("sendto") and '"HTTP/1.1 201' in call)
    assert wal in map(synced, whole[last_201 : answers[-1]])


@pytest.mark.parametrize("kept", ["backup", "seal", "keys"])
def test_what_the_command_says_that_it_wrote_is_on_the_disk(
    small_city: Database, command_env: dict[str, str], tianzhang: Run, tmp_path: Path, kept: str
) -> None:
    folder, log = tmp_path / "kept", tmp_path / "calls"
    folder.mkdir()
    if kept == "keys":
        words, path = ["init"], folder / "seal.key"
        command_env = command_env | {"TIANZHANG_DATA_DIR": str(folder)}
    else:
        assert tianzhang("init").returncode == 0
        path = folder / "file"
        words = ["backup", str(path)] if kept == "backup" else ["seal", "-o", str(path)]
    done = subprocess.run(
        [*STRACE, "-o", str(log), str(COMMAND), *words], env=cleared() | command_env, capture_output=True, text=True
    )
    assert done.returncode == 0 and path.exists(), done.stderr
    made = calls(log)
    renamed = next(place for place, call in enumerate(made) if call.startswith("rename") and f'{path.name}"' in call)
    part = re.findall(r'"([^"]*)"', made[renamed])[0]
    told = next(place for place, call in enumerate(made) if call.startswith("write(1") and place > renamed)
    assert any((name or "").endswith(Path(part.rstrip(".")).name) for name in map(synced, made[:renamed])), made[
        :renamed
    ]
    assert str(folder) in map(synced, made[renamed:told])


def test_a_file_that_is_kept_takes_the_place_of_the_one_before_or_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "seal.json"
    keep_file(path, b"one", 0o600)
    keep_file(path, b"two", 0o600)
    assert path.read_bytes() == b"two" and path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(TypeError):
        keep_file(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"two" and list(tmp_path.iterdir()) == [path]


def test_postgresql_confirms_only_what_it_has_written(request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgres")
    database = Database(f"postgresql+psycopg://{server}/postgres")
    try:
        with database.writing() as session:
            assert session.scalar(text("SHOW synchronous_commit")) == "on"
    finally:
        database.close()
