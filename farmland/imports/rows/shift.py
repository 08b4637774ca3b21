"""Files in the shifted coordinates of Chinese web maps (GCJ-02), found out before anything is written.

A shift of some 660 m leaves areas and shapes as they are. Two things tell it: the same polygons are here already, each
just that far away; and polygons leave the units that their rows name, and come back when the shift is undone. What is
beyond doubt refuses the whole file; what may be chance is told.
"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from farmland.imports.rows.outcome import Outcome, Row
from farmland.imports.rows.source import Source
from farmland.land.baseline import BaselinePatch
from farmland.land.designations import DesignatedArea
from farmland.land.plots import Plot
from farmland.land.units import Unit, land_of
from farmland.records.database import Base, table_of
from farmland.restoration.claims import Claim
from farmland.restoration.findings import Finding
from geodata.column import BoundsMeet, decode, raw
from geodata.gcj02 import from_gcj02, to_gcj02
from geodata.guise import Copies, shifted_copies
from geodata.problems import Kind, Problem
from geodata.scale import metres_per_degree

_WHAT = (
    "与已有的{what_zh}形状相同，偏东 {east_m:+,.0f} m、偏北 {north_m:+,.0f} m，正是火星坐标（GCJ-02）的偏移（如第 {row} 行与"
    "{what_zh} {other}）",
    "the shape of {what_en} that are here already, {east_m:+,.0f} m east and {north_m:+,.0f} m north of them: just the shift "
    "of GCJ-02 (such as row {row} and {other})",
)
SHIFTED_COPIES = Kind(
    "gcj02_copies",
    f"可比的 {{compared}} 个图形中有 {{count}} 个{_WHAT[0]}：文件是网络地图坐标，同一块地会登记两次。没有写入任何内容；请先纠偏、"
    "转换到 CGCS2000 再导入。",
    f"{{count}} of {{compared}} polygons that can be compared have {_WHAT[1]}. The file is in the coordinates of a web map, and "
    "the same land would be here twice. Nothing was written: convert the file to CGCS2000 first, then import it.",
    "conflict",
)
MAYBE_COPIES = Kind(
    "gcj02_copies_perhaps",
    f"本文件有 {{count}} 个图形{_WHAT[0]}：可能是同一块地换了坐标再次登记（第 {{rows}} 行）。请核对坐标来源。",
    f"{{count}} polygons of this file have {_WHAT[1]}: they may be the same land once more in shifted coordinates (rows "
    "{rows}). Check where the coordinates come from.",
)
SHIFTED_RECORDS = Kind(
    "gcj02_records",
    "已有的{what_zh}有 {count} 个与本文件的图形同形，偏东 {east_m:+,.0f} m、偏北 {north_m:+,.0f} m，正是火星坐标（GCJ-02）的偏移"
    "（如第 {row} 行与{what_zh} {other}）：已有的可能是按网络地图坐标导入的。请核对，同一块地不要登记两次（第 {rows} 行）。",
    "{count} {what_en} that are here already have the shape of polygons of this file, {east_m:+,.0f} m east and "
    "{north_m:+,.0f} m north of them: just the shift of GCJ-02 (such as row {row} and {other}). They may have come in the "
    "coordinates of a web map: check it, so that no land is here twice (rows {rows}).",
)
_BORDERS = (
    "{count} 个图形（共 {compared} 个可比）不在所注明的行政单位内；按火星坐标（GCJ-02）纠偏（此处偏东 {east_m:+,.0f} m、偏北 "
    "{north_m:+,.0f} m）后只有 {left} 个不在其内",
    "{count} of {compared} polygons do not lie in the units that their rows name; with the shift of GCJ-02 undone "
    "({east_m:+,.0f} m east, {north_m:+,.0f} m north here) {left} of them do not",
)
SHIFTED_OUT = Kind(
    "gcj02_outside_units",
    f"{_BORDERS[0]}：文件是网络地图坐标。没有写入任何内容；请先纠偏、转换到 CGCS2000 再导入。",
    f"{_BORDERS[1]}. The file is in the coordinates of a web map. Nothing was written: convert it to CGCS2000 first, then "
    "import it.",
)
MAYBE_SHIFTED_OUT = Kind(
    "gcj02_outside_units_perhaps",
    f"{_BORDERS[0]}：请核对坐标是否取自网络地图，或单位代码是否有误。",
    f"{_BORDERS[1]}. Check whether the coordinates come from a web map, or the units' codes are wrong.",
)

_COMPARED: dict[str, tuple[type[Base], ...]] = {
    "units": (Unit,),
    "plots": (Plot, BaselinePatch),
    "baseline": (BaselinePatch, Plot),
    "designations": (DesignatedArea,),
    "findings": (Finding, Claim),
}
"""What the polygons of a file are compared with. Claims are judged one by one, by their rules."""

_NAMES: dict[type[Base], tuple[str, str]] = {
    Unit: ("行政单位", "units"),
    Plot: ("责任田", "plots"),
    BaselinePatch: ("基期图斑", "baseline patches"),
    DesignatedArea: ("划定区域", "designated areas"),
    Finding: ("问题线索", "findings"),
    Claim: ("恢复申报", "claims"),
}
_AT_ONCE = 5_000
"""A file of more rows is first looked at in some places only; if there is nothing there, it is not shifted."""
_PLACES = 32
_AROUND_M = 300.0
_FARTHEST_DEGREES = 0.012  # no place is shifted by more than some 1,000 m
_SEVERAL = 3
_SHOWN = 10


def check_copies(
    session: Session, source: Source, geometries: NDArray[np.object_], sound: NDArray[np.bool_], outcome: Outcome
) -> None:
    """Compare the sound polygons of a file with records as they would be in GCJ-02, and the other way round.

    Raises SHIFTED_COPIES where at least half of those that lie on a record, once the shift is undone, are beyond doubt that
    record, shifted. Fewer, or such as may be chance, are told: MAYBE_COPIES; so are records that are this file's polygons,
    shifted: SHIFTED_RECORDS.
    """
    rows = np.flatnonzero(sound)
    for model in _COMPARED[source.noun] if len(rows) else ():
        if len(rows) > _AT_ONCE:
            some, boxes = _some_places(geometries, rows)
            _, held = _held(session, model, boxes)
            if not any(len(found.candidate) for found in _both_ways(geometries[some], held)):
                continue
        bounds = shapely.total_bounds(geometries[rows]) + _FARTHEST_DEGREES * np.array([-1, -1, 1, 1])
        names, held = _held(session, model, [bounds])
        copies, records = _both_ways(geometries[rows], held)
        facts = {"what_zh": _NAMES[model][0], "what_en": _NAMES[model][1]}
        if len(copies.candidate):
            _tell(MAYBE_COPIES, copies, source.numbers[rows[copies.candidate]], names[copies.other], facts, outcome)
        if len(records.candidate):
            _tell(
                SHIFTED_RECORDS, records, source.numbers[rows[records.other]], names[records.candidate], facts, outcome
            )


def _tell(
    kind: Kind, found: Copies, numbers: NDArray[Any], names: NDArray[Any], facts: dict[str, Any], outcome: Outcome
) -> None:
    order = np.argsort(numbers, kind="stable")
    listed = ", ".join(str(number) for number in numbers[order][:_SHOWN])
    facts = facts | {
        "count": len(numbers),
        "compared": max(int(found.compared.sum()), len(numbers)),
        "east_m": float(np.median(found.east_m)),
        "north_m": float(np.median(found.north_m)),
        "row": int(numbers[order[0]]),
        "rows": listed + (" …" if len(numbers) > _SHOWN else ""),
        "other": names[order[0]],
    }
    if kind is MAYBE_COPIES and found.sure and facts["count"] * 2 >= facts["compared"]:
        raise Problem(SHIFTED_COPIES, **facts)
    outcome.notices.append(Row(facts["row"], "geometry", Problem(kind, **facts)))


def _both_ways(geometries: NDArray[np.object_], held: NDArray[np.object_]) -> tuple[Copies, Copies]:
    """The polygons that are records shifted, and the records that are polygons shifted."""
    return shifted_copies(geometries, held), shifted_copies(held, geometries)


def _held(
    session: Session, model: type[Base], boxes: list[NDArray[np.float64]]
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """The names and polygons of the records whose boxes meet one of some boxes (degrees), shape (k,) both."""
    table = table_of(model)
    name = table.c.code if model is Unit else table.c.number
    near = or_(*(BoundsMeet(table, box.tolist()) for box in boxes))
    found = session.execute(select(name, raw(table.c.geometry)).where(table.c.geometry.is_not(None), near)).all()
    names = np.array([row[0] for row in found], dtype=object)
    return names, decode([row[1] for row in found])


def _some_places(
    geometries: NDArray[np.object_], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[NDArray[np.float64]]]:
    """The rows around some places of a file, and the boxes (degrees) in which they are with the shift undone, or done."""
    bounds = shapely.bounds(geometries[rows])
    centres = (bounds[:, :2] + bounds[:, 2:]) / 2
    seeds = centres[np.linspace(0, len(rows) - 1, _PLACES).astype(int)]
    reach = _AROUND_M / metres_per_degree(seeds[:, 1])
    near = np.zeros(len(rows), dtype=bool)
    for seed, far in zip(seeds, reach, strict=True):
        near |= (np.abs(centres - seed) <= far).all(axis=1)
    boxes = [
        np.concatenate([place - 1.2 * far, place + 1.2 * far])
        for move in (from_gcj02, to_gcj02)
        for place, far in zip(move(seeds), reach, strict=True)
    ]
    return rows[near], boxes


def check_named_units(
    session: Session,
    source: Source,
    geometries: NDArray[np.object_],
    codes: NDArray[np.object_],
    sound: NDArray[np.bool_],
    outcome: Outcome,
) -> None:
    """As :func:`check_borders`, for rows that are not placed in units by their import; of a long file some of them."""
    rows = np.flatnonzero(sound & (codes != ""))
    rows = rows[:: 1 + len(rows) // _AT_ONCE]
    units = land_of(session, codes[rows])
    held = ~shapely.is_missing(units)
    rows, units = rows[held], units[held]
    if len(rows):
        check_borders(source.numbers[rows], shapely.point_on_surface(geometries[rows]), units, outcome)


def check_borders(
    numbers: NDArray[np.int64], inner: NDArray[np.object_], units: NDArray[np.object_], outcome: Outcome
) -> None:
    """Whether polygons leave their units because the file is in GCJ-02. A polygon lies where its inner point does.

    Parameters
    ----------
    numbers, inner, units : arrays of shape (n,)
        The rows' numbers, an inner point of each polygon (degrees), and the polygon of its unit.

    Undoing the shift must bring back nine of ten. Raises SHIFTED_OUT where at least three polygons and a fifth of all leave
    their units, unless all of them leave one and the same, whose code may be wrong; less is told: MAYBE_SHIFTED_OUT.
    """
    shapely.prepare(units)
    out = ~shapely.covers(units, inner)
    count = int(out.sum())
    if not count:
        return
    left = int((~shapely.covers(units, shapely.transform(inner, from_gcj02))).sum())
    if left * 10 > count:
        return
    points = shapely.get_coordinates(inner[out])
    east_m, north_m = np.median((to_gcj02(points) - points) * metres_per_degree(points[:, 1]), axis=0)
    facts: dict[str, Any] = {
        "count": count,
        "compared": len(numbers),
        "left": left,
        "east_m": float(east_m),
        "north_m": float(north_m),
    }
    several_units = len({id(unit) for unit in units[out]}) > 1
    if count >= _SEVERAL and count * 5 >= len(numbers) and (several_units or count < len(numbers)):
        raise Problem(SHIFTED_OUT, **facts)
    outcome.notices.append(Row(int(numbers[out][0]), "geometry", Problem(MAYBE_SHIFTED_OUT, **facts)))
