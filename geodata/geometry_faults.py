"""Faults of single geometries, found in bulk and said in words; and a fingerprint that tells whether two are the same."""

import hashlib
import re
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.area import areas_m2
from geodata.plane import RECORD_M2, polygons_of
from geodata.problems import Kind, Problem

NO_GEOMETRY = Kind(
    "empty_geometry",
    "没有图形。请补画地块，或删去这一行。",
    "There is no polygon. Draw it, or remove the row.",
)
NOT_A_POLYGON = Kind(
    "not_a_polygon",
    "图形是 {type}，不是面。请提供地块的边界面。",
    "The geometry is a {type}, no polygon. Give the plot's outline as a polygon.",
)
CROSSES_ITSELF = Kind(
    "crosses_itself",
    "边界自相交（{reason}，在 {longitude:.6f}°E {latitude:.6f}°N 附近）。请改正顶点顺序，或加 --repair 让系统修复并列出。",
    "The outline is not valid ({reason}, near {longitude:.6f}°E {latitude:.6f}°N). Correct the order of its corners, or add "
    "--repair to have it repaired and listed.",
)
OUT_OF_RANGE = Kind(
    "out_of_range",
    "坐标超出经纬度范围（{x:.1f}, {y:.1f}）。请核对坐标系。",
    "The coordinates ({x:.1f}, {y:.1f}) are no longitude and latitude. Check the coordinate system.",
)
NO_PLACE = Kind(
    "no_place_on_earth",
    "坐标不是有效的数，或按所用的坐标系换算不出经纬度。请核对坐标系后重新导出。",
    "The coordinates are no valid numbers, or the coordinate system makes no longitude and latitude of them. Check the "
    "coordinate system and export again.",
)
NULL_ISLAND = Kind(
    "null_island",
    "图形位于经纬度 0°, 0°（大西洋），坐标没有填对。请重新导出。",
    "The polygon lies at 0°, 0° in the Atlantic: its coordinates are missing. Export it again.",
)
NO_AREA = Kind("no_area", "图形面积为 0。请重新勾绘。", "The polygon has no area. Draw it again.")

_PLACE = re.compile(r"\[([-\d.eE+]+) ([-\d.eE+]+)\]")


def faults(geometries: NDArray[np.object_]) -> list[Problem | None]:
    """What is wrong with each geometry (degrees), None where nothing is; a list of n.

    Kinds: NO_GEOMETRY, NOT_A_POLYGON, NO_PLACE, OUT_OF_RANGE, NULL_ISLAND, CROSSES_ITSELF, NO_AREA, the first that
    applies.
    """
    geometries = np.asarray(geometries, dtype=object)
    found: list[Problem | None] = [None] * len(geometries)
    if len(geometries) == 0:
        return found
    empty = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    types = shapely.get_type_id(geometries)
    polygonal = np.isin(types, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    west, south, east, north = shapely.bounds(geometries).T
    far = ~empty & ~((west >= -180) & (east <= 180) & (south >= -90) & (north <= 90))
    nowhere = ~empty & (np.abs([west, south, east, north]).max(axis=0) < 0.01)
    valid = shapely.is_valid(geometries)
    flat = np.zeros(len(geometries), dtype=bool)
    flat[valid] = shapely.area(geometries[valid]) == 0
    for i in np.flatnonzero(empty | ~polygonal | far | nowhere | ~valid | flat):
        geometry = geometries[i]
        if empty[i]:
            found[i] = Problem(NO_GEOMETRY)
        elif not polygonal[i]:
            found[i] = Problem(NOT_A_POLYGON, type=geometry.geom_type)
        elif far[i]:
            corners = shapely.get_coordinates(geometry)
            if np.isfinite(corners).all():
                # The farthest corner: the first may be as it should.
                x, y = corners[np.abs(corners / [180, 90]).max(axis=1).argmax()]
                found[i] = Problem(OUT_OF_RANGE, x=x, y=y)
            else:
                found[i] = Problem(NO_PLACE)
        elif nowhere[i]:
            found[i] = Problem(NULL_ISLAND)
        elif not valid[i]:
            reason = shapely.is_valid_reason(geometry)
            place = _PLACE.search(reason)
            x, y = (float(place[1]), float(place[2])) if place else shapely.get_coordinates(geometry)[0]
            found[i] = Problem(
                CROSSES_ITSELF,
                reason=reason.split("[")[0].strip(),
                longitude=x,
                latitude=y,
            )
        else:
            found[i] = Problem(NO_AREA)
    return found


@dataclass(frozen=True)
class Mended:
    """n geometries made valid, as arrays of shape (n,).

    `geometries` are polygons and multipolygons, empty where nothing with an area is left, None where there was none or its
    coordinates are no numbers.
    `land_m2` is their area where all that an outline encloses is taken for land, `holes_m2` where what it encloses twice
    is taken for a hole; both in m². Equal but for digits where there is only one way to read the outline.
    """

    geometries: NDArray[np.object_]
    land_m2: NDArray[np.float64]
    holes_m2: NDArray[np.float64]

    @property
    def ambiguous(self) -> NDArray[np.bool_]:
        """Where the two ways part by more than what areas are stored to."""
        return np.abs(self.land_m2 - self.holes_m2) > RECORD_M2


def repair(geometries: NDArray[np.object_]) -> Mended:
    """The geometries (degrees) made valid, of what an outline may mean the less: no land is invented. Only when asked for.

    An outline that runs over its own land can be read in two ways (``shapely.make_valid``): by structure, outer rings
    are joined and inner ones cut from them, so that a hole drawn as a second outer ring counts as land; by linework,
    what is enclosed twice is no land, so that a hole which reaches over the edge becomes land outside. Land is what
    both ways take for land, which nearly always is the smaller of the two. Lines and points that remain are dropped.
    """
    geometries = np.asarray(geometries, dtype=object).copy()
    corners, owner = shapely.get_coordinates(geometries, return_index=True)
    geometries[owner[~np.isfinite(corners).all(axis=1)]] = None
    joined = _polygons_of(shapely.make_valid(geometries, method="structure", keep_collapsed=False))
    crossed = _polygons_of(shapely.make_valid(geometries, method="linework"))
    land_m2, holes_m2 = areas_m2(joined), areas_m2(crossed)
    chosen = np.where(holes_m2 < land_m2 - RECORD_M2, crossed, joined)
    other = np.where(holes_m2 < land_m2 - RECORD_M2, joined, crossed)
    # Where neither lies in the other, the smaller too has land that is none in the other.
    part = (np.abs(land_m2 - holes_m2) > RECORD_M2) & (areas_m2(shapely.difference(chosen, other)) > RECORD_M2)
    chosen[part] = _polygons_of(shapely.intersection(chosen[part], other[part]))
    return Mended(chosen, land_m2, holes_m2)


def _polygons_of(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    result = np.empty(len(geometries), dtype=object)
    result[:] = [None if geometry is None else polygons_of(geometry) for geometry in geometries]
    return result


def fingerprint(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """A text per geometry that is the same for the same land, shape (n,).

    Rings may be turned or reversed, parts reordered and corners repeated. Corners count to 1e-9° (0.1 mm), so that
    writing a file and reading it again, or transforming there and back, changes nothing.
    """
    array = np.asarray(geometries, dtype=object).copy()
    corners = shapely.get_coordinates(array).round(9) + 0.0
    array = _without_repeats(shapely.set_coordinates(array, corners))
    blobs = shapely.to_wkb(shapely.normalize(array), byte_order=1)
    texts = np.empty(len(blobs), dtype=object)
    texts[:] = [hashlib.sha256(blob).hexdigest() for blob in blobs]
    return texts


def _without_repeats(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """The geometries without corners that repeat the one before; as they are where that would leave a ring no area."""
    corners, owner = shapely.get_coordinates(geometries, return_index=True)
    x, y = corners.T
    repeats = (x[1:] == x[:-1]) & (y[1:] == y[:-1]) & (owner[1:] == owner[:-1])
    rows = np.unique(owner[1:][repeats])
    if len(rows) == 0:
        return geometries
    parts, part_owner = shapely.get_parts(geometries[rows], return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    steps = (points[1:] != points[:-1]).any(axis=1) & (ring[1:] == ring[:-1])
    collapsed = np.bincount(ring[1:][steps], minlength=len(rings)) < 3
    rows = np.delete(rows, np.unique(part_owner[ring_part[collapsed]]))
    geometries[rows] = shapely.remove_repeated_points(geometries[rows], 0.0)
    return geometries
