"""The command as its users meet it: what it shows, what it refuses, what it leaves behind. Both databases."""

import json
import socket
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from conftest import CITY, SQUARES, TOWN, VILLAGE, Run, run_command

from farmland.records.database import Database

FIELD = shapely.box(111.710, 27.250, 111.712, 27.252)


def save(
    folder: Path, name: str, rows: dict[str, list[object]], shapes: list[shapely.Geometry], crs: object = 4490
) -> Path:
    gpd.GeoDataFrame(rows, geometry=shapes, crs=crs).to_file(folder / name)
    return folder / name


def claims(folder: Path) -> Path:
    """Two claims that overlap; the first accepted, the second checked."""
    rows = {
        "number": ["C1", "C2"],
        "unit_code": [VILLAGE] * 2,
        "reported_at": ["2022-02-01", "2022-02-02"],
        "checked_at": ["2022-02-03", "2022-02-04"],
        "accepted_at": ["2022-02-05", ""],
        "reported_by": ["the village"] * 2,
        "accepted_by": ["the city"] * 2,
    }
    return save(folder, "claims.gpkg", rows, [FIELD, shapely.box(111.711, 27.250, 111.713, 27.252)])


def test_progress_waterfall_and_summary_for_people_and_for_programs(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    done = tianzhang("import", "claims", claims(tmp_path))
    assert done.returncode == 0, done.stderr
    city = json.loads(tianzhang("progress", "--as-of", "2022-03-01", "--json").stdout)
    assert (city["unit_code"], city["warning"], len(city["ranking"])) == (CITY, "red", 2)
    fall = json.loads(tianzhang("waterfall", "--as-of", "2022-03-01", "--json").stdout)
    bars = {bar["reason"]: bar["area_mu"] for bar in fall["bars"]}
    assert bars["other_claim"] > 0
    assert bars["reported"] - bars["other_claim"] - bars["evidence_missing"] == pytest.approx(bars["accepted"])
    before = json.loads(tianzhang("progress", "--as-of", "2022-02-04", "--json").stdout)
    assert before["accepted_mu"] == 0 and before["checked_mu"] > 0
    summary = json.loads(tianzhang("summary", "--unit", TOWN, "--json").stdout)
    assert summary["units"] == {"city": 0, "town": 1, "village": 2, "group": 0}
    assert summary["units_without_chief"]["village"] == 2
    shown = tianzhang("waterfall", "--as-of", "2022-03-01", language="zh").stdout
    assert "与其他申报重复" in shown and f"{bars['accepted']:,.2f}" in shown
    shown = tianzhang("summary", language="zh").stdout
    assert "没有田长" in shown and "责任田" in shown
    assert "behind" not in tianzhang("progress", "--as-of", "2022-03-01").stderr


def test_what_refers_to_nothing_is_refused(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    for words, code in (
        (("progress", "--unit", "430582999999"), "430582999999"),
        (("progress", "--as-of", "tomorrow"), "tomorrow"),
        (("progress", "--as-of", "1970-01-01"), "1970-01-01"),
        (("map", "-o", "map.svg"), ".svg"),
        (("map", "--unit", "430582999999", "-o", "map.png"), "430582999999"),
        (("export", "claims", "-o", "claims.doc"), ".doc"),
        (("export", "plots", "-o", "nowhere/plots.gpkg"), "nowhere"),
        (("token", "revoke", "nobody"), "nobody"),
    ):
        done = tianzhang(*words)
        assert (done.returncode, code in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "tianzhang.sqlite").write_bytes(b"this is no database, whatever its name says" * 40)
    for settings, said in (
        ({}, "not a database"),
        ({"TIANZHANG_DATA_DIR": "/proc/nowhere"}, "/proc/nowhere"),
        ({"TIANZHANG_DATABASE_URL": "cow"}, "“cow”"),
        ({"TIANZHANG_DATABASE_URL": "mysql://host/name"}, "mysql://host/name"),
        ({"TIANZHANG_DATABASE_URL": "postgresql+psycopg://me:secret@127.0.0.1:1/name"}, "127.0.0.1"),
        ({"TIANZHANG_PORT": "many"}, "TIANZHANG_PORT"),
        ({"TIANZHANG_DATA_DIR": str(tmp_path / "new")}, "tianzhang init"),
    ):
        env = {"TIANZHANG_DATA_DIR": str(tmp_path), "TIANZHANG_LANG": "en"} | settings
        done = run_command("progress", env=env, cwd=tmp_path)
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr
        assert "secret" not in done.stderr


def test_a_port_that_is_taken_is_said(tianzhang: Run, small_city: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = tianzhang("serve", "--port", port)
    assert done.returncode == 1 and f"TIANZHANG_PORT={port + 1}" in done.stderr
    assert tianzhang("serve", "--port", "70000").returncode == 2


def test_an_empty_database_says_what_to_do_first(tianzhang: Run) -> None:
    assert "tianzhang init" in tianzhang("progress").stderr
    assert tianzhang("init").returncode == 0
    for words in (("progress",), ("waterfall",), ("summary",), ("tiles",), ("map", "-o", "map.png")):
        done = tianzhang(*words)
        assert done.returncode == 1 and "tianzhang import units" in done.stderr, done.stderr


def test_a_missing_system_is_named_by_where_the_polygons_would_lie(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    metric = gpd.GeoSeries([FIELD], crs=4490).to_crs(4546)
    path = save(tmp_path, "claims.shp", {"unit_code": [VILLAGE]}, list(metric), 4546)
    path.with_suffix(".prj").unlink()
    refused = tianzhang("import", "claims", path)
    assert refused.returncode == 1 and "--crs EPSG:4546" in refused.stderr
    assert "1 new" in tianzhang("import", "claims", path, "--crs", "EPSG:4546").stdout
    swapped = save(tmp_path, "swapped.gpkg", {"unit_code": [VILLAGE]}, [shapely.box(27.25, 111.71, 27.252, 111.712)])
    assert "exchanged" in tianzhang("import", "claims", swapped).stderr


def test_overlapping_plots_are_told_also_one_within_another(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    inner = shapely.box(111.7105, 27.2505, 111.7110, 27.2510)
    beside = shapely.box(111.712, 27.250, 111.714, 27.252)
    rows = {"TBBH": ["1", "2", "3"], "DLBM": ["0101"] * 3, "ZLDWDM": [VILLAGE] * 3}
    path = save(tmp_path, "plots.gpkg", rows, [FIELD, inner, beside])
    refused = tianzhang("import", "plots", path)
    assert refused.returncode == 1 and "1 bad" in refused.stdout
    assert refused.stderr.count("row 1 of this file") == 1
    done = tianzhang("import", "plots", path, "--allow-overlaps")
    assert done.returncode == 0 and "3 new" in done.stdout
    assert done.stderr.count("Overlaps row 1 of this file by") == 1


def test_remarks_go_to_a_file_and_the_good_rows_alone_where_that_is_asked(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    bow = shapely.Polygon([(111.71, 27.25), (111.72, 27.26), (111.72, 27.25), (111.71, 27.26)])
    path = save(tmp_path, "claims.gpkg", {"unit_code": [VILLAGE, VILLAGE]}, [FIELD, bow])
    refused = tianzhang("import", "claims", path, "--report", "remarks.csv")
    assert refused.returncode == 1 and "Nothing was written" in refused.stdout
    remarks = (tmp_path / "remarks.csv").read_text("utf-8-sig").splitlines()
    assert remarks[1].startswith("2,geometry,bad,crosses_itself,")
    assert json.loads(tianzhang("progress", "--json").stdout)["claims"] == 0
    assert "1 new, 0 changed, 0 unchanged, 1 bad" in tianzhang("import", "claims", path, "--skip-bad").stdout
    mended = tianzhang("import", "claims", path, "--repair")
    assert mended.returncode == 0 and "1 new, 0 changed, 1 unchanged" in mended.stdout and "repaired" in mended.stderr


def test_tiles_are_cut_anew_only_after_the_ground_changed(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    assert "up to date:" in tianzhang("tiles").stdout
    first = (tmp_path / "tiles" / "city.pmtiles").read_bytes()
    assert "already" in tianzhang("tiles").stdout
    rows = {"TBBH": ["1"], "DLBM": ["0101"], "ZLDWDM": [VILLAGE]}
    path = save(tmp_path, "plots.gpkg", rows, [FIELD])
    assert "tianzhang tiles" in tianzhang("import", "plots", path).stdout
    assert "up to date:" in tianzhang("tiles").stdout
    assert (tmp_path / "tiles" / "city.pmtiles").read_bytes() != first
    assert "tianzhang tiles" not in tianzhang("import", "plots", path).stdout
    assert "already" in tianzhang("tiles").stdout


def test_names_in_a_progress_map_are_text(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    name = "<script>alert(1)</script>"
    save(tmp_path, "units.gpkg", {"code": [TOWN], "name": [name]}, [SQUARES[TOWN]])
    assert tianzhang("import", "units", "units.gpkg").returncode == 0
    assert tianzhang("map", "-o", "map.html").returncode == 0
    text = (tmp_path / "map.html").read_text("utf-8")
    assert name not in text and "&lt;script&gt;alert(1)" in text


@pytest.mark.filterwarnings("ignore:Non-conformant content")  # a moment with its offset, in GeoJSON
def test_exports_come_back_as_they_were(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    assert tianzhang("import", "claims", claims(tmp_path)).returncode == 0
    for name in ("c.gpkg", "c.geojson", "c.csv", "c.xlsx"):
        assert tianzhang("export", "claims", "--as-of", "2022-03-01", "-o", name).returncode == 0
    layer = gpd.read_file(tmp_path / "c.gpkg").set_index("number")
    assert layer["state"].to_dict() == {"C1": "accepted", "C2": "checked"}
    assert layer.crs.to_epsg() == 4490
    assert "C1,accepted," in (tmp_path / "c.csv").read_text("utf-8-sig")
    for name in ("p.gpkg", "p.csv"):
        assert tianzhang("export", "progress", "--as-of", "2022-03-01", "-o", name).returncode == 0
    table = gpd.read_file(tmp_path / "p.gpkg").set_index("unit_code")
    assert table.loc[VILLAGE, "accepted_mu"] == table.loc[CITY, "accepted_mu"] > 0
