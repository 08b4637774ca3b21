"""Who may do what, where: every route of the OpenAPI document, asked by every role inside and outside of its unit.

Both databases. What a role may do is written down here once more, so that a slip in either place is seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
import shapely
from conftest import FAR_VILLAGE, OTHER_TOWN, SQUARES, module_database_url, serving
from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.asking import declare
from bench import little_city
from bench.little_city import CITY, TOWN, VILLAGE
from farmland.accounts.accounts import Account, add_account, find_account, grant
from farmland.accounts.sign_in import begin, set_password
from farmland.accounts.tokens import add_token
from farmland.land.plots import Plot
from farmland.land.tiles import FILE_NAME
from farmland.land.units import Unit, level_of, parent_of
from farmland.people.roles import Action, Role
from farmland.records.database import Database
from farmland.records.ledger import Entry
from farmland.restoration.evidence import Evidence

GROUP = f"{VILLAGE}01"
LOOK, OFFICER = {"read"}, {"read", "ledger", "report", "check", "accept", "allocate"}
MAY = {
    "administrator": {"read", "ledger", "accounts", "operate"},
    "officer": OFFICER,
    "field_chief of the city": {"read", "report", "check", "allocate"},
    "field_chief of a town": {"read", "report", "check", "allocate"},
    "field_chief of a village": {"read", "report"},
    "field_chief of a group": {"read", "report"},
    "inspector": {"read", "report"},
    "leader": LOOK,
    "auditor": {"read", "ledger"},
}
FOR_EVERYBODY, SOMEWHERE = {"open", "signed_in", "person"}, "somewhere"
BY_RIGHT = {"not_signed_in", "not_your_role", "not_your_unit", "persons_only", "password_change_due", "foreign_page"}
AREA = shapely.geometry.mapping(shapely.box(111.711, 27.240, 111.712, 27.241))
CLAIM = {"unit_code": GROUP, "geometry": AREA}


@dataclass
class Caller:
    """Who asks: may do `actions` in `unit` (None: everywhere); what it asks about is its own copy, by its number."""

    number: int
    who: str
    actions: set[str]
    unit: str | None
    secret: dict[str, str] = field(default_factory=dict)
    person: bool = True
    must_change: bool = False

    def answer(self, right: str, asked: str | None) -> str:
        """The code of the refusal that is declared; "" where it is allowed."""
        if right == "open":
            return ""
        if not self.secret:
            return "not_signed_in"
        if right == "person" and not self.person:
            return "persons_only"
        if right in FOR_EVERYBODY:
            return ""
        if self.must_change:
            return "password_change_due"
        if right not in self.actions:
            return "not_your_role"
        return "" if asked == SOMEWHERE or self.covers(asked) else "not_your_unit"

    def covers(self, asked: str | None) -> bool:
        if self.unit is None or self.unit == CITY:
            return True
        return asked is not None and asked.startswith(self.unit[:9] if self.unit.endswith("000") else self.unit)


@dataclass(frozen=True)
class Asking:
    """A request that would be right, and the unit in which the right is needed."""

    unit: str | None
    query: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None


def why(text: str = "有原因") -> dict[str, str]:
    return {"why": text}


V, ANY, WHOLE = {"unit": VILLAGE}, Asking(SOMEWHERE), None
REQUESTS = {
    "GET /api/v1/about": ANY,
    "GET /api/v1/summary": Asking(VILLAGE, V),
    "GET /api/v1/units.geojson": Asking(VILLAGE, {"within": VILLAGE, "level": "group"}),
    "GET /api/v1/units": ANY,
    "GET /api/v1/units/{code}": Asking(VILLAGE),
    "GET /api/v1/units/{code}/tree": Asking(VILLAGE),
    "GET /api/v1/units/{code}/geometry": Asking(VILLAGE),
    "GET /api/v1/units/{code}/chiefs": Asking(VILLAGE),
    "GET /api/v1/chiefs": Asking(GROUP, {"lon": 111.7015, "lat": 27.211}),
    "GET /api/v1/plots": Asking(VILLAGE, V),
    "GET /api/v1/plots/{plot_id}": Asking(GROUP),
    "GET /api/v1/targets": ANY,
    "GET /api/v1/targets/{target}/allocations": Asking(VILLAGE, V),
    "PUT /api/v1/targets/{target}/allocations": Asking(TOWN, json={"parts_mu": {VILLAGE: 201}}),
    "POST /api/v1/claims/{number}/evidence": Asking(VILLAGE, content=b"%PDF-1.4\n1 0 obj\nendobj\n%%EOF\n"),
    "GET /api/v1/claims/{number}/evidence": Asking(VILLAGE),
    "GET /api/v1/claims/{number}/evidence/{sha256}": Asking(VILLAGE),
    "GET /api/v1/claims/{number}/evidence/{sha256}/thumbnail": Asking(VILLAGE),
    "GET /api/v1/claims": Asking(VILLAGE, V),
    "POST /api/v1/claims": Asking(GROUP, json=CLAIM),
    "GET /api/v1/claims/{number}": Asking(VILLAGE),
    "POST /api/v1/claims/preview": Asking(GROUP, json=CLAIM),
    "POST /api/v1/claims/{number}/corrections": Asking(
        VILLAGE, json={"state": "accepted", "at": "2022-03-20T09:00:00+08:00", "why": "写错"}
    ),
    "GET /api/v1/claims/{number}/history": Asking(VILLAGE),
    "POST /api/v1/claims/{number}/visits": Asking(VILLAGE, json={"note": "苗齐"}),
    "POST /api/v1/claims/{number}/check": Asking(VILLAGE, json=why()),
    "POST /api/v1/claims/{number}/accept": Asking(VILLAGE, json=why()),
    "POST /api/v1/claims/{number}/reject": Asking(VILLAGE, json=why()),
    "POST /api/v1/claims/{number}/revoke": Asking(VILLAGE, json=why()),
    "GET /api/v1/progress": Asking(VILLAGE, V),
    "GET /api/v1/progress/tree": Asking(VILLAGE, V),
    "GET /api/v1/progress/ranking": Asking(VILLAGE, V),
    "GET /api/v1/progress/series": Asking(VILLAGE, V),
    "GET /api/v1/progress/waterfall": Asking(VILLAGE, V),
    "GET /api/v1/periods": Asking(VILLAGE, V),
    "GET /api/v1/periods/{period}": Asking(CITY, {"unit": CITY}),
    "GET /api/v1/ledger": ANY,
    "GET /api/v1/ledger/{seq}": Asking(VILLAGE),
    "GET /api/v1/public": ANY,
    "PUT /api/v1/public": Asking(WHOLE, json={"on": True}),
    "POST /api/v1/sign-in": Asking(SOMEWHERE, json={"account": "{nobody}", "password": "nothing of the kind"}),
    "POST /api/v1/sign-in/demonstration": Asking(SOMEWHERE, json={"account": "{nobody}"}),
    "GET /api/v1/sign-in/oidc": ANY,
    "GET /api/v1/sign-in/oidc/return": ANY,
    "GET /api/v1/sign-in/oidc/refusals/{why}": ANY,
    "POST /api/v1/activation": Asking(
        SOMEWHERE, json={"account": "{nobody}", "code": "ABCD", "password": "rice is yellow thrice"}
    ),
    "GET /api/v1/me": ANY,
    "PUT /api/v1/me/password": Asking(SOMEWHERE, json={"old": "wrong", "new": "rice is yellow thrice"}),
    "GET /api/v1/accounts": ANY,
    "POST /api/v1/accounts": Asking(
        VILLAGE, json={"account": "{new}", "full_name": "新人", "role": "leader", "unit_code": VILLAGE}
    ),
    "GET /api/v1/accounts/{name}": Asking(VILLAGE),
    "POST /api/v1/accounts/{name}/grants": Asking(VILLAGE, json={"role": "leader", "unit_code": VILLAGE}),
    "POST /api/v1/accounts/{name}/code": Asking(VILLAGE),
    "POST /api/v1/accounts/{name}/sign-out": Asking(VILLAGE),
    "PUT /api/v1/accounts/{name}/shut": Asking(VILLAGE, json={"shut": True}),
    "DELETE /api/v1/accounts/{name}/grants/{role}": Asking(VILLAGE, V),
    "GET /api/v1/tokens": ANY,
    "POST /api/v1/tokens": Asking(VILLAGE, json={"name": "{new}", "unit_code": VILLAGE, "may": ["read"]}),
    "DELETE /api/v1/tokens/{token_id}": Asking(VILLAGE),
    "GET /health": ANY,
    "GET /ready": ANY,
    "POST /api/v1/sign-out": ANY,
    "POST /api/v1/sign-out/everywhere": ANY,
}
"""For every route a request that would be carried out for whoever has the right; in the order in which they are made."""
NEW_NAMES = {
    "/targets/{code}/": "/targets/{target}/",
    "/periods/{number}": "/periods/{period}",
    "/refusals/{code}": "/refusals/{why}",
}
ELSEWHERE = {"no_provider"}
"""Refusals that have other reasons than a right."""


@dataclass
class World:
    address: str
    callers: list[Caller]
    places: dict[str, object]
    tokens: dict[int, int]
    sessions: Database

    def fresh(self, caller: Caller) -> dict[str, str]:
        """A sign-in of its own, for a request that ends it."""
        with self.sessions.writing() as session:
            account = find_account(session, f"p{caller.number}")
            assert account is not None
            return cookie(begin(session, account, timedelta(hours=1), "account.signed_in")[0])


def cookie(secret: str) -> dict[str, str]:
    return {"Cookie": f"tianzhang={secret}"}


def persons() -> Iterator[tuple[str, str | None, str | None]]:
    """Each role, inside and outside: its name here, its unit inside, its unit outside (none: nothing is)."""
    for who in MAY:
        if who.startswith("field_chief"):
            inside = {"city": CITY, "town": TOWN, "village": VILLAGE, "group": GROUP}[who.rpartition(" ")[2]]
            outside = {CITY: None, TOWN: OTHER_TOWN}.get(inside, FAR_VILLAGE)
            yield who, inside, outside
        else:
            yield who, TOWN, OTHER_TOWN
    yield "administrator", None, None


def make_callers(database: Database) -> tuple[list[Caller], dict[int, int]]:
    callers = [Caller(0, "nobody", set(), None, person=False)]
    subjects: dict[int, int] = {}
    with database.writing() as session:
        for who, inside, outside in persons():
            for unit in [inside] if outside is None else [inside, outside]:
                caller = Caller(len(callers), who, MAY[who], unit)
                account = made(session, f"p{caller.number}", Role(who.split()[0]), unit)
                caller.secret = cookie(begin(session, account, timedelta(hours=1), "account.signed_in")[0])
                callers.append(caller)
        first = Caller(len(callers), "whoever has a password of somebody else's", OFFICER, None, must_change=True)
        account = made(session, f"p{first.number}", Role.OFFICER, None)
        set_password(session, account, "seven herons over the paddy", actor="test")
        first.secret = cookie(begin(session, account, timedelta(hours=1), "account.signed_in")[0])
        callers.append(first)
        for action in Action:
            for unit in (TOWN, OTHER_TOWN):
                caller = Caller(len(callers), f"token for {action}", {"read", action.value}, unit, person=False)
                _, secret = add_token(session, f"t{caller.number}", unit, [action], little_city.START, actor="test")
                caller.secret = {"Authorization": f"Bearer {secret}"}
                callers.append(caller)
        for caller in callers:
            made(session, f"s{caller.number}", Role.LEADER, VILLAGE)
            token, _ = add_token(session, f"s{caller.number}", VILLAGE, [], little_city.START, actor="test")
            subjects[caller.number] = token.id
    return callers, subjects


def made(session: Session, name: str, role: Role, unit: str | None) -> Account:
    account, _ = add_account(session, name, name, actor="test")
    grant(session, account, role, unit, actor="test")
    return account


def add_the_other_town(session: Session) -> None:
    for number, code in enumerate((OTHER_TOWN, FAR_VILLAGE), 100):
        facts = {"id": number, "code": code, "name": code, "level": level_of(code), "parent_code": parent_of(code)}
        session.add(Unit(**facts, area_m2=1.0, geometry=SQUARES[code]))
        session.flush()


@pytest.fixture(scope="module", params=["sqlite", "postgis"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("rights")
    url = module_database_url(request, folder)
    database = Database(url)
    little_city.make(database, folder, add_the_other_town)
    with database.writing() as session:
        made(session, "root", Role.ADMINISTRATOR, None)  # so that no other is the last one
        plot = session.scalar(select(Plot.id).where(Plot.unit_code == GROUP).limit(1))
        evidence = session.scalar(select(Evidence.sha256).limit(1))
        seq = session.scalar(select(Entry.seq).where(Entry.unit_code == VILLAGE).limit(1))
    places = {"code": VILLAGE, "target": "2022", "number": "C0", "period": 2, "plot_id": plot, "sha256": evidence}
    places |= {"seq": seq, "why": "provider_declined", "role": "leader"}
    with serving({"TIANZHANG_DATA_DIR": str(folder), "TIANZHANG_DATABASE_URL": url}) as address:
        callers, subjects = make_callers(database)
        yield World(address, callers, places, subjects, database)
    database.close()


def operations(document: dict[str, Any]) -> dict[str, str]:
    """The operations of the document, by method and path, each with what it declares."""
    found = {}
    for path, methods in document["paths"].items():
        for old, new in NEW_NAMES.items():
            path = path.replace(old, new)
        for method, operation in methods.items():
            assert "x-right" in operation, f"{method} {path} does not declare who may ask for it"
            found[f"{method.upper()} {path}"] = operation["x-right"]
    return found


def filled(value: Any, caller: Caller) -> Any:
    names = {"{nobody}": f"nobody{caller.number}", "{new}": f"new{caller.number}"}
    return {key: names.get(one, one) if isinstance(one, str) else one for key, one in value.items()} if value else value


def test_the_tiles_hold_the_whole_city_and_are_for_who_may_see_it(world: World) -> None:
    for caller in world.callers:
        answer = httpx.get(f"{world.address}/tiles/{FILE_NAME}", headers=caller.secret)
        expected = caller.answer("read", None)
        found = answer.json()["code"] if answer.is_error else ""
        assert found == expected, caller


def test_a_right_ends_at_the_border_of_its_unit_in_lists(world: World) -> None:
    """Lists without a unit hold what is the caller's and nothing else."""
    for caller in world.callers:
        if not caller.person or caller.must_change:
            continue
        get = httpx.Client(base_url=f"{world.address}/api/v1", headers=caller.secret).get
        units = {unit["code"] for unit in get("/units").json()["units"]}
        assert units and all(caller.covers(code) for code in units), caller
        plots = get("/plots").json()
        assert (plots["number_matched"] > 0) is caller.covers(GROUP), caller
        if "accounts" in caller.actions:
            names = {row["account"] for row in get("/accounts?limit=1000").json()["accounts"]}
            assert ("s1" in names) is caller.covers(VILLAGE) and ("root" in names) is (caller.unit is None)
            tokens = {row["name"] for row in get("/tokens").json()["tokens"]}
            assert ("s1" in tokens) is caller.covers(VILLAGE)


def test_every_route_for_every_role_inside_and_outside(world: World) -> None:
    document = httpx.get(f"{world.address}/openapi.json").json()
    declared = operations(document)
    assert set(declared) == set(REQUESTS), "a route without a row here is not tested; a row without a route is old"
    assert set(declared.values()) <= {*FOR_EVERYBODY, *Action}
    wrong, allowed, refused = [], 0, 0
    with httpx.Client(base_url=world.address, timeout=60) as client:
        for route, asking in REQUESTS.items():
            method, template = route.split()
            for caller in world.callers:
                place = world.places | {"name": f"s{caller.number}", "token_id": world.tokens[caller.number]}
                signs_out = "sign-out" in route and declared[route] == "person" and caller.person
                headers = {"Origin": world.address} | (world.fresh(caller) if signs_out else caller.secret)
                client.cookies.clear()
                answer = client.request(
                    method, template.format(**place), params=asking.query, content=asking.content,
                    json=filled(asking.json, caller), headers=headers,
                )  # fmt: skip
                code = answer.json()["code"] if answer.is_error else ""
                expected = caller.answer(declared[route], asking.unit)
                found = code if code in BY_RIGHT else ""
                if (
                    found != expected
                    or answer.is_server_error
                    or (method == "GET" and not expected and code and code not in ELSEWHERE)
                ):
                    wrong.append(
                        (
                            route,
                            caller.who,
                            caller.unit,
                            expected,
                            answer.status_code,
                            code,
                            answer.text[:300] if code not in BY_RIGHT else "",
                        )
                    )
                elif expected:
                    assert answer.status_code == (401 if expected == "not_signed_in" else 403)
                    assert len(answer.json()["detail"]) > 10, "what is refused says why"
                allowed, refused = allowed + (not expected), refused + bool(expected)
    assert not wrong, "\n".join(map(str, wrong))
    assert allowed > 500 and refused > 500, (allowed, refused)


def test_a_route_that_declares_nothing_does_not_start() -> None:
    router = APIRouter()

    @router.get("/secret")
    def _secret() -> dict[str, str]:
        return {}

    with pytest.raises(TypeError, match="/secret does not declare"):
        declare(router)
