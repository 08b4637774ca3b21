"""The database: SQLite by default, PostgreSQL with PostGIS by its address; who reads, and who may write."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import DateTime, Engine, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import QueuePool
from sqlalchemy.types import TypeDecorator

from farmland.records.clock import SHANGHAI
from farmland.records.turns import WRITING_TAKES_LONG, Turns, alone_in
from geodata.problems import Kind, Problem

NOT_PREPARED = Kind(
    "database_not_prepared",
    "数据库 {database} 尚未建立。请先运行 tianzhang init（或 tianzhang demo 建立演示城市）。",
    "The database {database} has not been set up. Run tianzhang init first (or tianzhang demo for the demonstration).",
    "conflict",
)
UNREACHABLE = Kind(
    "database_unreachable",
    "连接不上数据库 {database}：{reason}。请检查 TIANZHANG_DATABASE_URL 和数据库服务。",
    "The database {database} cannot be reached: {reason}. Check TIANZHANG_DATABASE_URL and the database server.",
)

VERSION = "0007"
"""The last migration: the version of the tables that this code works on."""

BAD_ADDRESS = Kind(
    "bad_database_address",
    "TIANZHANG_DATABASE_URL 的值“{url}”不是可用的数据库地址。请写 sqlite:///文件，或 postgresql+psycopg://用户@主机/库名。",
    "TIANZHANG_DATABASE_URL is “{url}”, no address of a database. Write sqlite:///FILE, or "
    "postgresql+psycopg://user@host/name.",
)
NO_FOLDER = Kind(
    "database_folder",
    "不能建立数据库所在的文件夹 {folder}：{reason}。请用 TIANZHANG_DATA_DIR 指定一个可写的文件夹。",
    "The folder {folder} for the database cannot be made: {reason}. Name one that can be written to with "
    "TIANZHANG_DATA_DIR.",
)
DATABASE_FAULT = Kind(
    "database_fault",
    "数据库不能完成这一步：{reason}。什么也没有写入。请检查磁盘、权限和数据库文件，再试一次。",
    "The database could not do this: {reason}. Nothing was written. Check the disk, the rights and the database, and try "
    "again.",
)

GAVE_UP = Kind(
    "gave_up",
    "请求者没有等到轮到自己就离开了，什么也没有写入。",
    "Whoever asked was gone before it was their turn to write; nothing was written.",
    "gone",
)
PATIENCE_S = 60.0
"""How long anybody waits for the right to write."""

# One writer at a time on PostgreSQL too: net areas depend on every claim around, so writes must be in some order.
_WRITER_LOCK = 0x7469616E
_TAKE_ON_POSTGRESQL = text(
    f"SELECT set_config('lock_timeout', :patience_ms, true), pg_advisory_xact_lock({_WRITER_LOCK})"
)
_BUSY = ("SQLITE_BUSY", "55P03")  # what the drivers call it when somebody else has the right for too long


class Base(DeclarativeBase):
    """The tables of Tianzhang."""


def table_of(model: type[Base]) -> Table:
    """The table of a model."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


class Moment(TypeDecorator[datetime]):
    """A moment with its zone; kept as UTC, given in Asia/Shanghai."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(SHANGHAI)


class Database:
    """One city's records. Threads may share it. `patience_s` is how long somebody waits for the right to write, seconds.

    Raises BAD_ADDRESS, NO_FOLDER.
    """

    def __init__(self, url: str, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        try:
            self.url = make_url(url)
        except ArgumentError:
            raise Problem(BAD_ADDRESS, url=url) from None
        if self.url.drivername not in ("sqlite", "postgresql+psycopg"):
            raise Problem(BAD_ADDRESS, url=self.name)
        self._on_sqlite = self.url.get_backend_name() == "sqlite"
        if self._on_sqlite:
            if self.url.database:
                _make_folder(Path(self.url.database).parent)
            self.engine = _sqlite(url, patience_s)
        else:
            self.engine = create_engine(
                url, pool_pre_ping=True, pool_size=10, max_overflow=20, json_serializer=_json, hide_parameters=True
            )
        self._writing = self.engine.execution_options(writing=True)
        self._turns = Turns()
        self._wanted: Callable[[], bool] = lambda: True
        # On SQLite a transaction that reads sees one state anyway.
        one_state = {} if self._on_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reading = self.engine.execution_options(**one_state)

    @property
    def name(self) -> str:
        """The database as it may be shown to people: without a password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def in_this_process(self) -> bool:
        """Whether the database itself works in this process (SQLite), not in a server."""
        return self._on_sqlite

    def version(self) -> str | None:
        """The version of the tables; None where there are none yet. Raises UNREACHABLE."""
        with self.connected() as connection:
            held = inspect(connection).has_table("alembic_version")
            return connection.scalar(text("SELECT version_num FROM alembic_version")) if held else None

    def require_prepared(self) -> None:
        """Raises NOT_PREPARED unless the tables are of this version."""
        if self.version() != VERSION:
            raise Problem(NOT_PREPARED, database=self.name)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the records."""
        with Session(self._reading, autoflush=False, expire_on_commit=False) as session:
            yield session
            session.expunge_all()  # whatever was done to what was read, nothing of it is written
            session.commit()  # after a ROLLBACK psycopg forgets the statements that it has prepared

    @property
    def waiting(self) -> int:
        """How many wait for the right to write in this process."""
        return self._turns.waiting

    def while_wanted(self, wanted: Callable[[], bool]) -> "Database":
        """The same for somebody who may give up while waiting to write: `wanted` is asked when it is their turn."""
        theirs = copy(self)
        theirs._wanted = wanted
        return theirs

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that is the only one to write; commits at its end, or leaves everything as it was.

        Whoever waits for it in this process is served in turn, without a connection until then. Raises GAVE_UP,
        WRITING_TAKES_LONG.
        """
        with (
            self._turns.turn(self._patience_s),
            self._before_other_processes(),
            Session(self._writing, expire_on_commit=False) as session,
            session.begin(),
        ):
            self._take_right(session)
            if not self._wanted():
                raise Problem(GAVE_UP)
            yield session

    def _before_other_processes(self) -> AbstractContextManager[None]:
        """SQLite's own lock goes to whoever happens to ask when it is free, and two that ask may wait for seconds."""
        file = self.url.database if self._on_sqlite else None
        return alone_in(Path(file).parent) if file else nullcontext()

    def _take_right(self, session: Session) -> None:
        """Have the right to write, on PostgreSQL in turn with other processes. Raises WRITING_TAKES_LONG."""
        try:
            connection = session.connection()  # on SQLite this begins the transaction, which is the right
            if not self._on_sqlite:
                connection.execute(_TAKE_ON_POSTGRESQL, {"patience_ms": f"{self._patience_s * 1000:.0f}"})
        except DBAPIError as error:
            named = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
            if named in _BUSY:
                raise Problem(WRITING_TAKES_LONG, seconds=f"{self._patience_s:g}") from None
            raise

    @contextmanager
    def connected(self, *, writing: bool = False) -> Iterator[Connection]:
        """A connection, for what is no session's work. Raises UNREACHABLE."""
        try:
            connection = (self._writing if writing else self.engine).connect()
        except DBAPIError as error:
            raise Problem(
                UNREACHABLE,
                database=self.name,
                reason=str(error.orig).strip().splitlines()[0],
            ) from None
        with connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def count_rows_anew(session: Session) -> None:
    """Have PostgreSQL look, after many rows were written, at how many there are and how they are spread.

    It does so by itself, but up to minutes later; until then, as if tables were empty, it reads them whole for every row that
    is asked for. SQLite's planner goes by the indexes. https://www.postgresql.org/docs/current/populate.html
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ANALYZE"))


def fault(error: DBAPIError) -> Problem:
    """What a person is told of a fault of the database itself."""
    return Problem(DATABASE_FAULT, reason=str(error.orig).strip().splitlines()[0])


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(NO_FOLDER, folder=folder, reason=error.strerror) from None


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _sqlite(url: str, patience_s: float) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        # A connection is a file that is open: there is no reason to let anybody wait for one.
        max_overflow=-1,
        connect_args={"timeout": patience_s},
        json_serializer=_json,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # a power cut must not take what was confirmed
            "foreign_keys=ON",
            "cache_size=-65536",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
