"""Which polygons of many share land, found in bulk.

Each pair whose boxes meet is looked at: no pattern of other polygons hides one. (GEOS's check of coverages takes an edge
that a neighbour matches for right, although a third polygon lies over it.)
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.area import flat_areas_m2
from geodata.plane import RECORD_M2

_INTERIORS_MEET = "T********"


def overlaps(
    polygons: NDArray[np.object_], least_m2: float = RECORD_M2
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """The pairs of polygons that share land, and the land that each pair shares.

    Parameters
    ----------
    polygons : array of shape (n,)
        Valid polygons and multipolygons in degrees. They may share borders.
    least_m2 : float
        What a pair shares counts from this area on.

    Returns
    -------
    pairs : array of shape (m, 2), the smaller index first, in order
    shared : array of shape (m,)

    >>> row = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(1.5, 0.2, 1.8, 0.5)]
    >>> overlaps(np.array(row))[0].tolist()
    [[1, 2]]
    """
    pairs = shapely.STRtree(polygons).query(polygons).T
    return _sharing(polygons, polygons, pairs[pairs[:, 0] < pairs[:, 1]], least_m2)


def overlaps_with(
    polygons: NDArray[np.object_], others: NDArray[np.object_], least_m2: float = RECORD_M2
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """As :func:`overlaps`, between polygons of shape (n,) and others of shape (k,): pairs of an index in each.

    >>> others = [shapely.box(2, 0, 3, 1), shapely.box(1, 0, 4, 1)]
    >>> overlaps_with(np.array([shapely.box(0, 0, 2, 1)]), np.array(others))[0].tolist()
    [[0, 1]]
    """
    return _sharing(polygons, others, shapely.STRtree(others).query(polygons).T, least_m2)


def _sharing(
    ours: NDArray[np.object_], theirs: NDArray[np.object_], pairs: NDArray[np.int64], least_m2: float
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """Those of the pairs, shape (m, 2), that share land, in order, and that land. Looked at on all cores."""
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    # Clones, which are prepared here and seen by no other thread; each is asked about by one core.
    rows, of_row = np.unique(pairs[:, 0], return_inverse=True)
    asked = np.asarray(shapely.set_srid(ours[rows], 0), dtype=object)

    def look(part: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
        mine, other = asked[of_row[part]], theirs[pairs[part, 1]]
        shapely.prepare(mine)
        meet = shapely.relate_pattern(mine, other, _INTERIORS_MEET)
        part = part[meet]
        return part, shapely.intersection(ours[pairs[part, 0]], theirs[pairs[part, 1]])

    cores = os.cpu_count() or 1
    ends = np.searchsorted(of_row, np.arange(1, cores) * len(rows) // cores)
    with ThreadPoolExecutor(cores) as pool:
        looked = list(pool.map(look, np.split(np.arange(len(pairs)), ends)))
    meeting = np.concatenate([part for part, _ in looked])
    shared = np.concatenate([np.asarray(land, dtype=object) for _, land in looked])
    counted = flat_areas_m2(shared) >= least_m2
    return pairs[meeting[counted]], shared[counted]
