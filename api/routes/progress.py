"""Progress, ranking, time series, waterfall: as of any moment."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import contract
from api.answers import json
from api.context import AsOf, Config, KnownAt, Reading, TargetCode, UnitCode
from api.taken import Day
from farmland.figures.progress import progress, progress_tree, ranking
from farmland.figures.series import series
from farmland.figures.waterfall import waterfall
from farmland.land.units import Level, normal_code
from farmland.records.clock import parse_day
from farmland.reports.marks import mark_of

router = APIRouter(prefix="/progress", tags=["progress"])


@router.get("", summary="The progress of one unit", response_model=contract.MarkedProgress)
def one(
    session: Reading, config: Config, unit: UnitCode, moment: AsOf, known_at: KnownAt, target: TargetCode = None
) -> Response:
    row = progress(session, unit, moment, target_code=target, colours=config.colours, known_at=known_at)
    return json({**row._asdict(), "mark": mark_of(session, row, known_at).text})


@router.get(
    "/tree", summary="The progress of a unit and all below it, parents first", response_model=contract.ProgressTree
)
def tree(
    session: Reading,
    config: Config,
    unit: UnitCode,
    moment: AsOf,
    known_at: KnownAt,
    down_to: Level = Level.VILLAGE,
    target: TargetCode = None,
) -> Response:
    rows = progress_tree(
        session, unit, moment, down_to=down_to, target_code=target, colours=config.colours, known_at=known_at
    )
    return json({"as_of": moment, "progress": [row._asdict() for row in rows]})


@router.get(
    "/ranking",
    summary="The units right below a unit, the furthest along its plan first",
    response_model=contract.Ranking,
)
def ranks(
    session: Reading, config: Config, unit: UnitCode, moment: AsOf, known_at: KnownAt, target: TargetCode = None
) -> Response:
    rows = ranking(session, unit, moment, target_code=target, colours=config.colours, known_at=known_at)
    found = [{"rank": rank, **row._asdict()} for rank, row in rows]
    return json({"unit_code": normal_code(unit), "as_of": moment, "ranking": found})


@router.get(
    "/series",
    summary="The burn-up: each day's figures, the plan curve, the forecast",
    response_model=contract.Series,
)
def days(
    session: Reading,
    unit: UnitCode,
    moment: AsOf,
    known_at: KnownAt,
    since: Annotated[Day | None, Query(alias="from")] = None,
    until: Annotated[Day | None, Query(alias="to")] = None,
    target: TargetCode = None,
) -> Response:
    first, last = (parse_day(day) if day else None for day in (since, until))
    return json(series(session, unit, moment, target_code=target, since=first, until=last, known_at=known_at).as_json())


@router.get(
    "/waterfall",
    summary="From gross reported to net accepted: each reason why land does not count",
    response_model=contract.Waterfall,
)
def bars(session: Reading, unit: UnitCode, moment: AsOf, known_at: KnownAt, target: TargetCode = None) -> Response:
    found = waterfall(session, unit, moment, target_code=target, known_at=known_at)
    return json({"unit_code": normal_code(unit), "as_of": moment, "bars": [vars(bar) for bar in found]})
