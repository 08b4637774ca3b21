"""The public page: the towns' figures without sign-in, while it is switched on."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from api import account_contract as contract
from api.answers import json
from api.asking import OPEN
from api.context import Accounts, Config, Reading, Records
from api.writing import writes
from farmland.accounts.public_page import require_public, switch_public
from farmland.figures.progress import progress_tree
from farmland.land.units import Level, the_city
from farmland.records import city

router = APIRouter(prefix="/public", tags=["public"])


@router.get(
    "",
    dependencies=[OPEN],
    summary="The city's and the towns' figures, where the administrator has made them public",
    response_model=contract.PublicFigures,
)
def figures(session: Reading, config: Config) -> Response:
    require_public(session)
    moment, top = city.now(session), the_city(session).code
    rows = progress_tree(session, top, moment, down_to=Level.TOWN, colours=config.colours)
    names = contract.PublicTown.model_fields
    shown: list[dict[str, Any]] = [{name: getattr(row, name) for name in names} for row in rows]
    return json({"as_of": moment, "city": shown[0], "towns": shown[1:]})


@router.put("", summary="Switch the public page on or off", response_model=contract.PublicState)
@writes
def switch(records: Records, manager: Accounts, body: contract.PublicBody) -> Response:
    manager.require(None)
    with records.writing() as session:
        switch_public(session, body.on, actor=manager.holder.name)
    return json({"on": body.on})
