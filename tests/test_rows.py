"""Rows as offices write them: no code, name or number becomes another one, and no row is passed over, without a word."""

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from conftest import CITY, NEXT_VILLAGE, TOWN, VILLAGE, Run
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from test_files import PLOT_FIELDS, ROSTER, Told, bring, frame_of, plot_rows, shapefile, squares, workbook

from farmland.imports.rows.codes import clean_codes
from farmland.keeping.tables import Appointment, BaselinePatch, Chief, Claim, Plot, Step, Target, Unit
from farmland.records.database import Database
from geodata.quantity import quantity

GROUP = VILLAGE + "01"


def table(folder: Path, header: str, *rows: str, name: str = "t.csv") -> Path:
    (folder / name).write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return folder / name


def chiefs(database: Database) -> dict[str, tuple[str, str | None]]:
    with database.reading() as session:
        return {chief.code: (chief.name, chief.phone) for chief in session.scalars(select(Chief))}


# Field chiefs

HEADER = "工号,姓名,单位代码,任命日期,截止日期,电话"


def test_one_number_for_two_people_is_refused_in_a_file(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = table(
        tmp_path,
        HEADER,
        f"T1,张三,{TOWN},2022-01-01,,",
        f"T1,李四,{VILLAGE},2022-01-01,,",
        f"T1,张三,{NEXT_VILLAGE},2022-01-01,,",
        f"T2,王五,{CITY},2022-01-01,,",
    )
    told = bring(tianzhang, "chiefs", path)
    assert told.status == 1 and told.remarks == [("chief_is_another", 3, "name")]
    assert "T1 is the number of “张三” (row 2 of this file), and this row says “李四”" in told.sentences
    assert chiefs(small_city) == {}
    assert bring(tianzhang, "chiefs", path, "--skip-bad").counts == (4, 3, 0, 0, 1)
    assert chiefs(small_city) == {"T1": ("张三", None), "T2": ("王五", None)}


def test_one_number_for_two_people_is_refused_in_two_files(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    assert bring(tianzhang, "chiefs", table(tmp_path, HEADER, f"T1,张三,{TOWN},2022-01-01,,")).status == 0
    other = table(tmp_path, HEADER, f"T1,李四,{VILLAGE},2022-01-01,,")
    told = bring(tianzhang, "chiefs", other)
    assert told.status == 1 and "“张三” (in the roster already)" in told.sentences
    assert told.codes == {"chief_is_another"} and chiefs(small_city) == {"T1": ("张三", None)}
    assert bring(tianzhang, "chiefs", other, "--allow-renamed").counts == (1, 1, 0, 0, 0)
    assert chiefs(small_city) == {"T1": ("李四", None)}
    zh = tianzhang("import", "chiefs", other, "--dry-run", language="zh")
    assert zh.returncode == 0
    both = table(tmp_path, HEADER, f"T1,张三,{TOWN},2022-01-01,,", f"T1,李四,{VILLAGE},2022-01-01,,")
    assert bring(tianzhang, "chiefs", both, "--allow-renamed").status == 1  # two in one file are two people


def test_rows_of_one_person_agree(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = table(
        tmp_path,
        HEADER,
        f"T1,张三,{TOWN},2022-01-01,2022-12-31,13800000001",
        f"T1,张三,{TOWN},2022-01-01,,",
        f"T1,张三,{VILLAGE},2022-01-01,,13900000002",
        f"T1,张三,{NEXT_VILLAGE},2022-01-01,,13800000001",
    )
    told = bring(tianzhang, "chiefs", path, "--skip-bad")
    assert sorted(told.remarks) == [("chief_differs", 3, "to_day"), ("chief_differs", 4, "phone")]
    assert "is “2022-12-31” in row 2, and “-” in this one" in told.sentences and told.counts == (4, 2, 0, 0, 2)
    assert chiefs(small_city) == {"T1": ("张三", "13800000001")}
    with small_city.reading() as session:
        held = {row.unit_code: row.to_day for row in session.scalars(select(Appointment))}
    assert held == {TOWN: date(2022, 12, 31), NEXT_VILLAGE: None}


def test_the_facts_of_one_target_agree(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    header = "任务编号,单位代码,任务亩数,开始日期,截止日期"
    path = table(
        tmp_path, header, f"R9,{CITY},100,2023-01-01,2023-06-30", f"R9,{TOWN},60,,", f"R9,{VILLAGE},30,2023-02-01,"
    )
    told = bring(tianzhang, "targets", path)
    assert told.status == 1 and told.codes == {"target_facts_differ"}
    assert "“start_day” of target R9 is “2023-01-01” in row 2, and “2023-02-01” in row 4" in told.sentences
    with small_city.reading() as session:
        assert session.get(Target, "R9") is None
    table(tmp_path, header, f"R9,{CITY},100,2023-01-01,2023-06-30", f"R9,{TOWN},60,,", f"R9,{VILLAGE},30,2023-01-01,")
    assert bring(tianzhang, "targets", path).counts == (3, 3, 0, 0, 0)


# Numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.5", 1234.5), ("12,345,678", 12345678.0), ("１２．５", 12.5), ("1，234", 1234.0), ("+3", 3.0), (".5", 0.5),
        ("5.", 5.0), ("1e3", 1000.0), ("−2", -2.0), ("0012", 12.0),
        ("12,5", None), ("12,,5", None), ("1_2.5", None), ("1,2,3", None), (",5", None), ("1,23", None), ("1234,567", None),
        ("1,234,5", None), ("1.234,5", None), ("inf", None), ("nan", None), ("1e400", None), ("0x10", None), ("٣", None),
        ("12.5亩", None), ("", None), (".", None), ("-", None), ("e5", None), ("1 234", None), ("½", None),
    ],
)  # fmt: skip
def test_what_is_a_number(text: str, value: float | None) -> None:
    if value is None:
        with pytest.raises(ValueError):
            quantity(text)
    else:
        assert quantity(text) == value


@given(st.floats(-1e12, 1e12), st.integers(0, 6))
def test_numbers_with_and_without_thousands_are_the_same(value: float, decimals: int) -> None:
    text = f"{value:.{decimals}f}"
    assert quantity(f"{value:,.{decimals}f}") == quantity(text) == float(text)


@pytest.mark.parametrize("text", ["12,5", "12,,5", "1_2.5", "1,2,3"])
def test_a_decimal_comma_is_refused_wherever_numbers_are(
    tianzhang: Run, small_city: Database, tmp_path: Path, text: str
) -> None:
    header = "任务编号,单位代码,任务亩数,开始日期,截止日期"
    told = bring(tianzhang, "targets", table(tmp_path, header, f'R9,{CITY},"{text}",2023-01-01,2023-06-30'))
    assert told.status == 1 and "not_a_number" in told.codes and f"“{text}” in “area_mu” is no number" in told.sentences
    told = bring(
        tianzhang,
        "targets",
        table(tmp_path, header + ",计划曲线", f'R9,{CITY},9,2023-01-01,2023-06-30,"2023-03-01:{text}"'),
    )
    assert told.codes == {"bad_curve"}
    path = tmp_path / "p.gpkg"
    frame_of(1, BSM=["1"], KCXS=[text]).to_file(path)
    assert "not_a_number" in bring(tianzhang, "baseline", path, "--year", "2019").codes
    frame_of(1, number=["1"], unit_code=[VILLAGE], typed_area_mu=[text]).to_file(path)
    assert bring(tianzhang, "claims", path).codes == {"not_a_number"}


@pytest.mark.parametrize("year", ["2019.5", "19", "20191", "2019年"])
@pytest.mark.parametrize("noun", ["baseline", "designations"])
def test_a_year_is_whole(tianzhang: Run, small_city: Database, tmp_path: Path, noun: str, year: str) -> None:
    frame_of(1, BSM=["1"], kind=["red_line"], 年份=[year]).to_file(tmp_path / "p.gpkg")
    told = bring(tianzhang, noun, tmp_path / "p.gpkg")
    assert told.status == 1 and told.codes == {"not_a_number" if "年" in year else "not_a_year"}, told.err
    frame_of(1, BSM=["1"], kind=["red_line"], 年份=["2019"]).to_file(tmp_path / "p.gpkg")
    assert bring(tianzhang, noun, tmp_path / "p.gpkg").counts == (1, 1, 0, 0, 0)


# Units


@pytest.mark.parametrize("fault", ["name", "code twice", "shape"])
def test_units_below_one_that_is_bad_are_named_too(
    tianzhang: Run, database: Database, tmp_path: Path, fault: str
) -> None:
    """A new city whose town is bad: its villages and their groups are too, and the rest is imported where that is asked."""
    other = TOWN[:6] + "109000"
    rows = [(CITY, "市"), (TOWN, "镇"), (VILLAGE, "村"), (GROUP, "组"), (other, "乡"), (other[:9] + "201", "另村")]
    frame = gpd.GeoDataFrame(pd.DataFrame(rows, columns=["代码", "名称"]), geometry=squares(6), crs=4490)
    if fault == "name":
        frame.loc[1, "名称"] = ""
    elif fault == "shape":
        frame.loc[1, "geometry"] = None
    else:
        frame = pd.concat([frame, frame.iloc[[1]]], ignore_index=True)
        frame.loc[1, "名称"] = ""
    frame = frame.iloc[::-1].reset_index(drop=True)  # the lowest first
    frame.to_file(tmp_path / "u.gpkg")
    told = bring(tianzhang, "units", tmp_path / "u.gpkg")
    assert told.status == 1 and "FOREIGN" not in told.err
    twice = fault == "code twice"
    if twice:  # of the two the first is good: reversed, that is the one with a name
        assert told.codes == {"twice_in_file", "empty_field"}
    else:
        orphans = [(code, row) for code, row, _ in told.remarks if code == "parent_refused"]
        assert orphans == [("parent_refused", 4), ("parent_refused", 3)] or sorted(orphans) == [
            ("parent_refused", 3), ("parent_refused", 4),
        ]  # fmt: skip
        assert f"{TOWN}, the unit above {VILLAGE}, is in row 5, which cannot be imported" in told.sentences
    assert bring(tianzhang, "units", tmp_path / "u.gpkg", "--skip-bad").status == 0
    with database.reading() as session:
        held = set(session.scalars(select(Unit.code)))
    assert held == {code for code, _ in rows} - (set() if twice else {TOWN, VILLAGE, GROUP})


# Columns

STEPS = {"number": ["1"], "unit_code": [VILLAGE], "reported_at": ["2022-02-01"]}


def claim_shapefile(folder: Path, name: bytes, value: str, cpg: str) -> Path:
    fields = [(b"number", "C", 10), (b"unit_code", "C", 14), (b"reported_a", "C", 20), (name, "C", 20)]
    return shapefile(folder, fields, [[b"1", VILLAGE.encode(), b"2022-02-01", value.encode(cpg)]], cpg=cpg)


@pytest.mark.parametrize("step", ["上报", "核查", "验收"])
@pytest.mark.parametrize("what", ["单位代码", "设备编号", "户号"])
def test_a_name_cut_within_a_character_is_not_the_shorter_name(
    tianzhang: Run, small_city: Database, tmp_path: Path, step: str, what: str
) -> None:
    """上报人单位代码, cut at 10 bytes of UTF-8, is 上报人 and a third of 单."""
    name = f"{step}人{what}".encode()[:10]
    told = bring(
        tianzhang, "claims", claim_shapefile(tmp_path, name, VILLAGE, "utf-8"), "--map", "reported_at=reported_a"
    )
    assert told.status == 1 and "it is not clear which is which" in told.err.replace("\n", " "), told.err
    field = {"上报": "reported", "核查": "checked", "验收": "accepted"}[step]
    told = bring(
        tianzhang, "claims", tmp_path / "plots.shp", "--map", "reported_at=reported_a", "--map", f"{field}_by_unit={step}人",
        "--map", f"{field}_device=number", "--map", f"{field}_household=number",
    )  # fmt: skip
    assert told.status == 0, told.err


def test_a_name_that_may_be_cut_is_told(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = claim_shapefile(tmp_path, "上报人".encode(), "老李", "utf-8")
    told = bring(tianzhang, "claims", path, "--map", "reported_at=reported_a")
    assert told.status == 0 and told.remarks == [("column_name_perhaps_cut", 0, "reported_by")]
    assert "If it is “上报人单位代码” (reported_by_unit), of which the name was cut" in told.sentences
    with small_city.reading() as session:
        assert list(session.scalars(select(Step.by))) == ["老李"]
    frame_of(1, **STEPS, 上报人=["老李"]).to_file(tmp_path / "c.gpkg")  # which cuts no names
    assert bring(tianzhang, "claims", tmp_path / "c.gpkg", "--dry-run").remarks == []


def test_names_cut_in_gbk_are_known(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = claim_shapefile(tmp_path, "上报人单位代码".encode("gbk")[:10], VILLAGE, "gbk")
    told = bring(tianzhang, "claims", path, "--map", "reported_at=reported_a")
    assert told.status == 0 and told.codes == {"column_name_cut"}
    with small_city.reading() as session:
        assert list(session.scalars(select(Step.by_unit_code))) == [VILLAGE]


@pytest.mark.parametrize(
    ("noun", "first", "second"),
    [
        ("plots", ("SFYN", "N"), ("永久基本农田", "是")),
        ("plots", ("BSM", "11"), ("DKBM", "22")),
        ("baseline", ("BSM", "11"), ("编号", "22")),
        ("designations", ("编号", "11"), ("项目编号", "22")),
        ("claims", ("申报编号", "11"), ("编号", "22")),
        ("findings", ("线索编号", "11"), ("编号", "22")),
    ],
)
def test_two_columns_for_one_field_are_not_guessed(
    tianzhang: Run, small_city: Database, tmp_path: Path, noun: str, first: tuple[str, str], second: tuple[str, str]
) -> None:
    more = {"ZLDWDM": VILLAGE, "kind": "red_line" if noun == "designations" else "abandoned", "at": "2022-03-01"}
    more = {name: [value] for name, value in more.items() if noun != "baseline" or name == "ZLDWDM"}
    year = ("--year", "2019") if noun == "baseline" else ()
    path = tmp_path / "p.gpkg"
    frame_of(1, **more, **{first[0]: [first[1]], second[0]: [second[1]]}).to_file(path)
    told = bring(tianzhang, noun, path, *year)
    assert told.status == 1 and "it is not clear which is which" in told.err.replace("\n", " "), told.err
    assert first[0] in told.err and second[0] in told.err
    frame_of(1, **more, **{first[0]: [first[1]], second[0]: [first[1]]}).to_file(path)
    assert bring(tianzhang, noun, path, *year).counts == (1, 1, 0, 0, 0)  # they say the same


def test_two_numbers_of_a_chief_are_not_guessed(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = table(tmp_path, "编号,工号,姓名,单位代码,任命日期", f"1,T7,张三,{TOWN},2022-01-01")
    told = bring(tianzhang, "chiefs", path)
    assert told.status == 1 and "编号, 工号 may be code" in told.err.replace("\n", " ")
    assert bring(tianzhang, "chiefs", path, "--map", "code=工号").counts == (1, 1, 0, 0, 0)
    assert set(chiefs(small_city)) == {"T7"}


def test_a_surveys_numbers_stand_side_by_side(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    frame_of(
        2, BSM=["b1", "b2"], TBYBH=["y1", "y2"], TBBH=["t1", "t2"], QSDWDM=[CITY] * 2, ZLDWDM=[VILLAGE] * 2
    ).to_file(tmp_path / "p.gpkg")
    assert bring(tianzhang, "plots", tmp_path / "p.gpkg").counts == (2, 2, 0, 0, 0)
    assert bring(tianzhang, "baseline", tmp_path / "p.gpkg", "--year", "2019").counts == (2, 2, 0, 0, 0)
    with small_city.reading() as session:
        assert set(session.scalars(select(Plot.number))) == {"t1", "t2"}
        assert set(session.scalars(select(BaselinePatch.number))) == {"b1", "b2"}
        assert set(session.scalars(select(Plot.unit_code))) == {VILLAGE}


# Workbooks


def book(folder: Path, *sheets: tuple[str, str, list[list[Any]]], hidden: tuple[int, ...] = ()) -> Path:
    """A workbook of sheets: title, state, rows; in all of them these rows are hidden."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, state, rows in sheets:
        page = made.create_sheet(title)
        page.sheet_state = state
        for row in rows:
            page.append(row)
        for row in hidden:
            page.row_dimensions[row].hidden = True
    made.save(folder / "t.xlsx")
    return folder / "t.xlsx"


def roster(code: str) -> list[list[Any]]:
    return [[*ROSTER], [code, "甲", VILLAGE, "田长", "2022-01-01"]]


def test_the_first_sheet_in_sight_is_read_and_the_others_are_told(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    path = book(
        tmp_path,
        ("旧", "hidden", [*roster("T0"), *roster("T9")[1:]]),
        ("封面", "visible", []),
        ("名册", "visible", roster("T1")),
        ("镇", "visible", roster("T2")),
        ("代码", "veryHidden", [["x"]]),
    )
    told = bring(tianzhang, "chiefs", path)
    assert told.status == 0 and set(chiefs(small_city)) == {"T1"}
    assert told.remarks == [("sheets_left_aside", 0, "")]
    assert "Only the sheet “名册” was read" in told.sentences and "旧（3）, 镇（2）, 代码（1）" in told.sentences
    told = bring(tianzhang, "chiefs", path, "--layer", "旧")
    assert told.remarks == [] and set(chiefs(small_city)) == {"T0", "T1", "T9"}


def test_one_sheet_is_nothing_to_tell_and_all_hidden_are_read(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    path = book(tmp_path, ("a", "visible", []), ("b", "visible", roster("T1")), ("c", "visible", [[None], [""]]))
    assert bring(tianzhang, "chiefs", path).remarks == [] and set(chiefs(small_city)) == {"T1"}


def test_rows_that_are_filtered_away_are_told(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = book(tmp_path, ("a", "visible", [*roster("T1"), *roster("T2")[1:], *roster("T3")[1:]]), hidden=(3, 4, 9))
    told = bring(tianzhang, "chiefs", path)
    assert told.remarks == [("rows_hidden", 0, "")] and "2 rows are hidden" in told.sentences
    assert set(chiefs(small_city)) == {"T1", "T2", "T3"}


# Codes


@pytest.mark.parametrize("form", ["geojson", "gpkg", "fgb"])
@pytest.mark.parametrize("text", ["2022/01/02", "2022-01-02", "2022/01/02 03:04:05", "12:30:00", "true"])
def test_a_code_that_looks_like_a_day_stays_what_was_written(
    tianzhang: Run, small_city: Database, tmp_path: Path, form: str, text: str
) -> None:
    frame_of(2, TBBH=[text, text + "x"]).to_file(tmp_path / f"a.{form}")
    frame_of(1, TBBH=[text]).to_file(tmp_path / f"b.{form}")  # a column of nothing else
    assert bring(tianzhang, "plots", tmp_path / f"b.{form}").status == 0
    assert bring(tianzhang, "plots", tmp_path / f"a.{form}").counts == (2, 1, 0, 1, 0)
    with small_city.reading() as session:
        assert set(session.scalars(select(Plot.number))) == {text, text + "x"}


@pytest.mark.parametrize(
    ("form", "value"),
    [
        *(("parquet", value) for value in (date(2022, 1, 2), datetime(2022, 1, 2, 3, 4), time(3, 4), True)),
        ("gpkg", datetime(2022, 1, 2, 3, 4)),
        ("gpkg", True),
        ("fgb", datetime(2022, 1, 2, 3, 4)),
        ("geojson", True),
    ],
)
def test_a_column_of_days_or_truths_is_no_code(
    tianzhang: Run, small_city: Database, tmp_path: Path, form: str, value: Any
) -> None:
    path = tmp_path / f"p.{form}"
    frame = frame_of(2, TBBH=[value, None] if value is not True else pd.array([True, None], dtype="boolean"))
    frame.to_parquet(path) if form == "parquet" else frame.to_file(path)
    told = bring(tianzhang, "plots", path)
    assert told.status == 1 and "holds days, times or truth values" in told.err.replace("\n", " "), told.err


@pytest.mark.parametrize("form", ["gpkg", "shp", "geojson"])
def test_codes_are_read_as_they_look_and_told(tianzhang: Run, small_city: Database, tmp_path: Path, form: str) -> None:
    as_written = ["A\u200b1", "\ufeffA2", "Ａ３", "A\u3000 4", "A\u00a05", "A６", "A\u202e7", "A8"]
    path = tmp_path / f"p.{form}"
    frame_of(8, TBBH=as_written, ZLDWDM=["４３０５８２１０４２０３"] + [VILLAGE] * 7).to_file(path, encoding="UTF-8")
    told = bring(tianzhang, "plots", path)
    assert told.status == 0 and told.codes == {"codes_cleaned"}, told.err
    assert "7 codes in “TBBH”" in told.sentences and "1 codes in “ZLDWDM”" in told.sentences
    with small_city.reading() as session:
        held = sorted(session.scalars(select(Plot.number)))
    assert held == ["A 4", "A 5", "A1", "A2", "A3", "A6", "A7", "A8"]
    told = bring(tianzhang, "plots", path)
    assert told.counts == (8, 0, 0, 8, 0)


def test_codes_that_look_alike_are_one_code(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    frame_of(3, TBBH=["A 1", "A １", "A\u200b 1"]).to_file(tmp_path / "p.gpkg")
    told = bring(tianzhang, "plots", tmp_path / "p.gpkg")
    assert told.status == 1 and told.bad == [2, 3] and told.codes == {"twice_in_file", "codes_cleaned"}


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zs", "Zl", "Zp", "Co", "Cn"]), max_size=12))
def test_codes_without_such_signs_stay(text: str) -> None:
    if any(0xFF01 <= ord(sign) <= 0xFF5E for sign in text):
        return
    frame, remarks = clean_codes(pd.DataFrame({"n": [text]}), {"number": "n"})
    assert frame["n"].tolist() == [text] and remarks == []


@pytest.mark.parametrize("sign", ["\u200b", "\ufffd", "\u202e", "\x07"])
def test_names_with_signs_that_nobody_sees_are_refused(
    tianzhang: Run, small_city: Database, tmp_path: Path, sign: str
) -> None:
    path = table(tmp_path, HEADER, f"T1,张{sign}三,{TOWN},2022-01-01,,", f"T2,李四,{TOWN},2022-01-01,,")
    told = bring(tianzhang, "chiefs", path, "--skip-bad")
    assert told.remarks == [("text_not_shown", 2, "name")] and set(chiefs(small_city)) == {"T2"}


@pytest.mark.parametrize("name", ["工\u200b号", "\ufeff工号", "工 号", "\u202a工号"])
def test_names_of_columns_with_such_signs_are_known(
    tianzhang: Run, small_city: Database, tmp_path: Path, name: str
) -> None:
    path = table(tmp_path, HEADER.replace("工号", name), f"T1,张三,{TOWN},2022-01-01,,")
    assert isinstance(told := bring(tianzhang, "chiefs", path), Told) and told.counts == (1, 1, 0, 0, 0), told.err


def test_what_was_empty_and_is_filled_in_is_a_change(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = shapefile(tmp_path, PLOT_FIELDS, plot_rows(1))
    assert bring(tianzhang, "baseline", path, "--year", "2019").counts == (1, 1, 0, 0, 0)
    frame = gpd.read_file(path).assign(GDPDJB="3", ZZSXDM="JKHF")
    frame.to_file(path)
    assert bring(tianzhang, "baseline", path, "--year", "2019").counts == (1, 0, 1, 0, 0)
    with small_city.reading() as session:
        (patch,) = session.scalars(select(BaselinePatch))
        assert (patch.slope_class, patch.restoration) == (3, "JKHF")
        assert session.scalar(select(Claim)) is None


def test_a_long_roster_is_one_sheet(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    path = workbook(tmp_path, ROSTER, *(row[1] for row in map(roster, ("T1", "T2"))))
    assert bring(tianzhang, "chiefs", path).remarks == []
