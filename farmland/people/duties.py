"""Who answers for what, as a rule: plots that lack a chief on one of the four levels, chiefs who have no land."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.land.plots import Plot
from farmland.land.units import Level, Unit, chain_of, is_within, level_of, within
from farmland.people.chiefs import Appointment, Chief, in_office


@dataclass(frozen=True)
class Lacking:
    """Units whose plots lack a chief, each with the highest unit that has none.

    `always` holds for every plot of the unit, `unless_own` only for those without a chief of their own, who stands in for
    the group's.
    """

    always: dict[str, str]
    unless_own: dict[str, str]


def answered_units(session: Session, on: date) -> set[str]:
    """The units for which a chief is in office on a day."""
    return set(session.scalars(select(Appointment.unit_code).where(in_office(on), Appointment.plot_id.is_(None))))


def lacking(codes: Iterable[str], answered: set[str]) -> Lacking:
    """Which of the units of plots lack a chief on a level, where `answered` are the units that have one."""
    found = Lacking({}, {})
    for code in codes:
        above = chain_of(code)
        group = above.pop() if level_of(code) is Level.GROUP else None
        missing = next((unit for unit in above if unit not in answered), None)
        if missing is not None or len(above) < 3:
            found.always[code] = missing or code
        elif group not in answered:
            found.unless_own[code] = code
    return found


def plots_with_own_chief(session: Session, unit_code: str, on: date) -> dict[str, set[int]]:
    """The ids of the plots with a chief of their own in office on a day, by unit."""
    rows = session.execute(
        select(Plot.unit_code, Plot.id)
        .join(Appointment, Appointment.plot_id == Plot.id)
        .where(within(Plot.unit_code, unit_code), in_office(on))
    )
    found: dict[str, set[int]] = {}
    for code, plot in rows:
        found.setdefault(code, set()).add(plot)
    return found


def chiefs_without_land(session: Session, unit_code: str, on: date) -> list[tuple[str, str]]:
    """The chiefs of a unit and all below it who answer for no land on a day: roster number, unit of the appointment or "".

    A chief has land where an appointment in office is for a plot, or for a unit that has, itself or below it, a plot or a
    polygon. One whose appointments have all ended is no chief any more and owes none; one who waits for the first of them,
    or was never appointed, is named. A chief without any appointment belongs to the city.
    """
    codes = [*session.scalars(select(Plot.unit_code).distinct())]
    codes += session.scalars(select(Unit.code).where(Unit.geometry.is_not(None)))
    with_land = {above for code in codes for above in chain_of(code)}
    rows = session.execute(
        select(Chief.code, Appointment.unit_code, Appointment.plot_id, Appointment.from_day, Appointment.to_day)
        .outerjoin_from(Chief, Appointment)
        .order_by(Chief.code, Appointment.from_day, Appointment.id)
    ).all()
    ours: set[str] = set()
    landed: set[str] = set()
    lasting: dict[str, str] = {}
    for number, code, plot, since, until in rows:
        if is_within(code, unit_code) if code else level_of(unit_code) is Level.CITY:
            ours.add(number)
        if code is None or until is None or until >= on:
            lasting.setdefault(number, code or "")
            if code is not None and since <= on and (plot is not None or code in with_land):
                landed.add(number)
    landless = ours - landed
    return [(number, code) for number, code in lasting.items() if number in landless]
