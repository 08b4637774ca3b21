"""Field chiefs: who answers for a unit or a place on a day, on all four levels."""

from typing import Annotated

import shapely
from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import contract
from api.answers import json
from api.context import OnDay, Reader, Reading
from api.routes.chain import chain_json
from api.routes.plots import plot_json
from api.taken import Code
from farmland.land.plots import plot_at
from farmland.land.units import get_unit, normal_code, unit_at

router = APIRouter(tags=["chiefs"])


@router.get(
    "/units/{code}/chiefs",
    summary="Who answers for a unit on a day, on every level above it",
    response_model=contract.UnitChiefs,
)
def unit_chiefs(session: Reading, reader: Reader, code: Code, day: OnDay) -> Response:
    reader.require(normal_code(code))
    unit = get_unit(session, code)
    return json({"unit_code": unit.code, "on": day, "chain": chain_json(session, unit.code, day)})


@router.get(
    "/chiefs",
    summary="Who answers for a place on a day, on all four levels",
    response_model=contract.PlaceChiefs,
)
def place_chiefs(
    session: Reading,
    reader: Reader,
    lon: Annotated[float, Query(ge=-180, le=180, description="Longitude, degrees")],
    lat: Annotated[float, Query(ge=-90, le=90, description="Latitude, degrees")],
    day: OnDay,
) -> Response:
    point = shapely.Point(lon, lat)
    plot = plot_at(session, point)
    unit_code = plot.unit_code if plot else getattr(unit_at(session, point), "code", None)
    if unit_code:
        reader.require(unit_code)
    chain = chain_json(session, unit_code, day, plot.id if plot else None) if unit_code else []
    return json({"lon": lon, "lat": lat, "on": day, "plot": plot_json(plot) if plot else None, "chain": chain})
