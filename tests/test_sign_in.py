"""Signing in over HTTP, and what people try against it: guessing, fixation, forged requests, replay. Both databases."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

import httpx
import pytest
from conftest import CITY, TOWN, VILLAGE, Run, serving_here
from sqlalchemy import select
from test_api import refused

from farmland.accounts.accounts import get_account
from farmland.accounts.sign_in import begin, count_attempt, set_password
from farmland.records.clock import present
from farmland.records.database import Base, Database
from farmland.records.ledger import Entry

PHRASE, OTHER_PHRASE = "seven herons over the paddy", "two buffaloes, one gate"
COOKIE = "tianzhang"


@dataclass
class Office:
    """A server with the accounts of a few persons, all with one password."""

    address: str
    run: Run
    database: Database

    def browser(self, **headers: str) -> httpx.Client:
        """A browser on the system's own page."""
        said = {"Origin": self.address, "Accept-Language": "en"} | headers
        return httpx.Client(base_url=f"{self.address}/api/v1", headers=said, timeout=60)

    def signed_in(self, account: str = "li.ming") -> httpx.Client:
        browser = self.browser()
        assert enter(browser, account).is_success
        return browser

    def events(self, subject: str) -> list[str]:
        with self.database.reading() as session:
            return list(session.scalars(select(Entry.event).where(Entry.subject == subject).order_by(Entry.seq)))


@pytest.fixture
def office(small_city: Database, tianzhang: Run, command_env: dict[str, str]) -> Iterator[Office]:
    with serving_here(command_env) as address:
        made = Office(address, tianzhang, small_city)
        code = invited(tianzhang("users", "add", "li.ming", "--full-name", "李明", "--role", "officer", "--unit", CITY))
        with made.browser() as browser:
            assert activate(browser, "li.ming", code, PHRASE).is_success
        yield made


def invited(done: subprocess.CompletedProcess[str]) -> str:
    """The activation code that the command shows."""
    assert done.returncode == 0, done.stderr
    found = re.search(r"\b(?:[0-9A-Z]{4}-){2,}[0-9A-Z]{4}\b", done.stdout)
    assert found, done.stdout
    return found[0]


def enter(browser: httpx.Client, account: str = "li.ming", password: str = PHRASE, **more: object) -> httpx.Response:
    return browser.post("/sign-in", json={"account": account, "password": password, **more})


def activate(browser: httpx.Client, account: str, code: str, password: str) -> httpx.Response:
    return browser.post("/activation", json={"account": account, "code": code, "password": password})


def test_what_the_browser_is_given(office: Office) -> None:
    browser = office.browser()
    given = enter(browser).headers["set-cookie"]
    name, _, rest = given.partition("=")
    assert name == COOKIE and "domain" not in rest.lower() and "max-age" not in rest.lower()
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(rest.split("; ")) and "Secure" not in rest
    kept = enter(browser, keep=True).headers["set-cookie"]
    assert 29 * 86400 < int(re.findall(r"Max-Age=(\d+)", kept)[0]) <= 30 * 86400
    safe = enter(office.browser(**{"X-Forwarded-Proto": "https"})).headers["set-cookie"]
    assert safe.startswith(f"__Host-{COOKIE}=") and "Secure" in safe.split("; ")
    me = browser.get("/me").json()
    assert (me["account"], me["full_name"], me["home"]["code"]) == ("li.ming", "李明", CITY)
    assert PHRASE not in browser.get("/me").text


def test_a_planted_sign_in_is_not_taken_over(office: Office) -> None:
    """Fixation: what a browser held before the sign-in is never what it holds after, and is dead."""
    attacker = office.browser()
    for planted in ("x" * 43, "", "' OR 1=1 --", "\x7f"):
        victim = office.browser()
        victim.cookies.set(COOKIE, planted)
        assert enter(victim).is_success
        given = victim.cookies.jar
        assert planted not in [cookie.value for cookie in given if cookie.domain != ""]
        attacker.cookies.set(COOKIE, planted)
        assert refused(attacker.get("/me"), 401, "sign_in_ended" if planted else "not_signed_in")
        attacker.cookies.clear()
    before = enter(attacker, "nobody")  # a refused sign-in gives nothing
    assert "set-cookie" not in before.headers


def test_signing_in_again_ends_what_the_browser_held(office: Office) -> None:
    browser = office.signed_in()
    first = dict(browser.cookies)
    assert enter(browser).is_success
    assert dict(browser.cookies) != first
    refused(httpx.get(f"{office.address}/api/v1/me", cookies=first), 401, "sign_in_ended")


FOREIGN: list[dict[str, str]] = [
    {},
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
]


def test_a_change_asked_by_a_foreign_page_is_refused(office: Office) -> None:
    """CSRF: with the victim's cookie, whatever the foreign page can say of itself; signing in too."""
    victim = office.signed_in()
    before = office.events("@li.ming")
    asked = [("/sign-out/everywhere", None), ("/claims", {}), ("/sign-in", {"account": "a", "password": "b"})]
    for said in FOREIGN:
        headers = {name: office.address if value == "OWN" else value for name, value in said.items()}
        for path, body in asked:
            request = victim.build_request("POST", path, json=body)
            del request.headers["Origin"]
            request.headers.update(headers)
            assert "own page" in refused(victim.send(request), 403, "foreign_page"), said
    form = victim.build_request("POST", "/sign-out", data={"a": "b"})
    form.headers["Origin"] = "https://evil.example"
    refused(victim.send(form), 403, "foreign_page")
    assert victim.get("/me").is_success, "the sign-in lives on"
    assert not {"account.signed_out_everywhere", "account.signed_out"} & set(office.events("@li.ming")[len(before) :])


def test_the_system_s_own_page_may(office: Office) -> None:
    victim = office.signed_in()
    request = victim.build_request("POST", "/sign-out/everywhere", headers={"Sec-Fetch-Site": "same-origin"})
    del request.headers["Origin"]
    assert victim.send(request).json()["ended"] == 2  # with that of the activation


def test_no_page_of_another_origin_reads_an_answer(office: Office) -> None:
    victim = office.signed_in()
    for method in ("GET", "OPTIONS"):
        answer = victim.request(method, "/me", headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_nothing_is_replayed_after_the_end_of_a_sign_in(office: Office) -> None:
    def ended(way: Callable[[httpx.Client], object]) -> None:
        browser = office.signed_in()
        held = dict(browser.cookies)
        assert browser.get("/me").is_success
        way(browser)
        answer = httpx.get(f"{office.address}/api/v1/me", cookies=held)
        refused(answer, 401, "sign_in_ended")

    ended(lambda browser: browser.post("/sign-out").raise_for_status())
    ended(lambda browser: browser.post("/sign-out/everywhere").raise_for_status())
    ended(lambda browser: office.signed_in().post("/sign-out/everywhere").raise_for_status())
    ended(lambda browser: office.run("users", "sign-out", "li.ming"))
    change = {"old": PHRASE, "new": OTHER_PHRASE}
    ended(lambda browser: browser.put("/me/password", json=change).raise_for_status())
    with office.browser() as browser:
        refused(enter(browser), 401, "sign_in_refused")
        assert enter(browser, password=OTHER_PHRASE).is_success
    with office.database.writing() as session:
        set_password(session, get_account(session, "li.ming"), PHRASE, actor="test")
    ended(lambda browser: office.run("users", "shut", "li.ming"))


def test_a_sign_in_ends_by_itself(office: Office) -> None:
    with office.database.writing() as session:
        account = get_account(session, "li.ming")
        secret, _ = begin(session, account, timedelta(seconds=-1), "account.signed_in")
    refused(httpx.get(f"{office.address}/api/v1/me", cookies={COOKIE: secret}), 401, "sign_in_ended")


def test_only_hashes_of_secrets_are_kept(office: Office) -> None:
    browser = office.signed_in()
    secret = browser.cookies[COOKIE]
    token = office.run("token", "add", "the town", "--unit", TOWN).stdout.strip()
    code = invited(office.run("users", "invite", "li.ming"))
    with office.database.reading() as session:
        held = "\n".join(str(row) for table in Base.metadata.sorted_tables for row in session.execute(select(table)))
    assert "li.ming" in held
    for text in (secret, token, code, code.replace("-", ""), PHRASE):
        assert text not in held


def test_an_answer_tells_nothing_of_which_accounts_there_are(office: Office) -> None:
    """Enumeration: unknown, wrong, not activated, shut: one answer, and alike in time."""
    office.run("users", "add", "new.one", "--role", "leader")
    office.run("users", "add", "shut.one", "--role", "leader")
    office.run("users", "shut", "shut.one")
    took: dict[str, list[float]] = {}
    told = set()
    with office.browser() as browser:
        for turn in range(5):
            for name in ("li.ming", "new.one", "shut.one", "nobody", "不 是 名字", "x" * 99):
                start = time.perf_counter()
                # Each from an address of its own, so that none is throttled.
                headers = {"X-Forwarded-For": f"192.0.2.{10 * turn + len(took)}"}
                answer = browser.post("/sign-in", json={"account": name, "password": "wrong"}, headers=headers)
                took.setdefault(name, []).append(time.perf_counter() - start)
                told.add((answer.status_code, answer.text, str(sorted(dict(answer.headers).keys()))))
        codes = {
            (answer.status_code, answer.text)
            for name in ("li.ming", "new.one", "shut.one", "nobody")
            for answer in [activate(browser, name, "ABCD-EFGH-JKLM", "three frogs on a wet stone")]
        }
    assert len(told) == 1 and len(codes) == 1
    middle = {name: median(times) for name, times in took.items()}
    # Without the same work for a name that does not exist the ratio would be some ten and more.
    assert max(middle.values()) < 3 * min(middle.values()), middle


def test_guessing_is_throttled_by_name_and_address_alike_for_names_that_do_not_exist(office: Office) -> None:
    for name in ("li.ming", "nobody"):
        with office.browser() as browser:
            for _ in range(5):
                refused(enter(browser, name, "wrong"), 401, "sign_in_refused")
            assert "15 minutes" in refused(enter(browser, name), 429, "too_many_attempts")
    with office.browser(**{"X-Forwarded-For": "192.0.2.7"}) as elsewhere:
        assert enter(elsewhere).is_success, "nobody is shut out by another's guessing"
        with office.database.writing() as session:
            for n in range(198):
                count_attempt(session, f"n{n}", "192.0.2.7")
        refused(enter(elsewhere, "another", "wrong"), 401, "sign_in_refused")
        refused(enter(elsewhere, "one more", "wrong"), 429, "too_many_attempts")
    assert office.events("@li.ming").count("account.sign_in_refused") == 5


def test_many_guesses_at_once_are_counted_too(office: Office) -> None:
    def guess(n: int) -> int:
        with office.browser() as browser:
            return enter(browser, "li.ming", f"wrong {n}").status_code

    with ThreadPoolExecutor(8) as together:
        codes = list(together.map(guess, range(16)))
    assert sorted(codes) == [401] * 5 + [429] * 11


def test_an_activation_code_is_used_once_and_not_after_its_day(office: Office) -> None:
    first = invited(office.run("users", "add", "new.one", "--role", "inspector", "--unit", VILLAGE))
    second = invited(office.run("users", "invite", "new.one"))
    with office.browser() as browser:
        refused(activate(browser, "new.one", first, PHRASE), 401, "code_refused")
        assert "common" in refused(activate(browser, "new.one", second, "password123"), 422, "password_common")
        assert "new.one" in refused(activate(browser, "new.one", second, "I am new.one here"), 422, "password_has_name")
        assert "10" in refused(activate(browser, "new.one", second, "short"), 422, "password_too_short")
        assert activate(browser, "new.one", second.lower().replace("-", " "), PHRASE).is_success
        assert browser.get("/me").json()["rights"][0]["unit_code"] == VILLAGE
        refused(activate(browser, "new.one", second, OTHER_PHRASE), 401, "code_refused")
        late = invited(office.run("users", "invite", "new.one"))
        with office.database.writing() as session:
            get_account(session, "new.one").code_until = present() - timedelta(seconds=1)
        refused(activate(browser, "new.one", late, OTHER_PHRASE), 401, "code_refused")
        assert enter(browser, "new.one").is_success, "the password holds while a code is not used"


def test_a_password_set_by_somebody_else_must_be_changed_first(office: Office) -> None:
    with office.database.writing() as session:
        set_password(session, get_account(session, "li.ming"), OTHER_PHRASE, actor="tianzhang users")
    with office.browser() as browser:
        assert enter(browser, password=OTHER_PHRASE).json()["must_change_password"]
        for path in ("/units", "/progress", "/accounts", "/claims"):
            refused(browser.get(path), 403, "password_change_due")
        same = {"old": OTHER_PHRASE, "new": OTHER_PHRASE}
        refused(browser.put("/me/password", json=same), 422, "password_unchanged")
        refused(browser.put("/me/password", json={"old": "wrong", "new": PHRASE}), 403, "old_password_wrong")
        assert browser.put("/me/password", json={"old": OTHER_PHRASE, "new": PHRASE}).is_success
        assert browser.get("/units").is_success


def test_a_lost_password_of_the_administrator_is_reset_on_the_server(office: Office) -> None:
    lost = invited(office.run("users", "add", "root", "--role", "administrator"))
    with office.browser() as browser:
        assert activate(browser, "root", lost, PHRASE).is_success
        held = dict(browser.cookies)
    code = invited(office.run("users", "invite", "root"))
    with office.browser() as browser:
        assert activate(browser, "root", code, OTHER_PHRASE).is_success
        assert "accounts" in browser.get("/me").json()["actions"]
    refused(httpx.get(f"{office.address}/api/v1/me", cookies=held), 401, "sign_in_ended")


def test_what_happens_to_an_account_is_in_the_ledger(office: Office) -> None:
    start = len(office.events("@li.ming"))
    browser = office.signed_in()
    refused(browser.get("/accounts"), 403, "not_your_role")
    browser.post("/sign-out").raise_for_status()
    refused(enter(browser, password="wrong"), 401, "sign_in_refused")
    office.run("users", "grant", "li.ming", "--role", "auditor", "--unit", TOWN)
    office.run("users", "ungrant", "li.ming", "--role", "auditor", "--unit", TOWN)
    office.run("users", "shut", "li.ming")
    assert office.events("@li.ming")[start:] == [
        "account.signed_in",
        "access.refused",
        "account.signed_out",
        "account.sign_in_refused",
        "account.granted",
        "account.grant_ended",
        "account.disabled",
        "account.signed_out_everywhere",
    ]
    with office.database.reading() as session:
        entry = session.scalars(select(Entry).where(Entry.event == "access.refused")).one()
        assert "not_your_role" in str(entry.after) and "GET /accounts" in str(entry.after)
    assert office.run("verify").returncode == 0


def test_whoever_asks_for_too_much_that_is_not_theirs_is_answered_no_more(office: Office) -> None:
    browser = office.signed_in()
    for _ in range(100):
        assert browser.get("/accounts").status_code == 403
    refused(browser.get("/accounts"), 429, "too_many_attempts")
    assert browser.get("/units").is_success, "what is theirs goes on"
    assert office.events("@li.ming").count("access.refused") == 100


def test_a_token_is_scoped_and_withdrawn_at_once_and_its_last_use_is_known(
    small_city: Database, tianzhang: Run, command_env: dict[str, str]
) -> None:
    secret = tianzhang("token", "add", "the town", "--unit", TOWN, "--may", "report").stdout.strip()
    unused = tianzhang("token", "add", "unused", "--unit", TOWN).stdout.strip()
    assert unused != secret
    headers = {"Authorization": f"Bearer {secret}", "Accept-Language": "en"}
    with serving_here(command_env) as address, httpx.Client(base_url=f"{address}/api/v1", headers=headers) as program:
        assert program.get(f"/units/{VILLAGE}").is_success
        refused(program.get(f"/units/{CITY}"), 403, "not_your_unit")
        refused(program.get("/accounts"), 403, "not_your_role")
        refused(program.post("/sign-out"), 403, "persons_only")
        tianzhang("token", "revoke", "the town")
        refused(program.get(f"/units/{VILLAGE}"), 401, "token_unknown")
        refused(program.get("/units", headers={"Authorization": "Bearer x"}), 401, "token_unknown")
        again = tianzhang("token", "add", "the town again", "--unit", TOWN).stdout.strip()
        assert program.get(f"/units/{VILLAGE}", headers={"Authorization": f"Bearer {again}"}).is_success
    rows = [re.split(r"\s{2,}|\t", line.strip()) for line in tianzhang("token", "list").stdout.splitlines()]
    lines = {row[0]: row[-1] for row in rows}
    assert set(lines) == {"unused", "the town again"}
    assert lines["unused"] == "-" and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", lines["the town again"])
