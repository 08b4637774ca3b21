"""Running the server: whether it lives, what it counts and writes down, what it refuses. On real sockets, both databases."""

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import shapely
from conftest import (
    FAR_VILLAGE,
    VILLAGE,
    cleared,
    free_port,
    make_small_city,
    module_database_url,
    ready,
    run_command,
    until_answered,
)
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from test_api import FIELD, HALF, body, refused, valid
from test_evidence import PDF

from api.answers import BODY_MB
from api.health import Health, Readiness
from farmland.accounts.tokens import add_token
from farmland.keeping.prepare import prepare
from farmland.people.roles import Action
from farmland.records import city
from farmland.records.database import VERSION, Database
from farmland.records.ledger import head

SECRET = "张三丰的大豆"
FAR = shapely.box(111.760, 27.250, 111.762, 27.252)


@dataclass
class Served:
    """A server that runs: its address, and the file that has what it says."""

    address: str
    log: Path
    watcher: dict[str, str] = field(default_factory=dict)

    def lines(self) -> list[dict[str, Any]]:
        """The lines of the log that are whole."""
        return [json.loads(line) for line in self.log.read_text().rpartition("\n")[0].splitlines()]

    def line(self, number: str) -> dict[str, Any]:
        """The line of the request with that number, which is written when its answer was sent."""
        found = awaited(lambda: [one for one in self.lines() if one.get("request_id") == number and "status" in one])
        return found[0]


def awaited(ask: Callable[[], Any]) -> Any:
    """What something says as soon as it says anything."""
    deadline = time.monotonic() + 30
    while not (said := ask()):
        assert time.monotonic() < deadline, "it never came"
    return said


@contextmanager
def server(env: dict[str, str], log: Path, *words: str) -> Iterator[Served]:
    """The command `tianzhang serve` with these settings, until the end, its log in a file."""
    port = free_port()
    log.write_bytes(b"")
    process = ready().start(["serve", "--port", str(port), *words], cleared() | env, log.parent, err=str(log))
    address = f"http://127.0.0.1:{port}"
    try:
        until_answered(f"{address}/health", process)
        yield Served(address, log)
    finally:
        process.terminate()
        process.wait(30)


@dataclass
class Place:
    """A city of its own: its database, the settings that lead there, its folder."""

    database: Database
    env: dict[str, str]
    folder: Path


@pytest.fixture(scope="module", params=["sqlite", "postgis"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The small city, with folders for data and evidence; what a test changes in it, it puts back."""
    yield from small_place(request, tmp_path_factory.mktemp("operations"))


def small_place(request: pytest.FixtureRequest, folder: Path) -> Iterator[Place]:
    """The small city on a database of the kind that the request's parameter names, for all tests of a module."""
    url = module_database_url(request, folder)
    database = Database(url)
    prepare(database)
    make_small_city(database)
    env = {
        "TIANZHANG_DATABASE_URL": url,
        "TIANZHANG_DATA_DIR": str(folder / "data"),
        "TIANZHANG_EVIDENCE": str(folder / "evidence"),
        "TIANZHANG_LANG": "en",
        "TIANZHANG_LOG": "json",
    }
    yield Place(database, env, folder)
    database.close()


@pytest.fixture(scope="module")
def served(place: Place) -> Iterator[Served]:
    with place.database.writing() as session:
        now = city.next_moment(session)
        _, secret = add_token(session, "prometheus", None, [Action.OPERATE], now, actor="a test")
    with server(place.env, place.folder / "log") as running:
        running.watcher = {"Authorization": f"Bearer {secret}"}
        yield running


@pytest.fixture(scope="module")
def office(served: Served, place: Place) -> Iterator[httpx.Client]:
    """A client with a token for the whole city, and in the city a claim named A."""
    with place.database.writing() as session:
        _, secret = add_token(session, "office", None, Action, city.next_moment(session), actor="a test")
    headers = {"Authorization": f"Bearer {secret}", "Accept-Language": "en"}
    with httpx.Client(base_url=f"{served.address}/api/v1", headers=headers, timeout=60) as client:
        assert client.post("/claims", json=body(FIELD, number="A")).status_code == 201
        yield client


def counted(served: Served) -> dict[tuple[str, ...], float]:
    """What /metrics says: by name and the values of its labels."""
    said = httpx.get(f"{served.address}/metrics").raise_for_status().text
    families = text_string_to_metric_families(said)
    return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


@contextmanager
def renamed(database: Database) -> Iterator[None]:
    """While this lasts, the PostgreSQL database is not found under its name."""
    url = database.url
    database.close()
    with psycopg.connect(f"postgresql://{url.username}@{url.host}:{url.port}/postgres", autocommit=True) as connection:
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.database}'"
        connection.execute(end)
        connection.execute(f"ALTER DATABASE {url.database} RENAME TO {url.database}_gone")
        try:
            yield
        finally:
            connection.execute(f"ALTER DATABASE {url.database}_gone RENAME TO {url.database}")


def test_it_lives_and_is_ready_or_says_what_it_lacks(served: Served, place: Place) -> None:
    def ready(status: int = 200) -> set[str]:
        """What is lacking."""
        checks = valid(Readiness, httpx.get(f"{served.address}/ready"), status)
        return {name for name, well in checks.items() if not well and name != "ready"}

    valid(Health, httpx.get(f"{served.address}/health"))
    assert ready() == set()
    for name, lacks in (("evidence", {"evidence"}), ("data", {"data_folder"})):
        (place.folder / name).rename(place.folder / "away")
        assert ready(503) == lacks
        (place.folder / "away").rename(place.folder / name)
    change(place.database, "UPDATE alembic_version SET version_num = '0001'")
    assert ready(503) == {"tables"}
    change(place.database, f"UPDATE alembic_version SET version_num = '{VERSION}'")
    assert ready() == set()
    if place.database.url.get_backend_name() == "postgresql":
        with renamed(place.database):
            assert ready(503) == {"database", "tables"}
            assert counted(served)["tianzhang_database_up",] == 0
            valid(Health, httpx.get(f"{served.address}/health"))
        assert ready() == set()


def change(database: Database, *statements: str) -> None:
    with database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_what_is_counted_is_by_route_and_without_codes(served: Served, office: httpx.Client, place: Place) -> None:
    unit = "/api/v1/units/{code}"
    names: list[tuple[str, ...]] = [
        ("tianzhang_requests_total", unit, "200", "GET"),
        ("tianzhang_requests_total", unit, "404", "GET"),
        ("tianzhang_requests_total", "/api/v1/claims/preview", "200", "POST"),
        ("tianzhang_requests_total", "/{path}", "405", "OTHER"),
        ("tianzhang_request_seconds_count", unit, "GET"),
        ("tianzhang_request_seconds_bucket", "+Inf", unit, "GET"),
    ]
    before = counted(served)
    assert office.get(f"/units/{VILLAGE}").is_success
    assert office.get("/units/430582999999").status_code == 404
    assert office.post("/claims/preview", json=body(HALF)).is_success
    assert httpx.request("WINK", f"{served.address}/api/v1/{VILLAGE}").status_code == 405

    def settled() -> dict[tuple[str, ...], float] | None:
        """The counts, when all that was asked above is counted and over."""
        now = counted(served)
        more = [now.get(name, 0) - before.get(name, 0) for name in names]
        over = now["tianzhang_requests_in_progress",] == 1 and now["tianzhang_database_connections_in_use",] == 0
        return now if more == [1, 1, 1, 1, 2, 2] and over else None

    now = awaited(settled)
    received = now["tianzhang_received_bytes_total",] - before["tianzhang_received_bytes_total",]
    assert 100 < received < 1000
    assert now["tianzhang_database_up",] == 1
    with place.database.reading() as session:
        assert now["tianzhang_ledger_entries",] == head(session)[0] > 0
    assert 0 <= now["tianzhang_ledger_last_entry_age_seconds",] < 300
    assert now["process_resident_memory_bytes",] > 0
    assert "430582" not in httpx.get(f"{served.address}/metrics").text


def test_other_machines_need_a_right_to_the_metrics(served: Served, office: httpx.Client) -> None:
    far = {"X-Forwarded-For": "192.0.2.9"}
    assert httpx.get(f"{served.address}/metrics", headers=far).status_code == 401
    assert httpx.get(f"{served.address}/metrics", headers=far | {"Authorization": "Bearer tz_no"}).status_code == 401
    may = far | served.watcher
    assert "tianzhang_requests_total" in httpx.get(f"{served.address}/metrics", headers=may).text
    assert office.get("/me", headers=served.watcher).json()["actions"] == ["operate", "read"]


def test_several_workers_answer_and_count_together(place: Place) -> None:
    with server(place.env, place.folder / "workers", "--workers", "2") as many:
        awaited(lambda: sum(line["message"].startswith("Application startup") for line in many.lines()) == 2)
        for _ in range(20):  # each on a connection of its own, which goes to whichever worker takes it
            assert httpx.get(f"{many.address}/api/v1/about").is_success
        name = ("tianzhang_requests_total", "/api/v1/about", "200", "GET")
        awaited(lambda: counted(many)[name] == 20 and counted(many)["tianzhang_requests_in_progress",] == 1)
    assert "Stopping parent process" in many.lines()[-1]["message"]


def test_the_log_has_a_line_for_each_request_and_nobody_in_it(served: Served, office: httpx.Client) -> None:
    number = office.get(f"/units/{VILLAGE}", params={"lang": "hush-secret"}).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", number)
    given = {"from-the-proxy-1": True, "short": False, "a" * 65: False, "with space in it": False, "字" * 10: False}
    for value, taken in given.items():
        answer = office.get("/about", headers={"X-Request-ID": value.encode()})
        assert (answer.headers["X-Request-ID"] == value) is taken
    made = office.post("/claims", json=body(FAR, FAR_VILLAGE, crop=SECRET, number="SECRET-7"))
    assert made.status_code == 201
    assert office.get("/claims/SECRET-7").is_success
    line = served.line(number)
    told = {"level", "message", "time", "request_id", "method", "route", "status", "duration_ms", "bytes"}
    assert set(line) == told
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/units/{code}", 200)
    assert line["bytes"] > 0 and line["duration_ms"] > 0
    assert served.line(made.headers["X-Request-ID"])["status"] == 201
    written = served.log.read_text()
    token = office.headers["Authorization"].split()[1]
    for word in (VILLAGE, "hush", "secret", "SECRET-7", SECRET, "office", "127.0.0.1", token, "111.7"):
        assert word not in written, word


def test_a_fault_is_written_down_without_what_was_entered(served: Served, office: httpx.Client, place: Place) -> None:
    on_sqlite = place.database.url.get_backend_name() == "sqlite"
    assert office.post("/claims", json=body(FAR, FAR_VILLAGE, crop=f"{SECRET}2")).status_code == 201
    change(place.database, f"CREATE UNIQUE INDEX one_crop ON claim (crop) WHERE crop = '{SECRET}2'")
    twice = office.post("/claims", json=body(FAR, FAR_VILLAGE, crop=f"{SECRET}2"))
    assert twice.headers["X-Request-ID"] in refused(twice, 500, "internal_error")
    assert "Content-Security-Policy" in twice.headers and "no-store" in twice.headers["Cache-Control"]
    change(place.database, "DROP INDEX one_crop", "ALTER TABLE claim_step RENAME TO claim_step_gone")
    gone = office.get("/claims", headers={"Accept-Language": "zh"})
    assert gone.headers["X-Request-ID"] in refused(gone, 500, "internal_error")
    change(place.database, "ALTER TABLE claim_step_gone RENAME TO claim_step")
    assert office.get("/claims").is_success
    faults = {line["request_id"]: line["error"] for line in served.lines() if line["message"] == "fault"}
    kinds = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_ERROR") if on_sqlite else ("UniqueViolation", "UndefinedTable")
    for answer, kind in zip((twice, gone), kinds, strict=True):
        fault = faults[answer.headers["X-Request-ID"]]
        assert kind in fault and "/api/routes/claims.py" in fault, fault
    written = served.log.read_text()
    assert SECRET not in written and json.dumps(SECRET).strip('"') not in written


def test_what_the_evidence_store_cannot_do_is_quoted_with_its_number(
    served: Served, office: httpx.Client, place: Place
) -> None:
    (place.folder / "evidence").rename(place.folder / "away")
    (place.folder / "evidence").write_text("no folder")
    answer = office.post("/claims/A/evidence", content=PDF)
    (place.folder / "evidence").unlink()
    (place.folder / "away").rename(place.folder / "evidence")
    assert answer.headers["X-Request-ID"] in refused(answer, 500, "evidence_store_fault")
    (line,) = [line for line in served.lines() if line["message"] == "evidence_store_fault"]
    assert (line["level"], line["request_id"]) == ("ERROR", answer.headers["X-Request-ID"])


def converse(address: str, request: bytes) -> bytes:
    """What a server answers to bytes on a socket, until it ends the connection."""
    host, port = address.removeprefix("http://").split(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(request)
        while part := line.recv(65_536):
            answer += part
    return answer


def test_too_large_a_body_is_refused_before_it_is_read(served: Served, office: httpx.Client) -> None:
    start = (
        f"POST /api/v1/claims HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: {office.headers['Authorization']}\r\n"
    )
    announced = converse(served.address, f"{start}Content-Length: {BODY_MB * 1_000_000 + 1}\r\n\r\n".encode())
    parts = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    chunked = converse(
        served.address, f"{start}Transfer-Encoding: chunked\r\n\r\n".encode() + parts * 20 + b"0\r\n\r\n"
    )
    for answer in (announced, chunked):
        top, _, rest = answer.lower().partition(b"\r\n\r\n")
        assert top.startswith(b"http/1.1 413 ") and b"application/problem+json" in top
        assert b"connection: close" in top and b"content-security-policy" in top
        assert json.loads(rest)["code"] == "body_too_large"
    almost = {"crop": " " * (BODY_MB * 1_000_000 - 2000)}
    refused(office.post("/claims", json=body(FIELD, **almost)), 422, "invalid_request")
    large = PDF + bytes((BODY_MB + 4) * 1_000_000)
    assert office.post("/claims/A/evidence", content=large).status_code == 201
    refused(office.post("/claims/A/evidence", content=bytes(21_000_000)), 413, "too_large")


def test_too_long_an_address_or_header_is_refused_and_the_server_lives_on(served: Served) -> None:
    close = b"Host: x\r\nConnection: close\r\n"
    for request in (
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + close + b"\r\n",
        b"GET /api/v1/claims?reason=" + b"a" * 20_000 + b" HTTP/1.1\r\n" + close + b"\r\n",
        b"GET / HTTP/1.1\r\n" + close + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + close + b"X: a\r\n" * 4000 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + close + b"X: " + b"a" * 1_000_000,
        b"nonsense\r\n\r\n",
    ):
        try:
            answer = converse(served.address, request)
        except ConnectionError:  # it was refused while it was sent
            continue
        assert re.match(rb"HTTP/1.1 4(00|31) ", answer), answer[:200]
    before = len(served.lines())
    for path in ("%00", "assets/%00", "%ff%fe", "../../etc/passwd", "tiles/..%2f..%2fetc%2fpasswd"):
        answer = converse(served.address, f"GET /{path} HTTP/1.1\r\n".encode() + close + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 404 ")
    assert httpx.get(f"{served.address}/health").is_success
    assert {line["level"] for line in served.lines()[before:]} == {"INFO"}


def test_what_every_answer_carries(served: Served, office: httpx.Client) -> None:
    page = httpx.get(served.address)
    asset = httpx.get(served.address + re.findall(r'src="(/assets/[^"]+)"', page.text)[0])
    missing = httpx.get(f"{served.address}/assets/none.js")
    data, wrong = office.get("/claims"), office.get("/claims/none")
    tried = office.post("/claims/preview", json=body(HALF))
    assert page.is_success and asset.is_success and data.is_success and tried.is_success
    for answer in (page, asset, missing, data, wrong, tried):
        policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
        for kind in ("script-src", "style-src", "connect-src", "worker-src", "form-action"):
            assert policy[kind] == "'self'"
        for kind in ("default-src", "object-src", "base-uri", "frame-ancestors"):
            assert policy[kind] == "'none'"
        assert "http" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "geolocation=(self), camera=(self)" in answer.headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in answer.headers and "Server" not in answer.headers
    assert page.headers["Cache-Control"] == data.headers["Cache-Control"] == "private, no-cache"
    assert "immutable" in asset.headers["Cache-Control"]
    for answer in (missing, wrong, tried):
        assert answer.headers["Cache-Control"] == "private, no-store"


def test_only_the_named_proxy_is_believed(served: Served, place: Place) -> None:
    safe = {"X-Forwarded-Proto": "https"}
    assert "max-age" in httpx.get(f"{served.address}/health", headers=safe).headers["Strict-Transport-Security"]
    others = {"TIANZHANG_PROXY": "192.0.2.7, 10.0.0.0/8", "TIANZHANG_LOG": "text"}
    with server(place.env | others, place.folder / "text") as other:
        answer = httpx.get(f"{other.address}/api/v1/units/{VILLAGE}", headers=safe | served.watcher)
        assert "Strict-Transport-Security" not in answer.headers
    line = next(line for line in other.log.read_text().splitlines() if answer.headers["X-Request-ID"] in line)
    assert " INFO GET /api/v1/units/{code} 200 " in line and VILLAGE not in other.log.read_text()


def test_wrong_settings_are_told(place: Place) -> None:
    for name, value in (("TIANZHANG_PROXY", "my proxy"), ("TIANZHANG_PROXY", "*"), ("TIANZHANG_LOG", "loud")):
        done = run_command("serve", "--port", "0", env=place.env | {name: value}, cwd=place.folder)
        assert done.returncode == 1 and name in done.stderr and value in done.stderr
        assert "Traceback" not in done.stderr
