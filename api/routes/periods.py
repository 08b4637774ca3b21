"""Closed periods and their reports."""

from fastapi import APIRouter
from fastapi.responses import Response

from api import contract
from api.answers import json
from api.context import Reading, TargetCode, UnitCode
from api.taken import Id
from farmland.land.units import normal_code
from farmland.reports.periods import get_period, periods, report_of

router = APIRouter(prefix="/periods", tags=["periods"])


@router.get("", summary="The closed periods of a unit", response_model=contract.PeriodList)
def list_periods(session: Reading, unit: UnitCode) -> Response:
    names = ("number", "unit_code", "target_code", "last_day", "closed_at", "closed_by", "report_hash")
    held = periods(session, normal_code(unit))
    return json({"periods": [{name: getattr(period, name) for name in names} for period in held]})


@router.get(
    "/{number}",
    summary="A closed period's report, made again as it was",
    response_model=contract.PeriodReport,
)
def one_period(session: Reading, unit: UnitCode, number: Id, target: TargetCode = None) -> Response:
    return json(report_of(session, get_period(session, normal_code(unit), number, target)))
