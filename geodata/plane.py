"""Cutting polygons from one another on the ellipsoid.

Areas here belong to polygons whose edges are geodesics (:mod:`geodata.area`). Were polygons cut in the plane of
longitude and latitude, a cut would put a new corner beside the geodesic edge, not on it, and the parts would not sum to
the whole (some m² for an edge of a kilometre). In the gnomonic plane every geodesic near its centre is straight, so
the cuts are made there. Corners that survive a cut keep their longitude and latitude bit for bit.
"""

from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from geodata.area import INVERSE_FLATTENING, SEMI_MAJOR_M, areas_m2

RECORD_M2 = 0.01
"""Areas are stored to this; parts that are smaller are numerical dust of a cut and are dropped."""

_GRID_DIGITS = 6
_GRID_M = 10.0**-_GRID_DIGITS
"""Cuts are made on a grid of this: a corner that a cut put beside an edge, not on it, would leave a spike of no width
there, and mending that in degrees moves the edge."""

SHORT_EDGE_M = 100.0
"""Below this length (m) it no longer matters (0.007 m² an edge) whether an edge is read as a geodesic."""


class Plane:
    """The gnomonic plane around a geometry, in which cuts are made. Good to some 100 km from its centre.

    >>> field = shapely.box(111.740, 27.260, 111.742, 27.262)
    >>> plane = Plane(field)
    >>> west = plane.intersection(field, shapely.box(111.7, 27.2, 111.741, 27.3))
    >>> east = plane.difference(field, [west])
    >>> float(areas_m2([west, east]).sum().round(3))
    43890.779
    """

    def __init__(self, around: shapely.Geometry) -> None:
        x, y = shapely.get_coordinates(shapely.centroid(shapely.envelope(around)))[0]
        # In a tenth of the time that it takes to find the same between two coordinate systems, which keep 15 digits too.
        self._transformer = Transformer.from_pipeline(
            "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
            f"+step +proj=gnom +lat_0={y:.15g} +lon_0={x:.15g} +a={SEMI_MAJOR_M} +rf={INVERSE_FLATTENING}"
        )

    def difference(self, geometry: shapely.Geometry, others: Iterable[shapely.Geometry]) -> shapely.Geometry:
        """What of `geometry` none of `others` covers. Degrees in, degrees out; polygons only."""
        flat, corners = self._flatten([geometry, *others])
        if len(flat) == 1:
            return geometry
        return self._restore(shapely.difference(flat[0], _union(flat[1:]), grid_size=_GRID_M), corners)

    def intersection(self, geometry: shapely.Geometry, other: shapely.Geometry) -> shapely.Geometry:
        """What of `geometry` `other` covers too. Degrees in, degrees out; polygons only."""
        flat, corners = self._flatten([geometry, other])
        return self._restore(shapely.intersection(flat[0], flat[1], grid_size=_GRID_M), corners)

    def union(self, geometries: Iterable[shapely.Geometry]) -> shapely.Geometry:
        """The land that any of `geometries` covers. Degrees in, degrees out; polygons only."""
        flat, corners = self._flatten(list(geometries))
        return self._restore(_union(flat), corners)

    def densified(self, geometry: shapely.Geometry) -> shapely.Geometry:
        """`geometry` with corners added along its edges, so that none is longer than :data:`SHORT_EDGE_M`.

        Area and outline stay what they are. Others who join such polygons in the plane of longitude and latitude, as
        any GIS does, then get the area that we get: an edge's two readings part by the cube of its length.
        """
        flat, corners = self._flatten([geometry])
        return self._restore(shapely.segmentize(flat[0], SHORT_EDGE_M), corners)

    def _flatten(self, geometries: list[shapely.Geometry]) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
        array = np.array(geometries, dtype=object)
        degrees = shapely.get_coordinates(array)
        flat = np.column_stack(self._transformer.transform(*degrees.T))
        flat = flat.round(_GRID_DIGITS)
        # A spike of some nanometres that is still valid in degrees may cross itself here.
        return _valid(shapely.set_coordinates(array.copy(), flat)), np.hstack([flat, degrees])

    def _restore(self, flat: shapely.Geometry, corners: NDArray[np.float64]) -> shapely.Geometry:
        kept = polygons_of(flat)
        points = shapely.get_coordinates(kept)
        if len(points) == 0:
            return kept
        x, y = points.T
        degrees = np.column_stack(self._transformer.transform(x, y, direction="INVERSE"))
        known = corners[np.lexsort((corners[:, 1], corners[:, 0]))]
        keys, wanted = _as_keys(known[:, :2]), _as_keys(points)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        same = keys[place] == wanted
        degrees[same] = known[place[same], 2:]
        whole = _valid(np.array([shapely.set_coordinates(kept, degrees)], dtype=object))[0]
        return without_dust(polygons_of(whole))


def _union(flat: NDArray[np.object_]) -> shapely.Geometry:
    return shapely.union_all(flat, grid_size=_GRID_M)


def _valid(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """The geometries, those that cross themselves mended; the land that they cover stays."""
    crossed = ~shapely.is_valid(geometries)
    if crossed.any():
        geometries[crossed] = shapely.make_valid(geometries[crossed], method="structure", keep_collapsed=False)
    return geometries


def polygons_of(geometry: shapely.Geometry) -> shapely.Geometry:
    """The polygonal part of any geometry: a polygon, a multipolygon, or an empty polygon."""
    parts = shapely.get_parts(geometry)
    while (shapely.get_type_id(parts) >= shapely.GeometryType.MULTIPOINT).any():
        parts = shapely.get_parts(parts)
    parts = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)]
    return _of_parts(parts)


def without_dust(geometry: shapely.Geometry) -> shapely.Geometry:
    """`geometry` (degrees) less its parts under :data:`RECORD_M2`."""
    parts = shapely.get_parts(geometry)
    return _of_parts(parts[areas_m2(parts) >= RECORD_M2])


def _of_parts(parts: NDArray[np.object_]) -> shapely.Geometry:
    if len(parts) == 0:
        return shapely.Polygon()
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def _as_keys(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Points as complex numbers, which NumPy sorts by x, then y."""
    return np.ascontiguousarray(points).view(np.complex128).ravel()
