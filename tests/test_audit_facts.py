"""What an auditor's pack rests on, by hand: the population, the steps that count, the land around. On both databases."""

from datetime import timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from conftest import CITY, NEXT_VILLAGE, OTHER_TOWN, SQUARES, START, TOWN, UNSEEN, VILLAGE
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session
from test_claims import add_farmland

from farmland.audit.facts import deductions_of, described, entries_of, history_of, others_of
from farmland.audit.sample import Asked, draw, farmland_near, iso, polygons_of, population, states, units_of
from farmland.records.database import Database
from farmland.restoration.claims import Claim, State, get_claim
from farmland.restoration.corrections import correct_step
from farmland.restoration.transitions import Actor, Report, report_claim, take_step
from geodata.area import area_m2, areas_m2

FIELD = shapely.box(111.710, 27.250, 111.712, 27.252)
HOUR = timedelta(hours=1)
ACCEPTED = (State.CHECKED, State.ACCEPTED)


def at_hour(hours: float, learned: float | None = None, name: str = "officer") -> Actor:
    return Actor(name, START + hours * HOUR, START + (hours if learned is None else learned) * HOUR)


def claim_of(session: Session, number: str, land: shapely.Geometry, *states: State, unit: str = VILLAGE) -> Claim:
    """Reported in the first hour; an hour for each further step."""
    claim = report_claim(session, Report(unit, land, number, number=number, crop="大豆"), at_hour(1, name="village"))
    for hours, state in enumerate(states, start=2):
        take_step(session, claim, state, at_hour(hours), "because", thresholds=UNSEEN)
    return claim


@pytest.fixture
def audited(small_city: Database) -> Database:
    """Claims in every state; a quarter of E is D's, a fifth of both was farmland at the baseline."""
    add_farmland(small_city, shapely.box(111.7113, 27.240, 111.7115, 27.252), shapely.box(111.75, 27.24, 111.76, 27.25))
    with small_city.writing() as session:
        claim_of(session, "D", FIELD, *ACCEPTED)
        claim_of(session, "E", shapely.affinity.translate(FIELD, 0.001, 0.001), *ACCEPTED)
        claim_of(session, "B", shapely.affinity.translate(FIELD, 0.004), *ACCEPTED, State.REVOKED)
        claim_of(session, "C", shapely.affinity.translate(FIELD, 0.007), State.CHECKED, State.REJECTED)
        claim_of(session, "A", shapely.affinity.translate(FIELD, 0.010), State.CHECKED)
        claim_of(session, "F", shapely.affinity.translate(FIELD, 0.018), *ACCEPTED, unit=NEXT_VILLAGE)
        claim_of(session, "G", shapely.affinity.translate(FIELD, -0.004))
    return small_city


def asked(hours: float = 99, known: float | None = None, unit: str = TOWN, target: str | None = "2022") -> Asked:
    return Asked(unit, target, START + hours * HOUR, None if known is None else START + known * HOUR)


def test_the_population_of_each_hour(audited: Database) -> None:
    names = list("ABCDEFG")
    with audited.reading() as session:
        for hours, expected in (
            (0.9, []), (1, ["reported"] * 7), (2, ["checked"] * 6 + ["reported"]),
            (3, ["checked", "accepted", "rejected", "accepted", "accepted", "accepted", "reported"]),
            (4, ["checked", "revoked", "rejected", "accepted", "accepted", "accepted", "reported"]),
        ):  # fmt: skip
            claims = population(session, asked(hours))
            assert claims["number"].tolist() == (names if expected else [])
            assert claims["state"].tolist() == expected
            assert claims["net_m2"].notna().tolist() == [state == "accepted" for state in expected]
        assert claims["checked_at"].tolist() == [(START + 2 * HOUR).isoformat()] * 6 + [""]
        assert (claims["gross_m2"] > 0).all()
        cuts = claims.set_index("number")
        for name in "DEF":
            row = cuts.loc[name]
            deducted = sum(row[f"{reason}_m2"] for reason in ("outside_unit", "baseline_farmland", "other_claim"))
            assert row["gross_m2"] - deducted == pytest.approx(row["net_m2"], abs=1e-6)
        # A quarter of E is D's too; a fifth of that was farmland.
        assert cuts.loc["E", "other_claim_m2"] == pytest.approx(area_m2(FIELD) * 0.2, rel=1e-3)
        assert cuts.loc["E", "outside_unit_m2"] == 0
        assert cuts.loc["C", ["other_claim_m2", "ridges_m2"]].isna().all()
        assert cuts.loc["F", "unit_name"] == f"单位{NEXT_VILLAGE}"
        assert population(session, asked(unit=NEXT_VILLAGE))["number"].tolist() == ["F"]
        assert len(population(session, asked(unit=OTHER_TOWN))) == len(population(session, asked(target="1999"))) == 0


def test_a_step_counts_where_it_had_happened_and_was_known(audited: Database) -> None:
    with audited.writing() as session:
        take_step(session, get_claim(session, "F"), State.REVOKED, at_hour(10, 20), "because")
        correct_step(session, get_claim(session, "E"), State.ACCEPTED, START + 5 * HOUR, at_hour(30), "written wrong")
        claims = population(session, asked())

        def counted(asked_for: Asked) -> dict[str, list[tuple[str, str]]]:
            steps = history_of(session, claims.loc[claims["number"].isin(["E", "F"])], asked_for)
            return {
                number: list(zip(rows["state"], rows["counted"], strict=True))
                for number, rows in steps.groupby("number")
            }

        both = [("reported", "yes"), ("checked", "yes")]
        # As it is known now: of a correction the row that was withdrawn does not count.
        assert counted(asked()) == {
            "E": [*both, ("accepted", "no"), ("accepted", "yes")], "F": [*both, ("accepted", "yes"), ("revoked", "yes")],
        }  # fmt: skip
        # It had happened, and nobody knew; and the row that counted then.
        assert counted(asked(known=19)) == {
            "E": [*both, ("accepted", "yes"), ("accepted", "no")], "F": [*both, ("accepted", "yes"), ("revoked", "no")],
        }  # fmt: skip
        # It is known, and had not happened.
        assert counted(asked(hours=9))["F"] == [*both, ("accepted", "yes"), ("revoked", "no")]
        assert counted(asked(hours=4, known=40))["E"] == [*both, ("accepted", "no"), ("accepted", "no")]
        assert population(session, asked(known=19)).set_index("number").loc["F", "state"] == "accepted"
        steps = history_of(session, claims.loc[claims["number"] == "E"], asked())
        assert list(steps.columns[:3]) == ["number", "state", "at"], "each row begins with whose it is"
        assert steps["withdrawn_at"].tolist() == ["", "", (START + 30 * HOUR).isoformat(), ""]
        assert steps["recorded_at"].tolist()[-1] == (START + 30 * HOUR).isoformat()
        session.rollback()


def test_what_was_deducted_is_there_with_its_place_and_its_cause(audited: Database) -> None:
    with audited.reading() as session:
        claims = population(session, asked())
        cuts = deductions_of(session, claims.loc[claims["state"] == "accepted"])
        assert list(zip(cuts["number"], cuts["reason"], cuts["other_claim"].fillna(""), strict=True)) == [
            ("D", "baseline_farmland", ""), ("E", "baseline_farmland", ""), ("E", "other_claim", "D"),
        ]  # fmt: skip
        assert cuts["reason_zh"].tolist() == ["基期已是耕地", "基期已是耕地", "与其他申报重复"]
        assert areas_m2(cuts.geometry.to_numpy()) == pytest.approx(cuts["area_m2"].to_numpy(), abs=0.05)
        assert isinstance(cuts, gpd.GeoDataFrame)
        facts = described(session, claims)
        assert set(facts["crop"]) == {"大豆"} and facts["net_u_m2"].notna().sum() == 4
        entries = entries_of(session, claims.loc[claims["number"].isin(["A", "G"])])
        assert entries["event"].tolist() == ["claim.reported", "claim.checked", "claim.reported"]
        assert entries["seq"].is_monotonic_increasing
        others = others_of(session, ["E", "D"], asked(2.5))
        assert others["number"].tolist() == ["D", "E"] and others["state"].tolist() == ["checked", "checked"]
        assert others["accepted_at"].tolist() == ["", ""]


def test_the_land_of_claims_and_what_lies_around_it(audited: Database) -> None:
    with audited.reading() as session:
        claims = population(session, asked())
        accepted = claims.loc[claims["state"] == "accepted"].iloc[::-1]
        gross, net = polygons_of(session, accepted)
        assert areas_m2(gross) == pytest.approx(accepted["gross_m2"].to_numpy(), abs=0.01)
        assert areas_m2(net) == pytest.approx(accepted["net_m2"].to_numpy(), abs=0.02)
        units = units_of(session, asked())
        assert units["code"].tolist() == [TOWN, VILLAGE, NEXT_VILLAGE]
        assert area_m2(units.geometry[1]) == area_m2(SQUARES[VILLAGE])
        assert units_of(session, asked(unit=CITY))["code"].tolist() == [CITY, VILLAGE, NEXT_VILLAGE]
        assert units_of(session, asked(unit=NEXT_VILLAGE))["code"].tolist() == [NEXT_VILLAGE]
        assert farmland_near(session, np.array([FIELD], dtype=object))["number"].tolist() == ["B0"]
        far = shapely.box(111.755, 27.242, 111.756, 27.243)
        assert farmland_near(session, np.array([far, FIELD], dtype=object))["number"].tolist() == ["B0", "B1"]
        # Between the two, within the bounds of both but of neither one's own.
        middle = shapely.box(111.73, 27.20, 111.731, 27.201)
        assert len(farmland_near(session, np.array([middle, shapely.box(111.73, 27.26, 111.731, 27.27)]))) == 0


@given(st.integers(0, 40), st.integers(1, 50), st.integers(0, 2**32))
def test_a_sample_is_drawn_without_repeating_and_the_same_again(count: int, sample: int, seed: int) -> None:
    claims = pd.DataFrame({"number": [f"C{n}" for n in range(count)]}, index=np.arange(count) * 3 + 5)
    drawn = draw(claims, sample, seed)
    assert len(drawn) == min(sample, count) and drawn.index.is_monotonic_increasing and drawn.index.is_unique
    assert sorted(drawn) == list(range(1, len(drawn) + 1)) and set(drawn.index) <= set(claims.index)
    again = draw(claims, sample, seed)
    assert drawn.equals(again)
    if count and sample < count:
        order = np.random.default_rng(seed).choice(count, size=sample, replace=False)
        assert drawn.sort_values().index.tolist() == [5 + 3 * int(place) for place in order]


def test_states_from_the_moments_of_steps() -> None:
    rows = {"reported_at": [1, 1, 1, 1, 1], "checked_at": [None, 2, 2, 2, 2], "accepted_at": [None, None, 3, 3, None],
            "rejected_at": [None, None, None, None, 3], "revoked_at": [None, None, None, 4, None]}  # fmt: skip
    assert states(pd.DataFrame(rows)).tolist() == ["reported", "checked", "accepted", "revoked", "rejected"]
    assert (iso(START), iso(None), iso(pd.NaT)) == ("2022-03-01T09:00:00+08:00", "", "")
