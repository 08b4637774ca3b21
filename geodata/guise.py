"""The same plot in another guise: drawn anew over itself, or registered again with the shift of a Chinese web map.

Drawn anew, a plot overlaps itself: intersection over union tells. Shifted by GCJ-02 it lies some 600 m beside itself in
Hunan and overlaps nothing, or its neighbours. Undoing the shift brings it back; but so it does with another plot of a
regular row of paddies whose pitch happens to be the shift. What tells the two apart is that a polygon which was moved
keeps its corners, whereas two paddies differ by what masons and surveyors leave: a shifted pair must have the same shape
to :data:`TWIN_IOU` and no corner may part by more than :data:`TWIN_M`. A plot drawn by hand over a shifted map is
therefore not found; and paddies equal to the centimetre at just that distance are: a hint for a person, never a proof.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.gcj02 import from_gcj02, to_gcj02
from geodata.scale import metres_per_degree

SAME_IOU = 0.8
"""The least intersection over union of a pair as drawn: a plot measured twice; 0.75 is another plot."""

TWIN_IOU = 0.95
"""The least intersection over union of a shifted pair, once laid over one another."""

TWIN_M = 0.2
"""How far (m) corners of a shifted pair may part: coordinates written with six decimals are off by up to 0.08 m."""

CONSTANT_M = 25.0
"""How far (m) a pair may lie from where its own GCJ-02 shift puts it. A whole file is often moved by the shift of one
place, such as the town's centre; the shift changes by up to 5 m a kilometre."""

Move = Callable[[NDArray[np.float64]], NDArray[np.float64]]
_CONSTANT_DEGREES = 6e-4  # more than CONSTANT_M in degrees of longitude, up to 67° of latitude


class How(StrEnum):
    """How two polygons are the same land."""

    AS_DRAWN = "as drawn"
    GCJ02 = "gcj02"


@dataclass(frozen=True)
class SameLand:
    """m pairs, as arrays of the same length, in the order of the candidates.

    `candidate` and `other` are indices; `iou` is the intersection over union, of a shifted pair once laid over one
    another; `east_m`, `north_m` lead from the other's centroid to the candidate's; `how` holds :class:`How`.
    """

    candidate: NDArray[np.int64]
    other: NDArray[np.int64]
    iou: NDArray[np.float64]
    east_m: NDArray[np.float64]
    north_m: NDArray[np.float64]
    how: NDArray[np.object_]


def same_land(candidates: Any, others: Any, threshold: float = SAME_IOU) -> SameLand:
    """The pairs of a candidate and another polygon that are the same land, in whatever guise.

    Parameters
    ----------
    candidates, others : arrays of shape (n,), (k,)
        Valid polygons and multipolygons in degrees; what is missing or empty is in no pair. A polygon that is in both is a
        pair with itself.
    threshold : float
        The least intersection over union of a pair as drawn (0.8: a plot measured twice; 0.75 is another plot).

    >>> field = shapely.Polygon([(111.7401, 27.2603), (111.7414, 27.2607), (111.7411, 27.2618), (111.7398, 27.2613)])
    >>> found = same_land([shapely.transform(field, to_gcj02)], [field])
    >>> found.how[0].value, found.east_m.round().tolist(), found.north_m.round().tolist()
    ('gcj02', [547.0], [-369.0])
    """
    candidates, others = np.asarray(candidates, dtype=object), np.asarray(others, dtype=object)
    own, held = _with_area(candidates), _with_area(others)
    mine, theirs = candidates[own], others[held]
    drawn = _as_drawn(mine, theirs, threshold)
    shifted = _shifted(mine, theirs)
    shifted = shifted[~np.isin(_as_one(shifted), _as_one(drawn))]
    pairs = np.concatenate([drawn, shifted])
    how = np.repeat(np.array([How.AS_DRAWN, How.GCJ02], dtype=object), [len(drawn), len(shifted)])

    order = np.lexsort((pairs["other"], pairs["candidate"]))
    pairs, how = pairs[order], how[order]
    i, j = pairs["candidate"], pairs["other"]
    here, there = _centroids(mine)[i], _centroids(theirs)[j]
    east, north = ((here - there) * metres_per_degree((here[:, 1] + there[:, 1]) / 2)).T
    return SameLand(own[i], held[j], pairs["iou"], east, north, how)


@dataclass(frozen=True)
class Copies:
    """Candidates that are others' land as a web map shows it; m pairs, as arrays of the same length, a candidate once.

    `candidate` and `other` are indices; `east_m`, `north_m` lead from the other's centroid to the candidate's. `compared`,
    shape (n,), is which candidates could have been such a copy: with the shift undone they lie on one of the others.
    `sure` is False where their likeness may be chance: few of the pairs lie where the shift of their own place puts them,
    and either the way is not one and the same, or fields built alike lie beside one another.
    """

    candidate: NDArray[np.int64]
    other: NDArray[np.int64]
    east_m: NDArray[np.float64]
    north_m: NDArray[np.float64]
    compared: NDArray[np.bool_]
    sure: bool


def shifted_copies(candidates: Any, others: Any) -> Copies:
    """The candidates that are others moved by GCJ-02, and not drawn where the others are.

    Parameters
    ----------
    candidates, others : arrays of shape (n,), (k,)
        Valid polygons and multipolygons in degrees; what is missing or empty is in no pair.

    A pair keeps its shape as in :func:`same_land`. It is beyond doubt where every corner is where the formula puts it, to
    :data:`TWIN_M`. Where a file was moved as a whole, by the shift of one place, the formula says only to
    :data:`CONSTANT_M` which way that is: then all pairs must part by the same way, to :data:`TWIN_M`, and the shapes be
    others than their neighbours', as those of fields built to one design are not.

    >>> field = shapely.Polygon([(111.7401, 27.2603), (111.7414, 27.2607), (111.7411, 27.2618), (111.7398, 27.2613)])
    >>> found = shifted_copies([shapely.transform(field, to_gcj02)], [field])
    >>> found.other.tolist(), found.east_m.round().tolist(), found.north_m.round().tolist(), found.sure
    ([0], [547.0], [-369.0], True)
    """
    candidates, others = np.asarray(candidates, dtype=object), np.asarray(others, dtype=object)
    own, held = _with_area(candidates), _with_area(others)
    mine, theirs = candidates[own], others[held]
    i, j = _copied(mine, theirs, to_gcj02)
    step = _centroids(mine)[i] - _centroids(theirs)[j]
    exact = _off_m(mine[i], theirs[j], to_gcj02) <= TWIN_M
    sure, back = len(i) > 0 and bool(exact.mean() > 0.5), from_gcj02
    if len(i) > 1 and not sure:
        whole = np.median(step, axis=0)
        as_one = np.hypot(*((step - whole) * metres_per_degree(_centroids(mine)[i, 1])).T) <= TWIN_M
        if as_one.mean() > 0.5 and not _built_alike(mine[i[as_one]]):
            # Now that the way is known, the others are found too that lie farther from the place whose shift it is.
            sure, back = True, lambda points: points - whole
            i, j = _copied(mine, theirs, lambda points: points + whole)
            step = _centroids(mine)[i] - _centroids(theirs)[j]
    compared = np.zeros(len(candidates), dtype=bool)
    places = shapely.points(back(_centroids(mine)))
    compared[own[shapely.STRtree(theirs).query(places, predicate="intersects")[0]]] = True
    east_m, north_m = (step * metres_per_degree(_centroids(mine)[i, 1])).T
    return Copies(own[i], held[j], east_m, north_m, compared, sure)


def _copied(mine: NDArray[np.object_], theirs: NDArray[np.object_], move: Move) -> tuple[NDArray[Any], NDArray[Any]]:
    """Which are others once moved, and of which: the nearest one each; not those that are drawn where others are."""
    pairs = _moved(mine, theirs, move)
    moved = np.unique(pairs["candidate"])
    in_place = moved[_as_drawn(mine[moved], theirs, SAME_IOU)["candidate"]]
    pairs = pairs[~np.isin(pairs["candidate"], in_place)]
    i, j = pairs["candidate"], pairs["other"]
    order = np.lexsort((_off_m(mine[i], theirs[j], move), i))
    order = order[np.unique(i[order], return_index=True)[1]]
    return i[order], j[order]


def _off_m(mine: NDArray[np.object_], theirs: NDArray[np.object_], move: Move) -> NDArray[np.float64]:
    """How far (m) the centroid of each polygon lies from that of the other once its corners are moved."""
    here = _centroids(mine)
    step = here - _centroids(np.asarray(shapely.transform(theirs, move), dtype=object))
    return np.asarray(np.hypot(*(step * metres_per_degree(here[:, 1])).T))


def _built_alike(geometries: NDArray[np.object_]) -> bool:
    """Whether many of the polygons have the shape of the next one."""
    shapes = _around_centroid(geometries)
    return bool((shapely.hausdorff_distance(shapes, np.roll(shapes, 1)) <= TWIN_M).mean() > 0.1)


_PAIR = np.dtype([("candidate", np.int64), ("other", np.int64), ("iou", np.float64)])
_NONE = np.empty(0, dtype=_PAIR)


def _as_drawn(mine: NDArray[np.object_], theirs: NDArray[np.object_], threshold: float) -> NDArray[np.void]:
    i, j = shapely.STRtree(theirs).query(mine)
    low = np.maximum(shapely.bounds(mine)[i, :2], shapely.bounds(theirs)[j, :2])
    high = np.minimum(shapely.bounds(mine)[i, 2:], shapely.bounds(theirs)[j, 2:])
    # What two share is no more than their boxes share, and no less than the threshold's part of the larger.
    larger = np.maximum(shapely.area(mine)[i], shapely.area(theirs)[j])
    hopeful = np.prod(high - low, axis=1) >= threshold * larger
    i, j = i[hopeful], j[hopeful]
    # Degrees will do: stretching both in the same way leaves the ratio of two areas as it is.
    iou = _iou(mine[i], theirs[j])
    return _pairs(i, j, iou, iou >= threshold)


def _shifted(mine: NDArray[np.object_], theirs: NDArray[np.object_]) -> NDArray[np.void]:
    """Pairs once the other is moved by GCJ-02, or back: corner by corner, or as a whole."""
    pairs = np.concatenate([_moved(mine, theirs, move) for move in (from_gcj02, to_gcj02)])
    pairs = pairs[np.argsort(-pairs["iou"], kind="stable")]
    return pairs[np.unique(_as_one(pairs), return_index=True)[1]]


def _moved(mine: NDArray[np.object_], theirs: NDArray[np.object_], move: Move) -> NDArray[np.void]:
    """Pairs once the other is moved, corner by corner, or as a whole; a pair may be there in both ways."""
    centres, goals = _centroids(mine), move(_centroids(theirs))
    j, i = shapely.STRtree(shapely.points(centres)).query(
        shapely.points(goals), predicate="dwithin", distance=_CONSTANT_DEGREES
    )
    off = (centres[i] - goals[j]) * metres_per_degree(goals[j, 1])
    near = np.hypot(*off.T) <= CONSTANT_M
    # Boxes of twins agree too; the shift stretches a polygon by less than a hundredth. That spares nearly all the cuts.
    width, other = _sides(mine)[i], _sides(theirs)[j]
    near &= (np.abs(width - other) <= 2 * TWIN_M + 0.01 * other).all(axis=1)
    i, j = i[near], j[near]
    if not len(i):
        return _NONE
    here = _around_centroid(mine[i])
    found = []
    for there in (_around_centroid(shapely.transform(theirs[j], move)), _around_centroid(theirs[j])):
        iou = _iou(here, there)
        twins = (iou >= TWIN_IOU) & (shapely.hausdorff_distance(here, there) <= TWIN_M)
        found.append(_pairs(i, j, iou, twins))
    return np.concatenate(found)


def _sides(geometries: NDArray[np.object_]) -> NDArray[np.float64]:
    """The width and height in metres of the polygons' boxes, shape (n, 2)."""
    bounds = shapely.bounds(geometries)
    return np.asarray((bounds[:, 2:] - bounds[:, :2]) * metres_per_degree((bounds[:, 1] + bounds[:, 3]) / 2))


def _pairs(
    i: NDArray[np.int64], j: NDArray[np.int64], iou: NDArray[np.float64], chosen: NDArray[np.bool_]
) -> NDArray[np.void]:
    pairs = np.empty(int(chosen.sum()), dtype=_PAIR)
    pairs["candidate"], pairs["other"], pairs["iou"] = i[chosen], j[chosen], iou[chosen]
    return pairs


def _as_one(pairs: NDArray[np.void]) -> NDArray[np.int64]:
    return pairs["candidate"] * 2**32 + pairs["other"]


def _with_area(geometries: NDArray[np.object_]) -> NDArray[np.int64]:
    return np.flatnonzero(shapely.area(geometries) > 0)


def _centroids(geometries: NDArray[np.object_]) -> NDArray[np.float64]:
    return shapely.get_coordinates(shapely.centroid(geometries))


def _around_centroid(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """The polygons in metres, each around its own centroid."""
    if len(geometries) == 0:
        return geometries
    degrees, index = shapely.get_coordinates(geometries, return_index=True)
    centre = _centroids(geometries)
    metres = ((degrees - centre[index]) * metres_per_degree(centre[:, 1])[index]).round(6)
    return np.asarray(shapely.set_coordinates(geometries.copy(), metres), dtype=object)


def _iou(one: NDArray[np.object_], two: NDArray[np.object_]) -> NDArray[np.float64]:
    shared = shapely.area(shapely.intersection(one, two))
    return np.asarray(shared / (shapely.area(one) + shapely.area(two) - shared))
