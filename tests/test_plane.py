"""Cuts on the ellipsoid: what is cut off and what is left is the whole, corners stay, edges are short, dust is dropped."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geodata.area import areas_m2
from geodata.plane import Plane, polygons_of, without_dust
from geodata.scale import metres_per_degree

GEOD = Geod(a=6378137, rf=298.257222101)
FIELD = shapely.Polygon([(111.7401, 27.2603), (111.7414, 27.2607), (111.7411, 27.2618), (111.7398, 27.2613)])
PLACE = np.array([111.74, 27.26])
SCALE = metres_per_degree(PLACE[1])


def metres(*corners: tuple[float, float]) -> shapely.Polygon:
    return shapely.Polygon(PLACE + np.array(corners) / SCALE)


def box_m(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return metres((west, south), (east, south), (east, north), (west, north))


def edges_m(geometry: shapely.Geometry) -> list[float]:
    """The lengths of all edges, along the ellipsoid."""
    found = []
    for ring in shapely.get_rings(shapely.get_parts(geometry)):
        x, y = shapely.get_coordinates(ring).T
        found += np.asarray(GEOD.inv(x[:-1], y[:-1], x[1:], y[1:])[2]).tolist()
    return found


def test_less_nothing_all_is_left() -> None:
    plane = Plane(FIELD)
    assert plane.difference(FIELD, []).equals_exact(FIELD, 0)
    beside = plane.difference(FIELD, [box_m(5000, 5000, 6000, 6000)])
    assert beside.normalize().equals_exact(FIELD.normalize(), 0)


def test_less_itself_nothing_is_left() -> None:
    plane = Plane(FIELD)
    for rest in (plane.difference(FIELD, [FIELD]), plane.intersection(FIELD, box_m(5000, 5000, 6000, 6000))):
        assert rest.is_empty and rest.geom_type == "Polygon"
    assert plane.union([FIELD, FIELD]).equals(FIELD)


@settings(max_examples=30)
@given(st.lists(st.tuples(*[st.floats(-200, 200)] * 2, st.floats(1, 300), st.floats(1, 300)), min_size=1, max_size=5))
def test_what_several_cover_and_what_they_leave_is_the_whole(boxes: list[tuple[float, float, float, float]]) -> None:
    whole, others = box_m(-150, -150, 150, 150), [box_m(x, y, x + w, y + h) for x, y, w, h in boxes]
    plane = Plane(whole)
    cover = plane.union(others)
    left, taken = plane.difference(whole, others), plane.intersection(whole, cover)
    measured = areas_m2([left, taken, whole, plane.union([whole, cover]), cover])
    assert measured[0] + measured[1] == pytest.approx(measured[2], abs=0.03)
    assert measured[3] + measured[1] == pytest.approx(measured[2] + measured[4], abs=0.03)
    one_by_one = whole
    for other in others:
        one_by_one = plane.difference(one_by_one, [other])
    assert areas_m2([one_by_one])[0] == pytest.approx(measured[0], abs=0.03)


def test_corners_that_survive_keep_every_digit() -> None:
    cut = Plane(FIELD).difference(FIELD, [shapely.box(111.7, 27.2, 111.7405, 27.3)])
    kept = {tuple(corner) for corner in shapely.get_coordinates(FIELD) if corner[0] > 111.7405}
    assert len(kept) == 2 and kept <= {tuple(corner) for corner in shapely.get_coordinates(cut)}


@pytest.mark.parametrize(("length", "pieces"), [(99.5, 1), (100.5, 2), (199.5, 2), (200.5, 3), (999, 10), (1001, 11)])
def test_long_edges_get_corners_every_hundred_metres(length: float, pieces: int) -> None:
    field = box_m(0, 0, length, 50)
    plane = Plane(field)
    dense = plane.densified(field)
    assert len(edges_m(dense)) == 2 * pieces + 2
    assert max(edges_m(dense)) < 100.01
    assert areas_m2([dense])[0] == pytest.approx(areas_m2([field])[0], abs=0.02)
    assert plane.densified(dense).equals_exact(dense, 1e-9)


def test_a_dense_outline_joined_in_degrees_has_the_area_that_it_has_here() -> None:
    """Any GIS that cuts such polygons in the plane of degrees comes to our area; of a long edge as it is drawn it does not."""
    field = metres((0, 0), (1800, 700), (1500, 1600), (-200, 900))
    dense = Plane(field).densified(field)
    halves = [shapely.box(111, 27, 111.745, 28), shapely.box(111.745, 27, 112, 28)]
    parts = [shapely.intersection(dense, half) for half in halves]
    assert areas_m2(parts).sum() == pytest.approx(areas_m2([field])[0], abs=0.05)


def test_a_part_counts_from_a_hundredth_of_a_square_metre_on() -> None:
    large = box_m(0, 0, 10, 10)
    just, dust = box_m(20, 0, 21, 0.0101), box_m(30, 0, 31, 0.0099)
    assert without_dust(shapely.MultiPolygon([large, just, dust])).equals(shapely.MultiPolygon([large, just]))
    assert without_dust(shapely.MultiPolygon([large, dust])).equals_exact(large, 0)
    assert without_dust(dust).is_empty
    left = Plane(large).difference(large, [box_m(-1, -1, 9.9995, 11)])
    assert left.is_empty, "half a hundredth of a square metre"
    left = Plane(large).difference(large, [box_m(-1, -1, 9.998, 11)])
    assert areas_m2([left])[0] == pytest.approx(0.02, abs=1e-3)


def test_polygons_are_taken_out_of_whatever_holds_them() -> None:
    line, point = shapely.LineString([(0, 0), (1, 1)]), shapely.Point(3, 3)
    one, two, three = (shapely.box(x, 0, x + 1, 1) for x in (0, 5, 9))
    inner = shapely.GeometryCollection([line, shapely.MultiPolygon([one, two]), shapely.MultiPoint([(1, 1)])])
    assert polygons_of(shapely.GeometryCollection([point, inner, three])).equals(
        shapely.MultiPolygon([one, two, three])
    )
    assert polygons_of(shapely.GeometryCollection([line, one])).equals_exact(one, 0)
    assert polygons_of(one).equals_exact(one, 0)
    assert polygons_of(shapely.MultiPolygon([one])).equals_exact(one, 0)
    for nothing in (
        line,
        point,
        shapely.GeometryCollection([line, shapely.Polygon()]),
        shapely.MultiLineString([line]),
    ):
        found = polygons_of(nothing)
        assert found.is_empty and found.geom_type == "Polygon"


def test_a_spike_of_no_width_does_no_harm() -> None:
    """Valid in degrees by a nanometre, it crosses itself once it is rounded."""
    spike = shapely.Polygon(
        [(111.74, 27.26), (111.741, 27.26), (111.741, 27.261), (111.7405 + 1e-13, 27.261), (111.7405, 27.27),
         (111.7405 - 1e-13, 27.261), (111.74, 27.261)]
    )  # fmt: skip
    half = shapely.box(111.7, 27.2, 111.7403, 27.3)
    plane = Plane(spike)
    parts = areas_m2([plane.intersection(spike, half), plane.difference(spike, [half])])
    assert parts.sum() == pytest.approx(areas_m2([shapely.box(111.74, 27.26, 111.741, 27.261)])[0], abs=0.03)


@pytest.mark.parametrize("east", [0.1, 0.5])
def test_a_border_far_from_the_middle_is_cut_along_its_geodesic(east: float) -> None:
    """A triangle of up to 50 km, cut along the geodesic from a corner to a point of the side before it."""
    corners = [(111.5, 27.0), (111.5 + east, 27.1 + east / 4), (111.6, 27.0 + east)]
    whole = shapely.Polygon(corners)
    line = GEOD.inv_intermediate(*corners[0], *corners[1], 3, return_back_azimuth=False)
    middle = (line.lons[1], line.lats[1])
    half = shapely.Polygon([corners[0], middle, corners[2]])
    rest = Plane(whole).difference(whole, [half])
    other = shapely.Polygon([middle, corners[1], corners[2]])
    assert areas_m2([rest])[0] == pytest.approx(areas_m2([other])[0], rel=1e-7)
