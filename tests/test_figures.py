"""Figures of units by hand: bars, days, ranks, uncertainties, colours of a few fields of the same size. On both databases."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import numpy as np
import pytest
import shapely
from conftest import CITY, FAR_VILLAGE, NEXT_VILLAGE, OTHER_TOWN, SQUARES, START, TOWN, UNSEEN, VILLAGE
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from farmland.figures.progress import progress, progress_tree, ranking
from farmland.figures.rounding import mu, mu_or_none
from farmland.figures.series import series
from farmland.figures.warning import WarningColours
from farmland.figures.waterfall import BARS, claim_parts, claims_of_bar, waterfall
from farmland.keeping.tables import Unit
from farmland.land.units import Level
from farmland.records.clock import days_before, end_of_day, parse_day, parse_moment, start_of_day
from farmland.records.database import Database, table_of
from farmland.restoration.claims import Claim, State, get_claim
from farmland.restoration.net_area import net_area
from farmland.restoration.survey import Method
from farmland.restoration.targets import Target, allocate
from farmland.restoration.transitions import Actor, Report, report_claim, take_step
from geodata.area import ELLIPSOID, area_m2, areas_m2
from geodata.column import write
from geodata.problems import Problem
from geodata.scale import metres_per_degree

DAY = timedelta(days=1)
FIELD_M2 = area_m2(shapely.box(111.710, 27.250, 111.712, 27.252))
ACCEPTED = (State.CHECKED, State.ACCEPTED)


def field(n: int, west: float = 111.702, size: float = 0.002) -> shapely.Polygon:
    """The n-th field of a row from the south to the north, 300 m from one to the next."""
    return shapely.box(west, 27.21 + n * 0.003, west + size, 27.21 + n * 0.003 + size)


def claim_of(
    session: Session,
    number: str,
    land: shapely.Geometry,
    states: Iterable[State] = ACCEPTED,
    unit: str = VILLAGE,
    first: int = 0,
    method: Method = Method.FILE,
) -> Claim:
    """A claim reported so many days after the start; each next state comes a day later."""
    at = START + first * DAY
    claim = report_claim(session, Report(unit, land, f"f{number}", number=number, method=method), Actor("v", at, at))
    for days, state in enumerate(states, first + 1):
        at = START + days * DAY
        take_step(session, claim, state, Actor(f"{state}", at, at), "because", thresholds=UNSEEN)
    return claim


STATES: dict[str, tuple[State, ...]] = {
    "reported": (),
    "checked": (State.CHECKED,),
    "rejected": (State.REJECTED,),
    "rejected late": (State.CHECKED, State.REJECTED),
    "accepted": ACCEPTED,
    "accepted too": ACCEPTED,
    "revoked": (*ACCEPTED, State.REVOKED),
}


@pytest.fixture
def in_every_state(small_city: Database) -> Database:
    """A field each: waiting for its check, for its acceptance, rejected at once and late, accepted twice, revoked."""
    with small_city.writing() as session:
        for n, (number, states) in enumerate(STATES.items()):
            claim_of(session, number, field(n), states)
    return small_city


# How many fields each figure has at the end of the first days: reported, checked and accepted, accepted, rejected, revoked.
BY_DAY = [(7, 0, 0, 0, 0), (7, 5, 0, 1, 0), (7, 4, 3, 2, 0), (7, 3, 2, 2, 1), (7, 3, 2, 2, 1)]


def test_each_day_of_a_field_in_every_state(in_every_state: Database) -> None:
    names = ("reported", "checked", "accepted", "rejected", "revoked")
    with in_every_state.reading() as session:
        for days, fields in enumerate(BY_DAY):
            now = progress(session, TOWN, START + days * DAY)
            found = [getattr(now, f"{name}_m2") for name in names]
            assert found == pytest.approx([count * FIELD_M2 for count in fields], rel=1e-3), days
            in_mu = [getattr(now, f"{name}_mu") for name in names]
            assert in_mu == pytest.approx([area / 2000 * 3 for area in found], abs=0.011)
            assert now.claims == 7
        assert progress(session, TOWN, START - DAY).claims == 0
        days = series(session, TOWN, START + 4 * DAY, since=START.date()).days
        assert [row[0] for row in days] == [START.date() + n * DAY for n in range(5)]
        for row, fields in zip(days, BY_DAY, strict=True):
            assert row[1:4] == pytest.approx([count * FIELD_M2 / 2000 * 3 for count in fields[:3]], rel=1e-3)
        for unit in (VILLAGE, CITY):
            assert series(session, unit, START + 4 * DAY, since=START.date()).days == days


def test_each_bar_is_the_sum_of_its_claims(in_every_state: Database) -> None:
    moment = START + 9 * DAY
    # No photograph shows any of them.
    expected = {
        "reported": set(STATES), "evidence_missing": {"reported", "checked"}, "rejected": {"rejected", "rejected late"},
        "revoked": {"revoked"}, "accepted": {"accepted", "accepted too"},
    }  # fmt: skip
    with in_every_state.reading() as session:
        bars = {bar.reason: bar for bar in waterfall(session, TOWN, moment)}
        assert list(bars) == list(BARS)
        for reason, bar in bars.items():
            claims = claims_of_bar(session, TOWN, moment, reason)
            assert set(claims.index) == expected.get(reason, set())
            assert bar.claims == len(claims)
            assert bar.area_m2 == pytest.approx(len(claims) * FIELD_M2, rel=1e-3)
            assert claims["bar_area_m2"].sum() == pytest.approx(bar.area_m2, abs=1e-6)
            assert claims["bar_area_mu"].sum() == pytest.approx(bar.area_mu, abs=1e-6)
            assert bar.area_mu == pytest.approx(bar.area_m2 / 2000 * 3, abs=0.011)
        assert {reason for reason, parts in claim_parts(session, NEXT_VILLAGE, moment).items() if parts} == set()
        with pytest.raises(Problem, match="unknown_bar"):
            claims_of_bar(session, TOWN, moment, "moon")
        with pytest.raises(Problem, match="unit_unknown"):
            claims_of_bar(session, "430582999000", moment, "reported")


def test_a_bar_of_a_deduction_has_what_was_cut_and_whose_stage_it_is(small_city: Database) -> None:
    """Half of the second field is the first one's, half of the third lies outside of the village."""
    with small_city.writing() as session:
        claim_of(session, "A", field(0))
        claim_of(session, "B", shapely.affinity.translate(field(0), 0.001), first=4)
        claim_of(session, "C", shapely.box(111.724, 27.25, 111.7251, 27.252), (State.CHECKED,), first=4)
    with small_city.reading() as session:
        for days in (4, 9):  # as reported, as accepted
            bars = {bar.reason: bar for bar in waterfall(session, TOWN, START + days * DAY)}
            assert bars["other_claim"].area_m2 == pytest.approx(FIELD_M2 / 2, rel=1e-3)
            assert bars["outside_unit"].area_m2 == pytest.approx(FIELD_M2 / 20, rel=1e-3)
            assert (bars["other_claim"].claims, bars["outside_unit"].claims, bars["ridges"].claims) == (1, 1, 0)
            assert claims_of_bar(session, TOWN, START + days * DAY, "other_claim").index.tolist() == ["B"]
        assert bars["evidence_missing"].area_m2 == pytest.approx(FIELD_M2 / 2, rel=1e-3)
        assert bars["accepted"].area_m2 == pytest.approx(FIELD_M2 * 1.5, rel=1e-3)


def test_without_a_target_figures_are_of_nothing(small_city: Database) -> None:
    moment = START + 9 * DAY
    with small_city.writing() as session:
        claim_of(session, "A", field(0))
        session.add(
            Target(code="next", name="", start_day=START.date(), due_day=date(2022, 12, 31), area_basis="whole")
        )
        session.flush()
        claim_of(session, "B", field(1), first=1)
        named = {code: progress(session, VILLAGE, moment, target_code=code) for code in ("2022", "next", None)}
        assert [named[code].claims for code in named] == [1, 1, 1]
        assert named[None] == named["next"] != named["2022"]
        assert (named["next"].target_mu, named["next"].warning, named["next"].ratio) == (None, "none", None)
        for code in ("2022", "next"):
            bars = waterfall(session, VILLAGE, moment, target_code=code)
            assert (bars[0].claims, bars[0].area_m2) == (1, pytest.approx(FIELD_M2, rel=1e-3))
        # A unit that has no part of a target has no plan.
        assert series(session, FAR_VILLAGE, moment, target_code="2022").plan == []
        assert series(session, FAR_VILLAGE, moment, target_code="2022").as_json()["target_mu"] is None
        session.rollback()


def test_in_a_city_without_targets_there_is_neither_plan_nor_area(database: Database) -> None:
    with database.writing() as session:
        columns = {
            "id": [1],
            "code": [CITY],
            "name": ["市"],
            "level": ["city"],
            "parent_code": [None],
            "area_m2": [1.0],
        }
        write(session.connection(), table_of(Unit), columns, np.array([SQUARES[CITY]], dtype=object), new=True)
    with database.reading() as session:
        now = progress(session, CITY, START)
        assert (now.target_code, now.start_date, now.days_left, now.target_mu, now.accepted_mu) == (None,) * 4 + (0,)
        assert (now.warning, now.pace_mu_per_day, now.needed_mu_per_day, now.share) == ("none", None, None, None)
        whole = series(session, CITY, START)
        assert whole.days == [(START.date(), 0, 0, 0, 0)] and whole.plan == []
        assert whole.as_json()["start_date"] is None
        assert waterfall(session, CITY, START)[0].claims == 0


def test_the_uncertainty_of_a_sum_is_by_squares_over_what_counts(small_city: Database) -> None:
    with small_city.writing() as session:
        claim_of(session, "A", field(0), method=Method.SURVEY)
        claim_of(session, "B", field(1), method=Method.PHONE)
        claim_of(session, "C", field(2), method=Method.IMAGERY)
        claim_of(session, "D", field(3), (*ACCEPTED, State.REVOKED), method=Method.PHONE)
        claim_of(session, "E", field(0, 111.727), method=Method.PHONE, unit=NEXT_VILLAGE)
        claim_of(session, "F", field(4), (State.CHECKED,), method=Method.PHONE)
        old = claim_of(session, "G", field(5))
        old.accepted_net_u_m2 = None  # from before it was computed
        session.flush()
        each = {name: get_claim(session, name).accepted_net_u_m2 or 0.0 for name in "ABCDEG"}
        # Four corners of a square by hand: the root of two times a side, for each metre.
        side = metres_per_degree(27.217) * 0.002
        assert each["C"] == pytest.approx(2.0 * np.hypot(*side), rel=1e-3)
        assert each["A"] == pytest.approx(0.05 * np.hypot(*side), rel=2e-3)
        for unit, names in ((VILLAGE, "ABC"), (NEXT_VILLAGE, "E"), (TOWN, "ABCE"), (CITY, "ABCE")):
            now = progress(session, unit, START + 9 * DAY)
            expected = np.linalg.norm([each[name] for name in names])
            assert now.accepted_u_m2 == pytest.approx(expected, abs=0.006)
            assert now.accepted_u_mu == pytest.approx(expected * 3 / 2000, abs=0.006)
        before = progress(session, VILLAGE, START + 2.5 * DAY)
        assert before.accepted_u_m2 == pytest.approx(np.linalg.norm([each[name] for name in "ABCD"]), abs=0.006)
        session.rollback()


def test_a_ranking_is_by_how_far_along_the_plan_and_equal_ones_share_a_rank(small_city: Database) -> None:
    villages = [f"{TOWN[:9]}{n}" for n in range(301, 307)]
    with small_city.writing() as session:
        columns = {
            "id": list(range(50, 56)), "code": villages, "name": [f"{code}村" for code in villages],
            "level": ["village"] * 6, "parent_code": [TOWN] * 6, "area_m2": [1.0] * 6,
        }  # fmt: skip
        land = [shapely.box(111.75, 27.2 + n * 0.01, 111.76, 27.21 + n * 0.01) for n in range(6)]
        write(session.connection(), table_of(Unit), columns, np.array(land, dtype=object), new=True)
        parts = dict(zip(villages, (100, 50, 100, 0), strict=False))
        allocate(session, "2022", parts, START, actor="officer", allow_over=True)
        for n, village in enumerate(villages[:3]):
            claim_of(
                session, f"C{n}", shapely.box(111.752, 27.201 + n * 0.01, 111.754, 27.203 + n * 0.01), unit=village
            )
        claim_of(session, "C5", shapely.box(111.752, 27.251, 111.754, 27.253), unit=villages[5])
        moment = START + 9 * DAY
        ranks = [(rank, row.unit_code) for rank, row in ranking(session, TOWN, moment)]
        area = {n: get_claim(session, f"C{n}").accepted_net_m2 or 0.0 for n in (0, 2)}
        first, then = (0, 2) if area[0] >= area[2] else (2, 0)
        # Half the target, then the others by land; one of whom nothing is asked; those without a target, by land, then code.
        plan = 67 / 181
        ratios = {villages[1]: FIELD_M2 * 3 / 2000 / 50 / plan, villages[0]: FIELD_M2 * 3 / 2000 / 100 / plan}
        assert ratios[villages[1]] > ratios[villages[0]] > 1
        assert [code for _, code in ranks] == [
            villages[1], villages[first], villages[then], villages[3], VILLAGE, NEXT_VILLAGE, villages[5], villages[4],
        ]  # fmt: skip
        assert [rank for rank, _ in ranks] == [1, 2, 3, 4, 5, 5, 7, 8]
        towns = ranking(session, CITY, moment)
        assert [(rank, row.unit_code) for rank, row in towns] == [(1, TOWN), (2, OTHER_TOWN)]
        assert [row.unit_code for _, row in ranking(session, villages[0], moment)] == []
        session.rollback()


def test_a_tree_goes_down_as_far_as_asked_and_holds_what_lies_deeper(small_city: Database) -> None:
    group, other = f"{VILLAGE}01", f"{VILLAGE}02"
    with small_city.writing() as session:
        columns = {
            "id": [60, 61], "code": [group, other], "name": ["一组", "二组"], "level": ["group"] * 2,
            "parent_code": [VILLAGE] * 2, "area_m2": [1.0] * 2,
        }  # fmt: skip
        write(session.connection(), table_of(Unit), columns, np.array([SQUARES[VILLAGE]] * 2, dtype=object), new=True)
        allocate(session, "2022", {group: 100, other: 50}, START, actor="officer")
        claim_of(session, "A", field(0), unit=group)
        claim_of(session, "B", field(1), unit=VILLAGE)
        moment = START + 9 * DAY
        by_level = {level: progress_tree(session, CITY, moment, down_to=level) for level in Level}
        codes = {level: [row.unit_code for row in rows] for level, rows in by_level.items()}
        assert codes[Level.CITY] == [CITY]
        assert codes[Level.TOWN] == [CITY, TOWN, OTHER_TOWN]
        assert codes[Level.GROUP] == [*codes[Level.VILLAGE], group, other] and len(codes[Level.VILLAGE]) == 6
        for rows in by_level.values():
            found = {row.unit_code: row for row in rows}
            assert found[CITY].accepted_m2 == pytest.approx(2 * FIELD_M2, rel=1e-3)
            assert (found[CITY].claims, found[CITY].allocated_mu, found[CITY].unallocated_mu) == (2, 1000, 0)
            if VILLAGE in found:
                assert (found[VILLAGE].allocated_mu, found[VILLAGE].unallocated_mu) == (150, 200)
                assert found[VILLAGE].accepted_m2 == pytest.approx(2 * FIELD_M2, rel=1e-3)
            if group in found:
                assert found[group].accepted_m2 == pytest.approx(FIELD_M2, rel=1e-3)
                assert (found[other].accepted_m2, found[other].accepted_mu) == (0, 0)
        assert [row.unit_code for row in progress_tree(session, TOWN, moment)] == [TOWN, VILLAGE, NEXT_VILLAGE]
        # Asked for a level above its own, a unit still has its own row.
        assert [row.unit_code for row in progress_tree(session, VILLAGE, moment, down_to=Level.CITY)] == [VILLAGE]
        assert [row.unit_code for _, row in ranking(session, VILLAGE, moment)] == [group, other]
        with pytest.raises(Problem, match="unit_unknown"):
            progress(session, "430582104999", moment)
        session.rollback()


@pytest.mark.parametrize(
    ("ratio", "colour", "own"),
    [
        (np.nan, "none", "none"), (0.0, "red", "red"), (0.6999, "red", "red"), (0.7, "red", "yellow"),
        (0.8499, "red", "yellow"), (0.85, "yellow", "yellow"), (0.9, "yellow", "green"), (0.9999, "yellow", "green"),
        (1.0, "green", "green"), (3.0, "green", "green"),
    ],
)  # fmt: skip
def test_colours(ratio: float, colour: str, own: str) -> None:
    assert WarningColours().of(np.array([ratio])) == [colour]
    assert WarningColours(green=0.9, yellow=0.7).of(np.array([ratio, ratio])) == [own, own]


def test_a_plan_that_is_missed_by_so_much_is_yellow_or_red(small_city: Database) -> None:
    with small_city.writing() as session:
        claim_of(session, "A", field(0))
        moment = end_of_day(date(2022, 6, 30))
        done_mu = progress(session, VILLAGE, moment).accepted_mu
        for part, colour in ((1.0, "green"), (1.01, "yellow"), (1.17, "yellow"), (1.18, "red")):
            allocate(session, "2022", {VILLAGE: done_mu * part}, START, actor="officer")
            now = progress(session, VILLAGE, moment)
            assert now.warning == colour and now.ratio == pytest.approx(1 / part, abs=1e-3)
            strict = progress(session, VILLAGE, moment, colours=WarningColours(2, 1))
            assert strict.warning == ("yellow" if part == 1 else "red")
        session.rollback()


def test_square_metres_are_shown_as_mu() -> None:
    assert (mu(2000.0), mu(2003.0), mu(2004.0), mu(0.0)) == (3.0, 3.0, 3.01, 0.0)
    assert (mu_or_none(2000.0), mu_or_none(0.0), mu_or_none(None)) == (3.0, 0.0, None)


UNIT_LAND = shapely.box(111.70, 27.20, 111.725, 27.30)


def test_land_is_cut_in_order_and_each_hundredth_once() -> None:
    """Outside, then farmland, then others in their order: what two reasons share is the first one's."""
    land = shapely.box(111.720, 27.250, 111.730, 27.252)
    farmland = [shapely.box(111.724, 27.249, 111.726, 27.253), shapely.box(111.80, 27.2, 111.81, 27.21)]
    others = [(7, shapely.box(111.723, 27.249, 111.7245, 27.253)), (8, shapely.box(111.721, 27.249, 111.7235, 27.253)),
              (9, shapely.box(111.6, 27.249, 111.61, 27.253))]  # fmt: skip
    net = net_area(land, UNIT_LAND, farmland, others, ridge_factor=0.1)
    widths = [(str(cut.reason), cut.other_claim_id, cut.area_m2) for cut in net.cuts]
    whole = area_m2(land)
    assert widths == [
        ("outside_unit", None, pytest.approx(whole * 0.5, rel=1e-4)),
        ("baseline_farmland", None, pytest.approx(whole * 0.1, rel=1e-4)),
        ("other_claim", 7, pytest.approx(whole * 0.1, rel=1e-4)),
        ("other_claim", 8, pytest.approx(whole * 0.2, rel=1e-4)),
        ("ridges", None, pytest.approx(whole * 0.01, rel=1e-4)),
    ]
    assert net.net_m2 == pytest.approx(whole * 0.09, rel=1e-4)
    assert net.gross_m2 - sum(cut.area_m2 for cut in net.cuts) == pytest.approx(net.net_m2, abs=1e-6)
    assert areas_m2([net.geometry])[0] == pytest.approx(whole * 0.1, rel=1e-4), "ridges are nowhere in particular"
    for cut in net.cuts[:-1]:
        assert cut.geometry is not None
        assert areas_m2([cut.geometry])[0] == pytest.approx(cut.area_m2, abs=0.05)
        assert shapely.intersection(cut.geometry, net.geometry).area < 1e-12
    assert net.cuts[-1].geometry is None


def test_where_nothing_is_cut_there_is_no_deduction() -> None:
    land = shapely.box(111.710, 27.250, 111.712, 27.252)
    beside = shapely.box(111.712, 27.250, 111.714, 27.252)
    net = net_area(land, UNIT_LAND, [beside], [(3, beside)], ridge_factor=0.0, minimum_m2=400)
    assert (net.cuts, net.net_m2, net.gross_m2) == ([], area_m2(land), area_m2(land))
    along = shapely.box(111.723, 27.250, 111.725, 27.252)  # up to the unit's border
    assert net_area(along, UNIT_LAND, [], []).cuts == []


@given(st.floats(0.00002, 0.004))
def test_a_part_at_the_minimum_counts_and_one_below_does_not(size: float) -> None:
    large = shapely.box(111.710, 27.250, 111.712, 27.252)
    small = shapely.box(111.715, 27.250, 111.715 + size, 27.250 + size)
    both = shapely.MultiPolygon([large, small])
    small_m2 = area_m2(small)
    for minimum in (small_m2 - 0.02, small_m2 + 0.02):
        net = net_area(both, UNIT_LAND, [], [], minimum_m2=minimum)
        counted = [one for one in (area_m2(large), small_m2) if one >= minimum]
        assert net.net_m2 == pytest.approx(sum(counted), abs=0.03)
        assert len(net.cuts) == (len(counted) < 2), "one deduction, of one part or of both"
        assert all((str(cut.reason), cut.geometry is not None) == ("below_minimum", True) for cut in net.cuts)


@given(st.floats(1e-6, 0.3) | st.floats(1e-6, 1e-5))
def test_ridges_are_a_share_of_what_is_left_in_whole_hundredths(factor: float) -> None:
    land = shapely.box(111.722, 27.250, 111.728, 27.252)
    net = net_area(land, UNIT_LAND, [], [], ridge_factor=factor)
    inside = area_m2(shapely.box(111.722, 27.250, 111.725, 27.252))
    ridges = net.cuts[-1]
    assert (str(ridges.reason), ridges.area_m2) == ("ridges", pytest.approx(inside * factor, abs=0.02))
    for area in (net.gross_m2, net.net_m2, *(cut.area_m2 for cut in net.cuts)):
        assert area == round(area, 2)


def test_a_long_border_between_two_corners_is_a_geodesic() -> None:
    """In the middle of a border of 60 km due east the geodesic lies some 35 m north of the parallel: land up to it counts."""
    unit = shapely.Polygon([(111.2, 27.2), (111.8, 27.2), (111.8, 26.9), (111.2, 26.9)])
    border = ELLIPSOID.npts(111.2, 27.2, 111.8, 27.2, 1)[0][1]
    metre = 1 / metres_per_degree(27.2)[1]
    assert 30 * metre < border - 27.2 < 40 * metre
    for south, north in ((-90, -20), (-20, 20), (15, 25), (20, 80)):
        low, high = border + south * metre, border + north * metre
        land = shapely.box(111.5, low, 111.5002, high)
        inside = area_m2(shapely.box(111.5, low, 111.5002, border)) if low < border else 0.0
        net = net_area(land, unit, [], [])
        assert net.net_m2 == pytest.approx(min(inside, area_m2(land)), abs=0.1)
        assert bool(net.cuts) == (high > border)


DAYS = ["2022-04-26", "2022/4/26", "2022年4月26日", "20220426", " 2022.4.26 ", "2022-4-26"]


@pytest.mark.parametrize("text", DAYS)
def test_a_day_as_people_write_it_ends_at_midnight_in_the_field(text: str) -> None:
    assert parse_day(text) == date(2022, 4, 26)
    assert parse_moment(text) == datetime(2022, 4, 26, 23, 59, 59, 999999, START.tzinfo)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2022-04-26T18:00", datetime(2022, 4, 26, 18, tzinfo=START.tzinfo)),
        ("2022-04-26 18:00:05", datetime(2022, 4, 26, 18, 0, 5, tzinfo=START.tzinfo)),
        ("2022-04-26T18:00Z", datetime(2022, 4, 27, 2, tzinfo=START.tzinfo)),
        ("2022-04-26T23:30+09:00", datetime(2022, 4, 26, 22, 30, tzinfo=START.tzinfo)),
        ("2000-01-01", datetime(2000, 1, 1, 23, 59, 59, 999999, START.tzinfo)),
        ("2199-12-31T00:00", datetime(2199, 12, 31, tzinfo=START.tzinfo)),
    ],
)
def test_a_moment_without_a_zone_is_the_fields(text: str, moment: datetime) -> None:
    found = parse_moment(text)
    assert found == moment and found.utcoffset() == timedelta(hours=8)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1999-12-31", "date_too_early"), ("2200-01-01", "date_too_late"), ("1999-12-31T23:59", "date_too_early"),
        ("2199-12-31T20:00Z", "date_too_late"), ("yesterday", "bad_date"), ("2022-02-30", "bad_date"),
        ("202204", "bad_date"), ("2022042611", "bad_date"), ("", "bad_date"),
    ],
)  # fmt: skip
def test_what_is_no_moment_of_business_is_refused(text: str, code: str) -> None:
    with pytest.raises(Problem, match=code):
        parse_moment(text)


def test_days_and_their_ends() -> None:
    day = date(2022, 4, 26)
    assert end_of_day(day) - start_of_day(day) == DAY - timedelta(microseconds=1)
    assert start_of_day(day).isoformat() == "2022-04-26T00:00:00+08:00"
    assert days_before(end_of_day(day), 30) == end_of_day(date(2022, 3, 27))
