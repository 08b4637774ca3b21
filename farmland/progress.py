"""Progress (进度) of units as of any moment: computed from the claims' steps every time, nothing is stored.

Areas are summed in m² and turned into mu once. Down the tree the mu are rounded so that every table adds up
(:mod:`farmland.rounding`): the villages of a town sum to the town's figure, the towns to the city's.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from farmland.claims import Claim, State, Step
from farmland.clock import day_of, days_before
from farmland.rounding import shares_of
from farmland.targets import AreaBasis, Plan, allocations, get_target, target_on
from farmland.units import (
    LEVELS,
    Level,
    Unit,
    chain_of,
    get_unit,
    is_within,
    parent_of,
    within,
)
from geodata.area import m2_to_mu

Warning = Literal["green", "yellow", "red", "none"]
RECENT_DAYS = 30
_SUMS = ("reported", "checked", "accepted", "rejected", "revoked", "recent")


@dataclass(frozen=True)
class WarningColours:
    """From which share of the plan curve on a unit is green, or yellow; below it is red."""

    green: float = 1.0
    yellow: float = 0.85

    def of(self, ratio: float | None) -> Warning:
        """The warning colour for accepted ÷ plan; "none" without a target."""
        if ratio is None:
            return "none"
        return "green" if ratio >= self.green else "yellow" if ratio >= self.yellow else "red"


@dataclass(frozen=True)
class Progress:
    """How far a unit is. Areas in mu and m² with two decimals; shares are fractions of 1.

    `reported` counts polygons as they were reported (gross), `checked` and `accepted` net areas: accepted ones are
    checked too. `share` is accepted ÷ target, `ratio` accepted ÷ plan curve.
    """

    unit_code: str
    unit_name: str
    level: Level
    parent_code: str | None
    target_code: str | None
    as_of: datetime
    start_date: date | None
    due_date: date | None
    area_basis: AreaBasis | None
    days_total: int | None
    days_elapsed: int | None
    days_left: int | None
    target_mu: float | None
    allocated_mu: float
    unallocated_mu: float | None
    reported_mu: float
    checked_mu: float
    accepted_mu: float
    rejected_mu: float
    revoked_mu: float
    remaining_mu: float | None
    reported_m2: float
    checked_m2: float
    accepted_m2: float
    rejected_m2: float
    revoked_m2: float
    share: float | None
    schedule_mu: float | None
    schedule_share: float | None
    ratio: float | None
    needed_mu_per_day: float | None
    pace_mu_per_day: float | None
    pace_30_days_mu_per_day: float | None
    forecast_date: date | None
    forecast_30_days_date: date | None
    warning: Warning
    claims: int

    def as_json(self) -> dict[str, Any]:
        """The fields by name, dates and moments in ISO form."""
        days = {name: getattr(self, name) for name in _DAYS}
        return self.__dict__ | {name: None if day is None else day.isoformat() for name, day in days.items()}


_DAYS = ("as_of", "start_date", "due_date", "forecast_date", "forecast_30_days_date")


def claim_moments() -> Any:
    """A row per claim with the moment of each of its states (subquery; None where it was not reached)."""

    def reached(state: State) -> ColumnElement[datetime | None]:
        return func.max(case((Step.state == state, Step.at)), type_=Step.at.type).label(f"{state}_at")

    return select(Step.claim_id, *(reached(state) for state in State)).group_by(Step.claim_id).subquery("moments")


def progress_tree(
    session: Session,
    unit_code: str,
    moment: datetime,
    *,
    down_to: Level = Level.VILLAGE,
    target_code: str | None = None,
    colours: WarningColours | None = None,
) -> list[Progress]:
    """The progress of a unit and of those below it, down to a level; parents first, by code.

    Raises UNIT_UNKNOWN, TARGET_UNKNOWN.
    """
    unit = get_unit(session, unit_code)
    day = day_of(moment)
    target = get_target(session, target_code) if target_code else target_on(session, day)
    levels = LEVELS[: max(LEVELS.index(unit.level), LEVELS.index(down_to)) + 1]
    # Figures are rounded from the city down, so the units above and beside are needed too.
    top = chain_of(unit.code)[0]
    units = session.execute(
        select(Unit.code, Unit.name, Unit.level, Unit.parent_code)
        .where(within(Unit.code, top), Unit.level.in_(levels))
        .order_by(func.length(Unit.code), Unit.code)
    ).all()
    units = sorted(units, key=lambda row: (LEVELS.index(row.level), row.code))
    codes = [row.code for row in units]
    parts_mu = allocations(session, target.code) if target else {}
    sums, counts = _summed(session, codes, top, moment, target.code if target else None)
    shown = _shown_mu(codes, [row.parent_code for row in units], sums)
    children_mu: dict[str, float] = defaultdict(float)
    for code, area_mu in parts_mu.items():
        if (above := parent_of(code)) is not None:
            children_mu[above] += area_mu
    plan = Plan.of(target) if target else None
    due_share = plan.share(day_of(moment)) if plan else None
    colours = colours or WarningColours()
    return [
        _progress(
            row,
            i,
            moment,
            target,
            plan,
            due_share,
            parts_mu,
            children_mu,
            sums,
            shown,
            counts,
            colours,
        )
        for i, row in enumerate(units)
        if is_within(row.code, unit.code)
    ]


def progress(
    session: Session,
    unit_code: str,
    moment: datetime,
    *,
    target_code: str | None = None,
    colours: WarningColours | None = None,
) -> Progress:
    """The progress of one unit. Raises as :func:`progress_tree`."""
    level = get_unit(session, unit_code).level
    return progress_tree(
        session,
        unit_code,
        moment,
        down_to=level,
        target_code=target_code,
        colours=colours,
    )[0]


def ranking(
    session: Session,
    parent_code: str,
    moment: datetime,
    *,
    target_code: str | None = None,
    colours: WarningColours | None = None,
) -> list[tuple[int, Progress]]:
    """The units right below a parent, the furthest along its plan first; equal ones share a rank.

    Units without a target come last, by code.
    """
    parent = get_unit(session, parent_code)
    below = LEVELS[min(LEVELS.index(parent.level) + 1, len(LEVELS) - 1)]
    rows = progress_tree(
        session,
        parent.code,
        moment,
        down_to=below,
        target_code=target_code,
        colours=colours,
    )
    rows = [row for row in rows if row.parent_code == parent.code]
    rows.sort(
        key=lambda row: (
            row.ratio is None,
            -(row.ratio or 0),
            -row.accepted_m2,
            row.unit_code,
        )
    )
    ranks: list[tuple[int, Progress]] = []
    for place, row in enumerate(rows, start=1):
        tied = ranks and (row.ratio, row.accepted_m2) == (
            ranks[-1][1].ratio,
            ranks[-1][1].accepted_m2,
        )
        ranks.append((ranks[-1][0] if tied else place, row))
    return ranks


def _summed(
    session: Session,
    codes: list[str],
    top: str,
    moment: datetime,
    target_code: str | None,
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]:
    """Sums in m² over each unit's subtree, by name, and the numbers of claims; arrays in the order of `codes`."""
    m = claim_moments()
    earlier = days_before(moment, RECENT_DAYS)

    def reached(state: State, at: datetime = moment) -> ColumnElement[bool]:
        column: ColumnElement[datetime] = m.c[f"{state}_at"]
        return column.is_not(None) & (column <= at)

    def area(condition: ColumnElement[bool], column: Any) -> ColumnElement[float]:
        return func.sum(case((condition, column), else_=0.0))

    gone = reached(State.REJECTED) | reached(State.REVOKED)
    rows = session.execute(
        select(
            Claim.unit_code,
            func.count(),
            func.sum(Claim.gross_m2),
            area(
                reached(State.CHECKED) & ~reached(State.ACCEPTED) & ~gone,
                Claim.reported_net_m2,
            ),
            area(reached(State.ACCEPTED) & ~gone, Claim.accepted_net_m2),
            area(reached(State.REJECTED), Claim.gross_m2),
            area(reached(State.REVOKED), Claim.accepted_net_m2),
            area(
                reached(State.ACCEPTED, earlier) & ~reached(State.REVOKED, earlier),
                Claim.accepted_net_m2,
            ),
        )
        .join(m, m.c.claim_id == Claim.id)
        .where(
            within(Claim.unit_code, top),
            reached(State.REPORTED),
            Claim.target_code == target_code,
        )
        .group_by(Claim.unit_code)
    ).all()
    place = {code: i for i, code in enumerate(codes)}
    table = np.zeros((len(codes), 7))
    for code, *values in rows:
        for above in chain_of(code):
            if above in place:
                table[place[above]] += values
    table[:, 2] += table[:, 3]  # what is accepted was checked
    table = table.round(2)
    sums = {name: table[:, i + 1] for i, name in enumerate(_SUMS)}
    return sums, table[:, 0].astype(np.int64)


def _shown_mu(
    codes: list[str], parents: list[str | None], sums: dict[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """The sums as mu with two decimals; the children of a unit that make up all of it add up to its figure."""
    children: dict[str, list[int]] = defaultdict(list)
    for i, parent in enumerate(parents):
        if parent is not None:
            children[parent].append(i)
    shown = {}
    for name, area_m2 in sums.items():
        exact = m2_to_mu(area_m2)
        rounded = exact.round(2)
        for i, code in enumerate(codes):
            rows = children.get(code)
            # Claims of the unit itself, at no child, leave a rest: then its children are rounded each for itself.
            if rows and abs(area_m2[rows].sum() - area_m2[i]) < 0.005:
                rounded[rows] = shares_of(rounded[i], exact[rows])
        shown[name] = rounded
    return shown


def _progress(
    row: Any,
    i: int,
    moment: datetime,
    target: Any,
    plan: Plan | None,
    due_share: float | None,
    parts_mu: dict[str, float],
    children_mu: dict[str, float],
    sums: dict[str, NDArray[np.float64]],
    shown: dict[str, NDArray[np.float64]],
    counts: NDArray[np.int64],
    colours: WarningColours,
) -> Progress:
    day = day_of(moment)
    target_mu = parts_mu.get(row.code)
    accepted = float(shown["accepted"][i])
    elapsed = plan.elapsed(day) if plan else 0
    worked = (day - plan.start).days + 1 if plan else 0
    left = plan.left(day) if plan else None
    pace = accepted / worked if plan and worked > 0 else None
    recent_days = min(RECENT_DAYS, worked)
    recent = (accepted - float(shown["recent"][i])) / recent_days if recent_days > 0 else None
    remaining = schedule = share = ratio = needed = None
    if plan and due_share is not None and target_mu is not None:
        remaining = max(round(target_mu - accepted, 2), 0.0)
        schedule = round(target_mu * due_share, 2)
        share = accepted / target_mu if target_mu else 1.0
        ratio = accepted / schedule if schedule else 1.0
        needed = round(remaining / left, 2) if left and left > 0 else (0.0 if remaining == 0 else None)
    allocated = round(children_mu.get(row.code, 0.0), 2)
    return Progress(
        unit_code=row.code,
        unit_name=row.name,
        level=row.level,
        parent_code=row.parent_code,
        target_code=target.code if target else None,
        as_of=moment,
        start_date=plan.start if plan else None,
        due_date=plan.due if plan else None,
        area_basis=target.area_basis if target else None,
        days_total=plan.days if plan else None,
        days_elapsed=elapsed if plan else None,
        days_left=left,
        target_mu=target_mu,
        allocated_mu=allocated,
        unallocated_mu=None if target_mu is None else round(target_mu - allocated, 2),
        **{f"{name}_mu": float(shown[name][i]) for name in _SUMS[:5]},
        **{f"{name}_m2": float(sums[name][i]) for name in _SUMS[:5]},
        remaining_mu=remaining,
        share=None if share is None else round(share, 6),
        schedule_mu=schedule,
        schedule_share=None if due_share is None else round(due_share, 6),
        ratio=None if ratio is None else round(ratio, 6),
        needed_mu_per_day=needed,
        pace_mu_per_day=None if pace is None else round(pace, 2),
        pace_30_days_mu_per_day=None if recent is None else round(recent, 2),
        forecast_date=forecast(day, remaining, pace),
        forecast_30_days_date=forecast(day, remaining, recent),
        warning=colours.of(ratio),
        claims=int(counts[i]),
    )


def forecast(day: date, remaining_mu: float | None, pace_mu_per_day: float | None) -> date | None:
    """The day by whose end the rest will be done at this pace; None where that never comes, or lies beyond 2999."""
    if remaining_mu is None or (remaining_mu > 0 and not (pace_mu_per_day and pace_mu_per_day > 0)):
        return None
    days = ceil(remaining_mu / pace_mu_per_day) if remaining_mu > 0 and pace_mu_per_day else 0
    return day + timedelta(days=days) if days < 350_000 else None
