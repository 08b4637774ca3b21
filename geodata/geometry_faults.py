"""Faults of single geometries, found in bulk and said in words; and a fingerprint that tells whether two are the same."""

import hashlib
import re

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.plane import polygons_of
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
NULL_ISLAND = Kind(
    "null_island",
    "图形位于经纬度 0°, 0°（大西洋），坐标没有填对。请重新导出。",
    "The polygon lies at 0°, 0° in the Atlantic: its coordinates are missing. Export it again.",
)
NO_AREA = Kind("no_area", "图形面积为 0。请重新勾绘。", "The polygon has no area. Draw it again.")

_PLACE = re.compile(r"\[([-\d.eE+]+) ([-\d.eE+]+)\]")


def faults(geometries: NDArray[np.object_]) -> list[Problem | None]:
    """What is wrong with each geometry (degrees), None where nothing is; a list of n.

    Kinds: NO_GEOMETRY, NOT_A_POLYGON, OUT_OF_RANGE, NULL_ISLAND, CROSSES_ITSELF, NO_AREA, the first that applies.
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
    flat = valid & (shapely.area(geometries) == 0)
    for i in np.flatnonzero(empty | ~polygonal | far | nowhere | ~valid | flat):
        geometry = geometries[i]
        if empty[i]:
            found[i] = Problem(NO_GEOMETRY)
        elif not polygonal[i]:
            found[i] = Problem(NOT_A_POLYGON, type=geometry.geom_type)
        elif far[i]:
            x, y = shapely.get_coordinates(geometry)[0]
            found[i] = Problem(OUT_OF_RANGE, x=x, y=y)
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


def repair(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """The geometries made valid (``shapely.make_valid``, by structure), polygons only, shape (n,). Only when asked for."""
    mended = shapely.make_valid(geometries, method="structure", keep_collapsed=False)
    result = np.empty(len(mended), dtype=object)
    result[:] = [None if geometry is None else polygons_of(geometry) for geometry in mended]
    return result


def fingerprint(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """A text per geometry that is the same for the same land, shape (n,).

    Rings may be turned or reversed and parts reordered. Corners count to 1e-9° (0.1 mm), so that writing a file and
    reading it again, or transforming there and back, changes nothing.
    """
    array = np.asarray(geometries, dtype=object).copy()
    corners = shapely.get_coordinates(array).round(9) + 0.0
    blobs = shapely.to_wkb(shapely.normalize(shapely.set_coordinates(array, corners)), byte_order=1)
    texts = np.empty(len(blobs), dtype=object)
    texts[:] = [hashlib.sha256(blob).hexdigest() for blob in blobs]
    return texts
