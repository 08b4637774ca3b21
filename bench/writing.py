"""Claims reported over HTTP by one, eight and sixty-four clients at once: how many a second, and how long the last one waits."""

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import httpx
import numpy as np
import shapely
from numpy.typing import NDArray

from bench.city import City
from bench.postgres import postgres
from bench.program import DATABASE, served, tianzhang, token
from bench.report import Section
from farmland.land.units import Level, Unit, UnitPolygons, polygons
from farmland.records.database import Database

TITLE = "Reporting claims"
CLIENTS = (1, 8, 64)
ROUNDS = 3
TURN_S, MOST = 8.0, 640
"""How long a turn lasts, and the most claims in it, whichever comes first."""
LONGEST_S = {8: 1.0, 64: 2.0}
IN_TURN = 1.5
"""How much longer the longest may wait than the work for all who asked takes, one after the other."""
SIDE_DEGREES = 0.0006
_SEED = 2022


def measure(sizes: Sequence[int]) -> Section:
    """The city has one size: `sizes` does not matter."""
    rows: list[list[str]] = []
    as_fast: dict[str, bool] = {}
    p99: dict[str, bool] = {}
    longest: dict[str, bool] = {}
    in_turn: dict[str, bool] = {}
    with tempfile.TemporaryDirectory(prefix="tianzhang-bench-") as name:
        home = City(Path(name)).with_claims(1_000)
        for kind, url in _databases(home):
            turns = _timed(home, url)
            alone = float(np.median(np.concatenate([wait for wait, _ in turns[1]])))
            for clients in CLIENTS:
                waits = [wait for wait, _ in turns[clients]]
                rates = np.array([len(wait) / seconds for wait, seconds in turns[clients]])
                ratio = float(np.median(rates / [len(wait) / seconds for wait, seconds in turns[1]]))
                at_99, last = float(np.median([np.quantile(wait, 0.99) for wait in waits])), max(map(np.max, waits))
                rows.append(
                    [
                        f"{kind}, {clients}",
                        f"{sum(map(len, waits)):,}",
                        f"{float(np.median(rates)):.1f}",
                        f"{ratio:.2f}",
                        f"{float(np.median(np.concatenate(waits))):.3f}",
                        f"{at_99:.3f}",
                        f"{last:.3f}",
                        f"{last / (clients * alone):.2f}",
                    ]
                )
                if clients == 8:
                    as_fast[kind], p99[kind] = ratio >= 1, at_99 <= LONGEST_S[8]
                elif clients == 64:
                    longest[kind] = bool(last <= LONGEST_S[64])
                    in_turn[kind] = bool(last <= IN_TURN * clients * alone)
    return Section(
        TITLE,
        f"`POST /api/v1/claims` on loopback to `tianzhang serve` (one process) over the city with 1,000 claims: squares of some "
        f"60 m in its villages, by clients that each report the next one as soon as they have the answer; {ROUNDS} turns of "
        f"{TURN_S:.0f} s or {MOST} claims for each number of clients, in turns. The clients run on the same machine.",
        (
            "database, clients",
            "claims",
            "claims a second",
            "ratio to one client",
            "median answer, s",
            "99 % within, s",
            "longest, s",
            "longest ÷ (clients × median answer to one)",
        ),
        rows,
        {
            "with 8 clients at least as many a second as with one": as_fast,
            f"with 8 clients 99 % within {LONGEST_S[8]:.0f} s": p99,
            f"with 64 clients nobody waits longer than {LONGEST_S[64]:.0f} s": longest,
            f"with 64 clients nobody waits {IN_TURN} times as long as one after the other would take": in_turn,
        },
    )


def _databases(home: Path) -> Iterator[tuple[str, str]]:
    """The same records on each kind of database that is here, and their address."""
    backup = home / "backup.zip"
    tianzhang(home, "backup", backup)
    yield "SQLite", f"sqlite:///{home / DATABASE}"
    with postgres() as url:
        if url is not None:
            tianzhang(home, "restore", backup, url=url)
            yield "PostgreSQL", url


Turn = tuple[NDArray[np.float64], float]


def _timed(home: Path, url: str) -> dict[int, list[Turn]]:
    """The seconds of each answer, and those of the whole turn, of each turn by the number of clients."""
    database = Database(url)
    with database.reading() as session:
        villages = polygons(session, Unit.level == Level.VILLAGE)
    database.close()
    places = _places(villages)
    turns: dict[int, list[Turn]] = {clients: [] for clients in CLIENTS}
    secret = token(home, "--may", "report", url=url)
    with served(home, url=url) as address, _client(address, secret, max(CLIENTS)) as client:
        _turn(client, places, 8, 40)
        for _ in range(ROUNDS):
            for clients in CLIENTS:
                turns[clients].append(_turn(client, places, clients, MOST))
    return turns


@contextmanager
def _client(address: str, secret: str, most: int) -> Iterator[httpx.Client]:
    limits = httpx.Limits(max_connections=most, max_keepalive_connections=most)
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=address, headers=headers, limits=limits, timeout=60) as client:
        yield client


def _places(villages: UnitPolygons) -> Iterator[dict[str, object]]:
    """Bodies of claims, without end: squares anywhere in villages, some on land of others."""
    rng = np.random.default_rng(_SEED)
    shapely.prepare(villages.geometries)
    while True:
        row = int(rng.integers(len(villages.codes)))
        west, south, east, north = villages.geometries[row].bounds
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        square = shapely.box(x, y, x + SIDE_DEGREES, y + SIDE_DEGREES)
        if villages.geometries[row].covers(square):
            yield {"unit_code": villages.codes[row], "geometry": square.__geo_interface__, "crop": "大豆"}


def _turn(client: httpx.Client, places: Iterator[dict[str, object]], clients: int, most: int) -> Turn:
    bodies = [next(places) for _ in range(most)]
    waits: list[float] = []
    guard, begun = threading.Lock(), perf_counter()

    def report() -> None:
        while perf_counter() - begun < TURN_S:
            with guard:
                if not bodies:
                    return
                body = bodies.pop()
            asked = perf_counter()
            client.post("/api/v1/claims", json=body).raise_for_status()
            waits.append(perf_counter() - asked)

    threads = [threading.Thread(target=report) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return np.array(waits), perf_counter() - begun
