"""Restoration claims: those of a unit, one with its history, and the steps that a claim takes."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import numpy as np
import orjson
import shapely
from fastapi import APIRouter, Body, Depends, Query
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import contract
from api.answers import GeoJSONResponse, feature, geojson, json, tagged
from api.asking import Asked, Asks
from api.context import AsOf, Config, Ledger, Reader, Reading, Records, Reporter, UnitCode
from api.routes.chain import chain_json
from api.settings import Settings
from api.taken import MOST_MU, Code, Moment, Number, Outline, Real, Taken, Text
from api.writing import writes
from farmland.figures.rounding import mu
from farmland.figures.waterfall import claims_of_bar
from farmland.land.units import normal_code
from farmland.people.people import Actor
from farmland.people.roles import Action
from farmland.records import city
from farmland.records.clock import day_of
from farmland.records.database import Database
from farmland.records.ledger import history
from farmland.reports.exports import claims_layer
from farmland.restoration.claims import NEXT, Claim, SourceKind, State, get_claim
from farmland.restoration.corrections import correct_step
from farmland.restoration.doubts import doubts_of
from farmland.restoration.judgement import Judgement
from farmland.restoration.rules import RULES
from farmland.restoration.rules.rule import Rule, Severity
from farmland.restoration.survey import Method
from farmland.restoration.transitions import Report, judge_acceptance, judge_report, report_claim, take_step
from farmland.restoration.visits import add_visit
from geodata.geometry_faults import faults, fingerprint
from geodata.problems import Kind, Problem

router = APIRouter(prefix="/claims", tags=["claims"])

BAD_GEOJSON = Kind(
    "bad_geojson",
    "geometry 不是 GeoJSON 的面（Polygon 或 MultiPolygon，经度在前）。",
    "The geometry is no GeoJSON polygon (Polygon or MultiPolygon, longitude first).",
)
Longitude = Annotated[Real, Field(ge=-180, le=180)]
Latitude = Annotated[Real, Field(ge=-90, le=90)]
Radius = Annotated[Real, Field(gt=0, le=1e6)]


@router.get(
    "",
    summary="Claims of a unit as of a moment, with their net polygons",
    response_model=contract.Features[contract.ClaimRow],
    response_class=GeoJSONResponse,
)
def list_claims(
    session: Reading,
    unit: UnitCode,
    moment: AsOf,
    state: State | None = None,
    reason: Annotated[
        Text | None, Query(description="Only the claims behind this bar of the waterfall, each with its part of it")
    ] = None,
) -> Response:
    layer = claims_layer(session, unit, moment)
    if state:
        layer = layer[layer["state"] == state]
    if reason:
        bar = claims_of_bar(session, unit, moment, reason)
        layer = layer[layer["number"].isin(bar.index)]
        layer = layer.join(bar, on="number")
    table = layer.drop(columns="geometry").astype(object)
    records = table.where(table.notna(), None).to_dict("records")
    shapes = shapely.to_geojson(layer.geometry.to_numpy()) if len(layer) else []
    features = [feature(shape, row, row["number"]) for row, shape in zip(records, shapes, strict=True)]
    return geojson(features, number_matched=len(records))


def _claim_feature(session: Session, claim: Claim, moment: datetime) -> bytes:
    """A claim as of a moment. Raises CLAIM_UNKNOWN where it was not reported by then."""
    stand = claim.as_of(moment)
    chain = chain_json(session, claim.unit_code, day_of(moment))
    numbers = _numbers(session, {row.other_claim_id for row in stand.deductions} - {None})
    properties: dict[str, Any] = {
        "number": claim.number,
        "state": stand.state,
        "unit_code": claim.unit_code,
        "unit_name": chain[-1]["unit_name"],
        "target_code": claim.target_code,
        "source_kind": claim.source_kind,
        "origin": claim.origin,
        "before_asked": claim.before_asked,
        "evidenced_at": claim.evidenced_by(moment),
        "former_use": claim.former_use,
        "crop": claim.crop,
        "typed_area_mu": claim.typed_area_mu,
        "gross_area_m2": claim.gross_m2,
        "gross_area_mu": mu(claim.gross_m2),
        "net_area_m2": stand.net_m2,
        "net_area_mu": mu(stand.net_m2),
        "net_u_m2": stand.net_u_m2,
        "net_u_mu": None if stand.net_u_m2 is None else mu(stand.net_u_m2),
        "method": claim.method,
        **{f"{step.state}_at": step.at for step in stand.steps},
        "steps": [{"state": step.state, "at": step.at, "by": step.by, "why": step.why} for step in stand.steps],
        "deductions": [
            {
                "stage": row.stage,
                "reason": row.reason,
                "other_claim": numbers.get(row.other_claim_id),
                "area_m2": row.area_m2,
                "area_mu": mu(row.area_m2),
            }
            for row in stand.deductions
        ],
        "doubts": [
            {"stage": row.stage, "recorded_at": row.recorded_at, **found_json(RULES[row.rule], row.severity, row.facts)}
            for row in doubts_of(session, claim.id, moment)
        ],
        "chain": chain,
    }
    return feature(shapely.to_geojson(stand.net_geometry), properties, claim.number)


def _numbers(session: Session, ids: set[int | None]) -> dict[int | None, str]:
    """The numbers of claims by their ids."""
    if not ids:
        return {}
    return dict(session.execute(select(Claim.id, Claim.number).where(Claim.id.in_(ids))).all())


def found_json(rule: Rule, severity: Severity, facts: dict[str, Any]) -> dict[str, Any]:
    """A case of a rule as answers say it."""
    return {
        "rule": rule.code,
        "severity": severity,
        "zh": rule.sentence(facts, "zh"),
        "en": rule.sentence(facts, "en"),
        "longitude": facts.get("longitude"),
        "latitude": facts.get("latitude"),
    }


@router.get(
    "/{number}",
    summary="One claim as of a moment: its net polygon, its steps, its deductions",
    response_model=contract.Feature[contract.Claim],
    response_class=GeoJSONResponse,
)
def one_claim(session: Reading, reader: Reader, number: Number, moment: AsOf) -> Response:
    claim = get_claim(session, number)
    reader.require(claim.unit_code)
    return tagged(_claim_feature(session, claim, moment))


class NewClaim(Taken):
    """What a village reports."""

    unit_code: Code = Field(description="The unit in which the land lies, usually the village")
    geometry: Outline
    source_kind: SourceKind = Field(SourceKind.OTHER, description="Where the restored land comes from")
    former_use: Text = Field("", max_length=200)
    crop: Text = Field("", max_length=200, description="What grows there now")
    typed_area_mu: Real | None = Field(
        None, ge=0, le=MOST_MU, description="The area as the village states it, mu; kept, not counted"
    )
    ridge_factor: Real = Field(0.0, ge=0, lt=1, description="Share of ridges, 0 to 1, where the target deducts them")
    target_code: Text | None = Field(None, description="Without it: the target in force")
    number: Number | None = Field(None, max_length=40, description="Without it: one is given")
    method: Method = Field(Method.FILE, description="How the boundary was found")
    accuracy_m: list[Radius] | None = Field(
        None,
        description="Radii in m that hold the true place of a vertex with 68 %, as phones give them: one for all, or one "
        "per vertex. Without it: the method's own",
    )
    track: list[tuple[Longitude, Latitude, Moment, Radius]] | None = Field(
        None, description="The fixes of the walk: longitude, latitude, moment, accuracy in m"
    )
    device: Text | None = Field(None, max_length=100, description="The device that reports")
    household: Text | None = Field(None, max_length=40, description="The household of the person who reports")


def _report(body: NewClaim) -> Report:
    if body.geometry.get("type") in ("Feature", "FeatureCollection"):  # GEOS would read what is within
        raise Problem(BAD_GEOJSON)
    try:
        geometry = shapely.force_2d(shapely.from_geojson(orjson.dumps(body.geometry)))
    except (shapely.errors.GEOSException, TypeError, orjson.JSONEncodeError):
        raise Problem(BAD_GEOJSON) from None
    array = np.array([geometry], dtype=object)
    if (fault := faults(array)[0]) is not None:
        raise fault
    content = body.model_dump(exclude={"geometry", "device", "household"})
    if body.track is not None:
        content["track"] = [[*fix[:2], fix[2].isoformat(), fix[3]] for fix in body.track]
    content["unit_code"] = normal_code(body.unit_code)
    return Report(geometry=geometry, fingerprint=fingerprint(array)[0], **content)


def _actor(
    session: Session, asked: Asked, unit_code: str, device: str | None = None, household: str | None = None
) -> Actor:
    return asked.actor(unit_code, city.next_moment(session), device, household)


def _judged(
    records: Database, config: Settings, reporter: Asked, report: Report, device: str | None, household: str | None
) -> Judgement:
    """A report, judged while others may write: it can take a second."""
    with records.reading() as session:
        actor = _actor(session, reporter, report.unit_code, device, household)
        return judge_report(session, report, actor, thresholds=config.thresholds)


def _answer(records: Database, claim: Claim, moment: datetime, status: int = 200) -> Response:
    """A claim as it has just been written, when others may write again."""
    with records.reading() as session:
        written = session.merge(claim, load=False)
        return GeoJSONResponse(_claim_feature(session, written, moment), status)


@router.post(
    "",
    status_code=201,
    summary="Report a claim",
    response_model=contract.Feature[contract.Claim],
    response_class=GeoJSONResponse,
)
@writes
def report(records: Records, config: Config, reporter: Reporter, body: NewClaim) -> Response:
    new = _report(body)
    judgement = _judged(records, config, reporter, new, body.device, body.household)
    with records.writing() as session:
        actor = _actor(session, reporter, new.unit_code, body.device, body.household)
        claim = report_claim(session, new, actor, thresholds=config.thresholds, judgement=judgement)
    return _answer(records, claim, actor.at, 201)


@router.post(
    "/preview",
    summary="What a claim's net area would be, and which rules would hold; nothing is written",
    response_model=contract.Preview,
)
def try_out(records: Records, config: Config, reporter: Reporter, body: NewClaim) -> Response:
    judgement = _judged(records, config, reporter, _report(body), body.device, body.household)
    net, found = judgement.net, judgement.found
    cuts = [{"reason": cut.reason, "area_m2": cut.area_m2, "area_mu": mu(cut.area_m2)} for cut in net.cuts]
    return json(
        {
            "gross_area_m2": net.gross_m2,
            "gross_area_mu": mu(net.gross_m2),
            "net_area_m2": net.net_m2,
            "net_area_mu": mu(net.net_m2),
            "deductions": cuts,
            "doubts": [found_json(case.rule, case.severity, case.facts) for case in found],
        }
    )


class Correction(Taken):
    """When a step truly happened, and why the records said otherwise."""

    state: State = Field(description="The step that is corrected")
    at: Moment = Field(description="When it happened")
    why: Text = Field(max_length=500, examples=["日期写错"])


@router.post(
    "/{number}/corrections",
    summary="Correct the moment of a step; what was known before stays known as it was",
    response_model=contract.Feature[contract.Claim],
    response_class=GeoJSONResponse,
)
@writes
def correct(
    records: Records, acceptor: Annotated[Asked, Depends(Asks(Action.ACCEPT))], number: Number, body: Correction
) -> Response:
    with records.writing() as session:
        claim = get_claim(session, number)
        actor = _actor(session, acceptor, claim.unit_code)
        correct_step(session, claim, body.state, body.at, actor, body.why)
    return _answer(records, claim, actor.at)


@router.get(
    "/{number}/history",
    summary="All that the ledger says of a claim",
    response_model=contract.History,
)
def all_entries(session: Reading, reader: Ledger, number: Number) -> Response:
    claim = get_claim(session, number)
    reader.require(claim.unit_code)
    names = ("seq", "at", "actor", "unit_code", "event", "hash")
    entries = history(session, claim.number)
    return json({"entries": [{name: getattr(entry, name) for name in names} for entry in entries]})


class Why(Taken):
    """Why a step is taken; a rejection and a revocation need it. And on whose device, by a person of which household."""

    why: Text = Field("", max_length=500, examples=["现场没有种植"])
    device: Text | None = Field(None, max_length=100, description="The device on which it was entered")
    household: Text | None = Field(None, max_length=40, description="The household of whoever takes the step")


class NewVisit(Taken):
    """A visit to a claim's land after it was checked."""

    at: Moment | None = Field(None, description="When; without it, now")
    note: Text = Field("", max_length=500, description="What was seen")
    device: Text | None = Field(None, max_length=100, description="The device on which it was entered")


@router.post(
    "/{number}/visits",
    status_code=201,
    summary="Record a visit to a claim's land",
    response_model=contract.Feature[contract.Claim],
    response_class=GeoJSONResponse,
)
@writes
def visit(records: Records, reporter: Reporter, number: Number, body: NewVisit) -> Response:
    with records.writing() as session:
        claim = get_claim(session, number)
        actor = _actor(session, reporter, claim.unit_code, body.device)
        add_visit(session, claim, replace(actor, at=body.at or actor.at), body.note)
    return _answer(records, claim, actor.recorded_at, 201)


def _add_step(word: str, state: State, action: Action, summary: str) -> None:
    @router.post(
        f"/{{number}}/{word}",
        name=word,
        summary=summary,
        response_model=contract.Feature[contract.Claim],
        response_class=GeoJSONResponse,
    )
    @writes
    def take(
        records: Records,
        config: Config,
        asked: Annotated[Asked, Depends(Asks(action))],
        number: Number,
        body: Annotated[Why, Body(default_factory=lambda: Why.model_validate({}))],
    ) -> Response:
        judgement: Judgement | None = None
        with records.reading() as session:
            claim = get_claim(session, number)
            actor = _actor(session, asked, claim.unit_code, body.device, body.household)
            if state is State.ACCEPTED and state in NEXT[claim.state]:
                judgement = judge_acceptance(session, claim, actor, thresholds=config.thresholds)
        with records.writing() as session:
            claim = get_claim(session, number)
            actor = _actor(session, asked, claim.unit_code, body.device, body.household)
            take_step(session, claim, state, actor, body.why, thresholds=config.thresholds, judgement=judgement)
        return _answer(records, claim, actor.at)


_add_step("check", State.CHECKED, Action.CHECK, "Check a reported claim")
_add_step("accept", State.ACCEPTED, Action.ACCEPT, "Accept a checked claim: its net area counts from now on")
_add_step("reject", State.REJECTED, Action.CHECK, "Reject a claim, with the reason")
_add_step("revoke", State.REVOKED, Action.ACCEPT, "Revoke an accepted claim, with the reason")
