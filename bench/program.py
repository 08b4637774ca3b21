"""The command `tianzhang` as its users run it, on data folders that are ours and nobody else's."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

COMMAND = Path(sys.executable).with_name("tianzhang")
DATABASE = "tianzhang.sqlite"


def run(*words: object) -> None:
    """Run a program to its end; RuntimeError with what it said where it fails."""
    _run(list(map(str, words)), None, None)


def tianzhang(home: Path, *words: object, url: str = "") -> None:
    """Run the command on the data folder `home`, which is also where it leaves the files that it writes.

    `url` is the database's address where it is not the file in that folder; the same below.
    """
    _run([str(COMMAND), *map(str, words)], home, environment(home, url))


def token(home: Path, *words: str, url: str = "") -> str:
    """A token that may look at all records of the data folder, and what else `words` say."""
    asked = [COMMAND, "token", "add", "bench", *words]
    done = subprocess.run(asked, cwd=home, env=environment(home, url), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def refused(home: Path, *words: object) -> None:
    """Run the command on what it is to refuse."""
    subprocess.run([COMMAND, *map(str, words)], cwd=home, env=environment(home), capture_output=True, check=False)


def _run(words: list[str], folder: Path | None, env: dict[str, str] | None) -> None:
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")


def environment(home: Path, url: str = "") -> dict[str, str]:
    """Ours without the settings of whoever runs the benchmarks: they could lead to real records."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIANZHANG_")}
    ours = {"TIANZHANG_DATA_DIR": str(home), "TIANZHANG_DATABASE_URL": url, "TIANZHANG_LANG": "en"}
    return kept | ours


@contextmanager
def served(home: Path, factory: str | None = None, url: str = "") -> Iterator[str]:
    """A server of its own over the data folder; its address. It is ended by its handle, whatever happens.

    `factory` is what makes another application than that of `tianzhang serve`: "module:name".
    """
    port = _free_port()
    words = [COMMAND, "serve", "--port", str(port)]
    if factory:
        words = [sys.executable, "-m", "uvicorn", "--no-access-log", "--port", str(port), "--factory", factory]
    server = subprocess.Popen(words, cwd=None if factory else home, env=environment(home, url))
    try:
        address = f"http://127.0.0.1:{port}"
        _await(f"{address}/open" if factory else f"{address}/api/v1/about", server)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(address).raise_for_status()
            return
        except httpx.TransportError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"No answer from {address}") from None
            time.sleep(0.1)
