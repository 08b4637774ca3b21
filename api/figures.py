"""The routes that give figures: progress, ranking, time series, waterfall. All as of any moment."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.answers import json
from api.context import AsOf, Config, Reading, TargetCode, UnitCode
from farmland.progress import progress, progress_tree, ranking
from farmland.series import series
from farmland.units import Level, normal_code
from farmland.waterfall import waterfall

_PROGRESS = {
    "unit_code": "The unit's official code",
    "as_of": "The moment that the figures are true for",
    "target_mu": "The unit's part of the target, mu; null where it has none",
    "allocated_mu": "What of it is allocated to the units below, mu",
    "unallocated_mu": "What of it is not yet allocated, mu",
    "reported_mu": "Gross area of all claims reported so far, mu",
    "checked_mu": "Net area that was checked and not rejected or revoked, the accepted included, mu",
    "accepted_mu": "Net area accepted and not revoked: the figure that counts, mu",
    "rejected_mu": "Gross area of the rejected claims, mu",
    "revoked_mu": "Net area of claims that were accepted and later revoked, mu",
    "remaining_mu": "Target less accepted, never below 0, mu",
    "reported_m2": "As reported_mu, m²",
    "checked_m2": "As checked_mu, m²",
    "accepted_m2": "As accepted_mu, m²",
    "rejected_m2": "As rejected_mu, m²",
    "revoked_m2": "As revoked_mu, m²",
    "share": "Accepted ÷ target, fraction of 1",
    "schedule_mu": "What the plan curve asks for by the end of the day, mu",
    "ratio": "Accepted ÷ schedule, fraction of 1",
    "needed_mu_per_day": "Remaining ÷ days left, mu a day; null once the due day has passed",
    "pace_mu_per_day": "Accepted ÷ days since the start, mu a day",
    "pace_30_days_mu_per_day": "The growth of accepted in the last 30 days, mu a day",
    "forecast_date": "The day on which the target is reached at the pace since the start",
    "forecast_30_days_date": "The day on which the target is reached at the pace of the last 30 days",
    "warning": "green, yellow or red by the ratio; none without a target",
    "days_left": "Days after this one until the due day; below 0 once it has passed",
}
_TEXT = ("unit_code", "as_of", "forecast_date", "forecast_30_days_date", "warning")
_SCHEMA = {
    "type": "object",
    "properties": {
        name: {"type": "string" if name in _TEXT else "number", "description": text} for name, text in _PROGRESS.items()
    },
}


def _documented(schema: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {
        200: {
            "description": "Areas with two decimals",
            "content": {"application/json": {"schema": schema}},
        }
    }


router = APIRouter(prefix="/api/v1/progress", tags=["progress"])


@router.get("", summary="The progress of one unit", responses=_documented(_SCHEMA))
def one(
    session: Reading,
    config: Config,
    unit: UnitCode,
    moment: AsOf,
    target: TargetCode = None,
) -> Response:
    return json(progress(session, unit, moment, target_code=target, colours=config.colours)._asdict())


@router.get(
    "/tree",
    summary="The progress of a unit and all below it, parents first",
    responses=_documented(
        {
            "type": "object",
            "properties": {"progress": {"type": "array", "items": _SCHEMA}},
        }
    ),
)
def tree(
    session: Reading,
    config: Config,
    unit: UnitCode,
    moment: AsOf,
    down_to: Level = Level.VILLAGE,
    target: TargetCode = None,
) -> Response:
    rows = progress_tree(
        session,
        unit,
        moment,
        down_to=down_to,
        target_code=target,
        colours=config.colours,
    )
    return json({"as_of": moment.isoformat(), "progress": [row._asdict() for row in rows]})


@router.get(
    "/ranking",
    summary="The units right below a unit, the furthest along its plan first",
    responses=_documented(
        {
            "type": "object",
            "properties": {"ranking": {"type": "array", "items": _SCHEMA}},
        }
    ),
)
def ranks(
    session: Reading,
    config: Config,
    unit: UnitCode,
    moment: AsOf,
    target: TargetCode = None,
) -> Response:
    rows = ranking(session, unit, moment, target_code=target, colours=config.colours)
    found = [{"rank": rank, **row._asdict()} for rank, row in rows]
    return json({"unit_code": normal_code(unit), "as_of": moment.isoformat(), "ranking": found})


@router.get(
    "/series",
    summary="The burn-up: each day's figures in mu, the plan curve, the forecast",
)
def days(
    session: Reading,
    unit: UnitCode,
    moment: AsOf,
    since: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query(alias="to")] = None,
    target: TargetCode = None,
) -> Response:
    return json(series(session, unit, moment, target_code=target, since=since, until=until).as_json())


@router.get(
    "/waterfall",
    summary="From gross reported to net accepted: each deduction in m² and mu",
)
def bars(session: Reading, unit: UnitCode, moment: AsOf, target: TargetCode = None) -> Response:
    found = waterfall(session, unit, moment, target_code=target)
    return json(
        {
            "unit_code": normal_code(unit),
            "as_of": moment.isoformat(),
            "bars": [bar.as_json() for bar in found],
        }
    )
