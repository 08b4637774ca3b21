"""Rows with a polygon and a key, compared with those that are there: what is new, what changed, what is the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from farmland.imports.outcome import Options, Outcome
from farmland.imports.source import Source
from farmland.ledger import content, merge, stored
from geodata.column import geometries_of, next_id, write
from geodata.problems import Kind
from geodata.scale import metres_per_degree

NUMBER_ELSEWHERE = Kind(
    "number_elsewhere",
    "“{number}”已经是另一块地的编号（{longitude:.5f}°E {latitude:.5f}°N，相距 {distance_m:,.0f} m，互不相接），导入会把它替换"
    "掉。请核对编号；确是同一地块换了位置，加 --allow-moved。",
    "“{number}” is the number of other land, at {longitude:.5f}°E {latitude:.5f}°N, {distance_m:,.0f} m away, which would be "
    "replaced. Check the number; where the record is meant to move, add --allow-moved.",
)


def write_rows(
    session: Session,
    table: Table,
    keys: list[str],
    rows: pd.DataFrame,
    geometries: NDArray[np.object_],
    source: Source,
    good: NDArray[np.int64],
    options: Options,
    outcome: Outcome,
) -> None:
    """Insert the rows whose keys are new, replace those that differ, leave the rest; the outcome counts them.

    A known key whose new polygon shares no land with the old one is somebody else's number: the row is named as bad, unless
    the option `allow_moved` says that it is meant.

    Parameters
    ----------
    rows : DataFrame of n rows with the table's columns, `fingerprint` among them, without id, geometry and extra
    geometries : array of shape (n,)
    source, good : the file, and which of its rows these are, shape (n,); its columns that are no field of ours are kept
    """
    whole = source.extra()
    extra, numbers = [whole[i] for i in good], source.numbers[good]
    columns_held = ["id", *rows.columns]
    found = session.execute(select(*(table.c[name] for name in columns_held))).all()
    held = pd.DataFrame(found, columns=columns_held)
    joined = rows[keys].merge(held, on=keys, how="left", suffixes=("", "_held"))
    is_new = joined["id"].isna().to_numpy()
    compared = [name for name in rows.columns if name not in keys]
    differs = np.zeros(len(rows), dtype=bool)
    for name in compared:
        ours, theirs = (
            rows[name].to_numpy(dtype=object),
            joined[name].to_numpy(dtype=object),
        )
        differs |= (ours != theirs) & ~(pd.isna(ours) & pd.isna(theirs))
    is_changed = ~is_new & differs
    kept = np.ones(len(rows), dtype=bool)
    if not options.allow_moved:
        redrawn = np.flatnonzero(is_changed & (rows["fingerprint"].to_numpy() != joined["fingerprint"].to_numpy()))
        old = geometries_of(session.connection(), table, joined["id"].to_numpy()[redrawn].astype(int))
        names = ["/".join(map(str, key)) for key in rows[keys].iloc[redrawn].itertuples(index=False)]
        kept[redrawn] = ~refuse_moved(old, geometries[redrawn], names, numbers[redrawn], outcome)
        is_changed &= kept
    rows = rows.astype(object).where(rows.notna(), None)  # where pandas has made NaN of what is not there
    connection = session.connection()
    first = next_id(connection, table)
    outcome.before = stored(session, table, joined["id"].to_numpy()[is_changed].astype(int).tolist())
    for chosen, new in ((is_new, True), (is_changed, False)):
        places = np.flatnonzero(chosen)
        ids = range(first, first + len(places)) if new else joined["id"].to_numpy()[places].astype(int)
        columns: dict[str, list[Any]] = {"id": list(map(int, ids))}
        # What is missing is NULL on both databases: a NaN among text PostgreSQL would be given as a word.
        part = rows.iloc[places].astype(object)
        columns |= {name: part[name].where(part[name].notna(), None).tolist() for name in rows.columns}
        columns["extra"] = [extra[place] for place in places]
        write(connection, table, columns, geometries[places], new=new)
        merge(outcome.after, content(table, columns, geometries[places]))
    outcome.added, outcome.changed = int(is_new.sum()), int(is_changed.sum())
    outcome.unchanged = int(kept.sum()) - outcome.added - outcome.changed
    outcome.area_m2 = round(float(rows["area_m2"][kept].sum()), 2)


def refuse_moved(
    old: NDArray[np.object_],
    new: NDArray[np.object_],
    names: Sequence[str],
    numbers: NDArray[np.int64],
    outcome: Outcome,
) -> NDArray[np.bool_]:
    """Name as bad the rows whose polygon shares no land with the one that their number has; which they are, shape (n,).

    Parameters
    ----------
    old, new : arrays of shape (n,), valid polygons in degrees
    names : what n people know the records by
    numbers : array of shape (n,), the rows' numbers in the file
    """
    elsewhere = ~shapely.relate_pattern(old, new, "T********")
    here, there = (shapely.get_coordinates(shapely.point_on_surface(polygons[elsewhere])) for polygons in (old, new))
    far = np.hypot(*((there - here) * metres_per_degree((here[:, 1] + there[:, 1]) / 2)).T)
    for i, place, distance in zip(np.flatnonzero(elsewhere).tolist(), here, far, strict=True):
        facts = {"longitude": place[0], "latitude": place[1], "distance_m": distance}
        outcome.refuse([numbers[i]], "number", NUMBER_ELSEWHERE, number=names[i], **facts)
    return np.asarray(elsewhere)
