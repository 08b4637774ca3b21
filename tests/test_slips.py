"""Activation slips on paper: what is on a page, what its QR codes open, where long and rare names go, which files are written."""

import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pypdf
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont
from pypdf.generic import ContentStream
from segno.encoder import DataOverflowError

from farmland.accounts.slips import Slip, write_slips, write_village_slips
from geodata.problems import Problem
from geodata.sheet import asset

ADDRESS = "https://tianzhang.example.cn"
CHEN = Slip("陈国强", "chenguoqiang", "清江村", "仙槎桥镇 清江村", "村级田长", "7K3M-Q9TX-2BDZ-08HN", date(2022, 5, 31))
OUYANG = replace(
    CHEN, full_name="欧阳小芳", account="ouyangxf", unit_name="清江村三组", duty="组级田长", code="0000-1111-AAAA-ZZZZ"
)
A4 = (210 / 25.4 * 72, 297 / 25.4 * 72)


def written(folder: Path, *slips: Slip, title: str = "邵东市 清江村", address: str = ADDRESS) -> pypdf.PdfReader:
    path = folder / "slips.pdf"
    write_slips(path, title, address, slips)
    return pypdf.PdfReader(path)


def codes_drawn(page: pypdf.PageObject) -> Iterator[tuple[float, list[list[int]]]]:
    """The QR codes of a page: how large a square is, in points, and the squares, without the quiet zone of four around them."""
    scale = [1.0]
    squares: set[tuple[int, int]] = set()
    for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
        if operator == b"q":
            scale.append(scale[-1])
        elif operator == b"Q":
            scale.pop()
        elif operator == b"cm":
            assert (operands[0], operands[1], operands[2]) == (operands[3], 0, 0), "not turned, and as wide as high"
            scale[-1] *= float(operands[0])
        elif operator == b"re":
            x, y, width, height = map(int, operands)
            assert height == 1
            squares |= {(x + step, y) for step in range(width)}
        elif operator == b"f":
            side = max(y for _, y in squares) + 1
            assert min(x for x, _ in squares) == min(y for _, y in squares) == 4
            yield scale[-1], [[int((x, y) in squares) for x in range(4, side)] for y in range(side - 1, 3, -1)]
            squares = set()


def is_code_of(drawn: list[list[int]], text: str) -> bool:
    made = (segno.make(text, error="m", micro=False, mask=mask) for mask in range(8))
    return any([list(row) for row in code.matrix] == drawn for code in made)


def test_a_page_holds_eight_and_says_all_that_is_needed(tmp_path: Path) -> None:
    pages = written(tmp_path, *[CHEN, OUYANG] * 4, OUYANG).pages
    assert len(pages) == 2
    assert [float(side) for side in pages[0].mediabox[2:]] == pytest.approx(A4, abs=0.1)
    first, last = (page.extract_text() for page in pages)
    for text in ("陈国强", "村级田长", "仙槎桥镇 清江村", "chenguoqiang", CHEN.code, "清江村三组"):
        assert first.count(text) >= 4
    assert first.count("有效期至 2022 年 5 月 31 日 valid until 2022-05-31") == 8
    assert last.count("欧阳小芳") == 1
    assert "陈国强" not in last
    for text in ("田长", "邵东市 清江村", "① ", "② ", "③ ", ADDRESS, "任何人都不会向您要密码", "Nobody will ever ask"):
        assert text in last
    assert "第 1/2 页 page 1/2" in first
    assert "第 2/2 页 page 2/2" in last


def test_each_qr_code_opens_the_page_with_its_own_account_and_code(tmp_path: Path) -> None:
    li = replace(CHEN, account="李四 & co", code="ABCD-EFGH-JKMN-PQRS")
    (page,) = written(tmp_path, CHEN, OUYANG, li, address=f"{ADDRESS}/").pages
    expected = [
        f"{ADDRESS}/#activate=7K3M-Q9TX-2BDZ-08HN&account=chenguoqiang",
        f"{ADDRESS}/#activate=0000-1111-AAAA-ZZZZ&account=ouyangxf",
        f"{ADDRESS}/#activate=ABCD-EFGH-JKMN-PQRS&account=%E6%9D%8E%E5%9B%9B%20%26%20co",
    ]
    for (side, drawn), text in zip(codes_drawn(page), expected, strict=True):
        assert is_code_of(drawn, text)
        assert side * (len(drawn) + 8) == pytest.approx(27 / 25.4 * 72, rel=1e-3)
        assert side / 72 * 25.4 > 0.4, "millimetres that a cheap telephone can still tell apart"


def test_without_an_address_a_line_is_left_to_write_it_on(tmp_path: Path) -> None:
    (page,) = written(tmp_path, CHEN, address="").pages
    text = page.extract_text()
    assert "打开网址：" in text
    assert "二维码" not in text
    assert "http" not in text
    assert not list(codes_drawn(page))


def test_what_the_font_lacks_is_left_to_be_written_in(tmp_path: Path) -> None:
    odd = replace(CHEN, full_name="龘𠮷\U0001f33e", unit_name="葛\U000e0100村\ud800\x00", place=" 仙槎桥镇 \t\n 葛村 ")
    text = written(tmp_path, odd).pages[0].extract_text()
    assert "龘□□" in text
    assert "葛村□" in text


LONG = "火厂坪镇青山社区居民委员会第十七村民小组（原老屋院子）"


@pytest.mark.parametrize("address", [ADDRESS, "", f"{ADDRESS}/{'farmland/' * 20}"], ids=["address", "none", "long"])
@pytest.mark.parametrize(
    "slip",
    [
        replace(CHEN, unit_name=LONG, place="火厂坪镇 青山社区居民委员会"),
        replace(CHEN, full_name="阿依古丽·买买提艾力·阿卜杜热合曼", account="ayiguli.maimaitiaili.abudurehemanjiang"),
        replace(
            CHEN, full_name="陈" * 80, account="a" * 200, unit_name=LONG * 3, place=LONG, duty="村级副田长兼网格员" * 9
        ),
    ],
    ids=["unit", "person", "all"],
)
def test_long_names_stay_within_their_slip(tmp_path: Path, slip: Slip, address: str) -> None:
    (page,) = written(tmp_path, slip, title=LONG * 2, address=address).pages
    font = ImageFont.truetype(str(asset("fonts/NotoSansSC-Bold.ttf")), 100)  # no narrower than Regular
    lines: list[tuple[str, float, float]] = []

    def see(text: str, cm: list[float], tm: list[float], _: object, size: float) -> None:
        if text.strip():
            lines.append((text.strip(), cm[4] + cm[0] * tm[4], size))

    page.extract_text(visitor_text=see)
    assert len(lines) > 10
    middle = A4[0] / 2
    for text, left, size in lines:
        if left < middle and "沿虚线剪开" not in text:
            assert left + font.getlength(text) / 100 * size < middle + 1, text


def test_it_is_for_its_owner_to_read_and_the_same_each_time(tmp_path: Path) -> None:
    path, again = tmp_path / "one.pdf", tmp_path / "two.pdf"
    path.write_bytes(b"what was there before")
    for one in (path, again):
        write_slips(one, "清江村", ADDRESS, [CHEN])
    assert path.read_bytes() == again.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["one.pdf", "two.pdf"]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "slips.pdf"
    path.write_bytes(b"what was there before")
    endless = replace(CHEN, account="a" * 4000)  # more than any QR code holds
    with pytest.raises(DataOverflowError):
        write_slips(path, "清江村", ADDRESS, [CHEN, endless])
    with pytest.raises(DataOverflowError):
        write_village_slips(tmp_path / "all", ADDRESS, {("430582101001", "清江村"): [CHEN], ("2", "江边村"): [endless]})
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("slips.pdf", b"what was there before")]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    for write in (
        lambda: write_slips(tmp_path / "no" / "slips.pdf", "清江村", ADDRESS, [CHEN]),
        lambda: write_village_slips(tmp_path / "no" / "slips", ADDRESS, {("430582101001", "清江村"): [CHEN]}),
    ):
        with pytest.raises(Problem, match="folder_missing"):
            write()


def test_one_file_for_each_village(tmp_path: Path) -> None:
    folder = tmp_path / "slips"
    by_unit = {
        ("430582101001", "清江村"): [CHEN, OUYANG],
        ("430582101002", "空村"): [],
        ("430582101003", "../../江/边\\村:*?\x00\n"): [CHEN],
        ("430582101004", "村" * 300): [CHEN] * 9,
    }
    paths = write_village_slips(folder, ADDRESS, by_unit)
    assert [path.name for path in paths] == [
        "430582101001 清江村.pdf",
        "430582101003 .._.._江_边_村_.pdf",
        f"430582101004 {'村' * 47}.pdf",
    ]
    assert sorted(folder.iterdir()) == sorted(paths)
    assert [len(pypdf.PdfReader(path).pages) for path in paths] == [1, 1, 2]
    assert "欧阳小芳" in pypdf.PdfReader(paths[0]).pages[0].extract_text()
    assert [one.name for one in tmp_path.iterdir()] == ["slips"]

    (folder / "notes.txt").write_text("the bureau's own")
    assert write_village_slips(folder, ADDRESS, {("430582101001", "清江村"): [CHEN]}) == paths[:1]
    assert "欧阳小芳" not in pypdf.PdfReader(paths[0]).pages[0].extract_text()
    assert len(list(folder.iterdir())) == 4


TEXT = st.text(st.characters(), max_size=30)


@settings(max_examples=25, deadline=None)
@given(st.builds(replace, st.just(CHEN), full_name=TEXT, unit_name=TEXT, place=TEXT, duty=TEXT), TEXT)
def test_any_text_is_taken(slip: Slip, name: str) -> None:
    with TemporaryDirectory() as place:
        folder = Path(place) / "slips"
        (path,) = write_village_slips(folder, ADDRESS, {("430582101001", name): [slip]})
        assert path.parent == folder
        assert path.name.startswith("430582101001")
        assert CHEN.code in pypdf.PdfReader(path).pages[0].extract_text()
