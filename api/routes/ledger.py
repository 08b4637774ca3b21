"""The ledger, for auditors: what was done, by whom, for which unit."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlalchemy import or_, select

from api import account_contract as contract
from api.answers import json
from api.context import Ledger, Reading
from api.taken import Id, Text
from farmland.ledger import Entry
from farmland.units import within_any

router = APIRouter(prefix="/ledger", tags=["ledger"])


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
    names = contract.LedgerRow.model_fields
    more = rows[-1].seq if len(rows) == limit and rows[-1].seq > 1 else None
    return json({"entries": [{name: getattr(row, name) for name in names} for row in rows], "next_before": more})
