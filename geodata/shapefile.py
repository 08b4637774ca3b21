"""What GDAL does not tell of a shapefile: parts that are missing or cut off, records that are not read, text as its bytes are.

GDAL reads as many rows as the shorter of .shx and .dbf has, skips records that are marked deleted, takes a number that did
not fit its column for none, and one of 19 digits and more for a real number.
"""

import struct
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from geodata.attributes import decode_columns, values_of
from geodata.datasets import Dataset
from geodata.encodings import CUT, codec_of, decode, encoding_of
from geodata.problems import Kind, Problem
from geodata.remarks import Remark

PART_MISSING = Kind(
    "shapefile_part_missing",
    "shapefile {file} 缺少 {missing} 文件。请把同名的 .shp、.shx、.dbf、.prj 一起提供。",
    "The shapefile {file} lacks its {missing} file. Give .shp, .shx, .dbf and .prj of the same name together.",
)
CUT_OFF = Kind(
    "shapefile_cut_off",
    "{file} 的 {part} 文件不完整：文件头写明 {expected} 字节，实际只有 {size} 字节。请重新复制或导出。",
    "The {part} of {file} is cut off: its header names {expected} bytes, and it has {size}. Copy or export it again.",
)
RECORDS_DIFFER = Kind(
    "records_differ",
    "{file} 有 {shapes} 个图形，却有 {records} 条属性记录，无法确定哪条属于哪个图形。请重新导出 shapefile。",
    "{file} has {shapes} shapes and {records} records, so that it is not known which belong together. Export the shapefile "
    "again.",
)
SHAPES_NOT_INDEXED = Kind(
    "shapes_not_indexed",
    "{file} 的 .shx 索引和属性记录只有 {shapes} 个，而 .shp 里还有更多图形。请重新导出 shapefile。",
    "The .shx and the records of {file} know {shapes} shapes, and its .shp has more. Export the shapefile again.",
)
RECORDS_DELETED = Kind(
    "records_deleted",
    "{count} 条记录带有删除标记，没有读入（原第 {first} 条等）；行号不计这些记录。",
    "{count} records are marked as deleted and were not read (the first is record {first}); the numbers of rows do not count "
    "them.",
)
NUMBERS_STARRED = Kind(
    "numbers_starred",
    "“{column}”有 {count} 行（第 {first} 行等）只有星号，没有数值：或为空值，或是数值超出字段宽度而丢失。请核对。",
    "In “{column}” {count} rows (the first is row {first}) hold asterisks and no number: it was empty, or did not fit its "
    "column and is lost. Check it.",
)

_PARTS = (".shp", ".shx", ".dbf")
_HEADER = 100  # bytes, of .shp and .shx
_CODE_PAGES = {
    0x4D: "gb18030",
    0x7A: "gb18030",
    0x4F: "cp950",
    0x78: "cp950",
}  # of the .dbf's mark, which is often wrong
_EXACT_WIDTH = 18  # digits; GDAL reads longer whole numbers as real ones


@dataclass(frozen=True)
class _Field:
    name: bytes
    kind: bytes
    start: int
    width: int
    decimals: int


@dataclass(frozen=True)
class Records:
    """A .dbf: its fields, its records as bytes, shape (n, length), and the codec that its mark names."""

    fields: tuple[_Field, ...]
    rows: NDArray[np.uint8]
    code_page: str | None

    @property
    def deleted(self) -> NDArray[np.bool_]:
        return self.rows[:, 0] == ord("*")

    def block(self, field: _Field) -> NDArray[np.uint8]:
        """The bytes of a field in the records that are not deleted."""
        return self.rows[~self.deleted, field.start : field.start + field.width]


def require_whole(dataset: Dataset) -> Records:
    """The records of a shapefile of which nothing is missing. Raises PART_MISSING, CUT_OFF, RECORDS_DIFFER,
    SHAPES_NOT_INDEXED.
    """
    file = dataset.path.name
    parts = {ending: dataset.beside(ending) for ending in _PARTS}
    missing = [ending for ending, name in parts.items() if name is None]
    if missing:
        raise Problem(PART_MISSING, file=file, missing=", ".join(missing))
    sizes = {ending: dataset.size(str(name)) for ending, name in parts.items()}
    for ending in (".shp", ".shx"):
        head = dataset.read(str(parts[ending]), _HEADER)
        expected = struct.unpack_from(">i", head, 24)[0] * 2 if len(head) == _HEADER else _HEADER
        if sizes[ending] < expected:
            raise Problem(CUT_OFF, file=file, part=ending, expected=expected, size=sizes[ending])
    records = _records(dataset.read(str(parts[".dbf"])), file)
    shapes = (sizes[".shx"] - _HEADER) // 8
    if shapes != len(records.rows):
        raise Problem(RECORDS_DIFFER, file=file, shapes=shapes, records=len(records.rows))
    index = np.frombuffer(dataset.read(str(parts[".shx"])), ">i4", shapes * 2, _HEADER).reshape(-1, 2).astype(np.int64)
    end = int((index.sum(axis=1) + 4).max()) * 2 if shapes else _HEADER  # places and lengths are in words of two bytes
    if _HEADER <= end <= sizes[".shp"] - 8:
        (number,) = struct.unpack_from(">i", dataset.read(str(parts[".shp"]), end + 4), end)
        if number == shapes + 1:  # and not what an editor left behind the last shape
            raise Problem(SHAPES_NOT_INDEXED, file=file, shapes=shapes)
    return records


def _records(data: bytes, file: str) -> Records:
    if len(data) < 33:
        raise Problem(CUT_OFF, file=file, part=".dbf", expected=33, size=len(data))
    count, begin, length = struct.unpack_from("<IHH", data, 4)
    if len(data) < begin + count * length:
        raise Problem(CUT_OFF, file=file, part=".dbf", expected=begin + count * length, size=len(data))
    fields, start = [], 1
    for place in range(32, begin - 1, 32):
        if data[place] == 0x0D:
            break
        name, kind, width, decimals = struct.unpack_from("<11sc4xBB", data, place)
        if kind == b"C":  # the decimals of text are the upper half of its width
            width, decimals = width + 256 * decimals, 0
        fields.append(_Field(name.partition(b"\0")[0].rstrip(b" "), kind, start, width, decimals))
        start += width
    rows = np.frombuffer(data, np.uint8, count * length, begin).reshape(count, length)
    return Records(tuple(fields), rows, _CODE_PAGES.get(data[29]))


def complete(
    table: pa.Table, records: Records, dataset: Dataset, encoding: str | None
) -> tuple[pa.Table, list[Remark]]:
    """The columns that GDAL read as ISO 8859-1, as they are meant, and what is to be told of the rows (from 1).

    A column's name that was cut within a character ends in CUT.

    The encoding is the named or declared one, else found from the bytes. Raises RECORDS_DIFFER and the Problems of
    :func:`geodata.encodings.encoding_of`.
    """
    file = dataset.path.name
    alive = int((~records.deleted).sum())
    if table.num_rows != alive:
        raise Problem(RECORDS_DIFFER, file=file, shapes=table.num_rows, records=alive)
    remarks = []
    if alive < len(records.rows):
        gone = np.flatnonzero(records.deleted)
        remarks.append(Remark(Problem(RECORDS_DELETED, count=len(gone), first=gone[0] + 1)))
    raw_names = [_latin(name) for name in table.column_names]
    field_of = {field.name: field for field in reversed(records.fields)}
    texts, starred = [], []
    for place, raw in enumerate(raw_names):
        field = field_of.get(raw)
        column = table.column(place)
        if pa.types.is_string(column.type):
            if not pc.all(pc.string_is_ascii(column)).as_py():
                texts.append(place)
        elif field is not None and field.kind in (b"N", b"F"):
            block = records.block(field)
            if len(rows := np.flatnonzero((block == ord("*")).any(axis=1))):
                starred.append((place, len(rows), rows[0] + 1))
            if field.kind == b"N" and not field.decimals and field.width > _EXACT_WIDTH:
                table = table.set_column(place, table.column_names[place], _as_written(block, field.width))
    values, said = {*values_of(table, texts, _latin), *raw_names}, _declared(dataset)
    # Of the others the .cpg is often what the writing program's machine was set to, not what the bytes are.
    trusted = encoding or (said if said in ("utf-8", "gb18030") else None)
    codec = encoding_of(values, file, trusted, said or records.code_page)
    table = decode_columns(table, texts, _latin, codec)
    names = [decode(raw, codec) for raw in raw_names]
    for place, count, first in starred:
        name = names[place].removesuffix(CUT)
        remarks.append(Remark(Problem(NUMBERS_STARRED, column=name, count=count, first=first), 0, name))
    return table.rename_columns(names), remarks


def _as_written(block: NDArray[np.uint8], width: int) -> pa.Array:
    """Whole numbers as the digits that stand in the file, null where there are none."""
    texts = np.strings.strip(np.ascontiguousarray(block).view(f"S{width}").ravel(), b" \0").astype(f"U{width}")
    return pa.array(texts, mask=(texts == "") | (np.strings.find(texts, "*") >= 0))


def _latin(text: str) -> bytes:
    return text.encode("iso8859-1", "replace")


def _declared(dataset: Dataset) -> str | None:
    """The codec of the encoding that the .cpg beside a shapefile names, None where there is none that is known."""
    cpg = dataset.beside(".cpg")
    name = "" if cpg is None else dataset.read(cpg).decode("ascii", "ignore").strip("\0 \r\n\t")
    return codec_of(name) if name else None
