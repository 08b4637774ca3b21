"""Uncertainties of areas: against simulation, what must not change them, and the examples in the document."""

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geodata.area import ELLIPSOID, areas_m2
from geodata.plane import Plane
from geodata.scale import metres_per_degree
from geodata.uncertainty import area_uncertainty_m2, axis_sigma_m, combined, net_uncertainty_m2

ROOT = Path(__file__).parents[1]
PLACE = np.array([111.74, 27.26])
SCALE = metres_per_degree(PLACE[1])
DRAWS = 20_000


def ground(points: NDArray[np.float64], holes: list[NDArray[np.float64]] | None = None) -> shapely.Polygon:
    """A polygon given in metres around a place in Shaodong, in degrees."""
    return shapely.Polygon(PLACE + points / SCALE, [PLACE + hole / SCALE for hole in holes or []])


def box(west: float, south: float, east: float, north: float) -> NDArray[np.float64]:
    return np.array([[west, south], [east, south], [east, north], [west, north]], dtype=float)


def disturbed(polygon: shapely.Geometry, sigma_m: NDArray[np.float64]) -> NDArray[np.object_]:
    """The polygon as it might have been measured, DRAWS times; `sigma_m` per vertex, closing vertices as their first."""
    rng = np.random.default_rng(20220426)
    points = shapely.get_coordinates(polygon)
    error = rng.standard_normal((DRAWS, *points.shape)) * sigma_m[:, None] / SCALE
    rings = np.array([shapely.get_num_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(polygon))])
    error[:, np.cumsum(rings) - 1] = error[:, np.cumsum(rings) - rings]
    many = np.full(DRAWS, polygon, dtype=object)
    return np.asarray(shapely.set_coordinates(many, (points + error).reshape(-1, 2)), dtype=object)


STRIP = box(0, 0, 8, 600)
FIELDS = {
    "a square": ground(box(0, 0, 120, 120)),
    "a long thin strip": ground(STRIP @ np.array([[0.8, 0.6], [-0.6, 0.8]])),
    "a field with a pond": ground(box(0, 0, 150, 100), [box(40, 30, 90, 70)]),
    "two fields, one with a hole": shapely.MultiPolygon(
        [ground(box(0, 0, 60, 90)), ground(box(100, 0, 200, 50), [box(120, 10, 180, 40)])]
    ),
    "a field of many corners": ground(
        np.column_stack([f(np.linspace(0, 2 * np.pi, 40, endpoint=False)) * 70 for f in (np.cos, np.sin)])
    ),
}


@pytest.mark.parametrize("polygon", FIELDS.values(), ids=FIELDS.keys())
def test_the_uncertainty_is_the_spread_of_simulated_measurements(polygon: shapely.Geometry) -> None:
    spread = areas_m2(disturbed(polygon, np.full(shapely.get_num_coordinates(polygon), 1.5))).std()
    assert area_uncertainty_m2([polygon], 1.5)[0] == pytest.approx(spread, rel=0.03)


def test_each_corner_has_its_own_accuracy() -> None:
    polygon = FIELDS["two fields, one with a hole"]
    sigma = np.linspace(0.1, 2.5, shapely.get_num_coordinates(polygon))
    spread = areas_m2(disturbed(polygon, sigma)).std()
    point, field = shapely.Point(PLACE), FIELDS["a square"]
    found = area_uncertainty_m2([point, None, polygon, field], np.concatenate([[99], sigma, np.full(5, 3.0)]))
    assert found == pytest.approx([0, 0, spread, area_uncertainty_m2([field], 3.0)[0]], rel=0.03)
    closing = np.array([4, 9, 14])  # of each ring: not looked at
    sigma[closing] = 1e6
    assert area_uncertainty_m2([polygon], sigma) == pytest.approx(found[2:3])


def test_a_square_by_hand_and_an_accuracy_for_each_of_many() -> None:
    square = FIELDS["a square"]
    found = area_uncertainty_m2([square, square, None, shapely.Polygon(), square], np.array([0.05, 2.0, 1, 1, np.nan]))
    assert found[:4] == pytest.approx([0.05 * 120 * np.sqrt(2), 2 * 120 * np.sqrt(2), 0, 0], rel=1e-4)
    assert np.isnan(found[4])
    assert area_uncertainty_m2([], 1.0).tolist() == []
    with pytest.raises(ValueError, match=r"\(2,\)"):
        area_uncertainty_m2([square], [1.0, 2.0])


def test_errors_that_are_alike_along_the_boundary() -> None:
    """A dense walk: independent fixes would claim to know the area far better than errors that last for 40 m allow."""
    corners = np.arange(0, 480, 4.0)
    side, along = np.divmod(corners, 120)
    sides = [(along, 0 * along), (120 + 0 * along, along), (120 - along, 120 + 0 * along), (0 * along, 120 - along)]
    points = np.column_stack([np.choose(side.astype(int), [s[axis] for s in sides]) for axis in (0, 1)])
    polygon, sigma, reach = ground(points), 2.0, 40.0
    apart = np.abs(corners[:, None] - corners)
    kernel = np.exp(-np.minimum(apart, 480 - apart) / reach)
    rng = np.random.default_rng(7)
    error = np.linalg.cholesky(kernel) @ rng.standard_normal((DRAWS, len(points), 2))
    measured = areas_m2(shapely.polygons(PLACE + (points + sigma * error) / SCALE))
    found = area_uncertainty_m2([polygon, polygon, polygon], sigma, [reach, 0, np.inf])
    assert found[0] == pytest.approx(measured.std(), rel=0.03)
    assert found[1] < found[0] / 3
    assert found[2] == pytest.approx(0, abs=0.5)  # an error that all corners share


def by_covariances(
    points: NDArray[np.float64], sigma: NDArray[np.float64], reach: float, closed: NDArray[np.float64]
) -> float:
    """The same by the whole matrix of the corners' covariances; `closed` are the places along the ring, its length last."""
    gradient = (np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)) / 2
    apart = np.abs(closed[:-1, None] - closed[None, :-1])
    alike = np.exp(-np.minimum(apart, closed[-1] - apart) / reach) if reach else np.eye(len(points))
    covariances = sigma[:, None] * sigma[None, :] * alike
    return float(np.sqrt(sum(axis @ covariances @ axis for axis in gradient.T)))


def around(points: NDArray[np.float64]) -> NDArray[np.float64]:
    steps = np.hypot(*(np.roll(points, -1, axis=0) - points).T)
    return np.concatenate([[0.0], np.cumsum(steps)])


@settings(deadline=None, max_examples=40)
@given(
    st.integers(3, 12), st.floats(0.3, 300), st.sampled_from([0.0, 0.01, 0.5, 3, 40, 500]), st.randoms(),
    st.booleans(),
)  # fmt: skip
def test_any_correlation_is_that_of_the_whole_matrix(
    corners: int, size: float, reach: float, chance: Any, hole: bool
) -> None:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radii = np.array([size * chance.uniform(0.4, 1) for _ in angles])
    points = np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])
    sigma = np.array([chance.uniform(0.5, 2) for _ in angles])
    rings, sigmas = [points], [sigma]
    if hole:
        rings, sigmas = [points, points[::-1] * 0.2], [sigma, sigma[::-1] * 0.5]
    expected = np.sqrt(sum(by_covariances(p, s, reach, around(p)) ** 2 for p, s in zip(rings, sigmas, strict=True)))
    each = np.concatenate([np.append(one, 77.0) for one in sigmas])
    other = ground(box(900, 900, 950, 930))
    alone = area_uncertainty_m2([other], 2.0, 9.0)[0]
    found = area_uncertainty_m2(
        [other, ground(rings[0], rings[1:])], np.concatenate([np.full(5, 2.0), each]), [9.0, reach]
    )
    assert found == pytest.approx([alone, expected], rel=2e-3)


@pytest.mark.parametrize(("beside", "own"), [(0.04, True), (0.06, False)])
def test_a_boundary_within_five_centimetres_of_an_own_edge_lies_on_it(beside: float, own: bool) -> None:
    square = FIELDS["a square"]
    inner = ground(box(beside, beside, 120 - beside, 120 - beside))
    whole = area_uncertainty_m2([square], 1.0)[0]
    assert net_uncertainty_m2([square], [inner], 1.0)[0] == pytest.approx(whole if own else 0, rel=2e-3)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_stretch_of_an_edge_moves_with_its_ends_by_its_place(low: float, high: float) -> None:
    """Of the southern edge of a square a stretch is left, of the others nothing: what of the net moves is by hand."""
    low, high = sorted((low, high))
    square, side = FIELDS["a square"], 120.0
    left = ground(np.array([[side * low, 0], [side * high, 0], [side * (low + high) / 2, 40]]))
    # Each end moves the stretch by the integral of its own weight along it.
    east = side * (high**2 - low**2) / 2
    west = side * (high - low) - east
    sigma = np.array([0.5, 2.0, 9, 9, 9])
    expected = np.hypot(west * sigma[0], east * sigma[1])
    if high - low > 1e-3:
        assert net_uncertainty_m2([square], [left], sigma)[0] == pytest.approx(expected, rel=2e-3, abs=1e-3)


def test_one_long_correlation_does_not_reach_other_polygons() -> None:
    fields = list(FIELDS.values())
    singly = [area_uncertainty_m2([field], 1.0, 25.0)[0] for field in fields]
    assert area_uncertainty_m2(fields, 1.0, 25.0) == pytest.approx(singly)


CUTS = {
    "a straight cut through two edges": (FIELDS["a square"], box(-9, -9, 45, 500)),
    "a slanting cut": (FIELDS["a square"], np.array([[-500, -300], [500, 100], [500, 500], [-500, 500]], dtype=float)),
    "a cut through the pond": (FIELDS["a field with a pond"], box(-9, -9, 60, 500)),
    "a bite out of an edge": (FIELDS["a square"], box(30, -20, 80, 50)),
    "a hole cut inside": (FIELDS["a square"], box(30, 30, 80, 50)),
}


@pytest.mark.parametrize(("gross", "cut"), CUTS.values(), ids=CUTS.keys())
def test_only_what_is_left_of_its_own_boundary_moves_the_net_area(
    gross: shapely.Geometry, cut: NDArray[np.float64]
) -> None:
    plane, line = Plane(gross), ground(cut)
    net = plane.densified(plane.difference(gross, [line]))
    left = shapely.difference(disturbed(gross, np.full(shapely.get_num_coordinates(gross), 0.7)), line)
    found = net_uncertainty_m2([gross], [net], 0.7)[0]
    assert found == pytest.approx(areas_m2(left).std(), rel=0.03)


def test_nothing_cut_all_cut_and_many_at_once() -> None:
    fields = list(FIELDS.values())
    whole = area_uncertainty_m2(fields, 1.0, 10.0)
    assert net_uncertainty_m2(fields, fields, 1.0, 10.0) == pytest.approx(whole, rel=1e-6)
    plane = Plane(fields[0])
    assert net_uncertainty_m2(fields, [plane.densified(field) for field in fields], 1.0, 10.0) == pytest.approx(whole)
    assert net_uncertainty_m2(fields, [shapely.Polygon()] * len(fields), 1.0).tolist() == [0] * len(fields)
    # Another claim's land along the same edge is not one's own.
    neighbour = ground(box(0, -100, 120, 0))
    assert net_uncertainty_m2([fields[0], neighbour], [shapely.Polygon(), neighbour], 1.0)[0] == 0


def test_the_edges_of_a_large_claim_are_told_though_cuts_follow_geodesics() -> None:
    large = ground(box(0, 0, 1900, 800))
    net = Plane(large).densified(large)
    assert net_uncertainty_m2([large], [net], 1.0) == pytest.approx(area_uncertainty_m2([large], 1.0), rel=1e-3)


@st.composite
def fields(draw: st.DrawFn) -> NDArray[np.float64]:
    corners = draw(st.integers(3, 9))
    radii = np.array(draw(st.lists(st.floats(10, 200), min_size=corners, max_size=corners)))
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])


@settings(deadline=None)
@given(fields(), st.floats(-3000, 3000), st.floats(0, 2 * np.pi), st.integers(0, 8), st.booleans(), st.floats(0, 100))
def test_where_how_turned_and_where_begun_does_not_matter(
    points: NDArray[np.float64], shift: float, turn: float, begin: int, back: bool, reach: float
) -> None:
    turned = points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    moved = np.roll(turned + np.array([shift, -shift]), begin, axis=0)[:: -1 if back else 1]
    one, other = area_uncertainty_m2([ground(points), ground(moved)], 1.0, reach)
    assert other == pytest.approx(one, rel=2e-3, abs=1e-6)  # the scale changes by 3e-4 over 3 km
    assert area_uncertainty_m2([ground(points)], 3.0, reach)[0] == pytest.approx(3 * one)


def test_sixty_eight_of_a_hundred_fixes_lie_within_the_phones_accuracy() -> None:
    error = np.random.default_rng(3).standard_normal((200_000, 2)) * axis_sigma_m(8.0)
    assert (np.hypot(*error.T) <= 8.0).mean() == pytest.approx(0.68, abs=0.005)
    assert axis_sigma_m(np.array([5.0, 10.0]), share=0.95) == pytest.approx([2.043, 4.085], abs=0.001)


def test_independent_claims_add_up_by_their_squares() -> None:
    assert combined(np.full(100, 50.0)) == pytest.approx(500)
    assert combined([]) == 0


def test_a_degree_is_as_long_as_on_the_ellipsoid() -> None:
    for latitude in (0.0, 27.26, 53.5):
        east = ELLIPSOID.inv(111, latitude, 111.001, latitude)[2] * 1000
        north = ELLIPSOID.inv(111, latitude - 0.0005, 111, latitude + 0.0005)[2] * 1000
        assert metres_per_degree(latitude) == pytest.approx([east, north], rel=1e-8)


def test_the_examples_of_the_document_are_so() -> None:
    result = doctest.testfile(str(ROOT / "docs" / "uncertainty.md"), module_relative=False, encoding="utf-8")
    assert result.attempted > 0
    assert result.failed == 0
