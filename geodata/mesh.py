"""A mesh of field-like cells that tiles an area exactly, and its division into connected regions.

Neighbouring cells share their corners bit for bit, so that unions of cells tile the area exactly too.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage, sparse, spatial
from scipy.sparse import csgraph


@dataclass(frozen=True)
class Mesh:
    """n cells: polygons (degrees), centres in metres shape (n, 2), which are cut by the outline, and who neighbours whom.

    `pairs`, shape (m, 2), are the indices of cells that share an edge.
    """

    cells: NDArray[np.object_]
    centres: NDArray[np.float64]
    cut: NDArray[np.bool_]
    pairs: NDArray[np.int64]


def noise(shape: tuple[int, int], smooth: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Smooth noise over a grid with mean 0 and deviation 1; `smooth` is its width in grid steps."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape), smooth, mode="reflect")
    return np.asarray((field - field.mean()) / field.std())


def metres(points: NDArray[np.float64], origin: tuple[float, float]) -> NDArray[np.float64]:
    """Degrees as metres east and north of an origin, to a few parts in a thousand: for laying out, not for measuring."""
    return (points - origin) * [111_320 * np.cos(np.radians(origin[1])), 110_900]


def degrees(points: NDArray[np.float64], origin: tuple[float, float]) -> NDArray[np.float64]:
    """The inverse of :func:`metres`."""
    return points / [111_320 * np.cos(np.radians(origin[1])), 110_900] + origin


def mesh(outline: shapely.Polygon, width_m: float, height_m: float, rng: np.random.Generator) -> Mesh:
    """Cells of about the given size that follow a smoothly turning direction and tile the outline exactly."""
    origin = (outline.centroid.x, outline.centroid.y)
    west, south, east, north = shapely.bounds(shapely.transform(outline, lambda points: metres(points, origin)))
    margin = 2500.0
    x = np.arange(west - margin, east + margin, width_m)
    y = np.arange(south - margin, north + margin, height_m)
    shape = (len(y), len(x))
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    for smooth_m, swing_m in ((2600, 560), (900, 90)):
        for axis in (0, 1):
            step = ndimage.gaussian_filter(
                rng.standard_normal(shape),
                (smooth_m / height_m, smooth_m / width_m),
                mode="reflect",
            )
            grid[..., axis] += step / step.std() * swing_m
    grid += rng.uniform(-0.07, 0.07, grid.shape) * [width_m, height_m]
    nodes = degrees(grid, origin).round(9)
    corners = np.stack(
        [
            nodes[:-1, :-1],
            nodes[:-1, 1:],
            nodes[1:, 1:],
            nodes[1:, :-1],
            nodes[:-1, :-1],
        ],
        axis=2,
    )
    cells = shapely.polygons(corners.reshape(-1, 5, 2))
    shapely.prepare(outline)
    meets = shapely.intersects(outline, cells)
    cells = cells[meets]
    whole = shapely.contains_properly(outline, cells)
    pieces = _cut(outline, cells[~whole])
    kept = np.concatenate([cells[whole], pieces])
    cut = np.concatenate([np.zeros(whole.sum(), dtype=bool), np.ones(len(pieces), dtype=bool)])
    centres = metres(shapely.get_coordinates(shapely.centroid(kept)), origin)
    order = np.lexsort((centres[:, 0].round(2), centres[:, 1].round(2)))
    kept, cut, centres = kept[order], cut[order], centres[order]
    return Mesh(kept, centres, cut, _pairs(kept))


def _cut(outline: shapely.Polygon, cells: NDArray[np.object_]) -> NDArray[np.object_]:
    """The pieces of cells within the outline: all lines are noded together, so that pieces share their corners."""
    lines = shapely.union_all(np.concatenate([shapely.boundary(cells), [shapely.boundary(outline)]]))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inner = shapely.point_on_surface(faces)
    owner = shapely.STRtree(cells).query(inner, predicate="within")[0]
    is_piece = np.zeros(len(faces), dtype=bool)
    is_piece[owner] = True
    return np.asarray(faces[is_piece & shapely.contains(outline, inner)])


def _pairs(cells: NDArray[np.object_]) -> NDArray[np.int64]:
    points, owner = shapely.get_coordinates(shapely.get_exterior_ring(cells), return_index=True)
    same = owner[1:] == owner[:-1]
    start, end, owner = points[:-1][same], points[1:][same], owner[1:][same]
    swap = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    start[swap], end[swap] = end[swap], start[swap].copy()
    keys = np.ascontiguousarray(np.hstack([start, end])).view([("", float)] * 4).ravel()
    order = np.argsort(keys, kind="stable")
    equal = keys[order][1:] == keys[order][:-1]
    return np.column_stack([owner[order][:-1][equal], owner[order][1:][equal]])


def divide(grid: Mesh, parts: NDArray[np.int64], counts: list[int], rng: np.random.Generator) -> NDArray[np.int64]:
    """Divide each part of the mesh into `counts[part]` connected regions of like size.

    Parameters
    ----------
    parts : array of shape (n,), the part of each cell, 0 to len(counts) - 1, each connected
    counts : the number of regions of each part

    Returns
    -------
    array of shape (n,), the region of each cell: the regions of part 0 first, then those of part 1, ...
    """
    regions = np.empty(len(parts), dtype=np.int64)
    first = 0
    order = np.argsort(parts, kind="stable")
    ends = np.searchsorted(parts[order], np.arange(len(counts) + 1))
    for part, count in enumerate(counts):
        members = order[ends[part] : ends[part + 1]]
        regions[members] = first + _cluster(grid.centres[members], count, rng)
        first += count
    return connect(grid, parts, regions)


def _cluster(points: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """k-means from seeds that lie far apart; every cluster has a point."""
    seeds = points[[rng.integers(len(points))]]
    distance = np.linalg.norm(points - seeds[0], axis=1)
    for _ in range(count - 1):
        chosen = points[rng.choice(len(points), p=distance**2 / (distance**2).sum())]
        seeds = np.vstack([seeds, chosen])
        distance = np.minimum(distance, np.linalg.norm(points - chosen, axis=1))
    for _ in range(8):
        nearest = spatial.cKDTree(seeds).query(points)[1]
        sizes = np.bincount(nearest, minlength=count)
        held = sizes > 0
        for axis in (0, 1):
            sums = np.bincount(nearest, weights=points[:, axis], minlength=count)
            seeds[held, axis] = sums[held] / sizes[held]
    nearest = spatial.cKDTree(seeds).query(points)[1]
    for empty in np.flatnonzero(np.bincount(nearest, minlength=count) == 0):
        largest = np.bincount(nearest, minlength=count).argmax()
        nearest[np.flatnonzero(nearest == largest)[0]] = empty
    return np.asarray(nearest)


def connect(grid: Mesh, parts: NDArray[np.int64], regions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the stray pieces of each region to a neighbour in the same part, so that every region is connected."""
    regions = regions.copy()
    for _ in range(40):
        left, right = grid.pairs.T
        inside = regions[left] == regions[right]
        n = len(regions)
        graph = sparse.coo_matrix((np.ones(inside.sum()), (left[inside], right[inside])), shape=(n, n))
        component = csgraph.connected_components(graph, directed=False)[1]
        sizes = np.bincount(component)
        order = np.lexsort((component, -sizes[component], regions))
        _, first = np.unique(regions[order], return_index=True)
        main = np.zeros(len(sizes), dtype=bool)
        main[component[order[first]]] = True
        stray = ~main[component]
        if not stray.any():
            return regions
        both = np.vstack([grid.pairs, grid.pairs[:, ::-1]])
        leaves = stray[both[:, 0]] & ~stray[both[:, 1]] & (parts[both[:, 0]] == parts[both[:, 1]])
        if not leaves.any():
            return regions
        cells, place = np.unique(both[leaves, 0], return_index=True)
        regions[cells] = regions[both[leaves][place, 1]]
    return regions


def dissolve(cells: NDArray[np.object_], regions: NDArray[np.int64]) -> NDArray[np.object_]:
    """The union of the cells of each region, shape (number of regions,); cells must tile without overlaps."""
    order = np.argsort(regions, kind="stable")
    ends = np.searchsorted(regions[order], np.arange(regions.max() + 2))
    result = np.empty(len(ends) - 1, dtype=object)
    for region in range(len(result)):
        members = cells[order[ends[region] : ends[region + 1]]]
        merged = shapely.coverage_union_all(members)
        parts = shapely.get_parts(merged)
        result[region] = parts[0] if len(parts) == 1 else merged
    return result
