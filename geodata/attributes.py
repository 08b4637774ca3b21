"""Columns in, from Arrow: whole numbers stay exact, text is decoded by what its bytes are, columns of bytes are left aside."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geodata.encodings import decode
from geodata.problems import Kind, Problem
from geodata.remarks import Remark

BYTES_LEFT = Kind(
    "bytes_left_aside",
    "“{column}”字段是二进制内容（如照片），没有读入。",
    "The column “{column}” holds bytes (such as photographs). It was left aside.",
)

_EXACT = {
    **{getattr(pa, f"int{bits}")(): getattr(pd, f"Int{bits}Dtype")() for bits in (8, 16, 32, 64)},
    **{getattr(pa, f"uint{bits}")(): getattr(pd, f"UInt{bits}Dtype")() for bits in (8, 16, 32, 64)},
    pa.bool_(): pd.BooleanDtype(),
}
"""Types that keep whole numbers where some are missing: pandas would make real numbers of them."""


def values_of(table: pa.Table, places: Sequence[int], bytes_of: Callable[[Any], bytes]) -> set[bytes]:
    """The different values of columns of text as bytes; `bytes_of` gives those of a value as it was read."""
    distinct = (pc.unique(table.column(place)).to_pylist() for place in places)
    return {bytes_of(value) for values in distinct for value in values if value is not None}


def decode_columns(table: pa.Table, places: Sequence[int], bytes_of: Callable[[Any], bytes], codec: str) -> pa.Table:
    """The table with columns of text decoded from the values' bytes; cut text has the mark of geodata.encodings."""
    for place in places:
        coded = table.column(place).combine_chunks().dictionary_encode()
        texts = [None if value is None else decode(bytes_of(value), codec) for value in coded.dictionary.to_pylist()]
        decoded = pc.take(pa.array(texts, pa.string()), coded.indices)
        table = table.set_column(place, table.column_names[place], decoded)
    return table


def not_utf8(table: pa.Table) -> list[int]:
    """The places of the columns of text that is not UTF-8, although Arrow's text should be."""
    return [place for place, column in enumerate(table.columns) if _is_text(column.type) and not _is_utf8(column)]


def as_bytes(table: pa.Table, places: Sequence[int]) -> pa.Table:
    """The table with columns of text as the bytes that they are."""
    for place in places:
        table = table.set_column(place, table.column_names[place], table.column(place).cast(pa.binary()))
    return table


def frame_of(table: pa.Table) -> tuple[pd.DataFrame, list[Remark]]:
    """A table's columns as a frame, and what is to be told of them: BYTES_LEFT. Nested values are texts of JSON."""
    names, columns, remarks = [], [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        plain = _plain(column)
        if plain is None:
            remarks.append(Remark(Problem(BYTES_LEFT, column=name), 0, name))
            continue
        names.append(name)
        columns.append(plain.to_pandas(types_mapper=_EXACT.get))
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=pd.RangeIndex(table.num_rows))
    frame.columns = pd.Index(names, dtype=object)
    return frame, remarks


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A column of simple values, None for one of bytes."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(column.cast(kind.storage_type))
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_decimal(kind):
        return pc.replace_substring_regex(column.cast(pa.string()), r"\.0+$", "")  # exact; a whole number as one
    if pa.types.is_nested(kind):
        texts = [None if value is None else orjson.dumps(value, default=str).decode() for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return None if any(is_kind(kind) for is_kind in binary) else column


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_utf8(column: pa.ChunkedArray) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
