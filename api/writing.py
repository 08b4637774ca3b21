"""Routes that write run in threads of their own: however many wait to write, whoever reads finds a thread.

Those for whom no thread is free wait without one, first come first served; within, :meth:`Database.writing` serves in turn.
"""

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

from anyio import CapacityLimiter, from_thread, move_on_after, to_thread
from anyio.lowlevel import RunVar
from fastapi import Request

from farmland.records.database import PATIENCE_S, Database
from farmland.records.turns import WRITING_TAKES_LONG
from geodata.problems import Problem

ALONE, BESIDE, AT_LENGTH = 1, 2, 4
"""How many threads write: where the database computes in this process, and two would only wait for Python's lock; where it
is a server, for which one waits while another prepares; and for what computes for long, with that lock free, and then writes."""
_quick: RunVar[CapacityLimiter] = RunVar("threads that write")
_at_length: RunVar[CapacityLimiter] = RunVar("threads that compute for long and write")
P = ParamSpec("P")
R = TypeVar("R")
Route = Callable[P, R]


def writes(route: Route[P, R]) -> Callable[P, Awaitable[R]]:
    """The decorator of every route that writes. It takes the database as `records`."""

    @wraps(route)
    async def apart(*args: P.args, **named: P.kwargs) -> R:
        records: Any = named["records"]
        return await in_writing_thread(records, route, *args, **named)

    return apart


def writes_at_length(route: Route[P, R]) -> Callable[P, Awaitable[R]]:
    """That of one that first computes for long, such as a password's hash: nobody else waits for it."""

    @wraps(route)
    async def apart(*args: P.args, **named: P.kwargs) -> R:
        return await _run(_at_length, AT_LENGTH, partial(route, *args, **named))

    return apart


async def in_writing_thread(records: Database, work: Route[P, R], /, *args: P.args, **named: P.kwargs) -> R:
    """What some work gives that writes. Raises WRITING_TAKES_LONG."""
    return await _run(_quick, ALONE if records.in_this_process else BESIDE, partial(work, *args, **named))


async def _run(threads: RunVar[CapacityLimiter], count: int, work: Callable[[], R]) -> R:
    limiter = threads.get(None)
    if limiter is None:
        limiter = CapacityLimiter(count)
        threads.set(limiter)
    with move_on_after(PATIENCE_S):  # once in its thread, work comes to its end
        return await to_thread.run_sync(work, limiter=limiter)
    raise Problem(WRITING_TAKES_LONG, seconds=f"{PATIENCE_S:g}")


def still_there(request: Request) -> bool:
    """Whether whoever asked still waits for the answer; in a thread of a route."""
    return not from_thread.run(request.is_disconnected)
