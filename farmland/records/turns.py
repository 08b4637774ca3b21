"""Turns: what only one may have at a time, in the order in which they asked for it."""

import fcntl
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from geodata.problems import Kind, Problem

WRITING_TAKES_LONG = Kind(
    "writing_takes_long",
    "等了 {seconds} 秒，仍有别的写入（例如导入）没有完成。您的内容没有写入，请过一会儿再试。",
    "After {seconds} seconds something else, such as an import, is still being written. Nothing of yours was written; try again "
    "in a while.",
    "busy",
)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Be the only process on this machine to have a folder, until the end; whoever waits sleeps until it is free.

    https://man7.org/linux/man-pages/man2/flock.2.html. The lock is on the folder: it needs no file that another user might
    have made, and closing it takes none of the locks away that SQLite has on its own files.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


class Turns:
    """A lock that is fair: whoever lets go hands it to the one who has waited longest. Nobody asks again and again.

    A :class:`threading.Lock` goes to whoever happens to ask when it is free, which can be the same thread for ever.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._taken = False
        self._waiting: deque[Lock] = deque()  # each held until its owner's turn comes

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @contextmanager
    def turn(self, patience_s: float) -> Iterator[None]:
        """Have it until the end. Raises WRITING_TAKES_LONG where the turn did not come in that many seconds."""
        self._take(patience_s)
        try:
            yield
        finally:
            with self._guard:
                self._pass_on()

    def _take(self, patience_s: float) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            own = Lock()
            own.acquire()
            self._waiting.append(own)
        came = False
        try:
            came = own.acquire(timeout=patience_s)
        finally:
            if not came:  # or interrupted
                self._leave(own)
        if not came:
            raise Problem(WRITING_TAKES_LONG, seconds=f"{patience_s:g}")

    def _leave(self, own: Lock) -> None:
        with self._guard:
            if own in self._waiting:
                self._waiting.remove(own)
            else:  # the turn came at that very moment
                self._pass_on()

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().release()
        else:
            self._taken = False
