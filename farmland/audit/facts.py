"""All that an auditor's pack says of the claims of its sample: facts, deductions, history, ledger, evidence files."""

from datetime import UTC
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from farmland.audit.sample import Asked, iso, rows_of, states
from farmland.records.ledger import Entry
from farmland.restoration.claims import Claim, Deduction, State, Step, claim_moments, known
from farmland.restoration.evidence import Evidence
from farmland.restoration.net_area import REASON_NAMES, Reason, Stage
from geodata.column import decode, raw
from geodata.crs import STORAGE

ENTRY_COLUMNS = ["seq", "at", "actor", "unit_code", "event", "subject", "before", "after", "previous", "hash"]


def described(session: Session, claims: pd.DataFrame) -> pd.DataFrame:
    """Claims (by id) with what a visit in the field asks: where from, what was there, what grows, how it was measured."""
    names = ["source_kind", "former_use", "crop", "typed_area_mu", "method", "accepted_net_u_m2"]
    query = select(Claim.id, *(getattr(Claim, name) for name in names))
    rows = rows_of(session, query, Claim.id, claims.index.tolist())
    facts = pd.DataFrame(rows, columns=["id", *names]).set_index("id")
    return claims.join(facts.rename(columns={"accepted_net_u_m2": "net_u_m2"}))


def deductions_of(session: Session, claims: pd.DataFrame) -> gpd.GeoDataFrame:
    """What was deducted from claims when they were accepted, and where; ridges have no polygon."""
    other = aliased(Claim)
    columns = [Deduction.claim_id, Deduction.id, Deduction.reason, Deduction.area_m2, other.number]
    query = (
        select(*columns, raw(Deduction.geometry))
        .join(other, other.id == Deduction.other_claim_id, isouter=True)
        .where(Deduction.stage == Stage.ACCEPTED)
    )
    rows = rows_of(session, query, Deduction.claim_id, claims.index.tolist())
    frame = pd.DataFrame([row[:-1] for row in rows], columns=["claim_id", "id", "reason", "area_m2", "other_claim"])
    frame.insert(3, "reason_zh", frame["reason"].map(lambda reason: REASON_NAMES[Reason(reason)][0]))
    layer = gpd.GeoDataFrame(frame, geometry=decode([row[-1] for row in rows]), crs=STORAGE)
    return _by_number(layer, claims, ["id"]).drop(columns="id")


def others_of(session: Session, numbers: list[str], asked: Asked) -> gpd.GeoDataFrame:
    """Claims for which land was deducted from others, with their accepted polygons, by number."""
    m = claim_moments(asked.moment, asked.known_at)
    columns: dict[str, Any] = {
        "number": Claim.number,
        "unit_code": Claim.unit_code,
        "net_m2": Claim.accepted_net_m2,
        **{f"{state}_at": m.c[f"{state}_at"] for state in State},
    }
    query = select(*columns.values(), raw(Claim.accepted_net)).join(m, m.c.claim_id == Claim.id, isouter=True)
    rows = rows_of(session, query, Claim.number, numbers)
    frame = pd.DataFrame([row[:-1] for row in rows], columns=list(columns))
    frame.insert(1, "state", states(frame))
    for state in State:
        frame[f"{state}_at"] = frame[f"{state}_at"].map(iso)
    layer = gpd.GeoDataFrame(frame, geometry=decode([row[-1] for row in rows]), crs=STORAGE)
    return layer.sort_values("number", ignore_index=True)


def history_of(session: Session, claims: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Every step of claims, withdrawn and later ones too; `counted` where the figures of the pack rest on it."""
    columns: dict[str, Any] = {
        "claim_id": Step.claim_id,
        "id": Step.id,
        "state": Step.state,
        "at": Step.at,
        "by": Step.by,
        "by_unit_code": Step.by_unit_code,
        "device": Step.device,
        "household": Step.household,
        "why": Step.why,
        "recorded_at": Step.recorded_at,
        "withdrawn_at": Step.withdrawn_at,
        "counted": (Step.at <= asked.moment) & known(asked.known_at),
    }
    rows = rows_of(session, select(*columns.values()), Step.claim_id, claims.index.tolist())
    steps = _by_number(pd.DataFrame(rows, columns=list(columns)), claims, ["at", "id"])
    for name in ("at", "recorded_at", "withdrawn_at"):
        steps[name] = steps[name].map(iso)
    steps["counted"] = steps["counted"].map({True: "yes", False: "no"})
    return steps.drop(columns="id")


def entries_of(session: Session, claims: pd.DataFrame) -> pd.DataFrame:
    """The ledger's entries on claims, whole, so that each one's hash can be computed again."""
    query = select(*(getattr(Entry, name) for name in ENTRY_COLUMNS))
    rows = rows_of(session, query, Entry.subject, claims["number"].tolist())
    entries = pd.DataFrame(rows, columns=ENTRY_COLUMNS).sort_values("seq", ignore_index=True)
    # As it stands in what the hash is over (farmland.records.ledger.hash_of).
    entries["at"] = entries["at"].map(lambda at: at.astimezone(UTC).isoformat(timespec="microseconds"))
    return entries


def evidence_files_of(session: Session, claims: pd.DataFrame) -> pd.DataFrame:
    """The photographs and documents of claims, with what they tell, by number."""
    names = ["claim_id", "id", "sha256", "kind", "media_type", "size", "name", "purpose", "taken_at", "longitude",
             "latitude", "accuracy_m", "bearing", "device", "by", "client_at", "recorded_at"]  # fmt: skip
    query = select(*(getattr(Evidence, name) for name in names))
    rows = rows_of(session, query, Evidence.claim_id, claims.index.tolist())
    files = _by_number(pd.DataFrame(rows, columns=names), claims, ["id"])
    for name in ("taken_at", "client_at", "recorded_at"):
        files[name] = files[name].map(iso)
    return files.drop(columns="id")


def _by_number(rows: pd.DataFrame, claims: pd.DataFrame, then: list[str]) -> pd.DataFrame:
    """Rows with their claim's number in place of its id, by number and then by some columns."""
    rows.insert(0, "number", rows.pop("claim_id").map(claims["number"]))
    return rows.sort_values(["number", *then], ignore_index=True)
