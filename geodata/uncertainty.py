"""How well an area is known: the standard uncertainty of polygons' areas from their corners' position accuracies.

First-order propagation (JCGM 100:2008, 5.1.2 and 5.2.2) through the area of a polygon: where corner i moves by a small
``d``, the area changes by ``½ |d × (v[i+1] - v[i-1])|``. For corners with independent errors of the standard deviation
``σ[i]`` on each axis the variance of the area is thus ``¼ Σ σ[i]² |v[i+1] - v[i-1]|²`` (Chrisman & Yandell, "Effects of
point error on area calculations", Surveying and Mapping 48, 1988; Ghilani, Adjustment Computations, ch. 6). An error
that all corners have in common moves the polygon as a whole and drops out.

Corners close to one another, such as the fixes of a walk, have errors that are alike. Taken as independent they would
make an area the better known the more often the phone writes down where it is; hence `correlation_m`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.scale import metres_per_degree

TOUCH_M = 0.05
"""A net boundary within this of a claim's own edge lies on it: cuts keep to the geodesic, which leaves the straight line
in degrees by 0.01 m on an edge of a kilometre and by 0.05 m on one of two."""

_TOUCH_DEGREES = 2e-6  # more than TOUCH_M in degrees of longitude, up to 75° of latitude
_LEAST_REACH_M = 1e-3  # no two corners of a plot are closer


def axis_sigma_m(radius_m: Any, share: float = 0.68) -> Any:
    """The standard deviation on each axis (m) of positions of which a `share` lies within `radius_m` of the truth.

    For circularly normal errors the distance is Rayleigh distributed: ``share = 1 - exp(-r² / 2σ²)``. A phone's accuracy
    is the radius of 68 % (android.location.Location.getAccuracy), which is 1.510 σ. Scalars and arrays.

    >>> round(float(axis_sigma_m(5.0)), 3)
    3.312
    """
    return radius_m / np.sqrt(-2 * np.log(1 - share))


def area_uncertainty_m2(geometries: Any, sigma_m: Any, correlation_m: Any = 0.0) -> NDArray[np.float64]:
    """The standard uncertainty (1 σ) of the areas of polygons and multipolygons in degrees (EPSG:4490).

    Parameters
    ----------
    geometries : array of shape (n,)
        Holes count as the outline does. What has no area (missing, empty, points, lines) has the uncertainty 0.
    sigma_m : shape (), (n,) or (v,)
        The standard deviation of a corner's position on each axis in metres, see :func:`axis_sigma_m`: of all, per
        geometry, or per vertex in the order of ``shapely.get_coordinates(geometries)``, where the value of a ring's
        closing vertex is not looked at. NaN, where it is not known, gives NaN.
    correlation_m : shape () or (n,)
        The distance along the boundary at which two errors on a ring still have the correlation 1/e (exponential). 0:
        corners measured each on its own. Infinite: an error common to the whole ring, which changes no area. Rings are
        independent of one another.

    Returns
    -------
    array of float64, shape (n,), m². Raises ValueError where `sigma_m` has another shape.

    >>> field = shapely.box(111.740, 27.260, 111.742, 27.262)
    >>> area_uncertainty_m2([field], axis_sigma_m(5.0)).round(1)
    array([984.4])
    """
    geometries = np.asarray(geometries, dtype=object)
    outline = _outline(geometries)
    half = np.full(len(outline.owner), 0.5)
    return _propagated(geometries, outline, half, half, sigma_m, correlation_m)


def net_uncertainty_m2(gross: Any, net: Any, sigma_m: Any, correlation_m: Any = 0.0) -> NDArray[np.float64]:
    """The standard uncertainty (1 σ) of what is left of polygons after cuts whose own lines are taken as fixed.

    Only the stretches of a polygon's own edges that still bound what is left move its area. With ``u`` the place along
    an edge (0 to 1), a stretch moves by ``1 - u`` of the edge's first corner and ``u`` of its last, which gives each
    corner the integral of that over the stretches kept. Where all is kept, this is :func:`area_uncertainty_m2`.

    Parameters
    ----------
    gross, net : arrays of shape (n,)
        Polygons as measured, with no corners but those measured, and what is left of each, which may be empty.
    sigma_m, correlation_m : as in :func:`area_uncertainty_m2`, of the corners of `gross`

    Returns
    -------
    array of float64, shape (n,), m²
    """
    gross, net = np.asarray(gross, dtype=object), np.asarray(net, dtype=object)
    outline = _outline(gross)
    first, last = _kept(outline, _outline(net))
    return _propagated(gross, outline, first, last, sigma_m, correlation_m)


def combined(uncertainties: Any) -> float:
    """The standard uncertainty of a sum of areas measured independently: the root of the sum of the squares.

    >>> combined([300.0, 400.0])
    500.0
    """
    return float(np.sqrt(np.sum(np.square(np.asarray(uncertainties, dtype=float)))))


@dataclass(frozen=True)
class _Outline:
    """The e edges of the rings of many polygons, each named by the vertex where it starts."""

    owner: NDArray[np.int64]  # the geometry's index
    vertex: NDArray[np.int64]  # the index in shapely.get_coordinates of all geometries
    start: NDArray[np.float64]  # (e, 2), degrees
    end: NDArray[np.float64]
    first: NDArray[np.int64]  # the first edge of the ring
    size: NDArray[np.int64]  # the number of the ring's edges

    @property
    def scale(self) -> NDArray[np.float64]:
        return metres_per_degree((self.start[:, 1] + self.end[:, 1]) / 2)

    @property
    def step_m(self) -> NDArray[np.float64]:
        return (self.end - self.start) * self.scale


def _outline(geometries: NDArray[np.object_]) -> _Outline:
    parts, part_owner = shapely.get_parts(geometries, return_index=True)
    polygonal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    vertex = np.flatnonzero(np.repeat(polygonal, shapely.get_num_coordinates(parts)))
    rings, ring_part = shapely.get_rings(parts[polygonal], return_index=True)
    degrees, ring = shapely.get_coordinates(rings, return_index=True)
    edge = ring[1:] == ring[:-1]
    ring = ring[:-1][edge]
    sizes = np.bincount(ring, minlength=len(rings))
    firsts = np.cumsum(sizes) - sizes
    owner = part_owner[polygonal][ring_part][ring]
    return _Outline(owner, vertex[:-1][edge], degrees[:-1][edge], degrees[1:][edge], firsts[ring], sizes[ring])


def _propagated(
    geometries: NDArray[np.object_],
    outline: _Outline,
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    sigma_m: Any,
    correlation_m: Any,
) -> NDArray[np.float64]:
    """The root of the area's variance, from the weights with which each edge moves with its first and its last corner."""
    edges = np.arange(len(outline.owner))
    before = outline.first + (edges - outline.first - 1) % outline.size
    moved = first[:, None] * outline.step_m + (last[:, None] * outline.step_m)[before]
    moved *= _per_corner(geometries, outline, sigma_m)[:, None]
    variance = np.bincount(outline.owner, (moved**2).sum(axis=1), minlength=len(geometries))

    reach = np.broadcast_to(np.asarray(correlation_m, dtype=float), len(geometries))[outline.owner]
    length = np.hypot(*outline.step_m.T)
    along = np.cumsum(length) - length
    ring = np.searchsorted(np.unique(outline.first), outline.first)
    around = np.bincount(ring, length)[ring] if len(ring) else length
    live = edges[reach >= _LEAST_REACH_M]
    for lag in range(1, int(outline.size[live].max(initial=1))):
        live = live[outline.size[live] > lag]
        other = outline.first[live] + (live - outline.first[live] + lag) % outline.size[live]
        apart = np.abs(along[other] - along[live])
        apart = np.minimum(apart, around[live] - apart)
        shared = (moved[live] * moved[other]).sum(axis=1) * np.exp(-apart / reach[live])
        variance += np.bincount(outline.owner[live], shared, minlength=len(geometries))
    return np.asarray(np.sqrt(np.maximum(variance, 0)))


def _per_corner(geometries: NDArray[np.object_], outline: _Outline, sigma_m: Any) -> NDArray[np.float64]:
    sigma = np.asarray(sigma_m, dtype=float)
    if sigma.shape in ((), (len(geometries),)):
        return np.broadcast_to(sigma, len(geometries))[outline.owner]
    vertices = shapely.get_num_coordinates(geometries).sum()
    if sigma.shape != (vertices,):
        raise ValueError(f"sigma_m has the shape {sigma.shape}; ({len(geometries)},) or ({vertices},) are meant")
    return sigma[outline.vertex]


def _kept(own: _Outline, left: _Outline) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What is left of each own edge, as the integrals of ``1 - u`` and of ``u`` over the stretches in `left`'s boundary."""
    tree = shapely.STRtree(shapely.linestrings(np.stack([own.start, own.end], axis=1)))
    middles = shapely.points((left.start + left.end) / 2)
    piece, edge = tree.query(middles, predicate="dwithin", distance=_TOUCH_DEGREES)
    same = left.owner[piece] == own.owner[edge]
    piece, edge = piece[same], edge[same]

    step, scale = own.step_m[edge], own.scale[edge]
    length = np.hypot(*step.T)
    places = []
    on_edge = length > 0
    for corner in (left.start[piece], left.end[piece]):
        offset = (corner - own.start[edge]) * scale
        with np.errstate(invalid="ignore", divide="ignore"):
            places.append((offset * step).sum(axis=1) / length**2)
            on_edge &= np.abs(offset[:, 0] * step[:, 1] - offset[:, 1] * step[:, 0]) / length <= TOUCH_M
    low, high = np.clip(np.sort(places, axis=0), 0, 1)
    width, last = high - low, (high**2 - low**2) / 2
    first, last = (np.bincount(edge[on_edge], part[on_edge], len(own.owner)) for part in (width - last, last))
    return first.astype(np.float64), last.astype(np.float64)
