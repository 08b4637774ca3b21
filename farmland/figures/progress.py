"""Progress (进度) of units as of any moment: computed from the claims' steps every time, nothing is stored.

Areas are summed in m² and turned into mu once. Down the tree the mu are rounded so that every table adds up
(:mod:`farmland.figures.rounding`): the villages of a town sum to the town's figure, the towns to the city's, and what is accepted
and what waits for acceptance sum to what is checked.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy.orm import Session

from farmland.figures.unit_areas import RECENT_DAYS, Floats, UnitAreas, UnitTree, areas_of_claims
from farmland.figures.warning import Warning, WarningColours
from farmland.land.units import LEVELS, UNIT_UNKNOWN, Level, chain_of, level_of, normal_code, parent_of, stem
from farmland.records.clock import day_of
from farmland.restoration.targets import AreaBasis, Plan, Target, allocations, target_for
from geodata.problems import Problem

_LONGEST_FORECAST_DAYS = 350_000  # beyond the year 2970 a forecast says no more than "never"


class Progress(NamedTuple):
    """How far a unit is. Areas in mu and m² with two decimals; shares are fractions of 1.

    `reported` counts polygons as they were reported (gross), `checked` and `accepted` net areas: accepted ones are
    checked too, and `accepted_u` is their standard uncertainty (docs/uncertainty.md). `share` is accepted ÷ target, `ratio`
    accepted ÷ plan curve. `evidenced` is what of the accepted area photographs show (:mod:`farmland.restoration.evidenced`), and
    `evidenced_share` its share of it.
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
    accepted_u_mu: float
    evidenced_mu: float
    rejected_mu: float
    revoked_mu: float
    remaining_mu: float | None
    reported_m2: float
    checked_m2: float
    accepted_m2: float
    accepted_u_m2: float
    evidenced_m2: float
    evidenced_share: float | None
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


def progress_tree(
    session: Session,
    unit_code: str,
    moment: datetime,
    *,
    down_to: Level = Level.VILLAGE,
    target_code: str | None = None,
    colours: WarningColours | None = None,
    known_at: datetime | None = None,
) -> list[Progress]:
    """The progress of a unit and of those below it, down to a level; parents first, by code.

    What was true at the moment, as far as it was known at `known_at` (None: as far as it is known now).
    Raises UNIT_UNKNOWN, TARGET_UNKNOWN.
    """
    code = normal_code(unit_code)
    # Figures are rounded from the city down, so the units above and beside are needed too.
    tree = UnitTree.of(session, chain_of(code)[0], max(LEVELS.index(level_of(code)), LEVELS.index(down_to)), known_at)
    if code not in tree.codes:
        raise Problem(UNIT_UNKNOWN, code=unit_code)
    target = target_for(session, target_code, day_of(moment), known_at)
    areas = areas_of_claims(session, tree, moment, target.code if target else None, known_at)
    parts_mu = allocations(session, target.code, moment, known_at) if target else {}
    rows = _rows(tree, areas, target, parts_mu, moment, colours or WarningColours())
    here = stem(code)
    return [row for row in rows if row.unit_code.startswith(here)]


def progress(
    session: Session,
    unit_code: str,
    moment: datetime,
    *,
    target_code: str | None = None,
    colours: WarningColours | None = None,
    known_at: datetime | None = None,
) -> Progress:
    """The progress of one unit. Raises as :func:`progress_tree`."""
    level = level_of(normal_code(unit_code))
    options: dict[str, Any] = {"target_code": target_code, "colours": colours, "known_at": known_at}
    return progress_tree(session, unit_code, moment, down_to=level, **options)[0]


def ranking(
    session: Session,
    parent_code: str,
    moment: datetime,
    *,
    target_code: str | None = None,
    colours: WarningColours | None = None,
    known_at: datetime | None = None,
) -> list[tuple[int, Progress]]:
    """The units right below a parent, the furthest along its plan first; equal ones share a rank.

    Units without a target come last, by code.
    """
    parent = normal_code(parent_code)
    below = LEVELS[min(LEVELS.index(level_of(parent)) + 1, len(LEVELS) - 1)]
    options: dict[str, Any] = {"target_code": target_code, "colours": colours, "known_at": known_at}
    rows = progress_tree(session, parent, moment, down_to=below, **options)
    rows = [row for row in rows if row.parent_code == parent]
    rows.sort(key=lambda row: (row.ratio is None, -(row.ratio or 0), -row.accepted_m2, row.unit_code))
    ranks: list[tuple[int, Progress]] = []
    for place, row in enumerate(rows, start=1):
        tied = ranks and (row.ratio, row.accepted_m2) == (ranks[-1][1].ratio, ranks[-1][1].accepted_m2)
        ranks.append((ranks[-1][0] if tied else place, row))
    return ranks


def _rows(
    tree: UnitTree,
    areas: UnitAreas,
    target: Target | None,
    parts_mu: dict[str, float],
    moment: datetime,
    colours: WarningColours,
) -> list[Progress]:
    """The figures of all units of the tree, column by column; NaN stands for what there is none of."""
    day, plan = day_of(moment), Plan.of(target) if target else None
    count = len(tree.codes)
    worked = (day - plan.start).days + 1 if plan else 0
    recent_days = min(RECENT_DAYS, worked)
    left = plan.left(day) if plan else None
    due_share = plan.share(day) if plan else np.nan
    none = np.full(count, np.nan)

    accepted = areas.mu["accepted"]
    target_mu = np.array([parts_mu.get(code, np.nan) for code in tree.codes])
    allocated = np.zeros(count)
    held, parent = np.nan_to_num(target_mu), tree.parent
    np.add.at(allocated, parent[parent >= 0], held[parent >= 0])
    allocated += _allocated_deeper(tree, parts_mu)
    allocated = allocated.round(2)
    remaining = np.maximum((target_mu - accepted).round(2), 0.0)
    schedule = (target_mu * due_share).round(2)
    pace = accepted / worked if worked > 0 else none
    recent = (accepted - areas.mu["earlier"]) / recent_days if recent_days > 0 else none
    # Before its start a plan asks for nothing, and nobody is on or behind it.
    ratio = _quotient(accepted, schedule) if worked > 0 else none
    needed = (remaining / left).round(2) if left and left > 0 else np.where(remaining == 0, 0.0, np.nan)

    def same(value: Any) -> list[Any]:
        return [value] * count

    columns = {
        "unit_code": tree.codes,
        "unit_name": tree.names,
        "level": tree.levels,
        "parent_code": tree.parent_codes,
        "target_code": same(target.code if target else None),
        "as_of": same(moment),
        "start_date": same(plan.start if plan else None),
        "due_date": same(plan.due if plan else None),
        "area_basis": same(target.area_basis if target else None),
        "days_total": same(plan.days if plan else None),
        "days_elapsed": same(plan.elapsed(day) if plan else None),
        "days_left": same(left),
        "target_mu": _listed(target_mu),
        "allocated_mu": allocated.tolist(),
        "unallocated_mu": _listed((target_mu - allocated).round(2)),
        **{f"{name}_mu": areas.mu[name].tolist() for name in _SHOWN},
        **{f"{name}_m2": areas.m2[name].tolist() for name in _SHOWN},
        "evidenced_share": _listed(_part(areas.m2["evidenced"], areas.m2["accepted"]).round(6)),
        "remaining_mu": _listed(remaining),
        "share": _listed(_quotient(accepted, target_mu).round(6)),
        "schedule_mu": _listed(schedule),
        "schedule_share": same(round(due_share, 6) if plan else None),
        "ratio": _listed(ratio.round(6)),
        "needed_mu_per_day": _listed(needed),
        "pace_mu_per_day": _listed(pace.round(2)),
        "pace_30_days_mu_per_day": _listed(recent.round(2)),
        "forecast_date": _forecasts(day, remaining, pace),
        "forecast_30_days_date": _forecasts(day, remaining, recent),
        "warning": colours.of(ratio),
        "claims": areas.claims.tolist(),
    }
    in_order: Sequence[Sequence[Any]] = [columns[name] for name in Progress._fields]
    return list(map(Progress._make, zip(*in_order, strict=True)))


_SHOWN = ("reported", "checked", "accepted", "accepted_u", "evidenced", "rejected", "revoked")


def _allocated_deeper(tree: UnitTree, parts_mu: dict[str, float]) -> Floats:
    """What the lowest units of the tree have allocated to units below them, which the tree does not show; shape (n,)."""
    place = {code: i for i, code in enumerate(tree.codes)}
    allocated = np.zeros(len(tree.codes))
    for code, area_mu in parts_mu.items():
        if code not in place and (above := parent_of(code)) in place:
            allocated[place[above]] += area_mu
    return allocated


def _quotient(accepted: Floats, of: Floats) -> Floats:
    """accepted ÷ of; 1 where nothing is asked for, NaN where there is no target."""
    return np.where(of == 0, 1.0, accepted / np.where(of == 0, 1.0, of))


def _part(part: Floats, whole: Floats) -> Floats:
    """part ÷ whole, which it is never shown to reach by rounding; NaN where the whole is 0."""
    share = part / np.where(whole == 0, np.nan, whole)
    return np.where(part < whole, np.minimum(share, 0.999999), share)


def _listed(values: Floats) -> list[float | None]:
    """The values as a list, None for NaN."""
    return [None if value != value else value for value in values.tolist()]


def _forecasts(day: date, remaining_mu: Floats, pace_mu_per_day: Floats) -> list[date | None]:
    """The days by whose end the rest will be done at these paces; None where that never comes."""
    runs = pace_mu_per_day > 0
    days = np.ceil(remaining_mu / np.where(runs, pace_mu_per_day, np.nan))
    days[remaining_mu == 0] = 0
    ends = np.isfinite(days) & (days < _LONGEST_FORECAST_DAYS)
    dates = np.datetime64(day) + np.where(ends, days, 0).astype("timedelta64[D]")
    dates[~ends] = np.datetime64("NaT")
    found: list[date | None] = dates.tolist()
    return found
