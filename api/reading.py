"""The routes that read: units, chiefs, plots, targets, claims."""

from datetime import date, datetime
from typing import Annotated, Any

import shapely
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.answers import feature, geojson, json, tagged
from api.context import AsOf, Reading, UnitCode
from farmland import chiefs, city, exports
from farmland.baseline import BaselinePatch
from farmland.claims import Claim, get_claim
from farmland.clock import day_of, parse_day
from farmland.database import table_of
from farmland.land_classes import class_name
from farmland.plots import Plot, get_plot, plot_at
from farmland.targets import Target, allocations, get_target
from farmland.tiles import FILE_NAME
from farmland.units import (
    LEVELS,
    Level,
    Unit,
    chain_of,
    cities,
    count_by_level,
    get_unit,
    level_of,
    polygons,
    search,
    within,
)
from farmland.waterfall import claim_parts
from geodata.area import m2_to_mu
from geodata.column import BoundsMeet, decode, raw
from geodata.problems import Kind, Problem

router = APIRouter(prefix="/api/v1")

BAD_BBOX = Kind(
    "bad_bbox",
    "bbox“{text}”不对：应为 西,南,东,北 四个经纬度数，经度在前，且西<东、南<北。",
    "The bbox “{text}” is wrong: give west,south,east,north in degrees, longitude first, west < east and south < north.",
)
UNKNOWN_REASON = Kind(
    "unknown_reason",
    "没有“{reason}”这一项扣除。",
    "There is no bar “{reason}” in the waterfall.",
)
_TOLERANCE = {
    Level.CITY: 0.0004,
    Level.TOWN: 0.0004,
    Level.VILLAGE: 0.0002,
    Level.GROUP: 0.0001,
}


def mu(area_m2: float | None) -> float | None:
    return None if area_m2 is None else round(float(m2_to_mu(area_m2)), 2)


def unit_json(unit: Unit) -> dict[str, Any]:
    return {
        "code": unit.code,
        "name": unit.name,
        "level": unit.level,
        "parent_code": unit.parent_code,
        "area_m2": unit.area_m2,
        "area_mu": mu(unit.area_m2),
    }


@router.get(
    "/units",
    tags=["units"],
    summary="Units by parent, level, or a piece of their name or code",
)
def list_units(
    session: Reading,
    parent: str | None = None,
    level: Level | None = None,
    q: Annotated[
        str | None,
        Query(description="A piece of the name, or the beginning of the code"),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=20000)] = 1000,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    found = search(q, parent, level)
    total = session.scalar(select(func.count()).select_from(found.subquery()))
    rows = session.scalars(found.limit(limit).offset(offset)).all()
    return json({"total": total, "units": [unit_json(unit) for unit in rows]})


@router.get(
    "/units.geojson",
    tags=["units"],
    summary="Polygons of units, simplified together for display",
)
def unit_polygons(session: Reading, request: Request, within_: Annotated[str | None, Query(alias="within")] = None,
                  level: Level = Level.TOWN) -> Response:  # fmt: skip
    code = within_ or (cities(session)[0].code if cities(session) else None)
    if code is None:
        return geojson([])
    get_unit(session, code)
    # The bytes are kept, not the answer: compression changes an answer's headers on its way out.
    cache: dict[tuple[str, str, Any], bytes] = request.app.state.outlines
    version = session.execute(select(func.count(), func.sum(Unit.area_m2)).where(Unit.level == level)).one()
    key = (code, level, tuple(version))
    if key not in cache:
        found = polygons(session, Unit.level == level, within(Unit.code, code))
        facts = {unit.code: unit for unit in session.scalars(select(Unit).where(Unit.code.in_(found.codes.tolist())))}
        simple = shapely.coverage_simplify(found.geometries, _TOLERANCE[level])
        shapes = shapely.to_geojson(shapely.transform(simple, lambda points: points.round(6)))
        cache[key] = geojson(
            [feature(shape, unit_json(facts[code])) for code, shape in zip(found.codes, shapes, strict=True)]
        ).body  # type: ignore[assignment]
    return tagged(cache[key])


@router.get("/units/{code}", tags=["units"], summary="One unit with those above it")
def one_unit(session: Reading, code: str) -> Response:
    unit = get_unit(session, code)
    above = session.scalars(select(Unit).where(Unit.code.in_(chain_of(unit.code)[:-1]))).all()
    ancestors = sorted(above, key=lambda one: LEVELS.index(Level(one.level)))
    shape = session.scalar(select(Unit.geometry).where(Unit.id == unit.id))
    return json(
        unit_json(unit)
        | {
            "ancestors": [{"code": one.code, "name": one.name, "level": one.level} for one in ancestors],
            "children": session.scalar(select(func.count()).where(Unit.parent_code == unit.code)),
            "bbox": None if shape is None else list(shape.bounds),
        }
    )


@router.get("/units/{code}/tree", tags=["units"], summary="A unit and all below it, nested")
def unit_tree(session: Reading, code: str, down_to: Level = Level.VILLAGE) -> Response:
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
    "/units/{code}/geometry",
    tags=["units"],
    summary="A unit's polygon in full, degrees of EPSG:4490",
)
def unit_geometry(session: Reading, code: str) -> Response:
    unit = get_unit(session, code)
    shape = unit.geometry
    text = None if shape is None else shapely.to_geojson(shape)
    return tagged(feature(text, unit_json(unit)))


def chain_json(session: Session, unit_code: str, on: date, plot_id: int | None = None) -> list[dict[str, Any]]:
    return [
        {
            "level": link.level,
            "unit_code": link.unit_code,
            "unit_name": link.unit_name,
            "chiefs": [
                {
                    "name": held.chief.name,
                    "duty": held.duty,
                    "since": held.from_day.isoformat(),
                    "until": held.to_day.isoformat() if held.to_day else None,
                }
                for held in link.appointments
            ],
        }
        for link in chiefs.chain(session, unit_code, on, plot_id)
    ]


@router.get(
    "/units/{code}/chiefs",
    tags=["chiefs"],
    summary="Who answers for a unit on a day, on every level above it",
)
def unit_chiefs(session: Reading, code: str, on: str | None = None) -> Response:
    day = parse_day(on) if on else day_of(city.now(session))
    unit = get_unit(session, code)
    return json(
        {
            "unit_code": unit.code,
            "on": day.isoformat(),
            "chain": chain_json(session, unit.code, day),
        }
    )


@router.get(
    "/chiefs",
    tags=["chiefs"],
    summary="Who answers for a place on a day, on all four levels",
)
def place_chiefs(
    session: Reading,
    lon: Annotated[float, Query(ge=-180, le=180, description="Longitude, degrees")],
    lat: Annotated[float, Query(ge=-90, le=90, description="Latitude, degrees")],
    on: str | None = None,
) -> Response:
    day = parse_day(on) if on else day_of(city.now(session))
    plot = plot_at(session, lon, lat)
    if plot is not None:
        chain = chain_json(session, plot.unit_code, day, plot.id)
    else:
        point = shapely.Point(lon, lat)
        near = session.scalars(
            select(Unit)
            .where(BoundsMeet(table_of(Unit), point.bounds))
            .order_by(func.length(Unit.code).desc(), Unit.code.desc())
        ).all()
        ranked = sorted(near, key=lambda unit: -LEVELS.index(Level(unit.level)))
        here = next(
            (unit for unit in ranked if unit.geometry is not None and unit.geometry.covers(point)),
            None,
        )
        chain = chain_json(session, here.code, day) if here else []
    return json(
        {
            "lon": lon,
            "lat": lat,
            "on": day.isoformat(),
            "plot": plot_json(plot) if plot else None,
            "chain": chain,
        }
    )


def plot_json(plot: Any) -> dict[str, Any]:
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
    "/plots",
    tags=["plots"],
    summary="Responsibility plots of a unit or a bounding box, page by page",
)
def list_plots(
    session: Reading,
    request: Request,
    unit: str | None = None,
    bbox: Annotated[str | None, Query(description="west,south,east,north in degrees")] = None,
    limit: Annotated[int, Query(ge=1, le=10000)] = 1000,
    after: Annotated[int, Query(ge=0, description="The id of the last plot of the page before")] = 0,
) -> Response:
    conditions = []
    if unit:
        conditions.append(within(Plot.unit_code, get_unit(session, unit).code))
    if bbox:
        conditions.append(BoundsMeet(table_of(Plot), _bounds(bbox)))
    matched = session.scalar(select(func.count()).select_from(Plot).where(*conditions))
    columns = (
        Plot.id,
        Plot.number,
        Plot.unit_code,
        Plot.land_class,
        Plot.basic_farmland,
        Plot.area_m2,
    )
    rows = session.execute(
        select(*columns, raw(Plot.geometry)).where(Plot.id > after, *conditions).order_by(Plot.id).limit(limit)
    ).all()
    shapes = shapely.to_geojson(decode([row[-1] for row in rows])) if rows else []
    more = str(request.url.include_query_params(after=rows[-1].id)) if len(rows) == limit else None
    features = [feature(shape, plot_json(row), row.id) for row, shape in zip(rows, shapes, strict=True)]
    return geojson(features, next=more, number_matched=matched)


@router.get("/plots/{plot_id}", tags=["plots"], summary="One plot, and who answers for it")
def one_plot(session: Reading, plot_id: int, on: str | None = None) -> Response:
    plot = get_plot(session, plot_id)
    day = parse_day(on) if on else day_of(city.now(session))
    properties = plot_json(plot) | {
        "extra": plot.extra,
        "chain": chain_json(session, plot.unit_code, day, plot.id),
    }
    return tagged(feature(shapely.to_geojson(plot.geometry), properties, plot.id))


def target_json(session: Session, target: Target, moment: datetime) -> dict[str, Any]:
    parts_mu = allocations(session, target.code, moment)
    return {
        "code": target.code,
        "name": target.name,
        "start_date": target.start_day.isoformat(),
        "due_date": target.due_day.isoformat(),
        "area_basis": target.area_basis,
        "curve": target.curve or "linear",
        "area_mu": sum(area_mu for code, area_mu in parts_mu.items() if level_of(code) is Level.CITY),
    }


@router.get("/targets", tags=["targets"], summary="Restoration targets")
def list_targets(session: Reading, moment: AsOf) -> Response:
    rows = session.scalars(select(Target).order_by(Target.start_day, Target.code)).all()
    return json({"targets": [target_json(session, target, moment) for target in rows]})


@router.get(
    "/targets/{code}/allocations",
    tags=["targets"],
    summary="How a unit's part is allocated below it",
)
def list_allocations(session: Reading, code: str, unit: UnitCode, moment: AsOf) -> Response:
    target, top = get_target(session, code), get_unit(session, unit)
    parts_mu = allocations(session, target.code, moment)
    own = parts_mu.get(top.code)
    children = select(Unit.code, Unit.name).where(Unit.parent_code == top.code).order_by(Unit.code)
    below = [(code, name, parts_mu[code]) for code, name in session.execute(children) if code in parts_mu]
    allocated = round(sum(area_mu for _, _, area_mu in below), 2)
    return json(
        {
            "unit_code": top.code,
            "unit_name": top.name,
            "area_mu": own,
            "allocated_mu": allocated,
            "unallocated_mu": None if own is None else round(own - allocated, 2),
            "allocations": [
                {"unit_code": code, "unit_name": name, "area_mu": area_mu} for code, name, area_mu in below
            ],
        }
    )


@router.get(
    "/claims",
    tags=["claims"],
    summary="Claims of a unit as of a moment, with their net polygons",
)
def list_claims(
    session: Reading,
    unit: UnitCode,
    moment: AsOf,
    state: str | None = None,
    reason: Annotated[
        str | None,
        Query(description="Only the claims behind this bar of the waterfall"),
    ] = None,
) -> Response:
    layer = exports.claims_layer(session, unit, moment)
    if state:
        layer = layer[layer["state"] == state]
    if reason:
        parts = claim_parts(session, unit, moment)
        if reason not in parts:
            raise Problem(UNKNOWN_REASON, reason=reason)
        ids = list(parts[reason])
        numbers = set(session.scalars(select(Claim.number).where(Claim.id.in_(ids)))) if ids else set()
        layer = layer[layer["number"].isin(numbers)]
    table = layer.drop(columns="geometry").astype(object)
    records = table.where(table.notna(), None).to_dict("records")
    shapes = shapely.to_geojson(layer.geometry.to_numpy()) if len(layer) else []
    features = [feature(shape, row, row["number"]) for row, shape in zip(records, shapes, strict=True)]
    return geojson(features, number_matched=len(records))


def claim_feature(session: Session, claim: Claim) -> bytes:
    moment = city.now(session)
    others = {row.other_claim_id for row in claim.deductions if row.other_claim_id}
    numbers = dict(session.execute(select(Claim.id, Claim.number).where(Claim.id.in_(others))).all())
    unit = get_unit(session, claim.unit_code)
    properties = {
        "number": claim.number,
        "state": claim.state,
        "unit_code": claim.unit_code,
        "unit_name": unit.name,
        "target_code": claim.target_code,
        "source_kind": claim.source_kind,
        "former_use": claim.former_use,
        "crop": claim.crop,
        "typed_area_mu": claim.typed_area_mu,
        "gross_area_m2": claim.gross_m2,
        "gross_area_mu": mu(claim.gross_m2),
        "net_area_m2": claim.net_m2,
        "net_area_mu": mu(claim.net_m2),
        **{f"{step.state}_at": step.at.isoformat() for step in claim.steps},
        "steps": [
            {
                "state": step.state,
                "at": step.at.isoformat(),
                "by": step.by,
                "why": step.why,
            }
            for step in claim.steps
        ],
        "deductions": [
            {
                "stage": row.stage,
                "reason": row.reason,
                "other_claim": numbers.get(row.other_claim_id or 0),
                "area_m2": row.area_m2,
                "area_mu": mu(row.area_m2),
            }
            for row in claim.deductions
        ],
        "chain": chain_json(session, claim.unit_code, day_of(moment)),
    }
    return feature(shapely.to_geojson(claim.net_geometry), properties, claim.number)


@router.get(
    "/claims/{number}",
    tags=["claims"],
    summary="One claim: its net polygon, its steps, its deductions",
)
def one_claim(session: Reading, number: str) -> Response:
    claim = get_claim(session, number)
    return tagged(claim_feature(session, claim))


@router.get(
    "/about",
    tags=["about"],
    summary="What this system holds, and whether it is a demonstration",
)
def about(session: Reading, request: Request) -> Response:
    settings = request.app.state.settings
    standing = city.demonstration(session)
    tops = cities(session)
    tiles = settings.tiles / FILE_NAME
    farmland_m2 = round(session.scalar(select(func.sum(Plot.area_m2))) or 0.0, 2)
    return json(
        {
            "version": request.app.version,
            "city": {"code": tops[0].code, "name": tops[0].name} if tops else None,
            "cities": [{"code": unit.code, "name": unit.name} for unit in tops],
            "today": day_of(city.now(session)).isoformat(),
            "demonstration": standing is not None,
            "note_zh": standing.note_zh if standing else "",
            "note_en": standing.note_en if standing else "",
            "tiles": {
                "available": tiles.exists(),
                "url": "/tiles/city.pmtiles",
                "version": str(tiles.stat().st_mtime_ns) if tiles.exists() else None,
            },
            "warning": {
                "green": settings.warning_green,
                "yellow": settings.warning_yellow,
            },
            "counts": {
                "units": {level.value: count for level, count in count_by_level(session).items()},
                "chiefs": session.scalar(select(func.count()).select_from(chiefs.Chief)),
                "plots": session.scalar(select(func.count()).select_from(Plot)),
                "claims": session.scalar(select(func.count()).select_from(Claim)),
                "baseline_patches": session.scalar(select(func.count()).select_from(BaselinePatch)),
                "farmland_m2": farmland_m2,
                "farmland_mu": mu(farmland_m2),
            },
        }
    )
