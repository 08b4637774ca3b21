"""Text that a spreadsheet would compute: it comes out as text, and comes in again as it was."""

import csv
import shutil
import tempfile
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
from conftest import SQUARES, VILLAGE, Run
from hypothesis import example, given, settings
from hypothesis import strategies as st

from farmland.records.database import Database
from geodata.formulas import as_meant, harmless
from geodata.tables import read_table
from geodata.writers import write_table

FORMULAS = ['=HYPERLINK("http://x")', "+1", "@SUM(A1)", "-2+3", "＝1+1", " =1+1", "'=1+1", "-"]
NUMBERS = [text.replace("＝1", "=3") for text in FORMULAS]  # in numbers wide signs are read as plain ones
SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def cells(path: Path) -> list[list[str]]:
    """The cells of a table as a spreadsheet sees them."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))
    page = openpyxl.load_workbook(path).worksheets[0]
    assert not [cell for row in page for cell in row if cell.data_type == "f"]
    return [[str(cell.value) for cell in row if cell.data_type == "s"] for row in page]


def are_text(path: Path, *expected: str) -> None:
    """No cell is a formula, and these are among them, as they were meant."""
    found = [cell for row in cells(path) for cell in row]
    numbers = [cell for cell in found if cell.lstrip().startswith(SIGNS)]
    assert not numbers or all(float(cell) < 0 for cell in numbers)
    assert set(expected) <= {as_meant(cell) for cell in found}


def test_what_people_typed_is_exported_as_text(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    land = [shapely.box(111.71 + at / 1000, 27.25, 111.7105 + at / 1000, 27.2505) for at in range(len(FORMULAS))]
    rows = {"number": NUMBERS, "unit_code": VILLAGE, "crop": FORMULAS, "former_use": FORMULAS, "land_class": "0103"}
    rows |= {"reported_at": "2022-02-01", "reported_by": "=a", "checked_at": "2022-02-02", "checked_by": "@town"}
    gpd.GeoDataFrame(rows, geometry=land, crs=4490).to_file(tmp_path / "land.gpkg")
    for noun, expected in (("claims", [*FORMULAS, *NUMBERS]), ("plots", NUMBERS)):
        done = tianzhang("import", noun, "land.gpkg", "--report", "remarks.csv")
        assert done.returncode == 0, done.stderr
        are_text(tmp_path / "remarks.csv")
        for ending in ("csv", "xlsx"):
            assert tianzhang("export", noun, "-o", f"{noun}.{ending}").returncode == 0
            are_text(tmp_path / f"{noun}.{ending}", *(text.strip() for text in expected))
    assert tianzhang("audit", "-o", "doubts.xlsx").returncode == 0
    are_text(tmp_path / "doubts.xlsx", '=HYPERLINK("http://x")')


def test_an_audit_pack_is_text(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    rows = {"number": ["=C1"], "unit_code": VILLAGE, "crop": "+1", "reported_by": "@a", "checked_by": "-b"}
    rows |= {"accepted_by": "=c", "reported_at": "2022-02-01", "checked_at": "2022-02-02", "accepted_at": "2022-02-03"}
    shapes = [shapely.box(111.710, 27.250, 111.712, 27.252)]
    gpd.GeoDataFrame(rows, geometry=shapes, crs=4490).to_file(tmp_path / "claims.gpkg")
    assert tianzhang("import", "claims", "claims.gpkg").returncode == 0
    done = tianzhang("audit-pack", "--as-of", "2022-03-01", "--sample", 5, "--seed", 7, "-o", "pack.zip")
    assert done.returncode == 0, done.stderr
    shutil.unpack_archive(tmp_path / "pack.zip", tmp_path / "pack")
    tables = list((tmp_path / "pack").glob("*.csv"))
    assert len(tables) > 5
    for path in tables:
        are_text(path)
    are_text(tmp_path / "pack" / "history.csv", "=C1", "@a", "-b", "=c")


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_our_own_table_again_changes_nothing(tianzhang: Run, database: Database, tmp_path: Path, ending: str) -> None:
    names = dict(
        zip(SQUARES, ['=HYPERLINK("http://x")', "+1", "@SUM(A1)", "-2+3", "'=1+1", "'60年代新村"], strict=True)
    )
    with (tmp_path / "units.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("code", "name"), *((code, harmless(name)) for code, name in names.items())])
    done = tianzhang("import", "units", "units.csv")
    assert done.returncode == 0, done.stderr
    assert tianzhang("export", "progress", "-o", f"out.{ending}").returncode == 0
    are_text(tmp_path / f"out.{ending}", *names.values())
    again = tianzhang("import", "units", f"out.{ending}", "--map", "code=unit_code", "--map", "name=unit_name")
    assert "0 new, 0 changed, 6 unchanged" in again.stdout, again.stdout + again.stderr


TEXT = st.builds(
    str.__add__,
    st.sampled_from(["", "=", "+", "-", "@", "'", "''", "\t", "\r", "\n", " =", "'=", "''＋", "＝", "　-"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=30))
@example([("a\r=1+1", 'b",=1+1\n=2')])
def test_any_text_comes_back_as_it_was(rows: list[tuple[str, str]]) -> None:
    table = pd.DataFrame([("x", *row) for row in rows], columns=["filled", "=a", "b"])
    with tempfile.TemporaryDirectory() as folder:
        for name in ("t.csv", "t.xlsx"):
            path = Path(folder) / name
            write_table(table, path)
            are_text(path)
            back = read_table(path).frame
            assert list(back.columns) == ["filled", "=a", "b"]
            for wanted, found in zip(rows, back[["=a", "b"]].itertuples(index=False), strict=True):
                if path.suffix == ".csv":
                    assert tuple(found) == wanted
                else:  # Excel's files hold no control characters, and cells are read without white space around them
                    assert [plain(text) for text in found] == [plain(text) for text in wanted]


def plain(text: str) -> str:
    visible = "".join(letter if letter >= " " or letter in "\t\r\n" else chr(0x2400 + ord(letter)) for letter in text)
    return visible.replace("\r\n", "\n").replace("\r", "\n").strip()
