"""Files as offices, surveyors and programs really write them: no row, digit or letter is lost or altered without a word."""

import re
import sqlite3
import struct
import subprocess
import tempfile
import warnings
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from conftest import CITY, TOWN, VILLAGE, Run
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from farmland.keeping.tables import BaselinePatch, Chief, DesignatedArea, Finding, Plot, Unit
from farmland.records.clock import SHANGHAI
from farmland.records.database import Database
from farmland.restoration.targets import allocations
from geodata.files import read_layer
from geodata.problems import Problem
from geodata.tables import read_table

GROUP = VILLAGE + "01"
LONG = 430582104203000000
"""A code of 18 digits, three more than a real number keeps."""


def squares(count: int) -> list[shapely.Polygon]:
    """Squares of 200 m in the village, side by side."""
    return [shapely.box(111.702 + 0.003 * i, 27.21, 111.704 + 0.003 * i, 27.212) for i in range(count)]


def frame_of(count: int = 3, **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"DLBM": ["0101"] * count, **columns}, geometry=squares(count), crs=4490)


class Told:
    """What an import said, and the code of each remark with its row and field."""

    def __init__(self, done: subprocess.CompletedProcess[str], report: Path) -> None:
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        assert "Traceback" not in self.err and "Warning" not in self.err, self.err
        rows = pd.read_csv(report, keep_default_na=False) if report.exists() else pd.DataFrame()
        self.remarks = [] if rows.empty else list(zip(rows["code"], rows["row"], rows["field"], strict=True))
        self.sentences = " ".join([] if rows.empty else rows["remark"])
        self.bad = [] if rows.empty else rows.loc[rows["kind"] == "bad", "row"].tolist()

    @property
    def counts(self) -> tuple[int, ...]:
        """Rows, new, changed, unchanged, bad."""
        return tuple(int(number) for number in re.findall(r"\d+", self.out.splitlines()[0]))

    @property
    def codes(self) -> set[str]:
        return {code for code, _, _ in self.remarks}


def bring(run: Run, noun: str, path: Path, *options: object) -> Told:
    report = path.parent / "remarks.csv"
    report.unlink(missing_ok=True)
    return Told(run("import", noun, path, *options, "--report", report), report)


# Shapefiles, byte by byte


def dbf(
    fields: list[tuple[bytes, str, int]], rows: list[list[bytes]], deleted: tuple[int, ...] = (), mark: int = 0
) -> bytes:
    """The bytes of a .dbf: fields by name, type and width, values as bytes; `mark` is its code page."""
    length = 1 + sum(width for _, _, width in fields)
    head = struct.pack("<4BIHH16xBBxx", 3, 122, 4, 26, len(rows), 33 + 32 * len(fields), length, 0, mark)
    for name, kind, width in fields:
        head += struct.pack("<11sc4xBB14x", name, kind.encode(), width, 0)
    body = b""
    for place, row in enumerate(rows):
        body += b"*" if place in deleted else b" "
        for value, (_, kind, width) in zip(row, fields, strict=True):
            body += (value.ljust(width) if kind == "C" else value.rjust(width))[:width]
    return head + b"\r" + body + b"\x1a"


def shapefile(
    folder: Path,
    fields: list[tuple[bytes, str, int]],
    rows: list[list[bytes]],
    *,
    cpg: str | None = None,
    shapes: int | None = None,
    name: str = "plots",
    **how: Any,
) -> Path:
    """A shapefile with as many squares as rows, or `shapes`, and the records as given."""
    path = folder / f"{name}.shp"
    gpd.GeoDataFrame({"A": ["1"] * (shapes or len(rows))}, geometry=squares(shapes or len(rows)), crs=4490).to_file(
        path
    )
    path.with_suffix(".dbf").write_bytes(dbf(fields, rows, **how))
    path.with_suffix(".cpg").unlink()
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    return path


def zipped(path: Path, target: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(target, "a") as archive:
        for part in sorted(path.parent.glob(f"{path.stem}.*")):
            if part.suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
                archive.write(part, prefix + part.name)
    return target


PLOT_FIELDS = [(b"TBBH", "C", 10), (b"ZLDWDM", "C", 19), (b"DLBM", "C", 5)]


def plot_rows(count: int) -> list[list[bytes]]:
    return [[f"C{i:03}".encode(), VILLAGE.encode(), b"0101"] for i in range(1, count + 1)]


# Names of columns


def cut_names(folder: Path, form: str, encoding: str) -> Path:
    names = ["地块编号", "单位代码", "地类编码", "永久基本农田"]
    cut = [name.encode(encoding)[:10] for name in names]
    values = [["C001", VILLAGE, "0101", "是"], ["C002", VILLAGE, "0102", "否"]]
    if form == "shp":
        fields = [(name, "C", 20) for name in cut]
        rows = [[value.encode(encoding) for value in row] for row in values]
        return shapefile(folder, fields, rows, cpg=encoding)
    columns = [name.decode(encoding, "ignore") for name in cut]
    frame = gpd.GeoDataFrame(pd.DataFrame(values, columns=columns), geometry=squares(2), crs=4490)
    frame.to_parquet(folder / "p.parquet") if form == "parquet" else frame.to_file(folder / f"p.{form}")
    return folder / f"p.{form}"


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
@pytest.mark.parametrize("form", ["shp", "gpkg", "geojson", "parquet"])
def test_a_column_whose_name_is_cut_is_known_by_its_beginning_and_told(
    tianzhang: Run, small_city: Database, tmp_path: Path, form: str, encoding: str
) -> None:
    told = bring(tianzhang, "plots", cut_names(tmp_path, form, encoding))
    assert (told.status, told.counts) == (0, (2, 2, 0, 0, 0)), told.err
    expected = {"basic_farmland"} if encoding == "gbk" else {"number", "unit_code", "land_class", "basic_farmland"}
    assert {field for code, row, field in told.remarks if (code, row) == ("column_name_cut", 0)} == expected
    with small_city.reading() as session:
        held = {
            plot.number: (plot.unit_code, plot.land_class, plot.basic_farmland)
            for plot in session.scalars(select(Plot))
        }
    assert held == {"C001": (VILLAGE, "0101", True), "C002": (VILLAGE, "0102", False)}


def test_a_cut_name_that_may_be_two_fields_is_not_guessed(tianzhang: Run, database: Database, tmp_path: Path) -> None:
    fields = [("行政区代码".encode()[:10], "C", 12), ("名称".encode(), "C", 20)]
    path = shapefile(tmp_path, fields, [[CITY.encode(), "邵东市".encode()]], cpg="UTF-8")
    # Cut, the name may be that of 行政区代码 or of 行政区名称; here only the former is missing.
    assert bring(tianzhang, "units", path, "--dry-run").codes == {"column_name_cut"}
    fields = [("行政区代码".encode()[:10], "C", 12), (b"XM", "C", 20)]
    path = shapefile(tmp_path, fields, [[CITY.encode(), "邵东市".encode()]], cpg="UTF-8")
    told = bring(tianzhang, "units", path)
    assert told.status == 1 and "行政区" in told.err and "code, name" in told.err
    told = bring(tianzhang, "units", path, "--map", "code=行政区", "--map", "name=XM")
    assert told.counts == (1, 1, 0, 0, 0)


def test_of_two_columns_of_one_name_none_is_guessed(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    frame = frame_of(1, 编号=["1"])
    frame["编 号"] = ["2"]
    frame.to_file(tmp_path / "p.gpkg")
    told = bring(tianzhang, "plots", tmp_path / "p.gpkg", "--unit", VILLAGE, "--dry-run")
    assert told.counts == (1, 1, 0, 0, 0) and told.remarks == []  # the one as it is known counts
    frame.rename(columns={"编号": "编  号"}).to_file(tmp_path / "p.gpkg")
    told = bring(tianzhang, "plots", tmp_path / "p.gpkg", "--unit", VILLAGE)
    assert told.status == 1 and "编  号, 编 号" in told.err
    path = shapefile(tmp_path, [*PLOT_FIELDS, (b"TBBH", "C", 10)], [[*row, b"X"] for row in plot_rows(2)])
    told = bring(tianzhang, "plots", path)
    assert told.status == 1 and "several columns called “TBBH”" in told.err


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("编号（必填）", "number"),
        ("地块编码", "number"),
        ("TBBH_1", "number"),
        ("是否永久基本农田", "basic_farmland"),
        ("永久基本", "basic_farmland"),
        ("basic_farmlnd", "basic_farmland"),
    ],
)
def test_a_column_that_looks_like_a_known_one_is_told(
    tianzhang: Run, small_city: Database, tmp_path: Path, column: str, field: str
) -> None:
    path = tmp_path / "p.gpkg"
    frame_of(1, **{column: ["1"]}).to_file(path)
    told = bring(tianzhang, "plots", path, "--unit", VILLAGE, "--dry-run")
    assert told.remarks == [("column_alike", 0, column)] and told.status == 0
    assert f"--map {field}={column}" in told.sentences
    told = bring(tianzhang, "plots", path, "--unit", VILLAGE, "--map", f"{field}={column}", "--dry-run")
    assert told.remarks == []


def test_a_survey_layer_has_no_column_that_only_looks_like_another(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    names = (
        "YSDM DLMC QSXZ QSDWMC ZLDWMC TBMJ KCDLBM KCMJ TBDLMJ GDLX XZDWKD TBXHDM TBXHMC ZZSXMC GDDB FRDBS CZCSXM MSSM"
    )
    columns = {name: ["1"] for name in names.split()} | {"TBBH": ["1"], "ZLDWDM": [VILLAGE + "0000000"]}
    frame_of(1, **columns).to_file(tmp_path / "p.gpkg")
    for noun, options in (("plots", ()), ("baseline", ("--year", 2019))):
        told = bring(tianzhang, noun, tmp_path / "p.gpkg", *options)
        assert (told.status, told.remarks) == (0, [])


# Codes that are numbers in the file


def workbook(folder: Path, header: list[str], *rows: list[Any], formats: dict[int, str] | None = None) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(header)
    for row in rows:
        sheet.append(row)
    for place, number_format in (formats or {}).items():
        for line in range(2, len(rows) + 2):
            sheet.cell(line, place).number_format = number_format
    book.save(folder / "t.xlsx")
    return folder / "t.xlsx"


ROSTER = ["编 号", "姓\n名", "单位代码", "职务", "起始日期"]


def test_a_number_is_the_code_that_its_cell_shows(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    day = date(2022, 1, 1)
    path = workbook(tmp_path, ROSTER, [7, "甲", int(VILLAGE), "田长", day], formats={1: "0000"})
    told = bring(tianzhang, "chiefs", path)
    assert (told.status, told.counts, told.remarks) == (0, (1, 1, 0, 0, 0), []), told.err
    told = bring(tianzhang, "chiefs", workbook(tmp_path, ROSTER, ["0007", "甲", VILLAGE, "田长", day]))
    assert told.counts == (1, 0, 0, 1, 0)
    header = ["target_code", "unit_code", "area_mu", "start_day", "due_day"]
    formats = {1: '"T-"000', 3: '0"亩"'}
    told = bring(
        tianzhang, "targets", workbook(tmp_path, header, [5, CITY, 12, day, day.replace(month=6)], formats=formats)
    )
    assert told.status == 0
    with small_city.reading() as session:
        assert session.scalars(select(Chief.code)).all() == ["0007"]
        assert allocations(session, "T-005", datetime(2030, 1, 1, tzinfo=SHANGHAI)) == {CITY: 12.0}


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        (1, 430582199001011234, "code_inexact"),
        (1, 4.30582199001011e17, "code_inexact"),
        (3, 4305821042030100001, "code_inexact"),
        (3, int(GROUP) + 0.5, "code_fraction"),
        (1, 2.1, "code_fraction"),
        (1, date(2022, 3, 5), "code_is_day"),
        (1, "4.30582E+17", "code_inexact"),
        (2, "=A2&A2", "cell_at_fault"),
        (1, "=VLOOKUP(1,B:B,9)", "cell_at_fault"),
    ],
)
def test_a_code_that_a_spreadsheet_altered_makes_its_row_bad(
    tianzhang: Run, small_city: Database, tmp_path: Path, column: int, value: Any, code: str
) -> None:
    good = ["T1", "甲", VILLAGE, "田长", date(2022, 1, 1)]
    wrong = [*good[: column - 1], value, *good[column:]]
    path = workbook(tmp_path, ROSTER, good, wrong)
    told = bring(tianzhang, "chiefs", path)
    assert (told.status, told.bad) == (1, [3]) and told.codes == {code}, told.err
    assert bring(tianzhang, "chiefs", path, "--skip-bad").counts == (2, 1, 0, 0, 1)
    with small_city.reading() as session:
        assert session.scalars(select(Chief.code)).all() == ["T1"]


def test_a_formulas_error_is_no_value(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = workbook(tmp_path, ROSTER, ["T1", "甲", VILLAGE, "田长", date(2022, 1, 1)])
    book = openpyxl.load_workbook(path)
    book.active["B2"].data_type, book.active["B2"].value = "e", "#N/A"
    book.save(path)
    told = bring(tianzhang, "chiefs", path)
    assert told.remarks == [("cell_at_fault", 2, "name")] and told.counts == (1, 0, 0, 0, 1)


def test_a_long_number_of_a_csv_file_in_excels_hand_is_refused(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        f"编号,姓名,单位代码,起始日期\n4.30582E+17,甲,{VILLAGE},2022-01-01\n{LONG},乙,{VILLAGE},2022-01-01\n"
    )
    told = bring(tianzhang, "chiefs", path, "--skip-bad")
    assert told.remarks == [("code_inexact", 2, "code")] and told.counts == (2, 1, 0, 0, 1)
    with small_city.reading() as session:
        assert session.scalars(select(Chief.code)).all() == [str(LONG)]


FORMS = ["gpkg", "fgb", "gdb", "geojson", "parquet"]


def write(frame: gpd.GeoDataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, driver="OpenFileGDB" if path.suffix == ".gdb" else None)
    return path


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("noun", "column"), [("plots", "BSM"), ("baseline", "BSM"), ("designations", "项目编号")])
def test_codes_in_a_column_of_real_numbers_are_refused(
    tianzhang: Run, small_city: Database, tmp_path: Path, form: str, noun: str, column: str
) -> None:
    columns = {column: np.array([LONG + 11, LONG + 12, LONG + 13], dtype=float), "kind": ["red_line"] * 3}
    path = write(frame_of(3, **columns), tmp_path / f"p.{form}")
    for options in ((), ("--skip-bad",)):
        told = (
            bring(tianzhang, noun, path, "--set", "year=2019", *options)
            if noun == "baseline"
            else bring(tianzhang, noun, path, *options)
        )
        assert told.status == 1 and f"“{column}” (number)" in told.err and "15 digits" in told.err, told.err
    with small_city.reading() as session:
        assert not any(session.scalars(select(table)).all() for table in (Plot, BaselinePatch, DesignatedArea))


def test_a_single_precision_column_keeps_seven_digits(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = write(frame_of(1, TBBH=np.array([430582104203], dtype="float32")), tmp_path / "p.parquet")
    told = bring(tianzhang, "plots", path)
    assert told.status == 1 and "keep 7 digits" in told.err.replace("\n", " ")


@pytest.mark.parametrize("form", FORMS)
def test_codes_of_real_numbers_are_their_digits_where_these_are_kept(
    tianzhang: Run, small_city: Database, tmp_path: Path, form: str
) -> None:
    path = write(frame_of(3, TBBH=[101.0, 102.5, 10**14 + 3.0], ZLDWDM=[float(VILLAGE)] * 3), tmp_path / f"p.{form}")
    told = bring(tianzhang, "plots", path, "--skip-bad")
    assert told.codes == {"code_fraction"} and told.counts == (3, 2, 0, 0, 1)
    with small_city.reading() as session:
        assert set(session.scalars(select(Plot.number))) == {"101", "100000000000003"}


@pytest.mark.parametrize("form", ["gpkg", "fgb", "geojson", "parquet", "shp"])
def test_whole_numbers_stay_exact_beside_an_empty_one(
    tianzhang: Run, small_city: Database, tmp_path: Path, form: str
) -> None:
    numbers = [LONG + 1, None, LONG + 3]
    if form == "shp":
        rows = [[str(number or "").encode(), b"0101"] for number in numbers]
        path = shapefile(tmp_path, [(b"BSM", "N", 18), (b"DLBM", "C", 4)], rows)
    else:
        path = write(frame_of(3, BSM=pd.array(numbers, dtype="Int64")), tmp_path / f"p.{form}")
    told = bring(tianzhang, "plots", path)
    assert told.counts == (3, 3, 0, 0, 0), told.err
    with small_city.reading() as session:
        held = set(session.scalars(select(Plot.number)))
    assert {str(LONG + 1), str(LONG + 3)} < held and len(held) == 3
    assert all(number.startswith("P") for number in held - {str(LONG + 1), str(LONG + 3)})


def test_digits_of_a_shapefile_are_read_as_they_stand(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    code = VILLAGE + "0100123"
    fields = [(b"BSM", "N", 20), (b"DLBM", "C", 4)]
    told = bring(tianzhang, "plots", shapefile(tmp_path, fields, [[code.encode(), b"0101"], [b"12", b"0101"]]))
    assert told.counts == (2, 2, 0, 0, 0)
    with small_city.reading() as session:
        assert set(session.scalars(select(Plot.number))) == {code, "12"}


def test_gml_has_no_numbers_but_what_is_written(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = tmp_path / "p.gml"
    frame_of(2, TBBH=["0007", "0008"]).to_file(path)
    path.with_suffix(".xsd").unlink()
    told = bring(tianzhang, "plots", path)
    assert told.counts == (2, 2, 0, 0, 0), told.err
    with small_city.reading() as session:
        assert set(session.scalars(select(Plot.number))) == {"0007", "0008"}
    assert not path.with_suffix(".gfs").exists()


def test_gdal_decimals_of_parquet_are_exact(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = write(frame_of(2, DKBM=["1", "2"]), tmp_path / "p.parquet")
    table = pq.read_table(path)
    codes = pa.array([4305821042030100123, 4305821042030100124], pa.decimal128(21, 0)).cast(pa.decimal128(23, 2))
    pq.write_table(table.set_column(table.column_names.index("DKBM"), "DKBM", codes), path)
    assert bring(tianzhang, "plots", path).counts == (2, 2, 0, 0, 0)
    with small_city.reading() as session:
        assert set(session.scalars(select(Plot.number))) == {"4305821042030100123", "4305821042030100124"}


# Shapefiles of which something is missing


def cut_file(path: Path, ending: str, bytes_gone: int) -> Path:
    part = path.with_suffix(ending)
    part.write_bytes(part.read_bytes()[:-bytes_gone])
    return path


def index_of(path: Path, shapes: int) -> Path:
    """The shapefile with an index of its first shapes."""
    index = path.with_suffix(".shx").read_bytes()[: 100 + 8 * shapes]
    path.with_suffix(".shx").write_bytes(index[:24] + struct.pack(">i", len(index) // 2) + index[28:])
    return path


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "zipped"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: shapefile(f, PLOT_FIELDS, plot_rows(5), shapes=8), "8 shapes and 5 records"),
        (lambda f: shapefile(f, PLOT_FIELDS, plot_rows(5), shapes=3), "3 shapes and 5 records"),
        (lambda f: cut_file(shapefile(f, PLOT_FIELDS, plot_rows(4)), ".shp", 100), "The .shp of"),
        (lambda f: cut_file(shapefile(f, PLOT_FIELDS, plot_rows(4)), ".shx", 8), "The .shx of"),
        (lambda f: cut_file(shapefile(f, PLOT_FIELDS, plot_rows(4)), ".dbf", 30), "The .dbf of"),
        (
            lambda f: index_of(shapefile(f, PLOT_FIELDS, plot_rows(3), shapes=5), 3),
            "know 3 shapes, and its .shp has more",
        ),
    ],
    ids=["fewer records", "fewer shapes", ".shp", ".shx", ".dbf", "shorter index"],
)
@pytest.mark.parametrize("noun", ["plots", "units"])
def test_a_shapefile_with_less_than_it_had_is_refused_with_counts(
    tianzhang: Run, small_city: Database, tmp_path: Path, make: Any, words: str, packed: bool, noun: str
) -> None:
    path = make(tmp_path)
    path = zipped(path, tmp_path / "p.zip") if packed else path
    told = bring(tianzhang, noun, path, "--skip-bad")
    assert told.status == 1 and words in told.err, told.err
    with small_city.reading() as session:
        assert not session.scalars(select(Plot)).all()


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "zipped"])
def test_records_marked_as_deleted_are_told(tianzhang: Run, small_city: Database, tmp_path: Path, packed: bool) -> None:
    path = shapefile(tmp_path, PLOT_FIELDS, plot_rows(6), deleted=(1, 4))
    told = bring(tianzhang, "plots", zipped(path, tmp_path / "p.zip") if packed else path)
    assert (told.remarks, told.counts) == ([("records_deleted", 0, "")], (4, 4, 0, 0, 0))
    assert "2 records" in told.err
    with small_city.reading() as session:
        assert set(session.scalars(select(Plot.number))) == {"C001", "C003", "C004", "C006"}


def test_asterisks_for_a_number_are_told(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    fields = [*PLOT_FIELDS, (b"TBMJ", "N", 6)]
    rows = [[*row, area] for row, area in zip(plot_rows(3), (b"123", b"******", b"45"), strict=True)]
    told = bring(tianzhang, "plots", shapefile(tmp_path, fields, rows))
    assert (told.remarks, told.counts) == ([("numbers_starred", 0, "TBMJ")], (3, 3, 0, 0, 0))
    with small_city.reading() as session:
        areas = {plot.number: plot.extra for plot in session.scalars(select(Plot))}
    assert areas == {"C001": {"TBMJ": 123}, "C002": {"TBMJ": None}, "C003": {"TBMJ": 45}}


def test_one_of_several_data_sets_is_chosen_by_its_name(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    target = tmp_path / "p.zip"
    for name, count in (("east", 2), ("west", 3)):
        zipped(shapefile(tmp_path / "source", PLOT_FIELDS, plot_rows(count), name=name), target)
    for path in (target, tmp_path / "source"):
        told = bring(tianzhang, "plots", path)
        assert told.status == 1 and "east, west. Name one with --layer" in told.err
        assert bring(tianzhang, "plots", path, "--layer", "east", "--dry-run").counts[0] == 2
        assert bring(tianzhang, "plots", path, "--layer", "west.shp", "--dry-run").counts[0] == 3
        assert "has no layer north" in bring(tianzhang, "plots", path, "--layer", "north").err
    zipped(tmp_path / "source" / "east.shp", target, "old/")
    told = bring(tianzhang, "plots", target)
    assert "east, west, old/east" in told.err
    frame_of(1).to_file(tmp_path / "more.gpkg")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.write(tmp_path / "more.gpkg", "more.gpkg")
    zipped(tmp_path / "source" / "west.shp", tmp_path / "two.zip")
    assert "more, west" in bring(tianzhang, "plots", tmp_path / "two.zip").err
    assert bring(tianzhang, "plots", tmp_path / "two.zip", "--layer", "west", "--dry-run").counts[0] == 3


def test_a_database_without_its_log_is_told(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    frame_of(1, TBBH=["1"]).to_file(tmp_path / "p.gpkg")
    connection = sqlite3.connect(tmp_path / "p.gpkg")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    assert bring(tianzhang, "plots", tmp_path / "p.gpkg").remarks == [("wal_missing", 0, "")]


# Text


CHINESE = st.text(st.sampled_from("湖南省邵东市仙槎桥镇清江村组圩垅塅坳冲珊宸𠂆"), min_size=1, max_size=12)


@pytest.mark.parametrize("declared", ["cpg", "mark", "nothing"])
@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8"])
def test_text_cut_within_a_character_is_read_up_to_it(encoding: str, declared: str) -> None:
    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(st.lists(CHINESE, min_size=2, max_size=8), st.integers(1, 30))
    def read(texts: list[str], width: int) -> None:
        texts = [text.encode(encoding, "ignore").decode(encoding) for text in texts]
        values = [text.encode(encoding)[:width] for text in texts]
        whole = [value.decode(encoding, "ignore") for value in values]
        assume(len({sign for text in whole for sign in text}) > 4)
        with tempfile.TemporaryDirectory() as folder:
            path = shapefile(
                Path(folder), [(b"ZLDWMC", "C", width)], [[value] for value in values],
                cpg=encoding if declared == "cpg" else None, mark=0x4D if declared == "mark" and encoding != "utf-8" else 0x57,
            )  # fmt: skip
            layer = read_layer(path)
        assert layer.frame["ZLDWMC"].fillna("").tolist() == whole
        cut = {
            row
            for row, (value, text) in enumerate(zip(values, whole, strict=True), 1)
            if text.encode(encoding) != value
        }
        assert {remark.row for remark in layer.remarks} == cut
        assert {(remark.problem.code, remark.column) for remark in layer.remarks} <= {("character_cut", "ZLDWMC")}

    read()


@pytest.mark.parametrize("cpg", [None, "UTF-8", "GBK"])
@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_a_value_cut_in_a_character_is_told_with_row_and_field(
    tianzhang: Run, database: Database, tmp_path: Path, encoding: str, cpg: str | None
) -> None:
    name = "湖南省邵东市仙槎桥镇".encode(encoding)
    fields = [(b"XZQDM", "C", 12), (b"XZQMC", "C", 19)]
    rows = [[CITY.encode(), "邵东市".encode(encoding)], [TOWN.encode(), name[:19]]]
    path = shapefile(tmp_path, fields, rows, cpg=cpg)
    told = bring(tianzhang, "units", path)
    if cpg is not None and cpg.lower() != encoding:
        right = {"utf-8": "UTF-8", "gbk": "GBK"}[encoding]
        assert told.status == 1 and f"looks like {right}. Add --encoding {right}" in told.err.replace("\n", " ")
        told = bring(tianzhang, "units", path, "--encoding", right)
    assert told.remarks == [("character_cut", 2, "name")] and told.counts == (2, 2, 0, 0, 0)
    with database.reading() as session:
        held = set(session.scalars(select(Unit.name)))
    assert held == {"邵东市", name[:19].decode(encoding, "ignore")}


def test_what_cannot_be_known_of_an_encoding_is_asked(tianzhang: Run, database: Database, tmp_path: Path) -> None:
    fields = [(b"XZQDM", "C", 12), (b"XZQMC", "C", 19)]
    path = shapefile(tmp_path, fields, [[CITY.encode(), "珊".encode("gbk")]])
    told = bring(tianzhang, "units", path)
    assert told.status == 1 and "“ɺ” in UTF-8, “珊” in GBK" in told.err.replace("\n", " ")
    assert bring(tianzhang, "units", path, "--encoding", "GBK").counts == (1, 1, 0, 0, 0)
    told = bring(tianzhang, "units", path, "--encoding", "Martian")
    assert told.status == 1 and "“Martian” is unknown" in told.err
    path = shapefile(tmp_path, fields, [[CITY.encode(), b"\xff\xff\x80\x20"]], cpg="GBK")
    told = bring(tianzhang, "units", path)
    assert told.status == 1 and "--encoding" not in told.err  # nothing that would not help is advised


def test_gbk_in_a_format_of_utf8_is_read_when_named(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    frame = frame_of(2, TBBH=["甲一", "甲二"], 永农=["是", "否"])
    frame.to_file(tmp_path / "p.geojson")
    path = tmp_path / "p.geojson"
    path.write_bytes(path.read_text("utf-8").encode("gbk"))
    told = bring(tianzhang, "plots", path)
    assert told.status == 1 and "it looks like GBK. Add --encoding GBK" in told.err.replace("\n", " ")
    told = bring(tianzhang, "plots", path, "--encoding", "GBK")
    assert told.counts == (2, 2, 0, 0, 0), told.err
    with small_city.reading() as session:
        held = {plot.number: plot.basic_farmland for plot in session.scalars(select(Plot))}
    assert held == {"甲一": True, "甲二": False}
    # A GeoPackage whose text was written in GBK as it was.
    frame.to_file(tmp_path / "p.gpkg")
    connection = sqlite3.connect(tmp_path / "p.gpkg")
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    change = "UPDATE p SET TBBH = CAST(? AS TEXT) WHERE fid = ?"
    connection.execute(change, ("甲三仙槎".encode("gbk"), 1))
    connection.commit()
    told = bring(tianzhang, "plots", tmp_path / "p.gpkg")
    assert told.status == 1 and "no encoding that is known here fits it" in told.err.replace("\n", " ")
    connection.execute(change, ("甲四仙槎".encode("gbk"), 2))
    connection.execute("UPDATE p SET 永农 = NULL")
    connection.commit()
    connection.close()
    told = bring(tianzhang, "plots", tmp_path / "p.gpkg")
    assert told.status == 1 and "it looks like GBK. Add --encoding GBK" in told.err.replace("\n", " ")
    assert bring(tianzhang, "plots", tmp_path / "p.gpkg", "--encoding", "GBK", "--allow-overlaps").counts[0] == 2
    with small_city.reading() as session:
        assert {"甲三仙槎", "甲四仙槎"} <= set(session.scalars(select(Plot.number)))


@pytest.mark.parametrize(("encoding", "cut"), [("utf-8", 1), ("gbk", 1), ("utf-16", 0)])
def test_tables_of_text_in_any_encoding(
    tianzhang: Run, small_city: Database, tmp_path: Path, encoding: str, cut: int
) -> None:
    rows = f"编号,姓名,单位代码,起始日期\nT1,欧阳仙槎,{VILLAGE},2022-01-01\nT2,清江,{VILLAGE},2022-01-01\n".encode(
        encoding
    )
    if cut:
        name = "欧阳仙槎".encode(encoding)
        rows = rows.replace(name, name[:-cut])
    (tmp_path / "t.csv").write_bytes(rows)
    told = bring(tianzhang, "chiefs", tmp_path / "t.csv")
    assert told.remarks == ([("character_cut", 2, "name")] if cut else []) and told.counts == (2, 2, 0, 0, 0), told.err
    with small_city.reading() as session:
        assert session.scalars(select(Chief.name)).all() == ["欧阳仙" if cut else "欧阳仙槎", "清江"]


def test_cells_that_do_not_fit_the_header_are_told(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    header = "编号,姓名,单位代码,起始日期\n"
    path = tmp_path / "t.csv"
    path.write_text(f"{header}T1,甲,{VILLAGE},2022-01-01\nT2,乙,丙,{VILLAGE},2022-01-01\n")
    told = bring(tianzhang, "chiefs", path)
    assert ("cells_beyond_header", 3, "") in told.remarks and told.bad == [3]
    path.write_text(f'{header}T1,"甲,{VILLAGE},2022-01-01\nT2,乙,{VILLAGE},2022-01-01\n')
    told = bring(tianzhang, "chiefs", path)
    assert told.status == 1 and "quotation marks" in told.err
    book = workbook(tmp_path, ROSTER, *(["T1", "甲", VILLAGE, duty, date(2022, 1, 1)] for duty in ("田长", None)))
    opened = openpyxl.load_workbook(book)
    opened.active.merge_cells("D2:D3")
    opened.active["G2"] = "备用"
    opened.save(book)
    told = bring(tianzhang, "chiefs", book, "--dry-run")
    assert told.codes == {"merged_rows", "cells_beyond_header"} and told.bad == []


# Shapes


def circle(x: float, y: float, radius: float) -> bytes:
    """A circle as a CurvePolygon of one circular string, in well-known binary."""
    points = [(x - radius, y), (x, y + radius), (x + radius, y), (x, y - radius), (x - radius, y)]
    ring = struct.pack("<BII", 1, 8, 5) + b"".join(struct.pack("<2d", *point) for point in points)
    return struct.pack("<BII", 1, 10, 1) + ring


def write_shapes(path: Path, blobs: list[bytes], driver: str, geometry_type: str) -> Path:
    fields = {"TBBH": np.array([f"C{i}" for i in range(1, len(blobs) + 1)], dtype=object)}
    fields |= {"DLBM": np.array(["0101"] * len(blobs), dtype=object)}
    fields |= {"ZLDWDM": np.array([VILLAGE] * len(blobs), dtype=object)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.raw.write(
            path,
            np.array(blobs, dtype=object),
            list(fields.values()),
            list(fields),
            geometry_type=geometry_type,
            driver=driver,
            crs="EPSG:4546",
            layer="p",
        )
    return path


@pytest.mark.parametrize(("form", "driver"), [("gpkg", "GPKG"), ("gdb", "OpenFileGDB"), ("fgb", "FlatGeobuf")])
@pytest.mark.parametrize("noun", ["plots", "baseline", "claims"])
def test_arcs_are_straightened_and_told_and_cost_no_other_row(
    tianzhang: Run, small_city: Database, tmp_path: Path, form: str, driver: str, noun: str
) -> None:
    x, y, radius = 571_000.0, 3_012_000.0, 60.0
    square = shapely.to_wkb(shapely.box(x + 200, y, x + 300, y + 100))
    surface = struct.pack("<BII", 1, 12, 1) + circle(x + 600, y, radius)
    blobs = [circle(x, y, radius), square, surface]
    kinds = {"gpkg": "Unknown", "fgb": "Unknown", "gdb": "MultiPolygon"}
    path = write_shapes(tmp_path / f"p.{form}", blobs, driver, kinds[form])
    told = bring(tianzhang, noun, path, *(("--year", 2019) if noun == "baseline" else ()))
    assert told.counts == (3, 3, 0, 0, 0), told.err
    straightened = [(row, field) for code, row, field in told.remarks if code == "curve_straightened"]
    assert len(straightened) == 2 and {field for _, field in straightened} == {"geometry"}
    if noun == "plots":
        with small_city.reading() as session:
            areas = {plot.number: plot.area_m2 for plot in session.scalars(select(Plot))}
        for number in ("C1", "C3"):  # on the projection's plane and on the ellipsoid areas differ by 0.01 %
            assert areas[number] == pytest.approx(np.pi * radius**2, rel=3e-4)
        assert areas["C2"] == pytest.approx(10_000, rel=3e-4)


FEATURE = """{{"type": "Feature", "properties": {{"TBBH": "C{n}", "DLBM": "0101", "ZLDWDM": "{unit}", "kind": "{kind}",
"发现时间": "2022-03-01"}}, "geometry": {{"type": "Polygon", "coordinates": [[{corners}]]}}}}"""


def geojson(folder: Path, kind: str, *faults: str) -> Path:
    features = []
    for n, square in enumerate(squares(len(faults)), 1):
        corners = [f"[{x}, {y}]" for x, y in shapely.get_coordinates(square)]
        if faults[n - 1] == "open":
            corners.pop()
        elif faults[n - 1]:
            corners.insert(1, faults[n - 1])
        features.append(FEATURE.format(n=n, unit=VILLAGE, kind=kind, corners=", ".join(corners)))
    path = folder / "p.geojson"
    path.write_text('{"type": "FeatureCollection", "features": [' + ", ".join(features) + "]}", "utf-8")
    return path


@pytest.mark.parametrize(
    ("noun", "kind"),
    [("plots", ""), ("claims", ""), ("baseline", ""), ("findings", "abandoned"), ("designations", "red_line")],
)
def test_a_shape_that_cannot_be_read_costs_its_own_row(
    tianzhang: Run, small_city: Database, tmp_path: Path, noun: str, kind: str
) -> None:
    path = geojson(tmp_path, kind, "", "open", "[NaN, 27.21]", "", "[Infinity, 27.21]")
    options = ("--year", 2019) if noun == "baseline" else ()
    told = bring(tianzhang, noun, path, *options)
    assert (told.status, told.bad) == (1, [2, 3, 5]), told.err
    codes = dict((row, code) for code, row, field in told.remarks if field == "geometry" and row in told.bad)
    assert codes == {2: "ring_open", 3: "coordinate_not_finite", 5: "coordinate_not_finite"}
    assert bring(tianzhang, noun, path, "--skip-bad", *options).counts == (5, 2, 0, 0, 3)
    if noun == "findings":
        with small_city.reading() as session:
            assert len(session.scalars(select(Finding)).all()) == 2


def test_columns_that_are_no_text_and_no_number(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    frame_of(1, TBBH=["1"]).to_file(tmp_path / "p.gpkg")
    connection = sqlite3.connect(tmp_path / "p.gpkg")
    connection.execute("ALTER TABLE p ADD COLUMN photo BLOB DEFAULT x'FFD8FFE0'")
    connection.close()
    told = bring(tianzhang, "plots", tmp_path / "p.gpkg")
    assert told.remarks == [("bytes_left_aside", 0, "photo")] and told.counts == (1, 1, 0, 0, 0)
    path = write(
        frame_of(1, TBBH=["2"], photo=[b"\xff\xd8"], ends=[np.inf], tags=[["水稻", "油菜"]]), tmp_path / "p.parquet"
    )
    told = bring(tianzhang, "plots", path, "--allow-overlaps")
    assert sorted(told.remarks) == [("bytes_left_aside", 0, "photo"), ("plot_overlaps", 1, "geometry")]
    (tmp_path / "p.geojson").write_text(
        geojson(tmp_path, "{}", "").read_text("utf-8").replace('"kind": "{}"', '"kind": {"a": [1]}')
    )
    told = bring(tianzhang, "plots", tmp_path / "p.geojson", "--allow-overlaps")
    assert told.status == 0, told.err
    with small_city.reading() as session:
        extras = {plot.number: plot.extra for plot in session.scalars(select(Plot))}
    assert extras["2"] == {"ends": "inf", "tags": '["水稻","油菜"]'}
    assert extras["C1"] is not None and '"a": [ 1 ]' in str(extras["C1"]["kind"])


# Whatever the file


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, bytes]]]:
    """Good files of each format: their parts by ending."""
    folder = tmp_path_factory.mktemp("whole")
    frame = frame_of(4, TBBH=["甲1", "甲2", None, "甲4"], BSM=pd.array([LONG, None, LONG + 1, LONG + 2], dtype="Int64"))
    for form in ("gpkg", "fgb", "geojson", "parquet", "gml"):
        write(frame, folder / f"p.{form}")
    frame.to_file(folder / "s.shp", encoding="GBK")
    workbook(folder, ROSTER, ["T1", "甲", VILLAGE, "田长", date(2022, 1, 1)])
    (folder / "t.csv").write_text("编号,姓名\nT1,甲\n", "gbk")
    parts = {
        form: [(f"p.{form}", (folder / f"p.{form}").read_bytes())]
        for form in ("gpkg", "fgb", "geojson", "parquet", "gml")
    }
    parts |= {name: [(f"t.{name}", (folder / f"t.{name}").read_bytes())] for name in ("xlsx", "csv")}
    return parts | {
        "shp": [(f"s{e}", (folder / f"s{e}").read_bytes()) for e in (".shp", ".shx", ".dbf", ".prj", ".cpg")]
    }


@pytest.mark.parametrize("form", ["shp", "gpkg", "fgb", "geojson", "parquet", "gml", "xlsx", "csv"])
def test_a_damaged_file_is_read_or_refused_in_words(whole: dict[str, list[tuple[str, bytes]]], form: str) -> None:
    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(st.data())
    def damage(data: st.DataObject) -> None:
        parts = list(whole[form])
        place = data.draw(st.integers(0, len(parts) - 1))
        name, content = parts[place]
        spoilt = bytearray(content)
        for _ in range(data.draw(st.integers(1, 4))):
            spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
        end = data.draw(st.integers(0, len(spoilt))) if data.draw(st.booleans()) else len(spoilt)
        parts[place] = (name, bytes(spoilt[:end]))
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("error")
            for part, written in parts:
                (Path(folder) / part).write_bytes(written)
            path = Path(folder) / parts[0][0]
            try:
                read_table(path) if form in ("xlsx", "csv") else read_layer(path)
            except Problem as problem:
                assert problem.sentence("zh") and problem.sentence("en")

    damage()
