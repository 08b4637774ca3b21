"""Encodings of text: declared ones are checked against the bytes, undeclared ones found from them, cut characters told.

Text of fixed width is cut by bytes, so that a value may end within a character. That is no sign of another encoding: the
value is read without the half character, and whoever gave the file is told.
"""

import codecs
import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from geodata.problems import Kind, Problem
from geodata.remarks import Remark

WRONG_ENCODING = Kind(
    "wrong_encoding",
    "{file} 的文字不是所声明的 {declared} 编码，像是 {likely}。请加 --encoding {likely}。",
    "The text in {file} is not in the declared encoding {declared}; it looks like {likely}. Add --encoding {likely}.",
)
NO_ENCODING = Kind(
    "no_encoding",
    "{file} 的文字既不是 {tried} 编码，系统也认不出它是什么编码（如“{text}”）。请向数据提供者核实，或按 UTF-8 重新导出。",
    "The text in {file} is not in {tried}, and no encoding that is known here fits it (such as “{text}”). Ask who made the "
    "file, or export it again in UTF-8.",
)
DOUBTFUL_ENCODING = Kind(
    "doubtful_encoding",
    "{file} 没有声明文字编码，两种编码都读得通：UTF-8 读作“{utf8}”，GBK 读作“{gbk}”。请加 --encoding UTF-8 或 --encoding GBK。",
    "{file} declares no encoding, and its text can be read in two: “{utf8}” in UTF-8, “{gbk}” in GBK. Add --encoding UTF-8 or "
    "--encoding GBK.",
)
UNKNOWN_ENCODING = Kind(
    "unknown_encoding",
    "不认识编码“{name}”。请写 UTF-8、GBK 或 GB18030。",
    "The encoding “{name}” is unknown. Write UTF-8, GBK or GB18030.",
)
BROKEN_TEXT = Kind(
    "broken_text",
    "{file} 第 {line} 行的文字已损坏（UTF-16 不完整），有字符读不出来。请重新导出，或另存为 UTF-8。",
    "The text in line {line} of {file} is damaged (it is no whole UTF-16): a character cannot be read. Export it again, or save "
    "it in UTF-8.",
)
CHARACTER_CUT = Kind(
    "character_cut",
    "“{column}”的值在末尾的一个字符中间被截断（字段太短），已去掉这半个字符，读作“{text}”。请核对。",
    "The value of “{column}” was cut within its last character (the field was too short). It was read without that half "
    "character, as “{text}”. Check it.",
)

CUT = "\U0010fffd"
"""Stands in decoded text where a half character was, until :func:`take_marks`: the last sign of private use, in no text."""

_ASCII = bytes(range(0x20, 0x7F))
_CHINESE = re.compile("[\u3000-\u9fff]")
_TAIWANESE = ("big5", "cp950")  # whose text is Chinese in GBK too, and nonsense
_FEW = 3  # more different characters of GBK than these are by chance UTF-8 in one file of a thousand
_PIECE = re.compile(rb'[\x80-\xff][^"\t\r\n,;<>]*')  # these are no byte of a longer character, in UTF-8 or GB 18030


@dataclass(frozen=True)
class _Fit:
    """Texts as read in an encoding: how many are cut, and how many Chinese characters and different other ones they have."""

    cut: int
    chinese: int
    kinds: int
    sample: str


def codec_of(name: str) -> str | None:
    """The codec of an encoding as people, .cpg files and code pages name it, None where there is none.

    GBK and GB 2312 are read as GB 18030, of which they are a part.

    >>> codec_of("GBK"), codec_of("ANSI 936"), codec_of("65001"), codec_of("utf8"), codec_of("8859_1"), codec_of("Martian")
    ('gb18030', 'gb18030', 'utf-8', 'utf-8', 'iso8859-1', None)
    """
    text = name.strip().lower().removeprefix("ansi ").removeprefix("oem ").strip()
    if latin := re.fullmatch(r"(?:iso)?[ _-]?8859[ _-]?(\d+)", text):
        text = f"iso8859-{latin[1]}"
    elif text.isdigit():
        text = "utf-8" if text == "65001" else f"cp{text}"
    try:
        found = codecs.lookup(text).name
        if _ASCII.decode(found) != _ASCII.decode("ascii"):
            return None  # codecs of bytes, such as "hex"; UTF-16, which says so itself by its first bytes
    except (LookupError, TypeError, ValueError):
        return None
    return "gb18030" if found in ("gbk", "gb2312", "cp936") else found


def decode(data: bytes, codec: str) -> str:
    """Text that may end within a character: there stands CUT instead. Raises UnicodeDecodeError for other bytes.

    >>> decode("仙槎桥".encode("gbk")[:5], "gb18030").replace(CUT, "…")
    '仙槎…'
    """
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        decoder = codecs.getincrementaldecoder(codec)()
        text = decoder.decode(data)
        if not decoder.getstate()[0]:
            raise
        return text + CUT


def decode_utf16(data: bytes, file: str) -> str:
    """The text of a whole file that begins with a mark of UTF-16. Raises BROKEN_TEXT."""
    try:
        return data.decode("utf-16")
    except UnicodeDecodeError as error:
        line = data[: error.start].decode("utf-16", "ignore").count("\n") + 1
        raise Problem(BROKEN_TEXT, file=file, line=line) from None


def decode_whole(data: bytes, codec: str) -> str:
    """The text of a whole file, with CUT where a value in it ends within a character. Raises UnicodeDecodeError."""
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        places = [0, *(place for found in _PIECE.finditer(data) for place in found.span()), len(data)]
        return "".join(decode(data[start:end], codec) for start, end in pairwise(places))


def texts_of(data: bytes) -> set[bytes]:
    """The pieces of a whole file that begin with more than ASCII, by which its encoding is known."""
    return set(_PIECE.findall(data))


def encoding_of(texts: Collection[bytes], file: str, declared: str | None = None, hinted: str | None = None) -> str:
    """The codec of the encoding that texts are in.

    Parameters
    ----------
    texts : values of the file, as bytes
    declared : the encoding that the file or its reader names; it must fit
    hinted : the codec of a mark that is often wrong, such as a code page; it decides where the bytes leave it open

    In an encoding of one byte a letter any bytes are text: where most values are GB 2312 throughout, in which accents of
    Western text would have to stand in pairs, they are that.

    Raises UNKNOWN_ENCODING, WRONG_ENCODING, NO_ENCODING, DOUBTFUL_ENCODING.
    """
    codec = None if declared is None else codec_of(declared)
    if declared is not None and codec is None:
        raise Problem(UNKNOWN_ENCODING, name=declared)
    values = sorted({text for text in texts if not text.isascii()})
    if not values:
        return codec or "utf-8"
    utf8, gbk = _fit(values, "utf-8"), _fit(values, "gb18030")
    if utf8 is None and _is_mixed(values):
        raise Problem(NO_ENCODING, file=file, tried=declared or "UTF-8, GBK", text=_shown(values, "utf-8"))
    # By chance no text of another encoding is UTF-8 with several Chinese characters in it.
    surely_utf8 = utf8 is not None and utf8.chinese > max(utf8.cut, 1)
    if codec is not None:
        fits = utf8 if codec == "utf-8" else gbk if codec == "gb18030" else _fit(values, codec)
        western = codec not in ("utf-8", "gb18030") and not codec.startswith(_TAIWANESE)
        if fits is not None and (codec == "utf-8" or not surely_utf8) and not (western and _is_gb2312(values)):
            return codec
        likely = "UTF-8" if surely_utf8 else "GBK" if gbk is not None and codec != "gb18030" else None
        if likely is None:
            raise Problem(NO_ENCODING, file=file, tried=declared, text=_shown(values, codec))
        raise Problem(WRONG_ENCODING, file=file, declared=declared, likely=likely)
    if surely_utf8 or (utf8 is not None and gbk is None):
        return "utf-8"
    if hinted is not None and utf8 is None and not _is_gb2312(values) and _fit(values, hinted) is not None:
        return hinted
    if gbk is not None and (utf8 is None or hinted == "gb18030"):
        return "gb18030"
    if utf8 is None or gbk is None:
        raise Problem(NO_ENCODING, file=file, tried="UTF-8, GBK", text=_shown(values, "utf-8"))
    if utf8.cut != gbk.cut:
        return "utf-8" if utf8.cut < gbk.cut else "gb18030"
    if utf8.chinese or utf8.kinds > _FEW:
        return "utf-8"
    raise Problem(DOUBTFUL_ENCODING, file=file, utf8=utf8.sample, gbk=gbk.sample)


def take_marks(frame: pd.DataFrame) -> list[Remark]:
    """Take CUT from a frame's text, in place; a remark for each value that had it."""
    remarks = []
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        if not (pd.api.types.is_string_dtype(column) or column.dtype == object):
            continue
        text = column.astype("string")
        cut = text.str.contains(CUT, regex=False).fillna(False).astype(bool)
        if cut.any():
            whole = text.str.replace(CUT, "", regex=False)
            frame.isetitem(place, whole.astype(object).where(text.notna(), None).to_numpy())
            remarks += [
                Remark(Problem(CHARACTER_CUT, column=name, text=value), int(str(row)), str(name))
                for row, value in whole[cut].items()
            ]
    return remarks


def _fit(values: list[bytes], codec: str) -> _Fit | None:
    """How well an encoding fits, None where it does not."""
    try:
        texts = [b"\n".join(values).decode(codec)]
    except UnicodeDecodeError:
        try:
            texts = [decode(value, codec) for value in values]
        except UnicodeDecodeError:
            return None
    text = "\n".join(texts)
    others = {sign for sign in text if sign > "\x7f" and sign != CUT}
    if not others:
        return None  # half characters alone speak for no encoding
    sample = next(one for one in text.split("\n") if one)
    return _Fit(text.count(CUT), len(_CHINESE.findall(text)), len(others), sample.replace(CUT, "…")[:20])


def _is_gb2312(values: list[bytes]) -> bool:
    """Whether more than half of the values are GB 2312 throughout."""
    count = 0
    for value in values:
        try:
            value.decode("gb2312")
        except UnicodeDecodeError:
            continue
        count += 1
    return count * 2 > len(values)


def _is_mixed(values: list[bytes]) -> bool:
    """Whether values that are not all UTF-8 are so in more than one of a hundred: another encoding gives them nonsense."""
    count = 0
    for value in values:
        try:
            count += len(_CHINESE.findall(value.decode("utf-8"))) > 1
        except UnicodeDecodeError:
            continue
    return count * 100 > len(values)


def _shown(values: list[bytes], codec: str) -> str:
    """The first value that an encoding does not fit, as far as it can be shown."""
    for value in values:
        try:
            decode(value, codec)
        except UnicodeDecodeError:
            return value.decode(codec, "replace")[:20]
    return values[0].decode(codec, "replace")[:20]
