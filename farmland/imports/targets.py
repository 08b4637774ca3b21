"""Import of restoration targets and their allocation: a row per unit, the target's own facts in each or the first."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.imports.chiefs import days_of
from farmland.imports.rows.checks import numbers_of, refuse_empty, refuse_twice, unit_codes
from farmland.imports.rows.outcome import Options, Outcome, Row
from farmland.imports.rows.source import Source
from farmland.land.units import UNIT_UNKNOWN, Unit
from farmland.records.city import next_moment
from farmland.records.ledger import contents, merge
from farmland.restoration.targets import (
    TARGET_NOT_POSITIVE,
    AreaBasis,
    Target,
    allocate,
    allocations,
    check_target,
    parse_curve,
)
from geodata.problems import Kind, Problem

FACTS_DIFFER = Kind(
    "target_facts_differ",
    "任务 {code} 的“{field}”在第 {first} 行是“{text}”，在第 {second} 行是“{other}”。请改成一致。",
    "The “{field}” of target {code} is “{text}” in row {first}, and “{other}” in row {second}. Make them agree.",
)
BAD_BASIS = Kind(
    "bad_area_basis",
    "面积口径“{text}”不对：应为 whole（整个图斑）或 ridges_deducted（扣除田坎）。",
    "The area basis “{text}” is wrong: write whole (the whole patch) or ridges_deducted (without its ridges).",
)


def import_targets(session: Session, source: Source, options: Options) -> Outcome:
    """Write targets and allocations. Over-allocation refuses the file unless the option `allow_over` says it is meant."""
    outcome = Outcome(len(source.frame))
    names = source.text("target_code")
    refuse_empty(source, "target_code", names, outcome)
    codes = unit_codes(source, "unit_code", outcome)
    refuse_empty(source, "unit_code", source.text("unit_code"), outcome)
    area_text = source.text("area_mu")
    parts = numbers_of(source, "area_mu", outcome, None)
    for wrong in np.flatnonzero(~(parts >= 0)):
        if not np.isnan(parts[wrong]) or area_text[wrong] == "":
            outcome.refuse([source.numbers[wrong]], "area_mu", TARGET_NOT_POSITIVE, area_mu=area_text[wrong])
    refuse_twice(source, "unit_code", names + "/" + codes, outcome)
    held = set(session.scalars(select(Unit.code)))
    for i, code in enumerate(codes):
        if code and code not in held:
            outcome.refuse([source.numbers[i]], "unit_code", UNIT_UNKNOWN, code=code)
    starts = days_of(source, "start_day", outcome, "")
    dues = days_of(source, "due_day", outcome, "")
    present = options.now or next_moment(session)
    bad = {row.number for row in outcome.bad}
    for name in dict.fromkeys(names):
        rows = [int(i) for i in np.flatnonzero(names == name) if source.numbers[i] not in bad]
        if not rows or not name:
            continue
        try:
            with session.begin_nested():
                changed = _target(session, source, str(name), rows, starts, dues, outcome)
                before = allocations(session, str(name), present)
                written = allocate(
                    session,
                    str(name),
                    {str(codes[i]): float(parts[i]) for i in rows},
                    present,
                    actor=options.actor,
                    allow_over=options.allow_over,
                )
        except Problem as problem:
            outcome.bad.append(Row(int(source.numbers[rows[0]]), "area_mu", problem))
            continue
        new = sum(codes[i] not in before for i in rows)
        outcome.added += new
        outcome.changed += written - new + changed
        outcome.unchanged += len(rows) - written
    return outcome


def _target(
    session: Session,
    source: Source,
    code: str,
    rows: list[int],
    starts: list,
    dues: list,
    outcome: Outcome,
) -> int:
    """Write the target's own facts, of the rows that have them; 1 if a known target changed. Raises FACTS_DIFFER."""

    def one(field: str, values: Sequence[Any] | NDArray[np.object_]) -> Any:
        said = {values[i]: i for i in reversed(rows) if values[i]}
        if len(said) > 1:
            (first, i), (second, j) = sorted(said.items(), key=lambda item: item[1])[:2]
            numbers = source.numbers
            facts = {"first": numbers[i], "text": first, "second": numbers[j], "other": second}
            raise Problem(FACTS_DIFFER, code=code, field=field, **facts)
        return next(iter(said), None)

    target = session.get(Target, code)
    start = one("start_day", starts) or (target.start_day if target else None)
    due = one("due_day", dues) or (target.due_day if target else None)
    basis = one("area_basis", source.text("area_basis", "")) or (target.area_basis if target else AreaBasis.WHOLE)
    if basis not in list(AreaBasis):
        raise Problem(BAD_BASIS, text=basis)
    if start is None or due is None:
        source.text("start_day")
        source.text("due_day")
        raise Problem(DAYS_MISSING, code=code)
    facts = {
        "name": one("name", source.text("name", "")) or (target.name if target else code),
        "start_day": start,
        "due_day": due,
        "area_basis": AreaBasis(basis),
        "curve": parse_curve(one("curve", source.text("curve", "")) or "") or (target.curve if target else None),
    }
    check_target(Target(code=code, **facts))
    if target is None:
        target = Target(code=code, **facts)
        session.add(target)
        session.flush()
        merge(outcome.after, contents(target))
        return 0
    if all(getattr(target, name) == value for name, value in facts.items()):
        return 0
    merge(outcome.before, contents(target))
    for name, value in facts.items():
        setattr(target, name, value)
    session.flush()
    merge(outcome.after, contents(target))
    return 1


DAYS_MISSING = Kind(
    "target_days_missing",
    "任务 {code} 没有开始或截止日期。请填写 start_day 和 due_day。",
    "Target {code} has no start or due day. Fill in start_day and due_day.",
)
