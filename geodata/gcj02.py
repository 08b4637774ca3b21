"""GCJ-02, the shifted coordinates of Chinese web maps: some hundred metres from where a thing is, and back.

Phones' map apps and web maps in China show everything shifted by a smooth function of the place; what is drawn on them,
or traced from them, is shifted too. The function was never published officially. What everybody uses is the formula
that became known through the map control of the on4wp7 project (Codeplex, change set 21483, 2010) and
github.com/googollee/eviltransform, whose reference points the tests hold. Coordinates of the storage system (EPSG:4490)
are taken for WGS 84.
"""

import numpy as np
from numpy.typing import NDArray

_A = 6_378_245.0  # Krasovsky 1940, on which the formula turns metres into degrees
_E2 = 0.006_693_421_622_965_943
_WEST, _SOUTH, _EAST, _NORTH = 72.004, 0.8293, 137.8347, 55.8271
_EXACT_DEGREES = 1e-10
_ROUNDS = 20  # some 5 are enough: a round leaves 1/300 of the error


def to_gcj02(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """True longitudes and latitudes, shape (n, 2) in degrees, as a Chinese web map has them.

    Outside the formula's box around China nothing is shifted.

    >>> to_gcj02(np.array([[121.5272106, 31.1774276], [2.35, 48.85]])).round(6)
    array([[121.531542,  31.175304],
           [  2.35    ,  48.85    ]])
    """
    return points + np.where(_inside(points), _offset(points), 0)


def from_gcj02(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of :func:`to_gcj02`, to 1e-9° (0.1 mm); not on the last kilometre at the edge of the formula's box."""
    inside = _inside(points)
    true = points
    for _ in range(_ROUNDS):
        better = points - np.where(inside, _offset(true), 0)
        change = np.abs(better - true).max(initial=0)
        true = better
        if change < _EXACT_DEGREES:
            break
    return true


def _inside(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    x, y = points[:, :1], points[:, 1:]
    return (x >= _WEST) & (x <= _EAST) & (y >= _SOUTH) & (y <= _NORTH)


def _offset(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The formula's shift in degrees, shape (n, 2): polynomials and waves of metres east and north of 105° E 35° N."""
    x, y = (points - [105.0, 35.0]).T
    root = np.sqrt(np.abs(x))
    ripple = 20 * (_wave(6 * x) + _wave(2 * x))
    east = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * root
    east += 2 / 3 * (ripple + 20 * _wave(x) + 40 * _wave(x / 3) + 150 * _wave(x / 12) + 300 * _wave(x / 30))
    north = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * root
    north += 2 / 3 * (ripple + 20 * _wave(y) + 40 * _wave(y / 3) + 160 * _wave(y / 12) + 320 * _wave(y / 30))
    latitude = np.radians(points[:, 1])
    curved = 1 - _E2 * np.sin(latitude) ** 2
    return np.degrees(
        np.column_stack([east * np.sqrt(curved) / (_A * np.cos(latitude)), north * curved**1.5 / (_A * (1 - _E2))])
    )


def _wave(half_turns: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sin(np.pi * half_turns)
