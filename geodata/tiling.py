"""A mesh of brick-like quadrilaterals that tiles a polygon exactly: neighbours share their edges vertex by vertex.

The mesh is laid in strips side by side, each cut by dividers of its own, as bricks are laid in courses, and then put on
the ground by a smooth function. Three edges meet in a corner, never four, so that any set of cells that hang together
by edges has an outline that never touches itself. Cells on the polygon's outline are cut there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]


@dataclass(frozen=True)
class Edges:
    """The borders between neighbouring cells: `one[i]` and `other[i]` share a border of `length[i]` (mesh's units)."""

    one: Ints
    other: Ints
    length: Floats


@dataclass(frozen=True)
class Mesh:
    """Cells that tile a polygon.

    `cells` holds the polygons, shape (n,). `strip` is the strip that a cell lies in and `place` its place there; cells
    that were cut by the outline have strip -1. `_points` are the corners on the ground, `_low` and `_high` the index
    there of each divider's lower and upper end, by strip and place.
    """

    cells: Geometries
    strip: Ints
    place: Ints
    _points: Floats
    _low: Ints
    _high: Ints

    @cached_property
    def centres(self) -> Floats:
        """The cells' centroids, shape (n, 2)."""
        return shapely.get_coordinates(shapely.centroid(self.cells))

    @cached_property
    def edges(self) -> Edges:
        """Which cells are neighbours, found by the segments that they share."""
        coordinates, owner = shapely.get_coordinates(self.cells, return_index=True)
        _, corner = np.unique(
            np.ascontiguousarray(coordinates).view(np.complex128).ravel(),
            return_inverse=True,
        )
        inside = owner[1:] == owner[:-1]
        start, end = corner[:-1][inside], corner[1:][inside]
        length = np.hypot(*np.diff(coordinates, axis=0)[inside].T)
        keys = np.minimum(start, end) * np.int64(corner.max() + 1) + np.maximum(start, end)
        order = np.argsort(keys, kind="stable")
        twin = np.flatnonzero(np.diff(keys[order]) == 0)
        segment, partner = order[twin], order[twin + 1]
        owners = owner[:-1][inside]
        pairs = np.sort(np.column_stack([owners[segment], owners[partner]]), axis=1)
        key = pairs[:, 0] * np.int64(len(self.cells)) + pairs[:, 1]
        unique, back = np.unique(key, return_inverse=True)
        return Edges(
            unique // len(self.cells),
            unique % len(self.cells),
            np.bincount(back, weights=length[segment]),
        )

    def runs(self, first: Ints, last: Ints) -> Geometries:
        """The polygon of each run of cells from `first` to `last` (indices of whole cells in the same strip)."""
        return _rings(
            self._points,
            self._low[self.strip[first], self.place[first]],
            self._low[self.strip[last], self.place[last] + 1],
            self._high[self.strip[first], self.place[first]],
            self._high[self.strip[last], self.place[last] + 1],
        )


def tile(
    outline: shapely.Polygon,
    strips: Floats,
    dividers: Floats,
    spacing: float,
    on_ground: Callable[[Floats], Floats],
) -> Mesh:
    """Tile a polygon.

    Parameters
    ----------
    outline : the polygon, in the ground's coordinates
    strips : shape (s + 1,), ascending; strip i lies between strips[i] and strips[i + 1] (second mesh coordinate)
    dividers : shape (s, d), ascending in each row; where the strips are cut (first mesh coordinate)
    spacing : corners are put between two that are further apart along a strip (mesh's units)
    on_ground : takes mesh coordinates, shape (n, 2), to the ground; must not fold, and must cover the outline

    Returns
    -------
    Mesh, whose cells' union is the outline up to the rounding of coordinates
    """
    points, low, high = _corners(strips, dividers, spacing)
    points = on_ground(points)
    count, width = dividers.shape[0], dividers.shape[1] - 1
    strip = np.repeat(np.arange(count), width)
    place = np.tile(np.arange(width), count)
    cells = _rings(
        points, low[strip, place], low[strip, place + 1], high[strip, place], high[strip, place + 1]
    )

    ring = shapely.get_coordinates(outline.exterior)
    segments = shapely.linestrings(np.stack([ring[:-1], ring[1:]], axis=1))
    met = np.zeros(len(cells), dtype=bool)
    met[shapely.STRtree(segments).query(cells, predicate="intersects")[0]] = True
    shapely.prepare(outline)
    whole = ~met & shapely.contains_xy(outline, points[low[strip, place]])
    pieces = _cut(outline, cells[met])
    cut = np.full(len(pieces), -1)
    return Mesh(
        np.concatenate([cells[whole], pieces]),
        np.concatenate([strip[whole], cut]),
        np.concatenate([place[whole], cut]),
        points,
        low,
        high,
    )


def unions(cells: Geometries, labels: Ints, count: int) -> Geometries:
    """The union of the cells of each label 0 to `count` - 1, shape (count,). Cells must be edge-matched."""
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels, minlength=count)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    table = np.full((count, sizes.max()), None, dtype=object)
    table[labels[order], np.arange(len(labels)) - first[labels[order]]] = cells[order]
    return np.asarray(shapely.coverage_union_all(table, axis=1), dtype=object)


def polygons_of(geometries: Geometries) -> Geometries:
    """Geometries of one part as plain polygons."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    single = np.bincount(owner, minlength=len(geometries)) == 1
    result = geometries.copy()
    result[single] = parts[single[owner]]
    return result


def _corners(strips: Floats, dividers: Floats, spacing: float) -> tuple[Floats, Ints, Ints]:
    """Corners sorted along the lines between strips, with the places among them of the dividers' two ends."""
    count, width = dividers.shape
    line = np.concatenate([np.repeat(np.arange(count), width), np.repeat(np.arange(1, count + 1), width)])
    along = np.concatenate([dividers.ravel(), dividers.ravel()])
    order = np.lexsort((along, line))
    gap = np.diff(along[order])
    gap[np.diff(line[order]) != 0] = 0
    extra = np.maximum(np.ceil(gap / spacing).astype(np.int64) - 1, 0)
    total = np.concatenate([[0], np.cumsum(1 + extra)])
    place = np.empty(len(along), dtype=np.int64)
    place[order] = total  # a corner comes after all corners and extra corners before it

    points = np.empty((total[-1] + 1, 2))
    points[total] = np.column_stack([along[order], strips[line[order]]])
    before = np.repeat(np.arange(len(extra)), extra)
    step = np.arange(len(before)) - np.repeat(np.cumsum(extra) - extra, extra) + 1
    between = points[total[:-1]][before] + (
        (step / (extra[before] + 1))[:, None] * np.column_stack([gap, np.zeros(len(gap))])[before]
    )
    points[total[:-1][before] + step] = between
    ends = place.reshape(2, count, width)
    return points, ends[0], ends[1]


def _rings(points: Floats, low_start: Ints, low_end: Ints, high_start: Ints, high_end: Ints) -> Geometries:
    """Polygons that run along the lower line from start to end and back along the upper one."""
    there, back = low_end - low_start + 1, high_end - high_start + 1
    size = there + back + 1
    first = np.cumsum(size) - size
    owner = np.repeat(np.arange(len(size)), size)
    step = np.arange(size.sum()) - first[owner]
    index = np.where(
        step < there[owner], low_start[owner] + step, high_end[owner] - (step - there[owner])
    )
    index[first + size - 1] = low_start
    rings = shapely.linearrings(points[index], indices=owner)
    return np.asarray(shapely.polygons(rings), dtype=object)


def _cut(outline: shapely.Polygon, cells: Geometries) -> Geometries:
    """The parts of cells inside the outline, cut so that neighbours get the same new corners."""
    lines = np.concatenate([[outline.exterior], shapely.get_exterior_ring(cells)])
    pieces = shapely.get_parts(shapely.polygonize([shapely.union_all(lines)]))
    inner = shapely.point_on_surface(pieces)
    owned = np.zeros(len(pieces), dtype=bool)
    owned[shapely.STRtree(cells).query(inner, predicate="within")[0]] = True
    return pieces[owned & shapely.contains(outline, inner)]
