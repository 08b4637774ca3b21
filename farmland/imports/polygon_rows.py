"""Rows with a polygon and a key, compared with those that are there: what is new, what changed, what is the same."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from farmland.imports.outcome import Outcome
from farmland.ledger import content, merge, stored
from geodata.column import next_id, write


def write_rows(
    session: Session,
    table: Table,
    keys: list[str],
    rows: pd.DataFrame,
    geometries: NDArray[np.object_],
    extra: list[dict[str, Any] | None],
    outcome: Outcome,
) -> None:
    """Insert the rows whose keys are new, replace those that differ, leave the rest; the outcome counts them.

    Parameters
    ----------
    rows : DataFrame of n rows with the table's columns, `fingerprint` among them, without id, geometry and extra
    geometries : array of shape (n,)
    extra : n dicts of the columns that are no field of ours
    """
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
    outcome.unchanged = len(rows) - outcome.added - outcome.changed
    outcome.area_m2 = round(float(rows["area_m2"].sum()), 2) if len(rows) else 0.0
