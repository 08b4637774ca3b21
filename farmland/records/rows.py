"""The rows of a table as Arrow batches, out of a database and into one, the same whichever of the two kinds it is.

Nothing is lost on the way: numbers have 64 bits, moments are UTC, JSON is its text, geometries are the bytes of their WKB.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import shapely
from sqlalchemy import JSON, Boolean, Column, Date, Float, Integer, String, Table, Text, cast, inspect, select
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from farmland.records.database import Moment
from geodata.column import Geometry, decode, encode, index_name, inserting, raw, write_index
from geodata.problems import Kind, Problem

UNREADABLE = Kind(
    "table_unreadable",
    "{table} 表读不出来：{reason}。请运行 tianzhang verify，它会指出不符之处。",
    "The table {table} cannot be read: {reason}. Run tianzhang verify: it names what does not fit.",
    "fault",
)
_AT_ONCE, _LONG_AT_ONCE = 500, 10
"""Rows read at once; and where they hold text of any length: the ledger's entry of an import can be a hundred megabytes."""
_GEOMETRY = {"holds": "geometry"}
_TYPES = (
    (Geometry, pa.large_binary()),
    (Moment, pa.timestamp("us", tz="UTC")),
    (Date, pa.date32()),
    (Boolean, pa.bool_()),
    (Integer, pa.int64()),
    (Float, pa.float64()),
    (JSON, pa.large_string()),
    (String, pa.large_string()),
)


def read_rows(session: Session, table: Table) -> pa.RecordBatchReader:
    """The rows of a table by their key, some at a time; only while the session is open. Raises UNREADABLE."""
    schema = pa.schema([_field(column) for column in table.c])
    return pa.RecordBatchReader.from_batches(schema, _batches(session, table, schema))


def write_rows(connection: Connection, table: str, rows: pa.RecordBatchReader) -> int:
    """Insert rows into a table, with its spatial index; how many there were. Raises DBAPIError.

    The columns are those of the rows, so that a table of an older version can be filled too.
    """
    dialect = connection.dialect
    indexed = dialect.name == "sqlite" and inspect(connection).has_table(index_name(table))
    count = 0
    with inserting(connection, table, rows.schema.names) as insert:
        for batch in rows:
            columns = [_for_driver(dialect, *pair) for pair in zip(batch.schema, batch.columns, strict=True)]
            insert(zip(*columns, strict=True))
            if indexed:
                write_index(connection, table, batch["id"].to_numpy(), decode(batch["geometry"].to_pylist()))
            count += len(batch)
    return count


def _field(column: Column[Any]) -> pa.Field:
    arrow = next(arrow for kind, arrow in _TYPES if isinstance(column.type, kind))
    return pa.field(column.name, arrow, metadata=_GEOMETRY if isinstance(column.type, Geometry) else None)


def _batches(session: Session, table: Table, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    query = select(*(_as_kept(column) for column in table.c)).order_by(*table.primary_key.columns)
    at_once = _LONG_AT_ONCE if any(isinstance(column.type, Text) for column in table.c) else _AT_ONCE
    try:
        for part in session.execute(query.execution_options(yield_per=at_once)).partitions():
            columns = zip(table.c, zip(*part, strict=True), schema, strict=True)
            arrays = [pa.array(_exact(column, values), field.type) for column, values, field in columns]
            yield pa.record_batch(arrays, schema=schema)
    except (DBAPIError, shapely.errors.GEOSException, pa.ArrowException, ValueError, TypeError) as error:
        raise Problem(UNREADABLE, table=table.name, reason=str(error).splitlines()[0]) from None


def _as_kept(column: Column[Any]) -> Any:
    if isinstance(column.type, Geometry):
        return raw(column)
    return cast(column, Text) if isinstance(column.type, JSON) else column


def _exact(column: Column[Any], values: Sequence[Any]) -> Sequence[Any]:
    """Values as they are kept; of PostGIS's own form of a geometry the WKB, by which the ledger knows it."""
    if isinstance(column.type, Geometry) and any(isinstance(value, str) for value in values):
        return list(shapely.to_wkb(decode(values), byte_order=1))
    return values


def _for_driver(dialect: Dialect, field: pa.Field, column: pa.Array) -> Sequence[Any]:
    values: list[Any] = column.to_pylist()
    if field.metadata and field.metadata.get(b"holds") == b"geometry" and dialect.name == "postgresql":
        return encode(decode(values), dialect)
    if pa.types.is_timestamp(field.type):
        written = Moment().dialect_impl(dialect).bind_processor(dialect)
        assert written is not None
        return [None if value is None else written(value) for value in values]
    return values
