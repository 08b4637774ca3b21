"""Corrections: a step happened at another moment than the records say. What was known before stays known as it was."""

from datetime import datetime

import numpy as np
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload, undefer

from farmland.records.database import table_of
from farmland.records.ledger import contents, note
from farmland.restoration.claims import STATE_NAMES_ZH, Claim, State, Step
from farmland.restoration.transitions import WHY_MISSING, Actor
from geodata.area import areas_m2
from geodata.column import BoundsMeet
from geodata.plane import RECORD_M2
from geodata.problems import Kind, Problem

NO_SUCH_STEP = Kind(
    "no_such_step",
    "申报 {number} 没有“{step_zh}”这一步，无从更正。",
    "Claim {number} never became {step}: there is nothing to correct.",
    "conflict",
)
OUT_OF_ORDER = Kind(
    "correction_out_of_order",
    "申报 {number} 的“{step_zh}”不能更正为 {at:%Y-%m-%d %H:%M}：须在前一步（{earliest:%Y-%m-%d %H:%M}）与后一步"
    "（{latest:%Y-%m-%d %H:%M}）之间。",
    "The step {step} of claim {number} cannot be moved to {at:%Y-%m-%d %H:%M}: it must lie between the step before it "
    "({earliest:%Y-%m-%d %H:%M}) and the one after ({latest:%Y-%m-%d %H:%M}).",
)
LAND_HELD = Kind(
    "land_held_then",
    "这样更正后，申报 {number} 会与申报 {other} 同时占有同一块地 {area_m2:,.2f} m²。请撤销其中一件后重新申报。",
    "Corrected like this, claim {number} would hold {area_m2:,.2f} m² at the same time as claim {other}. Revoke one of the "
    "two and report it anew.",
    "conflict",
)


def correct_step(session: Session, claim: Claim, state: State, at: datetime, actor: Actor, why: str) -> Claim:
    """Move a step of a claim to the moment when it happened. Only under the right to write.

    The old row stays, withdrawn; net areas stay as they were computed. Raises NO_SUCH_STEP, WHY_MISSING, OUT_OF_ORDER, and
    LAND_HELD where two claims would hold the same land at once.
    """
    names = {"number": claim.number, "step": state, "step_zh": STATE_NAMES_ZH[state]}
    place = next((place for place, step in enumerate(claim.steps) if step.state == state), None)
    if place is None:
        raise Problem(NO_SUCH_STEP, **names)
    if not why.strip():
        raise Problem(WHY_MISSING, **names)
    old = claim.steps[place]
    earliest = claim.steps[place - 1].at if place else None
    is_last = place + 1 == len(claim.steps)
    latest = actor.recorded_at if is_last else claim.steps[place + 1].at
    # At the very moment of the next step the new row, which has the later id, would stand after it.
    if (earliest and at < earliest) or at > latest or (at == latest and not is_last):
        raise Problem(OUT_OF_ORDER, at=at, earliest=earliest or at, latest=latest, **names)
    if claim.accepted_net is not None:
        moments = {step.state: step.at for step in claim.steps} | {state: at}
        _check_land(session, claim, moments[State.ACCEPTED], moments.get(State.REVOKED))
    before = contents(old)
    kept = ("claim_id", "state", "by", "by_unit_code", "device", "household")
    new = Step(at=at, why=why.strip(), recorded_at=actor.recorded_at, **{name: getattr(old, name) for name in kept})
    old.withdrawn_at = actor.recorded_at
    session.flush()  # of the rows of one state only one is not withdrawn at any time
    session.add(new)
    session.flush()
    session.refresh(claim, ["steps"])
    after = contents(old, new)
    at = actor.recorded_at
    note(session, "claim.corrected", claim.number, claim.unit_code, actor=actor.name, at=at, before=before, after=after)
    return claim


def _check_land(session: Session, claim: Claim, begin: datetime, end: datetime | None) -> None:
    """Raises LAND_HELD where another claim holds land of this one at some moment from `begin` until `end`."""
    assert claim.accepted_net is not None
    others = session.scalars(
        select(Claim)
        .where(
            BoundsMeet(table_of(Claim), shapely.bounds(claim.accepted_net)),
            Claim.id != claim.id,
            Claim.accepted_net_m2.is_not(None),
        )
        .options(undefer(Claim.accepted_net), selectinload(Claim.steps))
        .order_by(Claim.id)
    ).all()
    held = np.array([other.accepted_net for other in others], dtype=object)
    shared = areas_m2(shapely.intersection(claim.accepted_net, held)) if others else np.empty(0)
    for other, area in zip(others, shared, strict=True):
        moments = {step.state: step.at for step in other.steps}
        other_end = moments.get(State.REVOKED)
        at_once = (end is None or moments[State.ACCEPTED] < end) and (other_end is None or begin < other_end)
        if at_once and area >= RECORD_M2:
            raise Problem(LAND_HELD, number=claim.number, other=other.number, area_m2=area)
