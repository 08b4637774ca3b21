"""Restoration targets (恢复任务): how much, from when, by when, and its allocation (分解) down the tree of units."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import numpy as np
from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.land.units import get_unit, normal_code, parent_of
from farmland.records.database import Base, Moment, table_of
from farmland.records.ledger import Content, contents, merge, note, undone
from geodata.problems import Kind, Problem
from geodata.quantity import quantity

NO_TARGET = Kind(
    "no_target",
    "还没有恢复任务。请先运行 tianzhang import targets 文件。",
    "There is no restoration target yet. Run tianzhang import targets FILE first.",
    "conflict",
)
TARGET_UNKNOWN = Kind(
    "target_unknown",
    "没有编号为 {code} 的恢复任务。",
    "There is no restoration target with the code {code}.",
    "not_found",
)
TARGET_NOT_POSITIVE = Kind(
    "target_not_positive",
    "任务面积 {area_mu} 亩不是正数或零。请填写应恢复的亩数。",
    "A target of {area_mu} mu is below zero. Enter the mu that are to be restored.",
)
TARGET_DAYS = Kind(
    "target_days",
    "任务的截止日期 {due} 不晚于开始日期 {start}。请改正两个日期。",
    "The due day {due} does not lie after the start day {start}. Correct the two dates.",
)
BAD_CURVE = Kind(
    "bad_curve",
    "计划曲线“{text}”不对：应为 linear，或从小到大的“日期:比例”，如 2022-03-31:0.4;2022-05-31:0.8。",
    "The plan curve “{text}” is wrong: write linear, or rising DAY:SHARE pairs such as 2022-03-31:0.4;2022-05-31:0.8.",
)
OVER_ALLOCATED = Kind(
    "over_allocated",
    "{unit_name}（{unit_code}）分解给下级的任务共 {children_mu:,.2f} 亩，超过本级任务 {area_mu:,.2f} 亩。请改正，"
    "或明确允许超额分解（--allow-over）。",
    "{unit_name} ({unit_code}) passes {children_mu:,.2f} mu on to the units below it, more than its own "
    "{area_mu:,.2f} mu. Correct it, or say that this is meant (--allow-over).",
)


class AreaBasis(StrEnum):
    """What is counted of a patch: all of it (TBMJ), or without its ridges (TBDLMJ = TBMJ × (1 − KCXS))."""

    WHOLE = "whole"
    RIDGES_DEDUCTED = "ridges_deducted"


class Target(Base):
    """A restoration target. `curve` holds (day, share) points of the plan between its start and due day; None: linear."""

    __tablename__ = "target"
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    start_day: Mapped[date]
    due_day: Mapped[date]
    area_basis: Mapped[AreaBasis] = mapped_column(String(16))
    curve: Mapped[list[list[str | float]] | None] = mapped_column(JSON)


class Allocation(Base):
    """A unit's part of a target, in mu with two decimals, as the city's document states it.

    It holds from `since` on (None: from the beginning) until the unit's next one: yesterday's progress keeps its target.
    """

    __tablename__ = "allocation"
    id: Mapped[int] = mapped_column(primary_key=True)
    target_code: Mapped[str] = mapped_column(ForeignKey("target.code"))
    unit_code: Mapped[str] = mapped_column(ForeignKey("unit.code"), index=True)
    area_mu: Mapped[float]
    since: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (UniqueConstraint("target_code", "unit_code", "since", name="allocation_target_unit_since"),)


@dataclass(frozen=True)
class Plan:
    """The plan curve of a target: the share that should be restored by the end of each day."""

    start: date
    due: date
    curve: tuple[tuple[date, float], ...] = ()

    @classmethod
    def of(cls, target: Target) -> "Plan":
        points = tuple((date.fromisoformat(str(day)), float(share)) for day, share in target.curve or [])
        return cls(target.start_day, target.due_day, points)

    @property
    def days(self) -> int:
        """The days that there are, the first and the last included."""
        return (self.due - self.start).days + 1

    def elapsed(self, day: date) -> int:
        """The days that have passed by the end of `day`, the first included; never more than there are, nor below 0."""
        return min(max((day - self.start).days + 1, 0), self.days)

    def left(self, day: date) -> int:
        """The days that are left after `day`; below zero once the due day has passed."""
        return (self.due - day).days

    def share(self, day: date) -> float:
        """The share of the target due by the end of `day`, 0 to 1, linear between the points of the curve."""
        days = [0, *(self.elapsed(point) for point, _ in self.curve), self.days]
        return float(np.interp(self.elapsed(day), days, [0.0, *(share for _, share in self.curve), 1.0]))


def parse_curve(text: str) -> list[list[str | float]] | None:
    """A curve as it is written in a table: empty or linear, or DAY:SHARE;DAY:SHARE. Raises BAD_CURVE."""
    if not text.strip() or text.strip().lower() in ("linear", "线性"):
        return None
    try:
        points = [piece.split(":") for piece in text.replace("；", ";").split(";") if piece.strip()]
        curve = [(date.fromisoformat(day.strip()), quantity(share)) for day, share in points]
    except ValueError:
        raise Problem(BAD_CURVE, text=text) from None
    shares = [0.0, *(share for _, share in curve), 1.0]
    days = [day for day, _ in curve]
    if sorted(shares) != shares or sorted(set(days)) != days:
        raise Problem(BAD_CURVE, text=text)
    return [[day.isoformat(), share] for day, share in curve]


def check_target(target: Target) -> None:
    """Raises TARGET_DAYS unless the target ends after it starts."""
    if target.due_day <= target.start_day:
        raise Problem(TARGET_DAYS, start=target.start_day, due=target.due_day)


_ALL = select(Target)


def get_target(session: Session, code: str) -> Target:
    """The target of that code. Raises TARGET_UNKNOWN."""
    target = session.get(Target, code)
    if target is None:
        raise Problem(TARGET_UNKNOWN, code=code)
    return target


def targets(session: Session, known_at: datetime | None = None) -> list[Target]:
    """All targets by their start, as they were known at a moment (None: now)."""
    held = session.scalars(_ALL).all()
    before = undone(session, table_of(Target), "target", known_at) if known_at else {}
    known = [_as_before(before[target.code]) if target.code in before else target for target in held]
    return sorted((target for target in known if target), key=lambda target: (target.start_day, target.code))


def _as_before(row: dict[str, Any] | None) -> Target | None:
    """A target as the ledger says that it was."""
    if row is None:
        return None
    days = {name: date.fromisoformat(row[name]) for name in ("start_day", "due_day")}
    return Target(**row | days)


def target_on(session: Session, day: date, known_at: datetime | None = None) -> Target | None:
    """The target that is meant on a day where none is named: the last to have started, else the first to come."""
    found = targets(session, known_at)
    started = [target for target in found if target.start_day <= day]
    return started[-1] if started else (found[0] if found else None)


def target_for(session: Session, code: str | None, day: date, known_at: datetime | None = None) -> Target | None:
    """The named target, or the one meant on the day; None where there is none at all. Raises TARGET_UNKNOWN.

    As it was known at `known_at` (None: now).
    """
    if code is None:
        return target_on(session, day, known_at)
    known = get_target(session, code) if known_at is None else None
    known = known or next((target for target in targets(session, known_at) if target.code == code), None)
    if known is None:
        raise Problem(TARGET_UNKNOWN, code=code)
    return known


def require_target(session: Session, code: str | None, day: date) -> Target:
    """The named target, or the one meant on the day. Raises TARGET_UNKNOWN, NO_TARGET."""
    target = target_for(session, code, day)
    if target is None:
        raise Problem(NO_TARGET)
    return target


def allocations(
    session: Session, target_code: str, moment: datetime, known_at: datetime | None = None
) -> dict[str, float]:
    """Every unit's part of a target as of a moment, in mu, by unit code; as it was known at `known_at` (None: now)."""
    parts = (
        select(Allocation.unit_code, Allocation.area_mu)
        .where(Allocation.target_code == target_code)
        .where(Allocation.since.is_(None) | (Allocation.since <= moment))
        .order_by(Allocation.since.is_not(None), Allocation.since)
    )
    # Of a unit's parts the last one stays.
    if known_at is None:
        return dict(session.execute(parts).all())
    before = undone(session, table_of(Allocation), "target", known_at)
    known = [(*row, before.get(row.id, {})) for row in session.execute(parts.add_columns(Allocation.id))]
    return {unit: row.get("area_mu", area_mu) for unit, area_mu, _, row in known if row is not None}


def allocate(
    session: Session,
    target_code: str,
    parts_mu: dict[str, float],
    now: datetime,
    *,
    actor: str,
    allow_over: bool = False,
) -> int:
    """Set units' parts of a target from now on, or from the beginning where a unit had none; the number that changed.

    Raises TARGET_UNKNOWN, UNIT_UNKNOWN, TARGET_NOT_POSITIVE, and OVER_ALLOCATED for the first unit whose children would
    hold more than itself, unless `allow_over`.
    """
    get_target(session, target_code)
    held = allocations(session, target_code, now)
    before: Content = {}
    changed: list[Allocation] = []
    for code, area_mu in parts_mu.items():
        if not area_mu >= 0:
            raise Problem(TARGET_NOT_POSITIVE, area_mu=area_mu)
        code, area_mu = normal_code(code), round(area_mu, 2)
        if held.get(code) == area_mu:
            continue
        since = now if code in held else None
        part = Allocation(target_code=target_code, unit_code=code, area_mu=area_mu, since=since)
        if since is None:
            get_unit(session, code)
        elif (again := _of_moment(session, part)) is not None:
            merge(before, contents(again))
            again.area_mu = area_mu
            part = again
        session.add(part)
        held[code] = area_mu
        changed.append(part)
    session.flush()
    if not allow_over:
        _check_parents(session, held)
    if changed:
        unit_code = min(changed, key=lambda part: (len(part.unit_code), part.unit_code)).unit_code
        after = contents(*changed)
        note(session, "target.allocated", target_code, unit_code, actor=actor, at=now, before=before, after=after)
    return len(changed)


def _of_moment(session: Session, part: Allocation) -> Allocation | None:
    """A part of the same unit from the same moment on, which is overwritten."""
    same = (Allocation.target_code == part.target_code, Allocation.unit_code == part.unit_code)
    return session.scalar(select(Allocation).where(*same, Allocation.since == part.since))


def _check_parents(session: Session, parts_mu: dict[str, float]) -> None:
    children: dict[str, float] = defaultdict(float)
    for code, area_mu in parts_mu.items():
        if (above := parent_of(code)) in parts_mu:
            children[str(above)] += area_mu
    # In whole hundredths: sums of binary fractions are no sums of decimals.
    over = sorted(code for code, area_mu in children.items() if round(area_mu * 100) > round(parts_mu[code] * 100))
    if over:
        unit = get_unit(session, over[0])
        facts = {"area_mu": parts_mu[unit.code], "children_mu": round(children[unit.code], 2)}
        raise Problem(OVER_ALLOCATED, unit_code=unit.code, unit_name=unit.name, **facts)
