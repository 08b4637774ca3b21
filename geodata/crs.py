"""Coordinate systems: what a file declares, whether its polygons then lie where they should, and what would fit.

Records are kept in EPSG:4490 (CGCS2000, longitude then latitude). WGS 84 is taken as the same: the two differ by some
centimetres, less than any survey of a plot. Axis order in files and in the definitions of EPSG:4546 and its like
(northing first) is never relied upon: x is always the easting or longitude.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from geodata.area import ELLIPSOID
from geodata.datum import datum_name, is_old_chinese, on_modern_ellipsoid, same_zone, shift_unknown
from geodata.problems import Kind, Problem

STORAGE = CRS.from_epsg(4490)
_WGS84 = CRS.from_epsg(4326)
_CRS84 = CRS.from_authority("OGC", "CRS84")  # WGS 84 with the longitude first, as GeoJSON and GeoParquet have it

UNKNOWN_CRS = Kind(
    "unknown_crs",
    "不认识坐标系“{text}”。请写 EPSG 代码，如 EPSG:4546（CGCS2000 三度带，中央经线 111°）。",
    "The coordinate system “{text}” is unknown. Write an EPSG code, such as EPSG:4546 (CGCS2000, 3-degree, 111° E).",
)
WRONG_POSITION = Kind(
    "wrong_position",
    "{count} 个图形中有 {outside} 个不在本市范围内：{where_zh}。{hint_zh}",
    "{outside} of {count} polygons do not lie in the city: {where_en}. {hint_en}",
)
NOT_OF_SYSTEM = Kind(
    "coordinates_not_of_system",
    "{count} 个图形中有 {outside} 个按 {crs} 换算不出经纬度（坐标在 {x:.1f}, {y:.1f} 一带）。{hint_zh}",
    "Read as {crs}, {outside} of {count} polygons lie nowhere on Earth (their coordinates are about {x:.1f}, {y:.1f}). "
    "{hint_en}",
)
DATUM_UNKNOWN = Kind(
    "datum_unknown",
    "{crs} 的大地基准是 {datum}，与 CGCS2000 相差可达上百米，而 PROJ 没有它到 CGCS2000 的转换参数（精度未知），图形的位置无从"
    "得知。请由持有本市转换参数的单位转换到 CGCS2000 后再导入。{hint_zh}",
    "{crs} rests on the datum {datum}, which differs from CGCS2000 by up to some 100 m, and PROJ knows no "
    "transformation to CGCS2000 (accuracy unknown): where the polygons lie cannot be known. Have the file transformed to "
    "CGCS2000 by who has the city's parameters, then import it. {hint_en}",
)
LOCAL_SYSTEM = Kind(
    "local_system",
    "{crs} 没有说明在地球上的位置，无法换算成经纬度。{hint_zh}",
    "{crs} says nothing of a place on Earth: no longitude and latitude can be made of it. {hint_en}",
)

_CANDIDATES = (4490, 4546, 4525, 4547, 4526, 4545, 4524, 4497, 4498, 32649, 32650, 3857)
_FIRST_ZONE = 4534  # CGCS2000, 3-degree, central meridian 75° E; the others follow
_ZONES = range(4513, 4555)  # the same with zone prefixes, then without
_CHINESE = (4490, *range(4491, 4555))  # all that rest on CGCS2000
_NAMES_ZH = {
    4490: "CGCS2000 经纬度",
    4524: "CGCS2000 三度带 36 带（带号）",
    4525: "CGCS2000 三度带 37 带（带号）",
    4526: "CGCS2000 三度带 38 带（带号）",
    4545: "CGCS2000 三度带，中央经线 108°",
    4546: "CGCS2000 三度带，中央经线 111°",
    4547: "CGCS2000 三度带，中央经线 114°",
    4497: "CGCS2000 六度带 19 带（带号）",
    4498: "CGCS2000 六度带 20 带（带号）",
    32649: "WGS 84 UTM 49N",
    32650: "WGS 84 UTM 50N",
    3857: "Web 墨卡托",
}


@dataclass(frozen=True)
class Fit:
    """A system in which `inside` (0 to 1) of the polygons lie at home, with x and y swapped or not."""

    epsg: int
    swapped: bool
    inside: float


def parse_crs(text: str) -> CRS:
    """A coordinate system as a user names it: EPSG:4546, 4546, or WKT. Raises UNKNOWN_CRS."""
    try:
        return CRS.from_user_input(int(text) if text.strip().isdigit() else text)
    except CRSError:
        raise Problem(UNKNOWN_CRS, text=text) from None


def same_as_storage(crs: CRS) -> bool:
    """Whether coordinates of `crs` are storage coordinates as they are: CGCS2000 or WGS 84 in degrees."""
    if not crs.is_geographic or is_old_chinese(crs):
        return False
    return crs == _CRS84 or crs.to_2d().to_epsg(min_confidence=60) in (4490, 4326)


def to_storage(geometries: NDArray[np.object_], crs: CRS, home: shapely.Geometry | None = None) -> NDArray[np.object_]:
    """Geometries of `crs` (x first) in EPSG:4490, shape (n,). Points that cannot be transformed become infinite.

    `home` (degrees) is where they should lie: refusals name the system in which they would.

    Raises LOCAL_SYSTEM, UNKNOWN_CRS for a projection that PROJ does not know, DATUM_UNKNOWN, and NOT_OF_SYSTEM where most of
    them cannot be transformed.
    """
    if same_as_storage(crs):
        return geometries
    raw = _centres_of(geometries)
    if crs.geodetic_crs is None:
        hint_zh, hint_en = _hint(raw, home, None)
        raise Problem(LOCAL_SYSTEM, crs=_name(crs), hint_zh=hint_zh, hint_en=hint_en)
    try:
        transformer = Transformer.from_crs(crs, _geographic_like(crs), always_xy=True)
    except ProjError:
        raise Problem(UNKNOWN_CRS, text=_name(crs)) from None
    moved = np.asarray(
        shapely.transform(geometries, lambda points: np.column_stack(transformer.transform(*points.T))), dtype=object
    )
    centres = _centres_of(moved)
    somewhere = np.isfinite(centres).all(axis=1)
    if shift_unknown(crs, _around(centres[somewhere])):
        hint_zh, hint_en = _hint_of_datum(raw, home, crs)
        raise Problem(DATUM_UNKNOWN, crs=_name(crs), datum=datum_name(crs), hint_zh=hint_zh, hint_en=hint_en)
    numbers = np.isfinite(raw).all(axis=1)
    lost = numbers & ~somewhere
    if lost.sum() > len(raw) / 2:
        x, y = np.median(raw[lost], axis=0)
        hint_zh, hint_en = _hint(raw[lost], home, crs)
        facts = {"count": len(raw), "outside": int(lost.sum()), "crs": _name(crs), "x": float(x), "y": float(y)}
        raise Problem(NOT_OF_SYSTEM, **facts, hint_zh=hint_zh, hint_en=hint_en)
    return moved


def _geographic_like(crs: CRS) -> CRS:
    """The system of degrees to transform to: PROJ knows no way between CGCS2000 and the datum of most other countries,
    and would take their degrees over as they are, some hundred metres off. By way of WGS 84 it knows one."""
    geodetic = crs.geodetic_crs
    chinese = (
        geodetic is not None
        and geodetic.ellipsoid is not None
        and "CGCS2000" in geodetic.ellipsoid.name.replace(" ", "")
    )
    return STORAGE if chinese else _WGS84


def fitting_systems(points: NDArray[np.float64], home: shapely.Geometry) -> list[Fit]:
    """The systems in which raw points, shape (n, 2), would lie in the home polygon (degrees); best first."""
    shapely.prepare(home)
    fits = []
    for epsg in _CANDIDATES:
        for swapped in (False, True):
            x, y = (points[:, ::-1] if swapped else points).T
            if epsg != 4490:
                x, y = Transformer.from_crs(epsg, STORAGE, always_xy=True).transform(x, y)
            finite = np.isfinite(x) & np.isfinite(y)
            inside = np.asarray(shapely.contains_xy(home, np.where(finite, x, 0), np.where(finite, y, 0))) & finite
            if inside.mean() > 0.5:
                fits.append(Fit(epsg, swapped, float(inside.mean())))
    return sorted(fits, key=lambda fit: -fit.inside)


def check_position(geometries: NDArray[np.object_], home: shapely.Geometry, crs: CRS | None) -> None:
    """Raises WRONG_POSITION when most geometries (degrees, read as `crs`) lie outside the home polygon's surroundings.

    An area stays the same in a wrong zone; only the position tells. The problem names the systems that would fit.
    """
    bounds = shapely.bounds(geometries)
    centres = _centres(bounds)
    sane = np.asarray(np.isfinite(centres).all(axis=1))
    around = shapely.box(*home.bounds).buffer(0.02)
    inside = sane & np.asarray(shapely.contains_xy(around, np.where(sane[:, None], centres, 0)))
    if inside.mean() > 0.5:
        return
    where_zh, where_en = _where(centres[~inside & sane], home, crs)
    hint_zh, hint_en = _hint(_as_in_file(centres[sane], crs), home, crs)
    raise Problem(
        WRONG_POSITION,
        count=len(geometries),
        outside=int((~inside).sum()),
        where_zh=where_zh,
        where_en=where_en,
        hint_zh=hint_zh,
        hint_en=hint_en,
    )


def _where(lost: NDArray[np.float64], home: shapely.Geometry, crs: CRS | None) -> tuple[str, str]:
    """Where centres outside of home lie, in words."""
    if len(lost) == 0:
        return "坐标不是有效的数", "their coordinates are no valid numbers"
    x, y = np.median(lost, axis=0)
    if abs(x) > 180 or abs(y) > 90:
        return (
            f"按 {_name(crs)}，坐标（{x:.4f}, {y:.4f}）不是经纬度",
            f"read as {_name(crs)} their coordinates ({x:.4f}, {y:.4f}) are no longitude and latitude",
        )
    distance_km = ELLIPSOID.inv(home.centroid.x, home.centroid.y, x, y)[2] / 1000
    return (
        f"按 {_name(crs)} 它们在 {x:.4f}°E {y:.4f}°N 一带，距本市中心 {distance_km:,.0f} km",
        f"read as {_name(crs)} they are around {x:.4f}°E {y:.4f}°N, {distance_km:,.0f} km from its centre",
    )


def hint_for(geometries: NDArray[np.object_], home: shapely.Geometry | None) -> tuple[str, str]:
    """What may be said in Chinese and English of raw geometries without a system: the one in which they lie in `home`."""
    return _hint(_centres_of(geometries), home, None)


def hint_for_degrees(geometry: shapely.Geometry, home: shapely.Geometry) -> tuple[str, str]:
    """What may be said in Chinese and English of a geometry in degrees that does not lie in `home`.

    Its axes may be exchanged, or its metres were read in the 3-degree zone in which it lies now and belong to another.
    """
    centre = _centres(shapely.bounds(np.array([geometry], dtype=object)))
    zone = _FIRST_ZONE + int(np.clip(np.round((centre[0, 0] - 75) / 3), 0, 20))
    metres = np.column_stack(Transformer.from_crs(STORAGE, zone, always_xy=True).transform(*centre.T))
    fits = fitting_systems(metres, home) if np.isfinite(metres).all() else []
    # Other projections of the same meridian move land by a kilometre: what lies beside the city is not theirs.
    fits = [fit for fit in fits if fit.epsg in _ZONES and fit.epsg != zone]
    if fits and not fits[0].swapped:
        epsg = fits[0].epsg
        return (
            f"坐标像是按 EPSG:{zone} 换算的；若原为 EPSG:{epsg}（{_NAMES_ZH[epsg]}），就在本市内：请用正确的带重新换算。",
            f"It looks as if its metres were read as EPSG:{zone}; as EPSG:{epsg} it would lie in the city: convert it anew.",
        )
    return _hint(centre, home, STORAGE)


def _centres_of(geometries: NDArray[np.object_]) -> NDArray[np.float64]:
    return _centres(shapely.bounds(geometries[~shapely.is_missing(geometries) & ~shapely.is_empty(geometries)]))


def _around(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """West, south, east and north of some places in degrees, within the world; not finite where there are none."""
    if len(centres) == 0:
        return np.full(4, np.inf)
    return np.concatenate([centres.min(axis=0), centres.max(axis=0)]).clip([-180, -90, -180, -90], [180, 90, 180, 90])


def _as_in_file(centres: NDArray[np.float64], crs: CRS | None) -> NDArray[np.float64]:
    """Places in degrees as the file had them."""
    if crs is None or same_as_storage(crs):
        return centres
    return np.column_stack(Transformer.from_crs(STORAGE, crs, always_xy=True).transform(*centres.T))


def _centres(bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    return (bounds[:, :2] + bounds[:, 2:]) / 2


def _hint(points: NDArray[np.float64], home: shapely.Geometry | None, crs: CRS | None) -> tuple[str, str]:
    """What may be said of points as the file has them, shape (n, 2), that was read as `crs`, or as nothing yet."""
    if home is None:
        return (
            "若确知坐标系，请加 --crs，如 --crs EPSG:4546。",
            "Where it is known, add --crs, such as --crs EPSG:4546.",
        )
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) == 0:
        return "坐标不是有效的数，请重新导出。", "The coordinates are no valid numbers: export the file again."
    if np.abs(points).max() < 0.01:
        return (
            "坐标为 0，没有填对，请重新导出。",
            "The coordinates are zero: export the file again.",
        )
    fits = fitting_systems(points, home)
    if not fits:
        none_zh, none_en = "已试过的坐标系都不合适", "None of the systems that were tried fits"
        # Of a file that declares nothing the refusal itself says whom to ask.
        return (
            (f"{none_zh}。", f"{none_en}.")
            if crs is None
            else (f"{none_zh}，请向数据提供者核实。", f"{none_en}: ask who made the file.")
        )
    best = fits[0]
    if best.swapped:
        return (
            f"若把 X、Y（经纬度）对调，按 EPSG:{best.epsg}（{_NAMES_ZH[best.epsg]}）就在本市内：请改正坐标顺序后重新导出。",
            f"With x and y (longitude and latitude) exchanged they would lie in it as EPSG:{best.epsg}: correct the order "
            "and export again.",
        )
    only_zh, only_en = "若确实如此", "if that is right"
    if crs is not None and not on_modern_ellipsoid(crs):
        # Another datum may be --crs's only by mistake: its coordinates are not CGCS2000's.
        only_zh = f"若坐标确是 CGCS2000 而不是 {datum_name(crs)}"
        only_en = f"if the coordinates are CGCS2000, not {datum_name(crs)}"
    return (
        f"按 EPSG:{best.epsg}（{_NAMES_ZH[best.epsg]}）就在本市内：{only_zh}，请加 --crs EPSG:{best.epsg}。",
        f"As EPSG:{best.epsg} they would lie in it: {only_en}, add --crs EPSG:{best.epsg}.",
    )


def _hint_of_datum(points: NDArray[np.float64], home: shapely.Geometry | None, crs: CRS) -> tuple[str, str]:
    """What may be said of points as the file has them, whose datum cannot be brought to CGCS2000."""
    fits = fitting_systems(points, home) if home is not None and len(points) else []
    epsg = next((fit.epsg for fit in fits if not fit.swapped and fit.epsg in _CHINESE), None) or same_zone(crs)
    if epsg is None and not is_old_chinese(crs):
        return "", ""
    wrong = _name(crs)
    return (
        f"只有当坐标本来就是 CGCS2000、仅“{wrong}”的声明写错时，才可加 --crs EPSG:{epsg or 4546}。",
        f"Only if the coordinates are CGCS2000 and the declaration “{wrong}” alone is wrong, add --crs EPSG:{epsg or 4546}.",
    )


def _name(crs: CRS | None) -> str:
    if crs is None:
        return "EPSG:4490"
    epsg = crs.to_epsg()
    return f"EPSG:{epsg}" if epsg else crs.name
