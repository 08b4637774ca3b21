"""Field chiefs (田长) and their appointments: who answers for which land, on which day, on all four levels."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Date, ForeignKey, Index, Integer, String, bindparam, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from farmland.land.units import Level, Unit, chain_of, level_of
from farmland.records.database import Base
from geodata.problems import Kind

APPOINTMENT_ENDS_BEFORE_START = Kind(
    "appointment_ends_before_start",
    "任命的止期 {until} 早于起期 {since}。请改正两个日期。",
    "The appointment ends on {until}, before it begins on {since}. Correct the two dates.",
)


class Chief(Base):
    """A field chief, by a number in the city's roster."""

    __tablename__ = "chief"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    phone: Mapped[str | None] = mapped_column(String(40))


class Appointment(Base):
    """A chief's duty for a unit, or for one plot in it, from a day on and until a day (that day included)."""

    __tablename__ = "appointment"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    chief_id: Mapped[int] = mapped_column(ForeignKey("chief.id"), index=True)
    unit_code: Mapped[str] = mapped_column(ForeignKey("unit.code"))
    plot_id: Mapped[int | None] = mapped_column(ForeignKey("plot.id"), index=True)
    duty: Mapped[str] = mapped_column(String(100))
    from_day: Mapped[date]
    to_day: Mapped[date | None]
    chief: Mapped[Chief] = relationship(lazy="joined", innerjoin=True)

    __table_args__ = (Index("appointment_unit", "unit_code", "from_day"),)


def in_office(on: date | ColumnElement[date]) -> ColumnElement[bool]:
    """The condition that an appointment holds on a day."""
    return (Appointment.from_day <= on) & or_(Appointment.to_day.is_(None), Appointment.to_day >= on)


_CHAIN = (
    select(Unit.code, Unit.name, Appointment)
    .outerjoin(
        Appointment,
        (Appointment.unit_code == Unit.code)
        & or_(Appointment.plot_id.is_(None), Appointment.plot_id == bindparam("plot_id", type_=Integer))
        & in_office(bindparam("on", type_=Date)),
    )
    .where(Unit.code.in_(bindparam("codes", expanding=True)))
    .order_by(Appointment.plot_id.is_(None), Appointment.from_day, Appointment.id)
)


@dataclass(frozen=True)
class Link:
    """One level of the chain of who answers: a unit and the chiefs in office there on the day."""

    level: Level
    unit_code: str
    unit_name: str
    appointments: list[Appointment]


def chain(session: Session, unit_code: str, on: date, plot_id: int | None = None) -> list[Link]:
    """Who answers for a unit, or for a plot of it, on a day: from the city down, a link per level.

    At the lowest level the appointments for the plot itself stand before those for its unit. A level whose unit has no
    chief on the day is there with an empty list: a gap is shown, not hidden.
    """
    codes = chain_of(unit_code)
    rows = session.execute(_CHAIN, {"codes": codes, "plot_id": plot_id, "on": on}).all()
    names = {code: name for code, name, _ in rows}
    return [
        Link(
            level_of(code),
            code,
            names.get(code, ""),
            [held for unit, _, held in rows if unit == code and held is not None],
        )
        for code in codes
    ]
