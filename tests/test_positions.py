"""Where the polygons of a file lie: datums that nobody can convert, coordinates of another system, web-map coordinates."""

import subprocess
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from conftest import CITY, FAR_VILLAGE, NEXT_VILLAGE, SQUARES, TOWN, VILLAGE, Run
from numpy.typing import NDArray
from pyproj import CRS
from sqlalchemy import func, select

from farmland.keeping.tables import Plot, Unit
from farmland.land.baseline import BaselinePatch
from farmland.land.designations import DesignatedArea
from farmland.records.database import Base, Database
from farmland.restoration.findings import Finding
from geodata.datum import same_zone, shift_unknown
from geodata.gcj02 import from_gcj02, to_gcj02
from geodata.guise import shifted_copies
from geodata.scale import metres_per_degree

PLACE = np.array([111.712, 27.25])
SCALE = metres_per_degree(PLACE[1])


def fields(count: int = 12, at: NDArray[np.float64] = PLACE, seed: int = 1) -> list[shapely.Polygon]:
    """Four-sided fields in a row, no two alike, some 60 m wide."""
    rng = np.random.default_rng(seed)
    corners = np.array([[5, 5], [55, 5], [55, 75], [5, 75]]) + rng.uniform(-4, 4, (count, 4, 2))
    corners[:, :, 0] += 60 * (np.arange(count) % 40)[:, None]
    corners[:, :, 1] += 80 * (np.arange(count) // 40)[:, None]
    return list(shapely.polygons((at + corners / SCALE).round(9)))


def moved(geometries: list[shapely.Polygon], step: Any = to_gcj02) -> list[shapely.Polygon]:
    """As a web map has them, written with six decimals."""
    return [shapely.transform(one, lambda points: step(points).round(6)) for one in geometries]


def layer(path: Path, geometries: list[shapely.Polygon], crs: Any = 4490, **columns: Any) -> Path:
    whole = {"DLBM": "0101"} | columns
    frame = gpd.GeoDataFrame(
        {name: value if isinstance(value, list) else [value] * len(geometries) for name, value in whole.items()},
        geometry=geometries,
        crs=crs,
    )
    frame.to_file(path, **({"SPATIAL_INDEX": "NO"} if path.suffix == ".fgb" else {}))  # that would reorder the rows
    return path


def count(database: Database, model: type[Base]) -> int:
    with database.reading() as session:
        return int(session.scalar(select(func.count()).select_from(model)) or 0)


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What a command said, in one line, without the lines of tables."""
    return " ".join((done.stdout + done.stderr).replace("│", " ").split())


def refused(done: subprocess.CompletedProcess[str], *words: str) -> str:
    """What a refused command said, in one line: in words, without an endless number or a library's remark."""
    said = told(done)
    assert done.returncode == 1, said
    for word in ("Traceback", "Warning", "inf ", "inf°", "nan"):
        assert word not in said, said
    for word in words:
        assert word in said, said
    return said


# Datums


def prj(name: str, datum: str, spheroid: str, easting: int) -> str:
    return (
        f'PROJCS["{name}",GEOGCS["GCS_{datum}",DATUM["D_{datum}",SPHEROID[{spheroid}]],PRIMEM["Greenwich",0.0],'
        f'UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",{easting}.0],'
        'PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",111.0],PARAMETER["Scale_Factor",1.0],'
        'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )


KRASSOWSKY, IAG, CHINA = (
    '"Krasovsky_1940",6378245.0,298.3',
    '"Xian_1980",6378140.0,298.257',
    ('"CGCS2000",6378137.0,298.257222101'),
)
DECLARED = {
    "Xian 1980, zone 37": (prj("Xian_1980_3_Degree_GK_Zone_37", "Xian_1980", IAG, 37_500_000), "Xian 1980", 4525),
    "Xian 1980": (prj("Xian_1980_3_Degree_GK_CM_111E", "Xian_1980", IAG, 500_000), "Xian 1980", 4546),
    "Beijing 1954": (
        prj("Beijing_1954_3_Degree_GK_CM_111E", "Beijing_1954", KRASSOWSKY, 500_000),
        "Beijing 1954",
        4546,
    ),
    "New Beijing": (prj("New_Beijing_3_Degree_GK_CM_111E", "New_Beijing", KRASSOWSKY, 500_000), "New Beijing", 4546),
    "Pulkovo 1942": (prj("Pulkovo_1942_3_Degree_GK_CM_111E", "Pulkovo_1942", KRASSOWSKY, 500_000), "Pulkovo", 4546),
    "a datum without a name": (prj("city", "Unknown", KRASSOWSKY, 500_000), "D_Unknown", 4546),
    "another zone's code": ("EPSG:2379", "Xian 1980", 4546),
    "degrees": ("EPSG:4610", "Xian 1980", 4490),
    "degrees of Beijing 1954": ("EPSG:4214", "Beijing 1954", 4490),
    "Taiwan's": ("EPSG:3828", "Taiwan Datum 1967", 4546),
}


@pytest.mark.parametrize("case", DECLARED)
def test_a_datum_that_nobody_can_convert_is_refused(
    tianzhang: Run, small_city: Database, tmp_path: Path, case: str
) -> None:
    declared, datum, epsg = DECLARED[case]
    ending = "gpkg" if declared.startswith("EPSG") else "shp"
    raw = gpd.GeoSeries(fields(), crs=4490).to_crs(epsg).to_list()
    path = layer(tmp_path / f"plots.{ending}", raw, None if ending == "shp" else declared)
    if ending == "shp":
        path.with_suffix(".prj").write_text(declared)
    said = refused(tianzhang("import", "plots", path), datum, "100 m", "accuracy unknown", f"--crs EPSG:{epsg}")
    assert "Only if the coordinates are CGCS2000" in said
    zh = refused(tianzhang("import", "plots", path, language="zh"), "精度未知", "只有当坐标本来就是 CGCS2000")
    assert f"--crs EPSG:{epsg}" in zh
    assert count(small_city, Plot) == 0
    assert (
        tianzhang("import", "plots", path, "--crs", f"EPSG:{epsg}").returncode == 0
    )  # said, so it is taken at its word
    with small_city.reading() as session:
        held = session.scalars(select(Plot.geometry).order_by(Plot.id)).all()
        assert np.all(shapely.hausdorff_distance(held, fields()) < 2e-9)


@pytest.mark.parametrize(
    ("noun", "crs"),
    [
        ("plots", "EPSG:2382"),
        ("units", "2434"),
        ("baseline", "EPSG:4555"),
        ("claims", "+proj=tmerc +lon_0=111 +x_0=500000 +ellps=krass"),
        ("designations", "EPSG:2361"),
        ("findings", "EPSG:4214"),
    ],
)
def test_no_file_is_read_in_such_a_datum_because_a_user_says_so(
    tianzhang: Run, small_city: Database, tmp_path: Path, noun: str, crs: str
) -> None:
    raw = gpd.GeoSeries(fields(), crs=4490).to_crs(4546).to_list()
    path = layer(tmp_path / "plots.fgb", raw, 4546, code=VILLAGE, name="村", unit_code=VILLAGE, kind="red_line")
    refused(tianzhang("import", noun, path, "--crs", crs), "accuracy unknown", "--crs EPSG:4546")


def test_a_system_without_a_place_on_earth_is_refused(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    raw = gpd.GeoSeries(fields(), crs=4490).to_crs(4546).to_list()
    path = layer(tmp_path / "plots.shp", raw, None)
    path.with_suffix(".prj").write_text('LOCAL_CS["city",UNIT["Meter",1.0]]')
    refused(tianzhang("import", "plots", path), "place on Earth", "--crs EPSG:4546")
    refused(tianzhang("import", "plots", path, "--crs", "EPSG:5773"), "place on Earth")
    path.with_suffix(".prj").write_text(prj("Shaodong", "Shaodong", CHINA, 500_000))  # a city's own, on the ellipsoid
    assert tianzhang("import", "plots", path).returncode == 0


HUNAN, NETHERLANDS = np.array([111.5, 27.0, 112.0, 27.5]), np.array([5.0, 52.0, 6.0, 53.0])
ZONE = "+proj=tmerc +lon_0=111 +k=1 +x_0=500000"


@pytest.mark.parametrize(
    ("crs", "place", "unknown"),
    [
        ("EPSG:28992", NETHERLANDS, False),
        ("EPSG:28992", HUNAN, True),
        ("EPSG:25832", NETHERLANDS, False),
        ("EPSG:27700", np.array([-2.0, 52.0, -1.0, 53.0]), False),
        ("EPSG:28405", np.array([30.0, 55.0, 31.0, 56.0]), False),
        ("EPSG:28405", HUNAN, True),
        ("EPSG:3826", np.array([121.0, 24.0, 121.5, 25.0]), False),
        ("EPSG:2326", np.array([114.1, 22.3, 114.2, 22.4]), False),
        ("EPSG:2334", np.array([114.1, 22.3, 114.2, 22.4]), True),
        ("EPSG:2362+5737", HUNAN, True),
        ("EPSG:4546+5737", HUNAN, False),
        ("EPSG:3857", HUNAN, False),
        ("EPSG:3785", HUNAN, False),
        (f"{ZONE} +ellps=GRS80", HUNAN, False),
        (f"{ZONE} +ellps=krass +towgs84=0,0,0", HUNAN, True),
        (f"{ZONE} +ellps=krass +nadgrids=@null", HUNAN, True),
        (f"{ZONE} +ellps=krass +towgs84=22,-123,-86,0.5,0.1,-0.8,-0.2", HUNAN, False),  # who declares it knows it
        ("EPSG:28992", np.full(4, np.inf), False),
    ],
)
def test_whose_datum_can_be_converted_where(crs: str, place: NDArray[np.float64], unknown: bool) -> None:
    assert shift_unknown(CRS(crs), place) is unknown


@pytest.mark.parametrize(
    ("crs", "epsg"),
    [(2361, 4525), (2382, 4546), (2333, 4497), (2344, 4546), (4796, 4548), (4214, 4490), (32649, None), (28992, None)],
)
def test_the_same_zone_on_cgcs2000(crs: int, epsg: int | None) -> None:
    assert same_zone(CRS(crs)) == epsg
    if epsg is not None and epsg != 4490:
        own, theirs = ({one.name: one.value for one in CRS(code).coordinate_operation.params} for code in (epsg, crs))
        assert own == theirs


# Coordinates of another system

OWN = "+proj=tmerc +x_0=500000 +ellps=krass +towgs84=22,-123,-86,0.5,0.1,-0.8,-0.2"  # with parameters of its own


@pytest.mark.parametrize(
    ("true", "declared", "turned", "words"),
    [
        (4490, 4490, True, ("(27.25", "are no longitude and latitude", "exchanged", "EPSG:4490")),
        (4546, 4490, False, ("are no longitude and latitude", "--crs EPSG:4546")),
        (4546, 4525, False, ("nowhere on Earth", "--crs EPSG:4546")),  # eastings without the zone's number
        (4525, 4546, False, ("nowhere on Earth", "--crs EPSG:4525")),  # and with it, where it does not belong
        (4546, 4525, True, ("nowhere on Earth", "exchanged", "EPSG:4546")),
        (4546, 4547, False, ("km from its centre", "--crs EPSG:4546")),
        (
            4546,
            f"{OWN} +lon_0=114",
            False,
            ("--crs EPSG:4546", "if the coordinates are CGCS2000, not Unknown based on"),
        ),
    ],
)
def test_what_would_fit_is_found_from_the_coordinates_as_they_are(
    tianzhang: Run,
    small_city: Database,
    tmp_path: Path,
    true: int,
    declared: Any,
    turned: bool,
    words: tuple[str, ...],
) -> None:
    raw = gpd.GeoSeries(fields(), crs=4490).to_crs(true).to_list()
    raw = [shapely.transform(one, lambda points: points[:, ::-1]) for one in raw] if turned else raw
    path = layer(tmp_path / "plots.fgb", raw, declared)
    refused(tianzhang("import", "plots", path), *words)
    assert "EPSG:" in refused(tianzhang("import", "plots", path, language="zh"))


def test_the_first_file_of_a_city_is_told_too(tianzhang: Run, database: Database, tmp_path: Path) -> None:
    raw = gpd.GeoSeries([SQUARES[CITY]], crs=4490).to_crs(4546).to_list()
    path = layer(tmp_path / "units.fgb", raw, 4525, code=CITY, name="市")
    refused(tianzhang("import", "units", path), "nowhere on Earth", "--crs")
    assert tianzhang("import", "units", path, "--crs", "EPSG:4546").returncode == 0


def test_one_row_that_lies_nowhere_is_that_row_only(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    raw = gpd.GeoSeries(fields(), crs=4490).to_crs(4546).to_list()
    raw[3] = shapely.transform(raw[3], lambda points: points + np.array([37_000_000, 0]))
    said = refused(tianzhang("import", "plots", layer(tmp_path / "p.fgb", raw, 4546)), "no valid numbers", "1 bad")
    assert "11 new" in said


def test_who_made_a_file_is_asked_once(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = layer(tmp_path / "p.shp", [shapely.box(100, 100, 200, 200), shapely.box(300, 100, 400, 200)], None)
    assert refused(tianzhang("import", "plots", path)).lower().count("ask who made the file") == 1
    assert refused(tianzhang("import", "plots", path, language="zh")).count("数据提供者") == 1


# Web-map coordinates


NOUNS: dict[str, tuple[type[Base], dict[str, Any]]] = {
    "plots": (Plot, {}),
    "baseline": (BaselinePatch, {"year": "2019"}),
    "designations": (DesignatedArea, {"kind": "red_line"}),
    "findings": (Finding, {"kind": "abandoned", "at": "2022-04-01"}),
}


@pytest.mark.parametrize("noun", NOUNS)
def test_a_file_shifted_by_gcj02_is_refused_where_its_land_is_here(
    tianzhang: Run, small_city: Database, tmp_path: Path, noun: str
) -> None:
    model, columns = NOUNS[noun]
    numbers = [f"N{n}" for n in range(12)]
    first = layer(tmp_path / "a.fgb", fields(), **columns, number=numbers)
    assert tianzhang("import", noun, first).returncode == 0
    for name, number in (("same", numbers), ("other", [f"W{n}" for n in range(12)])):
        again = layer(tmp_path / f"{name}.fgb", moved(fields()), **columns, number=number)
        said = refused(
            tianzhang("import", noun, again, "--skip-bad"), "12 of 12", "GCJ-02", "CGCS2000", "row 1 and N0)"
        )
        assert "+545 m east" in said or "+546 m east" in said or "+547 m east" in said, said
        refused(tianzhang("import", noun, again, language="zh"), "火星坐标（GCJ-02）", "偏东 +5", "偏北 -3")
    assert count(small_city, model) == 12
    assert "0 new, 0 changed, 12 unchanged" in tianzhang("import", noun, first).stdout


def test_units_shifted_by_gcj02_are_refused(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    codes = [TOWN, VILLAGE, NEXT_VILLAGE]
    path = layer(tmp_path / "u.fgb", moved([SQUARES[code] for code in codes]), code=codes, name="新名")
    refused(tianzhang("import", "units", path), "3 of 3", "units that are here already", "GCJ-02")
    with small_city.reading() as session:
        assert "新名" not in set(session.scalars(select(Unit.name)))


def test_plots_shifted_from_the_baselines_patches_are_refused(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    assert tianzhang("import", "baseline", layer(tmp_path / "b.fgb", fields(), year="2019")).returncode == 0
    path = layer(tmp_path / "p.fgb", moved(fields(8)))
    refused(tianzhang("import", "plots", path), "8 of 8", "baseline patches", "GCJ-02")
    assert tianzhang("import", "plots", layer(tmp_path / "p.fgb", fields(8))).returncode == 0


def test_a_file_moved_as_a_whole_is_refused_far_from_the_place_whose_shift_it_has(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    seat = np.array([[111.705, 27.22]])
    land = [*fields(20, np.array([111.703, 27.225])), *fields(60, np.array([111.702, 27.29]), 2)]
    assert tianzhang("import", "plots", layer(tmp_path / "a.fgb", land)).returncode == 0
    step = (to_gcj02(seat) - seat)[0]
    path = layer(tmp_path / "b.fgb", moved(land, lambda points: points + step))
    refused(tianzhang("import", "plots", path), "80 of 80", "GCJ-02")
    assert count(small_city, Plot) == 80


def test_a_file_of_true_coordinates_is_imported_and_shifted_records_are_told(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    assert tianzhang("import", "plots", layer(tmp_path / "a.fgb", moved(fields()))).returncode == 0
    done = tianzhang("import", "plots", layer(tmp_path / "b.fgb", fields()))
    assert done.returncode == 0 and "12 new" in done.stdout
    said = told(done)
    assert "12 plots that are here already have the shape" in said and "GCJ-02" in said


def test_some_shifted_rows_among_others_are_told(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    land = fields(120)
    assert tianzhang("import", "plots", layer(tmp_path / "a.fgb", land)).returncode == 0
    # Drawn a second time, by somebody else: the same fields are not here, but in three rows they are, shifted.
    east = to_gcj02(np.array([[111.712, 27.25]]))[0] + [0.001, 0.0005]
    mixed = [*fields(40, east, 7), *moved(land[80:83])]
    done = tianzhang("import", "plots", layer(tmp_path / "b.fgb", mixed), "--dry-run")
    said = told(done)
    assert done.returncode == 0, said
    assert "3 polygons of this file have the shape of plots" in said and "(rows 41, 42, 43)" in said


def test_rows_that_leave_their_units_and_come_back_are_in_gcj02(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    """Beside the border on which the shift leads out of a village; no record is here to compare with."""
    west, east = np.array([111.7200, 27.25]), np.array([111.7450, 27.26])
    land = [*fields(8, west), *fields(8, east, 3)]
    codes = [VILLAGE] * 8 + [NEXT_VILLAGE] * 8
    for noun, columns in (("plots", {}), ("baseline", {"year": "2019"}), ("findings", {"at": "2022-04-01"})):
        path = layer(tmp_path / f"{noun}.fgb", moved(land), unit_code=codes, **columns)
        refused(tianzhang("import", noun, path, "--skip-bad"), "16 of 16 polygons", "0 of them do not", "GCJ-02")
        refused(tianzhang("import", noun, path, language="zh"), "不在所注明的行政单位内", "火星坐标")
        assert tianzhang("import", noun, layer(tmp_path / "t.fgb", land, unit_code=codes, **columns)).returncode == 0


def test_a_wrong_code_is_no_shift(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    """One unit's code for the fields of another: the rows are bad, and where the shift would explain it, that is told."""
    path = layer(tmp_path / "far.fgb", fields(), unit_code=FAR_VILLAGE)
    assert "GCJ" not in refused(tianzhang("import", "plots", path), "12 bad", FAR_VILLAGE)
    beside = layer(tmp_path / "beside.fgb", moved(fields(4, np.array([111.7220, 27.25]))), unit_code=VILLAGE)
    refused(tianzhang("import", "plots", beside), "4 bad", "Check whether the coordinates come from a web map")
    assert count(small_city, Plot) == 0


def test_fields_of_one_design_are_no_shifted_copies(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    """Two blocks of equal paddies, to the millimetre, at about the distance of the shift: both are imported."""
    paddy = np.array([[0, 0], [20, 0], [20, 50], [0, 50]], dtype=float)
    step = ((to_gcj02(PLACE[None]) - PLACE)[0] * SCALE) + [6, 4]
    blocks = [
        [shapely.Polygon(PLACE + (paddy + start + [25 * n, 0]) / SCALE) for n in range(10)] for start in (0, step)
    ]
    assert tianzhang("import", "plots", layer(tmp_path / "a.fgb", blocks[0])).returncode == 0
    done = tianzhang("import", "plots", layer(tmp_path / "b.fgb", blocks[1]))
    assert done.returncode == 0 and "10 new" in done.stdout, done.stderr
    assert "they may be the same land once more" in told(done)


def test_a_long_file_is_looked_at_in_some_places_first(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    land = fields(5200, np.array([111.701, 27.205]))
    assert tianzhang("import", "plots", layer(tmp_path / "a.fgb", land)).returncode == 0
    again = tianzhang("import", "plots", tmp_path / "a.fgb")
    assert "5200 unchanged" in again.stdout and "GCJ" not in again.stderr
    path = layer(tmp_path / "b.fgb", moved(land))
    refused(tianzhang("import", "plots", path), "5200 of 5200", "GCJ-02")


def test_which_way_a_copy_was_moved() -> None:
    land = fields(30)
    there = shifted_copies(moved(land), [*land, None, shapely.Polygon()])
    assert there.sure and there.compared.all() and there.other.tolist() == list(range(30))
    assert len(shifted_copies(moved(land, from_gcj02), land).candidate) == 0
    assert len(shifted_copies(land, land).candidate) == 0
    assert len(shifted_copies(moved(land), [*land, *moved(land)]).candidate) == 0  # what is drawn there is no copy
    for one, two in (([], []), (land, []), ([], land)):
        found = shifted_copies(one, two)
        assert len(found.candidate) == 0 and not found.sure and len(found.compared) == len(one)
