"""How long a newcomer waits for the demonstration city."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.measure import Contender, in_turns
from bench.program import tianzhang
from bench.report import Section

TITLE = "The demonstration city"
LONGEST_S = 60
ROUNDS = 3


def measure(sizes: Sequence[int]) -> Section:
    """The city has one size: `sizes` does not matter."""
    with tempfile.TemporaryDirectory(prefix="tianzhang-bench-") as name:
        homes = [Path(name) / str(turn) for turn in range(ROUNDS)]
        fresh = iter(homes)
        timings = in_turns([Contender("demo", lambda: _made(next(fresh)))], ROUNDS)
    seconds = timings.seconds["demo"]
    median = timings.median("demo")
    return Section(
        TITLE,
        "The whole command on a new SQLite database: units, chiefs, some 102,000 plots, the baseline, the target, "
        f"claims with their history, tiles, the progress map. {ROUNDS} runs.",
        ("command", "median, s", "fastest, s", "slowest, s"),
        [["`tianzhang demo --no-serve`", f"{median:.1f}", f"{seconds.min():.1f}", f"{seconds.max():.1f}"]],
        {f"at most {LONGEST_S} s": {"": median <= LONGEST_S}},
    )


def _made(home: Path) -> None:
    home.mkdir()
    tianzhang(home, "demo", "--no-serve")
