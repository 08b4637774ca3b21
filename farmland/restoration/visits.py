"""Visits (复查) to claimed land after it was checked: whether what was sown came up and stays."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.people.people import Actor
from farmland.records.database import Base, Moment
from farmland.records.ledger import contents, note
from farmland.restoration.claims import Claim
from geodata.problems import Kind, Problem

VISIT_BEFORE_REPORT = Kind(
    "visit_before_report",
    "申报 {number} 于 {reported:%Y-%m-%d %H:%M} 上报，复查时间 {at:%Y-%m-%d %H:%M} 早于上报。请改正时间。",
    "Claim {number} was reported at {reported:%Y-%m-%d %H:%M}; a visit at {at:%Y-%m-%d %H:%M} lies before it. Correct "
    "the time.",
)
VISIT_IN_FUTURE = Kind(
    "visit_in_future",
    "复查时间 {at:%Y-%m-%d %H:%M} 还没有到。请改正时间。",
    "The visit's time {at:%Y-%m-%d %H:%M} has not come yet. Correct it.",
)


class Visit(Base):
    """A visit to a claim's land: when, by whom, on whose device, what was seen."""

    __tablename__ = "visit"
    id: Mapped[int] = mapped_column(primary_key=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))
    device: Mapped[str | None] = mapped_column(String(100))
    note: Mapped[str] = mapped_column(String(500))
    recorded_at: Mapped[datetime] = mapped_column(Moment)


def add_visit(session: Session, claim: Claim, actor: Actor, seen: str = "") -> Visit:
    """Write a visit, with its entry. Only under the right to write. Raises VISIT_BEFORE_REPORT, VISIT_IN_FUTURE."""
    if actor.at > actor.recorded_at:
        raise Problem(VISIT_IN_FUTURE, at=actor.at)
    if actor.at < claim.steps[0].at:
        raise Problem(VISIT_BEFORE_REPORT, number=claim.number, at=actor.at, reported=claim.steps[0].at)
    visit = Visit(
        claim_id=claim.id,
        at=actor.at,
        by=actor.name,
        device=actor.device,
        note=seen,
        recorded_at=actor.recorded_at,
    )
    session.add(visit)
    session.flush()
    after = contents(visit)
    note(session, "claim.visited", claim.number, claim.unit_code, actor=actor.name, at=actor.recorded_at, after=after)
    return visit
