"""Which polygons of many overlap, found in bulk."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.area import areas_m2
from geodata.plane import RECORD_M2


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
    parts, owner = polygons, np.arange(len(polygons))
    if (shapely.get_type_id(polygons) != shapely.GeometryType.POLYGON).any():
        parts, owner = shapely.get_parts(polygons, return_index=True)
    # Where land is shared, an edge of one of the two lies within the other or beside it: only these are compared.
    suspects = np.unique(owner[_at_fault(parts)])
    if len(suspects) == 0:
        return np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=object)
    found, other = shapely.STRtree(polygons).query(polygons[suspects], predicate="intersects")
    pairs = np.unique(np.sort(np.column_stack([suspects[found], other]), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    shared = shapely.intersection(polygons[pairs[:, 0]], polygons[pairs[:, 1]])
    counted = areas_m2(shared) >= least_m2
    return pairs[counted], shared[counted]


def _at_fault(polygons: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which polygons have an edge within or beside another, shape (n,).

    The western and the eastern half are looked at on a core each, those between in both: where two share land, both of them
    are in that land's half, and who misses a neighbour is not at fault for it.
    """
    found = np.zeros(len(polygons), dtype=bool)
    if len(polygons) == 0:
        return found
    west, _, east, _ = shapely.bounds(polygons).T
    middle = np.nanmedian(west)
    halves = [np.flatnonzero(west <= middle), np.flatnonzero(east >= middle)]
    with ThreadPoolExecutor(len(halves)) as cores:
        edges = cores.map(shapely.coverage_invalid_edges, [polygons[half] for half in halves])
    for half, lines in zip(halves, edges, strict=True):
        found[half] |= ~shapely.is_empty(lines)
    return found
