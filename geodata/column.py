"""One geometry column for two databases: WKB with an R*Tree on SQLite, ``geometry(Geometry, 4490)`` with GiST on PostGIS.

Geometries are shapely's, in degrees of EPSG:4490. In bulk, columns are read raw (:func:`raw`) and decoded at once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import (
    JSON,
    BindParameter,
    ColumnElement,
    Double,
    LargeBinary,
    Select,
    Table,
    bindparam,
    func,
    inspect,
    literal,
    select,
    type_coerce,
    update,
)
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine, UserDefinedType

SRID = 4490
_AT_ONCE = 5_000  # ids in a condition: both databases take more, and gain nothing by it


class _PostGIS(UserDefinedType[Any]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return f"geometry(Geometry,{SRID})"


class Geometry(TypeDecorator[shapely.Geometry]):
    """A geometry in EPSG:4490. Values are shapely geometries, or WKB where it was made in bulk by :func:`encode`."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(_PostGIS() if dialect.name == "postgresql" else LargeBinary())

    def process_bind_param(self, value: shapely.Geometry | bytes | str | None, dialect: Dialect) -> bytes | str | None:
        if isinstance(value, shapely.Geometry):
            return encode(np.array([value], dtype=object), dialect)[0]
        return value

    def process_result_value(self, value: bytes | str | None, dialect: Dialect) -> shapely.Geometry | None:
        return None if value is None else shapely.from_wkb(value)


def encode(geometries: NDArray[np.object_], dialect: Dialect) -> list[bytes | str | None]:
    """An array of geometries as the database wants them: WKB for SQLite, EWKB in hexadecimal for PostGIS."""
    if dialect.name == "postgresql":
        return list(shapely.to_wkb(shapely.set_srid(geometries, SRID), hex=True, include_srid=True))
    return list(shapely.to_wkb(geometries))


def raw(column: Any) -> ColumnElement[Any]:
    """The column undecoded, for :func:`shapely.from_wkb` on the whole array of results."""
    return type_coerce(column, NullType())


def decode(values: Sequence[bytes | str | None]) -> NDArray[np.object_]:
    """The geometries of a raw column, shape (n,)."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return np.asarray(shapely.from_wkb(array), dtype=object)


def geometries_of(connection: Connection, table: Table, ids: NDArray[np.int64]) -> NDArray[np.object_]:
    """The geometries of the rows with these ids, in their order, shape (n,); None where there is no such row."""
    found: dict[int, Any] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE].tolist()
        found |= dict(connection.execute(select(table.c.id, raw(table.c.geometry)).where(table.c.id.in_(some))).all())
    return decode([found.get(key) for key in ids.tolist()])


_SIDES = ("west", "south", "east", "north")


def sides(bounds: Sequence[float]) -> dict[str, float]:
    """A box (west, south, east, north), as the parameters of a statement that has a :class:`BoundsMeet` without one."""
    return dict(zip(_SIDES, map(float, bounds), strict=True))


class BoundsMeet(ColumnElement[bool]):
    """True where the bounding box of ``table.geometry`` meets the given one; uses the spatial index.

    Without bounds they are parameters, :func:`sides`: such a statement is made once and asked for any box.
    """

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 - as the base class has it
        ("table", InternalTraversal.dp_clauseelement),
        ("bounds", InternalTraversal.dp_clauseelement_tuple),
    ]

    def __init__(self, table: Table, bounds: Sequence[float] | None = None) -> None:
        self.table = table
        # As parameters also where they are given: a statement is then compiled once, not for each place.
        self.bounds: tuple[BindParameter[float], ...] = (
            tuple(bindparam(name, type_=Double) for name in _SIDES)
            if bounds is None
            else tuple(literal(float(value), Double) for value in bounds)
        )


@compiles(BoundsMeet, "postgresql")
def _with_gist(element: BoundsMeet, compiler: SQLCompiler, **kwargs: Any) -> str:
    west, south, east, north = (compiler.process(side, **kwargs) for side in element.bounds)
    return f"{element.table.name}.geometry && ST_MakeEnvelope({west}, {south}, {east}, {north}, {SRID})"


@compiles(BoundsMeet, "sqlite")
def _with_rtree(element: BoundsMeet, compiler: SQLCompiler, **kwargs: Any) -> str:
    west, south, east, north = (compiler.process(side, **kwargs) for side in element.bounds)
    name = element.table.name
    return (
        f"{name}.id IN (SELECT id FROM {index_name(name)} "
        f"WHERE max_x >= {west} AND min_x <= {east} AND max_y >= {south} AND min_y <= {north})"
    )


def index_name(table: str) -> str:
    """The name of a table's spatial index, on both databases."""
    return f"{table}_geometry_index"


def index_statement(table: str, dialect: Dialect) -> str:
    """The statement that makes the spatial index of ``table.geometry``."""
    if dialect.name == "postgresql":
        return f"CREATE INDEX {index_name(table)} ON {table} USING gist (geometry)"
    return f"CREATE VIRTUAL TABLE {index_name(table)} USING rtree(id, min_x, max_x, min_y, max_y)"


def index_misfits(connection: Connection, table: Table) -> list[int]:
    """The ids of rows that SQLite's spatial index of a table lacks, has too much, or puts elsewhere; [] on PostGIS."""
    if connection.dialect.name != "sqlite" or not inspect(connection).has_table(index_name(table.name)):
        return []
    import pandas as pd  # takes a fifth of a second to load, and nothing else here needs it

    indexed = connection.exec_driver_sql(f"SELECT * FROM {index_name(table.name)} ORDER BY id").all()
    held = connection.execute(select(table.c.id, raw(table.c.geometry)).where(table.c.geometry.is_not(None))).all()
    west, south, east, north = shapely.bounds(decode([row[1] for row in held])).T
    sides = ["min_x", "max_x", "min_y", "max_y"]
    boxes = np.array([tuple(row) for row in indexed], dtype=float).reshape(-1, 5)
    theirs = pd.DataFrame(boxes[:, 1:], columns=sides, index=boxes[:, 0])
    ours = pd.DataFrame(
        dict(zip(sides, (west, east, south, north), strict=True)), index=[float(row[0]) for row in held]
    )
    theirs, ours = theirs.align(ours)
    # An R*Tree holds 32-bit numbers, rounded outward.
    slack = (theirs - ours) * [-1, 1, -1, 1]
    return [int(key) for key in slack.index[~((slack >= 0) & (slack <= 2e-5)).all(axis=1)]]


def next_id(connection: Connection, table: Table) -> int:
    """The first unused id. Only while this connection holds the right to write."""
    return (connection.scalar(_largest_id(table)) or 0) + 1


@cache
def _largest_id(table: Table) -> Select[int | None]:
    return select(func.max(table.c.id))


def write(
    connection: Connection,
    table: Table,
    columns: Mapping[str, Sequence[Any]],
    geometries: NDArray[np.object_],
    *,
    new: bool,
) -> None:
    """Write rows with their ``geometry``, and its index with them. Every geometry on the database comes this way.

    Parameters
    ----------
    columns : dict of n values by the column's name
        Without ``geometry``, with ``id``.
    geometries : array of shape (n,)
        In degrees; None where a row has no geometry.
    new : bool
        True to insert, False to replace the named columns of the rows with these ids.
    """
    if len(geometries) == 0:
        return
    whole = {**columns, "geometry": encode(geometries, connection.dialect)}
    if new:
        _insert(connection, table, whole)
    else:
        _update(connection, table, whole)
    if connection.dialect.name == "sqlite":
        write_index(connection, table.name, np.asarray(columns["id"]), geometries)


def _insert(connection: Connection, table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert by the driver's own bulk way, which is several times as fast as a statement's parameters row by row."""
    dialect = connection.dialect
    values: list[Iterable[Any]] = []
    for name, column in columns.items():
        kind = table.c[name].type
        bound = kind.dialect_impl(dialect).bind_processor(dialect)
        # Text and numbers go to the drivers as they are; geometries are encoded already, all at once.
        if bound is None or name == "geometry" or not isinstance(kind, JSON | TypeDecorator):
            values.append(column)
        else:
            values.append([None if value is None else bound(value) for value in column])
    with inserting(connection, table.name, list(columns)) as insert:
        insert(zip(*values, strict=True))


@contextmanager
def inserting(connection: Connection, table: str, names: Sequence[str]) -> Iterator[Callable[[Iterable[Any]], None]]:
    """Insert rows of these columns, some at a time, their values as the driver takes them: its own bulk way.

    On PostgreSQL all are one statement, at whose end foreign keys are looked at, and no other may be made meanwhile.
    Raises DBAPIError.
    """
    dialect = connection.dialect
    quoted = ", ".join(dialect.identifier_preparer.quote(name) for name in names)
    into = f"{dialect.identifier_preparer.quote(table)} ({quoted})"
    cursor = connection.connection.cursor()
    try:
        if dialect.name == "postgresql":
            with cursor.copy(f"COPY {into} FROM STDIN") as copy:  # type: ignore[attr-defined]

                def insert(rows: Iterable[Any]) -> None:
                    for row in rows:
                        copy.write_row(row)

                yield insert
        else:
            statement = f"INSERT INTO {into} VALUES ({', '.join('?' for _ in names)})"
            yield lambda rows: cursor.executemany(statement, rows)  # type: ignore[arg-type]
    except dialect.loaded_dbapi.Error as error:  # the driver's own, which nobody above knows
        raise DBAPIError.instance(f"INSERT INTO {table}", None, error, dialect.loaded_dbapi.Error) from error
    finally:
        cursor.close()


def _update(connection: Connection, table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    values = {name: bindparam(f"_{name}", type_=table.c[name].type) for name in columns if name != "id"}
    statement = update(table).where(table.c.id == bindparam("_id")).values(values)
    names = [f"_{name}" for name in columns]
    connection.execute(statement, [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)])


def write_index(connection: Connection, table: str, ids: NDArray[Any], geometries: NDArray[np.object_]) -> None:
    """Enter rows into the spatial index of a table on SQLite; PostGIS does that by itself."""
    bounds = shapely.bounds(geometries)
    held = ~np.isnan(bounds[:, 0])
    cursor = connection.connection.cursor()  # the driver's own executemany: an R*Tree has no SQLAlchemy table
    cursor.executemany(
        f"INSERT OR REPLACE INTO {index_name(table)} VALUES (?, ?, ?, ?, ?)",
        np.column_stack([ids[held], bounds[held][:, [0, 2, 1, 3]]]).tolist(),
    )
    cursor.close()
