"""Units: found, one by one, as a tree, as polygons."""

from typing import Annotated, Any

import shapely
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import func, select

from api import contract
from api.answers import GeoJSONResponse, feature, geojson, json, tagged
from api.context import Reader, Reading
from api.taken import MOST_ID, Code, Text
from farmland.figures.rounding import mu_or_none
from farmland.land.tiles import last_change
from farmland.land.units import (
    LEVELS,
    Level,
    Unit,
    chain_of,
    cities,
    get_unit,
    normal_code,
    polygons,
    search,
    within,
    within_any,
)

router = APIRouter(prefix="/units", tags=["units"])
_TOLERANCE = {Level.CITY: 0.0004, Level.TOWN: 0.0004, Level.VILLAGE: 0.0002, Level.GROUP: 0.0001}
"""Degrees by which a shown outline may be off: some 40 m for a town, which is a pixel where towns are shown."""


def unit_json(unit: Unit) -> dict[str, Any]:
    """A unit's own facts."""
    return {
        "code": unit.code,
        "name": unit.name,
        "level": unit.level,
        "parent_code": unit.parent_code,
        "area_m2": unit.area_m2,
        "area_mu": mu_or_none(unit.area_m2),
    }


@router.get("", summary="Units by parent, level, or a piece of their name or code", response_model=contract.UnitList)
def list_units(
    session: Reading,
    reader: Reader,
    parent: Code | None = None,
    level: Level | None = None,
    q: Annotated[Text | None, Query(description="A piece of the name, or the beginning of the code")] = None,
    limit: Annotated[int, Query(ge=1, le=20000)] = 1000,
    offset: Annotated[int, Query(ge=0, le=MOST_ID)] = 0,
) -> Response:
    found = search(q, parent, level).where(within_any(Unit.code, reader.units()))
    total = session.scalar(select(func.count()).select_from(found.subquery()))
    rows = session.scalars(found.limit(limit).offset(offset)).all()
    return json({"total": total, "units": [unit_json(unit) for unit in rows]})


@router.get("/{code}", summary="One unit with those above it", response_model=contract.UnitDetail)
def one_unit(session: Reading, reader: Reader, code: Code) -> Response:
    reader.require(normal_code(code))
    unit = get_unit(session, code)
    above = session.scalars(select(Unit).where(Unit.code.in_(chain_of(unit.code)[:-1]))).all()
    ancestors = sorted(above, key=lambda one: LEVELS.index(Level(one.level)))
    shape = unit.geometry
    return json(
        unit_json(unit)
        | {
            "ancestors": [{"code": one.code, "name": one.name, "level": one.level} for one in ancestors],
            "children": session.scalar(select(func.count(Unit.id)).where(Unit.parent_code == unit.code)),
            "bbox": None if shape is None else list(shape.bounds),
        }
    )


@router.get("/{code}/tree", summary="A unit and all below it, nested", response_model=contract.UnitNode)
def unit_tree(session: Reading, reader: Reader, code: Code, down_to: Level = Level.VILLAGE) -> Response:
    reader.require(normal_code(code))
    top = get_unit(session, code)
    levels = LEVELS[: LEVELS.index(down_to) + 1]
    rows = session.scalars(
        select(Unit).where(within(Unit.code, top.code), Unit.level.in_(levels)).order_by(Unit.code)
    ).all()
    nodes = {unit.code: unit_json(unit) | {"children": []} for unit in [top, *rows]}
    for node in nodes.values():
        if node["code"] != top.code and node["parent_code"] in nodes:
            nodes[node["parent_code"]]["children"].append(node)
    return json(nodes[top.code])


@router.get(
    "/{code}/geometry",
    summary="A unit's polygon in full",
    response_model=contract.Feature[contract.Unit],
    response_class=GeoJSONResponse,
)
def unit_geometry(session: Reading, reader: Reader, code: Code) -> Response:
    reader.require(normal_code(code))
    unit = get_unit(session, code)
    text = None if unit.geometry is None else shapely.to_geojson(unit.geometry)
    return tagged(feature(text, unit_json(unit)))


outlines = APIRouter(tags=["units"])


@outlines.get(
    "/units.geojson",
    summary="Polygons of units, simplified together for display",
    response_model=contract.Features[contract.Unit],
    response_class=GeoJSONResponse,
)
def unit_polygons(
    session: Reading,
    reader: Reader,
    request: Request,
    within_: Annotated[
        Code | None, Query(alias="within", description="Below this unit; without it, the highest that may be seen")
    ] = None,
    level: Level = Level.TOWN,
) -> Response:
    home = reader.holder.home()
    code = normal_code(within_) if within_ else home or (cities(session)[0].code if cities(session) else None)
    if code is None:
        return geojson([])
    reader.require(code)
    get_unit(session, code)
    cache: dict[tuple[Any, ...], bytes] = request.app.state.outlines
    version = session.execute(select(func.count(), func.sum(Unit.area_m2)).where(Unit.level == level)).one()
    key = (code, level, last_change(session), *version)
    if key not in cache:
        found = polygons(session, Unit.level == level, within(Unit.code, code))
        facts = {unit.code: unit for unit in session.scalars(select(Unit).where(Unit.code.in_(found.codes.tolist())))}
        simple = shapely.coverage_simplify(found.geometries, _TOLERANCE[level])
        shapes = shapely.to_geojson(shapely.transform(simple, lambda points: points.round(6)))
        cache[key] = bytes(
            geojson(
                [feature(shape, unit_json(facts[code])) for code, shape in zip(found.codes, shapes, strict=True)]
            ).body
        )
    return tagged(cache[key])
