"""Exports of plots, claims and progress, and of an import's remarks, to files that others open."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.figures.progress import progress_tree
from farmland.figures.warning import WarningColours
from farmland.imports.rows.outcome import Outcome
from farmland.land.land_classes import class_name
from farmland.land.plots import Plot
from farmland.land.units import Unit, get_unit, within
from farmland.reports.marks import marks_of
from farmland.restoration.claims import Claim, State, claim_moments
from geodata.area import m2_to_mu
from geodata.column import decode, raw
from geodata.crs import STORAGE
from geodata.problems import Language
from geodata.writers import write_layer, write_table

Export = Callable[[Session, Path, str, datetime, WarningColours], int]


def export_plots(
    session: Session,
    path: Path,
    unit_code: str,
    moment: datetime,
    colours: WarningColours,
) -> int:
    """Write the plots of a unit; the number of rows."""
    code = get_unit(session, unit_code).code
    columns = ["unit_code", "number", "land_class", "basic_farmland", "area_m2"]
    rows = session.execute(
        select(*(getattr(Plot, name) for name in columns), raw(Plot.geometry))
        .where(within(Plot.unit_code, code))
        .order_by(Plot.id)
    ).all()
    table = pd.DataFrame([row[:-1] for row in rows], columns=columns)
    table["land_class_name"] = table["land_class"].map(class_name)
    table["area_mu"] = m2_to_mu(table["area_m2"]).round(2)
    write_layer(
        gpd.GeoDataFrame(table, geometry=decode([row[-1] for row in rows]), crs=STORAGE),
        path,
    )
    return len(rows)


def claims_layer(session: Session, unit_code: str, moment: datetime) -> gpd.GeoDataFrame:
    """The claims of a unit that were reported by a moment, in the state they had then, with their net polygons.

    `net_area_m2` belongs to the polygon (less ridges, where the target deducts them): that of the acceptance once the
    claim was accepted, else that of the reporting. `evidenced_at` is there where photographs showed it by the moment.
    """
    code = get_unit(session, unit_code).code
    m = claim_moments(moment)
    rows = session.execute(
        select(
            Claim.number,
            Claim.unit_code,
            Unit.name.label("unit_name"),
            Claim.target_code,
            Claim.source_kind,
            Claim.origin,
            Claim.before_asked,
            Claim.evidenced_at,
            Claim.former_use,
            Claim.crop,
            Claim.typed_area_mu,
            Claim.gross_m2,
            Claim.reported_net_m2,
            Claim.accepted_net_m2,
            Claim.method,
            Claim.reported_net_u_m2,
            Claim.accepted_net_u_m2,
            *(m.c[f"{state}_at"] for state in State),
            raw(Claim.reported_net).label("reported_net"),
            raw(Claim.accepted_net).label("accepted_net"),
        )
        .join(m, m.c.claim_id == Claim.id)
        .join(Unit, Unit.code == Claim.unit_code)
        .where(within(Claim.unit_code, code))
        .order_by(Claim.id)
    ).all()
    records = []
    for row in rows:
        reached = {state: at for state in State if (at := getattr(row, f"{state}_at"))}
        accepted = State.ACCEPTED in reached
        evidenced_at = row.evidenced_at
        net_m2 = row.accepted_net_m2 if accepted else row.reported_net_m2
        net_u_m2 = row.accepted_net_u_m2 if accepted else row.reported_net_u_m2
        records.append(
            {
                "number": row.number,
                "state": max(reached, key=list(State).index).value,
                "unit_code": row.unit_code,
                "unit_name": row.unit_name,
                "target_code": row.target_code,
                "source_kind": row.source_kind,
                "origin": row.origin,
                "before_asked": row.before_asked,
                "evidenced_at": evidenced_at.isoformat() if evidenced_at and evidenced_at <= moment else None,
                "former_use": row.former_use,
                "crop": row.crop,
                "typed_area_mu": row.typed_area_mu,
                "gross_area_m2": row.gross_m2,
                "gross_area_mu": round(float(m2_to_mu(row.gross_m2)), 2),
                "net_area_m2": net_m2,
                "net_area_mu": round(float(m2_to_mu(net_m2)), 2),
                "net_u_m2": net_u_m2,
                "net_u_mu": None if net_u_m2 is None else round(float(m2_to_mu(net_u_m2)), 2),
                "method": row.method,
                **{f"{state}_at": reached[state].isoformat() if state in reached else None for state in State},
                "geometry": row.accepted_net if accepted else row.reported_net,
            }
        )
    frame = pd.DataFrame(records, columns=CLAIM_COLUMNS)
    geometry = decode(frame.pop("geometry").tolist())
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=STORAGE)


CLAIM_COLUMNS = [
    "number",
    "state",
    "unit_code",
    "unit_name",
    "target_code",
    "source_kind",
    "origin",
    "before_asked",
    "evidenced_at",
    "former_use",
    "crop",
    "typed_area_mu",
    "gross_area_m2",
    "gross_area_mu",
    "net_area_m2",
    "net_area_mu",
    "net_u_m2",
    "net_u_mu",
    "method",
    *(f"{state}_at" for state in State),
    "geometry",
]


def export_claims(
    session: Session,
    path: Path,
    unit_code: str,
    moment: datetime,
    colours: WarningColours,
) -> int:
    """Write the claims of a unit as of a moment with their net polygons; the number of rows."""
    layer = claims_layer(session, unit_code, moment)
    write_layer(layer, path)
    return len(layer)


def export_progress(
    session: Session,
    path: Path,
    unit_code: str,
    moment: datetime,
    colours: WarningColours,
) -> int:
    """Write the progress of a unit and all below it down to villages, with polygons where the file holds them."""
    rows = progress_tree(session, unit_code, moment, colours=colours)
    table = pd.DataFrame(rows)
    table["mark"] = [mark.text for mark in marks_of(session, rows)]
    held: dict[str, bytes | None] = dict(
        session.execute(
            select(Unit.code, raw(Unit.geometry)).where(Unit.code.in_([row.unit_code for row in rows]))
        ).all()
    )
    if path.suffix.lower() in (".csv", ".xlsx") or any(held.get(row.unit_code) is None for row in rows):
        write_table(table, path)
    else:
        geometry = decode([held[row.unit_code] for row in rows])
        write_layer(gpd.GeoDataFrame(table, geometry=geometry, crs=STORAGE), path)
    return len(rows)


def write_remarks(outcome: Outcome, path: Path, language: Language) -> None:
    """Write the remarks of an import: row, field, whether it is bad, the sentence."""
    remarks = [(row, "bad") for row in outcome.bad] + [(row, "notice") for row in outcome.notices]
    rows = [(row.number, row.field, kind, row.problem.code, row.problem.sentence(language)) for row, kind in remarks]
    write_table(pd.DataFrame(rows, columns=["row", "field", "kind", "code", "remark"]), path)


EXPORTS: dict[str, Export] = {
    "plots": export_plots,
    "claims": export_claims,
    "progress": export_progress,
}
