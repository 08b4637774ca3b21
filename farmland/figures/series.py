"""The burn-up: reported, checked and accepted area day by day beside the plan curve, and where the pace leads."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.figures.progress import Progress, progress
from farmland.figures.unit_areas import recorded_by
from farmland.land.units import within
from farmland.records.clock import day_of, end_of_day
from farmland.restoration.claims import Claim, claim_moments
from farmland.restoration.targets import Plan, target_for
from geodata.area import m2_to_mu


@dataclass(frozen=True)
class Series:
    """A unit's progress (as of the last day), its days and the plan.

    Each day is (day, reported, checked, accepted, evidenced) in mu, each of the plan (day, mu).
    """

    progress: Progress
    days: list[tuple[date, float, float, float, float]]
    plan: list[tuple[date, float]]

    def as_json(self) -> dict[str, Any]:
        """Days in ISO form, areas in mu."""
        now = self.progress
        return {
            "unit_code": now.unit_code,
            "target_mu": now.target_mu,
            "start_date": _iso(now.start_date),
            "due_date": _iso(now.due_date),
            "as_of": now.as_of.isoformat(),
            "days": [
                {
                    "date": day,
                    "reported_mu": reported,
                    "checked_mu": checked,
                    "accepted_mu": accepted,
                    "evidenced_mu": evidenced,
                }
                for day, reported, checked, accepted, evidenced in self.days
            ],
            "plan": [{"date": day.isoformat(), "schedule_mu": area_mu} for day, area_mu in self.plan],
            "forecast": {
                "date": _iso(now.forecast_date),
                "mu_per_day": now.pace_mu_per_day,
                "target_mu": now.target_mu,
            },
            "forecast_30_days": {
                "date": _iso(now.forecast_30_days_date),
                "mu_per_day": now.pace_30_days_mu_per_day,
            },
        }


def series(
    session: Session,
    unit_code: str,
    moment: datetime,
    *,
    target_code: str | None = None,
    since: date | None = None,
    until: date | None = None,
    known_at: datetime | None = None,
) -> Series:
    """The days of a unit from `since` (the target's start) until `until` (the moment's day), as known at the moment.

    A day's figure is that of its end, the last day's that of the moment; those before the last are rounded each for
    itself. Raises UNIT_UNKNOWN, TARGET_UNKNOWN.
    """
    now = progress(session, unit_code, moment, target_code=target_code, known_at=known_at)
    target = target_for(session, target_code, day_of(moment), known_at)
    last = min(until or day_of(moment), day_of(moment))
    first = since or min(target.start_day if target else last, last)
    m = claim_moments(moment, known_at)
    rows = session.execute(
        select(m, Claim.gross_m2, Claim.reported_net_m2, Claim.accepted_net_m2, Claim.evidenced_at)
        .join(m, m.c.claim_id == Claim.id)
        .where(
            within(Claim.unit_code, now.unit_code),
            Claim.target_code == (target.code if target else None),
        )
    ).all()
    days = [first + timedelta(days=i) for i in range(max((last - first).days, 0) + 1)]
    ends = np.array([min(end_of_day(day), moment).timestamp() for day in days])

    def since_moment(moments: list[datetime | None], areas: list[float | None]) -> NDArray[np.float64]:
        """The area of all that had happened by each day's end, shape (days,)."""
        known = [(at.timestamp(), area) for at, area in zip(moments, areas, strict=True) if at is not None]
        known.sort()
        at = np.array([pair[0] for pair in known])
        total = np.concatenate(([0.0], np.cumsum([pair[1] or 0.0 for pair in known])))
        return np.asarray(total[np.searchsorted(at, ends, side="right")])

    gross = since_moment([row.reported_at for row in rows], [row.gross_m2 for row in rows])
    accepted = since_moment([row.accepted_at for row in rows], [row.accepted_net_m2 for row in rows])
    revoked = since_moment([row.revoked_at for row in rows], [row.accepted_net_m2 for row in rows])
    # Accepted and evidenced: from whichever comes last until the revocation, unless that came before.
    recorded = recorded_by(moment, known_at)
    seen = [
        (max(row.accepted_at, row.evidenced_at), row.revoked_at, row.accepted_net_m2)
        for row in rows
        if row.accepted_at and row.evidenced_at and row.evidenced_at <= recorded
    ]
    seen = [(since, until, area) for since, until, area in seen if until is None or since < until]
    areas = [area for _, _, area in seen]
    evidenced = since_moment([since for since, _, _ in seen], areas) - since_moment(
        [until for _, until, _ in seen], areas
    )
    # Checked and waiting: from the check until the acceptance or the rejection, whichever comes.
    checked = [row.checked_at for row in rows]
    waiting = since_moment(checked, [row.reported_net_m2 for row in rows]) - since_moment(
        [row.accepted_at or row.rejected_at if row.checked_at else None for row in rows],
        [row.reported_net_m2 for row in rows],
    )
    net = m2_to_mu(accepted - revoked).round(2)
    table = zip(
        days,
        m2_to_mu(gross).round(2).tolist(),
        (net + m2_to_mu(waiting)).round(2).tolist(),
        net.tolist(),
        m2_to_mu(evidenced).round(2).tolist(),
        strict=True,
    )
    days_mu = list(table)
    if days and days[-1] == day_of(moment):  # the same figures as the progress of that moment, to the last hundredth
        days_mu[-1] = (days[-1], now.reported_mu, now.checked_mu, now.accepted_mu, now.evidenced_mu)
    plan = _plan_days(Plan.of(target), now.target_mu) if target and now.target_mu is not None else []
    return Series(now, days_mu, plan)


def _plan_days(plan: Plan, target_mu: float) -> list[tuple[date, float]]:
    days = [plan.start + timedelta(days=i) for i in range(plan.days)]
    return [(day, round(target_mu * plan.share(day), 2)) for day in days]


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
