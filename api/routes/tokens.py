"""Tokens for programs, for administrators."""

from fastapi import APIRouter
from fastapi.responses import Response

from api import account_contract as contract
from api.answers import json
from api.context import Accounts, Reading, Records
from api.routes.holding import unit_names
from api.taken import Id
from api.writing import writes
from farmland.accounts import tokens
from farmland.accounts.tokens import Token
from farmland.land.units import normal_code
from farmland.records import city

router = APIRouter(prefix="/tokens", tags=["accounts"])


@router.get("", summary="The tokens in use", response_model=contract.TokenList)
def list_tokens(session: Reading, manager: Accounts) -> Response:
    uses = tokens.last_uses(session)
    shown = [one for one in tokens.in_use(session) if manager.holder.may(manager.action, one.unit_code)]
    names = unit_names(session, (one.unit_code for one in shown))
    return json({"tokens": [_row(one, names) | {"last_used_at": uses.get(one.id)} for one in shown]})


def _row(token: Token, names: dict[str | None, str]) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "unit_code": token.unit_code,
        "unit_name": names.get(token.unit_code),
        "may": token.may.split(),
        "created_at": token.created_at,
    }


@router.post("", status_code=201, summary="Make a token for a program", response_model=contract.TokenSecret)
@writes
def add(records: Records, manager: Accounts, body: contract.NewToken) -> Response:
    with records.writing() as session:
        unit = normal_code(body.unit_code) if body.unit_code else None
        manager.require(unit)
        now, actor = city.next_moment(session), manager.holder.name
        token, secret = tokens.add_token(session, body.name, unit, body.may, now, actor=actor)
        return json({"id": token.id, "secret": secret}, 201)


@router.delete("/{token_id}", summary="Withdraw a token at once", response_model=contract.TokenList)
@writes
def revoke(records: Records, manager: Accounts, token_id: Id) -> Response:
    with records.writing() as session:
        token = tokens.get_token(session, token_id)
        manager.require(token.unit_code)
        tokens.revoke_token(session, token, city.next_moment(session), actor=manager.holder.name)
    with records.reading() as session:
        return list_tokens(session, manager)
