"""Closed periods (报告期): a report that is sealed with all it was computed from, and can be made again byte for byte.

What arrives after a period was closed never changes its report: it is a correction, which the next one lists.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.figures.progress import Progress, ranking
from farmland.figures.progress import progress as progress_of
from farmland.figures.warning import WarningColours
from farmland.figures.waterfall import waterfall
from farmland.land.units import Level, get_unit, within
from farmland.records.clock import day_of, end_of_day
from farmland.records.database import Base, Moment
from farmland.records.ledger import contents, head, note
from farmland.reports.marks import Mark
from farmland.restoration.claims import Claim, claim_moments
from farmland.restoration.targets import require_target
from geodata.area import m2_to_mu
from geodata.problems import Kind, Problem

PERIOD_UNKNOWN = Kind(
    "period_unknown",
    "没有第 {number} 期报告。tianzhang period list 列出各期。",
    "There is no period {number}. See tianzhang period list.",
    "not_found",
)
PERIOD_NOT_OVER = Kind(
    "period_not_over",
    "报告期的最后一天 {last_day} 还没有过完，不能封存。",
    "The period's last day {last_day} is not over: it cannot be closed yet.",
    "conflict",
)
PERIOD_NOT_AFTER = Kind(
    "period_not_after",
    "报告期须在上一期（止于 {before}）之后结束，而给出的是 {last_day}。",
    "A period must end after the one before, which ended on {before}; {last_day} was given.",
    "conflict",
)
REPORT_DIFFERS = Kind(
    "report_differs",
    "第 {number} 期报告重新生成后与封存时不同：其依据的记录被改动过。请运行 tianzhang verify。",
    "The report of period {number} is not what it was when it was closed: records that it rests on were altered. Run "
    "tianzhang verify.",
    "conflict",
)


_FORM = 2
"""The form of the reports that are closed now; those of before are made again in theirs."""


class Period(Base):
    """A closed period of a unit's target: until which day, when it was closed (what was known then counts), by whom.

    `entry` and `head` are the ledger's last entry before; `report_hash` is the SHA-256 of the report; the thresholds of
    the warning colours are those of that day. `form` is that of its report: the first says nothing of what is evidenced.
    """

    __tablename__ = "period"
    id: Mapped[int] = mapped_column(primary_key=True)
    unit_code: Mapped[str] = mapped_column(ForeignKey("unit.code"))
    target_code: Mapped[str] = mapped_column(ForeignKey("target.code"))
    number: Mapped[int]
    last_day: Mapped[date]
    closed_at: Mapped[datetime] = mapped_column(Moment)
    closed_by: Mapped[str] = mapped_column(String(200))
    entry: Mapped[int]
    head: Mapped[str] = mapped_column(String(64))
    green: Mapped[float]
    yellow: Mapped[float]
    report_hash: Mapped[str] = mapped_column(String(64))
    form: Mapped[int]

    __table_args__ = (UniqueConstraint("unit_code", "target_code", "number", name="period_number"),)


def close_period(
    session: Session,
    unit_code: str,
    last_day: date,
    now: datetime,
    *,
    actor: str,
    colours: WarningColours,
    target_code: str | None = None,
) -> Period:
    """Close a period and write what its report is to be. Only under the right to write.

    Raises UNIT_UNKNOWN, NO_TARGET, TARGET_UNKNOWN, PERIOD_NOT_OVER, PERIOD_NOT_AFTER.
    """
    unit = get_unit(session, unit_code)
    target = require_target(session, target_code, last_day)
    if day_of(now) <= last_day and now < end_of_day(last_day):
        raise Problem(PERIOD_NOT_OVER, last_day=last_day)
    before = periods(session, unit.code, target.code)
    if before and last_day <= before[-1].last_day:
        raise Problem(PERIOD_NOT_AFTER, before=before[-1].last_day, last_day=last_day)
    entry, last = head(session)
    period = Period(
        unit_code=unit.code,
        target_code=target.code,
        number=len(before) + 1,
        last_day=last_day,
        closed_at=now,
        closed_by=actor,
        entry=entry,
        head=last,
        green=colours.green,
        yellow=colours.yellow,
        report_hash="",
        form=_FORM,
    )
    period.report_hash = _hash(_report(session, period, before[-1] if before else None))
    session.add(period)
    session.flush()
    note(
        session, "period.closed", f"{unit.code}/{period.number}", unit.code, actor=actor, at=now, after=contents(period)
    )
    return period


def periods(session: Session, unit_code: str | None = None, target_code: str | None = None) -> Sequence[Period]:
    """The closed periods, the first first; of a unit and a target, or all."""
    found = select(Period).order_by(Period.unit_code, Period.target_code, Period.number)
    if unit_code is not None:
        found = found.where(Period.unit_code == unit_code)
    if target_code is not None:
        found = found.where(Period.target_code == target_code)
    return session.scalars(found).all()


def get_period(session: Session, unit_code: str, number: int, target_code: str | None = None) -> Period:
    """A unit's period of that number; where no target is named, of the last one that has it. Raises PERIOD_UNKNOWN."""
    found = [period for period in periods(session, unit_code, target_code) if period.number == number]
    if not found:
        raise Problem(PERIOD_UNKNOWN, number=number)
    return max(found, key=lambda period: period.closed_at)


def report_of(session: Session, period: Period) -> dict[str, Any]:
    """The report of a closed period, made again from the records as they were known then. Raises REPORT_DIFFERS."""
    before = [other for other in periods(session, period.unit_code, period.target_code) if other.number < period.number]
    report = _report(session, period, before[-1] if before else None)
    if _hash(report) != period.report_hash:
        raise Problem(REPORT_DIFFERS, number=period.number)
    return report


def report_bytes(report: dict[str, Any]) -> bytes:
    """A report as it is kept: canonical JSON, areas in mu with two decimals."""
    return orjson.dumps(report, option=orjson.OPT_SORT_KEYS)


def _hash(report: dict[str, Any]) -> str:
    return hashlib.sha256(report_bytes(report)).hexdigest()


def _report(session: Session, period: Period, before: Period | None) -> dict[str, Any]:
    by_evidence = period.form >= _FORM
    now = _Stand.of(session, period, end_of_day(period.last_day), period.closed_at)
    published = restated = None
    if before is not None:
        earlier = end_of_day(before.last_day)
        published = _Stand.of(session, before, earlier, before.closed_at)
        restated = _Stand.of(session, period, earlier, period.closed_at)
    rows = [
        _row(
            rank,
            row,
            published.rows.get(row.unit_code) if published else None,
            restated.rows.get(row.unit_code) if restated else None,
        )
        | (_evidenced(row) if by_evidence else {})
        for rank, row in [(0, now.whole), *now.below]
    ]
    whole = now.whole
    mark = Mark(
        whole.unit_code, whole.target_code or "", whole.as_of, period.closed_at,
        whole.reported_m2, whole.checked_m2, whole.accepted_m2, period.entry, period.head[:12],
        whole.evidenced_m2 if by_evidence else None,
    )  # fmt: skip
    asked: dict[str, Any] = {"target_code": period.target_code, "known_at": period.closed_at}
    bars = waterfall(session, period.unit_code, whole.as_of, by_evidence=by_evidence, **asked)
    return {
        "number": period.number,
        "unit_code": period.unit_code,
        "unit_name": whole.unit_name,
        "target_code": period.target_code,
        "last_day": period.last_day.isoformat(),
        "before": before and before.last_day.isoformat(),
        "closed_at": period.closed_at.isoformat(),
        "closed_by": period.closed_by,
        "rows": rows,
        "corrections": _corrections(session, period, before) if before else [],
        "waterfall": [vars(bar) for bar in bars],
        "mark": mark.text,
        "fingerprint": mark.fingerprint,
    }


class _Stand:
    """A unit's progress and that of those below it, as of a moment and as known at another."""

    def __init__(self, whole: Progress, below: list[tuple[int, Progress]]) -> None:
        self.whole, self.below = whole, below
        self.rows = {row.unit_code: row for row in [whole, *(row for _, row in below)]}

    @classmethod
    def of(cls, session: Session, period: Period, moment: datetime, known_at: datetime) -> "_Stand":
        options: dict[str, Any] = {
            "target_code": period.target_code,
            "colours": WarningColours(period.green, period.yellow),
            "known_at": known_at,
        }
        whole = progress_of(session, period.unit_code, moment, **options)
        below = [] if whole.level == Level.GROUP else ranking(session, period.unit_code, moment, **options)
        return cls(whole, below)


def _row(rank: int, row: Progress, published: Progress | None, restated: Progress | None) -> dict[str, Any]:
    """A row of the table: the stand of the last report, what was corrected in it, what is new, and the stand now."""
    figures: dict[str, Any] = {}
    for name in ("reported", "accepted"):
        now = getattr(row, f"{name}_mu")
        then = getattr(published, f"{name}_mu") if published else 0.0
        known = getattr(restated, f"{name}_mu") if restated else then
        figures |= {
            f"{name}_before_mu": then,
            f"{name}_corrected_mu": round(known - then, 2),
            f"{name}_new_mu": round(now - known, 2),
            f"{name}_mu": now,
        }
    return figures | {
        "rank": rank or None,
        "unit_code": row.unit_code,
        "unit_name": row.unit_name,
        "target_mu": row.target_mu,
        "checked_mu": row.checked_mu,
        "accepted_u_mu": row.accepted_u_mu,
        "share": row.share,
        "schedule_share": row.schedule_share,
        "gap_mu": None if row.schedule_mu is None else round(row.accepted_mu - row.schedule_mu, 2),
        "days_left": row.days_left,
        "needed_mu_per_day": row.needed_mu_per_day,
        "warning": row.warning,
    }


def _evidenced(row: Progress) -> dict[str, Any]:
    return {"evidenced_mu": row.evidenced_mu, "evidenced_share": row.evidenced_share}


def _corrections(session: Session, period: Period, before: Period) -> list[dict[str, Any]]:
    """The claims whose part of the last report's figures was corrected since: in m² and mu, then and now."""
    moment = end_of_day(before.last_day)
    then, now = (_parts(session, period, moment, known_at) for known_at in (before.closed_at, period.closed_at))
    changed = sorted(number for number in then.keys() | now.keys() if then.get(number) != now.get(number))
    corrections = []
    for number in changed:
        one, other = then.get(number, _NOTHING), now.get(number, _NOTHING)
        corrections.append(
            {"number": number, "unit_code": other[0] or one[0]}
            | {f"{name}_then_mu": _mu(area) for name, area in zip(("reported", "accepted"), one[1:], strict=True)}
            | {f"{name}_now_mu": _mu(area) for name, area in zip(("reported", "accepted"), other[1:], strict=True)}
        )
    return corrections


_NOTHING = ("", 0.0, 0.0)


def _mu(area_m2: float) -> float:
    return round(float(m2_to_mu(area_m2)), 2)


def _parts(
    session: Session, period: Period, moment: datetime, known_at: datetime
) -> dict[str, tuple[str, float, float]]:
    """What each claim adds to the figures: its unit, its reported and its accepted area in m², by number."""
    m = claim_moments(moment, known_at)
    rows = session.execute(
        select(Claim.number, Claim.unit_code, Claim.gross_m2, Claim.accepted_net_m2, m.c.accepted_at, m.c.revoked_at)
        .join(m, m.c.claim_id == Claim.id)
        .where(within(Claim.unit_code, period.unit_code), Claim.target_code == period.target_code)
    )
    return {
        row.number: (
            row.unit_code,
            row.gross_m2,
            row.accepted_net_m2 if row.accepted_at and not row.revoked_at else 0.0,
        )
        for row in rows
    }
