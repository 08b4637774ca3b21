"""Signing in and out, the first password, one's own account."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import account_contract as contract
from api.answers import json
from api.asking import OPEN, Person, SignedIn, cookie_name, forget_sign_in, keep_sign_in, require_own_page
from api.context import Config, Reading, Records
from api.routes.holding import rights_json
from api.writing import writes, writes_at_length
from farmland.accounts import sign_in
from farmland.accounts.accounts import Account
from farmland.land.units import Unit, cities
from farmland.people.rights import Holder
from farmland.people.roles import Action

router = APIRouter(tags=["sign-in"])
KEEP = timedelta(days=30)


def _me(session: Session, holder: Holder, until: datetime | None = None) -> dict[str, Any]:
    account = session.get(Account, holder.account_id) if holder.account_id is not None else None
    actions = sorted({action for right in holder.rights for action in right.actions})
    codes = holder.homes()
    found = {unit.code: unit for unit in session.scalars(select(Unit).where(Unit.code.in_(codes or [])))}
    homes = [
        {"code": unit.code, "name": unit.name, "level": unit.level}
        for unit in (cities(session) if codes is None else [found[code] for code in codes])
    ]
    return {
        "account": account.name if account else None,
        "name": holder.name,
        "full_name": account.full_name if account else holder.name,
        "rights": rights_json(session, {0: holder.rights})[0],
        "actions": actions,
        "everywhere": [action for action in actions if holder.may(action, None)],
        "home": homes[0] if homes else None,
        "homes": homes,
        "whole_city": holder.may(Action.READ, None),
        "must_change_password": holder.must_change_password,
        "until": until,
    }


def end_held(records: Records, request: Request) -> None:
    """End the sign-in that the browser held until now."""
    held = request.cookies.get(cookie_name(request))
    if held:
        with records.writing() as session:
            sign_in.sign_out(session, held)


def _begun(records: Records, request: Request, secret: str, until: datetime, keep: bool) -> Response:
    """The answer that begins a sign-in; the one that the browser held until now ends."""
    end_held(records, request)
    with records.reading() as session:
        answer = json(_me(session, sign_in.holder_of_sign_in(session, secret), until))
    keep_sign_in(request, answer, secret, until if keep else None)
    return answer


def address_of(request: Request) -> str:
    """From where is asked; attempts are counted by it."""
    return request.client.host if request.client else ""


def lasts(config: Config, keep: bool) -> timedelta:
    """How long a sign-in lasts."""
    return KEEP if keep else timedelta(hours=config.sign_in_hours)


@router.post("/sign-in", dependencies=[OPEN], summary="Sign in with account and password", response_model=contract.Me)
@writes_at_length
def enter(records: Records, config: Config, request: Request, body: contract.SignInBody) -> Response:
    require_own_page(request)
    secret, until = sign_in.sign_in(
        records, body.account, body.password, address=address_of(request), lasts=lasts(config, body.keep)
    )
    return _begun(records, request, secret, until, body.keep)


@router.post(
    "/sign-in/demonstration",
    dependencies=[OPEN],
    summary="Sign in to an account of a demonstration, which has no password",
    response_model=contract.Me,
)
@writes
def enter_demonstration(
    records: Records, config: Config, request: Request, body: contract.DemonstrationBody
) -> Response:
    require_own_page(request)
    secret, until = sign_in.enter_demonstration(records, body.account, lasts(config, False))
    return _begun(records, request, secret, until, False)


@router.post(
    "/activation",
    dependencies=[OPEN],
    summary="Set the first password, or a new one, with an activation code, and sign in",
    response_model=contract.Me,
)
@writes_at_length
def activate(records: Records, config: Config, request: Request, body: contract.ActivationBody) -> Response:
    require_own_page(request)
    secret, until = sign_in.activate(
        records, body.account, body.code, body.password, address=address_of(request), lasts=lasts(config, body.keep)
    )
    return _begun(records, request, secret, until, body.keep)


@router.post("/sign-out", summary="Sign out on this device", response_model=contract.Ended)
@writes
def leave(records: Records, request: Request, _: Person) -> Response:
    with records.writing() as session:
        sign_in.sign_out(session, request.cookies[cookie_name(request)])
    answer = json({"ended": 1})
    forget_sign_in(request, answer)
    return answer


@router.post("/sign-out/everywhere", summary="Sign out on every device", response_model=contract.Ended)
@writes
def leave_everywhere(records: Records, request: Request, person: Person) -> Response:
    with records.writing() as session:
        account = session.get_one(Account, person.account_id)
        answer = json({"ended": sign_in.sign_out_everywhere(session, account, actor=person.name)})
    forget_sign_in(request, answer)
    return answer


@router.get("/me", summary="Who asks, and what they may do", response_model=contract.Me)
def me(session: Reading, holder: SignedIn) -> Response:
    return json(_me(session, holder))


@router.put(
    "/me/password",
    summary="Change one's own password; all other sign-ins end",
    response_model=contract.Me,
)
@writes_at_length
def change(records: Records, config: Config, request: Request, person: Person, body: contract.PasswordBody) -> Response:
    assert person.account_id is not None
    secret, until = sign_in.change_password(
        records, person.account_id, body.old, body.new, address=address_of(request), lasts=lasts(config, False)
    )
    return _begun(records, request, secret, until, False)
