"""Imports through the command: real files as they are, and bad input that is refused in one sentence. Both databases."""

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pytest
import shapely
from conftest import SQUARES, VILLAGE, Run
from sqlalchemy import select

from farmland.imports.files import import_file
from farmland.imports.rows.outcome import Options
from farmland.keeping.tables import Plot
from farmland.records.database import Database
from geodata.area import area_m2, areas_m2

DATA = Path(__file__).parent / "data"
UNITS = "code,name\n430582000000,邵东市\n430582104000,仙槎桥镇\n430582104203,清江村\n"
SAMPLES = sorted(p for p in (DATA / "lpis_samples").rglob("*") if p.is_file() and p.suffix != ".csv")


@pytest.fixture
def city(tianzhang: Run, database: Database, tmp_path: Path) -> Run:
    """A database with three units that have no polygons, so that land anywhere can be put in them."""
    (tmp_path / "units.csv").write_text(UNITS, "utf-8")
    assert import_file(database, "units", tmp_path / "units.csv", Options()).written
    return tianzhang


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name + "/" + path.name[:12])
def test_real_files_are_imported_as_they_are(city: Run, path: Path) -> None:
    arguments = ("import", "plots", path, "--unit", VILLAGE, "--set", "land_class=0103", "--skip-bad")
    done = city(*arguments)
    assert done.returncode == 0, done.stderr
    assert "100 rows: " in done.stdout
    new, bad = _count(done.stdout, "new"), _count(done.stdout, "bad")
    assert new + bad == 100 and new >= 95
    again = city(*arguments)
    assert _count(again.stdout, "new") == 0 and _count(again.stdout, "unchanged") == new


def test_dutch_plots_keep_their_holes_and_their_area(city: Run, tmp_path: Path) -> None:
    path = DATA / "nl_brp_2020" / "fields.shp"
    done = city("import", "plots", path, "--unit", VILLAGE, "--set", "land_class=0103", "--skip-bad")
    assert _count(done.stdout, "new") + _count(done.stdout, "bad") == 4872, done.stdout
    assert _count(done.stdout, "bad") == 0
    assert city("export", "plots", "-o", "out.gpkg").returncode == 0
    out = gpd.read_file(tmp_path / "out.gpkg")
    assert shapely.get_num_interior_rings(shapely.get_parts(out.geometry.to_numpy())).sum() == 341
    from pyproj import Geod

    source = gpd.read_file(path).to_crs(4326).geometry
    geod = Geod(a=6378137, rf=298.257222101)
    exact = sum(abs(geod.geometry_area_perimeter(shapely.orient_polygons(one))[0]) for one in source)
    assert areas_m2(out.geometry.to_numpy()).sum() == pytest.approx(exact, rel=1e-9)
    assert out["area_m2"].sum() == pytest.approx(exact, rel=1e-8)  # stored to 0.01 m² each


@pytest.mark.parametrize(("layer", "count"), [("landuse", 4689), ("buildings", 14035)])
def test_openstreetmap_as_a_baseline(city: Run, layer: str, count: int) -> None:
    arguments = ["import", "baseline", DATA / "liechtenstein_osm.gpkg", "--layer", layer, "--year", "2019"]
    arguments += ["--set", "land_class=1201", "--map", "number=osm_way_id"]
    done = city(*arguments, "--skip-bad")
    assert done.returncode == 0, done.stderr
    assert _count(done.stdout, "new") + _count(done.stdout, "bad") == count


@pytest.mark.parametrize("name", ["shaoyang_counties_epsg4546_gbk.shp", "shaoyang_counties_epsg4490_utf8.shp"])
def test_counties_in_both_encodings_are_units(tianzhang: Run, database: Database, tmp_path: Path, name: str) -> None:
    done = tianzhang("import", "units", DATA / "crs_encoding" / name)
    assert done.returncode == 0, done.stderr
    assert _count(done.stdout, "new") == 12
    assert tianzhang("export", "progress", "--unit", "430582000000", "-o", "p.csv").returncode == 0
    assert "邵东市" in (tmp_path / "p.csv").read_text("utf-8-sig")


def test_a_turned_and_reversed_ring_is_the_same_plot(city: Run, tmp_path: Path) -> None:
    ring = shapely.get_coordinates(shapely.box(111.71, 27.25, 111.712, 27.252))[:-1]
    for name, turned in (("a", ring), ("b", np.roll(ring, 2, axis=0)[::-1])):
        frame = gpd.GeoDataFrame({"DLBM": ["0101"]}, geometry=[shapely.Polygon(turned)], crs=4490)
        frame.to_file(tmp_path / f"{name}.gpkg")
    assert "1 new" in city("import", "plots", "a.gpkg", "--unit", VILLAGE).stdout
    assert "0 new, 0 changed, 1 unchanged" in city("import", "plots", "b.gpkg", "--unit", VILLAGE).stdout


def _count(text: str, what: str) -> int:
    words = text.replace(".", "").replace(",", "").split()
    return int(words[words.index(what) - 1])


def _counties(folder: Path, *endings: str) -> Path:
    for path in (DATA / "crs_encoding").glob("shaoyang_counties_epsg4546_gbk.*"):
        if path.suffix in endings:
            shutil.copy(path, folder / f"c{path.suffix}")
    return folder / "c.shp"


def _plot(folder: Path, geometry: object, crs: int = 4490) -> Path:
    frame = gpd.GeoDataFrame({"DLBM": ["0101"], "TBBH": ["1"]}, geometry=[geometry], crs=crs)
    frame.to_file(folder / "plot.gpkg")
    return folder / "plot.gpkg"


BAD = {
    "no .prj": ("crs_missing", lambda f: ("units", _counties(f, ".shp", ".shx", ".dbf", ".cpg"))),
    "no .dbf": ("shapefile_part_missing", lambda f: ("units", _counties(f, ".shp", ".shx", ".prj"))),
    "bow-tie": (
        "crosses_itself",
        lambda f: (
            "plots",
            _plot(f, shapely.from_wkt("POLYGON((111.71 27.25,111.72 27.26,111.72 27.25,111.71 27.26,111.71 27.25))")),
        ),
    ),
    "empty geometry": ("empty_geometry", lambda f: ("plots", _plot(f, shapely.Polygon()))),
    "Null Island": ("null_island", lambda f: ("plots", _plot(f, shapely.box(0, 0, 0.001, 0.001)))),
    "swapped": ("wrong_position", lambda f: ("plots", _plot(f, shapely.box(27.25, 11.71, 27.26, 11.72)))),
    "wrong zone": (
        "wrong_position",
        lambda f: ("plots", _plot(f, shapely.box(573000, 3016000, 573100, 3016100), 4547)),
    ),
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("case", BAD)
def test_bad_geography_is_refused_in_words(
    tianzhang: Run, small_city: Database, tmp_path: Path, case: str, language: str
) -> None:
    _, make = BAD[case]
    noun, path = make(tmp_path)
    done = (
        tianzhang("import", noun, path, "--set", f"unit_code={VILLAGE}", language=language)
        if noun == "plots"
        else (tianzhang("import", noun, path, language=language))
    )
    assert done.returncode == 1
    said = done.stderr
    assert "Traceback" not in said and said.strip()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said) == (language == "zh"), said
    if case in ("swapped", "wrong zone"):
        assert "EPSG:4546" in said or case == "swapped"


def _excel(folder: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["target_code", "unit_code", None, "area_mu"])
    sheet.merge_cells("B1:C1")
    sheet.append(["2022", VILLAGE, "", 5])
    book.save(folder / "t.xlsx")
    return folder / "t.xlsx"


def _csv(folder: Path, row: str) -> Path:
    header = "target_code,unit_code,area_mu,start_day,due_day\n"
    (folder / "t.csv").write_text(header + row + "\n", "utf-8")
    return folder / "t.csv"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: _csv(f, "T,430582999999,5,2022-01-01,2022-06-30"), "430582999999"),
        (lambda f: _csv(f, f"T,{VILLAGE},-5,2022-01-01,2022-06-30"), "-5"),
        (lambda f: _csv(f, f"T,{VILLAGE},5,1970-01-01,2022-06-30"), "1970"),
        (lambda f: _csv(f, f"T,{VILLAGE},5,2022-07-01,2022-06-30"), "2022-07-01"),
        (_excel, "B1:C1"),
        (lambda f: (f / "t.csv").touch() or f / "t.csv", "0 bytes"),
        (lambda f: f / "missing.csv", "missing.csv"),
    ],
)
def test_bad_tables_are_refused_in_words(
    tianzhang: Run, small_city: Database, tmp_path: Path, make: object, words: str
) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    for language in ("en", "zh"):
        done = tianzhang("import", "targets", path, language=language)
        said = done.stderr.replace("\n", "")
        assert done.returncode == 1 and "Traceback" not in said, said
        assert any("\u4e00" <= letter <= "\u9fff" for letter in said) == (language == "zh"), said
        assert words in said or (language == "zh" and words == "0 bytes"), said
    assert len(tianzhang("progress", "--json").stdout) > 100


def test_gbk_declared_as_utf8_is_told(tianzhang: Run, database: Database, tmp_path: Path) -> None:
    path = _counties(tmp_path, ".shp", ".shx", ".dbf", ".prj")
    path.with_suffix(".cpg").write_text("UTF-8")
    done = tianzhang("import", "units", path)
    assert done.returncode == 1 and "--encoding GBK" in done.stderr
    assert tianzhang("import", "units", path, "--encoding", "GBK").returncode == 0


def test_wrong_usage_is_status_2(tianzhang: Run) -> None:
    assert tianzhang("import", "cows", "x").returncode == 2
    assert tianzhang("progress", "--nonsense").returncode == 2


def test_a_dry_run_writes_nothing(tianzhang: Run, database: Database, tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text(UNITS, "utf-8")
    assert "3 new" in tianzhang("import", "units", "units.csv", "--dry-run").stdout
    assert "3 new" in tianzhang("import", "units", "units.csv").stdout
    assert "3 unchanged" in tianzhang("import", "units", "units.csv").stdout


def test_claims_with_their_history(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {
            "number": ["C1", "C2"],
            "unit_code": [VILLAGE] * 2,
            "source_kind": ["works", "other"],
            "reported_at": ["2022-02-01", "2022-02-02"],
            "checked_at": ["2022-02-03", ""],
            "accepted_at": ["2022-02-05", ""],
            "reported_by": ["the village"] * 2,
            "accepted_by": ["the city"] * 2,
        },
        geometry=[shapely.box(111.71, 27.25, 111.712, 27.252), shapely.box(111.711, 27.25, 111.713, 27.252)],
        crs=4490,
    )
    frame.to_file(tmp_path / "claims.gpkg")
    done = tianzhang("import", "claims", "claims.gpkg")
    assert done.returncode == 0 and "2 new" in done.stdout, done.stderr
    assert "0 new, 0 changed, 2 unchanged" in tianzhang("import", "claims", "claims.gpkg").stdout
    assert tianzhang("export", "claims", "-o", "out.gpkg").returncode == 0
    out = gpd.read_file(tmp_path / "out.gpkg").set_index("number")
    assert out["state"].to_dict() == {"C1": "accepted", "C2": "reported"}
    assert out["net_area_m2"].sum() == pytest.approx(area_m2(shapely.box(111.71, 27.25, 111.713, 27.252)), abs=0.02)
    assert SQUARES[VILLAGE].covers(out.geometry.union_all())


def test_columns_are_mapped_and_those_unknown_are_kept(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    columns = {"NR": ["7"], "KIND": ["0103"], "CROP": ["maize"], "YIELD": [4.5]}
    gpd.GeoDataFrame(columns, geometry=[shapely.box(111.71, 27.25, 111.712, 27.252)], crs=4490).to_file(
        tmp_path / "p.gpkg"
    )
    refused = tianzhang("import", "plots", "p.gpkg", "--map", "number=NR")
    assert refused.returncode == 1 and "land_class" in refused.stderr and "KIND" in refused.stderr
    assert "“COW”" in tianzhang("import", "plots", "p.gpkg", "--map", "land_class=COW").stderr
    assert "“cow”" in tianzhang("import", "plots", "p.gpkg", "--map", "cow=KIND").stderr
    done = tianzhang("import", "plots", "p.gpkg", "--map", "number=NR", "--map", "land_class=KIND")
    assert "1 new" in done.stdout, done.stderr
    with small_city.reading() as session:
        plot = session.scalars(select(Plot)).one()
        assert (plot.number, plot.land_class, plot.unit_code) == ("7", "0103", VILLAGE)
        assert plot.extra == {"CROP": "maize", "YIELD": 4.5}
