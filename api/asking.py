"""Who asks: a person signed in with a browser, or a program with a token; and whether they may, as each route declares.

A route that takes :class:`Asks` is refused to whoever lacks the right everywhere; the route itself then says for which unit
it is wanted. A route for everybody says so by :data:`OPEN`. One that says nothing does not start (:func:`declare`).
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from farmland.accounts.sign_in import holder_of_sign_in, note_refused_request
from farmland.accounts.tokens import holder_of_token
from farmland.people.people import Actor
from farmland.people.rights import Holder, Right
from farmland.people.roles import Action
from farmland.records.clock import present
from farmland.records.database import Database
from geodata.problems import Kind, Problem

NOT_SIGNED_IN = Kind(
    "not_signed_in",
    "请先登录。程序请在请求头写明 Authorization: Bearer 令牌（tianzhang token add 所给）。",
    "Sign in first. Programs send the header Authorization: Bearer TOKEN (from tianzhang token add).",
    "unauthenticated",
)
FOREIGN_PAGE = Kind(
    "foreign_page",
    "此请求不是从本系统的网页发出的，未予办理。请从本系统的网页操作；程序请改用令牌。",
    "This request does not come from a page of this system, and was not carried out. Use the system's own page; programs use a "
    "token.",
    "forbidden",
)
PASSWORD_CHANGE_DUE = Kind(
    "password_change_due",
    "密码是他人代设的，请先改为自己的密码。",
    "The password was set by somebody else: change it to one of your own first.",
    "forbidden",
)
PERSONS_ONLY = Kind(
    "persons_only",
    "这一步只能由登录的人办理，不能用令牌。",
    "Only a person who is signed in can do this, not a program with a token.",
    "forbidden",
)
COOKIE = "tianzhang"
SameSite = Literal["lax", "strict"]
_SAFE = ("GET", "HEAD", "OPTIONS")

Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="A program's token, of tianzhang token add")),
]
_Cookie = Annotated[
    str | None, Depends(APIKeyCookie(name=COOKIE, auto_error=False, description="A person's sign-in, by the browser"))
]


def cookie_name(request: Request) -> str:
    """Over https one that no other host, and no page without TLS, can set."""
    return f"__Host-{COOKIE}" if request.url.scheme == "https" else COOKIE


def keep_cookie(
    request: Request, answer: Response, name: str, secret: str, max_age: int | None, same_site: SameSite
) -> None:
    """Have the browser keep a secret that no script reads: for so many seconds, or (None) until it is closed."""
    answer.set_cookie(
        name, secret, max_age, secure=request.url.scheme == "https", httponly=True, samesite=same_site, path="/"
    )


def forget_cookie(request: Request, answer: Response, name: str, same_site: SameSite) -> None:
    """Have the browser forget it."""
    answer.delete_cookie(name, secure=request.url.scheme == "https", httponly=True, samesite=same_site, path="/")


def keep_sign_in(request: Request, answer: Response, secret: str, until: datetime | None) -> None:
    """Have the browser keep a sign-in: until a moment, or (None) until it is closed."""
    seconds = None if until is None else max(0, int((until - present()) / timedelta(seconds=1)))
    keep_cookie(request, answer, cookie_name(request), secret, seconds, "strict")


def forget_sign_in(request: Request, answer: Response) -> None:
    """Have the browser forget it."""
    forget_cookie(request, answer, cookie_name(request), "strict")


def require_own_page(request: Request) -> None:
    """Raises FOREIGN_PAGE unless a change is asked by a page of ours: what browsers say of it, no page can forge.

    https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site; older browsers send Origin with each change.
    """
    if request.method in _SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = (
        site == "same-origin" if site else origin is not None and urlsplit(origin).netloc == request.headers.get("host")
    )
    if not own:
        raise Problem(FOREIGN_PAGE)


def _holder(request: Request, bearer: Bearer, _: _Cookie) -> Holder:
    records: Database = request.app.state.database
    if bearer is not None and bearer.credentials.strip():
        with records.reading() as session:
            holder = holder_of_token(session, bearer.credentials.strip())
        if holder.token_id is not None:
            request.app.state.token_uses.note(holder.token_id)
    else:
        secret = request.cookies.get(cookie_name(request))
        if not secret:
            raise Problem(NOT_SIGNED_IN)
        require_own_page(request)
        with records.reading() as session:
            holder = holder_of_sign_in(session, secret)
    request.state.holder = holder
    return holder


@dataclass(frozen=True)
class Asked:
    """Who asks for an action."""

    holder: Holder
    action: Action

    def require(self, unit_code: str | None) -> Right:
        """The right to it in a unit. Raises NOT_YOUR_UNIT."""
        return self.holder.require(self.action, unit_code)

    def units(self) -> list[str] | None:
        """The units in which it is allowed; None for all."""
        return self.holder.stems(self.action)

    def actor(self, unit_code: str, now: datetime, device: str | None = None, household: str | None = None) -> Actor:
        """Who takes the step, for the records. Raises NOT_YOUR_UNIT."""
        return self.holder.actor(self.action, unit_code, now, device, household)


class Asks:
    """The dependency of a route which needs a right to an action. Raises NOT_SIGNED_IN, NOT_YOUR_ROLE, PASSWORD_CHANGE_DUE."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.said = action.value

    async def __call__(self, holder: Annotated[Holder, Depends(_holder)]) -> Asked:
        if holder.must_change_password:
            raise Problem(PASSWORD_CHANGE_DUE)
        holder.require_somewhere(self.action)
        return Asked(holder, self.action)


class _SignedIn:
    said = "signed_in"

    async def __call__(self, holder: Annotated[Holder, Depends(_holder)]) -> Holder:
        return holder


class _Person:
    said = "person"

    async def __call__(self, holder: Annotated[Holder, Depends(_holder)]) -> Holder:
        if holder.account_id is None:
            raise Problem(PERSONS_ONLY)
        return holder


class _Watcher:
    """Whoever is on this machine, so that the state of the server is told when its database is gone too; others need a right."""

    said = Action.OPERATE.value

    def __call__(self, request: Request, bearer: Bearer) -> None:
        with suppress(ValueError):
            if request.client is not None and ip_address(request.client.host).is_loopback:
                return
        _holder(request, bearer, None).require_somewhere(Action.OPERATE)


class _Open:
    said = "open"

    async def __call__(self) -> None:
        return None


SignedIn = Annotated[Holder, Depends(_SignedIn())]
"""Whoever is signed in, or has a token, whatever their rights."""
Person = Annotated[Holder, Depends(_Person())]
"""Whoever is signed in with an account of their own."""
OPEN = Depends(_Open())
"""For everybody: of a route's `dependencies`."""
WATCHER = Depends(_Watcher())
"""For this machine, and whoever may see how the server runs: of a route's `dependencies`."""
_UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Whoever asks holds this answer already, by its ETag in If-None-Match"}
}
_DECLARATIONS = (Asks, _SignedIn, _Person, _Watcher, _Open)


def record_refusal(request: Request, problem: Problem) -> Problem:
    """Write a refusal into the ledger where it is known who asked; the answer: the refusal, or that they were too many."""
    holder: Holder | None = getattr(request.state, "holder", None)
    if holder is None:
        return problem
    records: Database = request.app.state.database
    route = request.scope.get("route")
    try:
        with records.writing() as session:
            note_refused_request(session, holder, problem.code, f"{request.method} {getattr(route, 'path', '?')}")
    except Problem as too_many:
        return too_many
    return problem


def declare(router: APIRouter) -> APIRouter:
    """Write into the description of each route of a router (x-right) what it asks for.

    Raises TypeError where a route says nothing.
    """
    for route in router.routes:
        if not isinstance(route, APIRoute):
            continue
        said = {one.call.said for one in parts_of(route.dependant) if isinstance(one.call, _DECLARATIONS)}
        if not said:
            raise TypeError(f"{route.methods} {route.path} does not declare who may ask for it")
        # The narrower right where a route asks for two things, such as which unit is meant if none is named.
        rights = sorted(said - {Action.READ.value}) or sorted(said)
        route.openapi_extra = (route.openapi_extra or {}) | {"x-right": rights[0]}
        if "GET" in (route.methods or ()):
            route.responses = _UNCHANGED | route.responses
    return router


def parts_of(dependant: Dependant) -> Iterator[Dependant]:
    """What a route depends on, itself first."""
    yield dependant
    for part in dependant.dependencies:
        yield from parts_of(part)
