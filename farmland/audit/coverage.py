""" "No gap, no dead corner" (不留空白、不留死角), measured: where units and plots do not tile the land, and who lacks whom."""

from datetime import date
from enum import StrEnum
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from farmland.land.baseline import BaselinePatch
from farmland.land.ground import Objects, PlotPolygons, all_within, columns, lowest_at, plots_around, units_around
from farmland.land.land_classes import farmland_codes
from farmland.land.units import LEVELS, Level, Unit, UnitPolygons, get_unit, level_of, parent_of, within
from farmland.people.duties import answered_units, chiefs_without_land, lacking, plots_with_own_chief
from farmland.records.database import table_of
from geodata.area import m2_to_mu
from geodata.column import BoundsMeet, decode, raw
from geodata.coverage import (
    Places,
    neighbours,
    not_covered_by_any,
    outside,
    shared,
    shared_and_outside,
    uncovered,
    unions,
    without_holes,
)
from geodata.crs import STORAGE

SLIVER_M = 1.0
"""A place of less than this mean width is a sliver: the survey's own limit below which, in the south, a path or ditch is no
land of its own."""


class Fault(StrEnum):
    """What coverage can lack."""

    GAP = "gap"
    UNIT_OVERLAP = "unit_overlap"
    OUTSIDE_PARENT = "outside_parent"
    PLOT_OVERLAP = "plot_overlap"
    PLOT_OUTSIDE_UNIT = "plot_outside_unit"
    FARMLAND_WITHOUT_PLOT = "farmland_without_plot"
    PLOT_WITHOUT_CHIEF = "plot_without_chief"
    CHIEF_WITHOUT_LAND = "chief_without_land"


FAULT_NAMES = {
    Fault.GAP: ("单位间空白", "gap between units"),
    Fault.UNIT_OVERLAP: ("单位重叠", "units overlap"),
    Fault.OUTSIDE_PARENT: ("超出上级界线", "outside the unit above"),
    Fault.PLOT_OVERLAP: ("责任田重叠", "plots overlap"),
    Fault.PLOT_OUTSIDE_UNIT: ("责任田跨界", "plot outside its unit"),
    Fault.FARMLAND_WITHOUT_PLOT: ("耕地没有责任田", "farmland without a plot"),
    Fault.PLOT_WITHOUT_CHIEF: ("责任田没有田长", "plot without a chief"),
    Fault.CHIEF_WITHOUT_LAND: ("田长没有田", "chief without land"),
}


def check_coverage(session: Session, unit_code: str, on: date) -> gpd.GeoDataFrame:
    """Every place at which the coverage of a unit and all below it is at fault on a day. Raises UNIT_UNKNOWN.

    Rows by kind, the largest first. Columns: kind (a :class:`Fault`), kind_zh, kind_en, level ("city" ... where units are
    concerned), unit_code and number, other_unit_code and other_number (the two that are concerned), area_m2, area_mu,
    width_m (the mean), sliver, and the geometry in degrees (none for a chief).

    Gaps are land of a unit that none of the units just below it covers, where any of these has a polygon; where the unit has
    none itself, what its units below enclose. Roads and houses between plots are no faults. Farmland is that of the latest
    baseline. Appointments are those of the day; polygons have no history.
    """
    unit = get_unit(session, unit_code)
    units = units_around(session, unit)
    plots = plots_around(session, unit)
    place = {code: row for row, code in enumerate(units.codes)}
    row_of = np.array([place.get(code, -1) for code in plots.unit_codes], dtype=np.int64)
    overlap, beyond = shared_and_outside(plots.geometries, units.geometries, row_of)
    found = [frame for level in LEVELS for frame in _of_level(unit.code, units, level)]
    found += [_overlapping(plots, overlap), _outside_unit(plots, beyond, units)]
    found.append(_farmland(session, unit, units, plots))
    found.append(_without_chief(session, unit.code, plots, on))
    found.append(_without_land(session, unit.code, on))
    return _layer(found)


def _of_level(code: str, units: UnitPolygons, level: Level) -> list[pd.DataFrame]:
    """The faults among the units of one level, and between them and the units above."""
    chosen = np.array([level_of(one) is level for one in units.codes], dtype=bool)
    codes, land = units.codes[chosen], units.geometries[chosen]
    own = all_within(codes, code)
    overlap = shared(land)
    overlap = overlap.of(np.any(own[overlap.owner], axis=1))
    first, second = codes[overlap.owner.T]
    frames = [_frame(Fault.UNIT_OVERLAP, overlap, first, other_codes=second, level=level)]
    if level is Level.CITY:
        return frames

    place = {one: row for row, one in enumerate(units.codes)}
    parents = np.array([parent_of(one) for one in codes], dtype=object)
    above = np.array([place.get(parent, -1) for parent in parents], dtype=np.int64)
    beyond = outside(land, units.geometries, np.where(own, above, -1))
    rows = beyond.owner
    frames.append(_frame(Fault.OUTSIDE_PARENT, beyond, codes[rows], other_codes=parents[rows], level=level))

    inner = own & all_within(parents, code)
    frames.append(_gaps(units, place, codes[inner], land[inner], parents[inner], level))
    return frames


def _gaps(
    units: UnitPolygons, place: dict[str, int], codes: Objects, land: Objects, parents: Objects, level: Level
) -> pd.DataFrame:
    wholes, whole_of = np.unique(parents, return_inverse=True)
    joined = unions(land, whole_of, len(wholes))
    outlines = without_holes(joined)
    drawn = np.array([place.get(whole, -1) for whole in wholes], dtype=np.int64)
    outlines[drawn >= 0] = units.geometries[drawn[drawn >= 0]]
    gaps = uncovered(outlines, joined, np.arange(len(wholes)))
    parent = wholes[gaps.owner]
    beside = neighbours(gaps.polygons, parent, land, parents)
    first, second = (np.where(row >= 0, np.append(codes, "")[row], parent) for row in beside.T)
    return _frame(Fault.GAP, gaps, first, other_codes=second, level=level)


def _overlapping(plots: PlotPolygons, overlap: Places) -> pd.DataFrame:
    overlap = overlap.of(np.any(plots.own[overlap.owner], axis=1))
    first, second = overlap.owner.T
    return _frame(
        Fault.PLOT_OVERLAP,
        overlap,
        plots.unit_codes[first],
        plots.numbers[first],
        plots.unit_codes[second],
        plots.numbers[second],
    )


def _outside_unit(plots: PlotPolygons, beyond: Places, units: UnitPolygons) -> pd.DataFrame:
    beyond = beyond.of(plots.own[beyond.owner])
    codes = plots.unit_codes[beyond.owner]
    others = lowest_at(units, beyond.polygons, codes)
    return _frame(Fault.PLOT_OUTSIDE_UNIT, beyond, codes, plots.numbers[beyond.owner], others)


def _farmland(session: Session, unit: Unit, units: UnitPolygons, plots: PlotPolygons) -> pd.DataFrame:
    """What of the latest baseline's farmland no plot covers, of whichever unit; where the unit has a polygon, in it."""
    year = select(func.max(BaselinePatch.year)).scalar_subquery()
    wanted = select(BaselinePatch.number, BaselinePatch.unit_code, raw(BaselinePatch.geometry)).where(
        BaselinePatch.year == year, BaselinePatch.land_class.in_(farmland_codes())
    )
    if unit.geometry is None:
        wanted = wanted.where(within(BaselinePatch.unit_code, unit.code))
    else:
        wanted = wanted.where(BoundsMeet(table_of(BaselinePatch), unit.geometry.bounds))
    numbers, codes, land = columns(session, wanted.order_by(BaselinePatch.id))
    bare = not_covered_by_any(decode(land.tolist()), plots.geometries)
    if unit.geometry is not None:
        bare = bare.of(shapely.covers(unit.geometry, shapely.point_on_surface(bare.polygons)))
    lowest = lowest_at(units, bare.polygons, np.full(len(bare), "", dtype=object))
    named = np.where(lowest == "", codes[bare.owner], lowest)
    return _frame(Fault.FARMLAND_WITHOUT_PLOT, bare, named, numbers[bare.owner])


def _without_chief(session: Session, code: str, plots: PlotPolygons, on: date) -> pd.DataFrame:
    found = lacking(set(plots.unit_codes[plots.own]), answered_units(session, on))
    own = [plot for held in plots_with_own_chief(session, code, on).values() for plot in held]
    vacant = pd.Series(plots.unit_codes).map(found.always)
    vacant = vacant.fillna(pd.Series(plots.unit_codes).map(found.unless_own).where(~np.isin(plots.ids, own)))
    rows = np.flatnonzero(vacant.notna() & plots.own)
    alone = Places(rows, plots.geometries[rows], plots.areas_m2[rows], np.full(len(rows), np.nan))
    others = vacant.to_numpy(dtype=object)[rows]
    return _frame(Fault.PLOT_WITHOUT_CHIEF, alone, plots.unit_codes[rows], plots.numbers[rows], others)


def _without_land(session: Session, code: str, on: date) -> pd.DataFrame:
    found = chiefs_without_land(session, code, on)
    numbers, codes = np.array(found, dtype=object).reshape(-1, 2).T
    nowhere, none = np.full(len(found), None, dtype=object), np.full(len(found), np.nan)
    return _frame(Fault.CHIEF_WITHOUT_LAND, Places(np.arange(len(found)), nowhere, none, none), codes, numbers)


def _frame(
    kind: Fault,
    places: Places,
    codes: Objects,
    numbers: Objects | str = "",
    other_codes: Objects | str = "",
    other_numbers: Objects | str = "",
    level: Level | Literal[""] = "",
) -> pd.DataFrame:
    zh, en = FAULT_NAMES[kind]
    return pd.DataFrame(
        {
            "kind": kind.value,
            "kind_zh": zh,
            "kind_en": en,
            "level": str(level),
            "unit_code": codes,
            "number": numbers,
            "other_unit_code": other_codes,
            "other_number": other_numbers,
            "area_m2": places.areas_m2.round(3),
            "area_mu": m2_to_mu(places.areas_m2).round(5),
            "width_m": places.widths_m.round(4),
            "sliver": places.widths_m < SLIVER_M,
            "geometry": places.polygons,
        }
    )


def _layer(frames: list[pd.DataFrame]) -> gpd.GeoDataFrame:
    table = pd.concat(frames, ignore_index=True)
    order = np.lexsort((-table["area_m2"].fillna(0), table["kind"].map(list(Fault).index)))
    table = table.iloc[order].reset_index(drop=True)
    return gpd.GeoDataFrame(table, geometry="geometry", crs=STORAGE)
