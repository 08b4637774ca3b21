"""Figures as they are shown: two decimals, and the rounded rows of a table add up to its rounded total.

Rounding is by largest remainder (Hamilton): every row is cut to two decimals, and the hundredths still missing from the
rounded total go to the rows that lost most by the cut.
"""

import numpy as np
from numpy.typing import NDArray

from geodata.area import m2_to_mu

_NOISE = 1e-7
"""Hundredths by which a sum of binary fractions may fall short of the whole hundredth that it is."""


def mu(area_m2: float) -> float:
    """Square metres as mu with two decimals."""
    return round(float(m2_to_mu(area_m2)), 2)


def mu_or_none(area_m2: float | None) -> float | None:
    """As :func:`mu`; None where there is no area."""
    return None if area_m2 is None else mu(area_m2)


def shares(totals: NDArray[np.float64], parts: NDArray[np.float64], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """Parts of several totals, rounded to two decimals so that each total's parts sum to it.

    Parameters
    ----------
    totals : array of shape (m,), with two decimals already
    parts : array of shape (n,), not below 0; those of a total sum to it but for less than a hundredth a part
    owner : array of shape (n,), the place in `totals` that each part belongs to

    Returns
    -------
    array of shape (n,). Ties go to the earlier part.
    """
    hundredths = parts * 100
    cut = np.floor(hundredths + _NOISE)
    missing = np.rint(totals * 100) - np.bincount(owner, weights=cut, minlength=len(totals))
    lost = hundredths - cut
    up = _rank(-lost, owner) < missing[owner]
    # A total that was itself rounded down can be smaller than its parts' cuts: then those that lost least give way.
    down = (_rank(np.where(cut > 0, lost, np.inf), owner) < -missing[owner]) & (cut > 0)
    return (cut + up - down) / 100


def shares_within(
    totals: NDArray[np.float64], parts: NDArray[np.float64], owner: NDArray[np.int64], most: NDArray[np.float64]
) -> NDArray[np.float64]:
    """As :func:`shares`, and no part is larger than the one of `most`, shape (n,), which a total is not larger than the sum of.

    What a part may not have goes to those of its total that have room, those that lost most first.
    """
    given = shares(totals, parts, owner)
    while (given > most + _NOISE).any():
        fitting = np.minimum(given, most)
        over = np.bincount(owner, weights=np.rint((given - fitting) * 100), minlength=len(totals))
        room = most - fitting > 0.005
        up = room & (_rank(np.where(room, fitting - parts, np.inf), owner) < over[owner])
        given = (fitting + up / 100).round(2)
        if not up.any():
            break
    return given


def shares_of(total: float, parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The parts of one total, as :func:`shares`.

    >>> shares_of(1.0, np.array([1 / 3, 1 / 3, 1 / 3])).tolist()
    [0.34, 0.33, 0.33]
    """
    return shares(np.array([total]), parts, np.zeros(len(parts), dtype=np.int64))


def _rank(keys: NDArray[np.float64], owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each key among those of its owner, the smallest first, from 0; shape (n,)."""
    order = np.lexsort((keys, owner))
    sizes = np.bincount(owner)
    first = np.cumsum(sizes) - sizes
    rank = np.empty(len(keys), dtype=np.int64)
    rank[order] = np.arange(len(keys)) - first[owner[order]]
    return rank
