"""Restoration targets and their allocation down the tree."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import contract
from api.answers import json
from api.context import Allocator, AsOf, Reader, Reading, Records, UnitCode
from api.taken import MOST_MU, Flag, Real, Taken, Text
from api.writing import writes
from farmland.land.units import Level, Unit, get_unit, level_of
from farmland.records import city
from farmland.restoration.targets import Target, allocate, allocations, get_target

router = APIRouter(prefix="/targets", tags=["targets"])
TargetName = Annotated[Text, Path(description="The target's code", examples=["2022"])]


def _target_json(session: Session, target: Target, moment: datetime) -> dict[str, Any]:
    parts_mu = allocations(session, target.code, moment)
    return {
        "code": target.code,
        "name": target.name,
        "start_date": target.start_day,
        "due_date": target.due_day,
        "area_basis": target.area_basis,
        "curve": target.curve or "linear",
        "area_mu": round(sum(area_mu for code, area_mu in parts_mu.items() if level_of(code) is Level.CITY), 2),
    }


@router.get("", summary="Restoration targets", response_model=contract.TargetList)
def list_targets(session: Reading, _: Reader, moment: AsOf) -> Response:
    rows = session.scalars(select(Target).order_by(Target.start_day, Target.code)).all()
    return json({"targets": [_target_json(session, target, moment) for target in rows]})


@router.get(
    "/{code}/allocations",
    summary="How a unit's part is allocated below it, and what is not yet allocated",
    response_model=contract.Allocations,
)
def list_allocations(session: Reading, code: TargetName, unit: UnitCode, moment: AsOf) -> Response:
    target, top = get_target(session, code), get_unit(session, unit)
    parts_mu = allocations(session, target.code, moment)
    own = parts_mu.get(top.code)
    children = select(Unit.code, Unit.name).where(Unit.parent_code == top.code).order_by(Unit.code)
    below: list[dict[str, Any]] = [
        {"unit_code": code, "unit_name": name, "area_mu": parts_mu[code]}
        for code, name in session.execute(children)
        if code in parts_mu
    ]
    allocated = round(sum(parts_mu[row["unit_code"]] for row in below), 2)
    return json(
        {
            "unit_code": top.code,
            "unit_name": top.name,
            "area_mu": own,
            "allocated_mu": allocated,
            "unallocated_mu": None if own is None else round(own - allocated, 2),
            "allocations": below,
        }
    )


class Parts(Taken):
    """Units' parts of a target, from now on."""

    parts_mu: dict[Text, Annotated[Real, Field(le=MOST_MU)]] = Field(
        description="The part of each unit by its code, mu", json_schema_extra={"additionalProperties": False}
    )
    allow_over: Flag = Field(False, description="Children may hold more than their parent")


@router.put("/{code}/allocations", summary="Allocate a target down the tree", response_model=contract.Changed)
@writes
def set_parts(records: Records, allocator: Allocator, code: TargetName, body: Parts) -> Response:
    with records.writing() as session:
        for unit_code in body.parts_mu:
            own = get_unit(session, unit_code)
            allocator.require(own.parent_code or own.code)  # a unit's part is set from above, never by itself
        now, name = city.next_moment(session), allocator.holder.name
        changed = allocate(session, code, body.parts_mu, now, actor=name, allow_over=body.allow_over)
    return json({"changed": changed})
