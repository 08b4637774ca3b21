"""The command `tianzhang`, loaded once: a process that is forked for each run of it, since loading takes longer than most runs.

It runs as this file, and reads what to run line by line; :class:`Ready` is what tests have in hand.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

COMMAND = Path(sys.executable).with_name("tianzhang")
_LATE = (
    "alembic.command", "alembic.runtime.environment", "folium", "matplotlib.pyplot", "matplotlib.backends.backend_agg",
    "openpyxl", "pyarrow.parquet", "pyogrio._io", "reportlab.pdfgen.canvas", "rich.progress", "scipy.stats", "segno",
    "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite", "uvicorn", "zxcvbn",
)  # fmt: skip
_LONGEST_S = 600


class Running:
    """A run of the command that goes on beside the test, with what of `subprocess.Popen` tests ask for."""

    def __init__(self, told: str) -> None:
        self._told = open(told, encoding="ascii")  # noqa: SIM115
        self.pid = int(self._told.readline())
        self._status: int | None = None

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        if self._status is None and select.select([self._told], [], [], 0)[0]:
            self._status = int(self._told.readline())
            self._told.close()
        return self._status

    def wait(self, seconds: float) -> int:
        """How it ended, when it has."""
        if self._status is None:
            assert select.select([self._told], [], [], seconds)[0], "it goes on"
        status = self.poll()
        assert status is not None
        return status

    def terminate(self) -> None:
        """Ask it to end."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


class Ready:
    """The command, ready to run."""

    def __init__(self) -> None:
        self._loaded = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, text=True)

    def start(
        self, words: Sequence[str], env: Mapping[str, str], cwd: Path, out: str = os.devnull, err: str | None = None
    ) -> Running:
        """Begin a run, whose outputs go into files (`err` None: where the tests' own goes). Several threads may do so."""
        assert self._loaded.stdin is not None and self._loaded.poll() is None
        with tempfile.TemporaryDirectory(prefix="tianzhang-run-") as folder:
            told = f"{folder}/told"
            os.mkfifo(told)
            job = {"words": words, "env": dict(env), "cwd": str(cwd), "out": out, "err": err, "told": told}
            self._loaded.stdin.write(json.dumps(job) + "\n")
            self._loaded.stdin.flush()
            return Running(told)

    def run(self, words: Sequence[str], env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run it to its end, as `subprocess.run` would."""
        with tempfile.TemporaryDirectory(prefix="tianzhang-said-") as folder:
            files = [Path(folder) / name for name in ("out", "err")]
            status = self.start(words, env, cwd, *map(str, files)).wait(_LONGEST_S)
            texts = (file.read_text(encoding="utf-8") for file in files)
            return subprocess.CompletedProcess([str(COMMAND), *words], status, *texts)


def _load() -> None:
    for name in ("geodata", "farmland", "api"):
        for module in walk_packages(import_module(name).__path__, f"{name}."):
            if not module.name.startswith("farmland.keeping.migrations."):
                import_module(module.name)
    for name in _LATE:
        import_module(name)


def _serve() -> bool:
    """Wait for jobs; True in the process that is to be one."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for those who wait
    for line in sys.stdin:
        if os.fork() == 0:
            return _watch(json.loads(line))
    return False


def _watch(job: dict[str, Any]) -> bool:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    running = os.fork()
    if running == 0:
        _become(job)
        return True
    with open(job["told"], "w", buffering=1) as told:
        print(running, file=told)
        _, status = os.waitpid(running, 0)
        print(os.waitstatus_to_exitcode(status), file=told)
    os._exit(0)


def _become(job: dict[str, Any]) -> None:
    outputs = [(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for name in (job["out"], job["err"]) if name]
    for number, (name, flags) in enumerate([(os.devnull, os.O_RDONLY), *outputs]):
        opened = os.open(name, flags)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    sys.stdin = os.fdopen(0)
    sys.argv = [str(COMMAND), *job["words"]]


if __name__ == "__main__":
    sys.path[0] = ""  # as for the command: not the folder of the tests
    _load()
    if _serve():
        from api.entry import main

        main()
