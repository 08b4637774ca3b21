"""Activation slips on paper: what a field chief is handed to sign in for the first time, eight on a page of A4."""

import os
import re
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from urllib.parse import quote

import segno
from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from geodata.problems import Problem
from geodata.sheet import asset
from geodata.writers import FOLDER_MISSING

rl_config.useA85 = 0  # streams as bytes, not as text: a fifth smaller, and quicker

_REGULAR, _BOLD = "NotoSansSC-Regular", "NotoSansSC-Bold"
_GREEN, _PALE, _GREY, _BLACK = map(HexColor, ("#124d36", "#e8f2ec", "#55605a", "#000000"))
_COLUMNS, _ROWS = 2, 4
_SIDE, _TOP, _FOOT = 8 * mm, 6 * mm, 9 * mm
_WIDTH, _HEIGHT = (A4[0] - 2 * _SIDE) / _COLUMNS, (A4[1] - _TOP - _FOOT) / _ROWS
_PAD, _QR = 4 * mm, 27 * mm
_INNER = _WIDTH - 2 * _PAD
_MISSING = "□"
_DARK = re.compile(b"\x01+")
_KEEP_TO_YOURSELF = "只供本人使用。任何人都不会向您要密码。"
_KEEP_TO_YOURSELF_EN = "Only for the person named. Nobody will ever ask for your password."


@dataclass(frozen=True)
class Slip:
    """What one person is handed. `place`: the units above and its own, such as 仙槎桥镇 清江村; `until`: the last day."""

    full_name: str
    account: str
    unit_name: str
    place: str
    duty: str
    code: str
    until: date


def write_slips(path: Path, title: str, address: str, slips: Sequence[Slip]) -> None:
    """Write slips as a PDF, whole or not at all, for nobody but its owner to read.

    `address`: that of the page to sign in at, which the QR codes open; empty: a line is left to write it on by hand.
    A character that the font lacks is shown as □, to be written in by hand. The same slips give the same bytes.
    Raises FOLDER_MISSING, NOT_BUILT.
    """
    if not path.parent.is_dir():
        raise Problem(FOLDER_MISSING, folder=path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent) as place:
        part = Path(place) / "slips.pdf"
        _write(part, title, address, slips)
        os.replace(part, path)


def write_village_slips(folder: Path, address: str, by_unit: Mapping[tuple[str, str], Sequence[Slip]]) -> list[Path]:
    """Write a PDF for each unit, which is given as its code and name, into a folder that is made where there is none.

    Nothing is moved into the folder before all of them are written. A unit without slips gets no file.
    Raises FOLDER_MISSING, where the folder is to be made in one that does not exist, and NOT_BUILT.
    """
    if not folder.parent.is_dir():
        raise Problem(FOLDER_MISSING, folder=folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        parts = []
        for (code, name), slips in by_unit.items():
            if slips:
                part = Path(place) / _file_name(code, name)
                _write(part, name, address, slips)
                parts.append(part)
        folder.mkdir(mode=0o700, exist_ok=True)
        return [part.replace(folder / part.name) for part in parts]


def _file_name(code: str, name: str) -> str:
    """A name that any file system takes: without slashes and signs, not hidden, not too long."""
    safe = re.sub(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff<>:"/\\|?*]+', "_", f"{code} {name}")
    return safe.lstrip(". ")[:60].rstrip(". ") + ".pdf"


def _write(path: Path, title: str, address: str, slips: Sequence[Slip]) -> None:
    address = address.strip().rstrip("/")
    _register_fonts()
    canvas = Canvas(str(path), pagesize=A4, invariant=1, initialFontName=_REGULAR, lang="zh-CN")
    canvas.setTitle(f"{_shown(title)} 田长账号启用单")
    canvas.beginForm("blank", 0, 0, _WIDTH, _HEIGHT)
    _draw_blank(canvas, _shown(title), address)
    canvas.endForm()
    on_page = _COLUMNS * _ROWS
    pages = -(-len(slips) // on_page)
    for page in range(pages):
        _draw_page(canvas, page + 1, pages)
        for place, slip in enumerate(slips[page * on_page : (page + 1) * on_page]):
            row, column = divmod(place, _COLUMNS)
            canvas.saveState()
            canvas.translate(_SIDE + column * _WIDTH, A4[1] - _TOP - (row + 1) * _HEIGHT)
            canvas.doForm("blank")
            _fill(canvas, slip, address)
            canvas.restoreState()
        canvas.showPage()
    canvas.save()
    path.chmod(0o600)  # whoever reads a slip can sign in as the person named


def _draw_page(canvas: Canvas, page: int, pages: int) -> None:
    """The lines to cut along, and the foot."""
    canvas.setStrokeColor(_GREY)
    canvas.setLineWidth(0.5)
    canvas.setDash(3, 3)
    left, right, top = _SIDE, A4[0] - _SIDE, A4[1] - _TOP
    canvas.grid(
        [left + column * _WIDTH for column in range(_COLUMNS + 1)], [top - row * _HEIGHT for row in range(_ROWS + 1)]
    )
    canvas.setDash()
    _text(
        canvas,
        left,
        5 * mm,
        f"沿虚线剪开，当面交给本人。{_KEEP_TO_YOURSELF} {_KEEP_TO_YOURSELF_EN}",
        _REGULAR,
        7.5,
        colour=_GREY,
    )
    canvas.drawRightString(right, 5 * mm, f"第 {page}/{pages} 页 page {page}/{pages}")


def _draw_blank(canvas: Canvas, title: str, address: str) -> None:
    """What is the same on every slip: drawn once in each file."""
    line = _from_top
    _text(canvas, _PAD, line(7), "田长", _BOLD, 15, colour=_GREEN)
    _text(canvas, _PAD + 13 * mm, line(7), "账号启用单 Activation slip", _REGULAR, 8, colour=_GREY)
    _text(canvas, _WIDTH - _PAD, line(7), title, _BOLD, 10, width=38 * mm, colour=_GREEN, align_right=True)
    canvas.setStrokeColor(_GREEN)
    canvas.setLineWidth(1)
    canvas.line(_PAD, line(8.7), _WIDTH - _PAD, line(8.7))
    _text(canvas, _PAD, line(27.8), "账号", _REGULAR, 10, colour=_GREY)
    canvas.setFillColor(_PALE)
    canvas.roundRect(_PAD, line(47), _INNER, 10 * mm, 1.5 * mm, stroke=0, fill=1)
    _text(canvas, _PAD + 2 * mm, line(43.5), "启用码", _REGULAR, 10, colour=_GREY)
    if address:
        first, english = f"① 用手机扫右上角的二维码，或打开 {_shown(address)}", "Scan the code or open the address"
    else:
        first, english = "① 用手机浏览器打开网址：", "Open the address"
        canvas.setStrokeColor(_GREY)
        canvas.setLineWidth(0.5)
        start = _PAD + pdfmetrics.stringWidth(first, _REGULAR, 9)
        canvas.line(start, line(51.8), _WIDTH - _PAD, line(51.8))
    _text(canvas, _PAD, line(51.2), first, _REGULAR, 9, width=_INNER)
    _text(canvas, _PAD, line(55.3), "② 核对账号和启用码，自己定一个密码", _REGULAR, 9)
    _text(canvas, _PAD, line(59.4), "③ 以后用账号和密码登录，这张单子撕掉", _REGULAR, 9)
    _text(canvas, _PAD, line(63.3), _KEEP_TO_YOURSELF, _BOLD, 8, colour=_GREEN)
    english = f"{english}, check account and code, choose a password."
    _text(canvas, _PAD, line(65.9), english, _REGULAR, 6, width=_INNER, colour=_GREY)
    _text(canvas, _PAD, line(68.2), f"Then tear up this slip. {_KEEP_TO_YOURSELF_EN}", _REGULAR, 6, colour=_GREY)


def _fill(canvas: Canvas, slip: Slip, address: str) -> None:
    line, width = _from_top, _INNER - (_QR + 1 * mm if address else 0)
    name, duty = _shown(slip.full_name), _shown(slip.duty)
    where = " ".join([*(word for word in slip.place.split() if word not in slip.unit_name), slip.unit_name])
    _text(canvas, _PAD, line(16), name, _BOLD, 18, width=width)
    left = pdfmetrics.stringWidth(name, _BOLD, 18) + 3 * mm
    if left < width - 10 * mm:
        _text(canvas, _PAD + left, line(16), duty, _REGULAR, 11, width=width - left)
    else:
        where = f"{where} {duty}"
    _text(canvas, _PAD, line(21.5), _shown(where), _REGULAR, 10, width=width)
    _text(canvas, _PAD + 9 * mm, line(27.8), _shown(slip.account), _BOLD, 16, width=width - 9 * mm)
    until = f"有效期至 {slip.until.year} 年 {slip.until.month} 月 {slip.until.day} 日"
    _text(canvas, _PAD, line(33.6), f"{until} valid until {slip.until}", _REGULAR, 9, width=width)
    _text(canvas, _PAD + 15 * mm, line(44.2), _shown(slip.code), _BOLD, 18, width=_INNER - 17 * mm)
    if address:
        _draw_qr(canvas, f"{address}/#activate={quote(slip.code)}&account={quote(slip.account, safe='')}")


def _draw_qr(canvas: Canvas, text: str) -> None:
    # Trying all eight masks for the handsomest takes five times as long, and a reader takes any.
    rows = segno.make(text, error="m", micro=False, mask=0).matrix
    squares = len(rows) + 8  # with the quiet zone of four on each side
    side = _QR / squares
    # One path of the rows' dark runs, in squares: an object for each would take longer than all the rest.
    runs = " ".join(
        f"{run.start() + 4} {squares - 5 - y} {run.end() - run.start()} 1 re"
        for y, row in enumerate(rows)
        for run in _DARK.finditer(bytes(row))
    )
    canvas.saveState()
    canvas.translate(_WIDTH - _PAD - _QR + 4 * side, _from_top(9.4) - _QR)
    canvas.scale(side, side)
    canvas.setFillColor(_BLACK)
    canvas.addLiteral(f"{runs} f")
    canvas.restoreState()


def _text(
    canvas: Canvas, x: float, y: float, text: str, font: str, size: float, *,
    width: float | None = None, colour: HexColor = _BLACK, align_right: bool = False,
) -> None:  # fmt: skip
    """A line of text, made smaller to fit a width; what would have to be smaller than 6 points ends in an ellipsis."""
    if width is not None:
        size = max(min(size, size * width / max(pdfmetrics.stringWidth(text, font, size), 1)), 6)
        if pdfmetrics.stringWidth(text, font, size) > width + 0.1:
            while text and pdfmetrics.stringWidth(text + "…", font, size) > width:
                text = text[:-1]
            text += "…"
    canvas.setFont(font, size)
    canvas.setFillColor(colour)
    (canvas.drawRightString if align_right else canvas.drawString)(x, y, text)


def _from_top(millimetres: float) -> float:
    return _HEIGHT - millimetres * mm


def _shown(text: str) -> str:
    """A text in characters that the font has. Marks without a shape of their own vanish, such as variation selectors."""
    glyphs = pdfmetrics.getFont(_BOLD).face.charToGlyph
    text = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(
        one if ord(one) in glyphs else "" if unicodedata.category(one) in ("Cc", "Cf", "Mn") else _MISSING
        for one in text
    )


@cache
def _register_fonts() -> None:
    for name in (_REGULAR, _BOLD):
        pdfmetrics.registerFont(TTFont(name, str(asset(f"fonts/{name}.ttf"))))
