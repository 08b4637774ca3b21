""" "No gap, no dead corner": what is planted is found, nothing else is, and a proposal that is imported mends it."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from conftest import CITY, TOWN, VILLAGE, Run
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sqlalchemy import delete, update

from farmland.land.plots import Plot
from farmland.land.units import LEVELS, chain_of, level_of
from farmland.people.chiefs import Appointment
from farmland.records.database import Database
from geodata.area import area_m2, areas_m2, mu_to_m2
from geodata.coverage import (
    Places,
    cut,
    differ,
    neighbours,
    not_covered_by_any,
    outside,
    shared,
    shared_and_outside,
    tiled,
    uncovered,
    without_holes,
)
from geodata.mesh import dissolve, divide, mesh
from geodata.scale import metres_per_degree

OUTLINE = shapely.box(111.70, 27.20, 111.72, 27.22)
MESH = mesh(OUTLINE, 120, 130, np.random.default_rng(7))
CELLS = MESH.cells
INNER = np.flatnonzero(~MESH.cut & (areas_m2(CELLS) > 9000))
ONE = np.zeros(len(CELLS), dtype=np.int64)
WHOLE = dissolve(CELLS, ONE)
AREAS = st.floats(np.log(0.01), np.log(mu_to_m2(10))).map(np.exp)
GROUPS = [f"{village}{n:02d}" for village in (VILLAGE, "430582104204", "430582105201") for n in (1, 2, 3)]


def all_faults(cells: NDArray[np.object_]) -> dict[str, Places]:
    return {
        "shared": shared(cells),
        "uncovered": uncovered(WHOLE, cells, np.zeros(len(cells), dtype=np.int64)),
        "outside": outside(cells, WHOLE, np.zeros(len(cells), dtype=np.int64)),
        "bare": not_covered_by_any(CELLS, cells),
    }


def counts(found: dict[str, Places]) -> dict[str, int]:
    return {kind: len(places) for kind, places in found.items()}


def close(area: float, planted: float) -> bool:
    return bool(abs(area - planted) <= max(0.01, planted * 0.01))


def with_corner_at(cell: shapely.Polygon, place: int, share: float) -> shapely.Polygon:
    """The cell with one corner moved to its centre by a share of the way (away from it, where that is below 0)."""
    corners = shapely.get_coordinates(cell)[:-1].copy()
    corners[place] += (np.array(cell.centroid.coords[0]) - corners[place]) * share
    return shapely.Polygon(corners)


def moved_by(cell: shapely.Polygon, place: int, planted: float, sign: int) -> shapely.Polygon:
    """The cell with a corner moved so far inwards (1) or outwards (-1) that its area changes by `planted` m²."""
    change = area_m2(cell) - areas_m2([with_corner_at(cell, place, sign * 1e-3)])[0]
    return with_corner_at(cell, place, sign * 1e-3 * planted / abs(change))


def test_a_clean_tiling_has_no_faults() -> None:
    assert counts(all_faults(CELLS)) == {"shared": 0, "uncovered": 0, "outside": 0, "bare": 0}


@given(st.sampled_from(list(INNER)), st.integers(0, 3), AREAS)
def test_a_corner_moved_inwards_leaves_one_gap_of_its_area(row: int, corner: int, planted: float) -> None:
    moved = moved_by(CELLS[row], corner, planted, 1)
    assume(moved.is_valid and CELLS[row].covers(moved))
    cells = CELLS.copy()
    cells[row] = moved
    found = all_faults(cells)
    assert counts(found) == {"shared": 0, "uncovered": 1, "outside": 0, "bare": 1}
    assert close(found["uncovered"].areas_m2[0], planted) and close(found["bare"].areas_m2[0], planted)
    assert found["bare"].owner.tolist() == [row]
    assert shapely.contains(CELLS[row], shapely.point_on_surface(found["uncovered"].polygons[0]))


@given(st.sampled_from(list(INNER)), st.integers(0, 3), AREAS)
def test_a_corner_moved_outwards_overlaps_its_neighbours_by_its_area(row: int, corner: int, planted: float) -> None:
    moved = moved_by(CELLS[row], corner, planted, -1)
    assume(moved.is_valid and moved.covers(CELLS[row]) and WHOLE[0].covers(moved))
    cells = CELLS.copy()
    cells[row] = moved
    found = all_faults(cells)
    met = {other for other in range(len(CELLS)) if other != row and areas_m2([CELLS[other] & moved])[0] >= 0.002}
    assert met <= {int(other) for pair in found["shared"].owner for other in pair if other != row}
    assert close(found["shared"].areas_m2.sum(), planted) and (found["shared"].owner == row).any(axis=1).all()
    assert counts(found) | {"shared": 0} == {"shared": 0, "uncovered": 0, "outside": 0, "bare": 0}


@given(st.sampled_from(list(INNER)), AREAS, st.booleans())
def test_a_piece_of_any_size_is_found_at_its_place(row: int, planted: float, hole: bool) -> None:
    """A square in the middle of a cell, cut out of it, or laid over it as a plot of its own."""
    x, y = CELLS[row].centroid.coords[0]
    half = np.sqrt(planted) / 2 / 111_000
    square = shapely.box(x - half, y - half, x + half, y + half)
    square = shapely.affinity.scale(square, 1 / np.cos(np.radians(y)), 1)
    piece = square & CELLS[row]
    cells = CELLS.copy()
    if hole:
        cells[row] = cells[row] - square
        found = all_faults(cells)
        assert counts(found) == {"shared": 0, "uncovered": 1, "outside": 0, "bare": 1}
        places = found["uncovered"]
    else:
        found = all_faults(np.append(cells, piece))
        assert counts(found) == {"shared": 1, "uncovered": 0, "outside": 0, "bare": 0}
        places = found["shared"]
        assert places.owner.tolist() == [[row, len(cells)]]
    assert close(places.areas_m2[0], area_m2(piece))
    assert areas_m2([places.polygons[0] ^ piece])[0] <= max(0.01, planted * 0.01)


@given(st.sampled_from(list(INNER)))
def test_a_cell_that_is_missing_or_there_twice_is_found_whole(row: int) -> None:
    missing = all_faults(np.delete(CELLS, row))
    assert counts(missing) == {"shared": 0, "uncovered": 1, "outside": 0, "bare": 1}
    twice = all_faults(np.append(CELLS, CELLS[row]))
    assert counts(twice) == {"shared": 1, "uncovered": 0, "outside": 0, "bare": 0}
    for places in (missing["uncovered"], missing["bare"], twice["shared"]):
        assert places.areas_m2[0] == pytest.approx(areas_m2(CELLS[[row]])[0], abs=0.01)
        assert places.polygons[0].equals(CELLS[row])


def test_land_with_a_spike_is_measured_whole() -> None:
    """GEOS loses such a polygon when it puts more corners into its edges."""
    corners = [
        (111.73015067931198, 27.2351249797545), (111.73023005022137, 27.235127366729785),
        (111.7298802230999, 27.234208320045287), (111.730380395, 27.234229587), (111.72980047, 27.234204929),
        (111.730169005, 27.235173124),
    ]  # fmt: skip
    spiky = shapely.Polygon(corners)
    assert shared(np.array([spiky, spiky])).areas_m2 == pytest.approx([area_m2(spiky)], abs=0.01)


SIDE = np.array([0.0001 / np.cos(np.radians(27.2)), 0.0001])
"""About 11.1 m eastward and northward, at 27.2° N."""


def tile(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A box in sides of some 11 m from 111.7° E 27.2° N; one side square has some 123 m²."""
    return shapely.box(*(np.array([111.7, 27.2] * 2) + np.array([west, south, east, north]) * np.tile(SIDE, 2)))


def lands(*polygons: shapely.Geometry) -> NDArray[np.object_]:
    return np.array(polygons, dtype=object)


def areas_of(*tiles: shapely.Geometry) -> Any:
    return pytest.approx(areas_m2(lands(*tiles)), abs=0.01)


def test_three_polygons_at_one_place_are_three_pairs() -> None:
    """Two that overlap, and a third over both: each pair with the land that these two share."""
    over = lands(tile(0, 0, 4, 4), tile(2, 0, 6, 4), tile(3, 1, 5, 9), tile(20, 0, 24, 4))
    found = shared(over)
    assert found.owner.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert found.areas_m2 == areas_of(tile(2, 0, 4, 4), tile(3, 1, 4, 4), tile(3, 1, 5, 4))
    thrice = shared(lands(over[0], over[0], over[0]))
    assert thrice.owner.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert thrice.areas_m2 == areas_of(over[0], over[0], over[0])
    assert len(found.of(np.array([False, True, False]))) == 1
    assert found.of(np.array([False, True, False])).owner.tolist() == [[0, 2]]


def test_land_that_several_parts_cover_is_not_uncovered_and_what_is_left_is_told_apart() -> None:
    wholes = lands(tile(0, 0, 10, 4), tile(20, 0, 24, 4), tile(30, 0, 34, 4))
    parts = lands(tile(0, 0, 4, 4), tile(2, 0, 6, 4), tile(3, 1, 5, 4), tile(8, 0, 9, 4), tile(20, 0, 24, 4))
    found = uncovered(wholes, parts, np.array([0, 0, 0, 0, 1]))
    left = (tile(6, 0, 8, 4), tile(9, 0, 10, 4), wholes[2])
    assert found.owner.tolist() == [0, 0, 2]
    assert np.sort(found.areas_m2) == pytest.approx(np.sort(areas_m2(lands(*left))), abs=0.01)
    same = not_covered_by_any(wholes, parts)
    assert (same.owner.tolist(), same.areas_m2.tolist()) == (found.owner.tolist(), found.areas_m2.tolist())
    assert len(uncovered(wholes[:2], lands(wholes[0], wholes[1]), np.array([0, 1]))) == 0


def test_a_part_is_outside_of_its_own_whole_only() -> None:
    wholes = lands(tile(0, 0, 4, 4), tile(4, 0, 8, 4))
    parts = lands(tile(1, 1, 2, 2), tile(3, 1, 6, 3), tile(3, 1, 6, 3), tile(0, 0, 4, 4), tile(9, 0, 12, 4))
    found = outside(parts, wholes, np.array([0, 0, 1, 0, -1]))
    assert found.owner.tolist() == [1, 2]
    assert found.areas_m2 == areas_of(tile(4, 1, 6, 3), tile(3, 1, 4, 3))
    sharing, beyond = shared_and_outside(parts, wholes, np.array([0, 0, 1, 0, -1]))
    assert beyond.owner.tolist() == [1, 2] and beyond.areas_m2.tolist() == found.areas_m2.tolist()
    assert sharing.owner.tolist() == shared(parts).owner.tolist() == [[0, 3], [1, 2], [1, 3], [2, 3]]


@given(st.floats(0.3, 30), st.floats(40, 400))
def test_the_width_of_a_strip_is_told(width_m: float, length_m: float) -> None:
    """The mean width that twice the area over the perimeter gives: of a long strip nearly its own, whichever way it lies."""
    east, north = np.array([width_m, length_m]) / metres_per_degree(27.2)
    turned = np.array([length_m, width_m]) / metres_per_degree(27.2)
    strips = [shapely.box(111.7, 27.2, 111.7 + x, 27.2 + y) for x, y in ((east, north), turned)]
    found = shared(np.repeat(lands(*strips), 2))
    pairs = {tuple(pair): width for pair, width in zip(found.owner.tolist(), found.widths_m, strict=True)}
    expected = width_m * length_m / (width_m + length_m)
    assert [pairs[0, 1], pairs[2, 3]] == pytest.approx([expected] * 2, rel=0.005)


@pytest.mark.parametrize("latitude", [0.0, 27.2, 45.0, -33.0])
def test_places_are_measured_on_the_ellipsoid(latitude: float) -> None:
    for size in (1e-5, 1e-3, 0.02):
        piece = shapely.box(111.7, latitude, 111.7 + size, latitude + size)
        assert shared(lands(piece, piece)).areas_m2 == pytest.approx(areas_m2([piece]), rel=1e-6)


def test_dust_is_no_place() -> None:
    """From a thousandth of a square metre on."""
    scale = metres_per_degree(27.2)
    for width_m, places in ((0.0009, 0), (0.0011, 1)):  # by one metre
        east, north = np.array([width_m, 1.0]) / scale
        pair = lands(shapely.box(111.7, 27.2, 111.7 + east, 27.2 + north), shapely.box(111.69, 27.19, 111.72, 27.21))
        assert len(shared(pair)) == places
        grown = shapely.box(111.7, 27.2, 111.701 + east, 27.2 + north)
        assert differ(lands(grown), lands(shapely.box(111.7, 27.2, 111.701, 27.2 + north))).tolist() == [places == 1]


def test_of_several_neighbours_the_two_with_the_longest_borders_are_named() -> None:
    """A gap of 4 × 4 among polygons of two families; and one that nobody borders on."""
    gap = tile(0, 0, 4, 4)
    around = lands(
        tile(-4, 0, 0, 1),  # 1 along the gap
        tile(-4, 1, 0, 4),  # 3
        tile(0, 4, 4, 8),  # 4
        tile(4, 0, 8, 4),  # 4, of the other family
        tile(1, -4, 3, 0),  # 2
        tile(-4, -4, 0, 0),  # a corner only
    )
    family = np.array(["a", "a", "a", "b", "a", "a"], dtype=object)
    alone = tile(40, 0, 44, 4)
    for order in (np.arange(6), np.arange(6)[::-1], np.array([3, 1, 5, 0, 2, 4])):
        found = neighbours(
            lands(alone, gap, gap, gap), np.array(["a", "b", "a", "c"], dtype=object), around[order], family[order]
        )
        named = [[int(order[place]) if place >= 0 else -1 for place in pair] for pair in found]
        assert named == [[-1, -1], [3, -1], [2, 1], [-1, -1]]


def test_neighbours_of_the_same_length_are_named_by_their_place() -> None:
    around = lands(tile(4, 0, 8, 4), tile(-4, 0, 0, 4), tile(0, 4, 4, 8))
    kin = np.array(["a"] * 3, dtype=object)
    # North and south are of another length in degrees than east and west are.
    assert neighbours(lands(tile(0, 0, 4, 4)), kin[:1], around[:2], kin[:2]).tolist() == [[0, 1]]
    assert neighbours(lands(tile(0, 0, 4, 4)), kin[:1], around[1::-1], kin[:2]).tolist() == [[0, 1]]


def test_three_that_share_land_are_tiled_and_those_further_on_stay_as_they_are() -> None:
    over = lands(
        tile(0, 0, 4, 4), tile(3, 0, 8, 4), tile(2, 2, 6, 9), tile(-4, 0, 0, 4), tile(40, 0, 44, 4), tile(44, 0, 48, 4)
    )
    faulty = np.array([True, True, True, False, False, False])
    result = tiled(over, faulty)
    assert len(shared(result)) == 0
    assert not differ(lands(shapely.union_all(result)), lands(shapely.union_all(over))).any()
    assert [one.wkb for one in result[4:]] == [one.wkb for one in over[4:]]
    assert not differ(result[3:], over[3:]).any() and differ(result, over).sum() >= 2
    assert [one.wkb for one in tiled(over, np.zeros(6, dtype=bool))] == [one.wkb for one in over]
    assert shapely.covers(over[:3], shapely.buffer(result[:3], -1e-9)).all(), "none has got land that it had not"


def test_a_gap_stays_when_its_neighbours_are_mended() -> None:
    around = lands(
        tile(0, 0, 8, 3), tile(0, 3, 3, 8), tile(3, 5, 8, 8), tile(5, 2, 8, 5)
    )  # the last one lies over the first
    result = tiled(around, np.array([True, False, False, True]))
    assert len(shared(result)) == 0
    left = uncovered(lands(tile(0, 0, 8, 8)), result, np.zeros(4, dtype=np.int64))
    assert left.areas_m2 == areas_of(tile(3, 3, 5, 5))


def test_what_two_hold_goes_to_the_one_with_the_longer_border() -> None:
    over = lands(tile(0, 0, 4, 4), tile(3, 1, 8, 3))  # the shared land lies on three sides within the first
    result = tiled(over, np.array([True, True]))
    assert not differ(result, lands(over[0], tile(4, 1, 8, 3))).any()


def test_places_are_cut_from_the_polygons_that_they_are_named_for() -> None:
    polygons = lands(tile(0, 0, 10, 4), tile(0, 4, 10, 8), tile(0, 8, 10, 12))
    places = lands(tile(4, 0, 6, 4), tile(0, 0, 1, 4), tile(0, 7, 1, 9))
    result = cut(polygons, places, np.array([0, 0, 2]))
    expected = lands(
        shapely.union(tile(1, 0, 4, 4), tile(6, 0, 10, 4)), polygons[1], shapely.difference(polygons[2], places[2])
    )
    assert not differ(result, expected).any()
    assert [one.geom_type for one in result] == ["MultiPolygon", "Polygon", "Polygon"]
    whole = cut(polygons, lands(tile(-1, -1, 11, 5)), np.array([0]))
    assert whole[0].is_empty and not differ(whole[1:], polygons[1:]).any()


def test_holes_are_filled() -> None:
    ring = shapely.difference(tile(0, 0, 4, 4), tile(1, 1, 2, 2))
    both = shapely.MultiPolygon([ring, shapely.difference(tile(5, 0, 9, 4), tile(6, 1, 7, 2))])
    filled = without_holes(lands(ring, both, tile(0, 0, 1, 1)))
    expected = lands(tile(0, 0, 4, 4), shapely.MultiPolygon([tile(0, 0, 4, 4), tile(5, 0, 9, 4)]), tile(0, 0, 1, 1))
    assert not differ(filled, expected).any()


class Ground:
    """A made-up city of two towns, three villages, nine groups; all its cells are plots but every seventh."""

    def __init__(self) -> None:
        rng = np.random.default_rng(11)
        villages = divide(MESH, ONE, [3], rng)
        codes = sorted({code for group in GROUPS for code in chain_of(group)}, key=lambda code: (len(code), code))
        codes.sort(key=lambda code: LEVELS.index(level_of(code)))
        owner = np.array(GROUPS, dtype=object)[divide(MESH, villages, [3, 3, 3], rng)]
        shapes = [shapely.coverage_union_all(CELLS[[code in chain_of(one) for one in owner]]) for code in codes]
        self.units = gpd.GeoDataFrame(
            {"code": codes, "name": [f"单位{code}" for code in codes]}, geometry=shapes, crs=4490
        )
        chosen = np.flatnonzero(np.arange(len(CELLS)) % 7 != 0)
        self.plots = gpd.GeoDataFrame(
            {"unit_code": owner[chosen], "number": [f"P{n}" for n in chosen], "land_class": "0101", "soil": "loam"},
            geometry=CELLS[chosen],
            crs=4490,
        )
        self.chiefs = pd.DataFrame(
            {"code": [f"T{code}" for code in codes], "name": "田长", "unit_code": codes, "from_day": "2022-01-01"}
        )

    def unit(self, code: str) -> shapely.Polygon:
        return self.units.set_index("code").geometry[code]


GROUND = Ground()


@pytest.fixture
def ground(database: Database, tianzhang: Run, tmp_path: Path) -> Run:
    """The made-up city, imported; the command."""
    for noun, layer in (("units", GROUND.units), ("plots", GROUND.plots), ("baseline", GROUND.plots)):
        put(tianzhang, tmp_path, noun, layer, *(("--year", "2019") if noun == "baseline" else ()))
    GROUND.chiefs.to_csv(tmp_path / "chiefs.csv", index=False)
    assert tianzhang("import", "chiefs", "chiefs.csv").returncode == 0
    return tianzhang


def put(run: Run, folder: Path, noun: str, layer: gpd.GeoDataFrame, *options: str) -> None:
    layer.to_file(folder / f"new-{noun}.gpkg")
    done = run("import", noun, folder / f"new-{noun}.gpkg", *options)
    assert done.returncode == 0, done.stderr


def changed(layer: gpd.GeoDataFrame, key: str, shapes: dict[str, shapely.Geometry]) -> gpd.GeoDataFrame:
    """The rows of these keys with other polygons."""
    rows = layer[layer[key].isin(shapes)].copy()
    return rows.set_geometry([shapes[value] for value in rows[key]], crs=4490)


def check(run: Run, *options: str) -> dict[str, dict[str, object]]:
    """What the command finds by kind, where it finds anything; its exit status tells whether it did."""
    done = run("check", "coverage", "--on", "2022-04-26", "--json", *options)
    kinds = {row["kind"]: row for row in json.loads(done.stdout)["kinds"] if row["places"]}
    assert (done.returncode, done.stderr.count("Traceback")) == (bool(kinds), 0), done.stderr
    return kinds


def corner_between(*codes: str) -> NDArray[np.float64]:
    """A corner that all these units, and no others of their level, have; away from the city's border."""
    corners = [set(map(tuple, shapely.get_coordinates(GROUND.unit(code)))) for code in codes]
    level = level_of(codes[0])
    others = [
        set(map(tuple, shapely.get_coordinates(shape)))
        for code, shape in zip(GROUND.units["code"], GROUND.units.geometry, strict=True)
        if level_of(code) == level and code not in codes
    ]
    found = set.intersection(*corners).difference(*others, map(tuple, shapely.get_coordinates(GROUND.unit(CITY))))
    return np.array(sorted(found)[len(found) // 2])


def pushed(code: str, corner: NDArray[np.float64], metres: float) -> shapely.Polygon:
    """A unit's polygon with one corner pushed outwards (inwards, where metres are below 0)."""
    shape = GROUND.unit(code)
    best = None
    for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):
        step = np.array([np.cos(angle), np.sin(angle)]) * abs(metres) / 111_000

        def move(points: NDArray[np.float64], step: NDArray[np.float64] = step) -> NDArray[np.float64]:
            return np.where((points == corner).all(axis=1)[:, None], points + step, points)

        turned = shapely.transform(shape, move)
        if turned.is_valid and (best is None or (turned.area - best.area) * metres > 0):
            best = turned
    assert best is not None and (best.area - shape.area) * metres > 0
    return best


def test_a_city_without_faults_is_told_so(ground: Run) -> None:
    assert check(ground) == {}
    for unit in (TOWN, VILLAGE, GROUPS[0]):
        assert check(ground, "--unit", unit) == {}
    done = ground("check", "coverage", "--on", "2022-04-26", language="zh")
    assert done.returncode == 0 and "单位间空白" in done.stdout


@pytest.mark.parametrize("metres", [-30.0, 0.05])
def test_a_groups_corner_moved_is_found_and_the_proposal_mends_it(ground: Run, tmp_path: Path, metres: float) -> None:
    first, second = GROUPS[:2]
    shape = pushed(first, corner_between(first, second), metres)
    put(ground, tmp_path, "units", changed(GROUND.units, "code", {first: shape}))
    planted = areas_m2([shape ^ GROUND.unit(first)])[0]
    kinds = check(ground, "-o", "faults.gpkg", "--propose", "mended.gpkg")
    plots = {"plot_outside_unit"}  # a plot at that corner now sticks out of its group
    kind = "gap" if metres < 0 else "unit_overlap"
    assert set(kinds) - plots == {kind} and kinds[kind]["places"] == 1
    assert close(float(kinds[kind]["area_m2"]), planted)  # type: ignore[arg-type]
    row = gpd.read_file(tmp_path / "faults.gpkg").query("kind == @kind").iloc[0]
    assert {row["unit_code"], row["other_unit_code"]} == {first, second} and row["level"] == "group"
    assert areas_m2([row.geometry ^ (shape ^ GROUND.unit(first))])[0] < 0.01
    assert row["sliver"] == (abs(metres) < 1)

    proposal = gpd.read_file(tmp_path / "mended.gpkg")
    assert set(proposal["code"]) <= {first, second}
    assert proposal["change_m2"].sum() == pytest.approx(-np.sign(metres) * planted, abs=0.02)
    assert check(ground).keys() == kinds.keys()  # a proposal changes nothing
    done = ground("import", "units", "mended.gpkg")
    assert done.returncode == 0, done.stderr
    assert set(check(ground)) <= plots


def test_faults_of_upper_levels_are_mended_from_the_lowest(ground: Run, tmp_path: Path) -> None:
    """A town that took from its neighbour, and a village with a group too few: all four levels fit again afterwards."""
    other = "430582105000"
    town = GROUND.unit(TOWN) | CELLS[np.flatnonzero(shapely.touches(CELLS, GROUND.unit(TOWN)))[3]]
    gone = GROUND.unit(GROUPS[8])
    half = shapely.box(*shapely.bounds(gone)[:2], gone.centroid.x, shapely.bounds(gone)[3])
    put(ground, tmp_path, "units", changed(GROUND.units, "code", {TOWN: town, GROUPS[8]: gone - half}))
    kinds = check(ground, "--propose", "mended.gpkg")
    assert {"gap", "unit_overlap"} <= set(kinds)
    assert ground("import", "units", "mended.gpkg").returncode == 0
    assert set(check(ground)) <= {"plot_outside_unit"}
    proposal = gpd.read_file(tmp_path / "mended.gpkg").set_index("code")
    assert areas_m2([proposal.geometry[TOWN] ^ GROUND.unit(TOWN)])[0] < 0.01
    assert other not in proposal.index


def test_plots_that_overlap_or_leave_their_group_are_found_and_mended(
    ground: Run, database: Database, tmp_path: Path
) -> None:
    plots = GROUND.plots.set_index("number")
    numbers = plots.index.to_list()
    groups = plots.geometry.values
    over, under = next(
        (numbers[i], numbers[j])
        for i, j in zip(*shapely.STRtree(groups).query(groups, predicate="touches"), strict=True)
        if plots["unit_code"].iloc[i] != plots["unit_code"].iloc[j]
        and shapely.length(groups[i].intersection(groups[j])) > 0
    )
    grown = shapely.union(
        plots.geometry[over], shapely.box(*shapely.bounds(plots.geometry[over])) & plots.geometry[under]
    )
    grown = max(shapely.get_parts(grown), key=lambda part: part.area)
    put(ground, tmp_path, "plots", changed(GROUND.plots, "number", {over: grown}))
    planted = areas_m2([grown - plots.geometry[over]])[0]
    assert planted > 1
    kinds = check(ground, "-o", "faults.geojson", "--propose", "plots.gpkg", "--of", "plots")
    assert set(kinds) == {"plot_overlap", "plot_outside_unit"}
    for row in kinds.values():
        assert close(float(row["area_m2"]), planted)  # type: ignore[arg-type]
    faults = gpd.read_file(tmp_path / "faults.geojson").set_index("kind")
    pair = faults.loc["plot_overlap"]
    assert {pair["number"], pair["other_number"]} == {over, under}
    assert faults.loc["plot_outside_unit", "other_unit_code"] == plots["unit_code"][under]
    assert ground("import", "plots", "plots.gpkg").returncode == 0
    assert check(ground) == {}
    with database.reading() as session:
        extra = session.query(Plot.extra).where(Plot.number == over).one()[0]
    assert extra["soil"] == "loam"


def test_land_without_a_plot_and_those_without_each_other(ground: Run, database: Database) -> None:
    gone = GROUND.plots.iloc[5]
    with database.writing() as session:
        session.execute(delete(Plot).where(Plot.number == gone["number"]))
        session.execute(
            update(Appointment)
            .where(Appointment.unit_code == GROUPS[4])
            .values(to_day=pd.Timestamp("2022-03-31").date())
        )
    kinds = check(ground)
    assert set(kinds) == {"farmland_without_plot", "plot_without_chief"}
    bare = kinds["farmland_without_plot"]
    assert bare["places"] == 1 and bare["area_m2"] == pytest.approx(area_m2(gone.geometry), abs=0.01)
    assert bare["worst"][0]["unit_code"] == gone["unit_code"]  # type: ignore[index]
    alone = (GROUND.plots["unit_code"] == GROUPS[4]).sum()
    summary = json.loads(ground("summary", "--as-of", "2022-04-26", "--json").stdout)
    assert kinds["plot_without_chief"]["places"] == summary["plots_without_chief"] == alone
    assert kinds["plot_without_chief"]["worst"][0]["other_unit_code"] == GROUPS[4]  # type: ignore[index]
    assert check(ground, "--unit", GROUPS[8]) == {}


def test_chiefs_without_land(ground: Run, tmp_path: Path) -> None:
    empty = f"{VILLAGE}09"
    pd.DataFrame({"code": [empty], "name": ["第9组"]}).to_csv(tmp_path / "units.csv", index=False)
    rows = [
        ("E1", empty, "2022-01-01", ""),  # its unit has nothing
        ("E2", GROUPS[0], "2023-01-01", ""),  # waits
        ("E3", GROUPS[0], "2021-01-01", "2021-12-31"),  # has left
        ("E4", empty, "2022-01-01", ""),  # has land elsewhere
        ("E4", GROUPS[0], "2022-01-01", ""),
    ]
    roster = pd.DataFrame(rows, columns=["code", "unit_code", "from_day", "to_day"]).assign(name="田长")
    roster.to_csv(tmp_path / "more.csv", index=False)
    for noun, file in (("units", "units.csv"), ("chiefs", "more.csv")):
        assert ground("import", noun, file).returncode == 0
    kinds = check(ground, "-o", "faults.xlsx")
    assert set(kinds) == {"chief_without_land"}
    assert [row["number"] for row in kinds["chief_without_land"]["worst"]] == ["E1", "E2"]  # type: ignore[attr-defined]
    assert len(pd.read_excel(tmp_path / "faults.xlsx")) == 2
