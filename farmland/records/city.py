"""What holds for the whole database: whether it is a demonstration, what to say of that, and where its clock stands."""

from datetime import datetime, timedelta

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.records.clock import SHANGHAI
from farmland.records.database import Base, Moment
from farmland.records.ledger import LAST_MOMENT


class Demonstration(Base):
    """The one row that says that the records are made up; its clock stands at `now`. No row: real records, real time."""

    __tablename__ = "demonstration"
    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    now: Mapped[datetime] = mapped_column(Moment)
    note_zh: Mapped[str] = mapped_column(String(1000))
    note_en: Mapped[str] = mapped_column(String(1000))


_STANDING = select(Demonstration.now).where(Demonstration.id == 1).scalar_subquery()
_MOMENTS = select(_STANDING, LAST_MOMENT.scalar_subquery())


def demonstration(session: Session) -> Demonstration | None:
    """What is to be said of a demonstration; None for real records."""
    return session.get(Demonstration, 1)


def now(session: Session) -> datetime:
    """The present moment in Asia/Shanghai; a demonstration's clock stands still but for what was written since."""
    return _moments(session)[0]


def next_moment(session: Session) -> datetime:
    """The moment of what is written now: later than all that was written before, though a clock stands or is set back."""
    moment, last = _moments(session)
    return moment if last is None or moment > last else last + timedelta(microseconds=1)


def _moments(session: Session) -> tuple[datetime, datetime | None]:
    """The present moment, and that of the ledger's last entry."""
    standing, last = session.execute(_MOMENTS).one()
    if standing is None:
        return datetime.now(SHANGHAI), last
    return max(standing, last or standing), last
