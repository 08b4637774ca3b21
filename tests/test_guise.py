"""GCJ-02 there and back, and the same plot in another guise told from its neighbours."""

from collections.abc import Callable

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geodata.gcj02 import from_gcj02, to_gcj02
from geodata.guise import How, same_land
from geodata.mesh import mesh
from geodata.scale import metres_per_degree

PLACE = np.array([111.74, 27.26])
SCALE = metres_per_degree(PLACE[1])
SHIFT = (to_gcj02(PLACE[None]) - PLACE)[0]
CORNERS = np.array([[0, 0], [80, 12], [95, 70], [40, 110], [-10, 60]], dtype=float)


def plot(points: NDArray[np.float64], at: NDArray[np.float64] = PLACE) -> shapely.Polygon:
    """A plot given in metres from a place."""
    return shapely.Polygon(at + points / SCALE)


def box(width: float, height: float, east: float = 0, north: float = 0) -> NDArray[np.float64]:
    return np.array([[0, 0], [width, 0], [width, height], [0, height]]) + np.array([east, north])


FIELD = plot(CORNERS)


def pairs(
    candidates: list[shapely.Geometry | None], others: list[shapely.Geometry | None]
) -> list[tuple[int, int, str]]:
    found = same_land(candidates, others)
    return list(zip(found.candidate.tolist(), found.other.tolist(), found.how.tolist(), strict=True))


def test_the_published_points() -> None:
    true = np.array([[121.5272106, 31.1774276], [113.912316, 22.543847], [116.377817, 39.911954]])
    mapped = [[121.531541859215, 31.17530398364597], [113.9171764808363, 22.540796131694766]]
    mapped.append([116.38404722455657, 39.91334545536069])
    assert to_gcj02(true) == pytest.approx(np.array(mapped), abs=1e-12)


@pytest.mark.parametrize(
    ("inside", "beyond"),
    [
        ((72.0041, 30), (72.0039, 30)),
        ((137.8346, 30), (137.8348, 30)),
        ((110, 0.8294), (110, 0.8292)),
        ((110, 55.8270), (110, 55.8272)),
    ],
)
def test_the_box_of_the_formula_is_the_published_one(inside: tuple[float, float], beyond: tuple[float, float]) -> None:
    """From 72.004° to 137.8347° E, from 0.8293° to 55.8271° N, as in the code that became known."""
    mapped = to_gcj02(np.array([inside, beyond]))
    assert (mapped[0] != inside).all() and mapped[1].tolist() == list(beyond)
    assert from_gcj02(np.array([beyond])).tolist() == [list(beyond)]


POINTS = st.tuples(st.floats(73, 135), st.floats(3, 54))


@given(st.lists(POINTS, min_size=1, max_size=20))
def test_there_and_back(points: list[tuple[float, float]]) -> None:
    true = np.array(points)
    assert from_gcj02(to_gcj02(true)) == pytest.approx(true, abs=1e-9)


def test_the_shift_in_hunan_and_abroad() -> None:
    hunan = np.stack(np.meshgrid(np.linspace(108.8, 114.2, 60), np.linspace(24.7, 30.1, 60)), axis=-1).reshape(-1, 2)
    metres = np.hypot(*((to_gcj02(hunan) - hunan) * metres_per_degree(hunan[:, 1])).T)
    assert 300 < metres.min() < metres.max() < 900
    abroad = np.array([[2.35, 48.85], [139.69, 35.69], [-73.97, 40.78], [151.2, -33.87]])
    assert to_gcj02(abroad).tolist() == from_gcj02(abroad).tolist() == abroad.tolist()
    assert from_gcj02(np.empty((0, 2))).shape == (0, 2)


def test_a_plot_drawn_anew_is_the_same_and_a_near_miss_is_not() -> None:
    hundred = plot(box(100, 100))
    drawn = [plot(box(100, 100, 10)), plot(box(100, 100, 100 / 7)), plot(box(80.5, 100)), plot(box(75, 100))]
    found = same_land(drawn, [None, hundred])
    assert found.candidate.tolist() == [0, 2]
    assert found.other.tolist() == [1, 1]
    assert found.iou == pytest.approx([90 / 110, 0.805], abs=1e-4)
    assert found.how.tolist() == [How.AS_DRAWN] * 2
    assert found.east_m == pytest.approx([10, -9.75], abs=0.01)
    assert found.north_m == pytest.approx([0, 0], abs=0.01)
    assert same_land(drawn, [hundred], threshold=0.74).candidate.tolist() == [0, 1, 2, 3]


def test_a_neighbour_of_the_same_shape_is_another_plot() -> None:
    row = [plot(box(20, 60, 20 * place)) for place in range(60)]
    assert pairs(row[1:], row[:1]) == []
    assert pairs(row, row) == [(i, i, "as drawn") for i in range(60)]


@pytest.mark.parametrize("decimals", [6, 15])
def test_a_plot_registered_again_in_gcj02_is_found_in_either_direction(decimals: int) -> None:
    distant = plot(CORNERS, PLACE + np.array([0.02, 0.01]))
    there = shapely.transform(FIELD, lambda points: to_gcj02(points).round(decimals))
    back = shapely.transform(FIELD, lambda points: from_gcj02(points).round(decimals))
    assert pairs([there, distant, back], [FIELD]) == [(0, 0, "gcj02"), (2, 0, "gcj02")]
    found = same_land([there], [distant, FIELD])
    assert (found.east_m[0], found.north_m[0]) == pytest.approx(SHIFT * SCALE, abs=2)
    assert found.iou[0] > 0.99


def test_the_constant_shift_of_the_place_or_of_the_towns_centre_is_undone_too() -> None:
    town = PLACE + np.array([-0.03, 0.02])
    elsewhere = (to_gcj02(town[None]) - town)[0]
    assert np.hypot(*((elsewhere - SHIFT) * SCALE)) > 2
    for shift in (SHIFT, elsewhere, -SHIFT):
        moved = shapely.transform(FIELD, lambda points, shift=shift: points + shift)
        assert pairs([moved], [FIELD]) == [(0, 0, "gcj02")]
        assert pairs([FIELD], [moved]) == [(0, 0, "gcj02")]
    for other in (1.1 * SHIFT, SHIFT[::-1], SHIFT * [1, -1]):
        assert pairs([shapely.transform(FIELD, lambda points, other=other: points + other)], [FIELD]) == []


@pytest.mark.parametrize("move", [to_gcj02, from_gcj02])
@pytest.mark.parametrize(("metres", "found"), [(24.9, [(0, 0, "gcj02")]), (25.1, [])])
def test_a_shifted_pair_may_lie_twenty_five_metres_off(
    move: Callable[[NDArray[np.float64]], NDArray[np.float64]], metres: float, found: list[tuple[int, int, str]]
) -> None:
    """The whole file was moved by the shift of another place: so far, and no farther, in any direction."""
    centre = shapely.get_coordinates(FIELD.centroid)
    for angle in np.linspace(0, 2 * np.pi, 7):
        away = move(centre) - centre + metres * np.array([np.cos(angle), np.sin(angle)]) / SCALE
        moved = shapely.transform(FIELD, lambda points, away=away: points + away)
        assert pairs([moved], [FIELD]) == found


@pytest.mark.parametrize(("metres", "twins"), [(0.19, True), (0.5, False)])
def test_no_corner_of_a_shifted_pair_may_part_by_more_than_twenty_centimetres(metres: float, twins: bool) -> None:
    """A corner of a large plot moved outwards: of its area this is nothing."""
    points = CORNERS * 4
    other = np.append(points[:1] - [0, metres], points[1:], axis=0)
    moved = shapely.transform(plot(other), lambda corners: corners + SHIFT)
    assert pairs([moved], [plot(points)]) == ([(0, 0, "gcj02")] if twins else [])


@pytest.mark.parametrize(("narrower", "twins"), [(0.1, True), (0.24, False)])
def test_a_shifted_pair_agrees_to_ninety_five_hundredths(narrower: float, twins: bool) -> None:
    """A strip of three metres, less so much of its width: no corner parts by 0.2 m, the area of the wider one does."""
    strip, other = plot(box(3, 200)), plot(box(3 - narrower, 200))
    moved = shapely.transform(other, lambda corners: corners + SHIFT)
    assert pairs([moved], [strip]) == ([(0, 0, "gcj02")] if twins else [])


def test_a_pair_is_told_once_though_several_ways_lead_to_it() -> None:
    """As drawn it is the same land, and so it is not told as shifted too; nor twice for both ways of shifting."""
    there = shapely.transform(FIELD, to_gcj02)
    found = pairs([FIELD, there, shapely.transform(FIELD, from_gcj02)], [FIELD, there])
    assert found == [(0, 0, "as drawn"), (0, 1, "gcj02"), (1, 0, "gcj02"), (1, 1, "as drawn"), (2, 0, "gcj02")]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.5, 0.95))
def test_what_two_squares_share_tells_how_far_they_agree(east: float, north: float, threshold: float) -> None:
    """Two squares of 100 m, one moved by up to their side each way."""
    one, other = plot(box(100, 100)), plot(box(100, 100, 100 * east, 100 * north))
    both = (1 - east) * (1 - north)
    iou = both / (2 - both)
    found = same_land([other], [one], threshold)
    if abs(iou - threshold) > 1e-4:
        assert found.candidate.tolist() == ([0] if iou > threshold else [])
        assert found.iou == pytest.approx([iou] if iou > threshold else [], abs=1e-4)
        assert found.east_m == pytest.approx([100 * east] if iou > threshold else [], abs=0.01)
        assert found.north_m == pytest.approx([100 * north] if iou > threshold else [], abs=0.01)


def test_turned_rings_and_holes_do_not_hide_a_plot() -> None:
    pond = box(20, 15, 30, 35)[::-1]
    field = shapely.Polygon(PLACE + CORNERS / SCALE, [PLACE + pond / SCALE])
    turned = shapely.Polygon(PLACE + np.roll(CORNERS, 2, axis=0)[::-1] / SCALE, [PLACE + pond / SCALE])
    assert pairs([shapely.transform(turned, to_gcj02)], [field]) == [(0, 0, "gcj02")]
    assert pairs([shapely.transform(FIELD, to_gcj02)], [field]) == []


def test_a_row_of_equal_paddies_at_the_distance_of_the_shift_is_told_apart() -> None:
    """Paddies of one design whose pitch hits the shift exactly, as built and surveyed: no two are alike to 0.2 m."""
    rng = np.random.default_rng(5)
    steps = 30
    pitch = SHIFT * SCALE / steps
    row = [plot(box(15, 60) + place * pitch + rng.normal(0, 0.3, (4, 2))) for place in range(3 * steps)]
    assert [pair for pair in pairs(row, row) if pair[0] != pair[1]] == []
    twin = shapely.transform(row[40], to_gcj02)
    assert (90, 40, "gcj02") in pairs([*row, twin], row)


def test_no_false_hint_in_a_countryside_of_like_plots() -> None:
    cells = mesh(shapely.box(111.70, 27.20, 111.76, 27.26), 95, 80, np.random.default_rng(1)).cells
    found = same_land(cells, cells)
    assert found.candidate.tolist() == found.other.tolist() == list(range(len(cells)))
    again = same_land(shapely.transform(cells, to_gcj02), cells)
    assert (again.candidate[again.how == How.GCJ02] == again.other[again.how == How.GCJ02]).all()
    assert (again.how == How.GCJ02).sum() == len(cells)


def test_nothing_is_the_same_as_nothing() -> None:
    for one, two in (([], []), ([FIELD], []), ([], [FIELD]), ([None, shapely.Polygon()], [FIELD])):
        assert pairs(one, two) == []
