"""A plot is replaced only by a row that is imported: of a row that is refused the plot stays, and its land is taken."""

import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from conftest import VILLAGE, Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session
from test_land_twice import FABRIC, Polygons, layer, moved, numbered, sum_of, told

from farmland.imports.files import import_source
from farmland.imports.rows.land_twice import FILE_IS_THERE
from farmland.imports.rows.outcome import Options
from farmland.imports.rows.source import open_source
from farmland.land.plots import Plot
from farmland.records.database import Database
from geodata.area import areas_m2
from geodata.overlaps import overlaps
from geodata.problems import Problem


def held(session: Session) -> dict[str, float]:
    return {number: area for number, area in session.execute(select(Plot.number, Plot.area_m2))}


def test_a_row_refused_for_its_number_leaves_its_plot_in_the_way_of_others(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    assert told(tianzhang, layer(FABRIC[[3]], ["A"], tmp_path))[0] == 0
    path = layer(FABRIC[[40, 3]], ["A", "B"], tmp_path)
    for words in ((), ("--skip-bad",)):
        status, said = told(tianzhang, path, *words)
        assert status == (not words) and "2 bad" in said and "0 new, 0 changed" in said
        assert f"“{VILLAGE}/A” is the number of other land" in said
        assert f"It is plot {VILLAGE}/A (here already) once more: they agree to 100%" in said
    assert "1 new, 1 changed" in told(tianzhang, path, "--allow-moved")[1]


@pytest.mark.parametrize("growth", [0.99, 1.0, 1.01, 1.1])
def test_exchanged_numbers_of_neighbours_are_refused_also_where_they_touch(
    tianzhang: Run, small_city: Database, tmp_path: Path, growth: float
) -> None:
    """Pairs of neighbours with each other's numbers, drawn a little smaller or larger, and moved by 14 cm."""
    cells = FABRIC[:40]
    assert told(tianzhang, layer(cells, numbered("P", 40), tmp_path))[0] == 0
    exchanged = np.arange(40).reshape(-1, 2)[:, ::-1].ravel()
    drawn = moved(gpd.GeoSeries(cells[exchanged]).scale(growth, growth).to_numpy(), 0.1, 0.1)
    status, said = told(tianzhang, layer(drawn, numbered("P", 40), tmp_path), "--skip-bad")
    assert status == 0 and "0 new, 0 changed, 0 unchanged" in said and "40 bad" in said
    assert said.count("is the number of other land") == 40
    assert ("shares" in said) == (growth >= 1)
    with small_city.reading() as session:
        assert sum_of(session) == pytest.approx(float(areas_m2(cells).sum()), abs=0.2)


@pytest.mark.parametrize(("share", "refused"), [(0.4, True), (0.49, True), (0.51, False), (0.8, False)])
def test_a_known_number_needs_half_of_the_smaller_polygon(
    tianzhang: Run, small_city: Database, tmp_path: Path, share: float, refused: bool
) -> None:
    square = gpd.GeoSeries.from_wkt(
        ["POLYGON ((111.702 27.232, 111.703 27.232, 111.703 27.233, 111.702 27.233, 111.702 27.232))"]
    )
    assert told(tianzhang, layer(square.to_numpy(), ["1"], tmp_path))[0] == 0
    small = square.scale(0.5, 0.5, origin=(111.702, 27.232)).translate(0.0005 + 0.0005 * (1 - share), 0)
    status, said = told(tianzhang, layer(small.to_numpy(), ["1"], tmp_path))
    assert status == refused and (f"shares {share:.1%} only" in said) == refused


def test_of_numbers_shifted_by_one_none_is_imported_where_the_last_cannot_be(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    """Each row has the polygon of the next plot. The last is bad, so its plot stays, and the row before is that plot again,
    so its plot stays too, and so on to the first."""
    assert told(tianzhang, layer(FABRIC[:12], numbered("P", 12), tmp_path))[0] == 0
    path = layer(np.roll(FABRIC[:12], -1), numbered("P", 12), tmp_path)
    assert "12 changed" in told(tianzhang, path, "--allow-moved", "--dry-run")[1]
    rows = gpd.read_file(path)
    rows.loc[11, "land_class"] = "999"
    rows.to_file(path)
    status, said = told(tianzhang, path, "--allow-moved", "--skip-bad")
    assert status == 0 and "0 new, 0 changed, 0 unchanged" in said and "12 bad" in said
    assert said.count("(here already) once more") == 11


def fabric_there(session: Session, folder: Path) -> None:
    path = layer(FABRIC[:20], numbered("P", 20), folder, "there")
    import_source(session, "plots", open_source(path, Options(), "plots", None), Options())


CELLS = st.lists(st.integers(0, 24), min_size=1, max_size=20, unique=True)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    CELLS,
    st.permutations(range(30)),
    st.sampled_from([0.0, 0.14, 3.0]),
    st.booleans(),
    st.sets(st.integers(0, 19), max_size=3),
)
def test_after_an_import_no_land_is_there_twice_whatever_the_numbers(
    small_city: Database, cells: list[int], numbers: list[int], by_m: float, allow_moved: bool, bad: set[int]
) -> None:
    """Of a fabric that is there, any cells come again under any numbers, moved or not, some in rows that are bad: after the
    rows that are good, no plot has half of its land in others, and what is told as shared is what is there twice."""
    options = Options(skip_bad=True, allow_moved=allow_moved)
    with tempfile.TemporaryDirectory() as folder, small_city.writing() as session:
        fabric_there(session, Path(folder))
        before = held(session)
        drawn: Polygons = moved(FABRIC[cells], by_m, by_m)
        path = layer(drawn, [f"P{n}" for n in numbers[: len(cells)]], Path(folder))
        rows = gpd.read_file(path)
        rows.loc[[i for i in bad if i < len(rows)], "land_class"] = "999"
        rows.to_file(path)
        try:
            added = import_source(session, "plots", open_source(path, options, "plots", None), options).added
        except Problem as problem:
            assert problem.kind is FILE_IS_THERE
            added = 0
        session.expire_all()
        after = session.scalars(select(Plot)).all()
        pairs, land = overlaps(np.array([plot.geometry for plot in after], dtype=object), 0.01)
        areas = np.array([plot.area_m2 for plot in after])
        shared = areas_m2(land)
        for side in pairs.T:
            taken = np.bincount(side, shared, len(areas))
            assert (taken <= 0.5 * areas + 0.01).all()
        assert len(after) == len(before) + added
        session.rollback()
