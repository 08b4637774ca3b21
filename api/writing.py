"""The routes that write: claims and their steps, allocations. Each needs a token for the unit."""

from typing import Annotated, Any

import numpy as np
import orjson
import shapely
from fastapi import APIRouter, Body, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.answers import json
from api.context import Records, require_token
from api.reading import claim_feature, mu
from farmland import city
from farmland.claims import SourceKind, State, get_claim
from farmland.targets import allocate
from farmland.tokens import require_right
from farmland.transitions import Actor, Report, preview, report_claim, take_step
from farmland.units import get_unit
from geodata.geometry_faults import faults, fingerprint
from geodata.problems import Kind, Problem

router = APIRouter(prefix="/api/v1")

BAD_GEOJSON = Kind(
    "bad_geojson",
    "geometry 不是 GeoJSON 的面（Polygon 或 MultiPolygon，经度在前）。",
    "The geometry is no GeoJSON polygon (Polygon or MultiPolygon, longitude first).",
)
STEPS = {
    "check": State.CHECKED,
    "accept": State.ACCEPTED,
    "reject": State.REJECTED,
    "revoke": State.REVOKED,
}


class NewClaim(BaseModel):
    """What a village reports."""

    unit_code: str = Field(description="The unit in which the land lies, usually the village")
    geometry: dict[str, Any] = Field(description="GeoJSON Polygon or MultiPolygon, degrees, longitude first")
    source_kind: SourceKind = Field(SourceKind.OTHER, description="Where the restored land comes from")
    former_use: str = Field("", max_length=200)
    crop: str = Field("", max_length=200, description="What grows there now")
    typed_area_mu: float | None = Field(
        None,
        ge=0,
        description="The area as the village states it, mu; kept, not counted",
    )
    ridge_factor: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of ridges, 0 to 1, where the target deducts them",
    )
    target_code: str | None = Field(None, description="Without it: the target in force")
    number: str | None = Field(None, max_length=40, description="Without it: one is given")


class Why(BaseModel):
    """Why a step is taken; a rejection and a revocation need it."""

    why: str = Field("", max_length=500)


def _report(body: NewClaim) -> Report:
    try:
        geometry = shapely.force_2d(shapely.from_geojson(orjson.dumps(body.geometry)))
    except (shapely.errors.GEOSException, TypeError, orjson.JSONEncodeError):
        raise Problem(BAD_GEOJSON) from None
    array = np.array([geometry], dtype=object)
    if (fault := faults(array)[0]) is not None:
        raise fault
    content = body.model_dump(exclude={"geometry"})
    return Report(geometry=geometry, fingerprint=fingerprint(array)[0], **content)


def _actor(session: Session, request: Request, unit_code: str) -> Actor:
    token = require_token(session, request)
    require_right(token, get_unit(session, unit_code).code)
    now = city.now(session)
    return Actor(token.name, now, now)


@router.post("/claims", status_code=201, tags=["claims"], summary="Report a claim")
def report(records: Records, request: Request, body: NewClaim) -> Response:
    with records.writing() as session:
        actor = _actor(session, request, body.unit_code)
        claim = report_claim(session, _report(body), actor)
        return Response(claim_feature(session, claim), 201, media_type="application/geo+json")


@router.post(
    "/claims/preview",
    tags=["claims"],
    summary="What a claim's net area would be; nothing is written",
)
def try_out(records: Records, request: Request, body: NewClaim) -> Response:
    with records.reading() as session:
        net = preview(session, _report(body), _actor(session, request, body.unit_code))
        return json(
            {
                "gross_area_m2": net.gross_m2,
                "gross_area_mu": mu(net.gross_m2),
                "net_area_m2": net.net_m2,
                "net_area_mu": mu(net.net_m2),
                "deductions": [
                    {
                        "reason": cut.reason,
                        "area_m2": cut.area_m2,
                        "area_mu": mu(cut.area_m2),
                    }
                    for cut in net.cuts
                ],
            }
        )


@router.post(
    "/claims/{number}/{step}",
    tags=["claims"],
    summary="Check, accept, reject or revoke a claim",
)
def step(
    records: Records,
    request: Request,
    number: str,
    step: str,
    body: Annotated[Why, Body(default_factory=lambda: Why(why=""))],
) -> Response:
    if step not in STEPS:
        raise Problem(UNKNOWN_STEP, step=step, steps=", ".join(STEPS))
    with records.writing() as session:
        require_token(session, request)
        claim = get_claim(session, number)
        actor = _actor(session, request, claim.unit_code)
        take_step(session, claim, STEPS[step], actor, body.why)
        return Response(claim_feature(session, claim), media_type="application/geo+json")


UNKNOWN_STEP = Kind(
    "unknown_step",
    "没有“{step}”这一步。可用：{steps}。",
    "There is no step “{step}”. There are: {steps}.",
    "not_found",
)


class Parts(BaseModel):
    """Units' parts of a target."""

    parts_mu: dict[str, float] = Field(description="The part of each unit by its code, mu")
    allow_over: bool = Field(False, description="Children may hold more than their parent")


@router.put(
    "/targets/{code}/allocations",
    tags=["targets"],
    summary="Allocate a target down the tree",
)
def set_parts(records: Records, request: Request, code: str, body: Parts) -> Response:
    with records.writing() as session:
        token = require_token(session, request)
        for unit_code in body.parts_mu:
            require_right(token, get_unit(session, unit_code).code)
        changed = allocate(session, code, body.parts_mu, city.now(session), allow_over=body.allow_over)
    return json({"changed": changed})
