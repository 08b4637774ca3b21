"""Areas: the reference values, the agreement with an independent measure, and what must not change an area."""

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from geodata.area import area_m2, areas_m2, m2_to_mu, mu_to_m2
from geodata.plane import Plane

GEOD = Geod(a=6378137, rf=298.257222101)
REFERENCE = shapely.box(111.740, 27.260, 111.742, 27.262)


def test_reference_values_of_the_field() -> None:
    leaning = shapely.Polygon([(111.7401, 27.2603), (111.7414, 27.2607), (111.7411, 27.2618), (111.7398, 27.2613)])
    areas = areas_m2([REFERENCE, leaning])
    assert areas == pytest.approx([43_890.779, 16_459.04], abs=0.01)
    assert m2_to_mu(areas[0]) == pytest.approx(65.836, abs=0.001)


def test_reference_coordinates() -> None:
    for epsg, easting in ((4546, 573_280.134), (4525, 37_573_280.134)):
        x, y = Transformer.from_crs(4490, epsg, always_xy=True).transform(111.74, 27.26)
        assert (x, y) == pytest.approx((easting, 3_016_656.500), abs=0.001)


@st.composite
def polygons(draw: st.DrawFn) -> shapely.Polygon:
    corners = draw(st.integers(3, 12))
    radii = draw(st.lists(st.floats(0.0005, 0.01), min_size=corners, max_size=corners))
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    x, y = draw(st.floats(100, 125)), draw(st.floats(20, 50))
    points = np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)])
    hole = shapely.box(x - 1e-5, y - 1e-5, x + 1e-5, y + 1e-5)
    return shapely.difference(shapely.Polygon(points), hole) if draw(st.booleans()) else shapely.Polygon(points)


@given(polygons())
def test_agrees_with_geodesics_of_another_library(polygon: shapely.Polygon) -> None:
    exact = abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(polygon))[0])
    assert areas_m2([polygon])[0] == pytest.approx(exact, rel=1e-9, abs=1e-4)


@given(polygons(), st.integers(0, 11), st.booleans())
def test_turning_and_reversing_rings_changes_nothing(polygon: shapely.Polygon, turn: int, back: bool) -> None:
    ring = shapely.get_coordinates(shapely.Polygon(polygon.exterior))[:-1]
    turned = np.roll(ring, turn % len(ring), axis=0)[:: -1 if back else 1]
    other = shapely.Polygon(turned, polygon.interiors)
    assert areas_m2([other])[0] == pytest.approx(areas_m2([polygon])[0], abs=1e-4)


@given(polygons(), st.floats(-0.8, 0.8), st.floats(-0.8, 0.8))
def test_four_parts_sum_to_the_whole(polygon: shapely.Polygon, x: float, y: float) -> None:
    west, south, east, north = polygon.bounds
    cut_x, cut_y = (west + east) / 2 + x * (east - west) / 2, (south + north) / 2 + y * (north - south) / 2
    boxes = [
        shapely.box(west - 1, south - 1, cut_x, cut_y),
        shapely.box(cut_x, south - 1, east + 1, cut_y),
        shapely.box(west - 1, cut_y, cut_x, north + 1),
        shapely.box(cut_x, cut_y, east + 1, north + 1),
    ]
    plane, rest, parts = Plane(polygon), polygon, []
    for box in boxes[:3]:
        parts.append(plane.intersection(rest, plane.densified(box)))
        rest = plane.difference(rest, [parts[-1]])
    assert areas_m2([*parts, rest]).sum() == pytest.approx(areas_m2([polygon])[0], abs=0.05)


def test_an_eighth_of_the_whole_ellipsoid() -> None:
    """Between the equator and two meridians; all of GRS 1980, which is CGCS2000 to ten digits, has 510,065,621.724 km²."""
    eighth = shapely.Polygon([(0, 0), (90, 0), (90, 90), (0, 90)])
    assert areas_m2([eighth])[0] == pytest.approx(510_065_621_724_000 / 8, rel=1e-9)


@st.composite
def provinces(draw: st.DrawFn) -> shapely.Polygon:
    """Polygons with edges of some 5 to 500 km."""
    corners = draw(st.integers(3, 7))
    radii = np.array(draw(st.lists(st.floats(0.06, 3), min_size=corners, max_size=corners)))
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    x, y = draw(st.floats(100, 125)), draw(st.floats(-50, 50))
    return shapely.Polygon(np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)]))


def by_short_edges(polygon: shapely.Polygon) -> shapely.Polygon:
    """The same land: each edge with corners every 2 km along its geodesic."""
    points = shapely.get_coordinates(polygon)
    dense = []
    for (x0, y0), (x1, y1) in pairwise(points):
        count = int(GEOD.inv(x0, y0, x1, y1)[2] // 2000)
        dense += [(x0, y0), *(GEOD.npts(x0, y0, x1, y1, count) if count else [])]
    return shapely.Polygon(dense)


@settings(max_examples=25)
@given(provinces(), st.booleans())
def test_long_edges_enclose_what_short_ones_along_them_do(province: shapely.Polygon, back: bool) -> None:
    whole = areas_m2([by_short_edges(province)])[0]
    assert areas_m2([province.reverse() if back else province])[0] == pytest.approx(whole, rel=1e-8, abs=1)


def test_one_long_edge_among_many_polygons_is_measured_as_that_of_its_own() -> None:
    """Of a claim, a county with a lake, and parts of two sizes: each as if it were alone, whatever the others' edges."""
    county = shapely.Polygon(
        [(111.5, 27.0), (111.6, 27.6), (112.1, 27.2)], [[(111.6, 27.2), (111.7, 27.2), (111.7, 27.3)]]
    )
    lake = shapely.Polygon(county.interiors[0])
    island = shapely.box(113, 27, 113.01, 27.01)
    both = shapely.MultiPolygon([island, shapely.box(113.02, 27, 113.2, 27.01)])
    filled = shapely.Polygon(county.exterior)
    alone = {land: areas_m2([by_short_edges(land)])[0] for land in (filled, lake, *both.geoms, REFERENCE)}
    expected = [
        alone[REFERENCE], alone[filled] - alone[lake], 0, alone[both.geoms[0]] + alone[both.geoms[1]],
        alone[REFERENCE], alone[lake],
    ]  # fmt: skip
    found = areas_m2([REFERENCE, county, None, both, REFERENCE, lake])
    assert found == pytest.approx(expected, rel=1e-8)
    assert areas_m2([REFERENCE, county, None, both, REFERENCE.reverse(), lake.reverse()]) == pytest.approx(found)


@pytest.mark.parametrize("edge", [0.049, 0.0499, 0.0501, 0.06])
@pytest.mark.parametrize("turned", [False, True])
def test_from_where_on_an_edge_is_long_makes_no_difference(edge: float, turned: bool) -> None:
    """Edges of this many degrees eastward, or northward: both ways of measuring agree."""
    wide = shapely.Polygon([(111.7, 27.2), (111.7 + edge, 27.2), (111.7 + edge / 2, 27.2 + edge / 3)])
    corners = shapely.get_coordinates(wide)
    if turned:
        wide = shapely.Polygon(np.column_stack([111.7 + corners[:, 1] - 27.2, 27.2 + corners[:, 0] - 111.7]))
    exact = abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(wide))[0])
    assert areas_m2([wide])[0] == pytest.approx(exact, rel=1e-10)


def test_mu_and_hectares() -> None:
    assert m2_to_mu(10_000.0) == pytest.approx(15)
    assert mu_to_m2(15.0) == pytest.approx(10_000)
    assert area_m2(REFERENCE) == 43_890.78
    assert area_m2(None) == 0


def test_what_has_no_area_has_none() -> None:
    nothing = [None, shapely.Point(1, 1), shapely.LineString([(0, 0), (1, 1)]), shapely.Polygon()]
    assert areas_m2(nothing).tolist() == [0, 0, 0, 0]
