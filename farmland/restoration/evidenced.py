"""When a claim is evidenced (有照片佐证): photographs taken inside its polygon show what was restored.

One taken after the restoration is needed, and one of before where the claim's land asks for it (`Claim.before_asked`). What
counts is what was recorded by the moment that is asked about. A polygon never changes and no photograph is ever taken away, so
that a claim once evidenced remains so: `Claim.evidenced_at` keeps since when, and
:mod:`farmland.keeping.verify` computes it anew.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.scale import metres_per_degree

Floats = NDArray[np.float64]
_NEVER = datetime.max.replace(tzinfo=UTC)


class Photos(NamedTuple):
    """What is asked of n photographs: the claim's id, what they show ("before", "after"), since when that is recorded.

    Degrees of WGS 84 and metres, NaN where they are not told; `reused` is whether another claim had the same content before.
    """

    claim: NDArray[np.int64]
    purpose: NDArray[np.object_]
    since: NDArray[np.object_]
    longitude: Floats
    latitude: Floats
    accuracy_m: Floats
    reused: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Iterable[Iterable[Any]]) -> "Photos":
        """From rows of these columns; None is not told."""
        columns = list(zip(*rows, strict=True)) or [()] * len(cls._fields)
        kinds = (np.int64, object, object, float, float, float, bool)
        return cls(*(np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)))


def outside_m(polygons: NDArray[np.object_], longitude: Floats, latitude: Floats) -> Floats:
    """How far outside of each polygon the place beside it (degrees) lies, m, shape (n,); 0 inside.

    In each place's own plane: to 1e-6 of the distance within a kilometre.
    """
    scale = metres_per_degree(latitude)
    points, owner = shapely.get_coordinates(polygons, return_index=True)
    flat = shapely.set_coordinates(np.array(polygons, dtype=object), points * scale[owner])
    places = shapely.points(np.column_stack([longitude, latitude]) * scale)
    return np.asarray(shapely.distance(flat, places), dtype=float)


def is_inside(outside: Floats, accuracy_m: Floats, photo_m: float) -> NDArray[np.bool_]:
    """Whether photographs were taken inside, as well as their position is known (m); one that is worse than `photo_m` is not.

    A position that tells no accuracy is taken at its word.
    """
    accuracy = np.nan_to_num(accuracy_m)
    return np.asarray((accuracy <= photo_m) & (outside <= accuracy))


def proving(photos: Photos, polygons: NDArray[np.object_], photo_m: float) -> NDArray[np.bool_]:
    """Which photographs show the land of their claim, whose polygons stand beside them; shape (n,)."""
    good = ~photos.reused & ~np.isnan(photos.longitude) & ~np.isnan(photos.latitude)
    found = np.flatnonzero(good)
    far = outside_m(polygons[found], photos.longitude[found], photos.latitude[found])
    good[found] = is_inside(far, photos.accuracy_m[found], photo_m)
    return good


def evidenced_since(
    photos: Photos, polygons: NDArray[np.object_], before_asked: NDArray[np.bool_], photo_m: float
) -> dict[int, datetime]:
    """Since when claims are evidenced, by their ids; those that are not are left out.

    Parameters
    ----------
    photos : n photographs
    polygons, before_asked : of each one's claim, shape (n,)
    photo_m : the worst accuracy of a position that proves something, m
    """
    good = proving(photos, polygons, photo_m)
    claims, first, place = np.unique(photos.claim[good], return_index=True, return_inverse=True)
    since = {purpose: np.full(len(claims), _NEVER, dtype=object) for purpose in ("before", "after")}
    for purpose, earliest in since.items():
        shows = photos.purpose[good] == purpose
        np.minimum.at(earliest, place[shows], photos.since[good][shows])
    whole = np.where(before_asked[good][first], np.maximum(since["before"], since["after"]), since["after"])
    return {claim: at for claim, at in zip(claims.tolist(), whole.tolist(), strict=True) if at != _NEVER}
