"""Numbers that stand for something, such as a unit's code: as they were written, or not at all.

Spreadsheets and columns of real numbers keep 15 digits. A longer code that came through one is another code, one that nobody
wrote; so is one that a spreadsheet made a day of, or that lost what stood behind its point.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from farmland.records.texts import UNSEEN
from geodata.problems import Kind, Problem
from geodata.remarks import Remark

CODE_COLUMN_INEXACT = Kind(
    "code_column_inexact",
    "{file} 的“{column}”字段（{field}）是实数类型，只能准确保存 {digits} 位数字，而其中有更长的编号（如第 {row} 行 {text}）："
    "末几位已不是原来的数字。请把该字段改为文本后重新导出。",
    "The column “{column}” ({field}) of {file} holds real numbers, which keep {digits} digits, and has longer codes (such as "
    "{text} in row {row}): their last digits are not those that were written. Export it again with that column as text.",
)
CODE_INEXACT = Kind(
    "code_inexact",
    "“{column}”的编号 {text} 存成了数值，而表格的数值只保留 15 位：末几位已不是原来的数字。请把该列设为文本，重新填写后再导入。",
    "The code {text} in “{column}” was kept as a number, of which a spreadsheet keeps 15 digits: its last digits are not those "
    "that were written. Make the column text, write the codes again and import that.",
)
CODE_FRACTION = Kind(
    "code_fraction",
    "“{column}”的编号 {text} 存成了带小数的数值，末尾的 0 可能已丢失。请把该列设为文本，重新填写后再导入。",
    "The code {text} in “{column}” was kept as a number with a fraction, which may have lost a 0 at its end. Make the column "
    "text, write the codes again and import that.",
)
CODE_IS_DAY = Kind(
    "code_is_day",
    "“{column}”的编号被表格软件变成了日期（{text}）。请把该列设为文本，重新填写后再导入。",
    "A spreadsheet made a day ({text}) of the code in “{column}”. Make the column text, write the codes again and import that.",
)
CELL_AT_FAULT = Kind(
    "cell_at_fault",
    "“{column}”的单元格没有值，只有公式或公式的错误（{text}）。请用 Excel 或 WPS 打开、改正并保存后再导入。",
    "The cell of “{column}” has no value but a formula or its error ({text}). Open the file in Excel or WPS, correct and save "
    "it, then import it.",
)

CODE_COLUMN_KIND = Kind(
    "code_column_kind",
    "{file} 的“{column}”字段（{field}）是日期、时间或真假类型，不是编号：原来写的是什么已无从得知。"
    "请把该字段改为文本后重新导出。",
    "The column “{column}” ({field}) of {file} holds days, times or truth values, and no codes: what was written cannot be known "
    "any more. Export it again with that column as text.",
)
CODES_CLEANED = Kind(
    "codes_cleaned",
    "“{column}”有 {count} 个编号含看不见的字符、全角字符或多余空格，按看到的样子读入（如第 {row} 行读作“{text}”）。请核对。",
    "{count} codes in “{column}” have signs that nobody sees, wide letters or white space within; they were read as they look "
    "(row {row} as “{text}”). Check them.",
)

CODES = frozenset({"code", "number", "unit_code", "plot_number", "target_code", "land_class", "restoration", "phone"})
"""Fields whose digits stand for something and are no quantity; besides these, all that end in one of `CODE_ENDINGS`."""
CODE_ENDINGS = ("_by_unit", "_device", "_household")
_NO_CODES = ("boolean", "date", "datetime", "datetime64", "time", "timedelta", "timedelta64", "period")
_PLAIN = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_DIGITS = {2: 3, 4: 7, 8: 15}  # that a real number of so many bytes keeps for sure
_EXPONENT = r"\d(?:\.\d+)?[Ee]\+\d+"  # as spreadsheets write long numbers


def is_code(field: str) -> bool:
    return field in CODES or field.endswith(CODE_ENDINGS)


def clean_codes(frame: pd.DataFrame, columns: dict[str, str]) -> tuple[pd.DataFrame, list[Remark]]:
    """The frame with the texts of code fields as they look: without signs that nobody sees, wide letters and signs as plain
    ones, white space within as one space; CODES_CLEANED tells of it.
    """
    remarks = []
    for field, column in columns.items():
        values = frame[column]
        if not is_code(field) or not (pd.api.types.is_string_dtype(values) or values.dtype == object):
            continue
        text = values.astype("string")
        clean = (
            text.str.replace(f"[{UNSEEN}]", "", regex=True).str.translate(_PLAIN).str.replace(r"\s+", " ", regex=True)
        )
        other = (clean.str.strip() != text.str.strip()).fillna(False).to_numpy(dtype=bool)
        if other.any():
            row = int(np.flatnonzero(other)[0])
            facts = {"count": int(other.sum()), "row": values.index[row], "text": clean.iloc[row].strip()}
            remarks.append(Remark(Problem(CODES_CLEANED, column=column, **facts), 0, column))
            frame = frame.assign(**{column: clean.astype(object).where(text.notna(), None)})
    return frame, remarks


def code_remarks(frame: pd.DataFrame, columns: dict[str, str], file: str, kinds: pd.DataFrame | None) -> list[Remark]:
    """The values of fields that are no longer what was written, each bad.

    Parameters
    ----------
    columns : the column of each field
    kinds : which kind of value each cell of a table holds (see :class:`geodata.tables.Table`), None where all are as typed

    Kinds: CODE_INEXACT, CODE_FRACTION, CODE_IS_DAY, CELL_AT_FAULT. Raises CODE_COLUMN_INEXACT for a column of real numbers.
    """
    remarks: list[Remark] = []
    for field, column in columns.items():
        values = frame[column]
        if is_code(field) and pd.api.types.infer_dtype(values, skipna=True) in _NO_CODES:
            raise Problem(CODE_COLUMN_KIND, file=file, column=column, field=field)
        if kinds is not None:
            remarks += _bad(CELL_AT_FAULT, values[kinds[column] == "error"])
        if not is_code(field):
            continue
        if pd.api.types.is_float_dtype(values):
            remarks += _of_reals(values, field, file)
            continue
        if not (pd.api.types.is_string_dtype(values) or values.dtype == object):
            continue
        text = values.astype("string").fillna("").str.strip()
        remarks += _bad(CODE_INEXACT, text[text.str.fullmatch(_EXPONENT)])
        if kinds is not None:
            numbers = text[kinds[column] == "number"]
            fraction = numbers.str.contains(".", regex=False)
            long = numbers.str.fullmatch(r"-?\d{16,}")
            remarks += [*_bad(CODE_FRACTION, numbers[fraction]), *_bad(CODE_INEXACT, numbers[long])]
            remarks += _bad(CODE_IS_DAY, text[kinds[column] == "date"])
    return remarks


def _of_reals(values: pd.Series, field: str, file: str) -> list[Remark]:
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    digits = _DIGITS[np.asarray(values).dtype.itemsize]
    long = np.flatnonzero(np.abs(numbers) >= 10.0**digits)
    if len(long):
        text = f"{numbers[long[0]]:.0f}"
        row = values.index[long[0]]
        raise Problem(
            CODE_COLUMN_INEXACT, file=file, column=values.name, field=field, digits=digits, row=row, text=text
        )
    return list(_bad(CODE_FRACTION, values[np.isfinite(numbers) & (numbers % 1 != 0)]))


def _bad(kind: Kind, values: pd.Series) -> Iterator[Remark]:
    for row, value in values.items():
        yield Remark(Problem(kind, column=values.name, text=value), int(str(row)), str(values.name), bad=True)
