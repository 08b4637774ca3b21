"""The polygons of a unit's units and plots as arrays, with those that lie around it."""

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from farmland.land.plots import Plot
from farmland.land.units import LEVELS, Unit, UnitPolygons, is_within, level_of, polygons, within
from farmland.records.database import Base, table_of
from geodata.column import BoundsMeet, decode, raw

Objects = NDArray[np.object_]


@dataclass(frozen=True)
class PlotPolygons:
    """n plots as arrays; `own` tells which are of the unit that was asked for, the others lie around it."""

    ids: Objects
    unit_codes: Objects
    numbers: Objects
    areas_m2: NDArray[np.float64]
    geometries: Objects
    own: NDArray[np.bool_]


def units_around(session: Session, unit: Unit) -> UnitPolygons:
    """The polygons of a unit, of all below it, and of those around it, in the order of codes."""
    return polygons(session, _here(unit, Unit, Unit.code))


def plots_around(session: Session, unit: Unit) -> PlotPolygons:
    """The plots of a unit, of all below it, and those around it, in the order of ids."""
    wanted = select(Plot.id, Plot.unit_code, Plot.number, Plot.area_m2, raw(Plot.geometry)).order_by(Plot.id)
    ids, codes, numbers, areas, land = columns(session, wanted.where(_here(unit, Plot, Plot.unit_code)))
    return PlotPolygons(
        ids, codes, numbers, areas.astype(np.float64), decode(land.tolist()), all_within(codes, unit.code)
    )


def columns(session: Session, wanted: Select[Any]) -> list[Objects]:
    """The columns of a query's rows, each of shape (n,)."""
    rows = session.execute(wanted).all()
    if not rows:
        return [np.empty(0, dtype=object) for _ in wanted.selected_columns]
    return [np.array(column, dtype=object) for column in zip(*rows, strict=True)]


def all_within(codes: Objects, ancestor: str) -> NDArray[np.bool_]:
    """Which of the codes are `ancestor` or lie below it, shape (n,)."""
    return np.array([is_within(code, ancestor) for code in codes], dtype=bool)


def lowest_at(units: UnitPolygons, places: Objects, unlike: Objects) -> Objects:
    """The lowest unit at the inner point of each place, "" where there is none, shape (n,).

    Units above `unlike`, shape (n,), and these themselves are passed over.
    """
    place, row = shapely.STRtree(units.geometries).query(shapely.point_on_surface(places), predicate="covered_by")
    found = np.full(len(places), "", dtype=object)
    for level in LEVELS:
        chosen = np.array([level_of(units.codes[one]) is level for one in row], dtype=bool)
        chosen &= np.array(
            [not is_within(unlike[at], units.codes[one]) for at, one in zip(place, row, strict=True)], bool
        )
        found[place[chosen]] = units.codes[row[chosen]]
    return found


def _here(unit: Unit, model: type[Base], code: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    conditions = [within(code, unit.code)]
    if unit.geometry is not None:
        conditions.append(BoundsMeet(table_of(model), unit.geometry.bounds))
    return reduce(or_, conditions)
