"""Checks that several imports share, on whole columns at a time."""

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from farmland.imports.rows.outcome import Options, Outcome, Row
from farmland.imports.rows.shift import check_borders
from farmland.imports.rows.source import Source
from farmland.land.units import LEVELS, Unit, UnitPolygons, home_of, land_of, normal_code, polygons
from geodata.area import areas_m2
from geodata.crs import check_position
from geodata.geometry_faults import faults, fingerprint, repair
from geodata.problems import Kind, Problem
from geodata.quantity import quantity

EMPTY_FIELD = Kind(
    "empty_field",
    "“{field}”为空。请填写。",
    "“{field}” is empty. Fill it in.",
)
NOT_A_NUMBER = Kind(
    "not_a_number",
    "“{field}”的值“{text}”不是数。请只写数字，不带单位；小数点用“.”，逗号只能分隔千位（1,234.5）。",
    "“{text}” in “{field}” is no number. Write digits only, without a unit; decimals after a point, commas for thousands only "
    "(1,234.5).",
)
NOT_A_YEAR = Kind(
    "not_a_year",
    "“{text}”不是年份。请写四位数字，如 2019。",
    "“{text}” is no year. Write four digits, such as 2019.",
)
TWICE_IN_FILE = Kind(
    "twice_in_file",
    "“{value}”在本文件第 {first} 行已经出现。请删去重复的一行，或改正编号。",
    "“{value}” stands in row {first} of this file already. Remove one of the two, or correct the number.",
)
NOT_IN_UNIT = Kind(
    "not_in_unit",
    "地块（{longitude:.5f}°E {latitude:.5f}°N）不在行政单位 {code} 内。请核对单位代码和坐标系。",
    "The polygon at {longitude:.5f}°E {latitude:.5f}°N does not lie in unit {code}. Check the unit's code and the "
    "coordinate system.",
)
IN_NO_UNIT = Kind(
    "in_no_unit",
    "地块（{longitude:.5f}°E {latitude:.5f}°N）不在任何行政单位内，也没有单位代码。",
    "The polygon at {longitude:.5f}°E {latitude:.5f}°N lies in no unit, and its row names none.",
)
REPAIRED = Kind(
    "repaired",
    "{fault_zh}。已按 --repair 修复：{area_m2:,.2f} m²。",
    "{fault_en}. It was repaired, as --repair asks: {area_m2:,.2f} m².",
)
REPAIRED_TWO_WAYS = Kind(
    "repaired_two_ways",
    "{fault_zh}。已按 --repair 修复，但有两种修法：重复围起的部分算作地块为 {land_m2:,.2f} m²，算作孔洞为 {holes_m2:,.2f} m²。"
    "在有人核定之前按少的计：{area_m2:,.2f} m²。请核对，改正图形后重新导入。",
    "{fault_en}. It was repaired, as --repair asks, but there are two ways to read it: {land_m2:,.2f} m² where what it encloses "
    "twice is land, {holes_m2:,.2f} m² where that is a hole. Until somebody decides the lesser counts, {area_m2:,.2f} m²: "
    "check it, correct the polygon, and import it again.",
)


def sound_geometries(
    source: Source, options: Options, outcome: Outcome
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """The polygons and which of them are sound, shape (n,) both; the others are named in the outcome.

    With the option `repair` self-crossing polygons are made valid, each with a notice: of its area, and of both where
    there are two ways to read it.
    """
    geometries = source.geometries.copy()
    wrong = {i: fault for i, fault in enumerate(faults(geometries)) if fault is not None}
    sound = np.ones(len(geometries), dtype=bool)
    sound[list(wrong)] = False
    mending = list(wrong) if options.repair else []
    mended = repair(geometries[mending])
    areas = areas_m2(mended.geometries)
    for place, left in enumerate(faults(mended.geometries)):
        if left is None:
            i = mending[place]
            geometries[i], sound[i] = mended.geometries[place], True
            kind = REPAIRED_TWO_WAYS if mended.ambiguous[place] else REPAIRED
            words = {
                "fault_zh": wrong[i].sentence("zh").split("。")[0],  # what is wrong, without what to do
                "fault_en": wrong[i].sentence("en").split(". ")[0],
                "land_m2": float(mended.land_m2[place]),
                "holes_m2": float(mended.holes_m2[place]),
                "area_m2": float(areas[place]),
            }
            outcome.notices.append(Row(int(source.numbers[i]), "geometry", Problem(kind, **words)))
    outcome.bad.extend(Row(int(source.numbers[i]), "geometry", fault) for i, fault in wrong.items() if not sound[i])
    return geometries, sound


def numbers_of(source: Source, field: str, outcome: Outcome, default: float | None) -> NDArray[np.float64]:
    """A column of numbers, `default` (or NaN) where it is empty, shape (n,); what is no number is named."""
    text = source.text(field, "")
    values = np.full(len(text), np.nan if default is None else default)
    for i in np.flatnonzero(text != ""):
        try:
            values[i] = quantity(str(text[i]))
        except ValueError:
            values[i] = np.nan
            outcome.refuse([source.numbers[i]], field, NOT_A_NUMBER, field=field, text=text[i])
    return values


def years_of(source: Source, outcome: Outcome, default: float | None) -> NDArray[np.float64]:
    """The column of years, `default` (or NaN) where it is empty, shape (n,); what is none is named."""
    text, values = source.text("year", ""), numbers_of(source, "year", outcome, default)
    for i in np.flatnonzero(~np.isnan(values) & ~((values % 1 == 0) & (values >= 1900) & (values < 2200))):
        outcome.refuse([source.numbers[i]], "year", NOT_A_YEAR, text=text[i] or default)
    return values


def good_rows(source: Source, outcome: Outcome) -> NDArray[np.int64]:
    """The rows that nothing is wrong with so far, as places in the file."""
    return np.flatnonzero(~np.isin(source.numbers, [row.number for row in outcome.bad]))


def refuse_empty(source: Source, field: str, values: NDArray[np.object_], outcome: Outcome) -> None:
    """Name the rows in which a field is empty."""
    outcome.refuse(source.numbers[values == ""], field, EMPTY_FIELD, field=field)


def refuse_twice(source: Source, field: str, values: NDArray[np.object_], outcome: Outcome) -> None:
    """Name the rows whose value stands in an earlier row already."""
    first: dict[object, int] = {}
    if len(set(values)) == len(values):
        return
    for value, number in zip(values, source.numbers, strict=True):
        if value in first and value != "":
            outcome.refuse([number], field, TWICE_IN_FILE, value=value, first=first[value])
        else:
            first[value] = int(number)


def unit_codes(source: Source, field: str, outcome: Outcome) -> NDArray[np.object_]:
    """A column of unit codes in their normal form, "" where it is empty or wrong, shape (n,); wrong ones are named."""
    text = source.text(field, "")
    normal: dict[str, str] = {"": ""}
    wrong: dict[str, Problem] = {}
    for code in set(text) - {""}:
        try:
            normal[code] = normal_code(code)
        except Problem as problem:
            normal[code], wrong[code] = "", problem
    if wrong:
        outcome.bad.extend(
            Row(int(number), field, wrong[code])
            for code, number in zip(text, source.numbers, strict=True)
            if code in wrong
        )
    return np.array([normal[value] for value in text], dtype=object)


def prints_of(geometries: NDArray[np.object_], sound: NDArray[np.bool_]) -> NDArray[np.object_]:
    """The fingerprints of the sound polygons, "" for the others, shape (n,)."""
    prints = np.full(len(geometries), "", dtype=object)
    prints[sound] = fingerprint(geometries[sound])
    return prints


def numbers_or_prints(source: Source, prints: NDArray[np.object_], letter: str) -> NDArray[np.object_]:
    """The rows' numbers, shape (n,); where one is empty, a letter and the beginning of the polygon's fingerprint."""
    numbers = source.text("number", "")
    nameless = numbers == ""
    numbers[nameless] = [f"{letter}{text[:16]}" for text in prints[nameless]]
    return numbers


def check_whole(session: Session, source: Source, geometries: NDArray[np.object_]) -> None:
    """Raises the Problem of :func:`geodata.crs.check_position` where the file as a whole does not lie in the city."""
    home = home_of(session)
    held = geometries[~shapely.is_missing(geometries) & ~shapely.is_empty(geometries)]
    if home is not None and len(held):
        check_position(held, home, source.crs)


def lowest_units(session: Session) -> UnitPolygons:
    """The polygons of groups, or where there are none of villages, then towns, then the city."""
    for level in reversed(LEVELS):
        found = polygons(session, Unit.level == level)
        if len(found.codes):
            return found
    return UnitPolygons(np.array([], dtype=object), np.array([], dtype=object))


def place_in_units(
    session: Session,
    source: Source,
    geometries: NDArray[np.object_],
    codes: NDArray[np.object_],
    sound: NDArray[np.bool_],
    outcome: Outcome,
) -> NDArray[np.object_]:
    """The unit of each polygon: the one its row names, checked against that unit's polygon, else the one it lies in.

    A polygon lies where its inner point (``shapely.point_on_surface``) does. Units without a polygon are taken at
    their word.
    """
    codes = codes.copy()
    inner = np.full(len(geometries), None, dtype=object)
    inner[sound] = shapely.point_on_surface(geometries[sound])
    land = land_of(session, codes)
    checked = sound & ~shapely.is_missing(land)
    if checked.any():
        units = land[checked]
        check_borders(source.numbers[checked], inner[checked], units, outcome)
        held = shapely.covers(units, inner[checked])
        for i in np.flatnonzero(checked)[~held]:
            place = {"longitude": inner[i].x, "latitude": inner[i].y}
            outcome.refuse([source.numbers[i]], "unit_code", NOT_IN_UNIT, code=codes[i], **place)
    missing = np.flatnonzero(sound & (codes == ""))
    if len(missing):
        lowest = lowest_units(session)
        found = shapely.STRtree(lowest.geometries).query(inner[missing], predicate="covered_by")
        codes[missing[found[0]]] = lowest.codes[found[1]]
        for i in missing[codes[missing] == ""]:
            place = {"longitude": inner[i].x, "latitude": inner[i].y}
            outcome.refuse([source.numbers[i]], "unit_code", IN_NO_UNIT, **place)
    return codes
