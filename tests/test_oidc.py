"""Signing in by a provider: a real one, the whole way; and one that lies. Both databases."""

import base64
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

import httpx
import pytest
from conftest import CITY, run_command
from playwright.sync_api import Browser, expect
from provider import CLIENT, SECRET, Claims, Liar, altered, by_another_key, by_the_public_key, lying, unsigned
from pytest_iam import Server
from sqlalchemy import func, select
from test_operations import Place, Served, awaited, place, server

from farmland.accounts.accounts import Account, add_account, disable, find_account, get_account, grant
from farmland.accounts.sign_in import TOO_MANY_ATTEMPTS, begin, count_attempt, set_password
from farmland.accounts.sign_in_by_provider import set_out
from farmland.people.roles import Role
from farmland.records.ledger import Entry
from geodata.problems import Problem

__all__ = ["place"]

PHRASE, NAME = "seven herons over the paddy", "省政务登录"
COOKIE, WAY = "tianzhang", "tianzhang-way"
PLAIN = "dGhlIHBhZGR5IGlzIGdyZWVu"
KEPT = timedelta(hours=1)


@dataclass
class Office:
    """A server whose provider is set, and its records."""

    served: Served
    place: Place

    @property
    def address(self) -> str:
        return self.served.address

    @property
    def begins(self) -> str:
        return f"{self.address}/api/v1/sign-in/oidc"

    def visitor(self, **headers: str) -> httpx.Client:
        """A browser, which keeps cookies and asks for pages."""
        return httpx.Client(headers={"Accept": "text/html,*/*;q=0.8", "Accept-Language": "en"} | headers, timeout=60)

    def back(self, visitor: httpx.Client, **query: str) -> httpx.Response:
        return visitor.get(f"{self.begins}/return", params=query)

    def who(self, visitor: httpx.Client) -> str | None:
        """The account that a browser is signed in to."""
        answer = visitor.get(f"{self.address}/api/v1/me")
        return answer.json()["account"] if answer.is_success else None

    def told(self, answer: httpx.Response) -> str:
        """Why a browser was refused: the code that the page is given, and says in words."""
        assert answer.status_code == 303 and "no-store" in answer.headers["Cache-Control"]
        found = re.fullmatch(r"/#sign-in=([a-z_]+)", answer.headers["Location"])
        assert found, answer.headers["Location"]
        assert COOKIE not in answer.cookies
        for language, sign in (("zh", "。"), ("en", ".")):
            said = httpx.get(f"{self.begins}/refusals/{found[1]}", params={"lang": language}).raise_for_status().json()
            assert said["code"] == found[1] and sign in said["detail"] and "{" not in said["detail"]
        return found[1]

    def last(self) -> tuple[str, str | None, str]:
        """The last entry of the ledger: event, subject, actor."""
        with self.place.database.reading() as session:
            found = session.execute(
                select(Entry.event, Entry.subject, Entry.actor).order_by(Entry.seq.desc()).limit(1)
            ).one()
        return found.event, found.subject, found.actor


@dataclass
class Registered:
    """The real provider, with which the office is registered."""

    iam: Server
    client: Any

    def __call__(self, name: str) -> None:
        """Whoever comes to the provider from now on is this user of it, who agrees to be known."""
        with self.iam.app.app_context():
            user = self.iam.backend.get(self.iam.models.User, user_name=name) or self.iam.random_user(
                user_name=name, display_name=name, password=PHRASE, emails=[f"{name}@example.org"]
            )
            self.iam.consent(user, self.client)
        self.iam.login(user)


@pytest.fixture(scope="module")
def persons(place: Place) -> None:
    """Two accounts, to whose codes nothing has happened yet, one of them shut."""
    with place.database.writing() as session:
        for name, full_name in (("li.ming", "李明"), ("shut.one", "王停")):
            account, _ = add_account(session, name, full_name, actor="a test")
            grant(session, account, Role.OFFICER, CITY, actor="a test")
        disable(session, get_account(session, "shut.one"), actor="a test")


def settings(issuer: str, **more: str) -> dict[str, str]:
    named = {"issuer": issuer, "client_id": CLIENT, "client_secret": SECRET, "name": NAME} | more
    return {f"TIANZHANG_OIDC_{name.upper()}": value for name, value in named.items()}


@contextmanager
def registered(iam: Server, address: str, client_id: str) -> Iterator[Registered]:
    """While this lasts, the provider knows a server at that address."""
    with iam.app.app_context():
        client = iam.models.Client(
            client_id=client_id, client_secret=PLAIN, client_name="田长", client_uri=address,
            redirect_uris=[f"{address}/api/v1/sign-in/oidc/return"], grant_types=["authorization_code"],
            response_types=["code"], scope=["openid", "profile"], token_endpoint_auth_method="client_secret_basic",
        )  # fmt: skip
        iam.backend.save(client)
        client.audience = [client]
        iam.backend.save(client)
    yield Registered(iam, client)
    iam.logout()
    with iam.app.app_context():
        iam.backend.delete(client)


@pytest.fixture(scope="module")
def office(place: Place, persons: None, iam_server: Server) -> Iterator[Office]:
    with server(place.env | settings(iam_server.url, client_secret=PLAIN), place.folder / "log") as served:
        yield Office(served, place)


@pytest.fixture
def arrive(office: Office, iam_server: Server) -> Iterator[Registered]:
    with registered(iam_server, office.address, CLIENT) as made:
        yield made


@pytest.fixture(scope="module")
def misled(place: Place, persons: None) -> Iterator[tuple[Office, Liar]]:
    """A server whose provider is the one that lies."""
    with lying() as liar, server(place.env | settings(liar.address), place.folder / "misled") as served:
        yield Office(served, place), liar


def test_the_whole_way_leads_to_the_right_account(office: Office, arrive: Registered) -> None:
    assert httpx.get(f"{office.address}/api/v1/about").json()["oidc"] == {"name": NAME}
    arrive("li.ming")
    with office.visitor() as visitor:
        out = visitor.get(office.begins)
        asked = dict(parse_qsl(urlsplit(out.headers["Location"]).query))
        assert out.status_code == 303 and out.headers["Location"].startswith(arrive.iam.url)
        assert {name: asked[name] for name in ("response_type", "client_id", "code_challenge_method", "scope")} == {
            "response_type": "code", "client_id": CLIENT, "code_challenge_method": "S256", "scope": "openid profile",
        }  # fmt: skip
        assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
        name, _, kept = out.headers["set-cookie"].partition("=")
        assert name == WAY and {"HttpOnly", "Max-Age=600", "Path=/", "SameSite=lax"} <= set(kept.split("; "))
        assert not {asked["state"], asked["nonce"]} & set(re.split("[=;]", kept))
        back = visitor.get(out.headers["Location"])
        assert back.headers["Location"].startswith(f"{office.begins}/return?")
        end = visitor.get(back.headers["Location"])
        assert (end.status_code, end.headers["Location"]) == (303, "/")
        given = {one.partition("=")[0]: one for one in end.headers.get_list("set-cookie")}
        assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(given[COOKIE].split("; "))
        assert "Max-Age=0" in given[WAY] and "max-age" not in given[COOKIE].lower()
        assert office.who(visitor) == "li.ming"
        assert visitor.get(f"{office.address}/api/v1/units").is_success
    assert office.last() == ("account.signed_in_by_provider", "@li.ming", "李明（li.ming）")
    with office.place.database.reading() as session:
        account = get_account(session, "li.ming")
        assert account.code is not None and account.password is None, "the slip that was given out still holds"
    assert run_command("verify", env=office.place.env, cwd=office.place.folder).returncode == 0


def test_who_has_no_account_or_a_shut_one_is_refused_and_it_is_written(office: Office, arrive: Registered) -> None:
    with office.place.database.reading() as session:
        before = session.scalar(select(func.count()).select_from(Account))
    for name, subject in (("a.stranger", "@?"), ("shut.one", "@shut.one")):
        arrive(name)
        with office.visitor() as visitor:
            end = visitor.get(visitor.get(visitor.get(office.begins).headers["Location"]).headers["Location"])
            assert office.told(end) == "provider_account_refused"
            assert office.who(visitor) is None
        assert office.last()[:2] == ("account.provider_refused", subject)
    with office.place.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == before
    said = httpx.get(f"{office.begins}/refusals/provider_account_refused", headers={"Accept-Language": "zh"}).json()
    assert NAME in said["detail"] and "管理员" in said["detail"]
    assert httpx.get(f"{office.begins}/refusals/none").status_code == 404


def test_an_answer_that_is_not_of_this_way_is_refused(office: Office, arrive: Registered) -> None:
    arrive("li.ming")
    with office.visitor() as visitor, office.visitor() as other:
        for browser_without in (
            office.back(other),
            office.back(other, state="", code="x"),
            office.back(other, code="x"),
        ):
            assert office.told(browser_without) == "sign_in_not_set_out"
        back = visitor.get(visitor.get(office.begins).headers["Location"]).headers["Location"]
        assert office.told(other.get(back)) == "sign_in_not_set_out", "a link that somebody else's way led to"
        other.get(office.begins)
        assert office.told(other.get(back)) == "sign_in_not_set_out"
        assert office.last() == ("account.provider_refused", "@?", "?")
        way = visitor.cookies[WAY]
        assert visitor.get(back).headers["Location"] == "/"
        assert office.told(visitor.get(back)) == "sign_in_not_set_out", "the way was gone"
    with office.visitor() as thief:
        thief.cookies.set(WAY, way)
        assert office.told(thief.get(back)) == "provider_not_believed", "the code was used"
    with office.visitor() as thief:  # a code of one way with another: PKCE
        code = dict(parse_qsl(urlsplit(office_code(office, arrive)).query))["code"]
        state = dict(parse_qsl(urlsplit(thief.get(office.begins).headers["Location"]).query))["state"]
        assert office.told(office.back(thief, state=state, code=code)) == "provider_not_believed"
        assert office.who(thief) is None
    with office.visitor() as visitor:
        state = dict(parse_qsl(urlsplit(visitor.get(office.begins).headers["Location"]).query))["state"]
        denied = office.back(visitor, state=state, error="access_denied", error_description="<script>")
        assert office.told(denied) == "provider_declined"
    assert office.last()[0] == "account.provider_refused"


def office_code(office: Office, arrive: Registered) -> str:
    """The address with a fresh code to which the provider sends a browser back."""
    arrive("li.ming")
    with office.visitor() as visitor:
        return visitor.get(visitor.get(office.begins).headers["Location"]).headers["Location"]


def test_it_leads_nowhere_else(office: Office, arrive: Registered) -> None:
    arrive("li.ming")
    evil = {"next": "//evil.example/", "url": "https://evil.example/", "redirect_uri": "https://evil.example/"}
    hosts = ({}, {"X-Forwarded-Host": "evil.example"}, {"Host": "a@evil.example:1"}, {"Host": "127.0.0.1/evil.example"})
    for headers in hosts:
        with office.visitor(**headers) as visitor:
            out = visitor.get(office.begins, params=evil).headers["Location"]
            assert out.startswith(f"{arrive.iam.url}oauth/authorize?")
            back = visitor.get(out, headers={"Host": urlsplit(out).netloc}).headers["Location"]
            assert back.startswith(f"{office.begins}/return?")
            assert visitor.get(back, params=dict(parse_qsl(urlsplit(back).query)) | evil).headers["Location"] == "/"
    with office.visitor() as visitor:
        elsewhere = {"Host": "evil.example"}
        out = visitor.get(office.begins, headers=elsewhere).headers["Location"]
        assert visitor.get(out).status_code == 400, "the provider sends nobody to an address that it does not know"
        back = visitor.get(f"{office.begins}/return", params={"state": "x", **evil}, headers=elsewhere)
        assert office.told(back) == "sign_in_not_set_out"


def test_what_was_planted_before_is_replaced(office: Office, arrive: Registered) -> None:
    with office.place.database.writing() as session:
        attacker, _ = add_account(session, f"attacker{time.time_ns()}", "", actor="a test")
        secret, _ = begin(session, attacker, KEPT, "account.signed_in")
        name = attacker.name
    arrive("li.ming")
    with office.visitor() as visitor:
        host = {"domain": "127.0.0.1", "path": "/"}
        visitor.cookies.set(COOKIE, secret, **host)
        visitor.cookies.set(WAY, "planted", **host)
        assert office.who(visitor) == name
        out = visitor.get(office.begins)
        assert visitor.cookies[WAY] != "planted"
        visitor.get(visitor.get(out.headers["Location"]).headers["Location"])
        assert office.who(visitor) == "li.ming" and visitor.cookies[COOKIE] != secret
    with office.visitor() as later:
        later.cookies.set(COOKIE, secret)
        assert office.who(later) is None, "it was ended"


def test_a_password_that_somebody_else_set_is_still_to_be_changed(office: Office, arrive: Registered) -> None:
    with office.place.database.writing() as session:
        account = find_account(session, "told.one") or add_account(session, "told.one", "", actor="a test")[0]
        grant(session, account, Role.OFFICER, CITY, actor="a test")
        set_password(session, account, PHRASE, actor="a test")
    arrive("told.one")
    with office.visitor() as visitor:
        visitor.get(visitor.get(visitor.get(office.begins).headers["Location"]).headers["Location"])
        assert visitor.get(f"{office.address}/api/v1/me").json()["must_change_password"]
        assert visitor.get(f"{office.address}/api/v1/units").json()["code"] == "password_change_due"


def test_over_https_the_way_is_kept_for_this_host_alone(office: Office) -> None:
    with office.visitor(**{"X-Forwarded-Proto": "https"}) as visitor:
        out = visitor.get(office.begins)
    assert out.headers["set-cookie"].startswith(f"__Host-{WAY}=") and "Secure" in out.headers["set-cookie"]
    asked = dict(parse_qsl(urlsplit(out.headers["Location"]).query))
    assert asked["redirect_uri"] == f"{office.begins.replace('http:', 'https:')}/return"


def test_any_worker_finishes_what_another_began(place: Place, persons: None, iam_server: Server) -> None:
    more = settings(iam_server.url, client_id="many", client_secret=PLAIN)
    with server(place.env | more, place.folder / "many", "--workers", "2") as served:
        awaited(lambda: sum(line["message"].startswith("Application startup") for line in served.lines()) == 2)
        office = Office(served, place)
        with registered(iam_server, served.address, "many") as arrive:
            arrive("li.ming")
            for _ in range(6):  # each request on a connection of its own, which goes to whichever worker takes it
                cookies: dict[str, str] = {}
                address, accept = office.begins, {"Accept": "text/html"}
                for _ in range(3):
                    answer = httpx.get(address, cookies=cookies, headers=accept, timeout=60)
                    cookies |= dict(answer.cookies) if address.startswith(served.address) else {}
                    address = answer.headers["Location"]
                assert address == "/" and COOKIE in cookies


def way(office: Office, liar: Liar, visitor: httpx.Client) -> httpx.Response:
    """There and back, as the provider that lies leads it."""
    liar.asked = dict(parse_qsl(urlsplit(visitor.get(office.begins).headers["Location"]).query))
    return office.back(visitor, state=liar.asked["state"], code="a code")


@pytest.fixture
def faithful(misled: tuple[Office, Liar]) -> Iterator[tuple[Office, Liar]]:
    """It lies only while a test lasts."""
    _, liar = misled
    told = dict(vars(liar))
    yield misled
    vars(liar).update(told | {"instead": {}})


def without(name: str) -> Callable[[Claims], object]:
    return lambda claims: claims.pop(name)


def saying(**claimed: Any) -> Callable[[Claims], object]:
    return lambda claims: claims.update(claimed)


def test_the_truth_is_believed_and_the_exchange_is_bound_to_the_way(faithful: tuple[Office, Liar]) -> None:
    office, liar = faithful
    liar.forms.clear()
    for lie in (saying(), saying(aud=[CLIENT]), saying(aud=["b", CLIENT], azp=CLIENT), without("preferred_username")):
        liar.lie = lie
        with office.visitor() as visitor:
            assert way(office, liar, visitor).headers["Location"] == "/"
            assert office.who(visitor) == "li.ming"
    form = liar.forms[-1]
    assert form["code"] == "a code" and form["redirect_uri"] == liar.asked["redirect_uri"]
    assert len(form["code_verifier"]) >= 43 and form["code_verifier"] not in str(liar.asked)
    shown = base64.b64decode(form["by"].removeprefix("Basic ")).decode()
    assert shown == f"{quote_plus(CLIENT)}:{quote_plus(SECRET)}"


@pytest.mark.parametrize(
    "lie",
    [
        saying(nonce="another"), without("nonce"), saying(iss="https://evil.example"), without("iss"),
        saying(aud="another"), saying(aud=["another"], azp=CLIENT), saying(aud=[CLIENT, "b"], azp="b"), without("aud"),
        saying(exp=int(time.time()) - 600), without("exp"), saying(exp="never"), saying(iat=int(time.time()) + 3600),
        without("sub"), saying(at_hash="A" * 22), saying(preferred_username=["li.ming"]),
        saying(preferred_username=" "), saying(preferred_username=True),
    ],
)  # fmt: skip
def test_a_claim_that_does_not_fit_is_not_believed(
    faithful: tuple[Office, Liar], lie: Callable[[Claims], object]
) -> None:
    office, liar = faithful
    liar.lie = lie
    not_believed(office, liar)


@pytest.mark.parametrize("sign", [unsigned, by_the_public_key, by_another_key, altered, lambda *_: "no.to.ken"])
def test_a_token_that_the_provider_did_not_sign_is_not_believed(
    faithful: tuple[Office, Liar], sign: Callable[[Liar, Claims], str]
) -> None:
    office, liar = faithful
    liar.sign = sign
    not_believed(office, liar)


def not_believed(office: Office, liar: Liar) -> None:
    with office.visitor() as visitor:
        assert office.told(way(office, liar, visitor)) == "provider_not_believed"
        assert office.who(visitor) is None
    assert office.last() == ("account.provider_refused", "@?", "?")


def test_what_the_provider_says_besides_must_be_of_the_same_person(faithful: tuple[Office, Liar]) -> None:
    office, liar = faithful
    liar.lie = without("preferred_username")
    for said in (
        b'{"sub": "2", "preferred_username": "li.ming"}',
        b'{"preferred_username": "li.ming"}',
        b'{"sub": "1"}',
    ):
        liar.instead = {"/me": (200, said)}
        not_believed(office, liar)


DISCOVERED = "/.well-known/openid-configuration"
ENDPOINT = b'{"issuer": "%s", "authorization_endpoint": "%s", "token_endpoint": "%s/token", "jwks_uri": "%s/keys"}'


def test_a_provider_that_is_out_of_order_is_told_in_a_sentence(faithful: tuple[Office, Liar]) -> None:
    office, liar = faithful
    here = liar.address.encode()
    answers = [(500, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"{}"), (404, b"{}"), (302, b"{}")]
    answers += [(200, ENDPOINT % (b"https://another.example", here, here, here))]
    answers += [(200, ENDPOINT % (here, b"http://far.example/authorize", here, here))]
    answers += [(200, ENDPOINT % (here, b"javascript:alert(1)", here, here))]
    with office.visitor() as visitor:
        for answer in answers:
            liar.instead = {DISCOVERED: answer}
            assert office.told(visitor.get(office.begins)) == "provider_unreachable", answer
            asked = visitor.get(office.begins, headers={"Accept": "*/*"})
            assert (asked.status_code, asked.json()["code"]) == (502, "provider_unreachable") and NAME in asked.text
        before = office.last()
        for path in ("/token", "/keys"):
            for broken in ((500, b"{}"), (200, b"<html>"), (503, b"")):
                liar.instead = {path: broken}
                assert office.told(way(office, liar, visitor)) == "provider_unreachable", (path, broken)
        assert office.last() == before, "nobody was refused"
        liar.instead = {"/token": (400, b'{"error": "invalid_grant"}')}
        assert office.told(way(office, liar, visitor)) == "provider_not_believed"
        liar.instead = {"/keys": (200, b'{"keys": []}')}
        assert office.told(way(office, liar, visitor)) == "provider_not_believed"
    lines = office.served.lines()
    assert {line["level"] for line in lines} == {"INFO", "WARNING"}
    assert "another issuer" in str(lines) and SECRET not in str(lines) and "a code" not in str(lines)


def test_a_provider_that_is_silent_or_gone_is_told_in_time(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = place.env | settings(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with server(env, place.folder / "silent") as served:
            office = Office(served, place)
            with office.visitor() as visitor:
                start = time.monotonic()
                assert office.told(visitor.get(office.begins)) == "provider_unreachable"
                assert time.monotonic() - start < 15
                silent.close()
                assert office.told(visitor.get(office.begins)) == "provider_unreachable"
            assert "ERROR" not in {line["level"] for line in served.lines()}


def test_attempts_are_counted_by_address(faithful: tuple[Office, Liar]) -> None:
    office, liar = faithful
    with office.visitor(**{"X-Forwarded-For": "192.0.2.77"}) as visitor:
        filled(office, lambda: set_out(office.place.database, "192.0.2.77"))
        assert office.told(visitor.get(office.begins)) == "too_many_attempts"
        assert office.told(office.back(visitor, state="x", code="x")) == "sign_in_not_set_out", (
            "these are counted apart"
        )
        filled(office, lambda: counted(office, "192.0.2.77"))
        before = office.last()
        assert office.told(office.back(visitor, state="x", code="x")) == "too_many_attempts"
        assert office.last() == before
        asked = visitor.get(office.begins, headers={"Accept": "application/json"})
        assert asked.status_code == 429 and "15" in asked.json()["detail"]
    with office.visitor() as elsewhere:
        assert way(office, liar, elsewhere).headers["Location"] == "/"


def counted(office: Office, address: str) -> None:
    with office.place.database.writing() as session:
        count_attempt(session, None, address)


def filled(office: Office, attempt: Callable[[], None]) -> None:
    """All attempts that an address has."""
    with pytest.raises(Problem) as refused:
        for _ in range(201):
            attempt()
    assert refused.value.kind is TOO_MANY_ATTEMPTS


def test_without_a_provider_there_is_none(place: Place) -> None:
    with server(place.env, place.folder / "none") as served:
        assert httpx.get(f"{served.address}/api/v1/about").json()["oidc"] is None
        for path in ("", "/return?state=x&code=x"):
            answer = httpx.get(f"{served.address}/api/v1/sign-in/oidc{path}", headers={"Accept": "text/html"})
            assert (answer.status_code, answer.json()["code"]) == (404, "no_provider")


def test_half_a_setting_is_told_at_the_start(tmp_path: Path) -> None:
    whole = settings("https://sign-in.example")

    def told(language: str, **env: str) -> str:
        env |= {"TIANZHANG_LANG": language, "TIANZHANG_DATA_DIR": str(tmp_path)}
        done = run_command("serve", "--port", "0", env=env, cwd=tmp_path)
        assert done.returncode == 1 and "Traceback" not in done.stderr and SECRET not in done.stderr
        return re.sub(r"\s+", "", done.stderr)

    for missing in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET"):
        half = {name: value for name, value in whole.items() if name != f"TIANZHANG_OIDC_{missing}"}
        assert f"TIANZHANG_OIDC_{missing}ismissing" in told("en", **half)
        assert f"还缺TIANZHANG_OIDC_{missing}。" in told("zh", **half)
    for wrong in (
        "http://sign-in.example",
        "sign-in.example",
        "http://127.0.0.1.sign-in.example",
        "https://",
        "http://[",
    ):
        assert "https://" in told("en", **whole | {"TIANZHANG_OIDC_ISSUER": wrong})
        assert "以https://开头" in told("zh", **whole | {"TIANZHANG_OIDC_ISSUER": wrong})


def test_in_a_browser_by_the_provider_s_own_pages(office: Office, arrive: Registered, browser: Browser) -> None:
    for name in ("li.ming", "a.stranger"):
        arrive(name)
    arrive.iam.logout()
    page = browser.new_page(locale="zh-CN")
    page.set_default_timeout(60_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)

    def by_provider(name: str) -> None:
        page.goto(office.address)
        page.get_by_role("link", name=f"用{NAME}登录").click()
        page.locator("input[name=login]").fill(name)
        page.get_by_role("button", name="Continue").click()
        page.locator("input[name=password]").fill(PHRASE)
        page.get_by_role("button", name="Sign in").click()

    by_provider("a.stranger")
    expect(page.get_by_test_id("sign-in-refused")).to_contain_text("没有与您的用户名同名的账号")
    assert page.url == f"{office.address}/"
    page.context.clear_cookies()
    by_provider("li.ming")
    expect(page.get_by_test_id("unit-name")).to_contain_text(CITY)
    assert page.url == f"{office.address}/"
    held = {cookie["name"]: cookie for cookie in page.context.cookies(office.address)}
    assert set(held) == {COOKIE} and held[COOKIE]["sameSite"] == "Strict" and held[COOKIE]["httpOnly"]
    page.reload()
    expect(page.get_by_test_id("unit-name")).to_contain_text(CITY)
    page.close()
    assert wrong == []
