"""Who answers for what, by hand: units and plots without a chief, chiefs without land, and their counts. On both databases."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
import shapely
from conftest import CITY, FAR_VILLAGE, NEXT_VILLAGE, OTHER_TOWN, SQUARES, TOWN, VILLAGE
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session
from test_claims import FIELD, report

from farmland.figures.summary import summary
from farmland.keeping.tables import BaselinePatch, Unit
from farmland.land.plots import Plot
from farmland.land.units import chain_of
from farmland.people.chiefs import Appointment, Chief
from farmland.people.duties import answered_units, chiefs_without_land, lacking, plots_with_own_chief
from farmland.records.database import Database, table_of
from geodata.column import write
from geodata.problems import Problem

ON = date(2022, 4, 26)
DAY = timedelta(days=1)
GROUP, NEXT_GROUP, EMPTY_GROUP = f"{VILLAGE}01", f"{VILLAGE}02", f"{NEXT_VILLAGE}01"
PLOTS = [(GROUP, "P1"), (GROUP, "P2"), (GROUP, "P3"), (NEXT_GROUP, "P1"), (VILLAGE, "P9"), (FAR_VILLAGE, "P1")]
"""Ids from 1 on; of ten, twenty, thirty ... m² each."""


def put(session: Session, model: Any, columns: dict[str, list[Any]], shapes: list[shapely.Geometry | None]) -> None:
    write(session.connection(), table_of(model), columns, np.array(shapes, dtype=object), new=True)


@pytest.fixture
def city(small_city: Database) -> Database:
    """The small city with three groups without polygons, six plots, and a patch of the baseline in two villages."""
    with small_city.writing() as session:
        groups = [GROUP, NEXT_GROUP, EMPTY_GROUP]
        columns: dict[str, list[Any]] = {
            "id": [70, 71, 72], "code": groups, "name": groups, "level": ["group"] * 3,
            "parent_code": [VILLAGE, VILLAGE, NEXT_VILLAGE], "area_m2": [None] * 3,
        }  # fmt: skip
        put(session, Unit, columns, [None] * 3)
        count = len(PLOTS)
        columns = {
            "id": list(range(1, count + 1)), "unit_code": [unit for unit, _ in PLOTS],
            "number": [number for _, number in PLOTS], "land_class": ["0101"] * count, "basic_farmland": [False] * count,
            "area_m2": [10.0 * (n + 1) for n in range(count)], "fingerprint": [""] * count, "extra": [None] * count,
        }  # fmt: skip
        put(session, Plot, columns, [FIELD] * count)
        columns = {
            "id": [1, 2, 3], "year": [2019] * 3, "number": ["1", "2", "3"], "unit_code": [VILLAGE, VILLAGE, FAR_VILLAGE],
            "land_class": ["0301"] * 3, "ridge_factor": [0.0] * 3, "area_m2": [1.0] * 3, "fingerprint": [""] * 3,
        }  # fmt: skip
        put(session, BaselinePatch, columns, [SQUARES[VILLAGE], SQUARES[VILLAGE], SQUARES[FAR_VILLAGE]])
        report(session, FIELD)
    return small_city


def appoint(
    session: Session, number: int, unit: str, plot: int | None = None, since: date = ON - DAY, until: date | None = None
) -> None:
    if session.get(Chief, number) is None:
        session.add(Chief(id=number, code=f"T{number}", name="张三", phone=None))
        session.flush()
    place = session.query(Appointment).count() + 1
    session.add(
        Appointment(id=place, chief_id=number, unit_code=unit, plot_id=plot, duty="", from_day=since, to_day=until)
    )
    session.flush()


def test_a_unit_is_answered_for_from_the_first_day_to_the_last(city: Database) -> None:
    with city.writing() as session:
        appoint(session, 1, TOWN, since=ON)
        appoint(session, 2, VILLAGE, since=ON - 9 * DAY, until=ON)
        appoint(session, 3, NEXT_VILLAGE, since=ON + DAY)
        appoint(session, 4, CITY, until=ON - DAY)
        appoint(session, 5, GROUP, plot=1)
        assert answered_units(session, ON) == {TOWN, VILLAGE}
        assert answered_units(session, ON - DAY) == {VILLAGE, CITY}
        assert answered_units(session, ON + DAY) == {TOWN, NEXT_VILLAGE}
        session.rollback()


ALL = [CITY, TOWN, OTHER_TOWN, VILLAGE, NEXT_VILLAGE, FAR_VILLAGE, GROUP, NEXT_GROUP, EMPTY_GROUP]


@given(st.sets(st.sampled_from(ALL)), st.lists(st.sampled_from(ALL), unique=True))
def test_plots_lack_a_chief_where_a_level_has_none(answered: set[str], codes: list[str]) -> None:
    """Plainly: of four levels each needs one; a plot's own stands in for the group's, and for no other."""
    found = lacking(codes, answered)
    for code in codes:
        chain = chain_of(code)
        upper = [unit for unit in chain[:3] if unit not in answered]
        if len(chain) < 3 or upper:
            assert found.always[code] == (upper[0] if upper else code) and code not in found.unless_own
        elif len(chain) == 4 and chain[3] in answered:
            assert code not in found.always and code not in found.unless_own
        else:
            assert found.unless_own[code] == code and code not in found.always
    assert found.always.keys() | found.unless_own.keys() <= set(codes)


def test_plots_and_units_without_a_chief_are_counted(city: Database) -> None:
    with city.writing() as session:

        def missing(unit: str = CITY) -> tuple[int, dict[str, int], int]:
            found = summary(session, unit, ON)
            return found.plots_without_chief, found.units_without_chief, found.chiefs

        assert missing() == (6, {"city": 1, "town": 2, "village": 3, "group": 3}, 0)
        for number, unit in enumerate((CITY, TOWN, VILLAGE), start=1):
            appoint(session, number, unit)
        # Down to the village all is well: groups, the plot of the village itself, and the other town are not.
        assert missing() == (6, {"city": 0, "town": 1, "village": 2, "group": 3}, 3)
        appoint(session, 4, GROUP)
        assert missing() == (3, {"city": 0, "town": 1, "village": 2, "group": 2}, 4)
        appoint(session, 5, NEXT_GROUP, plot=4)  # its one plot has a chief of its own, the group has none
        assert missing() == (2, {"city": 0, "town": 1, "village": 2, "group": 2}, 5)
        appoint(session, 5, VILLAGE, plot=5)
        assert missing() == (1, {"city": 0, "town": 1, "village": 2, "group": 2}, 5), "one chief, two plots"
        assert missing(TOWN) == (0, {"city": 0, "town": 0, "village": 1, "group": 2}, 4)
        assert missing(OTHER_TOWN)[0] == 1
        appoint(session, 6, FAR_VILLAGE, plot=6)
        assert missing(OTHER_TOWN)[0] == 1, "no chief of its own stands in for that of the town"
        session.rollback()


def test_what_a_unit_has_is_counted_and_summed(city: Database) -> None:
    with city.reading() as session:
        whole, town, village, far = (summary(session, code, ON) for code in (CITY, TOWN, VILLAGE, FAR_VILLAGE))
        assert (whole.plots, whole.farmland_m2, whole.baseline_patches, whole.claims) == (6, 210, 3, 1)
        assert (town.plots, town.farmland_m2, town.baseline_patches, town.claims) == (5, 150, 2, 1)
        assert (village.plots, village.farmland_m2, village.claims) == (5, 150, 1)
        assert (far.plots, far.farmland_m2, far.farmland_mu, far.baseline_patches, far.claims) == (1, 60, 0.09, 1, 0)
        assert whole.units == {"city": 1, "town": 2, "village": 3, "group": 3}
        assert village.units == {"city": 0, "town": 0, "village": 1, "group": 2}
        none = summary(session, EMPTY_GROUP, ON)
        assert (none.plots, none.farmland_m2, none.farmland_mu, none.plots_without_chief) == (0, 0, 0, 0)
        with pytest.raises(Problem, match="unit_unknown"):
            summary(session, "430582104999", ON)


def test_plots_with_a_chief_of_their_own(city: Database) -> None:
    with city.writing() as session:
        appoint(session, 1, GROUP, plot=1)
        appoint(session, 2, GROUP, plot=1)
        appoint(session, 3, GROUP, plot=3)
        appoint(session, 4, GROUP, plot=2, since=ON + DAY)
        appoint(session, 5, VILLAGE, plot=5, until=ON)
        appoint(session, 6, FAR_VILLAGE, plot=6)
        appoint(session, 7, GROUP)
        assert plots_with_own_chief(session, TOWN, ON) == {GROUP: {1, 3}, VILLAGE: {5}}
        assert plots_with_own_chief(session, TOWN, ON + DAY) == {GROUP: {1, 2, 3}}
        assert plots_with_own_chief(session, OTHER_TOWN, ON) == {FAR_VILLAGE: {6}}
        session.rollback()


def test_chiefs_who_answer_for_no_land(city: Database) -> None:
    last_week = ON - 7 * DAY
    with city.writing() as session:
        appoint(session, 1, GROUP)  # has plots
        appoint(session, 2, NEXT_VILLAGE)  # has a polygon
        appoint(session, 3, EMPTY_GROUP)  # has neither
        appoint(session, 4, EMPTY_GROUP, until=ON - DAY)  # has left
        appoint(session, 5, EMPTY_GROUP, until=ON)  # leaves today
        appoint(session, 6, GROUP, since=ON + DAY)  # waits
        appoint(session, 7, GROUP, since=ON)  # begins today
        appoint(session, 8, EMPTY_GROUP)
        appoint(session, 8, GROUP)  # has land elsewhere
        appoint(session, 9, EMPTY_GROUP, since=last_week)
        appoint(session, 9, GROUP, since=last_week - DAY, until=last_week)  # had land, and has none now
        appoint(session, 10, GROUP, plot=2)
        session.add(Chief(id=11, code="T11", name="李四", phone=None))  # was never appointed
        session.flush()
        named = [("T11", ""), ("T3", EMPTY_GROUP), ("T5", EMPTY_GROUP), ("T6", GROUP), ("T9", EMPTY_GROUP)]
        assert chiefs_without_land(session, CITY, ON) == named
        assert chiefs_without_land(session, TOWN, ON) == named[1:]
        assert chiefs_without_land(session, VILLAGE, ON) == [("T6", GROUP), ("T9", EMPTY_GROUP)]
        assert chiefs_without_land(session, OTHER_TOWN, ON) == []
        tomorrow = [("T11", ""), ("T3", EMPTY_GROUP), ("T9", EMPTY_GROUP)]
        assert chiefs_without_land(session, CITY, ON + DAY) == tomorrow
        session.rollback()
