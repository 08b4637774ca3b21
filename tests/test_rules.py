"""Rules: an attempt at each known way to inflate a figure that its rule catches, and a near miss that is let through."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import psycopg
import pytest
import shapely
from conftest import CITY, NEXT_VILLAGE, SQUARES, START, TOWN, VILLAGE, Run, make_small_city
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from api.settings import Settings
from farmland.audit.audit import audit
from farmland.evidence.photographs import PhotoFacts
from farmland.figures.progress import progress
from farmland.keeping.prepare import prepare
from farmland.keeping.tables import BaselinePatch, DesignatedArea, Doubt, Entry, Finding, Target, Visit
from farmland.people.people import Actor
from farmland.records.database import Database, table_of
from farmland.records.ledger import Content, merge, stored
from farmland.restoration.claims import Claim, Method, Origin, State, Step, get_claim
from farmland.restoration.doubts import doubts_of
from farmland.restoration.evidence import Purpose, Received, attach
from farmland.restoration.net_area import net_area
from farmland.restoration.rules import RULES
from farmland.restoration.rules.rule import Severity
from farmland.restoration.targets import allocate
from farmland.restoration.thresholds import Thresholds
from farmland.restoration.transitions import Report, report_claim, take_step
from farmland.restoration.visits import add_visit
from geodata.area import area_m2, areas_m2, m2_to_mu
from geodata.column import next_id, write
from geodata.gcj02 import to_gcj02
from geodata.geometry_faults import fingerprint
from geodata.problems import Problem

FIELD = shapely.box(111.710, 27.250, 111.712, 27.252)
FIELD_MU = m2_to_mu(area_m2(FIELD))
ACCEPTED_AT = START + timedelta(days=30)


def moved(east: float, north: float = 0.0) -> shapely.Geometry:
    return shapely.affinity.translate(FIELD, east, north)


def part_of(share: float) -> shapely.Geometry:
    """The western part of the field."""
    return shapely.box(111.710, 27.250, 111.710 + 0.002 * share, 27.252)


class Scene:
    """Claims of the small city and what lies around them; nothing of it is kept."""

    def __init__(self, session: Session, thresholds: Thresholds) -> None:
        self.session, self.thresholds = session, thresholds

    def report(self, land: shapely.Geometry = FIELD, by: str = "village", **facts: Any) -> Claim:
        who = {
            name: facts.pop(name) for name in ("device", "household", "unit_code", "at", "recorded_at") if name in facts
        }
        unit = facts.pop("unit", VILLAGE)
        at = who.pop("at", START)
        actor = Actor(by, at, who.pop("recorded_at", at), **who)
        content = Report(unit, land, fingerprint(np.array([land], dtype=object))[0], **facts)
        return report_claim(self.session, content, actor, thresholds=self.thresholds)

    def accept(
        self, claim: Claim, by: str = "city", checked_by: str = "town", seen: bool = True, **who: Any
    ) -> set[str]:
        """Check and accept a claim; the codes of all rules that were recorded, or that refused."""
        if claim.state == State.REPORTED:
            at = claim.steps[0].at + timedelta(days=1)
            take_step(self.session, claim, State.CHECKED, Actor(checked_by, at, at))
        if seen:
            self.see(claim)
        at = who.pop("at", ACCEPTED_AT)
        actor = Actor(by, at, who.pop("recorded_at", at), **who)
        found = self.doubts(claim)
        try:
            take_step(self.session, claim, State.ACCEPTED, actor, thresholds=self.thresholds)
        except Problem as problem:
            assert problem.code == "refused_by_rules", problem
            assert claim.state == State.CHECKED
            return found | set(problem.facts["rules"])  # type: ignore[call-overload]
        return found | self.doubts(claim)

    def doubts(self, claim: Claim) -> set[str]:
        return {doubt.rule for doubt in doubts_of(self.session, claim.id, ACCEPTED_AT + timedelta(days=999))}

    def audit(self, days: int = 90) -> set[str]:
        cases = audit(self.session, CITY, START + timedelta(days=days), self.thresholds)
        return {rule.code for rule in cases["rule"]}

    def put(self, model: Any, land: shapely.Geometry, **facts: Any) -> None:
        table, connection = table_of(model), self.session.connection()
        row = {"id": next_id(connection, table), "area_m2": area_m2(land), "fingerprint": "", **facts}
        columns = {name: [value] for name, value in row.items()}
        write(connection, table, columns, np.array([land], dtype=object), new=True)

    def patch(self, land: shapely.Geometry, land_class: str, **facts: Any) -> None:
        number = f"B{next_id(self.session.connection(), table_of(BaselinePatch))}"
        whole = {"year": 2019, "number": number, "land_class": land_class, "ridge_factor": 0.0, **facts}
        self.put(BaselinePatch, land, **whole)

    def designate(self, kind: str, land: shapely.Geometry) -> None:
        self.put(DesignatedArea, land, kind=kind, number="D1", name="某项目", fund="中央资金")

    def abandoned(self, land: shapely.Geometry, at: datetime) -> None:
        whole = {"number": "F1", "kind": "abandoned", "at": at, "by": "inspector", "note": "", "recorded_at": at}
        self.put(Finding, land, **whole)

    def photograph(self, claim: Claim, **facts: Any) -> None:
        sha256, purpose = facts.pop("sha256", "a" * 64), facts.pop("purpose", Purpose.AFTER)
        place = {"longitude": 111.711, "latitude": 27.251, "accuracy_m": 5.0, "taken_at": START, **facts}
        told = {"media_type": "image/jpeg", "bearing": None, "device": None, "perceptual_hash": "0" * 16, **place}
        file = Received(sha256, 1, PhotoFacts(**told))
        at = claim.steps[-1].at
        attach(self.session, claim, file, f"{sha256[:4]}.jpg", purpose, Actor("village", at, at))

    def see(self, claim: Claim) -> None:
        """Attach the photographs that the claim asks for, unless it has them, each like no other."""
        place = claim.geometry.representative_point()
        for n, purpose in enumerate((Purpose.BEFORE, Purpose.AFTER)):
            if claim.evidenced_at is None and (purpose is Purpose.AFTER or claim.before_asked):
                bits = hashlib.sha256(f"{claim.id} {n}".encode()).hexdigest()
                told = {"longitude": place.x, "latitude": place.y, "taken_at": claim.steps[0].at}
                self.photograph(claim, purpose=purpose, sha256=bits, perceptual_hash=bits[:16], **told)

    def ridges_deducted(self) -> None:
        self.session.execute(update(Target).values(area_basis="ridges_deducted"))
        self.session.expire_all()


@pytest.fixture(scope="module", params=["sqlite", "postgis"])
def city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The small city on each database, for all cases of this module: none of them keeps what it writes."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('rules') / 'tianzhang.sqlite'}"
    else:
        server = request.getfixturevalue("postgres")
        with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE rules")
        url = f"postgresql+psycopg://{server}/rules"
    database = Database(url)
    prepare(database)
    make_small_city(database)
    yield database
    database.close()


Case = Callable[[Scene, bool], set[str]]
CASES: dict[str, Case] = {}


def case(code: str) -> Callable[[Case], Case]:
    """A function that makes an attempt (True) or a near miss (False) and gives the codes of the rules that were found."""

    def keep(function: Case) -> Case:
        CASES[code] = function
        return function

    return keep


@case("duplicate_polygon")
def _(s: Scene, attempt: bool) -> set[str]:
    s.report()
    return s.accept(s.report(FIELD if attempt else moved(0.002), by="another village"))


@case("same_land")
def _(s: Scene, attempt: bool) -> set[str]:
    s.report()
    again = shapely.Polygon(
        [(111.71003, 27.25002), (111.71198, 27.24997), (111.71202, 27.25199), (111.70998, 27.25203)]
    )
    return s.accept(s.report(again if attempt else moved(0.0006)))


@case("same_land_shifted")
def _(s: Scene, attempt: bool) -> set[str]:
    s.report()
    shifted = shapely.transform(FIELD, to_gcj02)
    return s.accept(s.report(shifted if attempt else shapely.affinity.scale(shifted, 1.02, 1.0)))


@case("split_or_merged")
def _(s: Scene, attempt: bool) -> set[str]:
    s.report(part_of(0.45))
    s.report(moved(0.0009) if not attempt else shapely.difference(part_of(0.9), part_of(0.45)))
    return s.accept(s.report(FIELD if attempt else moved(-0.0006)))


@case("overlaps_claim")
def _(s: Scene, attempt: bool) -> set[str]:
    s.accept(s.report())
    claim = s.report(moved(0.0019 if attempt else 0.001999999))
    found = s.accept(claim)
    if attempt:
        assert next(cut for cut in claim.deductions if cut.reason == "other_claim").area_m2 > 2000
    return found


@case("counted_twice")
def _(s: Scene, attempt: bool) -> set[str]:
    s.accept(s.report())
    other = s.report(moved(0.002))
    s.accept(other)
    if attempt:
        other.accepted_net = moved(0.001)
        s.session.flush()
    return s.audit()


@case("project_overlap")
def _(s: Scene, attempt: bool) -> set[str]:
    s.designate("high_standard", moved(0.001) if attempt else moved(0.002))
    return s.accept(s.report())


@case("outside_unit")
def _(s: Scene, attempt: bool) -> set[str]:
    return s.accept(s.report(shapely.box(111.723, 27.25, 111.72505 if attempt else 111.725, 27.252)))


@case("straddles_unit")
def _(s: Scene, attempt: bool) -> set[str]:
    found = s.accept(s.report(shapely.box(111.723, 27.25, 111.72515 if attempt else 111.72508, 27.252)))
    assert "outside_unit" in found
    return found


@case("wrong_position")
def _(s: Scene, attempt: bool) -> set[str]:
    land = shapely.box(111.699, 27.25, 111.702, 27.252)
    return s.accept(s.report(land if attempt else shapely.box(111.7235, 27.25, 111.7265, 27.252)))


@case("gcj02_position")
def _(s: Scene, attempt: bool) -> set[str]:
    true = shapely.box(111.7175, 27.250, 111.7225 if attempt else 111.7265, 27.252)
    return s.accept(s.report(shapely.transform(true, to_gcj02)))


@case("typed_area_differs")
def _(s: Scene, attempt: bool) -> set[str]:
    by_phone = {"method": Method.PHONE, "typed_area_mu": FIELD_MU * 1.03}
    found = s.accept(s.report(**by_phone))  # within what a phone can know
    assert "typed_area_differs" not in found
    return s.accept(s.report(moved(0.004), typed_area_mu=FIELD_MU * (1.03 if attempt else 1.019)))


@case("typed_area_wrong")
def _(s: Scene, attempt: bool) -> set[str]:
    return s.accept(s.report(typed_area_mu=FIELD_MU * (1.11 if attempt else 0.91)))


@case("typed_unit_confused")
def _(s: Scene, attempt: bool) -> set[str]:
    return s.accept(s.report(typed_area_mu=FIELD_MU / 15 if attempt else FIELD_MU / 12))


@case("baseline_farmland")
def _(s: Scene, attempt: bool) -> set[str]:
    s.patch(part_of(0.02), "0101" if attempt else "0201")
    return s.accept(s.report())


@case("partly_farmland")
def _(s: Scene, attempt: bool) -> set[str]:
    s.patch(part_of(0.06 if attempt else 0.04), "0103")
    return s.accept(s.report())


@case("existing_farmland")
def _(s: Scene, attempt: bool) -> set[str]:
    s.patch(part_of(0.96 if attempt else 0.94), "0101")
    return s.accept(s.report())


@case("abandoned_again")
def _(s: Scene, attempt: bool) -> set[str]:
    s.abandoned(FIELD, START + timedelta(days=9 if attempt else -9))
    return s.accept(s.report())


@case("red_line")
def _(s: Scene, attempt: bool) -> set[str]:
    s.designate("red_line", part_of(0.5) if attempt else moved(0.002))
    return s.accept(s.report())


@case("planned_conversion")
def _(s: Scene, attempt: bool) -> set[str]:
    s.designate("planned_conversion", part_of(0.5) if attempt else moved(0.002))
    return s.accept(s.report())


@case("steep")
def _(s: Scene, attempt: bool) -> set[str]:
    s.patch(FIELD, "0301", slope_class=5 if attempt else 4)
    return s.accept(s.report())


@case("class_unproven")
def _(s: Scene, attempt: bool) -> set[str]:
    s.patch(FIELD, "1104A")
    claim = s.report(origin=Origin.IMPORTED)  # of one that is reported here a photograph of before is asked
    s.photograph(claim, purpose=Purpose.AFTER if attempt else Purpose.DURING)
    return s.accept(claim, seen=False)


@case("below_minimum")
def _(s: Scene, attempt: bool) -> set[str]:
    sliver = shapely.box(111.715, 27.250, 111.7152, 27.2501 if attempt else 27.2502)  # 219 m², 439 m²
    claim = s.report(shapely.union_all([FIELD, sliver]))
    found = s.accept(claim)
    whole = area_m2(FIELD) + (0.0 if attempt else area_m2(sliver))
    assert claim.accepted_net_m2 == pytest.approx(whole, abs=0.02)
    return found


@case("too_small")
def _(s: Scene, attempt: bool) -> set[str]:
    return s.accept(s.report(shapely.box(111.715, 27.250, 111.7152, 27.2501 if attempt else 27.2502)))


@case("ridges")
def _(s: Scene, attempt: bool) -> set[str]:
    s.ridges_deducted()
    return s.accept(s.report(ridge_factor=0.12 if attempt else 0.0))


@case("ridges_missing")
def _(s: Scene, attempt: bool) -> set[str]:
    s.ridges_deducted()
    s.patch(FIELD, "0201", ridge_factor=0.12)
    return s.accept(s.report(ridge_factor=0.0 if attempt else 0.12))


def two_photographs(s: Scene, **facts: Any) -> set[str]:
    first = s.report()
    s.photograph(first)
    second = s.report(moved(0.004))
    s.photograph(second, longitude=111.715, **facts)
    assert not {code for code in s.accept(first) if code.startswith("photograph")}
    return s.accept(second)


@case("no_photograph")
def _(s: Scene, attempt: bool) -> set[str]:
    s.patch(moved(0.004), "1003")
    claim = s.report(moved(0.004))
    for purpose, code in ((Purpose.AFTER, "a"), (Purpose.BEFORE, "b")):
        assert "no_photograph" in s.accept(claim, seen=False), "first nothing, then nothing of before"
        place = 111.715 if purpose is Purpose.AFTER or not attempt else 111.716 + 20 / 99_000
        s.photograph(claim, longitude=place, purpose=purpose, sha256=code * 64, perceptual_hash=code * 16)
    return s.accept(claim, seen=False)


@case("photograph_reused")
def _(s: Scene, attempt: bool) -> set[str]:
    return two_photographs(s, sha256=("a" if attempt else "b") * 64, perceptual_hash="f" * 16)


@case("photograph_alike")
def _(s: Scene, attempt: bool) -> set[str]:
    return two_photographs(s, sha256="b" * 64, perceptual_hash="000000000000000f" if attempt else "00000000000000ff")


@case("photograph_elsewhere")
def _(s: Scene, attempt: bool) -> set[str]:
    claim = s.report()
    s.photograph(claim, longitude=111.712 + (60 if attempt else 50) / 99_000)
    return s.accept(claim)


@case("photograph_beside")
def _(s: Scene, attempt: bool) -> set[str]:
    claim = s.report()
    s.photograph(claim, longitude=111.712 + 15 / 99_000, accuracy_m=10.0 if attempt else 20.0)
    return s.accept(claim)


@case("photograph_without_place")
def _(s: Scene, attempt: bool) -> set[str]:
    claim = s.report()
    s.photograph(claim, accuracy_m=900.0 if attempt else 30.0)
    return s.accept(claim)


@case("photograph_time")
def _(s: Scene, attempt: bool) -> set[str]:
    claim = s.report()
    s.photograph(claim, taken_at=START - timedelta(days=200 if attempt else 20))
    s.photograph(claim, taken_at=START - timedelta(days=200), purpose=Purpose.BEFORE, sha256="c" * 64)
    return s.accept(claim)


@case("no_second_visit")
def _(s: Scene, attempt: bool) -> set[str]:
    claim = s.report()
    at = START + timedelta(days=1)
    take_step(s.session, claim, State.CHECKED, Actor("town", at, at))
    at += timedelta(days=19 if attempt else 20)
    add_visit(s.session, claim, Actor("town", at, at), "出苗整齐")
    return s.accept(claim)


@case("impossible_track")
def _(s: Scene, attempt: bool) -> set[str]:
    corners = shapely.get_coordinates(FIELD).tolist()
    seconds = 5 if attempt else 300  # 200 m from corner to corner
    fixes = [[x, y, (START + timedelta(seconds=n * seconds)).isoformat(), 5.0] for n, (x, y) in enumerate(corners)]
    return s.accept(s.report(track=fixes))


@case("late_entry")
def _(s: Scene, attempt: bool) -> set[str]:
    return s.accept(s.report(recorded_at=START + timedelta(hours=73 if attempt else 71)))


@case("closed_period")
def _(s: Scene, attempt: bool) -> set[str]:
    s.thresholds = Thresholds(closed_until=START)
    at = START if attempt else START + timedelta(minutes=1)
    return s.accept(s.report(at=at, recorded_at=START + timedelta(hours=2)))


@case("future_event")
def _(s: Scene, attempt: bool) -> set[str]:
    return s.accept(s.report(recorded_at=START - timedelta(minutes=30 if attempt else 5)))


@case("unchecked")
def _(s: Scene, attempt: bool) -> set[str]:
    claim = s.report()
    with pytest.raises(Problem, match="wrong_state"):
        take_step(s.session, claim, State.ACCEPTED, Actor("city", START, START))
    s.accept(claim)
    if attempt:  # the check is taken back by a correction, the acceptance stands
        withdrawn = update(Step).where(Step.claim_id == claim.id, Step.state == State.CHECKED)
        s.session.execute(withdrawn.values(withdrawn_at=ACCEPTED_AT))
    return s.audit()


@case("self_accepted")
def _(s: Scene, attempt: bool) -> set[str]:
    assert "self_accepted" in s.accept(s.report(moved(0.004), device="phone 7"), device="phone 7")
    assert "self_accepted" in s.accept(s.report(moved(0.008), household="H 12"), household="H12")
    return s.accept(s.report(by="李 四"), by="李四" if attempt else "李五", device="phone 8")


@case("checked_by_reporter")
def _(s: Scene, attempt: bool) -> set[str]:
    return s.accept(s.report(), checked_by="village" if attempt else "town")


@case("acceptor_not_above")
def _(s: Scene, attempt: bool) -> set[str]:
    assert "acceptor_not_above" in s.accept(s.report(moved(0.004)), unit_code=VILLAGE)
    return s.accept(s.report(), unit_code=NEXT_VILLAGE if attempt else TOWN)


@case("denominator_lowered")
def _(s: Scene, attempt: bool) -> set[str]:
    at = START + timedelta(days=3)
    allocate(s.session, "2022", {NEXT_VILLAGE: 240 if attempt else 250}, at, actor="officer")
    before = datetime(2021, 12, 1, tzinfo=START.tzinfo)
    allocate(s.session, "2022", {VILLAGE: 340}, before, actor="officer")  # before the target began
    return s.audit()


@pytest.mark.parametrize("attempt", [True, False], ids=["attempt", "near miss"])
@pytest.mark.parametrize(
    ("way", "code"), [(way, rule.code) for rule in RULES.values() for way in rule.ways], ids=lambda value: str(value)
)
def test_an_attempt_is_caught_and_a_near_miss_let_through(city: Database, way: int, code: str, attempt: bool) -> None:
    with city.writing() as session:
        found = CASES[code](Scene(session, Thresholds()), attempt)
        assert (code in found) == attempt, f"way {way}: {found}"
        if (
            not attempt
            and RULES[code].severity is Severity.REFUSES
            and code not in ("wrong_position", "typed_unit_confused")
        ):
            assert not {one for one in found if RULES[one].severity is Severity.REFUSES}, found
        session.rollback()


def test_every_way_is_covered_and_every_rule_has_a_case() -> None:
    assert set(CASES) == set(RULES)
    assert {way for rule in RULES.values() for way in rule.ways} == set(range(1, 19))


def test_the_page_of_the_rules_is_that_of_the_code() -> None:
    text = (Path(__file__).parents[1] / "docs" / "rules.md").read_text("utf-8")
    page = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^### |\Z)", text, flags=re.MULTILINE | re.DOTALL))
    written = {}
    for code, rule in RULES.items():
        named = ", ".join(f"`{name}`" for name in rule.thresholds) or "—"
        ways = ", ".join(map(str, rule.ways))
        written[code] = f"Severity: {rule.severity} · Ways: {ways} · Thresholds: {named}\n\n- {rule.zh}\n- {rule.en}"
        assert set(rule.thresholds) <= {field.name for field in fields(Thresholds)}
    assert {code: section.strip() for code, section in page.items()} == written
    for way, rules in re.findall(r"^\| (\d+) \|.*\| (.*) \|$", text, flags=re.MULTILINE):
        codes = [rule.code for rule in RULES.values() if int(way) in rule.ways]
        assert re.findall(r"`(\w+)`", rules) == codes
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w.,—]+) \| .* \|$", text, flags=re.MULTILINE))
    for field in fields(Thresholds):
        value = field.default
        shown = {type(None): lambda _: "—", tuple: ",".join, str: str}.get(type(value), "{:g}".format)(value)
        assert rows[field.name] == shown
        variable = f"TIANZHANG_{field.name.upper()}"
        assert (field.name in Settings.model_fields) == (variable in text), field.name


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (FIELD_MU / 15, "hectares"),
        (FIELD_MU * 2000 / 3, "square metres"),
        (FIELD_MU * 15, "taken for hectares"),
        (FIELD_MU * 3 / 2000, "taken for m²"),
        (FIELD_MU * 1e4, "10,000"),
        (FIELD_MU / 1e4, "10,000 mu"),
    ],
)
def test_the_unit_that_was_meant_is_named(city: Database, typed: float, says: str) -> None:
    with city.writing() as session:
        scene = Scene(session, Thresholds())
        claim = scene.report(typed_area_mu=typed)
        (doubt,) = doubts_of(session, claim.id, START)
        assert doubt.rule == "typed_unit_confused" and says in doubt.sentence("en")
        session.rollback()


def test_a_claim_elsewhere_is_told_the_system_that_fits(city: Database) -> None:
    metric = Transformer.from_crs(4490, 4546, always_xy=True)
    wrong_zone = Transformer.from_crs(4547, 4490, always_xy=True)
    moved_by_zone = shapely.transform(
        FIELD, lambda points: np.column_stack(wrong_zone.transform(*metric.transform(*points.T)))
    )
    for land, says in (
        (moved_by_zone, "EPSG:4546"),
        (shapely.box(111.7, 27.19, 111.79, 27.195), "None of the systems"),
    ):
        with city.writing() as session, pytest.raises(Problem, match="claim_outside_unit") as refused:
            Scene(session, Thresholds()).report(land)
        assert says in refused.value.sentence("en")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.floats(0, 0.004), st.floats(0, 0.004), st.floats(0.00005, 0.001)), min_size=1, max_size=6),
    st.floats(0, 0.3),
    st.sampled_from([0.0, 400.0, 3000.0]),
)
def test_gross_less_cuts_is_net_and_no_part_is_below_the_minimum(
    boxes: list[tuple[float, float, float]], ridge_factor: float, minimum_m2: float
) -> None:
    places = [shapely.box(111.71 + x, 27.25 + y, 111.71 + x + size, 27.25 + y + size) for x, y, size in boxes]
    land = shapely.union_all(places)
    farmland = [shapely.box(111.7115, 27.25, 111.7118, 27.256)]
    net = net_area(land, SQUARES[VILLAGE], farmland, [], ridge_factor, minimum_m2)
    assert net.gross_m2 - sum(cut.area_m2 for cut in net.cuts) == pytest.approx(net.net_m2, abs=1e-6)
    parts = shapely.get_parts(net.geometry)
    assert (areas_m2(parts[~shapely.is_empty(parts)]) >= minimum_m2 - 0.01).all()
    without = net_area(land, SQUARES[VILLAGE], farmland, [], ridge_factor)
    assert net.net_m2 <= without.net_m2 + 0.01


def save(folder: Path, file: str, shapes: list[shapely.Geometry], **columns: list[object]) -> str:
    gpd.GeoDataFrame(columns, geometry=shapes, crs=4490).to_file(folder / file)
    return file


STEPS: dict[str, list[object]] = {
    "reported_at": ["2022-02-01"] * 2,
    "checked_at": ["2022-02-03"] * 2,
    "accepted_at": ["2022-02-05"] * 2,
    "reported_by": ["the village"] * 2,
    "reported_by_unit": [VILLAGE] * 2,
    "accepted_by": ["the city"] * 2,
    "accepted_by_unit": [CITY] * 2,
}


def test_an_import_records_doubts_and_refuses_what_rules_refuse(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    rows = {"number": ["C1", "C2"], "unit_code": [VILLAGE] * 2, **STEPS}
    alone = rows | {"accepted_by": ["the city", "the village"], "accepted_by_unit": [CITY, VILLAGE]}
    save(tmp_path, "alone.gpkg", [FIELD, moved(0.004)], **alone)
    refused = tianzhang("import", "claims", "alone.gpkg", "--report", "remarks.csv")
    assert refused.returncode == 1 and "the same name" in (tmp_path / "remarks.csv").read_text("utf-8")
    assert "no unit above" in (tmp_path / "remarks.csv").read_text("utf-8")
    save(tmp_path, "claims.gpkg", [FIELD, moved(0.0019)], **rows)
    done = tianzhang("import", "claims", "claims.gpkg")
    assert done.returncode == 0, done.stderr
    with small_city.reading() as session:
        found = {
            (doubt.stage, doubt.rule)
            for claim in (1, 2)
            for doubt in doubts_of(session, claim, datetime.now(START.tzinfo))
        }
        assert {("reported", "overlaps_claim"), ("reported", "late_entry"), ("accepted", "no_second_visit")} <= found
    assert "2 unchanged" in tianzhang("import", "claims", "claims.gpkg").stdout


def test_a_finding_takes_back_what_was_abandoned_and_leaves_yesterday(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    save(tmp_path, "claims.gpkg", [FIELD, moved(0.004)], number=["C1", "C2"], unit_code=[VILLAGE] * 2, **STEPS)
    assert tianzhang("import", "claims", "claims.gpkg").returncode == 0
    touching = shapely.box(111.716 - 1e-7, 27.250, 111.718, 27.252)  # 2 m² of C2, less than 0.5 % of it
    shapes = [part_of(0.5), touching]
    save(tmp_path, "findings.gpkg", shapes, number=["F1", "F2"], at=["2022-03-01"] * 2, by=["inspector"] * 2)
    done = tianzhang("import", "findings", "findings.gpkg")
    assert done.returncode == 0 and "2 new" in done.stdout, done.stderr
    assert "2 unchanged" in tianzhang("import", "findings", "findings.gpkg").stdout
    with small_city.reading() as session:
        claims = {claim.number: claim for claim in session.query(Claim)}
        last = claims["C1"].steps[-1]
        assert (last.state, f"{last.at:%Y-%m-%d}") == (State.REVOKED, "2022-03-01") and "F1" in last.why
        assert claims["C2"].state == State.ACCEPTED
        before, after = (progress(session, CITY, START + timedelta(days=days)) for days in (-1, 1))
        assert before.accepted_m2 == pytest.approx(2 * area_m2(FIELD), abs=0.05)
        assert after.accepted_m2 == pytest.approx(area_m2(FIELD), abs=0.05)
    save(tmp_path, "changed.gpkg", [FIELD], number=["F1"], at=["2022-03-01"])
    changed = tianzhang("import", "findings", "changed.gpkg")
    assert changed.returncode == 1 and "cannot be changed" in changed.stderr


def test_an_audit_puts_all_rules_to_all_claims(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    areas = {
        "kind": ["linkage", "red_line"],
        "number": ["L1", "R1"],
        "name": ["挂钩项目", "红线"],
        "fund": ["省级", ""],
    }
    save(tmp_path, "areas.gpkg", [part_of(0.5), moved(0.004)], **areas)
    done = tianzhang("import", "designations", "areas.gpkg")
    assert done.returncode == 0 and "2 new" in done.stdout, done.stderr
    assert "2 unchanged" in tianzhang("import", "designations", "areas.gpkg").stdout
    wrong = save(tmp_path, "wrong.gpkg", [FIELD], kind=["moon"])
    assert "moon" in tianzhang("import", "designations", wrong).stderr
    save(tmp_path, "claims.gpkg", [FIELD, moved(0.004)], number=["C1", "C2"], unit_code=[VILLAGE] * 2, **STEPS)
    assert tianzhang("import", "claims", "claims.gpkg").returncode == 0
    clean = tianzhang("audit", "-o", "doubts.gpkg")
    assert clean.returncode == 0, clean.stderr
    assert "project_overlap" in clean.stdout and "red_line" in clean.stdout and "No accepted claim" in clean.stdout
    layer = gpd.read_file(tmp_path / "doubts.gpkg")
    place = layer[layer["规则 rule"] == "project_overlap"].iloc[0]
    assert place["面积 area m²"] == pytest.approx(area_m2(FIELD) / 2, rel=1e-6) and "省级" in place["说明 sentence"]
    assert place.geometry.equals_exact(part_of(0.5).normalize(), 1e-9) or place.geometry.equals(part_of(0.5))

    assert tianzhang("import", "baseline", baseline(tmp_path), "--year", "2019").returncode == 0  # it came late
    dirty = tianzhang("audit", "--unit", VILLAGE, "-o", "doubts.xlsx", language="zh")
    assert dirty.returncode == 1 and "C1" in dirty.stderr and "C2" not in dirty.stderr
    sheet = openpyxl.load_workbook(tmp_path / "doubts.xlsx").active
    assert sheet is not None
    titles, *rows = sheet.iter_rows(values_only=True)
    found = [dict(zip(titles, row, strict=True)) for row in rows]
    existing = next(row for row in found if row["规则 rule"] == "existing_farmland")
    assert (
        existing["申报 claim"] == "C1"
        and "原有耕地" in existing["说明 sentence"]
        and existing["性质 severity"] == "不予验收"
    )
    assert existing["longitude"] == pytest.approx(111.711, abs=1e-3)
    before = tianzhang("audit", "--as-of", "2022-02-04")
    assert before.returncode == 0, "on that day nothing was accepted"


def baseline(folder: Path) -> str:
    return save(folder, "dltb.gpkg", [FIELD], BSM=["1"], DLBM=["0101"], GDPDJB=["5"])


def test_the_ledger_speaks_of_every_row_that_rules_write(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    save(tmp_path, "claims.gpkg", [FIELD, moved(0.0019)], number=["C1", "C2"], unit_code=[VILLAGE] * 2, **STEPS)
    save(tmp_path, "areas.gpkg", [FIELD], kind=["red_line"])
    save(tmp_path, "findings.gpkg", [part_of(0.5)], at=["2022-03-01"])
    for noun, file in (("designations", "areas"), ("claims", "claims"), ("findings", "findings")):
        done = tianzhang("import", noun, f"{file}.gpkg")
        assert done.returncode == 0, done.stderr
    with small_city.writing() as session:
        at = datetime.now(START.tzinfo)
        add_visit(session, get_claim(session, "C1"), Actor("town", at, at), "出苗")
    with small_city.reading() as session:
        said: Content = {}
        for entry in session.scalars(select(Entry).order_by(Entry.seq)):
            tables = {name: rows for name, rows in json.loads(entry.after).items() if name != "file"}
            merge(said, tables)
        for model in (Doubt, Visit, DesignatedArea, Finding):
            table = table_of(model)
            held = stored(session, table)[table.name]
            assert said[table.name] == held and held["id"], table.name
