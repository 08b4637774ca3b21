"""What holds for the whole database: whether it is a demonstration, what to say of that, and where its clock stands."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.clock import SHANGHAI
from farmland.database import Base, Moment


class Demonstration(Base):
    """The one row that says that the records are made up; its clock stands at `now`. No row: real records, real time."""

    __tablename__ = "demonstration"
    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    now: Mapped[datetime] = mapped_column(Moment)
    note_zh: Mapped[str] = mapped_column(String(1000))
    note_en: Mapped[str] = mapped_column(String(1000))


def demonstration(session: Session) -> Demonstration | None:
    """What is to be said of a demonstration; None for real records."""
    return session.get(Demonstration, 1)


def now(session: Session) -> datetime:
    """The present moment in Asia/Shanghai; a demonstration's clock stands still."""
    standing = demonstration(session)
    return standing.now if standing else datetime.now(SHANGHAI)
