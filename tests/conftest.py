"""Real databases, a real server, a real browser: what the tests run on."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
import shapely
import uvicorn
from hypothesis import settings
from playwright.sync_api import Browser, expect, sync_playwright
from ready import Ready, Running
from xdist.scheduler import LoadFileScheduling

from api.app import create_app
from api.settings import load_settings
from farmland.keeping.prepare import prepare
from farmland.keeping.tables import Unit
from farmland.land.units import level_of, parent_of
from farmland.records.clock import SHANGHAI
from farmland.records.database import Database, table_of
from farmland.records.ledger import restate
from farmland.restoration.targets import Target, allocate
from farmland.restoration.thresholds import Thresholds
from geodata.area import area_m2
from geodata.column import write

Run = Callable[..., subprocess.CompletedProcess[str]]


# A moment's disturbance makes no test fail: other tests run beside each.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


class ByCity(LoadFileScheduling):
    """A file stays in one process; what runs on a demonstration city with all that runs on it, so that it is made once."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        kind = "sqlite" if "sqlite" in nodeid.rpartition("[")[2] else "postgis"
        shared = ("test_demonstration", "test_web", "test_web_accounts")
        return f"demonstration on {kind}" if Path(file).stem in shared else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByCity:
    """How tests are divided between processes."""
    return ByCity(config, log)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of our own in a temporary folder; its address without a database."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert programs, "PostgreSQL with PostGIS is missing: apt-get install postgresql-15-postgis-3"
    bin_folder = programs[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="tianzhang-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    port = free_port()
    data = folder / "data"
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
    subprocess.run(
        [*as_user, bin_folder / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale"],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    control = [*as_user, bin_folder / "pg_ctl", "-D", data, "-w"]
    subprocess.run(
        [*control, "-l", folder / "log", "-o", options, "start"], check=True, cwd=folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"postgres@127.0.0.1:{port}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgis"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'tianzhang.sqlite'}"
        return
    server = request.getfixturevalue("postgres")
    name = f"t{uuid.uuid4().hex}"
    on_server(server, f"CREATE DATABASE {name} STRATEGY file_copy")
    yield f"postgresql+psycopg://{server}/{name}"
    on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


def module_database_url(request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of an empty database of the kind that the request's parameter names, for all tests of a module."""
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'tianzhang.sqlite'}"
    server = request.getfixturevalue("postgres")
    name = f"m{uuid.uuid4().hex}"
    on_server(server, f"CREATE DATABASE {name}")
    return f"postgresql+psycopg://{server}/{name}"


def on_server(server: str, *statements: str) -> None:
    with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(scope="session")
def prepared_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the migrations prepared, to be copied: they take longer than most tests."""
    path = tmp_path_factory.mktemp("prepared") / "tianzhang.sqlite"
    prepare_at(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def prepared_postgis(postgres: str) -> str:
    """The same on PostgreSQL: the name of a database to be copied."""
    on_server(postgres, "CREATE DATABASE prepared STRATEGY file_copy")
    prepare_at(f"postgresql+psycopg://{postgres}/prepared")
    return "prepared"


def prepare_at(url: str) -> None:
    made = Database(url)
    prepare(made)
    made.close()  # the last to leave writes SQLite's journal into the file; PostgreSQL copies only what nobody uses


@pytest.fixture
def database(request: pytest.FixtureRequest, database_url: str) -> Iterator[Database]:
    """A prepared database without records."""
    made = Database(database_url)
    assert made.url.database
    if made.url.get_backend_name() == "sqlite":
        shutil.copyfile(request.getfixturevalue("prepared_sqlite"), made.url.database)
    else:
        name, template = made.url.database, request.getfixturevalue("prepared_postgis")
        on_server(
            request.getfixturevalue("postgres"),
            f"DROP DATABASE {name}",
            f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy",
        )
    yield made
    made.close()


CITY, TOWN, OTHER_TOWN = "430582000000", "430582104000", "430582105000"
VILLAGE, NEXT_VILLAGE, FAR_VILLAGE = "430582104203", "430582104204", "430582105201"
START = datetime(2022, 3, 1, 9, tzinfo=SHANGHAI)
SQUARES = {
    CITY: shapely.box(111.70, 27.20, 111.80, 27.30),
    TOWN: shapely.box(111.70, 27.20, 111.75, 27.30),
    OTHER_TOWN: shapely.box(111.75, 27.20, 111.80, 27.30),
    VILLAGE: shapely.box(111.70, 27.20, 111.725, 27.30),
    NEXT_VILLAGE: shapely.box(111.725, 27.20, 111.75, 27.30),
    FAR_VILLAGE: shapely.box(111.75, 27.20, 111.80, 27.30),
}


UNSEEN = Thresholds(no_photograph_reported="warns")
"""Thresholds by which a claim can be accepted that no photograph shows: for tests of other things."""
FOR_THE_GROUND = Thresholds(
    outside_share=1, existing_farmland_share=2, same_land_share=2, minimum_m2=0, no_photograph_reported="warns"
)
"""Thresholds by which almost any land can be accepted: for tests of what is cut from it."""


@pytest.fixture
def small_city(database: Database) -> Database:
    """A city of two towns and three villages, all squares, with the target of 2022."""
    make_small_city(database)
    return database


def make_small_city(database: Database) -> None:
    """Write the small city."""
    with database.writing() as session:
        columns = {
            "id": list(range(1, len(SQUARES) + 1)),
            "code": list(SQUARES),
            "name": [f"单位{code}" for code in SQUARES],
            "level": [level_of(code) for code in SQUARES],
            "parent_code": [parent_of(code) for code in SQUARES],
            "area_m2": [area_m2(square) for square in SQUARES.values()],
        }
        write(session.connection(), table_of(Unit), columns, np.array(list(SQUARES.values()), dtype=object), new=True)
        session.add(
            Target(
                code="2022", name="2022年", start_day=date(2022, 1, 1), due_day=date(2022, 6, 30), area_basis="whole"
            )
        )
        session.flush()
        restate(session, [table_of(Unit), table_of(Target)], START)
        allocate(
            session,
            "2022",
            {CITY: 1000, TOWN: 600, OTHER_TOWN: 400, VILLAGE: 350, NEXT_VILLAGE: 250},
            START,
            actor="officer",
        )


@cache
def ready() -> Ready:
    """The command, loaded once for all tests of this process."""
    return Ready()


def counted_rows(url: str, table: str) -> int | None:
    """How many rows PostgreSQL believes a table to have (-1: it has not looked); None for SQLite, which does not count."""
    if url.startswith("sqlite"):
        return None
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        found = connection.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [table]).fetchone()
    assert found is not None
    return int(found[0])


def run_command(*words: object, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return ready().run([str(word) for word in words], cleared() | env, cwd)


def cleared() -> dict[str, str]:
    """The environment of the tests without settings of whoever runs them."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TIANZHANG_")}


@pytest.fixture
def command_env(tmp_path: Path, database_url: str) -> dict[str, str]:
    """The settings of a data folder and a database of the test's own."""
    return {"TIANZHANG_DATA_DIR": str(tmp_path), "TIANZHANG_DATABASE_URL": database_url, "TIANZHANG_LANG": "en"}


@pytest.fixture
def tianzhang(tmp_path: Path, command_env: dict[str, str]) -> Run:
    """The command, on a data folder and a database of the test's own."""

    def run(*words: object, language: str = "en") -> subprocess.CompletedProcess[str]:
        return run_command(*words, env=command_env | {"TIANZHANG_LANG": language}, cwd=tmp_path)

    return run


OFFICER = [word for may in ("report", "check", "accept", "allocate", "ledger") for word in ("--may", may)]
"""What `tianzhang token add` is told for a token that may do what an officer may."""


def signed_in(address: str, account: str = "officer") -> dict[str, str]:
    """The headers of a browser that is signed in to an account of a demonstration."""
    headers = {"Origin": address}
    answer = httpx.post(f"{address}/api/v1/sign-in/demonstration", json={"account": account}, headers=headers)
    return headers | {"Cookie": answer.raise_for_status().headers["set-cookie"].partition(";")[0]}


def cookie(address: str, account: str) -> Any:
    """What a browser holds that is signed in to an account of the demonstration."""
    name, _, value = signed_in(address, account)["Cookie"].partition("=")
    return {"name": name, "value": value, "url": address, "httpOnly": True, "sameSite": "Strict"}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=60_000)  # other tests run beside these
    flags = [
        "--no-sandbox",
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
        "--disable-background-networking",
    ]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        yield chromium
        chromium.close()


@contextmanager
def serving_here(env: dict[str, str]) -> Iterator[str]:
    """The application with these settings in a thread, until the end; its address.

    What a process of its own does besides, and takes two seconds for, is tested where the command itself is.
    """
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("TIANZHANG_")]:
            environment.delenv(name)
        for name, value in env.items():
            environment.setenv(name, value)
        app = create_app(load_settings())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Whoever comes before the server accepts waits in the socket's queue.
        server = uvicorn.Server(uvicorn.Config(app, http="h11", ws="none", log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(60)
            app.state.database.close()
    assert not thread.is_alive()


def until_answered(address: str, process: subprocess.Popen[Any] | Running, **options: Any) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(address, **options).raise_for_status()
            return
        except httpx.TransportError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server did not answer"


@contextmanager
def serving(env: dict[str, str]) -> Iterator[str]:
    """The application with these settings in a process of its own, until the end; its address."""
    port = free_port()
    server = ready().start(["serve", "--port", str(port)], cleared() | env, Path.cwd())
    address = f"http://127.0.0.1:{port}"
    try:
        until_answered(f"{address}/api/v1/about", server)
        yield address
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="session", params=["sqlite", "postgis"])
def demo_env(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The demonstration city, made once by the command on each database: the settings that lead to it."""
    folder = tmp_path_factory.mktemp("demo")
    env = {"TIANZHANG_DATA_DIR": str(folder), "TIANZHANG_LANG": "zh"}
    if request.param == "postgis":
        server = request.getfixturevalue("postgres")
        name = f"demonstration_{uuid.uuid4().hex}"
        on_server(server, f"CREATE DATABASE {name}")
        env["TIANZHANG_DATABASE_URL"] = f"postgresql+psycopg://{server}/{name}"
    done = run_command("demo", "--no-serve", env=env, cwd=folder)
    assert done.returncode == 0, done.stderr
    return env


@pytest.fixture(scope="session")
def demo_server(demo_env: dict[str, str]) -> Iterator[str]:
    """The application on the demonstration city; its address."""
    with serving(demo_env) as address:
        yield address


@pytest.fixture
def demo(demo_server: str) -> Iterator[httpx.Client]:
    """A client of the application on the demonstration city, signed in as an officer."""
    with httpx.Client(base_url=f"{demo_server}/api/v1", headers=signed_in(demo_server), timeout=60) as client:
        yield client
