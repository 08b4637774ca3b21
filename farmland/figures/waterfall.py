"""The waterfall from gross to net: what was reported, each reason why part of it does not count, what is accepted."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from farmland.figures.progress import Progress, progress
from farmland.figures.rounding import mu, shares_of
from farmland.figures.unit_areas import recorded_by
from farmland.land.units import get_unit, normal_code, within
from farmland.records.clock import day_of
from farmland.restoration.claims import Claim, Deduction, claim_moments
from farmland.restoration.net_area import REASON_NAMES, Reason, Stage
from farmland.restoration.targets import target_for
from geodata.area import m2_to_mu
from geodata.problems import Kind, Problem

REPORTED, ACCEPTED = "reported", "accepted"
REJECTED, REVOKED = "rejected", "revoked"
NOT_YET_CHECKED, NOT_YET_ACCEPTED = "not_yet_checked", "not_yet_accepted"
EVIDENCE_MISSING = "evidence_missing"
BAR_NAMES: dict[str, tuple[str, str]] = {
    REPORTED: ("上报面积", "reported, gross"),
    **{str(reason): names for reason, names in REASON_NAMES.items()},
    REJECTED: ("退回", "rejected"),
    EVIDENCE_MISSING: ("证据不足", "evidence missing"),
    NOT_YET_CHECKED: ("尚未核查", "not yet checked"),
    NOT_YET_ACCEPTED: ("尚未验收", "not yet accepted"),
    REVOKED: ("撤销", "revoked"),
    ACCEPTED: ("已验收净面积", "accepted, net"),
}
UNKNOWN_BAR = Kind(
    "unknown_bar",
    "从上报到验收没有“{reason}”这一项。有：{reasons}。",
    "The waterfall has no bar “{reason}”. It has: {reasons}.",
    "not_found",
)
BARS = (
    REPORTED,
    *Reason,
    REJECTED,
    EVIDENCE_MISSING,
    NOT_YET_CHECKED,
    NOT_YET_ACCEPTED,
    REVOKED,
    ACCEPTED,
)


@dataclass(frozen=True)
class Bar:
    """A bar: the area in m² and mu (two decimals) and how many claims it is made of."""

    reason: str
    area_m2: float
    area_mu: float
    claims: int


def waterfall(
    session: Session,
    unit_code: str,
    moment: datetime,
    *,
    target_code: str | None = None,
    known_at: datetime | None = None,
    by_evidence: bool = True,
) -> list[Bar]:
    """The bars in the order of :data:`BARS` for a unit and all below it as of a moment.

    The first less those between is the last, in m² and in the rounded mu. Without `by_evidence` no bar tells what evidence is
    missing, as in reports of before. Raises UNIT_UNKNOWN, TARGET_UNKNOWN.
    """
    options: dict[str, Any] = {"target_code": target_code, "known_at": known_at}
    parts = claim_parts(session, unit_code, moment, by_evidence=by_evidence, **options)
    return _bars(parts, progress(session, unit_code, moment, **options))


def _bars(parts: dict[str, dict[int, float]], now: Progress) -> list[Bar]:
    """The bars that claims make up, in mu the same figures as the progress, to the last hundredth."""
    area_m2 = {bar: round(sum(areas.values(), 0.0), 2) for bar, areas in parts.items()}
    area_mu = {
        REPORTED: now.reported_mu,
        NOT_YET_ACCEPTED: round(now.checked_mu - now.accepted_mu, 2),
        REVOKED: now.revoked_mu,
        ACCEPTED: now.accepted_mu,
    }
    others = [bar for bar in parts if bar not in area_mu]
    rest = round(now.reported_mu - now.checked_mu - now.revoked_mu, 2)
    exact = dict(area_m2)
    checked_mu = 0.0
    if parts.get(EVIDENCE_MISSING):
        # Of what lacks evidence a part is checked: that comes from what is not yet accepted, the rest from the others.
        checked_m2 = round(now.checked_m2 - now.accepted_m2 - area_m2[NOT_YET_ACCEPTED], 2)
        exact[EVIDENCE_MISSING] = max(round(area_m2[EVIDENCE_MISSING] - checked_m2, 2), 0.0)
        waiting_mu = area_mu[NOT_YET_ACCEPTED]
        checked_mu = min(mu(checked_m2), waiting_mu) if parts[NOT_YET_ACCEPTED] else waiting_mu
        area_mu[NOT_YET_ACCEPTED] = round(waiting_mu - checked_mu, 2)
    shared = shares_of(rest, m2_to_mu(np.array([exact[bar] for bar in others])))
    area_mu |= dict(zip(others, shared.tolist(), strict=True))
    if checked_mu:
        area_mu[EVIDENCE_MISSING] = round(area_mu[EVIDENCE_MISSING] + checked_mu, 2)
    return [Bar(bar, area_m2[bar], area_mu[bar], len(parts[bar])) for bar in parts]


def claims_of_bar(session: Session, unit_code: str, moment: datetime, reason: str) -> pd.DataFrame:
    """The claims behind a bar: a row by number with `bar_area_m2` and `bar_area_mu`, which sum to the bar's.

    Raises UNKNOWN_BAR, UNIT_UNKNOWN.
    """
    if reason not in BARS:
        raise Problem(UNKNOWN_BAR, reason=reason, reasons=", ".join(BARS))
    parts = claim_parts(session, unit_code, moment)
    bar = next(bar for bar in _bars(parts, progress(session, unit_code, moment)) if bar.reason == reason)
    part = parts[reason]
    here = within(Claim.unit_code, normal_code(unit_code))
    numbers = dict(session.execute(select(Claim.id, Claim.number).where(here)).all())
    area_m2 = np.array(list(part.values()))
    area_mu = shares_of(bar.area_mu, m2_to_mu(area_m2)) if part else area_m2
    index = pd.Index([numbers[claim] for claim in part], name="number")
    return pd.DataFrame({"bar_area_m2": area_m2, "bar_area_mu": area_mu}, index=index)


def claim_parts(
    session: Session,
    unit_code: str,
    moment: datetime,
    *,
    target_code: str | None = None,
    known_at: datetime | None = None,
    by_evidence: bool = True,
) -> dict[str, dict[int, float]]:
    """For each bar, the claims (by id) that it is made of and the m² of each; EVIDENCE_MISSING only `by_evidence`."""
    unit = get_unit(session, unit_code)
    target = target_for(session, target_code, day_of(moment), known_at)
    m = claim_moments(moment, known_at)
    recorded = recorded_by(moment, known_at)
    condition = within(Claim.unit_code, unit.code) & (Claim.target_code == (target.code if target else None))
    claims = session.execute(
        select(Claim.id, Claim.gross_m2, Claim.reported_net_m2, Claim.accepted_net_m2, Claim.evidenced_at, m)
        .join(m, m.c.claim_id == Claim.id)
        .where(condition)
    ).all()
    cuts: dict[tuple[int, str], list[tuple[str, float]]] = defaultdict(list)
    for claim_id, stage, reason, area in session.execute(
        select(
            Deduction.claim_id,
            Deduction.stage,
            Deduction.reason,
            func.sum(Deduction.area_m2),
        )
        .join(Claim, Claim.id == Deduction.claim_id)
        .join(m, m.c.claim_id == Claim.id)
        .where(condition)
        .group_by(Deduction.claim_id, Deduction.stage, Deduction.reason)
    ):
        cuts[claim_id, stage].append((reason, round(area, 2)))
    parts: dict[str, dict[int, float]] = {bar: {} for bar in BARS if by_evidence or bar != EVIDENCE_MISSING}
    for claim in claims:
        accepted = claim.accepted_at is not None
        stage, net = (Stage.ACCEPTED, claim.accepted_net_m2) if accepted else (Stage.REPORTED, claim.reported_net_m2)
        parts[REPORTED][claim.id] = claim.gross_m2
        for cut, area in cuts[claim.id, stage]:
            parts[cut][claim.id] = area
        fate = _fate(claim)
        seen = claim.evidenced_at is not None and claim.evidenced_at <= recorded
        if by_evidence and not seen and fate in (NOT_YET_CHECKED, NOT_YET_ACCEPTED):
            fate = EVIDENCE_MISSING
        parts[fate][claim.id] = net
    return parts


def _fate(claim: Any) -> str:
    if claim.revoked_at is not None:
        return REVOKED
    if claim.rejected_at is not None:
        return REJECTED
    if claim.accepted_at is not None:
        return ACCEPTED
    return NOT_YET_CHECKED if claim.checked_at is None else NOT_YET_ACCEPTED
