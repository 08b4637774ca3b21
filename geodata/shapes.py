"""Geometries in, from well-known binary: one that cannot be read costs its own row, curves are straightened and told."""

import io
import re
import warnings

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError

from geodata.problems import Kind, Problem
from geodata.remarks import Remark

STRAIGHTENED = Kind(
    "curve_straightened",
    "边界中有圆弧，已改成折线（每 0.5° 一个点）；面积按折线计算。",
    "The outline has arcs. They were made straight lines, with a corner each 0.5°; the area is that of these lines.",
)
RING_OPEN = Kind(
    "ring_open",
    "边界没有闭合：首尾两点不是同一点。请闭合后重新导出。",
    "The outline is not closed: its last corner is not its first one. Close it and export it again.",
)
SHAPE_UNREADABLE = Kind(
    "shape_unreadable",
    "图形无法读取（{reason}）。请改正后重新导出。",
    "The shape cannot be read ({reason}). Correct it and export it again.",
)
NOT_FINITE = Kind(
    "coordinate_not_finite",
    "坐标中有不是数的值（NaN 或无穷大）。请改正后重新导出。",
    "A coordinate is no number (NaN or infinite). Correct it and export it again.",
)

_STEP = {"OGR_ARC_STEPSIZE": "0.5"}  # degrees of an arc; the chords of a circle then enclose 1e-5 less than it does
_COLLECTION = 7  # of the types; those after it are curves and surfaces
_ARC = re.compile(
    rb"\x01(?:\x08\0|\xf0\x03|\xd8\x07|\xc0\x0b)\0[\0\x80]|\0[\0\x80]\0(?:\0\x08|\x03\xf0|\x07\xd8|\x0b\xc0)"
)
"""The head of a circular string: with or without heights and measures, in either order of bytes."""


def geometries_of(blobs: pa.ChunkedArray | pa.Array) -> tuple[NDArray[np.object_], list[Remark]]:
    """Geometries from well-known binary, in two dimensions, shape (n,); None where there is none or it cannot be read.

    The remarks count rows from 1. Kinds: STRAIGHTENED; RING_OPEN, SHAPE_UNREADABLE, NOT_FINITE, which are bad.
    """
    values = np.empty(len(blobs), dtype=object)
    values[:] = blobs.to_pylist()
    remarks = []
    types = _types(values)
    places = np.flatnonzero(types >= _COLLECTION)
    places = places[[types[place] > _COLLECTION or bool(_ARC.search(values[place])) for place in places]]
    if len(places):
        straight = _straight(values[places])
        for place, blob in zip(places, straight, strict=True):
            if blob is None:
                remarks.append(
                    Remark(Problem(SHAPE_UNREADABLE, reason=f"WKB {types[place]}"), int(place) + 1, bad=True)
                )
            elif _ARC.search(values[place]):
                remarks.append(Remark(Problem(STRAIGHTENED), int(place) + 1, "geometry"))
        values[places] = straight
    with np.errstate(invalid="ignore"):
        geometries = np.asarray(shapely.from_wkb(values, on_invalid="ignore"), dtype=object)
        if shapely.has_z(geometries).any() or shapely.has_m(geometries).any():
            geometries = shapely.force_2d(geometries)
        given = np.array([value is not None for value in values], dtype=bool)
        for place in np.flatnonzero(shapely.is_missing(geometries) & given):
            remarks.append(Remark(_fault(values[place]), int(place) + 1, bad=True))
        corners, owner = shapely.get_coordinates(geometries, return_index=True)
        for place in np.unique(owner[~np.isfinite(corners).all(axis=1)]):
            geometries[place] = None
            remarks.append(Remark(Problem(NOT_FINITE), int(place) + 1, bad=True))
    return geometries, remarks


def _types(values: NDArray[np.object_]) -> NDArray[np.int64]:
    """The types that the heads of the binaries name, without their dimensions, 0 where there is none; shape (n,)."""
    heads = np.array([b"" if value is None else value[:5] for value in values], dtype="S5")
    parts = heads.view(np.uint8).reshape(-1, 5).astype(np.int64)
    weights = 256 ** np.arange(4)
    codes = np.where(parts[:, 0] == 1, parts[:, 1:] @ weights, parts[:, 1:] @ weights[::-1])
    return np.where(heads == b"", 0, (codes & 0x1FFFFFFF) % 1000)


def _straight(blobs: NDArray[np.object_]) -> NDArray[np.object_]:
    """Curves as straight lines, by GDAL, which makes them so for a format that has none; None where it cannot."""
    try:
        return _through_geojson(blobs)
    except Exception:  # one of them; GDAL's errors are of many kinds
        if len(blobs) == 1:
            return np.array([None], dtype=object)
        parts = [_straight(blobs[place : place + 1]) for place in range(len(blobs))]
        return np.concatenate(parts)


def _through_geojson(blobs: NDArray[np.object_]) -> NDArray[np.object_]:
    memory = io.BytesIO()
    pyogrio.set_gdal_config_options(_STEP)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the coordinates' system does not matter here
            form = {"driver": "GeoJSON", "layer": "curves", "geometry_type": "Unknown", "COORDINATE_PRECISION": 17}
            pyogrio.raw.write(memory, geometry=blobs, field_data=[], fields=[], crs=None, **form)
    finally:
        pyogrio.set_gdal_config_options(dict.fromkeys(_STEP))
    result = pyogrio.raw.read(memory.getvalue())[2]
    if len(result) != len(blobs):
        raise ValueError(len(result))
    return result


def _fault(blob: bytes) -> Problem:
    try:
        shapely.from_wkb(blob)
    except (ShapelyError, NotImplementedError) as error:
        reason = str(error).removeprefix("IllegalArgumentException: ").removeprefix("ParseException: ")
        if "closed" in reason:
            return Problem(RING_OPEN)
        return Problem(SHAPE_UNREADABLE, reason=reason)
    return Problem(SHAPE_UNREADABLE, reason="WKB")
