"""What every route needs: the settings, who asks and whether they may, a session to read or to write, the moment."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from sqlalchemy.orm import Session

from api.asking import Asked, Asks
from api.settings import Settings
from api.taken import Code, Day, MomentText, Text
from api.writing import still_there
from farmland.evidence.store import EvidenceStore
from farmland.land.units import normal_code, the_city
from farmland.people.roles import Action
from farmland.records import city
from farmland.records.clock import day_of, parse_day, parse_moment
from farmland.records.database import Database


async def _settings(request: Request) -> Settings:
    return request.app.state.settings


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database.while_wanted(lambda: still_there(request))


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
        MomentText | None,
        Query(
            description="As of which moment: a day (its end in Asia/Shanghai, 2022-04-26) or an ISO moment. "
            "Without it: now; a demonstration's clock stands on 26 April 2022."
        ),
    ] = None,
) -> datetime:
    return parse_moment(as_of) if as_of else city.now(session)


Reader = Annotated[Asked, Depends(Asks(Action.READ))]
"""Who may look at records: a route says of which unit by :meth:`Asked.require`."""


def _unit(
    session: Reading,
    reader: Reader,
    unit: Annotated[Code | None, Query(description="A unit's code; without it, the highest that may be seen")] = None,
) -> str:
    code = normal_code(unit) if unit else reader.holder.home() or the_city(session).code
    reader.require(code)
    return code


def _day(
    session: Reading,
    on: Annotated[Day | None, Query(description="On which day (2022-04-26); without it, today")] = None,
) -> date:
    return parse_day(on) if on else day_of(city.now(session))


def _known_at(
    known_at: Annotated[
        MomentText | None,
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
Ledger = Annotated[Asked, Depends(Asks(Action.LEDGER))]
Reporter = Annotated[Asked, Depends(Asks(Action.REPORT))]
Allocator = Annotated[Asked, Depends(Asks(Action.ALLOCATE))]
Accounts = Annotated[Asked, Depends(Asks(Action.ACCOUNTS))]
TargetCode = Annotated[
    Text | None,
    Query(alias="target", description="A target's code; without it, the one in force"),
]
