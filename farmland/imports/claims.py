"""Import of restoration claims with their history: the steps of all rows are taken in the order of their moments."""

from datetime import datetime

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from farmland.imports.rows.checks import check_whole, numbers_of, prints_of, refuse_twice, sound_geometries, unit_codes
from farmland.imports.rows.outcome import Options, Outcome, Row
from farmland.imports.rows.source import Source
from farmland.land.units import UNIT_UNKNOWN, Unit
from farmland.records.city import next_moment
from farmland.records.clock import SHANGHAI, parse_moment
from farmland.restoration.claims import Claim, Method, Origin, SourceKind, State
from farmland.restoration.doubts import REFUSED_BY_RULES
from farmland.restoration.holdings import OUTSIDE_WHOLLY, UNIT_WITHOUT_POLYGON, Ground
from farmland.restoration.targets import NO_TARGET, TARGET_NOT_POSITIVE, TARGET_UNKNOWN
from farmland.restoration.transitions import (
    CLAIM_NUMBER_TAKEN,
    NOTHING_NET,
    TOO_MANY_CORNERS,
    Actor,
    Report,
    report_claim,
    take_step,
)
from geodata.geometry_faults import fingerprint
from geodata.problems import Kind, Problem

BAD_SOURCE_KIND = Kind(
    "bad_source_kind",
    "来源类型“{text}”不对：应为 restorable、works、demolished、abandoned 或 other。",
    "The kind of source “{text}” is wrong: restorable, works, demolished, abandoned or other.",
)
BAD_METHOD = Kind(
    "bad_method",
    "测量方法“{text}”不对：应为 survey、phone、imagery 或 file。",
    "The method “{text}” is wrong: survey, phone, imagery or file.",
)
CLAIM_CHANGED = Kind(
    "claim_changed",
    "申报 {number} 已经存在，而图形或单位不同。已上报的图形不能改动；请退回后另行申报。",
    "Claim {number} exists with another polygon or unit. A reported polygon cannot be changed: reject it and report anew.",
)
IN_THE_FUTURE = Kind(
    "in_the_future",
    "“{field}”的时间 {at:%Y-%m-%d %H:%M} 还没有到。请改正。",
    "The time {at:%Y-%m-%d %H:%M} in “{field}” has not come yet. Correct it.",
)


_FIELDS = {
    OUTSIDE_WHOLLY.code: "geometry",
    UNIT_WITHOUT_POLYGON.code: "unit_code",
    NO_TARGET.code: "target_code",
    TARGET_UNKNOWN.code: "target_code",
    CLAIM_NUMBER_TAKEN.code: "number",
    NOTHING_NET.code: "geometry",
    TOO_MANY_CORNERS.code: "geometry",
    REFUSED_BY_RULES.code: "accepted_at",
}
"""What of a row a refusal speaks of; else of the step's moment."""


def import_claims(session: Session, source: Source, options: Options) -> Outcome:
    """Report claims, and take the steps whose moments the rows give (checked_at, accepted_at, ...).

    A claim is known by its number; without one, by unit and polygon. A known claim takes only the steps that are new.
    """
    outcome = Outcome(len(source.frame))
    codes = unit_codes(source, "unit_code", outcome)
    source.text("unit_code")
    geometries, sound = sound_geometries(source, options, outcome)
    check_whole(session, source, geometries)
    held_units = set(session.scalars(select(Unit.code)))
    for i, code in enumerate(codes):
        if code not in held_units:
            outcome.refuse([source.numbers[i]], "unit_code", UNIT_UNKNOWN, code=code)
        elif options.right is not None:
            try:
                options.right(code)
            except Problem as problem:
                outcome.bad.append(Row(int(source.numbers[i]), "unit_code", problem))
    kinds = source.text("source_kind", SourceKind.OTHER)
    for wrong in np.flatnonzero(~np.isin(kinds, list(SourceKind))):
        outcome.refuse([source.numbers[wrong]], "source_kind", BAD_SOURCE_KIND, text=kinds[wrong])
    typed = numbers_of(source, "typed_area_mu", outcome, None)
    for wrong in np.flatnonzero(typed < 0):
        outcome.refuse([source.numbers[wrong]], "typed_area_mu", TARGET_NOT_POSITIVE, area_mu=typed[wrong])
    methods = source.text("method", Method.FILE)
    methods[methods == ""] = Method.FILE
    for wrong in np.flatnonzero(~np.isin(methods, list(Method))):
        outcome.refuse([source.numbers[wrong]], "method", BAD_METHOD, text=methods[wrong])
    accuracies = numbers_of(source, "accuracy_m", outcome, None)
    ridges = numbers_of(source, "ridge_factor", outcome, 0.0)
    numbers = source.text("number", "")
    refuse_twice(source, "number", numbers, outcome)
    present = options.now or next_moment(session)
    moments = {state: moments_of(source, f"{state}_at", present, outcome) for state in State}

    prints = prints_of(geometries, sound)
    bad = {row.number for row in outcome.bad}
    good = [i for i in range(len(codes)) if source.numbers[i] not in bad]
    if not good:
        return outcome
    known, held_prints = _known(session)
    ground = Ground(session, [geometries[i] for i in good], [codes[i] for i in good], options.thresholds)
    text = {name: source.text(name, "") for name in ("former_use", "crop", "target_code")}
    who = {state: source.text(f"{state}_by", options.actor) for state in State}
    apart = {(state, what): source.text(f"{state}_{what}", "") for state in State for what in ("device", "household")}
    units = {state: unit_codes(source, f"{state}_by_unit", outcome) for state in State}
    for state in State:
        for i in good:
            if units[state][i] and units[state][i] not in held_units:
                outcome.refuse([source.numbers[i]], f"{state}_by_unit", UNIT_UNKNOWN, code=units[state][i])
    bad = {row.number for row in outcome.bad}
    good = [i for i in good if source.numbers[i] not in bad]
    why = {
        state: source.text(f"{state}_why", "") if state in (State.REJECTED, State.REVOKED) else None for state in State
    }

    claims: dict[int, Claim | None] = {}
    touched: dict[int, str] = {}
    steps: list[tuple[datetime, int, int]] = []
    order = list(State)
    for i in good:
        claim = known.get(numbers[i]) if numbers[i] else known.get((codes[i], prints[i]))
        claims[i] = claim
        if claim is not None and (claim.unit_code, held_prints[claim.id]) != (codes[i], prints[i]):
            outcome.refuse([source.numbers[i]], "number", CLAIM_CHANGED, number=claim.number)
            continue
        reached = {step.state for step in claim.steps} if claim is not None else set()
        for place, state in enumerate(order):
            at = moments[state][i] or (present if state is State.REPORTED else None)
            if at is not None and state not in reached:
                steps.append((at, place, i))
    failed: set[int] = set()
    for done, (at, place, i) in enumerate(sorted(steps)):
        if done % 20 == 0:
            options.tell(0.3 + 0.7 * done / len(steps), "计算净面积", "computing net areas")
        if i in failed:
            continue
        if options.meanwhile is not None:
            options.meanwhile(session, at)
        state = order[place]
        actor = Actor(
            str(who[state][i]) or options.actor,
            at,
            at if options.recorded_as_it_happened else present,
            units[state][i] or None,
            apart[state, "device"][i] or None,
            apart[state, "household"][i] or None,
        )
        try:
            claim = claims[i]
            if claim is None:
                report = Report(
                    unit_code=codes[i],
                    geometry=geometries[i],
                    fingerprint=prints[i],
                    source_kind=SourceKind(kinds[i]),
                    former_use=text["former_use"][i],
                    crop=text["crop"][i],
                    typed_area_mu=None if np.isnan(typed[i]) else float(typed[i]),
                    ridge_factor=float(ridges[i]),
                    target_code=text["target_code"][i] or None,
                    number=numbers[i] or None,
                    method=Method(methods[i]),
                    accuracy_m=None if np.isnan(accuracies[i]) else [float(accuracies[i])],
                    origin=Origin.IMPORTED,
                )
                claims[i] = report_claim(session, report, actor, ground)
                touched[i] = "added"
            else:
                reason = why[state]
                take_step(
                    session,
                    claim,
                    state,
                    actor,
                    "" if reason is None else str(reason[i]),
                    ground,
                )
                touched.setdefault(i, "changed")
        except Problem as problem:
            failed.add(i)
            field = _FIELDS.get(problem.code, f"{state}_at")
            outcome.bad.append(Row(int(source.numbers[i]), field, problem))
    outcome.added = sum(what == "added" for what in touched.values())
    outcome.changed = len(touched) - outcome.added
    outcome.unchanged = len(good) - len(touched) - len(failed - set(touched))
    outcome.area_m2 = round(sum(claim.net_m2 for claim in claims.values() if claim is not None), 2)
    return outcome


def moments_of(source: Source, field: str, present: datetime, outcome: Outcome) -> list[datetime | None]:
    """A column of moments, None where it is empty; what is none, or has not come yet, is named in the outcome."""
    text = source.text(field, "")
    result: list[datetime | None] = []
    for value, number in zip(text, source.numbers, strict=True):
        at = None
        if value:
            try:
                at = parse_moment(value)
                if len(value) <= 10:
                    at = at.replace(hour=12, minute=0, second=0, microsecond=0)  # a day without a time: its noon
                if at.astimezone(SHANGHAI) > present:
                    outcome.refuse([number], field, IN_THE_FUTURE, field=field, at=at)
            except Problem as problem:
                outcome.bad.append(Row(int(number), field, problem))
        result.append(at)
    return result


def _known(session: Session) -> tuple[dict[object, Claim], dict[int, str]]:
    """The claims that there are, by number and by unit and polygon; and the fingerprints of their polygons by id.

    These are taken of the polygons: one that was written down before repeated corners were left out may be another.
    """
    known: dict[object, Claim] = {}
    claims = session.scalars(select(Claim).options(undefer(Claim.geometry)).order_by(Claim.id)).all()
    prints = fingerprint(np.array([claim.geometry for claim in claims], dtype=object))
    for claim, text in zip(claims, prints, strict=True):
        known[claim.number] = claim
        known.setdefault((claim.unit_code, text), claim)
    return known, {claim.id: text for claim, text in zip(claims, prints, strict=True)}
