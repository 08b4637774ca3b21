"""Figures as they are shown: two decimals, and the rounded rows of a table add up to its rounded total.

Rounding is by largest remainder (Hamilton): every row is cut to two decimals, and the hundredths still missing from the
rounded total go to the rows that lost most by the cut.
"""

import numpy as np
from numpy.typing import NDArray

from geodata.area import m2_to_mu


def mu(area_m2: float) -> float:
    """Square metres as mu with two decimals."""
    return round(float(m2_to_mu(area_m2)), 2)


def shares_of(total: float, parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """`parts`, shape (n,), rounded to two decimals so that they sum to `total`, which has two decimals already.

    The exact sum of the parts must lie within n hundredths of `total`. Ties go to the earlier row.

    >>> shares_of(1.0, np.array([1 / 3, 1 / 3, 1 / 3])).tolist()
    [0.34, 0.33, 0.33]
    """
    hundredths = parts * 100
    cut = np.floor(hundredths + 1e-7)
    missing = round(total * 100) - int(cut.sum())
    by_loss = np.argsort(-(hundredths - cut), kind="stable")
    if missing > 0:
        cut[np.resize(by_loss, missing)] += 1
    return cut / 100
