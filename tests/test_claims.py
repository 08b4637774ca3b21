"""Claims: what of them counts, in which order, and that no land counts twice. On both databases."""

import threading
from datetime import timedelta

import numpy as np
import pytest
import shapely
from conftest import FAR_VILLAGE, FOR_THE_GROUND, NEXT_VILLAGE, SQUARES, START, TOWN, UNSEEN, VILLAGE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from sqlalchemy import delete, select

from farmland.figures.progress import progress, progress_tree
from farmland.figures.waterfall import waterfall
from farmland.keeping.tables import BaselinePatch
from farmland.records.database import Database, table_of
from farmland.restoration.claims import Claim, Deduction, State, Step, get_claim
from farmland.restoration.doubts import Doubt
from farmland.restoration.targets import allocate
from farmland.restoration.transitions import Actor, Report, report_claim, take_step
from geodata.area import area_m2, areas_m2
from geodata.column import write
from geodata.problems import Problem

FIELD = shapely.box(111.710, 27.250, 111.712, 27.252)


def actor(minutes: int = 0, name: str = "officer") -> Actor:
    at = START + timedelta(minutes=minutes)
    return Actor(name, at, at)


def report(session, geometry, unit=VILLAGE, number=None, minutes=0) -> Claim:
    return report_claim(session, Report(unit, geometry, "f", number=number), actor(minutes, "village"))


def accept(session, claim, minutes=1) -> None:
    take_step(session, claim, State.CHECKED, actor(minutes))
    take_step(session, claim, State.ACCEPTED, actor(minutes), thresholds=UNSEEN)


def add_farmland(database: Database, *fields: shapely.Polygon) -> None:
    count = len(fields)
    columns = {
        "id": list(range(1, count + 1)),
        "year": [2019] * count,
        "number": [f"B{n}" for n in range(count)],
        "land_class": ["0101"] * count,
        "ridge_factor": [0.0] * count,
        "area_m2": [1.0] * count,
        "fingerprint": [""] * count,
    }
    with database.writing() as session:
        write(session.connection(), table_of(BaselinePatch), columns, np.array(fields, dtype=object), new=True)


def test_each_deduction_is_named_and_measured(small_city: Database) -> None:
    add_farmland(small_city, shapely.box(111.7235, 27.2500, 111.7240, 27.2520))
    straddling = shapely.box(111.7230, 27.2500, 111.7260, 27.2520)
    with small_city.writing() as session:
        first = report(session, shapely.box(111.7230, 27.2510, 111.7235, 27.2530))
        accept(session, first)
        claim = report(session, straddling, minutes=2)
        cuts = {row.reason: row.area_m2 for row in claim.deductions}
        expected = {
            "outside_unit": shapely.box(111.7250, 27.2500, 111.7260, 27.2520),
            "baseline_farmland": shapely.box(111.7235, 27.2500, 111.7240, 27.2520),
            "other_claim": shapely.box(111.7230, 27.2510, 111.7235, 27.2520),
        }
        assert cuts == pytest.approx({reason: area_m2(land) for reason, land in expected.items()}, abs=0.1)
        assert claim.gross_m2 - sum(cuts.values()) == pytest.approx(claim.net_m2, abs=1e-6)
        assert next(row for row in claim.deductions if row.reason == "other_claim").other_claim_id == first.id


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([State.ACCEPTED], "wrong_state"),
        ([State.REVOKED], "wrong_state"),
        ([State.CHECKED, State.CHECKED], "wrong_state"),
        ([State.CHECKED, State.ACCEPTED, State.REJECTED], "wrong_state"),
        ([State.REJECTED, State.CHECKED], "wrong_state"),
    ],
)
def test_steps_have_an_order(small_city: Database, steps: list[State], code: str) -> None:
    with small_city.writing() as session:
        claim = report(session, FIELD)
        for state in steps[:-1]:
            take_step(session, claim, state, actor(), "because", thresholds=UNSEEN)
        with pytest.raises(Problem) as refused:
            take_step(session, claim, steps[-1], actor(), "because")
    assert refused.value.code == code
    assert refused.value.sentence("zh") != refused.value.sentence("en")


def test_a_rejection_says_why(small_city: Database) -> None:
    with small_city.writing() as session:
        claim = report(session, FIELD)
        with pytest.raises(Problem, match="why_missing"):
            take_step(session, claim, State.REJECTED, actor(), " ")


def test_a_step_does_not_go_back_in_time(small_city: Database) -> None:
    with small_city.writing() as session:
        claim = report(session, FIELD, minutes=10)
        with pytest.raises(Problem, match="step_before_last"):
            take_step(session, claim, State.CHECKED, actor(5))


def test_land_wholly_elsewhere_is_refused(small_city: Database) -> None:
    with small_city.writing() as session, pytest.raises(Problem, match="claim_outside_unit"):
        report(session, FIELD, unit=FAR_VILLAGE)


def test_the_same_land_again_has_nothing_to_accept(small_city: Database) -> None:
    with small_city.writing() as session:
        accept(session, report(session, FIELD))
        again = report(session, FIELD, minutes=5)
        assert again.net_m2 == 0
        with pytest.raises(Problem, match=r"refused_by_rules.*2022-00001"):
            accept(session, again, 6)


def test_land_of_which_nothing_is_left_is_not_accepted(small_city: Database) -> None:
    """Though no rule refuses it: within another claim's land, by thresholds that let it pass."""
    with small_city.writing() as session:
        accept(session, report(session, FIELD))
        inner = Report(VILLAGE, shapely.box(111.7104, 27.2504, 111.7116, 27.2516), "g")
        claim = report_claim(session, inner, actor(5, "village"), thresholds=FOR_THE_GROUND)
        take_step(session, claim, State.CHECKED, actor(6))
        with pytest.raises(Problem, match="nothing_net") as refused:
            take_step(session, claim, State.ACCEPTED, actor(7), thresholds=FOR_THE_GROUND)
        assert f"held by another claim {claim.gross_m2:,.2f} m²" in refused.value.sentence("en")
        assert claim.state == State.CHECKED and claim.accepted_net_m2 is None


def test_revoked_land_can_be_restored_again_and_counts_once(small_city: Database) -> None:
    with small_city.writing() as session:
        first = report(session, FIELD)
        accept(session, first)
        take_step(session, first, State.REVOKED, actor(100), "re-abandoned")
        accept(session, report(session, FIELD, minutes=200), 201)
        for minutes, areas in ((50, (1, 0)), (150, (0, 1)), (300, (1, 1))):
            now = progress(session, VILLAGE, START + timedelta(minutes=minutes))
            whole = area_m2(FIELD)
            assert (now.accepted_m2, now.revoked_m2) == pytest.approx((areas[0] * whole, areas[1] * whole), abs=0.02)


def test_a_claim_as_it_stood_at_each_moment(small_city: Database) -> None:
    """What another claim held when it was reported was free when it was accepted: either stage has its own net area."""
    with small_city.writing() as session:
        first = report(session, FIELD)
        accept(session, first)
        claim = report(session, shapely.box(111.711, 27.250, 111.713, 27.252), minutes=10)
        take_step(session, first, State.REVOKED, actor(20), "re-abandoned")
        accept(session, claim, 30)
        take_step(session, claim, State.REVOKED, actor(40), "re-abandoned")
        whole = area_m2(FIELD)
        for minutes, state, steps, share, cuts in (
            (10, "reported", 1, 0.5, ["other_claim"]), (29, "reported", 1, 0.5, ["other_claim"]),
            (30, "accepted", 3, 1, []), (40, "revoked", 4, 1, []),
        ):  # fmt: skip
            stand = claim.as_of(START + timedelta(minutes=minutes))
            assert (stand.state, len(stand.steps), [cut.reason for cut in stand.deductions]) == (state, steps, cuts)
            assert stand.net_m2 == pytest.approx(whole * share, rel=1e-4)
            assert area_m2(stand.net_geometry) == pytest.approx(stand.net_m2, abs=0.02)
            assert stand.net_u_m2 is not None and stand.net_u_m2 > 0
        assert claim.net_m2 == claim.accepted_net_m2
        waiting = report(session, shapely.box(111.715, 27.250, 111.717, 27.252), minutes=50)
        assert waiting.net_m2 == waiting.reported_net_m2 and waiting.state == State.REPORTED
        with pytest.raises(Problem, match="claim_unknown"):
            claim.as_of(START + timedelta(minutes=9))
        with pytest.raises(Problem, match="claim_unknown"):
            get_claim(session, "none")


def test_four_parts_count_as_the_whole(small_city: Database) -> None:
    parts = [shapely.box(x, y, x + 0.001, y + 0.001) for x in (111.710, 111.711) for y in (27.250, 27.251)]
    with small_city.writing() as session:
        for part in parts:
            accept(session, report(session, part))
        assert progress(session, VILLAGE, START + timedelta(days=1)).accepted_m2 == pytest.approx(
            area_m2(FIELD), abs=0.02
        )


def test_two_acceptances_at_the_same_moment_count_the_land_once(small_city: Database) -> None:
    half = shapely.box(111.711, 27.250, 111.713, 27.252)
    with small_city.writing() as session:
        for number, land in (("a", FIELD), ("b", half)):
            take_step(session, report(session, land, number=number), State.CHECKED, actor())
    barrier = threading.Barrier(2)
    failures: list[BaseException] = []

    def officer(number: str) -> None:
        own = Database(small_city.url.render_as_string(hide_password=False))
        try:
            barrier.wait(20)
            with own.writing() as session:
                take_step(session, get_claim(session, number), State.ACCEPTED, actor(1), thresholds=UNSEEN)
        except BaseException as error:
            failures.append(error)
        finally:
            own.close()

    officers = [threading.Thread(target=officer, args=(number,)) for number in "ab"]
    for thread in officers:
        thread.start()
    for thread in officers:
        thread.join(60)
    assert not failures
    with small_city.reading() as session:
        counted = progress(session, VILLAGE, START + timedelta(days=1)).accepted_m2
    assert counted == pytest.approx(area_m2(shapely.union(FIELD, half)), abs=0.05)


def test_children_do_not_hold_more_than_their_parent(small_city: Database) -> None:
    with small_city.writing() as session:
        with pytest.raises(Problem, match="over_allocated"):
            allocate(session, "2022", {NEXT_VILLAGE: 250.01}, START, actor="officer")
        session.rollback()
    with small_city.writing() as session:
        assert allocate(session, "2022", {NEXT_VILLAGE: 260}, START, actor="officer", allow_over=True) == 1
        with pytest.raises(Problem, match="target_not_positive"):
            allocate(session, "2022", {NEXT_VILLAGE: -1}, START, actor="officer")


def test_a_new_allocation_leaves_the_progress_of_yesterday(small_city: Database) -> None:
    with small_city.writing() as session:
        allocate(session, "2022", {NEXT_VILLAGE: 200}, START, actor="officer")
        allocate(session, "2022", {NEXT_VILLAGE: 150}, START + timedelta(days=2), actor="officer")
        allocate(session, "2022", {NEXT_VILLAGE: 120}, START + timedelta(days=2), actor="officer")
        targets = [progress(session, NEXT_VILLAGE, START + timedelta(days=days)).target_mu for days in (-1, 0, 1, 2, 9)]
        assert targets == [250, 200, 200, 120, 120]


@st.composite
def claims_on_the_border(draw: st.DrawFn) -> list[shapely.Polygon]:
    """Polygons that overlap, touch, nest, repeat, cross themselves (made valid) and stick out of the village."""
    polygons: list[shapely.Polygon] = []
    for _ in range(draw(st.integers(2, 5))):
        kind = draw(st.sampled_from(["star", "box", "again", "inner", "bow"]))
        x, y = draw(st.floats(111.719, 111.7265)), draw(st.floats(27.249, 27.253))
        size = draw(st.floats(0.0006, 0.006))
        if kind in ("again", "inner") and polygons:
            scale = 1.0 if kind == "again" else 0.5
            polygons.append(shapely.affinity.scale(polygons[-1], scale, scale))
        elif kind == "box":
            x, y = round(x, 3), round(y, 3)
            polygons.append(shapely.box(x, y, x + round(size, 3) + 0.001, y + 0.002))
        elif kind == "bow":
            bow = shapely.Polygon([(x, y), (x + size, y + size), (x + size, y), (x, y + size)])
            polygons.append(shapely.make_valid(bow))
        else:
            radii = np.array(draw(st.lists(st.floats(0.3, 1.0), min_size=7, max_size=7))) * size
            angles = np.linspace(0, 2 * np.pi, 7, endpoint=False)
            star = shapely.Polygon(np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)]))
            epsg = draw(st.sampled_from([4490, 4546, 4525, 4547]))
            there = Transformer.from_crs(4490, epsg, always_xy=True)
            metric = shapely.transform(star, lambda p, t=there: np.column_stack(t.transform(*p.T)))
            polygons.append(
                shapely.transform(metric, lambda p, t=there: np.column_stack(t.transform(*p.T, direction="INVERSE")))
            )
    return polygons


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(claims_on_the_border(), st.randoms(use_true_random=False))
def test_the_accepted_figure_is_the_area_of_the_union(small_city: Database, polygons, chance) -> None:
    with small_city.writing() as session:
        for table in (Doubt, Deduction, Step, Claim, BaselinePatch):
            session.execute(delete(table))
    add_farmland(small_city, shapely.box(111.7215, 27.2500, 111.7222, 27.2512))
    farmland = shapely.box(111.7215, 27.2500, 111.7222, 27.2512)
    with small_city.writing() as session:
        claims = []
        for n, polygon in enumerate(polygons):
            unit = VILLAGE if shapely.intersection(polygon, SQUARES[VILLAGE]).area > 1e-9 else NEXT_VILLAGE
            reported = Report(unit, polygon, "f")
            claims.append(report_claim(session, reported, actor(n, "village"), thresholds=FOR_THE_GROUND))
        chance.shuffle(claims)
        for claim in claims:
            take_step(session, claim, State.CHECKED, actor(100))
            try:
                take_step(session, claim, State.ACCEPTED, actor(100), thresholds=FOR_THE_GROUND)
            except Problem as problem:
                assert problem.code in ("nothing_net", "refused_by_rules")
    with small_city.reading() as session:
        accepted = [c for c in session.scalars(select(Claim)) if c.accepted_net is not None]
        nets = [c.accepted_net for c in accepted]
        total = progress(session, TOWN, START + timedelta(days=1)).accepted_m2
        union = areas_m2([shapely.union_all(nets)])[0] if nets else 0.0
        assert abs(total - union) < 0.01 * 2000 / 3
        for claim in accepted:
            taken = sum(row.area_m2 for row in claim.deductions if row.stage == "accepted")
            assert claim.gross_m2 - taken == pytest.approx(claim.accepted_net_m2, abs=1e-6)
            outside = shapely.difference(claim.accepted_net, SQUARES[claim.unit_code])
            assert areas_m2([outside, shapely.intersection(claim.accepted_net, farmland)]).max() < 0.5
        rows = {row.unit_code: row for row in progress_tree(session, TOWN, START + timedelta(days=1))}
        for name in ("reported", "accepted", "checked"):
            for field in (f"{name}_m2", f"{name}_mu"):
                parts = getattr(rows[VILLAGE], field) + getattr(rows[NEXT_VILLAGE], field)
                assert getattr(rows[TOWN], field) == pytest.approx(parts, abs=1e-6)
        bars = waterfall(session, TOWN, START + timedelta(days=1))
        assert bars[0].area_m2 - sum(b.area_m2 for b in bars[1:-1]) == pytest.approx(bars[-1].area_m2, abs=1e-6)
        assert bars[0].area_mu - sum(b.area_mu for b in bars[1:-1]) == pytest.approx(bars[-1].area_mu, abs=1e-6)
