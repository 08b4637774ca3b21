"""Rows with a polygon and a key, compared with those that are there: what is new, what changed, what is the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from farmland.imports.rows.outcome import Options, Outcome
from farmland.imports.rows.source import Source
from farmland.records.ledger import content, merge, stored
from geodata.column import geometries_of, next_id, write
from geodata.problems import Kind
from geodata.scale import metres_per_degree

NUMBER_ELSEWHERE = Kind(
    "number_elsewhere",
    "“{number}”已经是另一块地的编号（{longitude:.5f}°E {latitude:.5f}°N，相距 {distance_m:,.0f} m，{shared_zh}），导入会把它替换"
    "掉。请核对编号；确是同一地块换了位置，加 --allow-moved。",
    "“{number}” is the number of other land, at {longitude:.5f}°E {latitude:.5f}°N, {distance_m:,.0f} m away, {shared_en}; it "
    "would be replaced. Check the number; where the record is meant to move, add --allow-moved.",
)
SAME_LAND = 0.5
"""Two polygons are of the same land where they share at least this part of the smaller: a plot that was divided or joined is,
its neighbour, drawn a little too large, is not."""


@dataclass(frozen=True)
class Rows:
    """Rows of a file that are to be imported, each beside the record that has its key; arrays of shape (n,).

    `columns` has the table's columns, `fingerprint` among them, without id, geometry and extra; `held` the same columns and
    `id` of the record that is there, NaN where none is. `places` are the rows' places in the file, `numbers` their numbers in
    it; `extra` is what its columns hold that are no field of ours.
    """

    table: Table
    keys: list[str]
    columns: pd.DataFrame
    held: pd.DataFrame
    geometries: NDArray[np.object_]
    places: NDArray[np.int64]
    numbers: NDArray[np.int64]
    extra: NDArray[np.object_]

    def only(self, kept: NDArray[np.bool_]) -> "Rows":
        """Those of the rows that a mask of shape (n,) keeps."""
        columns, held = (frame[kept].reset_index(drop=True) for frame in (self.columns, self.held))
        arrays = {name: getattr(self, name)[kept] for name in ("geometries", "places", "numbers", "extra")}
        return replace(self, columns=columns, held=held, **arrays)

    def names(self) -> NDArray[np.object_]:
        """What people know the records by: their keys."""
        return np.array(
            ["/".join(map(str, key)) for key in self.columns[self.keys].itertuples(index=False)], dtype=object
        )


def rows_beside(
    session: Session,
    table: Table,
    keys: list[str],
    columns: pd.DataFrame,
    geometries: NDArray[np.object_],
    source: Source,
    good: NDArray[np.int64],
) -> Rows:
    """The good rows of a file, as places in it of shape (n,), with the records of a table that have their keys."""
    whole = source.extra()
    extra = np.empty(len(good), dtype=object)
    extra[:] = [whole[i] for i in good]
    names = ["id", *columns.columns]
    found = session.execute(select(*(table.c[name] for name in names))).all()
    held = columns[keys].merge(pd.DataFrame(found, columns=names), on=keys, how="left")
    return Rows(table, keys, columns, held, geometries, good, source.numbers[good], extra)


def without_moved(session: Session, rows: Rows, options: Options, outcome: Outcome) -> Rows:
    """The rows without those whose number is that of other land, which are named as bad unless `allow_moved` is asked for."""
    if options.allow_moved:
        return rows
    is_known = rows.held["id"].notna().to_numpy()
    redrawn = is_known & (rows.columns["fingerprint"].to_numpy() != rows.held["fingerprint"].to_numpy())
    old = geometries_of(session.connection(), rows.table, rows.held["id"].to_numpy()[redrawn].astype(int))
    some = rows.only(redrawn)
    kept = np.ones(len(redrawn), dtype=bool)
    kept[redrawn] = ~refuse_moved(old, some.geometries, some.names().tolist(), some.numbers, outcome)
    return rows.only(kept)


def write_rows(session: Session, rows: Rows, outcome: Outcome) -> None:
    """Insert the rows whose keys are new, replace those that differ, leave the rest; the outcome counts them."""
    columns, held = rows.columns, rows.held
    is_new = held["id"].isna().to_numpy()
    differs = np.zeros(len(columns), dtype=bool)
    for name in (name for name in columns.columns if name not in rows.keys):
        ours, theirs = columns[name].to_numpy(dtype=object), held[name].to_numpy(dtype=object)
        differs |= (ours != theirs) & ~(pd.isna(ours) & pd.isna(theirs))
    is_changed = ~is_new & differs
    connection = session.connection()
    first = next_id(connection, rows.table)
    outcome.before = stored(session, rows.table, held["id"].to_numpy()[is_changed].astype(int).tolist())
    for chosen, new in ((is_new, True), (is_changed, False)):
        places = np.flatnonzero(chosen)
        ids = range(first, first + len(places)) if new else held["id"].to_numpy()[places].astype(int)
        content_of: dict[str, list[Any]] = {"id": list(map(int, ids))}
        # What is missing is NULL on both databases: a NaN among text PostgreSQL would be given as a word.
        part = columns.iloc[places].astype(object)
        content_of |= {name: part[name].where(part[name].notna(), None).tolist() for name in columns.columns}
        content_of["extra"] = rows.extra[places].tolist()
        write(connection, rows.table, content_of, rows.geometries[places], new=new)
        merge(outcome.after, content(rows.table, content_of, rows.geometries[places]))
    outcome.added, outcome.changed = int(is_new.sum()), int(is_changed.sum())
    outcome.unchanged = len(columns) - outcome.added - outcome.changed
    outcome.area_m2 = round(float(columns["area_m2"].sum()), 2)


def refuse_moved(
    old: NDArray[np.object_],
    new: NDArray[np.object_],
    names: Sequence[str],
    numbers: NDArray[np.int64],
    outcome: Outcome,
) -> NDArray[np.bool_]:
    """Name as bad the rows whose polygon is not of the land that their number has; which they are, shape (n,).

    Parameters
    ----------
    old, new : arrays of shape (n,), valid polygons in degrees
    names : what n people know the records by
    numbers : array of shape (n,), the rows' numbers in the file
    """
    # Of two areas at one place the ratio is the same in square degrees.
    share = shapely.area(shapely.intersection(old, new)) / np.minimum(shapely.area(old), shapely.area(new))
    elsewhere = share < SAME_LAND
    here, there = (shapely.get_coordinates(shapely.point_on_surface(polygons[elsewhere])) for polygons in (old, new))
    far = np.hypot(*((there - here) * metres_per_degree((here[:, 1] + there[:, 1]) / 2)).T)
    for i, place, distance in zip(np.flatnonzero(elsewhere).tolist(), here, far, strict=True):
        facts = {"longitude": place[0], "latitude": place[1], "distance_m": distance} | _said_shared(share[i])
        outcome.refuse([numbers[i]], "number", NUMBER_ELSEWHERE, number=names[i], **facts)
    return np.asarray(elsewhere)


def _said_shared(share: float) -> dict[str, str]:
    if share < 0.001:
        return {"shared_zh": "互不相接", "shared_en": "of which this polygon has nothing"}
    return {"shared_zh": f"只重合 {share:.1%}", "shared_en": f"with which this polygon shares {share:.1%} only"}
