"""What files say of themselves, their system and their encoding: understood, or refused in words, never read as another."""

import json
import sqlite3
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import CITY, TOWN, VILLAGE, Run
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from test_files import PLOT_FIELDS, bring, frame_of, plot_rows, shapefile, zipped
from test_positions import CHINA, IAG, KRASSOWSKY, count, prj

from farmland.keeping.tables import Plot, Unit
from farmland.records.database import Database
from geodata.files import read_layer
from geodata.problems import Problem
from geodata.tables import read_table


def geojson(folder: Path, **members: Any) -> Path:
    frame_of(3, TBBH=["1", "2", "3"]).to_file(folder / "p.geojson")
    document = json.loads((folder / "p.geojson").read_text("utf-8"))
    document.pop("crs", None)
    (folder / "p.geojson").write_text(json.dumps(document | members, ensure_ascii=False), "utf-8")
    return folder / "p.geojson"


def named(name: object) -> dict[str, object]:
    return {"type": "name", "properties": {"name": name}}


@pytest.mark.parametrize("name", ["西安80", "EPSG::99999", "ESRI::104600", "EPSG:99999", "我的坐标系", 7.5, ""])
def test_a_system_that_is_not_understood_is_not_taken_for_wgs84(
    tianzhang: Run, small_city: Database, tmp_path: Path, name: object
) -> None:
    path = geojson(tmp_path, crs=named(name))
    told = bring(tianzhang, "plots", path)
    assert told.status == 1 and str(name) in told.err and "which is not known here" in told.err.replace("\n", " ")
    assert "--crs EPSG:4490" in told.err  # in which the polygons lie in the city
    assert count(small_city, Plot) == 0
    assert bring(tianzhang, "plots", path, "--crs", "EPSG:4490").counts == (3, 3, 0, 0, 0)


@pytest.mark.parametrize(
    ("crs", "words"),
    [
        (None, "declares no coordinate system"),
        ({"type": "link", "properties": {"href": "http://example.org/crs", "type": "proj4"}}, "is not known here"),
        ("EPSG:4490", "is not known here"),
        (named("GCS_Xian_1980"), "rests on the datum Xian 1980"),
        (named("Xian 1980"), "rests on the datum Xian 1980"),
        (named("Beijing 1954"), "rests on the datum Beijing 1954"),
    ],
)
def test_what_a_geojson_says_of_its_system_is_not_passed_over(
    tianzhang: Run, small_city: Database, tmp_path: Path, crs: object, words: str
) -> None:
    told = bring(tianzhang, "plots", geojson(tmp_path, crs=crs))
    assert told.status == 1 and words in " ".join(told.err.replace("│", " ").split()), told.err
    assert count(small_city, Plot) == 0


@pytest.mark.parametrize("name", [None, "urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4490", "EPSG:4546"])
def test_a_system_that_a_geojson_names_is_that(
    tianzhang: Run, small_city: Database, tmp_path: Path, name: str | None
) -> None:
    path = geojson(tmp_path, **({} if name is None else {"crs": named(name)}), note={"crs": "西安80"})
    if name == "EPSG:4546":
        frame_of(3, TBBH=["1", "2", "3"]).to_crs(4546).to_file(path)
    assert bring(tianzhang, "plots", path).counts == (3, 3, 0, 0, 0)
    with small_city.reading() as session:
        held = gpd.GeoSeries(session.scalars(select(Plot.geometry).order_by(Plot.number)).all(), crs=4490)
    assert held.geom_equals_exact(frame_of(3).geometry, 1e-8).all()


DEGREES = 'GEOGCS["GCS_{0}",DATUM["D_{1}",SPHEROID[{2}]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
WGS84, GRS80 = '"WGS_1984",6378137.0,298.257223563', '"GRS_1980",6378137.0,298.257222101'


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (DEGREES.format("Xian_1980", "WGS_1984", WGS84), "Xian 1980"),
        (DEGREES.format("Xian_1980", "China_2000", CHINA), "Xian 1980"),
        (DEGREES.format("China_2000", "Xian_1980", GRS80), "Xian"),
        (DEGREES.format("Beijing_1954", "WGS_1984", WGS84), "Beijing 1954"),
        (DEGREES.format("China_2000", "Beijing_1954", CHINA), "Beijing"),
        (prj("西安80坐标系", "China_2000", CHINA, 500_000), "西安80坐标系"),
        (prj("Xian_1980_3_Degree_GK_CM_111E", "China_2000", CHINA, 500_000), "Xian 1980"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    tianzhang: Run, small_city: Database, tmp_path: Path, declared: str, words: str
) -> None:
    """Called after an old datum, with the numbers of a new ellipsoid: nobody knows which the coordinates are."""
    path = shapefile(tmp_path, PLOT_FIELDS, plot_rows(2))
    if "PROJCS" in declared:
        gpd.read_file(path).to_crs(4546).to_file(path)
    path.with_suffix(".prj").write_text(declared, "utf-8")
    told = bring(tianzhang, "plots", path)
    assert told.status == 1 and words in told.err and "accuracy unknown" in told.err.replace("\n", " "), told.err
    assert count(small_city, Plot) == 0


@pytest.mark.parametrize("name", ["西安2000城市坐标系", "Beijing_Local_2000", "北京城建坐标系"])
def test_a_citys_own_system_may_be_called_after_it(
    tianzhang: Run, small_city: Database, tmp_path: Path, name: str
) -> None:
    path = shapefile(tmp_path, PLOT_FIELDS, plot_rows(2))
    frame = gpd.read_file(path).to_crs(4546)
    frame.to_file(path)
    path.with_suffix(".prj").write_text(prj(name, "China_2000", CHINA, 500_000), "utf-8")
    assert bring(tianzhang, "plots", path).counts == (2, 2, 0, 0, 0)


@pytest.mark.parametrize("spheroid", [IAG, KRASSOWSKY])
def test_a_prj_in_gbk_is_refused_with_what_to_do(
    tianzhang: Run, small_city: Database, tmp_path: Path, spheroid: str
) -> None:
    path = shapefile(tmp_path, PLOT_FIELDS, plot_rows(2))
    path.with_suffix(".prj").write_bytes(prj("西安坐标系", "Xian_1980", spheroid, 500_000).encode("gbk"))
    for file in (path, zipped(path, tmp_path / "p.zip")):
        told = bring(tianzhang, "plots", file)
        assert told.status == 1 and "plots.prj is not UTF-8" in told.err.replace("\n", " ")


def test_a_projection_that_is_not_known_is_refused(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = shapefile(tmp_path, PLOT_FIELDS, plot_rows(2))
    whole = prj("city", "China_2000", CHINA, 500_000)
    for broken in (whole.replace("Gauss_Kruger", "Gauss_Krugerrand"), whole.replace("PROJCS", "PROJ_CS"), "西安80"):
        path.with_suffix(".prj").write_text(broken, "utf-8")
        told = bring(tianzhang, "plots", path)
        assert told.status == 1 and ("is unknown" in told.err or "is not known here" in told.err.replace("\n", " "))
    assert count(small_city, Plot) == 0


def test_a_damaged_system_of_geoparquet_is_named(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    frame_of(2, TBBH=["1", "2"]).to_parquet(path)
    table = pq.read_table(path)
    about = json.loads(table.schema.metadata[b"geo"])
    for declared in ("西安80", {"type": "GeographicCRS"}, 17):
        about["columns"]["geometry"]["crs"] = declared
        pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(about).encode()}), path)
        told = bring(tianzhang, "plots", path)
        assert told.status == 1 and "is not known here" in told.err.replace("\n", " "), told.err
    assert isinstance(table, pa.Table) and bring(tianzhang, "plots", path, "--crs", "4490").counts == (2, 2, 0, 0, 0)


# Encodings

NAMES = ["仙槎桥镇清江村", "周官桥乡", "范家山镇田心村"]


@pytest.mark.parametrize("cpg", ["ISO-8859-1", "88591", "8859-15", "1252", "ANSI 1252", "CP1252", "BIG5", "950"])
@pytest.mark.parametrize("mark", [0, 0x57, 0x4F])
def test_gbk_is_read_as_gbk_whatever_the_writers_machine_was_set_to(
    tianzhang: Run, database: Database, tmp_path: Path, cpg: str, mark: int
) -> None:
    fields = [(b"XZQDM", "C", 12), (b"XZQMC", "C", 40)]
    rows = [[code.encode(), name.encode("gbk")] for code, name in zip((CITY, TOWN, VILLAGE), NAMES, strict=True)]
    path = shapefile(tmp_path, fields, rows, cpg=cpg, mark=mark)
    assert bring(tianzhang, "units", path).counts == (3, 3, 0, 0, 0)
    with database.reading() as session:
        assert list(session.scalars(select(Unit.name).order_by(Unit.code))) == NAMES


@pytest.mark.parametrize(
    ("codec", "cpg", "names"),
    [
        ("cp1252", "1252", ["Müller", "Großräschen", "Señor Núñez"]),
        ("iso8859-1", "ISO-8859-1", ["Ångström", "Besançon", "Malmö"]),
        ("big5", "BIG5", ["臺北縣板橋鎮", "彰化縣員林鎮", "雲林縣虎尾鎮"]),
    ],
)
@pytest.mark.parametrize("encoding", [False, True])
def test_what_is_in_another_encoding_and_says_so_is_read_in_it(
    tmp_path: Path, codec: str, cpg: str, names: list[str], encoding: bool
) -> None:
    rows = [[name.encode(codec)] for name in names]
    path = shapefile(tmp_path, [(b"XZQMC", "C", 40)], rows, cpg=None if encoding else cpg)
    assert read_layer(path, encoding=cpg if encoding else None).frame["XZQMC"].tolist() == names


def test_a_wrong_encoding_that_a_person_names_is_refused(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = shapefile(tmp_path, PLOT_FIELDS, [["仙槎一号".encode("gbk"), VILLAGE.encode(), b"0101"]])
    told = bring(tianzhang, "plots", path, "--encoding", "ISO-8859-1")
    assert told.status == 1 and "it looks like GBK. Add --encoding GBK" in told.err.replace("\n", " ")
    (tmp_path / "r.csv").write_bytes("代码,名称\n430582,邵东市\n".encode("gbk"))
    told = bring(tianzhang, "units", tmp_path / "r.csv", "--encoding", "1252")
    assert told.status == 1 and "it looks like GBK. Add --encoding GBK" in told.err.replace("\n", " ")


@pytest.mark.parametrize("cpg", ["UTF-16", "utf-16-le", "UTF-32", "idna", "hex"])
def test_an_encoding_that_no_dbf_can_be_in_counts_for_none(tmp_path: Path, cpg: str) -> None:
    path = shapefile(tmp_path, [(b"XZQMC", "C", 40)], [[name.encode("gbk")] for name in NAMES], cpg=cpg)
    assert read_layer(path).frame["XZQMC"].tolist() == NAMES
    path.with_suffix(".cpg").write_bytes("GBK".encode("utf-16"))
    assert read_layer(path).frame["XZQMC"].tolist() == NAMES


@pytest.mark.parametrize("form", ["csv", "geojson"])
@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_damaged_utf16_is_refused_with_its_line(
    tianzhang: Run, small_city: Database, tmp_path: Path, form: str, order: str
) -> None:
    if form == "csv":
        noun, path, text = "units", tmp_path / "t.csv", "代码,名称\n430582,邵东市\n430582104,镇甲\n"
    else:
        noun, path = "plots", geojson(tmp_path)
        text = "\n\n" + path.read_text("utf-8").replace('"1"', '"甲"')
    mark = b"\xff\xfe" if order.endswith("le") else b"\xfe\xff"
    place = text.index("甲")
    lone = b"\x00\xd8" if order.endswith("le") else b"\xd8\x00"
    for damaged in (
        text[:place].encode(order) + lone + text[place + 1 :].encode(order),
        text[: place + 1].encode(order) + b"\x00",
    ):
        path.write_bytes(mark + damaged)
        told = bring(tianzhang, noun, path)
        assert told.status == 1 and "line 3 of" in told.err and "damaged" in told.err, told.err
    path.write_bytes(mark + text.encode(order))
    assert bring(tianzhang, noun, path, "--dry-run").status == 0


# Keys


@pytest.mark.parametrize("key", ["BSM", "dkbm", "编号"])
def test_a_geopackages_key_is_a_column_where_it_has_a_name_of_its_own(
    tianzhang: Run, small_city: Database, tmp_path: Path, key: str
) -> None:
    path = tmp_path / "p.gpkg"
    frame_of(3).to_file(path, layer_options={"FID": key})
    connection = sqlite3.connect(path)
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.execute(f'UPDATE p SET "{key}" = "{key}" + 4305821042030000')
    connection.commit()
    connection.close()
    assert bring(tianzhang, "plots", path).counts == (3, 3, 0, 0, 0)
    with small_city.reading() as session:
        held = list(session.scalars(select(Plot.number).order_by(Plot.number)))
    assert held == [f"{4305821042030000 + i}" for i in (1, 2, 3)]


@pytest.mark.parametrize("form", ["gpkg", "gdb", "fgb", "shp", "geojson"])
def test_a_key_that_only_counts_rows_is_no_column(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"p.{form}"
    frame_of(3, TBBH=["1", "2", "3"]).to_file(path, **({"driver": "OpenFileGDB"} if form == "gdb" else {}))
    assert set(read_layer(path).frame.columns) - {"SHAPE_Length", "SHAPE_Area"} == {"DLBM", "TBBH", "geometry"}


# Damage


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_damaged_zip_is_read_or_refused_in_words(tmp_path: Path, packing: int) -> None:
    path = shapefile(tmp_path, PLOT_FIELDS, plot_rows(4), cpg="GBK")
    good = tmp_path / "good.zip"
    with zipfile.ZipFile(good, "w", packing) as archive:
        for part in sorted(tmp_path.glob("plots.*")):
            archive.write(part, part.name)
    content = good.read_bytes()
    assert path.exists()

    @settings(max_examples=120, deadline=None, derandomize=True)
    @given(st.data())
    def damage(data: st.DataObject) -> None:
        spoilt = bytearray(content)
        for _ in range(data.draw(st.integers(1, 3))):
            spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
        end = data.draw(st.integers(0, len(spoilt))) if data.draw(st.booleans()) else len(spoilt)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("error")
            file = Path(folder) / "p.zip"
            file.write_bytes(spoilt[:end])
            try:
                read_layer(file)
            except Problem as problem:
                assert problem.sentence("zh") and problem.sentence("en")

    damage()


@pytest.mark.parametrize("part", [".prj", ".cpg", ".dbf"])
def test_damaged_parts_are_read_or_refused_in_words(tmp_path: Path, part: str) -> None:
    path = shapefile(tmp_path, PLOT_FIELDS, plot_rows(3), cpg="GBK")
    path.with_suffix(".prj").write_text(prj("city", "China_2000", CHINA, 500_000))
    gpd.read_file(path).to_crs(4546).to_file(path)
    content = path.with_suffix(part).read_bytes()

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(st.data())
    def damage(data: st.DataObject) -> None:
        spoilt = bytearray(content)
        for _ in range(data.draw(st.integers(1, 6))):
            spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
        path.with_suffix(part).write_bytes(spoilt)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                read_layer(path)
            except Problem as problem:
                assert problem.sentence("zh") and problem.sentence("en")

    damage()


def test_a_table_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04" + bytes(40))
    with pytest.raises(Problem, match="table_unreadable"):
        read_table(tmp_path / "t.xlsx")
