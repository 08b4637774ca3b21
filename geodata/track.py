"""A walked track: how fast it went, and where it cannot be true even if every position is as bad as the phone admits."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from geodata.area import ELLIPSOID


@dataclass(frozen=True)
class Track:
    """n fixes in the order in which they were written down, as arrays of shape (n,).

    Degrees, seconds since any moment, and the phone's accuracy in metres (the radius of 68 %), all of them finite: a fix
    of which the accuracy is not known can prove nothing. Raises ValueError otherwise.
    """

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    moment: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    def __post_init__(self) -> None:
        columns = (self.longitude, self.latitude, self.moment, self.accuracy)
        if len({column.shape for column in columns}) > 1 or not np.isfinite(columns).all():
            raise ValueError("the fixes of a track need a finite longitude, latitude, moment and accuracy each")


class Why(StrEnum):
    """Why a stretch of a track is impossible."""

    TOO_FAST = "too fast"
    TIME_GOES_BACK = "time goes back"
    TWO_PLACES_AT_ONCE = "two places at once"


@dataclass(frozen=True)
class Stretches:
    """m stretches of a track, in order, as arrays of shape (m,): from the fix `first` to the fix `last` (indices).

    `why` holds :class:`Why`. `least_m_s` is the least speed at which the worst part of the stretch was passed, with all
    allowed for that :data:`ALLOWED` allows; infinite for two places at once, NaN where time goes back.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    why: NDArray[np.object_]
    least_m_s: NDArray[np.float64]


ALLOWED = 4.0
"""What is allowed for, as a multiple of both fixes' accuracies (the root of the sum of their squares). A third of all honest
fixes lie outside their accuracy; apart by four times it they lie once in 10⁸ (``exp(-½ (4 · 1.51)²)``, see
:func:`geodata.uncertainty.axis_sigma_m`), so that not even a day of fixes at each second accuses anybody by chance."""

_POSSIBLE, _TOO_FAST, _BACK = range(3)


def speeds(track: Track) -> NDArray[np.float64]:
    """The speed (m/s) from each fix to the next along the ellipsoid, shape (n - 1,).

    Without time between two fixes it is 0 in the same place and infinite elsewhere; NaN where time goes back.

    >>> walk = Track(*np.array([[111.74, 111.74001, 111.74002], [27.26] * 3, [0, 1, 2], [5] * 3], dtype=float))
    >>> speeds(walk).round(2)
    array([0.99, 0.99])
    """
    return _rate(_metres(track, 1), np.diff(track.moment))


def impossible(track: Track, limit_m_s: float) -> Stretches:
    """The stretches that nobody can have passed at up to `limit_m_s` (walking some 2.5, riding 20).

    Two fixes contradict the limit where their distance, less :data:`ALLOWED` accuracies, over the time between them
    exceeds it. From second to second the accuracies hide any speed; so fixes 1, 2, 4, 8, ... steps apart are compared
    too, and the shortest span that contradicts the limit is named. Spans next to one another are one stretch, named for
    its worst. A jump that an accuracy of a kilometre excuses is not found here: that accuracy is a fault of its own.

    >>> jump = Track(*np.array([[111.74, 111.74, 111.75], [27.26] * 3, [0, 1, 2], [5] * 3], dtype=float))
    >>> found = impossible(jump, limit_m_s=20)
    >>> found.first.tolist(), found.last.tolist(), found.why[0].value, found.least_m_s.round().tolist()
    ([1], [2], 'too fast', [962.0])
    """
    steps = max(len(track.moment) - 1, 0)
    back = np.diff(track.moment) < 0
    state = np.where(back, _BACK, _POSSIBLE)
    starts, rates = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    lag = 1
    while lag <= steps:
        named = np.concatenate([[0], np.cumsum(state != _POSSIBLE)])
        excused = ALLOWED * np.hypot(track.accuracy[lag:], track.accuracy[:-lag])
        certain = np.maximum(_metres(track, lag) - excused, 0)
        rate = _rate(certain, track.moment[lag:] - track.moment[:-lag])
        contradicts = (named[lag:] == named[:-lag]) & (rate > limit_m_s)
        spans = np.flatnonzero(contradicts)
        starts.append(spans)
        rates.append(rate[spans])
        opened = np.bincount(spans, minlength=steps + 1) - np.bincount(spans + lag, minlength=steps + 1)
        state[np.cumsum(opened)[:-1] > 0] = _TOO_FAST
        lag *= 2

    first = np.flatnonzero(np.diff(state, prepend=_POSSIBLE) != 0)
    last = np.append(first[1:], steps)[: len(first)]
    worst = np.full(len(first), np.nan)
    np.fmax.at(worst, np.searchsorted(first, np.concatenate(starts), side="right") - 1, np.concatenate(rates))
    kind = np.where(state[first] == _BACK, 1, np.where(np.isinf(worst), 2, 0))
    why = np.array(list(Why), dtype=object)[kind]
    real = state[first] != _POSSIBLE
    return Stretches(first[real], last[real], why[real], worst[real])


def _metres(track: Track, lag: int) -> NDArray[np.float64]:
    """The distances on the ellipsoid from each fix to that `lag` steps on, shape (n - lag,)."""
    x, y = track.longitude, track.latitude
    return np.asarray(ELLIPSOID.inv(x[:-lag], y[:-lag], x[lag:], y[lag:])[2])


def _rate(metres: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = metres / seconds
    rate[(seconds == 0) & (metres == 0)] = 0
    rate[seconds < 0] = np.nan
    return rate
