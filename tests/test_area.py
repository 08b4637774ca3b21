"""Areas: the reference values, the agreement with an independent measure, and what must not change an area."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from geodata.area import areas_m2, m2_to_mu
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


def test_what_has_no_area_has_none() -> None:
    nothing = [None, shapely.Point(1, 1), shapely.LineString([(0, 0), (1, 1)]), shapely.Polygon()]
    assert areas_m2(nothing).tolist() == [0, 0, 0, 0]
