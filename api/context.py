"""What every route needs: the settings, a session to read or to write, the moment, the token."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from api.settings import Settings
from farmland import city
from farmland.clock import day_of, parse_day, parse_moment
from farmland.database import Database
from farmland.evidence_store import EvidenceStore
from farmland.tokens import TOKEN_MISSING, Token, holder_of
from farmland.units import the_city
from geodata.problems import Problem


async def _settings(request: Request) -> Settings:
    return request.app.state.settings


async def _database(request: Request) -> Database:
    return request.app.state.database


async def _evidence(request: Request) -> EvidenceStore:
    return request.app.state.evidence


Config = Annotated[Settings, Depends(_settings)]
Records = Annotated[Database, Depends(_database)]
Store = Annotated[EvidenceStore, Depends(_evidence)]


def _reading(records: Records) -> Iterator[Session]:
    with records.reading() as session:
        yield session


Reading = Annotated[Session, Depends(_reading)]


def _moment(
    session: Reading,
    as_of: Annotated[
        str | None,
        Query(
            description="As of which moment: a day (its end in Asia/Shanghai, 2022-04-26) or an ISO moment. "
            "Without it: now; a demonstration's clock stands on 26 April 2022."
        ),
    ] = None,
) -> datetime:
    return parse_moment(as_of) if as_of else city.now(session)


def _unit(
    session: Reading,
    unit: Annotated[str | None, Query(description="A unit's code; without it, the city")] = None,
) -> str:
    return unit or the_city(session).code


def _day(
    session: Reading,
    on: Annotated[str | None, Query(description="On which day (2022-04-26); without it, today")] = None,
) -> date:
    return parse_day(on) if on else day_of(city.now(session))


def _known_at(
    known_at: Annotated[
        str | None,
        Query(
            description="As it was known at which moment: a day (its end) or an ISO moment. Without it: as it is known "
            "now, late entries and corrections included."
        ),
    ] = None,
) -> datetime | None:
    return parse_moment(known_at) if known_at else None


KnownAt = Annotated[datetime | None, Depends(_known_at)]
AsOf = Annotated[datetime, Depends(_moment)]
OnDay = Annotated[date, Depends(_day)]
UnitCode = Annotated[str, Depends(_unit)]
TargetCode = Annotated[
    str | None,
    Query(alias="target", description="A target's code; without it, the one in force"),
]


Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="A token of tianzhang init or tianzhang token add")),
]


def require_token(session: Session, bearer: Bearer) -> Token:
    """The token that the request carries. Raises TOKEN_MISSING, TOKEN_UNKNOWN."""
    if bearer is None or not bearer.credentials.strip():
        raise Problem(TOKEN_MISSING)
    return holder_of(session, bearer.credentials.strip())
