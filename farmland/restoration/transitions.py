"""How claims come to be and move on: reporting, checking, accepting, rejecting, revoking.

Every step is taken under the right to write (:meth:`farmland.records.database.Database.writing`), so that of two acceptances at
the same moment the second sees what the first holds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Integer, bindparam, select
from sqlalchemy.orm import Session, lazyload, undefer
from sqlalchemy.orm.attributes import set_committed_value

from farmland.people.people import Actor
from farmland.records.database import Base, table_of
from farmland.records.ledger import NOTHING, Content, contents, head, merge, note
from farmland.restoration.claims import (
    NEEDS_WHY,
    NEXT,
    STATE_NAMES_ZH,
    Claim,
    Deduction,
    Origin,
    SourceKind,
    State,
    Step,
)
from farmland.restoration.doubts import record, refuse
from farmland.restoration.holdings import Ground
from farmland.restoration.judgement import Judgement
from farmland.restoration.net_area import REASON_NAMES, NetArea, Reason, Stage
from farmland.restoration.rules.batch import Judged, Taken
from farmland.restoration.survey import Method, check_accuracies, uncertainty_m2
from farmland.restoration.targets import AreaBasis, Target, get_target, require_target
from farmland.restoration.thresholds import Thresholds
from geodata.column import next_id, write
from geodata.problems import Kind, Problem

CLAIM_NUMBER_TAKEN = Kind(
    "claim_number_taken",
    "申报编号 {number} 已被另一申报使用。请换一个编号，或留空由系统编号。",
    "The claim number {number} is taken by another claim. Choose another, or leave it empty and get one.",
    "conflict",
)
WRONG_STATE = Kind(
    "wrong_state",
    "申报 {number} 现为“{state_zh}”，不能再“{step_zh}”。请先查看它的经过。",
    "Claim {number} is {state}; it cannot become {step}. Look at its history first.",
    "conflict",
)
STEP_BEFORE_LAST = Kind(
    "step_before_last",
    "申报 {number} 的“{step_zh}”时间 {at:%Y-%m-%d %H:%M} 早于上一步 {last:%Y-%m-%d %H:%M}。请改正时间。",
    "Claim {number} would become {step} at {at:%Y-%m-%d %H:%M}, before its last step at {last:%Y-%m-%d %H:%M}. "
    "Correct the time.",
)
WHY_MISSING = Kind(
    "why_missing",
    "“{step_zh}”申报 {number} 必须写明原因。",
    "A reason must be given when claim {number} becomes {step}.",
)
NOTHING_NET = Kind(
    "nothing_net",
    "申报 {number} 扣除后净面积为 0（{deductions_zh}），没有可验收的土地。请退回。",
    "Nothing of claim {number} is left to accept ({deductions_en}). Reject it.",
    "conflict",
)
TOO_MANY_CORNERS = Kind(
    "too_many_corners",
    "申报图形有 {corners:,} 个顶点，超过上限 {most:,} 个。请删去多余的顶点（一块田通常只要几十个），"
    "或由管理员调高 TIANZHANG_CLAIM_CORNERS。",
    "The claimed polygon has {corners:,} corners, more than the {most:,} that are taken. Leave out those that are not needed (a "
    "field has some dozens), or have the administrator raise TIANZHANG_CLAIM_CORNERS.",
    "too_large",
)


_WRITTEN = select(Claim).where(Claim.id == bindparam("id", type_=Integer)).options(undefer("*"), lazyload(Claim.steps))


@dataclass(frozen=True)
class Report:
    """What a village reports: the content of a new claim. The polygon is in degrees of EPSG:4490."""

    unit_code: str
    geometry: shapely.Geometry
    fingerprint: str
    source_kind: SourceKind = SourceKind.OTHER
    former_use: str = ""
    crop: str = ""
    typed_area_mu: float | None = None
    ridge_factor: float = 0.0
    target_code: str | None = None
    number: str | None = None
    method: Method = Method.FILE
    accuracy_m: list[float] | None = None
    track: list[list[Any]] | None = None
    origin: Origin = Origin.REPORTED


def judge_report(
    session: Session, report: Report, actor: Actor, ground: Ground | None = None, thresholds: Thresholds | None = None
) -> Judgement:
    """The net area that a claim would have and what rules would find, with nothing written. Raises as :func:`report_claim`."""
    most = (thresholds or (ground.thresholds if ground else Thresholds())).claim_corners
    if (corners := int(shapely.get_num_coordinates(report.geometry))) > most:
        raise Problem(TOO_MANY_CORNERS, corners=corners, most=most)
    target = require_target(session, report.target_code, actor.at.date())
    check_accuracies(report.geometry, report.accuracy_m)
    seq = 0 if ground else head(session)[0]
    ground = ground or Ground(session, [report.geometry], [report.unit_code], thresholds)
    ridge_factor = _ridges(target, report.ridge_factor)
    net = ground.judge(report.geometry, report.unit_code, Stage.REPORTED, actor.at, ridge_factor, None)
    judged = _reported(report, target, net, actor, ground)
    return _judgement(seq, Stage.REPORTED, actor, target.code, ground, judged, net, report.accuracy_m)


def judge_acceptance(
    session: Session, claim: Claim, actor: Actor, ground: Ground | None = None, thresholds: Thresholds | None = None
) -> Judgement:
    """The same of a claim that is to be accepted. Raises UNIT_WITHOUT_POLYGON, OUTSIDE_WHOLLY."""
    seq = 0 if ground else head(session)[0]
    ground = ground or Ground(session, [claim.geometry], [claim.unit_code], thresholds)
    net = ground.judge(claim.geometry, claim.unit_code, Stage.ACCEPTED, actor.at, claim.ridge_factor, claim.id)
    judged = _accepted(session, claim, net, actor)
    return _judgement(seq, Stage.ACCEPTED, actor, claim.target_code, ground, judged, net, claim.accuracy_m)


def _judgement(
    seq: int,
    stage: Stage,
    actor: Actor,
    target_code: str,
    ground: Ground,
    judged: Judged,
    net: NetArea,
    accuracy_m: list[float] | None,
) -> Judgement:
    net_u_m2 = uncertainty_m2(judged.polygon, judged.method, accuracy_m, net.geometry)
    found = ground.found(judged, stage, actor.at)
    return Judgement(seq, stage, actor, target_code, ground.turns(judged.polygon), judged, net, net_u_m2, found)


def _reported(report: Report, target: Target, net: NetArea, actor: Actor, ground: Ground) -> Judged:
    """A claim that is being reported, as rules look at it."""
    return Judged(
        None,
        report.number or "",
        report.unit_code,
        report.geometry,
        report.fingerprint,
        net.gross_m2,
        net.geometry,
        _cuts(net),
        _ridges(target, report.ridge_factor),
        target.area_basis == AreaBasis.RIDGES_DEDUCTED,
        report.typed_area_mu,
        report.method,
        uncertainty_m2(report.geometry, report.method, report.accuracy_m),
        report.track,
        report.source_kind,
        [_taken(State.REPORTED, actor)],
        report.origin,
        ground.asks_before(report.geometry),
    )


def _cuts(net: NetArea) -> list[tuple[str, float, shapely.Geometry | None]]:
    return [(cut.reason, cut.area_m2, cut.geometry) for cut in net.cuts]


def _taken(state: State, actor: Actor) -> Taken:
    return Taken(state, actor.at, actor.name, actor.unit_code, actor.device, actor.household, actor.recorded_at)


def report_claim(
    session: Session,
    report: Report,
    actor: Actor,
    ground: Ground | None = None,
    thresholds: Thresholds | None = None,
    judgement: Judgement | None = None,
) -> Claim:
    """Write a new claim, reported, with the doubts that rules have about it. Only under the right to write.

    `ground` is given where many claims are reported at once; `judgement` is what :func:`judge_report` said of it just before.
    Raises UNIT_UNKNOWN, NO_TARGET, TARGET_UNKNOWN, CLAIM_NUMBER_TAKEN, TOO_MANY_CORNERS, UNIT_WITHOUT_POLYGON,
    OUTSIDE_WHOLLY, ACCURACIES_COUNT.
    """
    if report.number and session.scalar(select(Claim.id).where(Claim.number == report.number)) is not None:
        raise Problem(CLAIM_NUMBER_TAKEN, number=report.number)
    if judgement is None or not judgement.holds(session, actor):
        judgement = judge_report(session, report, actor, ground, thresholds)
    net, judged = judgement.net, judgement.judged
    connection = session.connection()
    claim_id = next_id(connection, table_of(Claim))
    row = {
        "id": claim_id,
        "number": report.number or f"{judgement.target_code}-{claim_id:05d}",
        "target_code": judgement.target_code,
        "unit_code": judged.unit_code,
        "source_kind": report.source_kind,
        "origin": report.origin,
        "before_asked": judged.before_asked,
        "former_use": report.former_use,
        "crop": report.crop,
        "typed_area_mu": report.typed_area_mu,
        "ridge_factor": judged.ridge_factor,
        "method": report.method,
        "accuracy_m": report.accuracy_m,
        "track": report.track,
        "fingerprint": report.fingerprint,
        "gross_m2": net.gross_m2,
        "gross_u_m2": judged.gross_u_m2,
        "reported_net": net.geometry,
        "reported_net_m2": net.net_m2,
        "reported_net_u_m2": judgement.net_u_m2,
    }
    columns = {name: [value] for name, value in row.items()}
    write(connection, table_of(Claim), columns, np.array([report.geometry], dtype=object), new=True)
    claim = session.scalars(_WRITTEN, {"id": claim_id}).one()
    set_committed_value(claim, "steps", [])  # it is new: there are none to ask for
    set_committed_value(claim, "deductions", [])
    step = _add_step(claim, State.REPORTED, actor, "")
    cuts = _add_deductions(claim, Stage.REPORTED, net)
    session.flush()
    after = contents(claim, step, *cuts)
    merge(after, record(session, claim.id, Stage.REPORTED, judgement.found, actor.recorded_at))
    _note(session, claim, actor, State.REPORTED, after=after)
    if ground is not None:
        ground.note(claim)
    return claim


def take_step(
    session: Session,
    claim: Claim,
    state: State,
    actor: Actor,
    why: str = "",
    ground: Ground | None = None,
    thresholds: Thresholds | None = None,
    judgement: Judgement | None = None,
) -> Claim:
    """Move a claim to its next state. Only under the right to write; the claim as read under it.

    `judgement` is what :func:`judge_acceptance` said of it just before.

    Raises WRONG_STATE, WHY_MISSING, STEP_BEFORE_LAST, and for an acceptance REFUSED_BY_RULES, NOTHING_NET.
    """
    names = {"number": claim.number, "step": state, "step_zh": STATE_NAMES_ZH[state]}
    if state not in NEXT[claim.state]:
        raise Problem(
            WRONG_STATE,
            state=claim.state,
            state_zh=STATE_NAMES_ZH[claim.state],
            **names,
        )
    if state in NEEDS_WHY and not why.strip():
        raise Problem(WHY_MISSING, **names)
    if actor.at < claim.steps[-1].at:
        raise Problem(STEP_BEFORE_LAST, at=actor.at, last=claim.steps[-1].at, **names)
    before: Content = {}
    doubts: Content = {}
    changed: list[Base] = []
    if state is State.ACCEPTED:
        if judgement is None or not judgement.holds(session, actor):
            judgement = judge_acceptance(session, claim, actor, ground, thresholds)
        net = judgement.net
        refuse(claim.number, judgement.found)
        if net.net_m2 <= 0:
            raise Problem(
                NOTHING_NET,
                deductions_zh=_say(net, 0),
                deductions_en=_say(net, 1),
                **names,
            )
        before = contents(claim)
        claim.accepted_net, claim.accepted_net_m2 = net.geometry, net.net_m2
        claim.accepted_net_u_m2 = judgement.net_u_m2
        changed = [claim, *_add_deductions(claim, Stage.ACCEPTED, net)]
        doubts = record(session, claim.id, Stage.ACCEPTED, judgement.found, actor.recorded_at)
    changed.append(_add_step(claim, state, actor, why.strip()))
    session.flush()
    after = contents(*changed)
    merge(after, doubts)
    _note(session, claim, actor, state, before, after)
    if ground is not None:
        ground.note(claim)
    return claim


def _accepted(session: Session, claim: Claim, net: NetArea, actor: Actor) -> Judged:
    """A claim that is being accepted, as rules look at it."""
    return Judged(
        claim.id,
        claim.number,
        claim.unit_code,
        claim.geometry,
        claim.fingerprint,
        claim.gross_m2,
        net.geometry,
        _cuts(net),
        claim.ridge_factor,
        get_target(session, claim.target_code).area_basis == AreaBasis.RIDGES_DEDUCTED,
        claim.typed_area_mu,
        claim.method,
        claim.gross_u_m2,
        claim.track,
        claim.source_kind,
        [*claim.steps, _taken(State.ACCEPTED, actor)],
        claim.origin,
        claim.before_asked,
        claim.evidenced_at,
    )


def _ridges(target: Target, ridge_factor: float) -> float:
    return ridge_factor if target.area_basis == AreaBasis.RIDGES_DEDUCTED else 0.0


def _say(net: NetArea, language: int) -> str:
    return ", ".join(f"{REASON_NAMES[Reason(cut.reason)][language]} {cut.area_m2:,.2f} m²" for cut in net.cuts)


def _note(
    session: Session, claim: Claim, actor: Actor, state: State, before: Content = NOTHING, after: Content = NOTHING
) -> None:
    event = f"claim.{state}"
    at = actor.recorded_at
    note(session, event, claim.number, claim.unit_code, actor=actor.name, at=at, before=before, after=after)


def _add_step(claim: Claim, state: State, actor: Actor, why: str) -> Step:
    step = Step(
        state=state,
        at=actor.at,
        by=actor.name,
        why=why,
        by_unit_code=actor.unit_code,
        device=actor.device,
        household=actor.household,
        recorded_at=actor.recorded_at,
        withdrawn_at=None,
    )
    claim.steps.append(step)
    return step


def _add_deductions(claim: Claim, stage: Stage, net: NetArea) -> list[Deduction]:
    cuts = [
        Deduction(
            stage=stage,
            reason=cut.reason,
            other_claim_id=cut.other_claim_id,
            area_m2=cut.area_m2,
            geometry=cut.geometry,
        )
        for cut in net.cuts
    ]
    claim.deductions.extend(cuts)
    return cuts
