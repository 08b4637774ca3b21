"""Datums that cannot be brought to CGCS2000: of Xian 1980, Beijing 1954 and local ones PROJ takes degrees over as they are.

On another ellipsoid the same degrees lie up to some hundred metres elsewhere. Where PROJ knows a transformation, land of
other countries is where it belongs; where it knows none, it makes a "ballpark" one, which shifts nothing, without a word.
The parameters of China's older datums are not public, and differ from city to city.
"""

import re
import warnings

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.transformer import TransformerGroup

_WGS84 = 4326
_OLD_CHINESE = re.compile(r"(?<![a-z])xi.?an(?![a-z])|beijing|西安|北京", re.IGNORECASE)
_OLD_CHINESE_YEAR = re.compile(
    r"(?:xi.?an|beijing|西安|北京)\D{0,3}(?:19)?(?:80|54)(?!\d)|(?:80|54)\W?(?:西安|北京)", re.IGNORECASE
)
"""Also on another ellipsoid: a city's own system may be called after Xi'an or Beijing, but not after these years."""
_IAG_1975_M = 6_378_140.0
"""The semi-major axis on which only Xian 1980 rests."""


def on_modern_ellipsoid(crs: CRS) -> bool:
    """Whether degrees of `crs` are those of CGCS2000 to some metres or better: WGS 84, GRS 80, CGCS2000, PZ-90.

    A city's own system on the CGCS2000 ellipsoid, whose datum has no name that PROJ knows, is one of these; so is the
    sphere of Web Mercator, whose degrees are those of WGS 84 by definition.
    """
    geodetic = crs.geodetic_crs
    if geodetic is None or geodetic.ellipsoid is None:
        return False
    ellipsoid = geodetic.ellipsoid
    shape = ellipsoid.inverse_flattening
    return abs(ellipsoid.semi_major_metre - 6_378_137) <= 1 and (shape == 0 or abs(shape - 298.257) < 0.001)


def shift_unknown(crs: CRS, bounds: NDArray[np.float64]) -> bool:
    """Whether nobody says how degrees of the datum of `crs` become those of WGS 84 or CGCS2000.

    Parameters
    ----------
    crs : a system with a datum
    bounds : array of shape (4,)
        West, south, east and north in degrees, about: a transformation holds in one part of the world. Not finite where
        that is not known.

    A transformation that the declaration itself names (TOWGS84, a grid) is taken, unless it is of zeros only. Of Beijing
    1954 PROJ knows some for oil fields; they are not for cities.
    """
    if on_modern_ellipsoid(crs):
        return is_old_chinese(crs)  # which contradicts itself: nobody knows what the coordinates are
    if crs.is_bound:
        declared = crs.coordinate_operation
        return declared is None or not (
            any(declared.towgs84) or any(grid.short_name != "@null" for grid in declared.grids)
        )
    geodetic = crs.geodetic_crs
    assert geodetic is not None and geodetic.ellipsoid is not None
    if is_old_chinese(crs):
        return True
    west, south, east, north = bounds
    place = AreaOfInterest(west, south, east, north) if np.isfinite(bounds).all() else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a grid is not here: the next best is taken, and its accuracy is known
        known = TransformerGroup(
            geodetic,
            _WGS84,
            always_xy=True,
            area_of_interest=place,  # type: ignore[arg-type]  # pyproj's own stub names another class
        ).transformers
    return not known or "ballpark" in known[0].description.lower()


def is_old_chinese(crs: CRS) -> bool:
    """Whether the datum is Xian 1980, Beijing 1954 or New Beijing, under whatever name, or is only called so."""
    geodetic = crs.geodetic_crs
    if geodetic is None or geodetic.ellipsoid is None:
        return False
    names = f"{geodetic.name} {geodetic.datum.name if geodetic.datum else ''} {crs.name}"
    if on_modern_ellipsoid(crs):
        return bool(_OLD_CHINESE_YEAR.search(names))
    return bool(_OLD_CHINESE.search(names)) or abs(geodetic.ellipsoid.semi_major_metre - _IAG_1975_M) < 0.5


def datum_name(crs: CRS) -> str:
    """What a datum is called, for people; where it is called one thing and has the numbers of another, both."""
    geodetic = crs.geodetic_crs
    if geodetic is None or geodetic.datum is None:
        return crs.name
    if geodetic.ellipsoid is not None and on_modern_ellipsoid(crs) and is_old_chinese(crs):
        return f"{geodetic.name} / {geodetic.datum.name} / {geodetic.ellipsoid.name}"
    return geodetic.datum.name


def same_zone(crs: CRS) -> int | None:
    """The EPSG code of the CGCS2000 system with the projection of `crs`; None where it is no Gauss-Krüger zone of China's.

    >>> same_zone(CRS("EPSG:2361")), same_zone(CRS("EPSG:2382")), same_zone(CRS("EPSG:4610"))
    (4525, 4546, 4490)
    """
    if crs.is_bound:
        return None if crs.source_crs is None else same_zone(crs.source_crs)
    if crs.is_geographic:
        return 4490
    operation = crs.coordinate_operation
    if operation is None or not operation.method_name.startswith("Transverse Mercator"):
        return None
    values = {parameter.name: float(parameter.value) for parameter in operation.params}
    meridian, easting = values.get("Longitude of natural origin", 0.0), values.get("False easting", 0.0)
    if meridian % 3 or not 75 <= meridian <= 135 or values.get("Scale factor at natural origin") != 1:
        return None
    third, sixth = int(meridian // 3), int((meridian + 3) // 6)
    if easting == 500_000:
        return 4534 + third - 25
    if easting == third * 1_000_000 + 500_000:
        return 4513 + third - 25
    if meridian % 6 == 3 and easting == sixth * 1_000_000 + 500_000:
        return 4491 + sixth - 13
    return None
