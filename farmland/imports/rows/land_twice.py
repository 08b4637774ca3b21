"""Land that a file of plots has twice, or that is among the plots already: told, and refused where it is most of a plot.

A plot of which over half is there already is no new land: it is the same polygon under another number, a part of a plot that
stays, an outline over plots, or all of them moved by some centimetres. Who means it says so by the option `allow_overlaps`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.imports.rows.outcome import Options, Outcome, Row
from farmland.imports.rows.polygon_rows import Rows
from farmland.imports.rows.source import Source
from farmland.land.plots import Plot
from farmland.records.database import table_of
from geodata.area import areas_m2, flat_areas_m2
from geodata.column import BoundsMeet, decode, raw
from geodata.coverage import DUST_M2, unions
from geodata.overlaps import overlaps_with
from geodata.plane import RECORD_M2
from geodata.problems import Kind, Problem
from geodata.scale import heading, metres_per_degree

OVERLAPS = Kind(
    "plot_overlaps",
    "与{where_zh}重叠 {area_m2:,.2f} m²（{longitude:.5f}°E {latitude:.5f}°N）。已导入；请核对界线。",
    "Overlaps {where_en} by {area_m2:,.2f} m² at {longitude:.5f}°E {latitude:.5f}°N. Imported; check the borders.",
)
SAME_PLOT = Kind(
    "plot_is_there",
    "与{where_zh}是同一块地：重合 {share:.0%}，{area_m2:,.2f} m²{moved_zh}（{longitude:.5f}°E {latitude:.5f}°N）。同一块地不能"
    "有两个编号：请删去这一行，或用原编号导入；确需两者并存，加 --allow-overlaps。",
    "It is {where_en} once more: they agree to {share:.0%}, {area_m2:,.2f} m²{moved_en}, at {longitude:.5f}°E "
    "{latitude:.5f}°N. The same land cannot have two numbers: remove this row, or import it under the number that it has; "
    "where both are meant to stay, add --allow-overlaps.",
)
PART_OF_PLOT = Kind(
    "plot_lies_in_another",
    "{share:.0%}（{area_m2:,.2f} m²）在{where_zh}之内（{longitude:.5f}°E {latitude:.5f}°N），这块地会计两次。若是分割，请把原编号"
    "给其中一块并放在同一文件中；确需两者并存，加 --allow-overlaps。",
    "{share:.0%} of it ({area_m2:,.2f} m²) lies in {where_en} at {longitude:.5f}°E {latitude:.5f}°N and would count twice. "
    "If that plot was divided, give one of the parts its number, in the same file; where both are meant to stay, add "
    "--allow-overlaps.",
)
OVER_PLOTS = Kind(
    "plot_lies_over_others",
    "{share:.0%}（{area_m2:,.2f} m²）已属于 {count} 块责任田：{where_zh}等（{longitude:.5f}°E {latitude:.5f}°N），这些地会计两"
    "次。请删去这一行或那些地块；确需并存，加 --allow-overlaps。",
    "{share:.0%} of it ({area_m2:,.2f} m²) belongs to {count} plots already, such as {where_en}, at {longitude:.5f}°E "
    "{latitude:.5f}°N, and would count twice. Remove this row or those plots; where all are meant to stay, add "
    "--allow-overlaps.",
)
FILE_IS_THERE = Kind(
    "plots_are_there",
    "整个文件与已有的责任田重合：{rows} 个图形中有 {count} 个是已有地块换了编号（如第 {row} 行是{where_zh}）{moved_zh}，会重复计"
    "算 {area_m2:,.2f} m²。什么也没有写入。请用原编号导入；确需并存，加 --allow-overlaps。",
    "The whole file lies on plots that are here already: {count} of its {rows} polygons are such plots under other numbers "
    "(row {row} is {where_en}){moved_en}, and {area_m2:,.2f} m² would count twice. Nothing was written. Import them under "
    "the numbers that they have; where both are meant to stay, add --allow-overlaps.",
)

MOST = 0.5
"""From this share of a polygon on the land is there already."""

SAME = 0.8
"""From this share of both on two polygons are the same plot, measured twice."""

_WHOLE_FILE = 0.8  # of a file's polygons: then the file itself is there already
_STEADY_M, _STEADY_SHARE = 0.02, 0.1  # a shift is one when nine in ten keep to it: to 2 cm, or a tenth of it


@dataclass(frozen=True)
class _There:
    """Plots that are there: their ids, names and polygons as stored, shape (k,) each."""

    ids: NDArray[np.int64]
    names: NDArray[np.object_]
    stored: NDArray[np.object_]


def without_land_twice(
    session: Session,
    source: Source,
    geometries: NDArray[np.object_],
    areas: NDArray[np.float64],
    rows: Rows,
    within_file: tuple[NDArray[np.int64], NDArray[np.object_]],
    options: Options,
    outcome: Outcome,
) -> Rows:
    """Those of the rows of which at most half is land that another has too: another row, or a plot that is there and stays.

    The others are named as bad, and what the rest share is told. A plot is replaced only by a row that is kept: of a row
    that is refused the plot stays, and may be in the way of others in turn.

    Parameters
    ----------
    geometries, areas : arrays of shape (n,), the polygons of all rows of the file and what they measure (m²)
    rows : those that would be imported
    within_file : what :func:`geodata.overlaps.overlaps` finds among the geometries, from DUST_M2 on; the rows that would not
        be imported are passed over

    Raises FILE_IS_THERE, where the file as a whole is there already. With the option `allow_overlaps` nothing is refused.
    """
    if len(rows.places) == 0:
        return rows
    there = _there(session, shapely.total_bounds(rows.geometries))
    replaced = rows.held["id"].to_numpy(dtype=float, na_value=np.nan)
    stays = ~np.isin(there.ids, replaced)
    pairs = pd.concat([_pairs_in_file(geometries, areas, rows, within_file), _pairs_with(there, stays, areas, rows)])
    refused = np.zeros(len(geometries), dtype=bool)
    if not options.allow_overlaps:
        _refuse_whole_file(source, geometries, pairs[pairs["held"]])
        while now := _refuse_rows(source, geometries, areas, _among(pairs, ~refused), outcome):
            refused[list(now)] = True
            stay_too = np.isin(there.ids, replaced[refused[rows.places]]) & ~stays
            stays |= stay_too
            pairs = pd.concat([pairs, _pairs_with(there, stay_too, areas, rows)])
    outcome.overlaps, outcome.overlap_m2 = len(pairs), float(pairs["area_m2"].sum())
    left = _among(pairs, ~refused)
    for pair in _each(left[left["area_m2"] >= RECORD_M2]):
        facts = _where(source, [pair]) | _point(pair.land)
        fault = Problem(OVERLAPS, area_m2=pair.area_m2, **facts)
        outcome.notices.append(Row(int(source.numbers[pair.row]), "geometry", fault))
    return rows.only(~refused[rows.places])


def _there(session: Session, bounds: NDArray[np.float64]) -> _There:
    """The plots within bounds (degrees)."""
    found = session.execute(
        select(Plot.id, Plot.unit_code, Plot.number, raw(Plot.geometry)).where(
            BoundsMeet(table_of(Plot), bounds.tolist())
        )
    ).all()
    stored = np.empty(len(found), dtype=object)
    stored[:] = [row[3] for row in found]
    names = np.array([f"{row[1]}/{row[2]}" for row in found], dtype=object)
    return _There(np.array([row[0] for row in found], dtype=int), names, stored)


def _among(pairs: pd.DataFrame, kept: NDArray[np.bool_]) -> pd.DataFrame:
    """The pairs of which both are kept, by a mask over the file's rows; plots that are there are."""
    return pairs[kept[pairs["row"]] & (pairs["held"].to_numpy() | kept[pairs["other_row"]])]


def _pairs_in_file(
    geometries: NDArray[np.object_],
    areas: NDArray[np.float64],
    rows: Rows,
    within_file: tuple[NDArray[np.int64], NDArray[np.object_]],
) -> pd.DataFrame:
    """The pairs of rows that share land, the later one first."""
    pairs, land = within_file
    both = np.isin(pairs, rows.places).all(axis=1)
    (other, row), land = pairs[both].T, land[both]
    return _pairs(row, other, np.full(len(row), "", dtype=object), geometries[other], land, areas)


def _pairs_with(there: _There, which: NDArray[np.bool_], areas: NDArray[np.float64], rows: Rows) -> pd.DataFrame:
    """The pairs of rows and of those of the plots there that a mask chooses."""
    polygons = decode(there.stored[which].tolist())
    pairs, land = overlaps_with(rows.geometries, polygons, DUST_M2)
    row, other = rows.places[pairs[:, 0]], pairs[:, 1]
    return _pairs(row, np.full(len(row), -1), there.names[which][other], polygons[other], land, areas)


def _pairs(
    row: NDArray[np.int64],
    other_row: NDArray[np.int64],
    name: NDArray[np.object_],
    other: NDArray[np.object_],
    land: NDArray[np.object_],
    areas: NDArray[np.float64],
) -> pd.DataFrame:
    """A table of pairs: a row, the other row or -1 and the name of a plot that is there, its polygon, what they share."""
    area_m2, other_m2 = flat_areas_m2(land), areas_m2(other)
    share, of_other = area_m2 / areas[row], area_m2 / other_m2
    return pd.DataFrame(
        {
            "row": row,
            "other_row": other_row,
            "held": other_row < 0,
            "name": name,
            "other": other,
            "land": land,
            "area_m2": area_m2,
            "share": share,
            "of_other": of_other,
            "twin": (share >= SAME) & (of_other >= SAME),
        }
    )


def _refuse_whole_file(source: Source, geometries: NDArray[np.object_], pairs: pd.DataFrame) -> None:
    """Raises FILE_IS_THERE where most polygons are plots that are there, all moved alike, or not at all."""
    twins = pairs[pairs["twin"]].drop_duplicates("row")
    if len(twins) < 3 or len(twins) < _WHOLE_FILE * len(geometries):
        return
    moved = _moved(geometries[twins["row"]], twins["other"].to_numpy())
    middle = np.median(moved, axis=0)
    length = float(np.hypot(*middle))
    off = np.quantile(np.hypot(*(moved - middle).T), 0.9)
    if off > max(_STEADY_M, _STEADY_SHARE * length):
        return
    first = next(_each(twins))
    facts = _where(source, [first]) | _said_moved(middle)
    raise Problem(
        FILE_IS_THERE,
        rows=len(geometries),
        count=len(twins),
        row=int(source.numbers[first.row]),
        area_m2=float(pairs["area_m2"].sum()),
        **facts,
    )


def _refuse_rows(
    source: Source,
    geometries: NDArray[np.object_],
    areas: NDArray[np.float64],
    pairs: pd.DataFrame,
    outcome: Outcome,
) -> set[int]:
    """Name as bad the rows of which over half is there already; which they are, as places in the file.

    Of two rows the later one has the land twice, unless most of the earlier one lies in a later one that is larger.
    """
    refused: set[int] = set()

    def refuse(some: pd.DataFrame) -> None:
        for row, share, land, others in _mostly_there(some, areas):
            refused.add(row)
            fault = _fault(source, geometries[row], share, land, others)
            outcome.bad.append(Row(int(source.numbers[row]), "geometry", fault))

    refuse(pairs)
    turned = pairs[~pairs["held"] & ~pairs["row"].isin(refused) & (pairs["share"] <= MOST) & (pairs["of_other"] > MOST)]
    turned = turned.assign(
        row=turned["other_row"],
        other_row=turned["row"],
        other=geometries[turned["row"]],
        share=turned["of_other"],
        of_other=turned["share"],
    )
    refuse(turned[~turned["row"].isin(refused)])
    return refused


def _mostly_there(
    pairs: pd.DataFrame, areas: NDArray[np.float64]
) -> Iterator[tuple[int, float, shapely.Geometry, pd.DataFrame]]:
    """The rows of which the others of their pairs hold over half together: the share, that land, and the pairs."""
    pairs = pairs[pairs.groupby("row")["share"].transform("sum") > MOST]
    rows, row_of = np.unique(pairs["row"].to_numpy(), return_inverse=True)
    held = unions(pairs["land"].to_numpy(), row_of, len(rows))
    shares = flat_areas_m2(held) / areas[rows]
    groups = dict(iter(pairs.groupby("row")))
    for row, share, land in zip(rows.tolist(), shares.tolist(), held, strict=True):
        if share > MOST:
            yield row, share, land, groups[row].sort_values("share", ascending=False, kind="stable")


def _fault(
    source: Source, polygon: shapely.Geometry, share: float, land: shapely.Geometry, others: pd.DataFrame
) -> Problem:
    """What is to be said of a row of which a share is land that others have, the one with most of it first."""
    best = next(_each(others))
    facts: dict[str, Any] = {"share": share, "area_m2": float(flat_areas_m2(np.array([land]))[0]), **_point(land)}
    if best.twin:
        moved = _moved(np.array([polygon]), np.array([best.other]))[0]
        return Problem(SAME_PLOT, **facts | {"area_m2": best.area_m2}, **_where(source, [best]), **_said_moved(moved))
    if best.share > MOST:
        return Problem(PART_OF_PLOT, **facts, **_where(source, [best]))
    return Problem(OVER_PLOTS, **facts, **_where(source, list(_each(others.head(3)))), count=len(others))


def _each(pairs: pd.DataFrame) -> Iterator[Any]:
    """The rows one by one, their columns as attributes."""
    return iter(pairs.itertuples())


def _where(source: Source, pairs: list[Any]) -> dict[str, str]:
    """How the others of some pairs are called."""
    zh = [f"已有责任田 {one.name}" if one.held else f"本文件第 {source.numbers[one.other_row]} 行" for one in pairs]
    en = [
        f"plot {one.name} (here already)" if one.held else f"row {source.numbers[one.other_row]} of this file"
        for one in pairs
    ]
    return {"where_zh": "、".join(zh), "where_en": ", ".join(en)}


def _point(land: shapely.Geometry) -> dict[str, float]:
    point = shapely.point_on_surface(land)
    return {"longitude": point.x, "latitude": point.y}


def _moved(ours: NDArray[np.object_], theirs: NDArray[np.object_]) -> NDArray[np.float64]:
    """How far (m) our centroids lie to the east and to the north of theirs, shape (n, 2)."""
    here, there = (shapely.get_coordinates(shapely.centroid(polygons)) for polygons in (ours, theirs))
    return np.asarray((here - there) * metres_per_degree((here[:, 1] + there[:, 1]) / 2))


def _said_moved(moved: NDArray[np.float64]) -> dict[str, str]:
    """What to say of a shift of (east, north) metres; nothing of less than a millimetre."""
    length = float(np.hypot(*moved))
    if length < 0.001:
        return {"moved_zh": "", "moved_en": ""}
    zh, en = heading(*moved)
    form = f"{length:,.0f}" if length >= 10 else f"{length:.2f}" if length >= 0.1 else f"{length:.3f}"
    return {"moved_zh": f"，向{zh}偏移 {form} m", "moved_en": f", moved {form} m to the {en}"}
