"""What Prometheus asks for: requests, and how the database stands."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from api.asking import WATCHER
from farmland.records.database import Database
from farmland.records.ledger import head, last_moment

router = APIRouter()


class Metrics:
    """What one application counts, in a registry of its own; with several workers, what all of them count."""

    def __init__(self, database: Database) -> None:
        own = CollectorRegistry()
        labels = ["method", "route", "status"]
        self._requests = Counter("tianzhang_requests", "Requests answered", labels, registry=own)
        self._seconds = Histogram("tianzhang_request_seconds", "Time to answer, s", labels[:2], registry=own)
        self._bytes = Counter("tianzhang_received_bytes", "Bytes of bodies that came in", registry=own)
        self.in_progress = Gauge(
            "tianzhang_requests_in_progress", "Requests being answered", registry=own, multiprocess_mode="livesum"
        )
        connections = Gauge(
            "tianzhang_database_connections_in_use",
            "Connections of the pool in use",
            registry=own,
            multiprocess_mode="livesum",
        )
        _follow(database.engine, connections)
        self._folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")  # set by whoever starts several workers
        if self._folder:
            self._shown = CollectorRegistry()
            MultiProcessCollector(self._shown)
        else:
            self._shown = own
            ProcessCollector(registry=own)
        self._shown.register(_Ledger(database))

    def answered(self, method: str, route: str, status: int, seconds: float, received: int) -> None:
        """Count a request that was answered; `received` is the size of its body, bytes."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
        self._bytes.inc(received)

    def text(self) -> bytes:
        """All that is counted, in Prometheus's text form."""
        if self._folder:
            _forget_dead(Path(self._folder))
        return generate_latest(self._shown)


def _follow(engine: Engine, in_use: Gauge) -> None:
    """Keep the number of an engine's connections that are in use."""
    out: set[ConnectionPoolEntry] = set()

    @event.listens_for(engine, "checkout")
    def _out(_connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        out.add(record)
        in_use.inc()

    @event.listens_for(engine, "checkin")
    def _in(_connection: Any, record: ConnectionPoolEntry) -> None:
        if record in out:  # one that could not be opened comes in without having gone out
            out.discard(record)
            in_use.dec()


class _Ledger(Collector):
    """How the ledger stands at the moment of asking."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        reached = False
        with suppress(SQLAlchemyError), self._database.reading() as session:
            (entries, _), last = head(session), last_moment(session)
            reached = True
        yield GaugeMetricFamily("tianzhang_database_up", "Whether the database answers", float(reached))
        if reached:
            yield GaugeMetricFamily("tianzhang_ledger_entries", "Number of the ledger's last entry", entries)
        if reached and last:
            age = time.time() - last.timestamp()
            yield GaugeMetricFamily("tianzhang_ledger_last_entry_age_seconds", "Age of the ledger's last entry, s", age)


def _forget_dead(folder: Path) -> None:
    """What a worker that is gone had in progress is in progress no more."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))


@router.get("/metrics", include_in_schema=False, dependencies=[WATCHER])
def metrics(request: Request) -> Response:
    counted: Metrics = request.app.state.metrics
    return Response(counted.text(), media_type=CONTENT_TYPE_LATEST)
