"""Tables in: CSV and XLSX as text exactly as it was typed, rows numbered as a person sees them."""

import codecs
import csv
import io
import re
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from geodata.cells import cell_of
from geodata.encodings import decode_utf16, decode_whole, encoding_of, take_marks, texts_of
from geodata.files import FILE_EMPTY, FILE_MISSING
from geodata.formulas import as_meant
from geodata.problems import Kind, Problem
from geodata.remarks import Remark

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

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
CSV_QUOTES = Kind(
    "csv_quotes",
    "{file} 第 {line} 行附近的引号没有成对，无法分清单元格。请改正后重新导出。",
    "Near line {line} of {file} quotation marks do not pair, so that its cells cannot be told apart. Correct it and export it "
    "again.",
)
CELLS_BEYOND = Kind(
    "cells_beyond_header",
    "这一行的单元格比表头多（多出“{text}”）：没有列名的内容不会读入，也可能是单元格错位。请核对。",
    "This row has more cells than the header (“{text}” is beyond it): what has no column's name is not read, or the cells have "
    "shifted. Check it.",
)
MERGED_ROWS = Kind(
    "merged_rows",
    "有跨行合并的单元格（{cells} 等）：只有第一行有值，其余各行为空。请取消合并并逐行填写。",
    "Cells are merged over several rows ({cells} …): only the first row has their value, the others are empty. Unmerge them "
    "and fill in each row.",
)


SHEETS_LEFT = Kind(
    "sheets_left_aside",
    "只读入了工作表“{sheet}”，其余有内容的工作表没有读入：{others}。要读另一个，请加 --layer 名称。",
    "Only the sheet “{sheet}” was read; others that have rows were not: {others}. To read another one add --layer NAME.",
)
ROWS_HIDDEN = Kind(
    "rows_hidden",
    "有 {count} 行是隐藏或被筛选掉的（第 {first} 行等），也读入了。请核对。",
    "{count} rows are hidden or filtered away (the first is row {first}), and were read too. Check them.",
)


@dataclass(frozen=True)
class Table:
    """A table's cells as text, "" where empty; the index "row" counts as the file does, the header being row 1.

    `shown` has what cells of whole numbers show by their number format, `kinds` which kind of value a cell holds ("text",
    "number", "date", "error"; the last also for a formula whose result the file does not hold). Both are like the frame, and
    None where every cell is text.
    """

    frame: pd.DataFrame
    shown: pd.DataFrame | None = None
    kinds: pd.DataFrame | None = None
    remarks: tuple[Remark, ...] = ()


def read_table(path: Path, *, sheet: str | None = None, encoding: str | None = None) -> Table:
    """The table in a CSV or XLSX file.

    Raises FILE_MISSING, FILE_EMPTY, OLD_EXCEL, NOT_A_TABLE, MERGED_HEADERS, BAD_HEADER, NO_ROWS, SHEET_UNKNOWN, and the
    Problems of :func:`geodata.encodings.encoding_of`.
    """
    path = Path(path)
    if not path.exists():
        raise Problem(FILE_MISSING, file=path)
    if path.stat().st_size == 0:
        raise Problem(FILE_EMPTY, file=path.name)
    if path.suffix.lower() == ".xls":
        raise Problem(OLD_EXCEL, file=path.name)
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _workbook(path, sheet)
    rows = _csv(path, encoding)
    frame = _frame(rows, path.name)
    beyond = _beyond(rows, frame, bad=True)  # a comma too many shifts what comes after it
    return Table(frame, remarks=(*take_marks(frame), *beyond))


def _beyond(rows: list[list[str]], frame: pd.DataFrame, *, bad: bool) -> list[Remark]:
    """The rows that have more than the header has names for."""
    more = ((number, "".join(row[frame.shape[1] :])) for number, row in enumerate(rows[1:], start=2))
    return [Remark(Problem(CELLS_BEYOND, text=text[:20]), number, bad=bad) for number, text in more if text]


def _frame(rows: list[list[str]], file: str) -> pd.DataFrame:
    """Rows of text as a frame with the columns that the first row names, without empty rows."""
    if not rows:
        raise Problem(NO_ROWS, file=file)
    header = [name.strip() for name in rows[0]]
    while header and header[-1] == "":
        header.pop()
    if "" in header or not header:
        raise Problem(
            BAD_HEADER,
            file=file,
            reason_zh="有一列没有名称",
            reason_en="a column has no name",
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        names = ", ".join(twice)
        raise Problem(
            BAD_HEADER,
            file=file,
            reason_zh=f"{names} 出现两次",
            reason_en=f"{names} stands there twice",
        )
    width = len(header)
    frame = pd.DataFrame([(row + [""] * width)[:width] for row in rows[1:]], columns=header, dtype=str)
    frame.index = pd.RangeIndex(2, len(frame) + 2, name="row")
    frame = frame[(frame != "").any(axis=1)].copy()
    if frame.empty:
        raise Problem(NO_ROWS, file=file)
    return frame


def _csv(path: Path, encoding: str | None) -> list[list[str]]:
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = decode_utf16(data, path.name)  # what Excel calls Unicode text
    else:
        if data.startswith(codecs.BOM_UTF8):
            data, encoding = data.removeprefix(codecs.BOM_UTF8), encoding or "utf-8"  # it declares itself
        text = decode_whole(data, encoding_of(texts_of(data), path.name, encoding))
    if "\0" in text:
        raise Problem(NOT_A_TABLE, file=path.name)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [[as_meant(cell) for cell in row] for row in reader]
    except csv.Error:  # also where a quotation mark that is not closed would make one cell of all that follows
        raise Problem(CSV_QUOTES, file=path.name, line=reader.line_num) from None


def _first_in_sight(pages: "list[Worksheet]") -> "Worksheet":
    """The first sheet that can be seen and has something in it; where there is none the first."""
    seen = [page for page in pages if page.sheet_state == "visible"]
    return next((page for page in seen if _count(page)), (seen or pages)[0])


def _left_aside(pages: "list[Worksheet]", read: "Worksheet", is_named: bool) -> list[Remark]:
    """What is told of the other sheets that have something in them, unless the one that was read was named."""
    others = [f"{page.title}（{_count(page)}）" for page in pages if page is not read and _count(page)]
    return [Remark(Problem(SHEETS_LEFT, sheet=read.title, others=", ".join(others)))] if others and not is_named else []


def _count(page: "Worksheet") -> int:
    """How many rows of a sheet have something in them."""
    return sum(any(cell not in (None, "") for cell in row) for row in page.iter_rows(values_only=True))


def _workbook(path: Path, sheet: str | None) -> Table:
    import openpyxl  # takes a fifth of a second to load, and few files are Excel's

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and checks that openpyxl does not know
        try:
            with zipfile.ZipFile(path) as archive:
                sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
                has_formulas = any(re.search(rb"<f[ >]", archive.read(name)) for name in sheets)
            book = openpyxl.load_workbook(path, data_only=True)  # not read-only: merged cells are to be seen
            formulas = openpyxl.load_workbook(path) if has_formulas else None
        except Exception:  # openpyxl's faults on damaged files are of many kinds
            raise Problem(NOT_A_TABLE, file=path.name) from None
    names = [page.title for page in book.worksheets]
    if sheet is not None and sheet not in names:
        raise Problem(
            SHEET_UNKNOWN,
            file=path.name,
            sheet=sheet,
            sheets=", ".join(names),
        )
    if not names:
        raise Problem(NO_ROWS, file=path.name)
    page = book[sheet] if sheet else _first_in_sight(book.worksheets)
    merged = [str(cells) for cells in page.merged_cells.ranges if cells.min_row == 1]
    if merged:
        raise Problem(MERGED_HEADERS, file=path.name, cells=", ".join(sorted(merged)))
    cells = [
        [cell_of(cell.value, cell.number_format, cell.data_type == "e") for cell in row] for row in page.iter_rows()
    ]
    for row, formed in zip(cells, formulas[page.title].iter_rows() if formulas else [], strict=False):
        for place, cell in enumerate(formed):
            if cell.data_type == "f" and not row[place].text:  # the file holds no result of it
                row[place] = cell_of(cell.value, "", is_error=True)
    texts = [[cell.text for cell in row] for row in cells]
    frame = _frame(texts, path.name)
    shown, kinds = (
        pd.DataFrame(
            [[getattr(cell, what) for cell in cells[int(row) - 1][: frame.shape[1]]] for row in frame.index],
            frame.index,
            frame.columns,
            dtype=str,
        )
        for what in ("shown", "kind")
    )
    remarks = [*_beyond(texts, frame, bad=False), *_left_aside(book.worksheets, page, sheet is not None)]
    hidden = [row for row in frame.index if page.row_dimensions[int(row)].hidden]
    if hidden:
        remarks.append(Remark(Problem(ROWS_HIDDEN, count=len(hidden), first=hidden[0])))
    if down := sorted(str(cells) for cells in page.merged_cells.ranges if cells.max_row > cells.min_row):
        remarks.append(Remark(Problem(MERGED_ROWS, cells=", ".join(down[:3]))))
    return Table(frame, shown, kinds, tuple(remarks))
