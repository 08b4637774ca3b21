"""Accounts and their rights, for administrators: each for the units in which they manage accounts."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api import account_contract as contract
from api.answers import json
from api.asking import Asked
from api.context import Accounts, Reading, Records
from api.routes.holding import rights_json
from api.taken import Account as Name
from api.taken import Code, Text
from api.writing import writes
from farmland.accounts import accounts
from farmland.accounts.accounts import Account, get_account, rights_of_all
from farmland.accounts.sign_in import sign_out_everywhere
from farmland.land.units import normal_code
from farmland.people.chiefs import Chief
from farmland.people.rights import Right
from farmland.people.roles import Role
from farmland.records import city
from geodata.problems import Kind, Problem

router = APIRouter(prefix="/accounts", tags=["accounts"])
OWN_RIGHTS = Kind(
    "own_rights",
    "不能给自己授权，也不能停用自己的账号。请由另一名管理员办理。",
    "Nobody gives rights to themselves, takes them, or shuts their own account. Let another administrator do this.",
    "forbidden",
)


def _rows(session: Session, found: list[Account]) -> list[dict[str, Any]]:
    rights = rights_json(session, rights_of_all(session, [one.id for one in found]))
    chiefs = [one.chief_id for one in found if one.chief_id is not None]
    numbers = dict(session.execute(select(Chief.id, Chief.code).where(Chief.id.in_(chiefs))).all())
    return [
        {
            "account": one.name,
            "full_name": one.full_name,
            "state": "shut" if one.disabled_at else "active" if one.password else "invited",
            "roster_number": numbers.get(one.chief_id or -1),
            "rights": rights[one.id],
            "created_at": one.created_at,
            "code_until": one.code_until if one.code else None,
        }
        for one in found
    ]


def _managed(session: Session, manager: Asked, name: str) -> Account:
    """The account, which the manager may change: none of its rights reaches further. Raises NOT_YOUR_UNIT."""
    account = get_account(session, name)
    held = rights_of_all(session, [account.id])[account.id]
    for right in held or (Right(frozenset(), None),):
        manager.require(right.unit_code)
    return account


def _not_oneself(manager: Asked, account: Account) -> None:
    if account.id == manager.holder.account_id:
        raise Problem(OWN_RIGHTS)


@router.get(
    "",
    summary="Accounts by a piece of their name, their role, their unit",
    response_model=contract.AccountList,
)
def list_accounts(
    session: Reading,
    manager: Accounts,
    q: Annotated[Text | None, Query(description="A piece of the account's or the person's name")] = None,
    role: Role | None = None,
    unit: Annotated[Code | None, Query(description="With a right in this unit or below it")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> Response:
    units = manager.units()
    if unit:
        units = [normal_code(unit)]
        manager.require(units[0])
    found = accounts.search_accounts(q, role, units, city.now(session))
    total = session.scalar(select(func.count()).select_from(found.order_by(None).subquery()))
    rows = session.scalars(found.limit(limit).offset(offset)).all()
    return json({"total": total, "accounts": _rows(session, list(rows))})


@router.post("", status_code=201, summary="Make an account with a role", response_model=contract.Invited)
@writes
def add(records: Records, manager: Accounts, body: contract.NewAccount) -> Response:
    with records.writing() as session:
        unit = normal_code(body.unit_code) if body.unit_code else None
        manager.require(unit)
        actor = manager.holder.name
        account, code = accounts.add_account(session, body.account, body.full_name, actor=actor)
        accounts.grant(session, account, body.role, unit, actor=actor)
        return json({"account": account.name, "code": code, "until": account.code_until}, 201)


@router.get("/{name}", summary="One account", response_model=contract.AccountRow)
def one(session: Reading, manager: Accounts, name: Name) -> Response:
    return json(_rows(session, [_managed(session, manager, name)])[0])


@router.post(
    "/{name}/grants", status_code=201, summary="Give an account a role for a unit", response_model=contract.AccountRow
)
@writes
def grant(records: Records, manager: Accounts, name: Name, body: contract.GrantBody) -> Response:
    with records.writing() as session:
        account = _managed(session, manager, name)
        _not_oneself(manager, account)
        unit = normal_code(body.unit_code) if body.unit_code else None
        manager.require(unit)
        accounts.grant(session, account, body.role, unit, actor=manager.holder.name)
        return json(_rows(session, [account])[0], 201)


@router.delete("/{name}/grants/{role}", summary="Take a role away", response_model=contract.AccountRow)
@writes
def end_grant(
    records: Records,
    manager: Accounts,
    name: Name,
    role: Role,
    unit: Annotated[Code | None, Query(description="Of which unit; without it, the one for every unit")] = None,
) -> Response:
    with records.writing() as session:
        account = _managed(session, manager, name)
        _not_oneself(manager, account)
        code = normal_code(unit) if unit else None
        accounts.end_grant(session, account, role, code, actor=manager.holder.name)
        return json(_rows(session, [account])[0])


@router.post("/{name}/code", summary="Give an account a new activation code", response_model=contract.Invited)
@writes
def invite(records: Records, manager: Accounts, name: Name) -> Response:
    with records.writing() as session:
        account = _managed(session, manager, name)
        code = accounts.invite(session, account, actor=manager.holder.name)
        return json({"account": account.name, "code": code, "until": account.code_until})


@router.post("/{name}/sign-out", summary="End all sign-ins of an account", response_model=contract.Ended)
@writes
def end_sign_ins(records: Records, manager: Accounts, name: Name) -> Response:
    with records.writing() as session:
        account = _managed(session, manager, name)
        return json({"ended": sign_out_everywhere(session, account, actor=manager.holder.name)})


@router.put("/{name}/shut", summary="Shut an account, or open it again", response_model=contract.AccountRow)
@writes
def shut(records: Records, manager: Accounts, name: Name, body: contract.ShutBody) -> Response:
    with records.writing() as session:
        account = _managed(session, manager, name)
        _not_oneself(manager, account)
        (accounts.disable if body.shut else accounts.enable)(session, account, actor=manager.holder.name)
        return json(_rows(session, [account])[0])
