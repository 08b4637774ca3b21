"""What a unit has: units, field chiefs, plots, farmland; and where nobody answers for it ("no gap, no dead corner")."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from farmland.figures.rounding import mu
from farmland.land.baseline import BaselinePatch
from farmland.land.plots import Plot
from farmland.land.units import LEVELS, Unit, get_unit, level_of, within
from farmland.people.chiefs import Appointment, in_office
from farmland.people.duties import answered_units, lacking, plots_with_own_chief
from farmland.restoration.claims import Claim


@dataclass(frozen=True)
class Summary:
    """A unit and all below it, itself included, on a day. Areas of plots in m² and mu with two decimals.

    `units` counts by level ("city", "town", ...), `units_without_chief` those for which no chief is in office;
    `plots_without_chief` counts the plots for which that is so on any of the four levels.
    """

    unit_code: str
    unit_name: str
    on: date
    units: dict[str, int]
    units_without_chief: dict[str, int]
    chiefs: int
    plots: int
    plots_without_chief: int
    farmland_m2: float
    farmland_mu: float
    baseline_patches: int
    claims: int


def summary(session: Session, unit_code: str, on: date) -> Summary:
    """Count what a unit has on a day. Claims and plots are counted as they are now. Raises UNIT_UNKNOWN."""
    unit = get_unit(session, unit_code)
    codes = session.scalars(select(Unit.code).where(within(Unit.code, unit.code))).all()
    now = in_office(on)
    answered = answered_units(session, on)
    units = {level.value: 0 for level in LEVELS}
    alone = dict(units)
    for code in codes:
        level = level_of(code).value
        units[level] += 1
        alone[level] += code not in answered
    chiefs = session.scalar(
        select(func.count(Appointment.chief_id.distinct())).where(now, within(Appointment.unit_code, unit.code))
    )
    plots, farmland_m2 = session.execute(
        select(func.count(), func.sum(Plot.area_m2)).where(within(Plot.unit_code, unit.code))
    ).one()
    claims = session.scalar(select(func.count(Claim.id)).where(within(Claim.unit_code, unit.code)))
    patches = session.scalar(select(func.count(BaselinePatch.id)).where(within(BaselinePatch.unit_code, unit.code)))

    return Summary(
        unit_code=unit.code,
        unit_name=unit.name,
        on=on,
        units=units,
        units_without_chief=alone,
        chiefs=chiefs or 0,
        plots=plots,
        plots_without_chief=_plots_without_chief(session, unit.code, answered, on),
        farmland_m2=round(farmland_m2 or 0.0, 2),
        farmland_mu=mu(farmland_m2 or 0.0),
        baseline_patches=patches or 0,
        claims=claims or 0,
    )


def _plots_without_chief(session: Session, unit_code: str, answered: set[str], on: date) -> int:
    by_unit: dict[str, int] = dict(
        session.execute(
            select(Plot.unit_code, func.count()).where(within(Plot.unit_code, unit_code)).group_by(Plot.unit_code)
        ).all()
    )
    found = lacking(by_unit, answered)
    own = plots_with_own_chief(session, unit_code, on)
    missing = sum(by_unit[code] for code in found.always)
    return missing + sum(by_unit[code] - len(own.get(code, ())) for code in found.unless_own)
