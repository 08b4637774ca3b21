"""Plans, paces and forecasts against a plain count of days; and which target is meant where none is named. On both databases."""

from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest
import shapely
from conftest import NEXT_VILLAGE, START, TOWN, UNSEEN, VILLAGE
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from farmland.figures.progress import Progress, progress
from farmland.figures.series import series
from farmland.records.clock import end_of_day
from farmland.records.database import Database
from farmland.restoration.claims import Claim, State
from farmland.restoration.targets import Plan, Target, allocate, parse_curve, require_target, target_for, target_on
from farmland.restoration.transitions import Actor, Report, report_claim, take_step
from geodata.area import areas_m2
from geodata.problems import Problem

FIELDS = [shapely.box(111.705 + n * 0.003, 27.25, 111.707 + n * 0.003, 27.252) for n in range(4)]
FIELD_MU = areas_m2(FIELDS[:1])[0] * 3 / 2000
ACCEPTED_AFTER = (0, 1, 20, 40)
"""The days after START on which a field is accepted, at nine in the morning."""


def accepted(session: Session, place: int, at: datetime) -> Claim:
    claim = report_claim(session, Report(VILLAGE, FIELDS[place], f"f{place}"), Actor("village", at, at))
    take_step(session, claim, State.CHECKED, Actor("town", at, at))
    return take_step(session, claim, State.ACCEPTED, Actor("city", at, at), thresholds=UNSEEN)


@pytest.fixture
def under_way(small_city: Database) -> Database:
    """A village in which four fields of the same size were accepted, one after another."""
    with small_city.writing() as session:
        for place, days in enumerate(ACCEPTED_AFTER):
            accepted(session, place, START + timedelta(days=days))
    return small_city


def at(database: Database, moment: datetime, unit: str = VILLAGE) -> Progress:
    with database.reading() as session:
        return progress(session, unit, moment)


def first_day_that_reaches(day: date, rest_mu: float, mu_per_day: Fraction) -> date:
    """The forecast by counting: as many more days of the pace as the rest takes."""
    done = Fraction(0)
    while done < Fraction(rest_mu):
        done += mu_per_day
        day += timedelta(days=1)
    return day


@pytest.mark.parametrize(
    ("days", "recent"),
    [
        (29, 3),  # all of the last thirty days
        (30, 2),  # at nine, when the first is thirty days old to the instant
        (31, 1),
        (50, 1),  # the one of the 20th day dropped out again
        (70, 0),
    ],
)
def test_the_pace_of_the_last_thirty_days_counts_what_was_accepted_in_them(
    under_way: Database, days: int, recent: int
) -> None:
    moment = START + timedelta(days=days)
    before = sum(one <= days for one in ACCEPTED_AFTER)
    for unit in (VILLAGE, TOWN):
        now = at(under_way, moment, unit)
        assert now.accepted_mu == pytest.approx(before * FIELD_MU, abs=0.011)
        assert now.pace_30_days_mu_per_day == pytest.approx(recent * FIELD_MU / 30, abs=0.006)
    if recent == 0:
        assert at(under_way, moment).forecast_30_days_date is None


def test_a_moment_before_the_thirty_days_are_over_all_still_counts(under_way: Database) -> None:
    just = START + timedelta(days=30) - timedelta(seconds=1)
    assert at(under_way, just).pace_30_days_mu_per_day == pytest.approx(3 * FIELD_MU / 30, abs=0.006)


def test_the_pace_is_over_the_days_since_the_start_the_first_included(under_way: Database) -> None:
    day = date(2022, 3, 1)
    now = at(under_way, end_of_day(day))
    assert (now.days_elapsed, now.days_left, now.days_total) == (31 + 28 + 1, 30 + 30 + 31 + 30, 181)
    assert now.pace_mu_per_day == pytest.approx(FIELD_MU / 60, abs=0.006)
    assert now.needed_mu_per_day == pytest.approx((350 - now.accepted_mu) / 121, abs=0.006)
    assert now.remaining_mu == pytest.approx(350 - FIELD_MU, abs=0.006)
    assert now.schedule_mu == pytest.approx(350 * 60 / 181, abs=0.006)
    assert now.ratio == pytest.approx(now.accepted_mu / (350 * 60 / 181), abs=1e-4)
    assert now.share == pytest.approx(FIELD_MU / 350, abs=1e-4)


def test_in_its_first_month_a_target_has_one_pace(small_city: Database) -> None:
    with small_city.writing() as session:
        accepted(session, 0, datetime(2022, 1, 3, 9, tzinfo=START.tzinfo))
    for last, days in ((date(2022, 1, 10), 10), (date(2022, 1, 30), 30)):
        now = at(small_city, end_of_day(last))
        assert now.pace_mu_per_day == now.pace_30_days_mu_per_day == pytest.approx(FIELD_MU / days, abs=0.006)
        assert now.forecast_date == now.forecast_30_days_date
    later = at(small_city, end_of_day(date(2022, 1, 31)))
    assert later.pace_mu_per_day == pytest.approx(FIELD_MU / 31, abs=0.006)
    assert later.pace_30_days_mu_per_day == pytest.approx(FIELD_MU / 30, abs=0.006)


@pytest.mark.parametrize("days", [0, 5, 25, 45])
def test_a_forecast_is_the_day_on_which_counting_on_reaches_the_target(under_way: Database, days: int) -> None:
    moment = START + timedelta(days=days)
    day = moment.date()
    now = at(under_way, moment)
    worked = (day - date(2022, 1, 1)).days + 1
    done = Fraction(str(now.accepted_mu))
    earlier = sum(one <= days - 30 for one in ACCEPTED_AFTER)
    recent = done - Fraction(str(at(under_way, START + timedelta(days=days - 30)).accepted_mu) if earlier else 0)
    assert now.remaining_mu is not None and now.remaining_mu > 0
    assert now.forecast_date == first_day_that_reaches(day, now.remaining_mu, done / worked)
    assert now.forecast_30_days_date == first_day_that_reaches(day, now.remaining_mu, recent / 30)


def test_a_target_that_is_reached_is_forecast_for_the_day_itself(under_way: Database) -> None:
    moment = START + timedelta(days=100)
    reached_mu = at(under_way, moment).accepted_mu
    with under_way.writing() as session:
        allocate(session, "2022", {VILLAGE: reached_mu}, START + timedelta(days=60), actor="officer")
    now = at(under_way, moment)
    assert (now.remaining_mu, now.share, now.needed_mu_per_day) == (0, 1, 0)
    assert now.pace_30_days_mu_per_day == 0, "nothing came of late"
    assert now.forecast_date == now.forecast_30_days_date == moment.date()
    with under_way.writing() as session:
        allocate(session, "2022", {VILLAGE: reached_mu + 0.01}, START + timedelta(days=61), actor="officer")
    now = at(under_way, moment)
    assert now.remaining_mu == 0.01
    assert now.forecast_date == moment.date() + timedelta(days=1)
    assert now.forecast_30_days_date is None


def test_where_nothing_is_asked_for_nothing_is_left_to_do(small_city: Database) -> None:
    with small_city.writing() as session:
        allocate(session, "2022", {NEXT_VILLAGE: 0}, START, actor="officer")
    now = at(small_city, end_of_day(START.date()), NEXT_VILLAGE)
    assert (now.target_mu, now.remaining_mu, now.share, now.ratio, now.warning) == (0, 0, 1, 1, "green")
    assert now.forecast_date == START.date()


def test_where_nothing_was_done_no_day_is_forecast(small_city: Database) -> None:
    now = at(small_city, end_of_day(START.date()))
    assert (now.pace_mu_per_day, now.pace_30_days_mu_per_day) == (0, 0)
    assert (now.forecast_date, now.forecast_30_days_date) == (None, None)


def test_a_forecast_of_a_thousand_years_is_none(under_way: Database) -> None:
    day = START.date()
    pace = at(under_way, end_of_day(day)).accepted_mu / 60
    for days, named in ((349_000, True), (351_000, False)):
        with under_way.writing() as session:
            part = {VILLAGE: FIELD_MU + pace * days}
            allocate(session, "2022", part, START, actor="officer", allow_over=True)
        found = at(under_way, end_of_day(day)).forecast_date
        assert (found is not None) == named
        if found:
            assert (found - day).days == pytest.approx(349_000, abs=60)


def test_before_its_start_a_plan_asks_for_nothing_and_paces_are_none(small_city: Database) -> None:
    now = at(small_city, end_of_day(date(2021, 12, 31)))
    assert (now.days_elapsed, now.days_left, now.schedule_mu, now.schedule_share) == (0, 181, 0, 0)
    assert (now.pace_mu_per_day, now.pace_30_days_mu_per_day, now.forecast_date) == (None, None, None)
    assert (now.ratio, now.warning) == (None, "none")
    first = at(small_city, end_of_day(date(2022, 1, 1)))
    assert (first.days_elapsed, first.days_left) == (1, 180)
    assert first.schedule_mu == pytest.approx(350 / 181, abs=0.006)
    assert (first.pace_mu_per_day, first.ratio, first.warning) == (0, 0, "red")


def test_from_the_due_day_on_no_daily_pace_would_do(under_way: Database) -> None:
    for day, left in ((date(2022, 6, 29), 1), (date(2022, 6, 30), 0), (date(2022, 7, 2), -2)):
        now = at(under_way, end_of_day(day))
        assert now.days_left == left
        rest = pytest.approx(350 - now.accepted_mu, abs=0.006)
        assert now.needed_mu_per_day == (rest if left > 0 else None)
        assert now.days_elapsed == min(181 - left, 181)
    assert now.schedule_mu == 350 and now.schedule_share == 1
    with under_way.writing() as session:
        allocate(session, "2022", {VILLAGE: 1}, START + timedelta(days=60), actor="officer")
    for day in (date(2022, 6, 30), date(2022, 7, 2)):
        assert at(under_way, end_of_day(day)).needed_mu_per_day == 0, "what is done needs no more"


def test_what_of_a_share_was_passed_on_is_told_on_the_level_above_too(small_city: Database) -> None:
    moment = end_of_day(START.date())
    city, town, village = (at(small_city, moment, code) for code in ("430582000000", TOWN, VILLAGE))
    assert (city.allocated_mu, city.unallocated_mu) == (1000, 0)
    assert (town.allocated_mu, town.unallocated_mu) == (600, 0)
    assert (village.allocated_mu, village.unallocated_mu) == (0, 350)


def test_the_burn_up_names_each_day_and_what_the_plan_asks_by_it(under_way: Database) -> None:
    with under_way.reading() as session:
        whole = series(session, VILLAGE, START + timedelta(days=41))
        part = series(session, VILLAGE, START + timedelta(days=41), since=START.date(), until=date(2022, 3, 25))
    assert [day for day, *_ in whole.days] == [date(2022, 1, 1) + timedelta(days=n) for n in range(31 + 28 + 31 + 11)]
    for day, reported, checked, done, evidenced in whole.days:
        fields = sum(START.date() + timedelta(days=one) <= day for one in ACCEPTED_AFTER)
        assert reported == checked == done == pytest.approx(fields * FIELD_MU, abs=0.011) and evidenced == 0
    assert part.days == [row for row in whole.days if START.date() <= row[0] <= date(2022, 3, 25)]
    assert whole.plan == [
        (date(2022, 1, 1) + timedelta(days=n), pytest.approx(350 * (n + 1) / 181, abs=0.006)) for n in range(181)
    ]
    said = whole.as_json()
    assert said["forecast"]["date"] == whole.progress.forecast_date.isoformat()  # type: ignore[union-attr]
    assert said["forecast_30_days"]["mu_per_day"] == whole.progress.pace_30_days_mu_per_day
    assert said["days"][59] == {
        "date": date(2022, 3, 1), "reported_mu": whole.days[59][1], "checked_mu": whole.days[59][2],
        "accepted_mu": whole.days[59][3], "evidenced_mu": 0.0,
    }  # fmt: skip


def a_target(code: str, start: date, due: date) -> Target:
    return Target(code=code, name=code, start_day=start, due_day=due, area_basis="whole")


@pytest.mark.parametrize(
    ("day", "meant"),
    [
        (date(2020, 6, 1), "first"),  # none has begun: the first to come, not the last
        (date(2021, 12, 31), "first"),
        (date(2022, 1, 1), "first"),
        (date(2022, 12, 31), "first"),
        (date(2023, 1, 1), "second"),
        (date(2023, 12, 31), "second"),
        (date(2024, 1, 1), "third"),
        (date(2030, 1, 1), "third"),  # none is over by being past
    ],
)
def test_the_target_that_is_meant_is_the_last_to_have_begun_or_else_the_first_to_come(
    database: Database, day: date, meant: str
) -> None:
    with database.writing() as session:
        session.add(a_target("third", date(2024, 1, 1), date(2024, 12, 31)))
        session.add(a_target("first", date(2022, 1, 1), date(2022, 12, 31)))
        session.add(a_target("second", date(2023, 1, 1), date(2023, 12, 31)))
        session.flush()
        for found in (target_on(session, day), target_for(session, None, day), require_target(session, None, day)):
            assert found is not None and found.code == meant


def test_without_a_target_none_is_meant(database: Database) -> None:
    with database.reading() as session:
        assert target_on(session, date(2022, 1, 1)) is None
        with pytest.raises(Problem, match="no_target"):
            require_target(session, None, date(2022, 1, 1))
        for known_at in (None, START):
            with pytest.raises(Problem, match="target_unknown"):
                target_for(session, "2022", date(2022, 1, 1), known_at)


CURVE = ((date(2022, 1, 31), 0.1), (date(2022, 3, 2), 0.7))


def test_a_curve_by_hand() -> None:
    plan = Plan(date(2022, 1, 1), date(2022, 3, 31), CURVE)
    shares = {date(2021, 12, 31): 0, date(2022, 1, 1): 0.1 / 31, date(2022, 1, 31): 0.1, date(2022, 2, 15): 0.4,
              date(2022, 3, 2): 0.7, date(2022, 3, 3): 0.7 + 0.3 / 29, date(2022, 3, 31): 1, date(2022, 9, 1): 1}  # fmt: skip
    assert {day: plan.share(day) for day in shares} == pytest.approx(shares)
    assert plan.days == 90


@given(st.integers(1, 400), st.integers(-50, 500))
def test_a_straight_plan_asks_each_day_for_the_same(length: int, day: int) -> None:
    start = date(2022, 1, 1)
    plan = Plan(start, start + timedelta(days=length))
    asked = plan.share(start + timedelta(days=day)) - plan.share(start + timedelta(days=day - 1))
    assert asked == pytest.approx(1 / (length + 1) if 0 <= day <= length else 0)


@pytest.mark.parametrize("text", ["", "  ", "linear", " Linear ", "线性"])
def test_a_straight_curve_has_several_names(text: str) -> None:
    assert parse_curve(text) is None


def test_a_curve_as_it_is_written_in_a_table() -> None:
    assert parse_curve("2022-03-31:0.4；2022-05-31: 1 ;") == [["2022-03-31", 0.4], ["2022-05-31", 1.0]]
    assert parse_curve("2022-03-31:0.4;2022-05-31:0.4") == [["2022-03-31", 0.4], ["2022-05-31", 0.4]]


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "2022-03-31",
        "2022-03-31:0.4:1",
        "2022-05-31:0.4;2022-03-31:0.8",
        "2022-03-31:0.8;2022-05-31:0.4",
        "2022-03-31:0.4;2022-03-31:0.8",
        "2022-03-31:-0.1",
        "2022-03-31:1.1",
    ],
)
def test_a_curve_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="bad_curve"):
        parse_curve(text)
