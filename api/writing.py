"""Routes that write run in threads of their own: however many wait to write, whoever reads finds a thread.

Those for whom no thread is free wait without one, first come first served; within, :meth:`Database.writing` serves in turn.
"""

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, from_thread, to_thread
from anyio.lowlevel import RunVar
from fastapi import Request

THREADS = 4
"""One writes; the others prepare, or make their answer."""
_threads: RunVar[CapacityLimiter] = RunVar("threads that write")
P = ParamSpec("P")
R = TypeVar("R")


def writes(route: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """The decorator of every route that writes."""

    @wraps(route)
    async def apart(*args: P.args, **named: P.kwargs) -> R:
        return await in_writing_thread(route, *args, **named)

    return apart


async def in_writing_thread(work: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """What some work gives that writes."""
    limiter = _threads.get(None)
    if limiter is None:
        limiter = CapacityLimiter(THREADS)
        _threads.set(limiter)
    return await to_thread.run_sync(partial(work, *args, **named), limiter=limiter)


def still_there(request: Request) -> bool:
    """Whether whoever asked still waits for the answer; in a thread of a route."""
    return not from_thread.run(request.is_disconnected)
