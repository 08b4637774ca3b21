"""How faults of coverage could be mended: polygons to look at and to import, never a change of the records."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.audit.coverage import Fault
from farmland.land.ground import Objects, columns
from farmland.land.plots import Plot
from farmland.land.units import LEVELS, Unit, chain_of, get_unit, is_within, level_of, parent_of, polygons, within
from geodata.area import areas_m2
from geodata.column import decode, raw
from geodata.coverage import cut, differ, neighbours, not_covered_by_any, shared, tiled, unions
from geodata.crs import STORAGE


def propose_units(session: Session, unit_code: str, faults: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The units of `unit_code`, itself included, whose land would change, with the polygons that mend their faults.

    `faults` is what :func:`farmland.audit.coverage.check_coverage` found. The lowest units decide: they give up what lies outside
    a unit above them (unless no unit of its level has it), a gap goes to the one of them in that unit with which it has the
    longest border, shared land likewise; the units above become the union of theirs. A gap beside a unit without a polygon
    stays, as it may be that unit's. Columns as `tianzhang import units` reads them: code, name; and change_m2.
    """
    top = get_unit(session, unit_code).code
    held = polygons(session, within(Unit.code, top))
    faults = faults[[is_within(code, top) for code in faults["unit_code"]]]
    above = {parent_of(code) for code in held.codes}
    lowest = np.array([code not in above for code in held.codes], dtype=bool)
    codes, leaves = held.codes[lowest], held.geometries[lowest]

    gaps = faults[faults["kind"] == Fault.GAP]
    whole = np.array(
        [_whole(code, level) for code, level in zip(gaps["unit_code"], gaps["level"], strict=True)], object
    )
    gap_land = _land(gaps)
    leaves = _less_outside(codes, leaves, faults[faults["kind"] == Fault.OUTSIDE_PARENT], gap_land)
    bare = not_covered_by_any(gap_land, leaves)
    owners = _takers(session, top, bare.polygons, whole[bare.owner], codes, leaves)

    pieces = np.concatenate([leaves, bare.polygons])
    piece_codes = np.concatenate([codes, owners])
    faulty = np.concatenate([leaves != held.geometries[lowest], np.ones(len(bare), dtype=bool)])
    faulty[shared(pieces).owner.ravel()] = True
    mended = tiled(pieces, faulty)

    concerned = {*piece_codes[mended != pieces], *piece_codes[faulty], *faults["unit_code"], *faults["other_unit_code"]}
    concerned = {one for code in concerned - {""} for one in chain_of(code)}
    rows = np.flatnonzero(np.isin(held.codes, list(concerned)))
    row_of = {code: row for row, code in enumerate(held.codes[rows])}
    pairs = [(row_of[one], piece) for piece, code in enumerate(piece_codes) for one in chain_of(code) if one in row_of]
    unit_of, piece = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    land = unions(mended[piece], unit_of, len(rows))
    names = dict(session.execute(select(Unit.code, Unit.name).where(within(Unit.code, top))).all())
    table = pd.DataFrame({"code": held.codes[rows], "name": [names[code] for code in held.codes[rows]]})
    return _changed(table, held.geometries[rows], land)


def propose_plots(session: Session, unit_code: str, faults: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The plots of a unit whose land would change, with the polygons that mend their faults.

    What lies outside a plot's unit is cut off; land that two plots hold goes to the one with which it has the longer border.
    A plot that would lose all of its land is left out: it is there twice, or its unit is wrong, which no polygon mends.
    Columns as `tianzhang import plots` reads them, those that the plot was imported with, and change_m2.
    """
    top = get_unit(session, unit_code).code
    names = ["unit_code", "number", "land_class", "basic_farmland", "extra"]
    wanted = select(*(getattr(Plot, name) for name in names), raw(Plot.geometry)).where(within(Plot.unit_code, top))
    *values, land = columns(session, wanted.order_by(Plot.id))
    table = pd.DataFrame(dict(zip(names, values, strict=True)))
    plots = decode(land.tolist())

    beyond = faults[faults["kind"] == Fault.PLOT_OUTSIDE_UNIT]
    place = {key: row for row, key in enumerate(zip(table["unit_code"], table["number"], strict=True))}
    keys = zip(beyond["unit_code"], beyond["number"], strict=True)
    kept = cut(plots, _land(beyond), np.array([place[key] for key in keys], dtype=np.int64))
    faulty = kept != plots
    faulty[shared(kept).owner.ravel()] = True
    table["basic_farmland"] = np.where(table["basic_farmland"].astype(bool), "Y", "N")
    return _changed(table, plots, tiled(kept, faulty))


def _whole(code: str, level: str) -> str:
    """The unit in which a gap of a level lies, told from the unit for which it was found."""
    return code if level_of(code) != level else str(parent_of(code))


def _land(faults: gpd.GeoDataFrame) -> Objects:
    return np.asarray(faults.geometry.array, dtype=object)


def _less_outside(codes: Objects, leaves: Objects, faults: gpd.GeoDataFrame, gaps: Objects) -> Objects:
    """The lowest units less what lies outside a unit above; what no unit of that level has stays with them."""
    beyond = not_covered_by_any(_land(faults), gaps)
    unit_codes = faults["unit_code"].to_numpy(dtype=object)[beyond.owner]
    place, leaf = shapely.STRtree(leaves).query(beyond.polygons, predicate="intersects")
    below = np.array([is_within(codes[one], unit_codes[at]) for at, one in zip(place, leaf, strict=True)], dtype=bool)
    return cut(leaves, beyond.polygons[place[below]], leaf[below])


def _takers(session: Session, top: str, gaps: Objects, wholes: Objects, codes: Objects, leaves: Objects) -> Objects:
    """Who gets each gap, shape (n,): a lowest unit in its whole; the whole itself where one there has no polygon."""
    blank = select(Unit.parent_code).where(within(Unit.code, top), Unit.geometry.is_(None))
    unsure = set(session.scalars(blank.where(Unit.parent_code.is_not(None)).distinct()))
    takers = wholes.copy()
    for depth in range(len(LEVELS) - 1):
        here = np.array([level_of(whole) == LEVELS[depth] and whole not in unsure for whole in wholes], dtype=bool)
        family = np.array([(*chain_of(code), *LEVELS)[depth] for code in codes], dtype=object)
        near = neighbours(gaps[here], wholes[here], leaves, family)[:, 0]
        takers[here] = np.where(near >= 0, codes[near], wholes[here])
    return takers


def _changed(table: pd.DataFrame, before: Objects, after: NDArray[np.object_]) -> gpd.GeoDataFrame:
    """The rows whose land changes and does not vanish, with the change in m², the largest first."""
    rows = np.flatnonzero(differ(before, after) & ~shapely.is_empty(after))
    table = table.iloc[rows].reset_index(drop=True)
    if "extra" in table:
        table = _with_extra(table)
    table["change_m2"] = (areas_m2(after[rows]) - areas_m2(before[rows])).round(2)
    layer = gpd.GeoDataFrame(table, geometry=after[rows], crs=STORAGE)
    return layer.sort_values("change_m2", key=abs, ascending=False, kind="stable", ignore_index=True)


def _with_extra(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the columns that its rows were imported with, which an import would else lose."""
    extra = pd.DataFrame([row or {} for row in table.pop("extra")], index=table.index)
    return table.join(extra.drop(columns=[name for name in extra if name in table]))
