"""What must hold between the records of claims, whoever wrote them: the order of steps, net areas, disjointness, totals."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from farmland.figures.progress import progress
from farmland.land.units import cities, stem
from farmland.restoration.claims import NEXT, Claim, Deduction, State, Step
from farmland.restoration.evidence import claims_evidenced
from farmland.restoration.net_area import Reason, Stage
from farmland.restoration.targets import Target
from geodata.area import areas_m2, flat_areas_m2
from geodata.column import decode, raw
from geodata.overlaps import overlaps
from geodata.problems import Kind, Problem

STEPS_OUT_OF_ORDER = Kind(
    "steps_out_of_order",
    "申报 {number} 的经过不合规则：{states}。",
    "The steps of claim {number} do not follow one another as they must: {states}.",
    "conflict",
)
NET_DIFFERS = Kind(
    "net_area_differs",
    "申报 {number} 的{stage}净面积 {net_m2:,.2f} m² 与图形量得的 {measured_m2:,.2f} m² 或扣除项不符。",
    "The net area of claim {number} ({stage}), {net_m2:,.2f} m², is not what its polygon measures, "
    "{measured_m2:,.2f} m², or not gross less deductions.",
    "conflict",
)
COUNTED_TWICE = Kind(
    "counted_twice",
    "申报 {number} 与 {other} 同时计入了同一块地 {area_m2:,.2f} m²。",
    "Claims {number} and {other} count the same {area_m2:,.2f} m² at the same time.",
    "conflict",
)
TOTAL_DIFFERS = Kind(
    "total_differs",
    "{unit_name}任务 {target} 的{figure_zh}面积 {shown_m2:,.2f} m² 不等于各申报之和 {sum_m2:,.2f} m²。",
    "The {figure_en} area of {unit_name} for target {target}, {shown_m2:,.2f} m², is not the sum of its claims, "
    "{sum_m2:,.2f} m².",
    "conflict",
)
EVIDENCED_DIFFERS = Kind(
    "evidenced_differs",
    "申报 {number} 记载的有照片佐证的时间（{kept}）与按照片算得的（{computed}）不符。",
    "Claim {number} is said to be evidenced since {kept}; by its photographs it is since {computed}.",
    "conflict",
)
_CENT_M2 = 0.015
"""Two areas of two decimals are the same up to this: each was rounded once."""


def inconsistencies(session: Session) -> Iterator[tuple[int | None, Problem]]:
    """The claims (by id; None: all of a unit's) with what is wrong. All of it is measured anew from the polygons."""
    claims = _claims(session)
    steps = pd.DataFrame(
        session.execute(
            select(Step.claim_id, Step.state, Step.at)
            .where(Step.withdrawn_at.is_(None))
            .order_by(Step.claim_id, Step.at, Step.id)
        ).all(),
        columns=["claim", "state", "at"],
    )
    numbers = claims["number"].to_dict()
    for claim, states in steps.groupby("claim")["state"].agg(list).items():
        follows = all(State(after) in NEXT[State(before)] for before, after in pairwise(states))
        if states[0] != State.REPORTED or not follows:
            problem = Problem(STEPS_OUT_OF_ORDER, number=numbers[claim], states=" → ".join(states))
            yield int(str(claim)), problem
    cuts = pd.DataFrame(
        session.execute(
            select(Deduction.claim_id, Deduction.stage, Deduction.reason, func.sum(Deduction.area_m2)).group_by(
                Deduction.claim_id, Deduction.stage, Deduction.reason
            )
        ).all(),
        columns=["claim", "stage", "reason", "area_m2"],
    )
    for stage in Stage:
        yield from _wrong_areas(claims, cuts[cuts["stage"] == stage], stage)
    yield from _counted_twice(claims, steps)
    yield from _wrong_evidence(session, claims)
    yield from _wrong_totals(session, claims, steps)


def _claims(session: Session) -> pd.DataFrame:
    """All claims by id, with their net polygons."""
    columns: dict[str, Any] = {
        "id": Claim.id,
        "number": Claim.number,
        "unit_code": Claim.unit_code,
        "target_code": Claim.target_code,
        "gross_m2": Claim.gross_m2,
        "reported_m2": Claim.reported_net_m2,
        "accepted_m2": Claim.accepted_net_m2,
        "evidenced_at": Claim.evidenced_at,
    }
    nets = (raw(Claim.reported_net), raw(Claim.accepted_net))
    rows = session.execute(select(*columns.values(), *nets).order_by(Claim.id)).all()
    frame = pd.DataFrame([row[:-2] for row in rows], columns=list(columns)).set_index("id")
    frame["evidenced_at"] = pd.to_datetime(frame["evidenced_at"], utc=True)
    for place, stage in zip((-2, -1), Stage, strict=True):
        frame[stage] = decode([row[place] for row in rows])
    return frame


def _wrong_areas(claims: pd.DataFrame, cuts: pd.DataFrame, stage: Stage) -> Iterator[tuple[int, Problem]]:
    """Claims whose net area is not gross less deductions, or is not what its polygon measures less the ridges."""
    held = claims[claims[f"{stage}_m2"].notna()]
    net = held[f"{stage}_m2"].to_numpy(dtype=float)
    measured = areas_m2(held[stage].to_numpy()).round(2)
    by_claim = cuts.groupby("claim")["area_m2"].sum().reindex(held.index, fill_value=0.0).to_numpy(dtype=float)
    unmapped = cuts[cuts["reason"] == Reason.RIDGES].groupby("claim")["area_m2"].sum()
    on_the_map = net + unmapped.reindex(held.index, fill_value=0.0).to_numpy(dtype=float)
    sums = held["gross_m2"].to_numpy(dtype=float) - by_claim
    wrong = (np.abs(sums - net) > _CENT_M2) | (np.abs(measured - on_the_map) > _CENT_M2)
    for place in np.flatnonzero(wrong):
        facts = {"number": held["number"].iloc[place], "net_m2": net[place], "measured_m2": measured[place]}
        yield int(held.index.tolist()[place]), Problem(NET_DIFFERS, stage=stage, **facts)


def _counted_twice(claims: pd.DataFrame, steps: pd.DataFrame) -> Iterator[tuple[int, Problem]]:
    """Claims that were accepted at the same time and share land."""
    at = steps.pivot(index="claim", columns="state", values="at").reindex(columns=list(State))
    held = claims[claims["accepted_m2"].notna()]
    if held.empty:
        return
    begin: list[datetime] = at[State.ACCEPTED].reindex(held.index).tolist()
    end = at[State.REVOKED].reindex(held.index).tolist()
    pairs, shared = overlaps(held["accepted"].to_numpy())
    for (one, other), area in zip(pairs.tolist(), flat_areas_m2(shared), strict=True):
        ended = not pd.isna(end[one]) and end[one] <= begin[other]
        if ended or (not pd.isna(end[other]) and end[other] <= begin[one]):
            continue
        numbers = {"number": held["number"].iloc[other], "other": held["number"].iloc[one]}
        yield int(held.index[other]), Problem(COUNTED_TWICE, area_m2=area, **numbers)


def _wrong_evidence(session: Session, claims: pd.DataFrame) -> Iterator[tuple[int, Problem]]:
    """Claims that are evidenced since another moment than their photographs say."""
    query = select(Claim.id, Claim.evidenced_at).where(Claim.evidenced_at.is_not(None))
    kept: dict[int, datetime | None] = dict(session.execute(query).all())
    computed = claims_evidenced(session)
    numbers = claims["number"].to_dict()
    for claim in sorted(kept.keys() | computed.keys()):
        one, other = kept.get(claim), computed.get(claim)
        if one != other:
            facts = {"number": numbers[claim], "kept": _said(one), "computed": _said(other)}
            yield claim, Problem(EVIDENCED_DIFFERS, **facts)


def _said(at: datetime | None) -> str:
    return "—" if at is None else f"{at:%Y-%m-%d %H:%M}"


def _wrong_totals(session: Session, claims: pd.DataFrame, steps: pd.DataFrame) -> Iterator[tuple[None, Problem]]:
    """Targets whose accepted area in a city, or its evidenced part, is not the sum of the claims, added up one by one."""
    if steps.empty:
        return
    now = steps["at"].max()
    state = steps[steps["at"] <= now].groupby("claim")["state"].last()
    counted = claims[state.reindex(claims.index) == State.ACCEPTED]
    for city in cities(session):
        here = counted[counted["unit_code"].str.startswith(stem(city.code))]
        for target in session.scalars(select(Target.code)):
            one = here[here["target_code"] == target]
            shown = progress(session, city.code, now, target_code=target)
            seen = one[one["evidenced_at"] <= now]
            for part, total_m2, part_name in (
                (one, shown.accepted_m2, ("已验收", "accepted")),
                (seen, shown.evidenced_m2, ("有照片佐证的", "evidenced")),
            ):
                ours = round(float(part["accepted_m2"].sum()), 2)
                if abs(ours - total_m2) > _CENT_M2:
                    facts = {"unit_name": city.name, "target": target, "shown_m2": total_m2, "sum_m2": ours}
                    yield None, Problem(TOTAL_DIFFERS, figure_zh=part_name[0], figure_en=part_name[1], **facts)
