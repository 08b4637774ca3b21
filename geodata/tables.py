"""Tables in: CSV and XLSX as text exactly as it was typed, rows numbered as a person sees them."""

import csv
import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from geodata.files import FILE_EMPTY, FILE_MISSING
from geodata.formulas import as_meant
from geodata.problems import Kind, Problem

OLD_EXCEL = Kind(
    "old_excel",
    "{file} 是旧版 Excel（.xls）。请另存为 .xlsx 再导入。",
    "{file} is in the old Excel format (.xls). Save it as .xlsx and import that.",
)
NOT_A_TABLE = Kind(
    "table_unreadable",
    "{file} 不是可读的表格（CSV 或 XLSX），或已损坏、加密。请重新导出。",
    "{file} is no readable table (CSV or XLSX), or is damaged or encrypted. Export it again.",
)
MERGED_HEADERS = Kind(
    "merged_headers",
    "{file} 的表头有合并单元格（{cells}）。请取消合并，让每一列在第 1 行有自己的名称。",
    "The header of {file} has merged cells ({cells}). Unmerge them, so that each column has its own name in row 1.",
)
BAD_HEADER = Kind(
    "bad_header",
    "{file} 第 1 行的表头不对：{reason_zh}。请改正。",
    "The header in row 1 of {file} is wrong: {reason_en}. Correct it.",
)
NO_ROWS = Kind(
    "no_rows",
    "{file} 没有数据行。请核对是否选对了文件、图层或工作表。",
    "{file} has no rows of data. Check that it is the file, layer or sheet that you mean.",
)
SHEET_UNKNOWN = Kind(
    "sheet_unknown",
    "{file} 中没有工作表 {sheet}。工作表有：{sheets}。",
    "{file} has no sheet {sheet}. It has: {sheets}.",
)


def read_table(path: Path, *, sheet: str | None = None, encoding: str | None = None) -> pd.DataFrame:
    """A table's cells as text, "" where empty; the index "row" counts as the file does, the header being row 1.

    Raises FILE_MISSING, FILE_EMPTY, OLD_EXCEL, NOT_A_TABLE, MERGED_HEADERS, BAD_HEADER, NO_ROWS, SHEET_UNKNOWN.
    """
    path = Path(path)
    if not path.exists():
        raise Problem(FILE_MISSING, file=path)
    if path.stat().st_size == 0:
        raise Problem(FILE_EMPTY, file=path.name)
    if path.suffix.lower() == ".xls":
        raise Problem(OLD_EXCEL, file=path.name)
    rows = _excel(path, sheet) if path.suffix.lower() in (".xlsx", ".xlsm") else _csv(path, encoding)
    if not rows:
        raise Problem(NO_ROWS, file=path.name)
    header = [name.strip() for name in rows[0]]
    while header and header[-1] == "":
        header.pop()
    if "" in header or not header:
        raise Problem(
            BAD_HEADER,
            file=path.name,
            reason_zh="有一列没有名称",
            reason_en="a column has no name",
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        names = ", ".join(twice)
        raise Problem(
            BAD_HEADER,
            file=path.name,
            reason_zh=f"{names} 出现两次",
            reason_en=f"{names} stands there twice",
        )
    width = len(header)
    frame = pd.DataFrame([(row + [""] * width)[:width] for row in rows[1:]], columns=header, dtype=str)
    frame.index = pd.RangeIndex(2, len(frame) + 2, name="row")
    frame = frame[(frame != "").any(axis=1)]
    if frame.empty:
        raise Problem(NO_ROWS, file=path.name)
    return frame


def _csv(path: Path, encoding: str | None) -> list[list[str]]:
    data = path.read_bytes()
    for name in [encoding] if encoding else ["utf-8-sig", "gb18030"]:
        try:
            text = data.decode(name)
            break
        except (UnicodeDecodeError, LookupError):
            continue
    else:
        raise Problem(NOT_A_TABLE, file=path.name)
    if "\0" in text:
        raise Problem(NOT_A_TABLE, file=path.name)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return [[as_meant(cell) for cell in row] for row in rows]
    except csv.Error:
        raise Problem(NOT_A_TABLE, file=path.name) from None


def _excel(path: Path, sheet: str | None) -> list[list[str]]:
    import openpyxl  # takes a fifth of a second to load, and few files are Excel's
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, data_only=True)  # not read-only: merged cells are to be seen
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
        raise Problem(NOT_A_TABLE, file=path.name) from None
    if sheet is not None and sheet not in book.sheetnames:
        raise Problem(
            SHEET_UNKNOWN,
            file=path.name,
            sheet=sheet,
            sheets=", ".join(book.sheetnames),
        )
    page = book[sheet] if sheet else book.worksheets[0]
    merged = [str(cells) for cells in page.merged_cells.ranges if cells.min_row == 1]
    if merged:
        raise Problem(MERGED_HEADERS, file=path.name, cells=", ".join(sorted(merged)))
    return [[_text(cell) for cell in row] for row in page.iter_rows(values_only=True)]


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return as_meant(str(cell)).strip()
