"""Who waits to write: served in turn, in nobody's way, and without a trace of whoever gave up. Both databases."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import anyio
import geopandas as gpd
import httpx
import pytest
import shapely
from conftest import FAR_VILLAGE, NEXT_VILLAGE, OFFICER, START, UNSEEN, VILLAGE, Run, serving_here
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from test_api import body, refused
from test_claims import actor
from test_operations import awaited

from api.writing import ALONE, BESIDE, in_writing_thread
from farmland.keeping.verify import verify
from farmland.land.units import Unit
from farmland.records.database import Database
from farmland.records.ledger import Entry, head, note
from farmland.records.turns import Turns
from farmland.restoration.claims import Claim, State, get_claim
from farmland.restoration.transitions import Report, judge_acceptance, judge_report, report_claim, take_step
from geodata.problems import Problem

CLIENTS = 64
FIELD = shapely.box(111.710, 27.250, 111.712, 27.252)


def field(place: int) -> shapely.Polygon:
    """The one of many fields side by side in the village."""
    x, y = 111.701 + 0.002 * (place % 10), 27.210 + 0.002 * (place // 10)
    return shapely.box(x, y, x + 0.001, y + 0.001)


@given(st.lists(st.sampled_from(["waits", "gives up"]), min_size=1, max_size=6))
def test_turns_come_in_the_order_in_which_they_were_asked_for(kinds: list[str]) -> None:
    turns, served, gave_up = Turns(), [], []

    def ask(place: int, patience_s: float) -> None:
        try:
            with turns.turn(patience_s):
                served.append(place)
        except Problem as problem:
            assert problem.code == "writing_takes_long"
            gave_up.append(place)

    with turns.turn(0):
        threads = []
        waiting = 0
        for place, kind in enumerate(kinds):
            threads.append(threading.Thread(target=ask, args=(place, 60 if kind == "waits" else 0.001)))
            threads[-1].start()
            if kind == "waits":
                waiting += 1
                awaited(lambda waiting=waiting: turns.waiting == waiting)
            else:
                threads[-1].join(60)
    for thread in threads:
        thread.join(60)
    assert served == [place for place, kind in enumerate(kinds) if kind == "waits"]
    assert gave_up == [place for place, kind in enumerate(kinds) if kind == "gives up"]
    with turns.turn(0):
        assert turns.waiting == 0


def test_writers_of_a_process_are_served_in_turn_and_without_a_connection_until_then(database: Database) -> None:
    order: list[int] = []

    def write(place: int) -> None:
        with database.writing():
            order.append(place)

    with ThreadPoolExecutor(CLIENTS) as threads, database.writing():
        for place in range(CLIENTS):
            threads.submit(write, place)
            awaited(lambda place=place: database.waiting == place + 1)
        assert database.engine.pool.checkedout() == 1  # type: ignore[attr-defined]
    assert order == list(range(CLIENTS))


@pytest.fixture
def office(small_city: Database, tianzhang: Run, command_env: dict[str, str]) -> Iterator[httpx.Client]:
    """A client of the application on the small city that may do what an officer may."""
    secret = tianzhang("token", "add", "office", *OFFICER).stdout.strip()
    headers = {"Authorization": f"Bearer {secret}", "Accept-Language": "en"}
    limits = httpx.Limits(max_connections=2 * CLIENTS)
    with serving_here(command_env) as address:
        base = f"{address}/api/v1"
        with httpx.Client(base_url=base, headers=headers, limits=limits, timeout=60) as client:
            yield client


def claims_in(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(Claim.number).order_by(Claim.id)))


def test_readers_are_answered_while_many_wait_to_write(small_city: Database, office: httpx.Client) -> None:
    with ThreadPoolExecutor(CLIENTS) as threads:
        with small_city.writing():
            begun = threading.Barrier(CLIENTS + 1)

            def report(place: int) -> int:
                begun.wait(60)
                return office.post("/claims", json=body(field(place), number=f"N{place}")).status_code

            answers = [threads.submit(report, place) for place in range(CLIENTS)]
            begun.wait(60)
            for _ in range(40):
                assert office.get("/progress/tree", timeout=20).status_code == 200
            assert not any(answer.done() for answer in answers)
        assert {answer.result() for answer in answers} == {201}
    assert sorted(claims_in(small_city)) == sorted(f"N{place}" for place in range(CLIENTS))
    with small_city.reading() as session:
        assert verify(session).first is None


def test_who_gives_up_while_waiting_leaves_nothing_behind(small_city: Database, office: httpx.Client) -> None:
    with small_city.reading() as session:
        before = head(session)
    with small_city.writing():

        def give_up(place: int) -> None:
            with pytest.raises(httpx.ReadTimeout):
                office.post("/claims", json=body(field(place)), timeout=httpx.Timeout(60, read=3))

        with ThreadPoolExecutor(20) as threads:
            list(threads.map(give_up, range(20)))
    # Whoever comes after them is served, and stands first in the ledger.
    assert office.post("/claims", json=body(field(30), number="N30")).status_code == 201
    assert claims_in(small_city) == ["N30"]
    with small_city.reading() as session:
        (entry,) = session.scalars(select(Entry).where(Entry.seq > before[0]))
        assert (entry.event, entry.subject) == ("claim.reported", "N30")


MARK_M2 = 12345.67
"""An uncertainty that no computation gives: where it is stored, the judgement of before was taken."""
CHANGES = [
    "nothing",
    "a claim far away",
    "an account",
    "a claim around",
    "the unit",
    "a target",
    "another person",
    "another day",
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_judged_before_holds_only_while_nothing_around_changes(small_city: Database, change: str) -> None:
    report = Report(VILLAGE, FIELD, "f", number="A")
    half = shapely.box(111.711, 27.250, 111.713, 27.252)
    with small_city.reading() as session:
        judgement = replace(judge_report(session, report, actor(1, "village")), net_u_m2=MARK_M2)
    with small_city.writing() as session:
        if change == "a claim far away":
            report_claim(session, Report(FAR_VILLAGE, shapely.box(111.76, 27.25, 111.762, 27.252), "g"), actor(2))
        elif change == "a claim around":
            report_claim(session, Report(VILLAGE, half, "h", number="H"), actor(2))
        elif change == "an account":
            note(session, "account.signed_in", "@li", None, actor="li", at=START)
        elif change == "a target":
            note(session, "target.allocated", "2022", None, actor="officer", at=START)
        elif change == "the unit":
            unit = session.scalars(select(Unit).where(Unit.code == VILLAGE)).one()
            unit.geometry = shapely.box(111.70, 27.20, 111.711, 27.30)
            session.flush()
            note(session, "unit.imported", None, None, actor="officer", at=START)
    later = actor(
        3 if change != "another day" else 24 * 60, "somebody else" if change == "another person" else "village"
    )
    with small_city.writing() as session:
        claim = report_claim(session, report, later, judgement=judgement)
        kept = claim.reported_net_u_m2 == MARK_M2
        assert kept == (change in ("nothing", "a claim far away", "an account"))
        assert claim.steps[0].at == later.at and claim.steps[0].by == later.name
        cut = {row.reason for row in claim.deductions}
        expected = {"a claim around": {"other_claim"}, "the unit": {"outside_unit"}}
        assert cut == expected.get(change, set())


def test_an_acceptance_that_was_judged_before_sees_what_was_accepted_since(small_city: Database) -> None:
    half = shapely.box(111.711, 27.250, 111.713, 27.252)
    with small_city.writing() as session:
        for number, land in (("A", FIELD), ("B", half)):
            claim = report_claim(session, Report(VILLAGE, land, number, number=number), actor(0, "village"))
            take_step(session, claim, State.CHECKED, actor(1))
    with small_city.reading() as session:
        judgements = {
            number: judge_acceptance(session, get_claim(session, number), actor(2), thresholds=UNSEEN)
            for number in "AB"
        }
    assert all(not judgement.net.cuts for judgement in judgements.values())
    with small_city.writing() as session:
        for number in "AB":
            claim = get_claim(session, number)
            take_step(session, claim, State.ACCEPTED, actor(3), thresholds=UNSEEN, judgement=judgements[number])
    with small_city.reading() as session:
        held = [get_claim(session, number).accepted_net for number in "AB"]
        assert shapely.area(shapely.intersection(*held)) == 0
        assert shapely.area(held[0]) == pytest.approx(shapely.area(FIELD))
        assert verify(session).first is None


def test_claims_that_overlap_reported_at_once_by_many_hold_no_land_twice(
    small_city: Database, office: httpx.Client
) -> None:
    fields = [shapely.box(111.705 + 0.0005 * n, 27.25, 111.707 + 0.0005 * n, 27.252) for n in range(16)]
    with ThreadPoolExecutor(16) as threads:
        asked = [threads.submit(office.post, "/claims", json=body(land)) for land in fields]
        assert {one.result().status_code for one in asked} == {201}
    with small_city.reading() as session:
        nets = [claim.reported_net for claim in session.scalars(select(Claim))]
    union = shapely.union_all(nets)
    assert shapely.area(nets).sum() == pytest.approx(shapely.area(union), rel=1e-6)
    assert shapely.area(union) == pytest.approx(shapely.area(shapely.union_all(fields)), rel=1e-6)


def circle(corners: int) -> shapely.Polygon:
    return shapely.Point(111.711, 27.251).buffer(0.001, quad_segs=corners // 4)


def test_a_polygon_of_too_many_corners_is_refused_over_http_and_in_a_file(
    small_city: Database, office: httpx.Client, tianzhang: Run, tmp_path: Path
) -> None:
    said = refused(office.post("/claims", json=body(circle(12_000))), 413, "too_many_corners")
    assert "12,001 corners" in said and "TIANZHANG_CLAIM_CORNERS" in said
    refused(office.post("/claims/preview", json=body(circle(12_000))), 413, "too_many_corners")
    frame = gpd.GeoDataFrame(
        {"number": ["few", "many"], "unit_code": [VILLAGE, NEXT_VILLAGE]},
        geometry=[field(0), circle(12_000)],
        crs=4490,
    )
    frame.to_file(tmp_path / "claims.gpkg")
    done = tianzhang("import", "claims", tmp_path / "claims.gpkg", language="zh")
    assert done.returncode == 1 and "12,001 个顶点" in done.stdout + done.stderr
    assert claims_in(small_city) == []
    assert office.post("/claims", json=body(circle(8_000), number="N")).status_code == 201
    assert claims_in(small_city) == ["N"]


def test_one_who_waits_too_long_is_told_so(small_city: Database) -> None:
    url = small_city.url.render_as_string(hide_password=False)
    with closing(Database(url, patience_s=0.05)) as other, ThreadPoolExecutor(1) as beside:

        def wait() -> None:
            with other.writing():
                raise AssertionError("it was not its turn")

        if other.url.get_backend_name() == "postgresql":  # SQLite's processes wait for one another as long as it takes
            with small_city.writing(), pytest.raises(Problem, match="writing_takes_long"):
                wait()
        with other.writing() as session:
            note(session, "account.signed_in", "@li", None, actor="li", at=START)
            with pytest.raises(Problem) as refusal:
                beside.submit(wait).result(60)
            assert refusal.value.code == "writing_takes_long" and refusal.value.kind.answer == "busy"
    with small_city.reading() as session:
        assert session.scalars(select(Entry.event).order_by(Entry.seq.desc())).first() == "account.signed_in"


def test_who_waits_too_long_for_a_thread_is_told_so_and_whoever_has_one_comes_to_the_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.writing.PATIENCE_S", 0.05)
    refused, ended, told = threading.Event(), [], []

    def long() -> int:
        assert refused.wait(60)
        return len(ended)

    async def work() -> None:
        ended.append(await in_writing_thread(database, long))

    async def wait() -> None:
        with pytest.raises(Problem, match="writing_takes_long"):
            await in_writing_thread(database, ended.append, "it was not its turn")
        told.append("told")
        refused.set()

    async def all_at_once() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(ALONE if database.in_this_process else BESIDE):
                group.start_soon(work)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(wait)

    with ThreadPoolExecutor(1) as beside:  # a browser may have an event loop in this thread
        beside.submit(anyio.run, all_at_once).result(60)
        assert told == ["told"] and ended and set(ended) <= {0, 1}
        assert beside.submit(anyio.run, in_writing_thread, database, lambda: "free again").result(60) == "free again"


WRITER = """
import sys
from time import monotonic
from farmland.records.database import Database
from farmland.records.ledger import head
database, waits = Database(sys.argv[1]), []
print("ready", flush=True)
sys.stdin.readline()
end = monotonic() + 3
while monotonic() < end:
    asked = monotonic()
    with database.writing() as session:
        waits.append(monotonic() - asked)
        begun = monotonic()
        while monotonic() - begun < 0.01:
            head(session)
database.close()
print(len(waits), max(waits))
"""


def test_processes_that_write_are_served_in_turn_too(small_city: Database) -> None:
    words = [sys.executable, "-c", WRITER, small_city.url.render_as_string(hide_password=False)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen(words, **pipes) for _ in range(3)]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    said = []
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        answer, _ = writer.communicate(timeout=120)
        said.append(answer.split())
    counts = [int(count) for count, _ in said]
    # Whoever is not served in turn gets a sixth of what the luckiest gets, or waits for seconds.
    assert min(counts) > max(counts) / 3, said
    assert max(float(longest) for _, longest in said) < 2, said
