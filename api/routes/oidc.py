"""Signing in by the provider: there, and back. Both are visited by a browser, not asked by the page.

Where either ends does not follow from the request: at the provider as it says itself, or at the page. The redirect address is
made from the request's own scheme and host; the provider sends codes to none that is not registered with it.
"""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from api import account_contract as contract
from api.answers import json, language_of
from api.asking import OPEN, SameSite, cookie_name, forget_cookie, keep_cookie, keep_sign_in
from api.context import Config, Records
from api.provider import (
    NOT_SET_OUT,
    PROVIDER_DECLINED,
    PROVIDER_NOT_BELIEVED,
    PROVIDER_UNREACHABLE,
    Provider,
    Way,
)
from api.routes.sign_in import address_of, end_held, lasts
from farmland.accounts.sign_in import TOO_MANY_ATTEMPTS, WINDOW
from farmland.accounts.sign_in_by_provider import PROVIDER_ACCOUNT_REFUSED, enter_by_provider, set_out
from geodata.problems import Problem

router = APIRouter(tags=["sign-in"])
_WAY_S = 600
# The provider sends the browser back from another site, which strict would not survive.
_WAY_SAME_SITE: SameSite = "lax"
_REFUSALS = {
    kind.code: kind
    for kind in (
        NOT_SET_OUT,
        PROVIDER_DECLINED,
        PROVIDER_NOT_BELIEVED,
        PROVIDER_UNREACHABLE,
        PROVIDER_ACCOUNT_REFUSED,
        TOO_MANY_ATTEMPTS,
    )
}


def _way_cookie(request: Request) -> str:
    return f"{cookie_name(request)}-way"


def _to(address: str) -> Response:
    """Lead the browser somewhere; nobody keeps the answer."""
    return RedirectResponse(address, 303, {"Cache-Control": "private, no-store"})


def _refused(request: Request, problem: Problem) -> Response:
    """A refusal: the page says it to a person, to whom JSON is no answer; a program is told as everywhere."""
    if problem.code not in _REFUSALS or "text/html" not in request.headers.get("accept", ""):
        raise problem
    return _to(f"/#sign-in={problem.code}")


@router.get(
    "/sign-in/oidc",
    dependencies=[OPEN],
    summary="Set out for the sign-in provider",
    status_code=303,
    response_class=RedirectResponse,
)
def leave_for_provider(records: Records, config: Config, request: Request) -> Response:
    provider, way = Provider(config), Way.new()
    try:
        set_out(records, address_of(request))
        answer = _to(provider.address(way, str(request.url_for("come_back"))))
    except Problem as problem:
        return _refused(request, problem)
    keep_cookie(request, answer, _way_cookie(request), way.secret, _WAY_S, _WAY_SAME_SITE)
    return answer


@router.get(
    "/sign-in/oidc/return",
    dependencies=[OPEN],
    summary="Come back from the sign-in provider, and be signed in: the redirect address",
    status_code=303,
    response_class=RedirectResponse,
)
def come_back(
    records: Records,
    config: Config,
    request: Request,
    state: Annotated[str | None, Query(description="As it was sent along")] = None,
    code: Annotated[str | None, Query(description="The authorization code")] = None,
) -> Response:
    provider = Provider(config)
    way = Way(request.cookies.get(_way_cookie(request), ""))

    def vouched() -> str:
        if not way.secret or not way.came_back(state):
            raise Problem(NOT_SET_OUT)
        if not code:
            raise Problem(PROVIDER_DECLINED, provider=provider.name)
        return provider.vouched(way, code, str(request.url_for("come_back")))

    try:
        secret, _ = enter_by_provider(
            records, provider.name, vouched, address=address_of(request), lasts=lasts(config, False)
        )
    except Problem as problem:
        answer = _refused(request, problem)
    else:
        end_held(records, request)
        answer = _to("/")
        # The browser comes from the provider's site, and does not send this cookie before it asks from our own page: / is a
        # file for everybody, and what it asks is.
        keep_sign_in(request, answer, secret, None)
    forget_cookie(request, answer, _way_cookie(request), _WAY_SAME_SITE)
    return answer


@router.get(
    "/sign-in/oidc/refusals/{code}",
    dependencies=[OPEN],
    summary="A refusal of the two above in words, for the page",
    response_model=contract.SignInRefusal,
)
def refusal(
    config: Config, request: Request, code: Annotated[str, Path(json_schema_extra={"enum": list(_REFUSALS)})]
) -> Response:
    if code not in _REFUSALS:
        raise HTTPException(404)
    facts = {"provider": config.oidc_name, "minutes": int(WINDOW / timedelta(minutes=1))}
    return json({"code": code, "detail": Problem(_REFUSALS[code], **facts).sentence(language_of(request))})
