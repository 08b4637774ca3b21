"""Where polygons that ought to tile the ground do not: shared land, uncovered land, land outside; and mending it.

The work is done in the plane of longitude and latitude, in which neighbours share their corners bit for bit and in which
every GIS shows them: cuts in any other plane would invent slivers along borders on which one side has a corner more.
What is found is measured on the ellipsoid.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.area import flat_areas_m2
from geodata.overlaps import overlaps
from geodata.scale import metres_per_degree

DUST_M2 = 1e-3
"""Smaller places are dust of the arithmetic: a cut puts a corner within 1.5e-9 m of an edge, which makes some 1e-5 m² along
an edge of 10 km. A hundred times that, and a tenth of the 0.01 m² to which areas are stored."""

SNAPPING_DEGREES = 1e-9
"""Mending joins corners that lie closer (0.1 mm): the digits that records keep (:func:`geodata.geometry_faults.fingerprint`)."""


@dataclass(frozen=True)
class Places:
    """n connected pieces of land, each at least DUST_M2: polygons (degrees), areas (m²), mean widths (m).

    `owner` tells for whom each was found: the places in the caller's array, shape (n,), or (n, 2) for pairs.
    """

    owner: NDArray[np.int64]
    polygons: NDArray[np.object_]
    areas_m2: NDArray[np.float64]
    widths_m: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.polygons)

    def of(self, chosen: NDArray[np.bool_]) -> "Places":
        """The chosen ones, by a mask of shape (n,)."""
        return Places(self.owner[chosen], self.polygons[chosen], self.areas_m2[chosen], self.widths_m[chosen])


def shared(polygons: NDArray[np.object_]) -> Places:
    """The land that two of the polygons (degrees, valid) hold; `owner` is the pair, the smaller index first.

    >>> row = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(1.9, 0, 3, 1)])
    >>> shared(row).owner.tolist()
    [[1, 2]]
    """
    pairs, land = overlaps(polygons, least_m2=0.0)
    return _places(land, pairs)


def outside(parts: NDArray[np.object_], wholes: NDArray[np.object_], whole_of: NDArray[np.int64]) -> Places:
    """The land of each part that its whole does not cover.

    Parameters
    ----------
    parts : array of shape (n,), valid polygons in degrees
    wholes : array of shape (m,); they are prepared, so no other thread may use them at the same time
    whole_of : array of shape (n,), the index in `wholes` of each part's whole; -1 for a part without one, which is passed over
    """
    held = np.flatnonzero(whole_of >= 0)
    used = wholes[np.unique(whole_of[held])]
    shapely.prepare(used)
    beside = held[~shapely.contains_properly(wholes[whole_of[held]], parts[held])]
    shapely.destroy_prepared(used)  # preparation slows down the exact test of what touches the border
    beyond = beside[~shapely.covers(wholes[whole_of[beside]], parts[beside])]
    return _places(shapely.difference(parts[beyond], wholes[whole_of[beyond]]), beyond)


def shared_and_outside(
    parts: NDArray[np.object_], wholes: NDArray[np.object_], whole_of: NDArray[np.int64]
) -> tuple[Places, Places]:
    """:func:`shared` and :func:`outside` of the same parts, on two cores: GEOS works without Python's lock."""
    with ThreadPoolExecutor(1) as beside:
        sharing = beside.submit(shared, parts)
        beyond = outside(parts, wholes, whole_of)
        return sharing.result(), beyond


def uncovered(wholes: NDArray[np.object_], parts: NDArray[np.object_], whole_of: NDArray[np.int64]) -> Places:
    """The land of each whole that none of its parts covers; arrays as in :func:`outside`.

    A part may stand there several times, for several wholes; a whole may have no part.
    """
    return _places(shapely.difference(wholes, unions(parts, whole_of, len(wholes))), np.arange(len(wholes)))


def not_covered_by_any(wholes: NDArray[np.object_], parts: NDArray[np.object_]) -> Places:
    """The land of each whole, shape (m,), that none of the parts covers, whichever lie there, shape (n,)."""
    tree = shapely.STRtree(parts)
    rest = np.ones(len(wholes), dtype=bool)
    rest[tree.query(wholes, predicate="covered_by")[0]] = False
    rows = np.flatnonzero(rest)
    whole_of, met = tree.query(wholes[rows], predicate="intersects")
    found = uncovered(wholes[rows], parts[met], whole_of)
    return Places(rows[found.owner], found.polygons, found.areas_m2, found.widths_m)


def unions(parts: NDArray[np.object_], whole_of: NDArray[np.int64], count: int) -> NDArray[np.object_]:
    """The union of the parts of each whole, shape (count,); an empty geometry where there is none."""
    order = np.argsort(whole_of, kind="stable")
    gathered = np.full(count, shapely.GeometryCollection(), dtype=object)
    if len(parts):
        shapely.geometrycollections(parts[order], indices=whole_of[order], out=gathered)
    return np.asarray(shapely.union_all(gathered[:, None], axis=1), dtype=object)


def without_holes(polygons: NDArray[np.object_]) -> NDArray[np.object_]:
    """The polygons with their holes filled, shape (n,)."""
    parts, owner = shapely.get_parts(polygons, return_index=True)
    return unions(shapely.polygons(shapely.get_exterior_ring(parts)), owner, len(polygons))


def neighbours(
    places: NDArray[np.object_],
    place_family: NDArray[np.object_],
    polygons: NDArray[np.object_],
    polygon_family: NDArray[np.object_],
) -> NDArray[np.int64]:
    """The two polygons of its own family with which each place has the longest borders, the longest first.

    Shape (n, 2), as indices in `polygons`; -1 where there is none.
    """
    place, polygon = shapely.STRtree(polygons).query(places, predicate="dwithin", distance=SNAPPING_DEGREES)
    kin = place_family[place] == polygon_family[polygon]
    place, polygon = place[kin], polygon[kin]
    # The grid brings a corner that a cut put beside an edge back onto it.
    edges = shapely.boundary(places[place]), shapely.boundary(polygons[polygon])
    lengths = shapely.length(shapely.intersection(*edges, grid_size=SNAPPING_DEGREES))
    order = np.lexsort((polygon, -lengths, place))
    order = order[lengths[order] > 0]
    place, polygon = place[order], polygon[order]
    rank = np.arange(len(place)) - np.searchsorted(place, place)
    found = np.full((len(places), 2), -1, dtype=np.int64)
    nearest = rank < 2
    found[place[nearest], rank[nearest]] = polygon[nearest]
    return found


def tiled(polygons: NDArray[np.object_], faulty: NDArray[np.bool_]) -> NDArray[np.object_]:
    """The polygons so that none overlaps and neighbours share every corner, shape (n,); an empty one has lost all land.

    ``shapely.coverage_clean`` is given the faulty ones and their neighbours, the others stay bit for bit. Land that two
    hold goes to the one with which it has the longer border. Gaps stay.
    """
    result = polygons.copy()
    chosen = faulty.copy()
    near = shapely.STRtree(polygons).query(polygons[faulty], predicate="dwithin", distance=SNAPPING_DEGREES)
    chosen[near[1]] = True
    if chosen.any():
        result[chosen] = shapely.coverage_clean(polygons[chosen], gap_width=0.0, snapping_distance=SNAPPING_DEGREES)
    return result


def cut(polygons: NDArray[np.object_], places: NDArray[np.object_], place_of: NDArray[np.int64]) -> NDArray[np.object_]:
    """The polygons less the places, shape (n,); `place_of`, shape (m,), is the polygon from which each place is to be cut."""
    result = polygons.copy()
    rows, row_of = np.unique(place_of, return_inverse=True)
    left = _places(shapely.difference(polygons[rows], unions(places, row_of, len(rows))), rows)
    for row in rows:
        parts = left.polygons[left.owner == row]
        result[row] = parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
    return result


def differ(first: NDArray[np.object_], second: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Where two polygons, shape (n,), are not the same land but for dust."""
    return flat_areas_m2(np.asarray(shapely.symmetric_difference(first, second), dtype=object)) >= DUST_M2


def _places(land: NDArray[np.object_], owner: NDArray[np.int64]) -> Places:
    # Collections of lines and multipolygons are taken apart twice.
    once, outer = shapely.get_parts(land, return_index=True)
    parts, inner = shapely.get_parts(once, return_index=True)
    row = outer[inner]
    kept = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)
    parts, row = parts[kept], row[kept]
    areas = flat_areas_m2(parts)
    counted = areas >= DUST_M2
    parts, areas = parts[counted], areas[counted]
    return Places(owner[row[counted]], parts, areas, 2 * areas / _perimeters_m(parts))


def _perimeters_m(polygons: NDArray[np.object_]) -> NDArray[np.float64]:
    """The lengths of polygons' outlines, each in the scale of its own middle: the places found are small."""
    degrees, place = shapely.get_coordinates(polygons, return_index=True)
    _, south, _, north = shapely.bounds(polygons).T
    metres = degrees * metres_per_degree((south + north) / 2)[place]
    return np.asarray(shapely.length(shapely.set_coordinates(polygons.copy(), metres)), dtype=np.float64)
