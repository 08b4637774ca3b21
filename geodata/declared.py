"""What files declare of their coordinate system, where GDAL would pass over it or break off."""

import json
from typing import Any

import orjson
from pyproj import CRS
from pyproj.exceptions import ProjError

from geodata.datasets import Dataset
from geodata.problems import Kind, Problem

PRJ_NOT_UTF8 = Kind(
    "prj_not_utf8",
    "{file} 里的文字不是 UTF-8，读不出坐标系。请把它另存为 UTF-8；或移走这个文件，用 --crs 指明坐标系。",
    "The text in {file} is not UTF-8, so that the coordinate system cannot be read. Save it in UTF-8; or take the file away and "
    "name the system with --crs.",
)


def require_readable_prj(dataset: Dataset) -> None:
    """Raises PRJ_NOT_UTF8: pyogrio breaks off at other text in it."""
    prj = dataset.beside(".prj") if dataset.ending in (".shp", ".dbf") else None
    if prj is None:
        return
    try:
        dataset.read(prj).decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(PRJ_NOT_UTF8, file=prj) from None


def known_system(declared: Any) -> CRS | None:
    """The system that a name, a code, WKT or PROJJSON stands for, None where it is none that is known."""
    try:
        return CRS.from_user_input(declared)
    except ProjError:
        return None


def declared_system(dataset: Dataset, recoded: bytes | None, read: str | None) -> tuple[CRS | None, str | None]:
    """The system that a file declares, where GDAL `read` this one; and what it declares where that is no known one.

    GDAL takes a GeoJSON whose `crs` it does not understand for WGS 84. Without the member it is WGS 84 (RFC 7946); `null`, of
    the GeoJSON of 2008, means that none may be assumed.
    """
    if dataset.ending in (".geojson", ".json"):
        data = dataset.read(dataset.member) if recoded is None else recoded
        document = _json(data) if b'"crs"' in data else None
        if isinstance(document, dict) and "crs" in document:
            return _of_geojson(document["crs"])
    if read:
        system = known_system(read)
        return system, None if system else read[:80]
    prj = dataset.beside(".prj") if dataset.ending == ".shp" else None
    text = "" if prj is None else dataset.read(prj).decode("utf-8", "replace").strip()
    return None, text[:80] or None


def _of_geojson(declared: Any) -> tuple[CRS | None, str | None]:
    if declared is None:
        return None, None
    properties = declared.get("properties") if isinstance(declared, dict) else None
    named = properties if isinstance(properties, dict) else {}
    system = known_system(named.get("name") or named.get("code") or "") if "href" not in named else None
    return system, None if system else str(declared)[:80]


def _json(data: bytes) -> Any:
    """A document, None where it is none; numbers without end are taken, as GDAL takes them."""
    for loads in (orjson.loads, json.loads):
        try:
            return loads(data)
        except (ValueError, RecursionError):
            continue
    return None
