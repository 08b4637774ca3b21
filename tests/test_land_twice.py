"""Land that is there twice is found, whatever the pattern: among polygons, plots, units and accepted net areas."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from conftest import CITY, SQUARES, START, TOWN, VILLAGE, Run
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Transformer
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from farmland.audit.coverage import Fault, check_coverage
from farmland.keeping.consistency import COUNTED_TWICE, inconsistencies
from farmland.land.plots import Plot
from farmland.records.database import Database, table_of
from farmland.restoration.claims import Claim, State, Step
from farmland.restoration.net_area import Stage
from geodata.area import areas_m2
from geodata.column import write
from geodata.coverage import shared
from geodata.mesh import mesh
from geodata.overlaps import overlaps, overlaps_with
from geodata.scale import metres_per_degree

OUTLINE = shapely.box(111.701, 27.231, 111.721, 27.251)
FABRIC = mesh(OUTLINE, 120, 130, np.random.default_rng(3)).cells
PIECES = mesh(OUTLINE, 110, 140, np.random.default_rng(4)).cells  # the same land, drawn anew
Polygons = NDArray[np.object_]


def moved(polygons: Polygons, east_m: float, north_m: float) -> Polygons:
    step = np.array([east_m, north_m]) / metres_per_degree(27.235)
    return np.asarray(shapely.transform(polygons, lambda points: points + step), dtype=object)


def holed(polygons: Polygons) -> Polygons:
    """Each with a hole in its middle, and that hole's land as a polygon of its own with a tenth more around."""
    cores = np.array([shapely.affinity.scale(one, 0.3, 0.3) for one in polygons], dtype=object)
    fillings = np.array([shapely.affinity.scale(one, 1.1, 1.1) for one in cores], dtype=object)
    return np.concatenate([shapely.difference(polygons, cores), fillings])


def in_twos(polygons: Polygons) -> Polygons:
    """Multipolygons of two that lie apart."""
    half = len(polygons) // 2
    return np.array([shapely.union(a, b) for a, b in zip(polygons[:half], polygons[half:], strict=False)], dtype=object)


def slivers(polygons: Polygons, width_m: float) -> Polygons:
    """Strips along the polygons' edges."""
    return np.asarray(shapely.buffer(shapely.boundary(polygons), width_m / 111_000, cap_style="flat"), dtype=object)


SHIFT = st.floats(np.log(0.001), np.log(5.0)).map(np.exp)
PATTERNS: dict[str, Callable[[Polygons, float, float], Polygons]] = {
    "shared borders": lambda cells, by, turn: cells,
    "a copy moved": lambda cells, by, turn: np.append(cells, moved(cells, by * np.cos(turn), by * np.sin(turn))),
    "the same twice": lambda cells, by, turn: np.append(cells, cells),
    "drawn anew": lambda cells, by, turn: np.append(cells, PIECES[:60:2]),
    "outlines over them": lambda cells, by, turn: np.append(
        cells, [shapely.box(*shapely.total_bounds(cells[i : i + 9])) for i in range(0, len(cells), 9)]
    ),
    "holes": lambda cells, by, turn: holed(cells),
    "multipolygons": lambda cells, by, turn: np.append(in_twos(cells), moved(cells, by, by)),
    "slivers": lambda cells, by, turn: np.append(cells, slivers(cells[::3], by)),
}


_TO_EQUAL_AREA = Transformer.from_crs(4490, "+proj=cea +lat_ts=27 +ellps=GRS80", always_xy=True)


def equal_area(polygons: Polygons) -> NDArray[np.float64]:
    """Areas in a cylindrical equal-area projection, m²."""
    fine = shapely.segmentize(polygons, 1e-4)  # straight lines in degrees are none there
    flat = shapely.transform(fine, lambda points: np.column_stack(_TO_EQUAL_AREA.transform(*points.T)))
    return np.asarray(shapely.area(flat))


def every_pair(polygons: Polygons, others: Polygons, least_m2: float = 1e-3) -> dict[tuple[int, int], float]:
    """What each two share of those whose boxes meet, one pair after the other; m²"""
    found = {}
    tree = shapely.STRtree(others)
    for i, polygon in enumerate(polygons):
        for j in tree.query(polygon).tolist():
            area = float(equal_area(np.array([shapely.intersection(polygon, others[j])]))[0])
            if area >= least_m2:
                found[i, j] = area
    return found


@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=8)
@given(SHIFT, st.floats(0, 2 * np.pi), st.randoms(use_true_random=False))
def test_every_pair_that_shares_land_is_found(pattern: str, by: float, turn: float, order: object) -> None:
    polygons = PATTERNS[pattern](FABRIC[:60], by, turn)
    places = list(range(len(polygons)))
    order.shuffle(places)  # type: ignore[attr-defined]
    polygons = polygons[places]
    expected = {pair: area for pair, area in every_pair(polygons, polygons).items() if pair[0] < pair[1]}
    told = {pair: area for pair, area in expected.items() if area >= 0.01}
    assert bool(expected) == (pattern != "shared borders")
    pairs, land = overlaps(polygons)
    assert list(map(tuple, pairs.tolist())) == sorted(told)
    assert dict(zip(map(tuple, pairs.tolist()), equal_area(land).tolist(), strict=True)) == pytest.approx(
        told, abs=1e-6
    )
    assert shared(polygons).areas_m2.sum() == pytest.approx(sum(expected.values()), rel=1e-7, abs=0.02)

    half = len(polygons) // 2
    pairs, land = overlaps_with(polygons[:half], polygons[half:])
    expected = every_pair(polygons[:half], polygons[half:], 0.01)
    assert list(map(tuple, pairs.tolist())) == sorted(expected)
    assert equal_area(land).sum() == pytest.approx(sum(expected.values()))


def test_a_row_that_only_touches_shares_nothing() -> None:
    assert len(overlaps(FABRIC)[0]) == 0
    assert overlaps(np.array([], dtype=object))[0].shape == (0, 2)
    assert overlaps_with(FABRIC[:3], np.array([], dtype=object))[0].shape == (0, 2)


def layer(polygons: Polygons, numbers: list[str], folder: Path, name: str = "plots") -> Path:
    columns = {"unit_code": VILLAGE, "number": numbers, "land_class": "0101"}
    gpd.GeoDataFrame(columns, geometry=polygons, crs=4490).to_file(folder / f"{name}.gpkg")
    return folder / f"{name}.gpkg"


def numbered(letter: str, count: int) -> list[str]:
    return [f"{letter}{n}" for n in range(count)]


def told(run: Run, *words: object) -> tuple[int, str]:
    done = run("import", "plots", *words)
    assert "Traceback" not in done.stderr
    return done.returncode, " ".join((done.stdout + done.stderr).replace("│", " ").split())


def sum_of(session: Session) -> float:
    return float(np.sum(session.scalars(select(Plot.area_m2)).all()))


def test_a_fabric_that_is_there_moved_by_centimetres_is_refused_as_a_whole(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    first = layer(FABRIC, numbered("F", len(FABRIC)), tmp_path, "first")
    second = moved(FABRIC, 0.085, 0.085)
    copy = layer(second, numbered("G", len(FABRIC)), tmp_path, "second")
    twice = sum(every_pair(second, FABRIC).values())
    assert told(tianzhang, first)[0] == 0
    for words in ((), ("--dry-run",), ("--skip-bad",)):
        status, said = told(tianzhang, copy, *words)
        assert status == 1
        assert f"{len(FABRIC)} of its {len(FABRIC)} polygons" in said and "moved 0.12 m to the north-east" in said
        assert f"{twice:,.2f} m² would count twice" in said
    with small_city.reading() as session:
        assert len(session.scalars(select(Plot.id)).all()) == len(FABRIC)

    status, said = told(tianzhang, copy, "--allow-overlaps")
    assert status == 0 and f"{len(every_pair(second, FABRIC))} pairs, {twice:,.2f} m²" in said
    with small_city.reading() as session:
        faults = check_coverage(session, TOWN, START.date())
    found = faults[faults["kind"] == Fault.PLOT_OVERLAP]
    assert found["area_m2"].sum() == pytest.approx(twice, abs=1)
    assert told(tianzhang, copy, "--allow-overlaps")[1].count(f"{len(FABRIC)} unchanged") == 1
    assert told(tianzhang, copy)[1].count(f"{len(FABRIC)} unchanged") == 0


def test_a_fabric_that_a_file_has_twice_is_told_row_by_row(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    cells = FABRIC[:20]
    second = moved(cells, -0.5, 0)
    path = layer(np.append(cells, second), numbered("F", 40), tmp_path)
    status, said = told(tianzhang, path)
    assert status == 1 and "20 bad" in said and "moved 0.50 m to the west" in said
    assert "row 1 of this file once more" in said
    both = np.append(cells, second)
    assert f"{sum(a for (i, j), a in every_pair(both, both).items() if i < j):,.2f} m² in all" in said
    assert "20 new" in told(tianzhang, path, "--skip-bad")[1]
    with small_city.reading() as session:
        assert sum_of(session) == pytest.approx(areas_m2(cells).sum(), abs=0.2)


def test_plots_that_are_moved_unlike_are_told_row_by_row(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    cells = FABRIC[:20]
    again = np.concatenate([moved(cells[:10], 1.0, 0), moved(cells[10:], 0.6, 0)])
    assert told(tianzhang, layer(cells, numbered("F", 20), tmp_path, "first"))[0] == 0
    status, said = told(tianzhang, layer(again, numbered("G", 20), tmp_path, "again"))
    assert status == 1 and "20 bad" in said and "of its 20 polygons" not in said
    assert "moved 1.00 m to the east" in said and "moved 0.60 m to the east" in said


@pytest.mark.parametrize("here_before", [True, False])
def test_the_same_polygon_under_another_number_is_refused(
    tianzhang: Run, small_city: Database, tmp_path: Path, here_before: bool
) -> None:
    first, second = FABRIC[[3]], np.asarray(shapely.reverse(FABRIC[[3]]), dtype=object)
    if here_before:
        assert told(tianzhang, layer(first, ["1"], tmp_path))[0] == 0
        path, where = layer(second, ["2"], tmp_path), f"plot {VILLAGE}/1 (here already)"
    else:
        path, where = layer(np.append(first, second), ["1", "2"], tmp_path), "row 1 of this file"
    status, said = told(tianzhang, path)
    assert status == 1 and f"It is {where} once more" in said and "moved" not in said
    assert "1 new" in told(tianzhang, path, "--allow-overlaps")[1] or not here_before


def test_parts_of_a_plot_that_stays_are_refused_and_a_part_under_its_number_is_not(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    whole = shapely.box(111.702, 27.232, 111.704, 27.233)
    west, east = shapely.box(111.702, 27.232, 111.703, 27.233), shapely.box(111.703, 27.232, 111.704, 27.233)
    assert told(tianzhang, layer(np.array([whole]), ["C1"], tmp_path))[0] == 0
    status, said = told(tianzhang, layer(np.array([west, east]), ["C2", "C3"], tmp_path))
    assert status == 1 and said.count(f"lies in plot {VILLAGE}/C1 (here already)") == 2 and "2 bad" in said
    status, said = told(tianzhang, layer(np.array([west, east]), ["C1", "C3"], tmp_path))
    assert status == 0 and "1 new, 1 changed" in said
    with small_city.reading() as session:
        assert sum_of(session) == pytest.approx(areas_m2([whole])[0], abs=0.02)


@pytest.mark.parametrize("outline_first", [True, False])
@pytest.mark.parametrize("here_before", [True, False])
def test_an_outline_over_plots_is_refused(
    tianzhang: Run, small_city: Database, tmp_path: Path, here_before: bool, outline_first: bool
) -> None:
    outline, cells = np.array([shapely.union_all(FABRIC[:12])]), FABRIC[:12]
    parts = [(outline, ["O"]), (cells, numbered("P", 12))]
    if not outline_first:
        parts.reverse()
    if here_before:
        assert told(tianzhang, layer(*parts[0], tmp_path))[0] == 0
        path = layer(*parts[1], tmp_path)
    else:
        path = layer(np.concatenate([parts[0][0], parts[1][0]]), parts[0][1] + parts[1][1], tmp_path)
    status, said = told(tianzhang, path)
    assert status == 1
    if outline_first:
        assert said.count("lies in") == 12 and "12 bad" in said
    else:
        assert "belongs to 12 plots already" in said and "1 bad" in said


def test_a_small_plot_under_a_larger_one_that_comes_later_in_the_file_is_refused(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    small, large = shapely.box(111.7021, 27.2321, 111.7022, 27.2322), shapely.box(111.702, 27.232, 111.704, 27.234)
    status, said = told(tianzhang, layer(np.array([small, large]), ["1", "2"], tmp_path))
    assert status == 1 and "lies in row 2 of this file" in said and "1 bad" in said


def test_what_shares_less_than_half_is_imported_and_told(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    first, second = shapely.box(111.702, 27.232, 111.703, 27.233), shapely.box(111.70251, 27.232, 111.70351, 27.233)
    assert told(tianzhang, layer(np.array([first]), ["1"], tmp_path))[0] == 0
    share = equal_area(np.array([first & second]))[0]
    status, said = told(tianzhang, layer(np.array([second]), ["2"], tmp_path))
    assert status == 0 and f"Overlaps plot {VILLAGE}/1 (here already) by {share:,.2f} m²" in said
    again = tianzhang("import", "plots", tmp_path / "plots.gpkg", language="zh")
    assert again.returncode == 0 and f"共 {share:,.2f} m²" in again.stdout
    third = shapely.box(111.70249, 27.2331, 111.70349, 27.2321)
    assert told(tianzhang, layer(np.array([third]), ["3"], tmp_path))[0] == 1


def test_a_row_that_is_bad_otherwise_takes_no_land_from_others(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    columns = {"unit_code": VILLAGE, "number": ["1", "2"], "land_class": ["999", "0101"]}
    gpd.GeoDataFrame(columns, geometry=FABRIC[[0, 0]], crs=4490).to_file(tmp_path / "plots.gpkg")
    status, said = told(tianzhang, tmp_path / "plots.gpkg", "--skip-bad")
    assert status == 0 and "1 new" in said and "1 bad" in said


@pytest.mark.parametrize("noun", ["plots", "baseline", "designations", "units"])
def test_a_known_number_on_other_land_is_refused(
    tianzhang: Run, small_city: Database, tmp_path: Path, noun: str
) -> None:
    here = np.array([shapely.box(111.702, 27.232, 111.703, 27.233)])
    beside = np.array([shapely.box(111.703, 27.232, 111.704, 27.233)])
    redrawn = np.array([shapely.box(111.7024, 27.232, 111.7035, 27.233)])
    if noun == "units":
        columns = {"code": [f"{VILLAGE}07"], "name": ["七组"]}
    else:
        columns = {"unit_code": [VILLAGE], "number": ["7"], "land_class": ["0101"], "kind": ["red_line"]}

    def brought(polygons: Polygons, *words: str) -> tuple[int, str]:
        gpd.GeoDataFrame(columns, geometry=polygons, crs=4490).to_file(tmp_path / "new.gpkg")
        year = ("--year", "2019") if noun == "baseline" else ()
        done = tianzhang("import", noun, "new.gpkg", *year, *words)
        return done.returncode, " ".join((done.stdout + done.stderr).replace("│", " ").split())

    assert "1 new" in brought(here)[1]
    for words in ((), ("--skip-bad",)):
        status, said = brought(beside, *words)
        assert (status, "1 bad" in said, "0 changed, 0 unchanged" in said) == (not words, True, True), said
        assert "is the number of other land" in said and "99 m away, of which this polygon has nothing" in said
    assert "1 unchanged" in brought(here)[1]
    assert "1 changed" in brought(redrawn)[1]
    assert "1 bad" in brought(np.array([shapely.box(111.706, 27.232, 111.707, 27.233)]))[1]
    assert "1 changed" in brought(np.array([shapely.box(111.706, 27.232, 111.707, 27.233)]), "--allow-moved")[1]


def test_units_that_lie_over_a_fabric_of_others_are_told(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    """Groups that tile a village, and one more that lies over the middle of them: every border it has meets another's."""
    x, y = np.linspace(111.702, 111.708, 4), np.linspace(27.232, 27.238, 4)
    tiles = [shapely.box(x[i], y[j], x[i + 1], y[j + 1]) for j in range(3) for i in range(3)]
    shapes = [*tiles, tiles[4]]
    columns = {"code": [f"{VILLAGE}{n:02d}" for n in range(1, 11)], "name": [f"{n}组" for n in range(1, 11)]}
    gpd.GeoDataFrame(columns, geometry=shapes, crs=4490).to_file(tmp_path / "groups.gpkg")
    assert tianzhang("import", "units", "groups.gpkg").returncode == 0
    with small_city.reading() as session:
        faults = check_coverage(session, CITY, START.date())
    found = faults[(faults["kind"] == Fault.UNIT_OVERLAP) & (faults["level"] == "group")]
    assert len(found) == 1 and {*found["unit_code"], *found["other_unit_code"]} == {f"{VILLAGE}05", f"{VILLAGE}10"}
    assert found["area_m2"].sum() == pytest.approx(areas_m2([tiles[4]])[0], abs=0.01)


def force_accepted(session: Session, polygons: Polygons) -> None:
    """Claims with these accepted net areas, written into the tables past every rule."""
    count, first = len(polygons), 1 + max(session.scalars(select(Claim.id)), default=0)
    ids, areas = list(range(first, first + count)), areas_m2(polygons).round(2).tolist()
    same = {
        "target_code": "2022", "unit_code": VILLAGE, "source_kind": "other", "former_use": "", "crop": "",
        "ridge_factor": 0.0, "method": "file", "fingerprint": "f",
    }  # fmt: skip
    columns = {name: [value] * count for name, value in same.items()}
    columns |= {"id": ids, "number": [f"X{n}" for n in ids], "gross_m2": areas}
    for stage in Stage:
        columns |= {f"{stage}_net": list(polygons), f"{stage}_net_m2": areas}
    if "imported" in table_of(Claim).columns:
        columns["imported"] = [True] * count
    write(session.connection(), table_of(Claim), columns, polygons, new=True)
    steps = [
        {"claim_id": claim, "state": state, "at": START, "recorded_at": START, "by": "x", "why": ""}
        for claim in ids
        for state in (State.REPORTED, State.CHECKED, State.ACCEPTED)
    ]
    session.execute(insert(Step), steps)


def counted_twice(session: Session) -> list[float]:
    found = [problem for _, problem in inconsistencies(session) if problem.code == COUNTED_TWICE.code]
    return [float(str(problem.facts["area_m2"])) for problem in found]


def test_accepted_land_that_is_there_twice_is_found_whatever_the_pattern(small_city: Database) -> None:
    cells = FABRIC[:40]
    assert shapely.covers(SQUARES[VILLAGE], OUTLINE)
    with small_city.writing() as session:
        force_accepted(session, cells)
        assert counted_twice(session) == []
        for more in (moved(cells, 0.085, 0.085), PIECES[:30]):
            with session.begin_nested() as savepoint:
                force_accepted(session, more)
                expected = every_pair(cells, more, 0.01)
                found = counted_twice(session)
                assert len(found) == len(expected)
                assert sum(found) == pytest.approx(sum(expected.values()), rel=1e-8)
                savepoint.rollback()
        session.rollback()
