"""What doubts say: how much, where, whose, from when on; each fact by hand. On both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import shapely
from conftest import CITY, FAR_VILLAGE, NEXT_VILLAGE, START, TOWN, UNSEEN, VILLAGE, make_small_city, module_database_url
from test_rules import ACCEPTED_AT, FIELD, FIELD_MU, Scene, moved, part_of

from farmland.audit.audit import audit
from farmland.keeping.prepare import prepare
from farmland.people.people import Actor
from farmland.records.database import Database
from farmland.restoration.claims import Claim, Method, State, get_claim
from farmland.restoration.doubts import Doubt, doubts_of
from farmland.restoration.rules.targets import lowered
from farmland.restoration.targets import allocate
from farmland.restoration.thresholds import Thresholds
from farmland.restoration.transitions import take_step
from geodata.area import ELLIPSOID, area_m2
from geodata.gcj02 import to_gcj02

FIELD_M2 = area_m2(FIELD)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAST = ACCEPTED_AT + 999 * DAY


@pytest.fixture(scope="module", params=["sqlite", "postgis"])
def city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The small city on each database, for all tests of this module: none of them keeps what it writes."""
    database = Database(module_database_url(request, tmp_path_factory.mktemp("doubts")))
    prepare(database)
    make_small_city(database)
    yield database
    database.close()


@pytest.fixture
def scene(city: Database) -> Iterator[Scene]:
    with city.writing() as session:
        yield Scene(session, Thresholds())
        session.rollback()


@contextmanager
def tried(scene: Scene) -> Iterator[None]:
    """What is written in it is taken back."""
    with scene.session.begin_nested() as nested:
        yield
        nested.rollback()
        scene.session.expunge_all()  # what was read of it has the ids of what comes next


def doubts(scene: Scene, claim: Claim) -> dict[str, Doubt]:
    return {doubt.rule: doubt for doubt in doubts_of(scene.session, claim.id, LAST)}


def facts(scene: Scene, claim: Claim, rule: str) -> dict[str, Any]:
    return doubts(scene, claim)[rule].facts


def test_the_place_of_a_doubt_lies_on_the_land_that_it_speaks_of(scene: Scene) -> None:
    scene.report(part_of(0.5), number="A")
    claim = scene.report(moved(0.0005), number="B")
    doubt = doubts(scene, claim)["overlaps_claim"]
    assert shapely.intersection(part_of(0.5), moved(0.0005)).covers(
        shapely.Point(doubt.facts["longitude"], doubt.facts["latitude"])
    )
    assert doubt.facts["area_m2"] == pytest.approx(FIELD_M2 / 4, rel=1e-4)
    assert doubt.facts["other"] == "A" and doubt.facts["other_unit"] == f"单位{VILLAGE}"
    assert f"{FIELD_M2 / 4:,.2f}"[:-1] in doubt.sentence("zh")
    assert doubt.stage == "reported" and doubt.recorded_at == START
    assert doubts_of(scene.session, claim.id, START - HOUR) == []


def strip(metres: float, east: float = 0.0) -> shapely.Geometry:
    """The field's neighbour in the east, over it by so many metres: 99.03 m to a thousandth of a degree."""
    return shapely.box(111.712 - metres / 99_030, 27.250, 111.7121 + east, 27.252)


@pytest.mark.parametrize(
    ("metres", "wide", "told"),
    [
        (0.02, 0.0, False),  # of the neighbour of 10 m and 2,200 m² half a hundredth is 11 m²: 4.4 m² are less
        (0.06, 0.0, True),  # 13.3 m²
        (0.06, 0.01, False),  # of two large ones half a hundredth of the smaller is 219 m²
        (1.2, 0.01, True),  # 266 m²
    ],
)
def test_an_overlap_is_told_from_half_a_hundredth_of_the_smaller_one_on(
    scene: Scene, metres: float, wide: float, told: bool
) -> None:
    for first, second in ((FIELD, strip(metres, wide)), (strip(metres, wide), FIELD)):
        with tried(scene):
            scene.report(first)
            found = doubts(scene, scene.report(second))
            assert ("overlaps_claim" in found) == told
            if told:
                assert found["overlaps_claim"].facts["area_m2"] == pytest.approx(metres * 221.6, rel=0.01)


def test_a_square_metre_is_the_least_that_is_told(scene: Scene) -> None:
    small = shapely.box(111.720, 27.250, 111.7201, 27.2501)  # 110 m²: half a hundredth of it is half a square metre
    for share, told in ((0.008, False), (0.011, True)):
        beside = shapely.affinity.translate(small, 0.0001 * (1 - share))
        with tried(scene):
            scene.report(small)
            assert ("overlaps_claim" in doubts(scene, scene.report(beside))) == told


def test_claimed_land_in_pieces_is_measured_once_and_names_them_all(scene: Scene) -> None:
    with tried(scene):
        scene.report(part_of(0.5), number="A")
        scene.report(shapely.difference(part_of(0.88), part_of(0.4)), number="B")
        found = facts(scene, scene.report(number="C"), "split_or_merged")
        assert found["others"] == "A, B"
        assert found["share"] == pytest.approx(0.88, abs=1e-4)
        assert found["area_m2"] == pytest.approx(0.88 * FIELD_M2, rel=1e-4)
    scene.report(part_of(0.5), number="A")
    scene.report(shapely.difference(part_of(0.78), part_of(0.1)), number="B")  # together 118 of 100, but 78 of the land
    assert "split_or_merged" not in doubts(scene, scene.report(number="C"))


def test_land_in_another_guise_is_told_by_how_alike_and_how_far_apart(scene: Scene) -> None:
    """With a tenth of its width beyond, a field and the other agree to nine elevenths."""
    scene.report(number="A")
    again = facts(scene, scene.report(shapely.affinity.translate(FIELD, 0.0002), number="B"), "same_land")
    assert (again["other"], again["other_unit"]) == ("A", f"单位{VILLAGE}")
    assert again["iou"] == pytest.approx(9 / 11, abs=1e-4)
    shifted = shapely.transform(FIELD, to_gcj02)
    found = [
        doubt.facts
        for doubt in doubts_of(scene.session, scene.report(shifted, number="C").id, LAST)
        if doubt.rule == "same_land_shifted"
    ]
    (one,) = [facts for facts in found if facts["other"] == "A"]
    centres = [geometry.centroid for geometry in (FIELD, shifted)]
    metres = ELLIPSOID.inv(centres[0].x, centres[0].y, centres[1].x, centres[1].y)[2]
    assert one["distance_m"] == pytest.approx(metres, abs=0.1) and one["other_unit"] == f"单位{VILLAGE}"


def test_land_outside_is_measured_and_the_unit_named_in_which_most_of_it_lies(scene: Scene) -> None:
    claim = scene.report(shapely.box(111.7245, 27.25, 111.7255, 27.252))
    found = facts(scene, claim, "outside_unit")
    assert found["share"] == pytest.approx(0.5, abs=1e-4)
    assert found["area_m2"] == pytest.approx(FIELD_M2 / 4, rel=1e-4)
    assert found["unit_name"] == f"单位{VILLAGE}" and found["belongs_en"] == f"单位{NEXT_VILLAGE} ({NEXT_VILLAGE})"
    assert doubts(scene, claim)["straddles_unit"].facts["share"] == found["share"]
    # North of the city it is nobody's, east of the village it is the next one's: the larger piece tells.
    for high, wide, belongs in ((0.002, 0.0001, "no unit of the city"), (0.0002, 0.001, NEXT_VILLAGE)):
        north = shapely.box(111.710, 27.299, 111.711, 27.3 + high)
        east = shapely.box(111.724, 27.260, 111.725 + wide, 27.262)
        both = scene.report(shapely.MultiPolygon([north, east]))
        assert belongs in facts(scene, both, "outside_unit")["belongs_en"]


def test_each_deduction_is_told_with_its_own_area_and_share(scene: Scene) -> None:
    """A field of which the eastern half lies outside, a tenth was farmland, a fifth of another claim, from west to east."""
    field = shapely.box(111.7230, 27.25, 111.7270, 27.252)
    whole = area_m2(field)
    scene.patch(shapely.box(111.7230, 27.25, 111.7234, 27.252), "0101")
    scene.report(shapely.box(111.7234, 27.25, 111.7242, 27.252), number="A")
    claim = scene.report(field, number="B")
    found = doubts(scene, claim)
    expected = {"outside_unit": 0.5, "baseline_farmland": 0.1, "overlaps_claim": 0.2, "straddles_unit": 0.5}
    assert {rule: found[rule].facts["area_m2"] / whole for rule in expected} == pytest.approx(expected, abs=1e-3)
    for rule in ("outside_unit", "baseline_farmland"):
        (cut,) = [cut for cut in claim.deductions if cut.reason == rule]
        assert found[rule].facts["area_m2"] == cut.area_m2, "to the hundredth, as it was deducted"
        assert found[rule].facts["share"] == pytest.approx(expected[rule], abs=1e-3)


@pytest.mark.parametrize(("share", "refused"), [(0.049, False), (0.051, True)])
def test_a_twentieth_outside_is_to_be_split_and_in_no_city_looked_at_anew(
    scene: Scene, share: float, refused: bool
) -> None:
    inside = shapely.box(111.7, 27.25, 111.702, 27.252)
    beyond = shapely.affinity.translate(inside, -0.002 * share)
    found = doubts(scene, scene.report(beyond))
    assert "outside_unit" in found
    assert ("straddles_unit" in found, "wrong_position" in found) == (refused, refused)
    if refused:
        assert found["wrong_position"].facts["share"] == pytest.approx(share, abs=1e-3)


def test_two_surveys_of_the_same_land_count_it_once(scene: Scene) -> None:
    scene.patch(part_of(0.5), "0101")
    scene.patch(part_of(0.6), "0103", year=2021)
    scene.patch(moved(0.0015), "0301", slope_class=5)
    scene.patch(moved(0.0016), "0301", slope_class=5, year=2021)
    claim = scene.report()
    found = facts(scene, claim, "baseline_farmland")
    assert found["share"] == pytest.approx(0.6, abs=1e-3)
    assert found["area_m2"] == pytest.approx(0.6 * FIELD_M2, rel=1e-3)
    assert facts(scene, claim, "partly_farmland")["share"] == pytest.approx(0.6, abs=1e-3)
    assert facts(scene, claim, "steep")["share"] == pytest.approx(0.25, abs=1e-3)
    assert facts(scene, claim, "steep")["area_m2"] == pytest.approx(0.25 * FIELD_M2, rel=1e-3)


@pytest.mark.parametrize(("share", "told"), [(0.049, False), (0.051, True)])
def test_a_twentieth_of_steep_land_or_of_farmland_is_told(scene: Scene, share: float, told: bool) -> None:
    scene.patch(part_of(share), "0101", slope_class=5)
    assert ({"steep", "partly_farmland"} <= set(doubts(scene, scene.report()))) == told


@pytest.mark.parametrize(
    ("land_class", "hard"),
    [("1003", True), ("1104A", True), ("201", True), ("202", True), ("203A", True), ("204", True), ("205", True),
     ("1006", True), ("1104", False), ("0201", False), ("1202", False)],
)  # fmt: skip
def test_of_hard_classes_a_photograph_has_to_show_the_removal(scene: Scene, land_class: str, hard: bool) -> None:
    scene.thresholds = UNSEEN
    scene.patch(part_of(0.2), land_class)
    claim = scene.report()
    assert "class_unproven" not in doubts(scene, claim), "photographs come after the report"
    found = scene.accept(claim, seen=False)
    assert ("class_unproven" in found) == hard
    if hard:
        assert facts(scene, claim, "class_unproven")["share"] == pytest.approx(0.2, abs=1e-3)
        assert f"({land_class})" in doubts(scene, claim)["class_unproven"].sentence("en")


@pytest.mark.parametrize("kind", ["high_standard", "linkage", "red_line", "planned_conversion"])
def test_designated_land_is_told_by_its_kind_and_size(scene: Scene, kind: str) -> None:
    scene.designate(kind, part_of(0.25))
    found = doubts(scene, scene.report())
    rule = kind if kind in ("red_line", "planned_conversion") else "project_overlap"
    assert set(found) == {rule}
    assert found[rule].facts["area_m2"] == pytest.approx(FIELD_M2 / 4, rel=1e-4)
    assert found[rule].facts["area_number"] == "D1" and "某项目" in found[rule].sentence("zh")
    assert ("中央资金" in found[rule].sentence("zh")) == (rule == "project_overlap")


def test_a_small_project_is_told_by_its_own_size(scene: Scene) -> None:
    """Of 110 m² that lie within it, though of the field's 44,000 they are less than half a hundredth."""
    scene.designate("linkage", shapely.box(111.711, 27.251, 111.7111, 27.2511))
    assert set(doubts(scene, scene.report())) == {"project_overlap"}


@pytest.mark.parametrize(
    ("hours", "of", "told"),
    [
        (0, 0.5, False),  # at the very moment of the report
        (1, 0.5, True),
        (24 * 30, 0.5, True),  # at the moment of the acceptance
        (24 * 30 + 1, 0.5, False),  # nobody knew
        (1, 0.0049, False),
        (1, 0.0051, True),
    ],
)
def test_land_found_abandoned_since_the_report_is_not_accepted(scene: Scene, hours: int, of: float, told: bool) -> None:
    claim = scene.report()
    scene.abandoned(part_of(of), START + hours * HOUR)
    assert ("abandoned_again" in scene.accept(claim)) == told


def test_ridges_are_deducted_and_missed_by_what_the_baseline_says(scene: Scene) -> None:
    scene.patch(part_of(0.5), "0201", ridge_factor=0.2)  # of the whole field a tenth
    with tried(scene):
        claim = scene.report(ridge_factor=0.04)
        assert claim.ridge_factor == 0 and not doubts(scene, claim), "the target counts with ridges"
    scene.ridges_deducted()
    claim = scene.report(ridge_factor=0.04)
    assert facts(scene, claim, "ridges") == {"factor": 0.04, "area_m2": pytest.approx(0.04 * FIELD_M2, abs=0.01)}
    missing = facts(scene, claim, "ridges_missing")
    assert missing["expected"] == pytest.approx(0.1, abs=1e-4) and missing["factor"] == 0.04
    assert missing["area_m2"] == pytest.approx(0.06 * FIELD_M2, rel=1e-3)
    other = scene.report(moved(0.006), ridge_factor=0.04)  # where the baseline says nothing
    assert set(doubts(scene, other)) == {"ridges"}


@pytest.mark.parametrize(("factor", "told"), [(0.094, True), (0.096, False), (0.2, False)])
def test_ridges_are_missed_from_half_a_hundredth_of_the_field_on(scene: Scene, factor: float, told: bool) -> None:
    scene.ridges_deducted()
    scene.patch(FIELD, "0201", ridge_factor=0.1)
    assert ("ridges_missing" in doubts(scene, scene.report(ridge_factor=factor))) == told


def test_parts_that_are_too_small_are_counted_and_measured(scene: Scene) -> None:
    bits = [shapely.box(111.715 + n * 0.001, 27.250, 111.7152 + n * 0.001, 27.2501) for n in range(3)]  # 219 m² each
    claim = scene.report(shapely.union_all([FIELD, *bits]))
    found = facts(scene, claim, "below_minimum")
    assert (found["parts"], found["minimum_m2"]) == (3, 400)
    assert found["area_m2"] == pytest.approx(sum(map(area_m2, bits)), abs=0.05)
    alone = scene.report(shapely.union_all([shapely.affinity.translate(bit, 0, 0.01) for bit in bits]))
    assert facts(scene, alone, "too_small")["left_m2"] == pytest.approx(sum(map(area_m2, bits)), abs=0.5)
    scene.report(number="A", land=moved(0, 0.02))
    gone = scene.report(moved(0, 0.02), number="B")
    assert "too_small" not in doubts(scene, gone), "of which nothing at all is left"


def test_half_a_square_metre_that_is_left_is_too_small(scene: Scene) -> None:
    scene.report(number="A")
    beyond = 0.5 / 221.6 / 99_030
    claim = scene.report(shapely.box(111.711, 27.250, 111.712 + beyond, 27.252), number="B")
    assert facts(scene, claim, "too_small")["left_m2"] == pytest.approx(0.5, abs=0.1)


def test_a_typed_area_is_set_against_what_is_measured(scene: Scene) -> None:
    claim = scene.report(typed_area_mu=FIELD_MU * 1.05, method=Method.SURVEY)
    found = facts(scene, claim, "typed_area_differs")
    assert found["typed_mu"] == pytest.approx(FIELD_MU * 1.05) and found["measured_mu"] == pytest.approx(FIELD_MU)
    assert found["difference_mu"] == pytest.approx(FIELD_MU * 0.05, abs=1e-3)
    assert found["share"] == pytest.approx(0.05, abs=1e-6)
    assert found["tolerance_mu"] == pytest.approx(FIELD_MU * 0.02, abs=1e-3)
    assert "+5.0%" in doubts(scene, claim)["typed_area_differs"].sentence("zh")
    less = scene.report(moved(0.004), typed_area_mu=FIELD_MU * 0.8)
    assert facts(scene, less, "typed_area_wrong")["difference_mu"] == pytest.approx(-FIELD_MU * 0.2, abs=1e-3)


SMALL = shapely.box(111.715, 27.250, 111.7152, 27.2502)
SMALL_MU = area_m2(SMALL) * 3 / 2000
"""0.66 mu: of so small a field two hundredths are less than the twentieth of a mu that is let pass."""


@pytest.mark.parametrize(
    ("typed", "method", "rule"),
    [
        (SMALL_MU + 0.049, Method.SURVEY, None),
        (SMALL_MU + 0.052, Method.SURVEY, "typed_area_differs"),
        (SMALL_MU - 0.052, Method.SURVEY, "typed_area_differs"),
        (SMALL_MU * 1.11, Method.SURVEY, "typed_area_wrong"),
        (SMALL_MU * 1.11, Method.FILE, None),  # nor of so rough a file, where 0.09 mu are
        (SMALL_MU * 1.15, Method.FILE, "typed_area_wrong"),
        (SMALL_MU * 1.11, Method.PHONE, None),  # within twice what a phone knows of it: 0.1 mu and more
        (SMALL_MU / 15 * 1.04, Method.PHONE, "typed_unit_confused"),
        (SMALL_MU / 15 * 1.06, Method.PHONE, "typed_area_wrong"),
        (0.0, Method.SURVEY, "typed_area_wrong"),
    ],
)
def test_what_is_let_pass_of_a_typed_area(scene: Scene, typed: float, method: Method, rule: str | None) -> None:
    assert set(doubts(scene, scene.report(SMALL, typed_area_mu=typed, method=method))) == ({rule} if rule else set())


@pytest.mark.parametrize("times", [1 / 15, 2000 / 3, 15, 0.0015, 10_000, 0.0001])
def test_another_unit_is_meant_within_a_twentieth(scene: Scene, times: float) -> None:
    for off, confused in ((0.95004, True), (0.94996, False), (1.04996, True), (1.05004, False)):
        with tried(scene):
            found = doubts(scene, scene.report(typed_area_mu=FIELD_MU * times * off))
            assert set(found) == {"typed_unit_confused" if confused else "typed_area_wrong"}, off


def test_of_an_area_from_before_uncertainties_were_kept_its_methods_accuracy_tells(scene: Scene) -> None:
    for n, (method, thresholds, told) in enumerate(
        [
            (Method.PHONE, Thresholds(), False),
            (Method.PHONE, Thresholds(phone_m=0.5), True),
            (Method.IMAGERY, Thresholds(), False),
            (Method.IMAGERY, Thresholds(imagery_m=0.5), True),
            (Method.SURVEY, Thresholds(), True),
            (Method.SURVEY, Thresholds(survey_m=5), False),
            (Method.FILE, Thresholds(), True),  # of which nothing is known
        ]
    ):
        with tried(scene):
            land = shapely.affinity.translate(SMALL, 0, 0.003 * n)
            claim = scene.report(land, typed_area_mu=SMALL_MU + 0.07, method=method)
            claim.gross_u_m2 = None
            scene.session.flush()
            scene.thresholds = thresholds
            assert bool(scene.audit() & {"typed_area_wrong", "typed_area_differs"}) == told, (method, thresholds)


@pytest.mark.parametrize(
    ("late", "rule"),
    [
        (72 * HOUR, None), (72 * HOUR + timedelta(minutes=1), "late_entry"), (-timedelta(minutes=10), None),
        (-timedelta(minutes=10, seconds=1), "future_event"),
    ],
)  # fmt: skip
def test_how_late_an_entry_may_be_and_how_far_ahead(scene: Scene, late: timedelta, rule: str | None) -> None:
    found = doubts(scene, scene.report(recorded_at=START + late))
    assert set(found) == ({rule} if rule else set())
    if rule == "late_entry":
        assert found[rule].facts["hours"] == pytest.approx(72 + 1 / 60)


def test_of_several_late_steps_the_latest_is_told(scene: Scene) -> None:
    claim = scene.report(recorded_at=START + 80 * HOUR)
    at = START + DAY
    take_step(scene.session, claim, State.CHECKED, Actor("town", at, at + 200 * HOUR))
    scene.accept(claim, recorded_at=ACCEPTED_AT + 100 * HOUR)
    found = [doubt for doubt in doubts_of(scene.session, claim.id, LAST) if doubt.rule == "late_entry"]
    assert [(doubt.stage, doubt.facts["step"], doubt.facts["hours"]) for doubt in found] == [
        ("reported", "reported", 80), ("accepted", "checked", 200),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("at", "recorded", "told"),
    [
        (-HOUR, HOUR, True),
        (0 * HOUR, HOUR, True),  # until the end, that moment included
        (timedelta(seconds=1), HOUR, False),
        (-HOUR, 0 * HOUR, False),  # in time
        (-HOUR, timedelta(seconds=1), True),
    ],
)
def test_what_arrives_after_a_period_was_closed(scene: Scene, at: timedelta, recorded: timedelta, told: bool) -> None:
    closed = START + 10 * DAY
    scene.thresholds = Thresholds(closed_until=closed)
    found = doubts(scene, scene.report(at=closed + at, recorded_at=closed + recorded))
    assert ("closed_period" in found) == told
    if told:
        assert found["closed_period"].facts["closed"] == "2022-03-11 09:00"


def test_who_is_the_same_is_told_in_words(scene: Scene) -> None:
    claim = scene.report(by="Li  Si", device="Phone 7", household="H 12")
    at = START + DAY
    take_step(scene.session, claim, State.CHECKED, Actor("LI SI", at, at, device="phone7"))
    scene.see(claim)
    with tried(scene):
        assert scene.accept(claim, household="h12", by="wang", device="phone 8", seen=False) >= {"self_accepted"}
    assert "checked_by_reporter" in scene.accept(claim, household="H 13", by="wang", seen=False)
    found = doubts(scene, claim)["checked_by_reporter"]
    assert (found.facts["same_zh"], found.facts["same_en"]) == ("同一人、同一设备", "the same name, the same device")
    plain = scene.report(moved(0.008), device="", household=None)
    assert not scene.accept(plain, device="", by="city") & {"self_accepted", "checked_by_reporter"}


@pytest.mark.parametrize(
    ("unit", "above"),
    [(None, True), (CITY, True), (TOWN, True), (VILLAGE, False), (f"{VILLAGE}01", False), (FAR_VILLAGE, False),
     ("430582105000", False)],
)  # fmt: skip
def test_whoever_accepts_acts_for_a_unit_above(scene: Scene, unit: str | None, above: bool) -> None:
    assert ("acceptor_not_above" in scene.accept(scene.report(), unit_code=unit)) == (not above)


def test_parts_of_a_target_that_were_lowered_are_told_with_both_figures(city: Database) -> None:
    before = datetime(2021, 12, 31, 23, 59, tzinfo=START.tzinfo)
    first = datetime(2022, 1, 1, tzinfo=START.tzinfo)
    with city.writing() as session:
        for at, part in (
            (before, {VILLAGE: 340}),  # before the target began
            (first, {VILLAGE: 330}),  # on its first instant
            (START, {VILLAGE: 335, NEXT_VILLAGE: 240}),
            (START + DAY, {VILLAGE: 335}),  # no change
            (START + 2 * DAY, {VILLAGE: 300}),
        ):
            allocate(session, "2022", part, at, actor="officer")

        def told(unit: str, moment: datetime) -> list[tuple[object, ...]]:
            found = list(lowered(session, unit, moment))
            assert all(code == facts["unit"] and facts["target"] == "2022" for code, _, facts in found)
            return [(facts["unit"], facts["before_mu"], facts["after_mu"], facts["since"]) for _, _, facts in found]

        village = [(VILLAGE, 340, 330, "2022-01-01"), (VILLAGE, 335, 300, "2022-03-03")]
        assert told(VILLAGE, START + 9 * DAY) == village
        assert told(TOWN, START + 9 * DAY) == [*village, (NEXT_VILLAGE, 250, 240, "2022-03-01")]
        assert told(TOWN, START + 2 * DAY - HOUR) == [village[0], (NEXT_VILLAGE, 250, 240, "2022-03-01")]
        assert told(VILLAGE, START + 2 * DAY) == village
        assert told(VILLAGE, first) == village[:1]
        assert told(VILLAGE, before) == told(FAR_VILLAGE, START + 9 * DAY) == []
        # Taken back at its own moment, a part is what it was: nothing was lowered.
        allocate(session, "2022", {VILLAGE: 335}, START + 2 * DAY, actor="officer")
        assert told(VILLAGE, START + 9 * DAY) == village[:1]
        session.rollback()


def overlapping(scene: Scene, days: float = 90) -> list[tuple[str, str]]:
    """The claims that an audit says to overlap one that was there before, with that one."""
    cases = audit(scene.session, CITY, START + days * DAY, scene.thresholds)
    told = [row for row in cases.to_dict("records") if row["rule"].code == "overlaps_claim"]
    return sorted((row["claim"], row["en"].partition("claim ")[2].split()[0]) for row in told)


def test_whoever_reported_first_was_there_before(scene: Scene) -> None:
    later = scene.report(number="A", at=START + DAY)
    first = scene.report(moved(0.001), number="B")
    assert not doubts(scene, first), "the other was not there yet"
    assert overlapping(scene) == [("A", "B")]
    assert overlapping(scene, days=0.5) == [], "on that day there was one"
    same = scene.report(moved(0.0005, 0.0015), number="C", at=START + DAY)
    assert "overlaps_claim" in doubts(scene, same), "at the same moment the one that was written first"
    assert overlapping(scene) == [("A", "B"), ("C", "A"), ("C", "B")]
    # To the other one that alone is accepted it is before, though it was reported after.
    scene.accept(later)
    assert overlapping(scene) == [("A", "B"), ("B", "A"), ("C", "A"), ("C", "B")]
    scene.accept(first)
    assert overlapping(scene) == [("A", "B"), ("C", "A"), ("C", "B")]


def test_whoever_is_accepted_later_is_told_of_the_other_though_reported_first(scene: Scene) -> None:
    first = scene.report(number="A")
    other = scene.report(moved(0.001), number="B", at=START + HOUR)
    scene.accept(other)
    assert not doubts(scene, first)
    assert "overlaps_claim" in scene.accept(first, at=ACCEPTED_AT + DAY)
    assert doubts(scene, first)["overlaps_claim"].facts["other"] == "B"


@pytest.mark.parametrize(("minutes", "told"), [(-1, True), (0, False), (1, False)])
def test_land_is_free_from_the_moment_of_a_rejection_on(scene: Scene, minutes: int, told: bool) -> None:
    claim = scene.report(number="A")
    at = START + DAY
    take_step(scene.session, claim, State.REJECTED, Actor("town", at, at), "because")
    again = scene.report(moved(0.001), number="B", at=at + timedelta(minutes=minutes))
    assert ("overlaps_claim" in doubts(scene, again)) == told
    assert (again.reported_net_m2 < FIELD_M2 * 0.9) == told


def test_an_audit_names_the_land_that_counts_twice_once(scene: Scene) -> None:
    scene.accept(scene.report(number="A"))
    scene.accept(scene.report(moved(0.002), number="B"))
    scene.accept(scene.report(moved(0.004), number="C"))
    get_claim(scene.session, "B").accepted_net = moved(0.001)
    scene.session.flush()
    cases = audit(scene.session, CITY, START + 90 * DAY, scene.thresholds)
    twice = [row for row in cases.to_dict("records") if row["rule"].code == "counted_twice"]
    assert [row["claim"] for row in twice] == ["B"] and "claim A" in twice[0]["en"]
    assert twice[0]["area_m2"] == pytest.approx(FIELD_M2 / 2, rel=1e-3)
    assert area_m2(twice[0]["geometry"] ^ (FIELD & moved(0.001))) < 0.1
