"""Cells of workbooks: what one holds as text, what it shows where its number is a code, and which kind of value it is."""

import re
from datetime import date, datetime, time
from typing import Any, Literal, NamedTuple

from geodata.formulas import as_meant

CellKind = Literal["text", "number", "date", "error"]

_PART = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[[^\]]*\]|([0#?])|([ ()+\-/:])|(.)', re.DOTALL)


class Cell(NamedTuple):
    """A cell: its value as text, what it shows where it is a whole number, and which kind of value it holds."""

    text: str
    shown: str
    kind: CellKind


def cell_of(value: Any, number_format: str, is_error: bool) -> Cell:
    """A workbook's cell, as openpyxl gives it. White space around text does not count."""
    if is_error:
        return Cell(str(value), str(value), "error")
    if value is None:
        return Cell("", "", "text")
    if isinstance(value, datetime):
        day = value.date().isoformat() if value.time() == time.min else value.isoformat()
        return Cell(day, day, "date")
    if isinstance(value, (date, time)):
        return Cell(value.isoformat(), value.isoformat(), "date")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if isinstance(value, float) and not value.is_integer():
            return Cell(str(value), str(value), "number")
        whole = str(int(value))
        return Cell(whole, whole if value < 0 else shown_code(whole, number_format), "number")
    text = as_meant(str(value)).strip()
    return Cell(text, text, "text")


def shown_code(digits: str, number_format: str) -> str:
    """What a cell with a whole number shows, where its number format makes a code of it; else the digits.

    >>> shown_code("7", "0000"), shown_code("1234567", "000-0000"), shown_code("7", '"T"00'), shown_code("7", "General")
    ('0007', '123-4567', 'T07', '7')
    >>> shown_code("1234", "#,##0"), shown_code("7", "0.00"), shown_code("7", "0_ ;[Red]-0"), shown_code("7", "@")
    ('1234', '7', '7', '7')
    """
    tokens: list[tuple[bool, str]] = []  # whether it stands for a digit, and the sign
    for quoted, escaped, placeholder, literal, other in _PART.findall(number_format.split(";")[0]):
        if other:
            return digits  # decimals, thousands, percent, exponents, dates, text: no code
        if placeholder or quoted or escaped or literal:
            tokens.append((bool(placeholder), placeholder or quoted or escaped or literal))
    if not any(is_digit for is_digit, _ in tokens):
        return digits
    left, shown = digits, ""
    first = next(place for place, (is_digit, _) in enumerate(tokens) if is_digit)
    for place in range(len(tokens) - 1, -1, -1):
        is_digit, sign = tokens[place]
        if not is_digit:
            shown = sign + shown
        elif left:
            cut = 0 if place == first else len(left) - 1
            left, shown = left[:cut], left[cut:] + shown
        elif sign == "0":
            shown = "0" + shown
    return shown.strip()
