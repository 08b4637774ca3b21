"""Units (行政单位): the four-level tree of city, town, village and group, by their official codes.

A code has 12 digits for the city, its towns and villages (6 county + 3 town + 3 village, zero-filled) and 14 for a
group (the village's 12 + 2), so that a unit's descendants are the units whose code begins with its stem.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, ForeignKey, Select, String, bindparam, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from farmland.records.database import Base, table_of
from geodata.column import BoundsMeet, Geometry, decode, raw
from geodata.problems import Kind, Problem

UNIT_UNKNOWN = Kind(
    "unit_unknown",
    "没有代码为 {code} 的行政单位。请核对 12 位统计用区划代码（组为 14 位）。",
    "No unit has the code {code}. Check the 12-digit statistical code (14 digits for a group).",
    "not_found",
)
BAD_UNIT_CODE = Kind(
    "bad_unit_code",
    "“{code}”不是行政单位代码：应为 12 位数字（组为 14 位；三调的 19 位代码取前 12 位）。",
    "“{code}” is no unit code: it has 12 digits (14 for a group; a survey's 19-digit code begins with the 12).",
)


class Level(StrEnum):
    """The four levels of units, from the top."""

    CITY = "city"
    TOWN = "town"
    VILLAGE = "village"
    GROUP = "group"


LEVELS = tuple(Level)
LEVEL_NAMES = {
    Level.CITY: ("市", "city"),
    Level.TOWN: ("镇（乡、街道）", "town"),
    Level.VILLAGE: ("村（社区）", "village"),
    Level.GROUP: ("组", "group"),
}
_STEMS = {Level.CITY: 6, Level.TOWN: 9, Level.VILLAGE: 12, Level.GROUP: 14}


class Unit(Base):
    """A unit; its polygon, where it is known, has its ellipsoidal area in m² beside it."""

    __tablename__ = "unit"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(14), unique=True)
    name: Mapped[str] = mapped_column(String(100), index=True)
    level: Mapped[Level] = mapped_column(String(8), index=True)
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("unit.code"), index=True)
    geometry: Mapped[shapely.Geometry | None] = mapped_column(Geometry, deferred=True)
    area_m2: Mapped[float | None]


def normal_code(code: str) -> str:
    """A unit's code from what survey files hold: 6 digits of a county, 9 of a town, 12, 14, or 19 whose 7 last are 0.

    Raises BAD_UNIT_CODE.

    >>> normal_code("430582"), normal_code("4305821042030000000")
    ('430582000000', '430582104203')
    """
    text = code.strip()
    if text.isascii() and text.isdigit():
        if len(text) in (12, 14):
            return text
        if len(text) in (6, 9):
            return text.ljust(12, "0")
        if len(text) == 19:
            return text[:12] if text[12:14] == "00" else text[:14]
    raise Problem(BAD_UNIT_CODE, code=code)


def level_of(code: str) -> Level:
    """The level that a normal code speaks of."""
    if len(code) == 14:
        return Level.GROUP
    if code.endswith("000000"):
        return Level.CITY
    return Level.TOWN if code.endswith("000") else Level.VILLAGE


def parent_of(code: str) -> str | None:
    """The code of the unit above; None above a city.

    >>> parent_of("43058210420301"), parent_of("430582104203"), parent_of("430582000000")
    ('430582104203', '430582104000', None)
    """
    level = level_of(code)
    if level is Level.CITY:
        return None
    above = LEVELS[LEVELS.index(level) - 1]
    return code[: _STEMS[above]].ljust(12, "0")


def chain_of(code: str) -> list[str]:
    """The codes from the city down to the unit itself."""
    chain = [code]
    while (parent := parent_of(chain[0])) is not None:
        chain.insert(0, parent)
    return chain


def stem(code: str) -> str:
    """The digits with which the codes of a unit and of all its descendants begin."""
    return code[: _STEMS[level_of(code)]]


def is_within(code: str, ancestor: str) -> bool:
    """Whether a unit is `ancestor` or lies below it."""
    return code.startswith(stem(ancestor))


def code_range(code: str) -> tuple[str, str]:
    """The range of the codes of a unit and of all its descendants: from the first, up to and without the second."""
    first = stem(code)
    return first, first[:-1] + chr(ord(first[-1]) + 1)


def within(column: InstrumentedAttribute[Any], code: str) -> ColumnElement[bool]:
    """The condition that a column of unit codes lies in the subtree of `code`; an index serves it."""
    first, end = code_range(code)
    return (column >= first) & (column < end)


def within_any(column: InstrumentedAttribute[Any], codes: Sequence[str] | None) -> ColumnElement[bool]:
    """The condition that a column of unit codes lies in the subtree of one of some units; None: in any."""
    return true() if codes is None else or_(false(), *(within(column, code) for code in codes))


def get_unit(session: Session, code: str) -> Unit:
    """The unit of that code. Raises UNIT_UNKNOWN, BAD_UNIT_CODE."""
    unit = session.scalar(select(Unit).where(Unit.code == normal_code(code)))
    if unit is None:
        raise Problem(UNIT_UNKNOWN, code=code)
    return unit


def cities(session: Session) -> list[Unit]:
    """The units at the top, by code; one in a county-level city, several in a prefecture."""
    return list(session.scalars(select(Unit).where(Unit.level == Level.CITY).order_by(Unit.code)))


def the_city(session: Session) -> Unit:
    """The unit that is meant where none is named. Raises NO_UNITS while there is none."""
    found = cities(session)
    if not found:
        raise Problem(NO_UNITS)
    return found[0]


NO_UNITS = Kind(
    "no_units",
    "还没有行政单位。请先运行 tianzhang import units 文件（或 tianzhang demo 建立演示城市）。",
    "There are no units yet. Run tianzhang import units FILE first (or tianzhang demo for the demonstration city).",
    "conflict",
)


def search(text: str | None, parent: str | None, level: Level | None) -> Select[Unit]:
    """Units by a piece of their name or the beginning of their code, below a parent, of a level; in the order of codes."""
    found = select(Unit).order_by(Unit.code)
    if parent is not None:
        found = found.where(Unit.parent_code == normal_code(parent))
    if level is not None:
        found = found.where(Unit.level == level)
    if text:
        found = found.where(
            or_(
                Unit.name.contains(text, autoescape=True),
                Unit.code.startswith(text, autoescape=True),
            )
        )
    return found


@dataclass(frozen=True)
class UnitPolygons:
    """Units with their polygons, as arrays of the same length."""

    codes: NDArray[np.object_]
    geometries: NDArray[np.object_]


def polygons(session: Session, *conditions: ColumnElement[bool]) -> UnitPolygons:
    """The units under some conditions that have a polygon, in the order of codes."""
    return _arrays(session.execute(_POLYGONS.where(*conditions)).all())


def polygons_of(session: Session, codes: Sequence[str]) -> UnitPolygons:
    """The units of these codes that have a polygon, in the order of codes."""
    return _arrays(session.execute(_POLYGONS_OF, {"codes": codes}).all())


_POLYGONS = select(Unit.code, raw(Unit.geometry)).where(Unit.geometry.is_not(None)).order_by(Unit.code)
_POLYGONS_OF = _POLYGONS.where(Unit.code.in_(bindparam("codes", expanding=True)))


def _arrays(rows: Sequence[Any]) -> UnitPolygons:
    codes = np.array([row[0] for row in rows], dtype=object)
    return UnitPolygons(codes, decode([row[1] for row in rows]))


def land_of(session: Session, codes: NDArray[np.object_]) -> NDArray[np.object_]:
    """The polygon of each unit, by its code, shape (n,); None for "" and where a unit has none. Several are one object."""
    named = {level_of(code) for code in set(codes) - {""}}
    found = polygons(session, Unit.level.in_(named)) if named else UnitPolygons(codes[:0], codes[:0])
    of_code = dict(zip(found.codes, found.geometries, strict=True))
    land = np.empty(len(codes), dtype=object)
    land[:] = [of_code.get(code) for code in codes]
    return land


def unit_at(session: Session, point: shapely.Point) -> Unit | None:
    """The lowest unit that covers a place (degrees), or None."""
    near = session.scalars(select(Unit).where(BoundsMeet(table_of(Unit), point.bounds))).all()
    here = [unit for unit in near if unit.geometry is not None and unit.geometry.covers(point)]
    return max(here, key=lambda unit: (LEVELS.index(Level(unit.level)), unit.code), default=None)


def home_of(session: Session) -> shapely.Geometry | None:
    """The land of the whole city, where polygons of records must lie; None while no city has a polygon."""
    found = polygons(session, Unit.level == Level.CITY)
    return shapely.union_all(found.geometries) if len(found.codes) else None
