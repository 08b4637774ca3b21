"""The ledger, for auditors: what was done, by whom, for which unit."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from api import account_contract as contract
from api.answers import json
from api.context import Ledger, Reading
from api.routes.holding import unit_names
from api.taken import Id, Text
from farmland.land.units import within_any
from farmland.records.ledger import Content, Entry, get_entry

router = APIRouter(prefix="/ledger", tags=["ledger"])
_SHOWN = 50
"""Rows of a table that one entry shows: an import's has all that it wrote."""
_PRIVATE = ("phone",)
"""Columns that it does not show: they are nothing that an auditor needs here."""


def _rows(session: Session, entries: list[Entry]) -> list[dict[str, Any]]:
    names = unit_names(session, (one.unit_code for one in entries))
    fields = [field for field in contract.LedgerRow.model_fields if field != "unit_name"]
    return [
        {field: getattr(one, field) for field in fields} | {"unit_name": names.get(one.unit_code)} for one in entries
    ]


def _first(content: Content) -> Content:
    return {
        table: {column: values[:_SHOWN] for column, values in columns.items() if column not in _PRIVATE}
        for table, columns in content.items()
    }


@router.get("", summary="Entries of the ledger, the last first", response_model=contract.LedgerPage)
def entries(
    session: Reading,
    reader: Ledger,
    event: Annotated[Text | None, Query(description="How the event begins: account, claim.accepted, access")] = None,
    subject: Annotated[Text | None, Query(description="A claim's number, @account, a token's name")] = None,
    before: Annotated[Id | None, Query(description="Only entries before this one")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    units = reader.units()
    found = select(Entry).order_by(Entry.seq.desc()).limit(limit)
    if units is not None and not reader.holder.may(reader.action, None):
        found = found.where(within_any(Entry.unit_code, units))
    if event:
        found = found.where(Entry.event.startswith(event, autoescape=True))
    if subject:
        found = found.where(or_(Entry.subject == subject, Entry.subject == subject.casefold()))
    if before:
        found = found.where(Entry.seq < before)
    rows = session.scalars(found).all()
    more = rows[-1].seq if len(rows) == limit and rows[-1].seq > 1 else None
    return json({"entries": _rows(session, list(rows)), "next_before": more})


@router.get("/{seq}", summary="One entry, with the rows that it changed", response_model=contract.LedgerEntry)
def entry(session: Reading, reader: Ledger, seq: Id) -> Response:
    found = get_entry(session, seq)
    reader.require(found.unit_code)
    before, after = orjson.loads(found.before), orjson.loads(found.after)
    counts = {
        table: len(next(iter(columns.values()), []))
        for content in (before, after)
        for table, columns in content.items()
    }
    return json(
        _rows(session, [found])[0]
        | {"previous": found.previous, "before": _first(before), "after": _first(after), "rows": counts}
    )
