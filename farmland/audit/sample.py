"""What an auditor's pack speaks of: the claims behind a unit's accepted area, and a sample of them that a seed draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from farmland.figures.unit_areas import recorded_by
from farmland.land.baseline import BaselinePatch
from farmland.land.land_classes import farmland_codes
from farmland.land.units import Unit, within
from farmland.records.database import table_of
from farmland.restoration.claims import Claim, Deduction, State, claim_moments
from farmland.restoration.net_area import Reason, Stage
from geodata.column import BoundsMeet, decode, raw
from geodata.crs import STORAGE

Geometries = NDArray[np.object_]


@dataclass(frozen=True)
class Asked:
    """What is audited: a unit's claims for a target as of a moment, as they were known at another (None: now)."""

    unit_code: str
    target_code: str | None
    moment: datetime
    known_at: datetime | None


def population(session: Session, asked: Asked) -> pd.DataFrame:
    """The claims reported by the moment, by id in the order of their numbers: state, moments of the steps, areas in m².

    `gross_m2` less the deductions (`outside_unit_m2`, ...) is `net_m2`, in this order; of claims that are not accepted
    only `gross_m2` is there. `evidenced_at` is there where photographs show the claim that were recorded by then.
    """
    m = claim_moments(asked.moment, asked.known_at)
    moments = {f"{state}_at": m.c[f"{state}_at"] for state in State}
    columns: dict[str, Any] = {
        "id": Claim.id,
        "number": Claim.number,
        "unit_code": Claim.unit_code,
        "unit_name": Unit.name,
        **moments,
        "evidenced_at": Claim.evidenced_at,
        "gross_m2": Claim.gross_m2,
        "net_m2": Claim.accepted_net_m2,
    }
    query = select(*columns.values()).join(m, m.c.claim_id == Claim.id).join(Unit, Unit.code == Claim.unit_code)
    here = within(Claim.unit_code, asked.unit_code) & (Claim.target_code == asked.target_code)
    rows = sorted(session.execute(query.where(here)).all(), key=lambda row: row.number)  # no database's own order
    claims = pd.DataFrame(rows, columns=list(columns)).set_index("id")
    state = states(claims)
    accepted = state == State.ACCEPTED
    held = select(Deduction.claim_id, Deduction.reason, Deduction.area_m2).where(Deduction.stage == Stage.ACCEPTED)
    cuts = rows_of(session, held, Deduction.claim_id, claims.index[accepted].tolist())
    by_reason = pd.DataFrame(cuts, columns=["claim", "reason", "area_m2"]).pivot_table(
        index="claim", columns="reason", values="area_m2", aggfunc="sum"
    )
    shown = claims[["number", "unit_code", "unit_name"]].assign(state=state)
    for name in moments:
        shown[name] = claims[name].map(iso)
    recorded = recorded_by(asked.moment, asked.known_at)
    shown["evidenced_at"] = [iso(None if pd.isna(at) or at > recorded else at) for at in claims["evidenced_at"]]
    shown["gross_m2"] = claims["gross_m2"]
    for reason in Reason:
        cut = by_reason[reason] if reason in by_reason else pd.Series(dtype=float)
        shown[f"{reason}_m2"] = cut.reindex(claims.index).fillna(0.0).astype(float).round(2).where(accepted)
    shown["net_m2"] = claims["net_m2"].where(accepted)
    return shown


def draw(accepted: pd.DataFrame, sample: int, seed: int) -> pd.Series:
    """The place at which each claim of a sample was drawn, from 1, by the claims' ids; all where there are no more.

    The same rows in the same order, size and seed give the same sample (NumPy's default_rng, PCG64).
    """
    places = np.random.default_rng(seed).choice(len(accepted), size=min(sample, len(accepted)), replace=False)
    return pd.Series(np.arange(1, len(places) + 1), index=accepted.index[places], name="draw").sort_index()


def polygons_of(session: Session, claims: pd.DataFrame) -> tuple[Geometries, Geometries]:
    """The polygons of accepted claims as they were reported, and what of them is net; in the order of the claims."""
    query = select(Claim.id, raw(Claim.geometry), raw(Claim.accepted_net))
    rows = {row[0]: row[1:] for row in rows_of(session, query, Claim.id, claims.index.tolist())}
    held = [rows[key] for key in claims.index]
    return decode([row[0] for row in held]), decode([row[1] for row in held])


def units_of(session: Session, asked: Asked) -> gpd.GeoDataFrame:
    """The unit that is audited and those below it that have claims, with their polygons, by code."""
    claimed = select(Claim.unit_code).where(within(Claim.unit_code, asked.unit_code))
    rows = session.execute(
        select(Unit.code, Unit.name, raw(Unit.geometry))
        .where(Unit.geometry.is_not(None), (Unit.code == asked.unit_code) | Unit.code.in_(claimed))
        .order_by(Unit.code)
    ).all()
    table = pd.DataFrame([row[:-1] for row in rows], columns=["code", "name"])
    return gpd.GeoDataFrame(table, geometry=decode([row[-1] for row in rows]), crs=STORAGE)


def farmland_near(session: Session, lands: Geometries) -> gpd.GeoDataFrame:
    """The baseline's farmland whose bounds meet those of some polygons, by year and number."""
    columns = ["year", "number", "land_class", "area_m2"]
    query = select(*(getattr(BaselinePatch, name) for name in columns), raw(BaselinePatch.geometry)).where(
        BaselinePatch.land_class.in_(farmland_codes()),
        BoundsMeet(table_of(BaselinePatch), shapely.total_bounds(lands).tolist()),
    )
    rows = session.execute(query).all()
    patches = decode([row[-1] for row in rows])
    near = np.unique(shapely.STRtree(patches).query(shapely.box(*shapely.bounds(lands).T))[1])
    table = pd.DataFrame([rows[place][:-1] for place in near], columns=columns)
    frame = gpd.GeoDataFrame(table, geometry=patches[near], crs=STORAGE)
    return frame.sort_values(["year", "number"], ignore_index=True)


def states(claims: pd.DataFrame) -> pd.Series:
    """The state of each claim, from the moments of its steps."""
    state = pd.Series("", index=claims.index)
    for reached in State:
        state[claims[f"{reached}_at"].notna()] = str(reached)
    return state


def iso(moment: Any) -> str:
    """A moment as text; "" where there is none."""
    return "" if pd.isna(moment) else moment.isoformat()


def rows_of(
    session: Session, query: Select[*tuple[Any, ...]], column: InstrumentedAttribute[Any], keys: Sequence[Any]
) -> list[Any]:
    """The rows of a query where a column holds one of many keys, which no database takes all at once."""
    chunks = (keys[start : start + 5000] for start in range(0, len(keys), 5000))
    return [row for chunk in chunks for row in session.execute(query.where(column.in_(chunk)))]
