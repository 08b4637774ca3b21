"""Rules on targets: the denominator of every share."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.land.units import Unit, within
from farmland.records.clock import start_of_day
from farmland.restoration.rules.rule import Rule, Severity
from farmland.restoration.targets import Allocation, Target

DENOMINATOR_LOWERED = Rule(
    "denominator_lowered",
    Severity.WARNS,
    (16,),
    "任务 {target} 开始后，{unit_name}（{unit}）的任务于 {since} 由 {before_mu:,.2f} 亩降为 {after_mu:,.2f} 亩：完成率因分母变小"
    "而升高。",
    "After target {target} began, the part of {unit_name} ({unit}) was lowered from {before_mu:,.2f} to {after_mu:,.2f} mu "
    "on {since}: a share rises as its denominator shrinks.",
)
RULES = (DENOMINATOR_LOWERED,)


def lowered(session: Session, unit_code: str, moment: datetime) -> Iterator[tuple[str, Rule, dict[str, object]]]:
    """Parts of targets in a subtree that were lowered after their target began, by a moment: unit, rule and facts."""
    rows = session.execute(
        select(Allocation.target_code, Allocation.unit_code, Allocation.area_mu, Allocation.since, Target.start_day)
        .add_columns(Unit.name)
        .join(Target, Target.code == Allocation.target_code)
        .join(Unit, Unit.code == Allocation.unit_code)
        .where(within(Allocation.unit_code, unit_code))
        .where(Allocation.since.is_(None) | (Allocation.since <= moment))
        .order_by(Allocation.target_code, Allocation.unit_code, Allocation.since.is_not(None), Allocation.since)
    )
    held: dict[tuple[str, str], float] = {}
    for target, unit, area_mu, since, start_day, name in rows:
        before = held.get((target, unit))
        held[target, unit] = area_mu
        if before is not None and area_mu < before and since >= start_of_day(start_day):
            facts = {"target": target, "unit": unit, "unit_name": name, "since": f"{since:%Y-%m-%d}"}
            yield unit, DENOMINATOR_LOWERED, facts | {"before_mu": before, "after_mu": area_mu}
