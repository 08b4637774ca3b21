"""Whether the server lives, and whether it can do its work: for whoever watches over it."""

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError

from api.answers import json
from api.asking import OPEN
from api.context import Config, Records, Store
from api.contract import Answer
from farmland.evidence.store import EvidenceStore
from farmland.records.database import NOT_PREPARED, Database
from geodata.problems import Problem

router = APIRouter(tags=["operation"])


class Health(Answer):
    status: Literal["ok"]


class Readiness(Answer):
    """What the server needs, and whether it has it; nothing of where that is."""

    ready: bool = Field(description="All of what follows")
    database: bool = Field(description="The database answers")
    tables: bool = Field(description="Its tables are of this version")
    data_folder: bool = Field(description="The data folder can be written to")
    evidence: bool = Field(description="The store of evidence files is reached")


@router.get(
    "/health", dependencies=[OPEN], summary="The server answers; nothing else is looked at", response_model=Health
)
async def health() -> Response:
    return json({"status": "ok"})


@router.get(
    "/ready",
    dependencies=[OPEN],
    summary="Whether the server has all that it needs",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Something is missing"}},
)
def ready(records: Records, config: Config, store: Store) -> Response:
    database, tables = _database(records)
    checks = {
        "database": database,
        "tables": tables,
        "data_folder": _writable(config.data_dir),
        "evidence": _reached(store),
    }
    well = all(checks.values())
    return json({"ready": well} | checks, 200 if well else 503)


def _database(records: Database) -> tuple[bool, bool]:
    try:
        records.require_prepared()
    except Problem as problem:
        return problem.kind is NOT_PREPARED, False
    except SQLAlchemyError:
        return False, False
    return True, True


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
    except OSError:
        return False
    return True


def _reached(store: EvidenceStore) -> bool:
    with suppress(Problem):
        store.reach()
        return True
    return False
