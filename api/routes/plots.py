"""Responsibility plots: page by page, and one with who answers for it."""

from typing import Annotated, Any

import shapely
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import func, select

from api import contract
from api.answers import GeoJSONResponse, feature, geojson, tagged
from api.context import OnDay, Reader, Reading
from api.routes.chain import chain_json
from api.taken import MOST_ID, Code, Id, Text
from farmland.figures.rounding import mu
from farmland.land.land_classes import class_name
from farmland.land.plots import Plot, get_plot
from farmland.land.units import get_unit, normal_code, within, within_any
from farmland.records.database import table_of
from geodata.column import BoundsMeet, decode, raw
from geodata.problems import Kind, Problem

router = APIRouter(prefix="/plots", tags=["plots"])

BAD_BBOX = Kind(
    "bad_bbox",
    "bbox“{text}”不对：应为 西,南,东,北 四个经纬度数，经度在前，且西<东、南<北。",
    "The bbox “{text}” is wrong: give west,south,east,north in degrees, longitude first, west < east and south < north.",
)


def plot_json(plot: Any) -> dict[str, Any]:
    """A plot's own facts."""
    return {
        "number": plot.number,
        "unit_code": plot.unit_code,
        "land_class": plot.land_class,
        "land_class_name": class_name(plot.land_class),
        "basic_farmland": plot.basic_farmland,
        "area_m2": plot.area_m2,
        "area_mu": mu(plot.area_m2),
    }


def _bounds(text: str) -> list[float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise Problem(BAD_BBOX, text=text) from None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise Problem(BAD_BBOX, text=text)
    return [west, south, east, north]


@router.get(
    "",
    summary="Responsibility plots of a unit or a bounding box, page by page",
    response_model=contract.Features[contract.Plot],
    response_class=GeoJSONResponse,
)
def list_plots(
    session: Reading,
    reader: Reader,
    request: Request,
    unit: Code | None = None,
    bbox: Annotated[
        Text | None, Query(description="west,south,east,north in degrees", examples=["111.7,27.2,111.8,27.3"])
    ] = None,
    limit: Annotated[int, Query(ge=1, le=10000)] = 1000,
    after: Annotated[int, Query(ge=0, le=MOST_ID, description="The id of the last plot of the page before")] = 0,
) -> Response:
    conditions = [within_any(Plot.unit_code, reader.units())]
    if unit:
        reader.require(normal_code(unit))
        conditions.append(within(Plot.unit_code, get_unit(session, unit).code))
    if bbox:
        conditions.append(BoundsMeet(table_of(Plot), _bounds(bbox)))
    matched = session.scalar(select(func.count(Plot.id)).where(*conditions))
    columns = (Plot.id, Plot.number, Plot.unit_code, Plot.land_class, Plot.basic_farmland, Plot.area_m2)
    rows = session.execute(
        select(*columns, raw(Plot.geometry)).where(Plot.id > after, *conditions).order_by(Plot.id).limit(limit)
    ).all()
    shapes = shapely.to_geojson(decode([row[-1] for row in rows])) if rows else []
    more = str(request.url.include_query_params(after=rows[-1].id)) if len(rows) == limit else None
    features = [feature(shape, plot_json(row), row.id) for row, shape in zip(rows, shapes, strict=True)]
    return geojson(features, next=more, number_matched=matched)


@router.get(
    "/{plot_id}",
    summary="One plot, and who answers for it on a day",
    response_model=contract.Feature[contract.PlotDetail],
    response_class=GeoJSONResponse,
)
def one_plot(session: Reading, reader: Reader, plot_id: Id, day: OnDay) -> Response:
    plot = get_plot(session, plot_id)
    reader.require(plot.unit_code)
    properties = plot_json(plot) | {"extra": plot.extra, "chain": chain_json(session, plot.unit_code, day, plot.id)}
    return tagged(feature(shapely.to_geojson(plot.geometry), properties, plot.id))
