"""The warning colour (红黄绿预警): how far a unit is behind the plan curve of its target."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Warning = Literal["green", "yellow", "red", "none"]


@dataclass(frozen=True)
class WarningColours:
    """From which share of the plan curve on a unit is green, or yellow; below it is red."""

    green: float = 1.0
    yellow: float = 0.85

    def of(self, ratios: NDArray[np.float64]) -> list[Warning]:
        """The warning colour for each accepted ÷ plan; "none" for NaN, where there is no target."""
        steps = [np.isnan(ratios), ratios >= self.green, ratios >= self.yellow]
        found: list[Warning] = np.select(steps, ["none", "green", "yellow"], "red").tolist()
        return found
