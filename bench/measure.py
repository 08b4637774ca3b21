"""Timing of what is compared: in turns, so that whatever else the machine does falls on all of it alike."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

SIZES = (1_000, 10_000, 100_000)


@dataclass(frozen=True)
class Contender:
    """Something to time; what `before` does is not timed."""

    name: str
    run: Callable[[], object]
    before: Callable[[], object] = field(default=lambda: None)


@dataclass(frozen=True)
class Timings:
    """Seconds by contender, in the order of the rounds."""

    seconds: dict[str, NDArray[np.float64]]

    def median(self, name: str) -> float:
        return float(np.median(self.seconds[name]))

    def ratio(self, name: str, to: str) -> float:
        """The median of each round's ratio: neighbours in time shared the machine's mood, distant rounds did not."""
        return float(np.median(self.seconds[name] / self.seconds[to]))


def rounds_for(size: int) -> int:
    """More rounds of what is short, which a moment's disturbance distorts more."""
    return 7 if size <= 1_000 else 5 if size <= 10_000 else 3


def in_turns(contenders: Sequence[Contender], rounds: int) -> Timings:
    """Run the contenders one after the other, as many rounds."""
    seconds = {contender.name: np.empty(rounds) for contender in contenders}
    for turn in range(rounds):
        for contender in contenders:
            contender.before()
            gc.collect()
            start = perf_counter()
            contender.run()
            seconds[contender.name][turn] = perf_counter() - start
    return Timings(seconds)
