"""Accounts in bulk: one for every field chief of the roster, each with an activation code for a slip."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from farmland.accounts.accounts import CODE_DAYS, Account, next_account_id, normal_name
from farmland.accounts.passwords import code_hash, new_codes
from farmland.accounts.slips import Slip
from farmland.land.units import Unit, chain_of, get_unit, within
from farmland.people.chiefs import Appointment, Chief, in_office
from farmland.records import city
from farmland.records.clock import day_of, present
from farmland.records.database import table_of
from farmland.records.ledger import content, note, stored
from geodata.problems import Kind, Problem

ROSTER_NAME_TAKEN = Kind(
    "roster_name_taken",
    "田长编号 {codes} 已被其他账号用作账号名，未建账号。请先改名册中的编号，或停用那些账号。",
    "The roster numbers {codes} are names of other accounts; no account was made. Change those numbers in the roster first.",
    "conflict",
)


@dataclass(frozen=True)
class Invitation:
    """What a slip says: whose account, for which office, the code (readable only now), until when."""

    account: str
    full_name: str
    unit_code: str
    duty: str
    code: str
    until: date


def invite_roster(session: Session, unit_code: str | None, *, actor: str) -> list[Invitation]:
    """Accounts for all field chiefs in office in a unit and below (None: everywhere), by unit.

    Who has no account gets one, named by the roster's number; who has not activated it gets a new code, and the old one ends;
    who has is left alone. Raises UNIT_UNKNOWN, BAD_UNIT_CODE, BAD_ACCOUNT_NAME, ROSTER_NAME_TAKEN.
    """
    offices = (
        select(Chief.id, Chief.code, Chief.name, Appointment.unit_code, Appointment.duty)
        .join(Appointment, Appointment.chief_id == Chief.id)
        .where(in_office(day_of(city.now(session))))
        .order_by(Appointment.unit_code, Appointment.plot_id.is_not(None), Chief.id)
    )
    if unit_code is not None:
        offices = offices.where(within(Appointment.unit_code, get_unit(session, unit_code).code))
    wanted: dict[int, Any] = {}
    for row in session.execute(offices):
        wanted.setdefault(row.id, row)  # one slip a person, at the highest unit
    held = {row.chief_id: row for row in session.execute(select(Account.chief_id, Account.id, Account.password))}
    new = [row for chief, row in wanted.items() if chief not in held]
    again = [row for chief, row in wanted.items() if chief in held and held[chief].password is None]
    names = {row.id: normal_name(row.code) for row in (*new, *again)}
    _refuse_taken(session, [names[row.id] for row in new])
    now = present()
    until = now + timedelta(days=CODE_DAYS)
    codes = dict(zip((row.id for row in (*new, *again)), new_codes(len(new) + len(again)), strict=True))
    if new:
        first = next_account_id(session)
        columns: dict[str, list[Any]] = {
            "id": list(range(first, first + len(new))),
            "name": [names[row.id] for row in new],
            "full_name": [row.name for row in new],
            "chief_id": [row.id for row in new],
            "must_change": [False] * len(new),
            "code": [code_hash(codes[row.id]) for row in new],
            "code_until": [until] * len(new),
            "created_at": [now] * len(new),
        }
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        session.execute(insert(Account), rows)
        after = content(table_of(Account), columns)
        _note(session, "account.added", unit_code, actor, {}, after)
    if again:
        _renew(session, [(held[row.id].id, code_hash(codes[row.id])) for row in again], until, unit_code, actor)
    return [
        Invitation(names[row.id], row.name, row.unit_code, row.duty, codes[row.id], until.date())
        for row in wanted.values()
        if row.id in codes
    ]


def by_village(session: Session, invitations: Sequence[Invitation]) -> dict[tuple[str, str], list[Slip]]:
    """The slips of each village, with those of its groups; of each town and the city their own; in the order of codes."""
    names = dict(session.execute(select(Unit.code, Unit.name)).all())
    found: dict[tuple[str, str], list[Slip]] = {}
    for one in invitations:
        place = " ".join(names.get(code, "") for code in chain_of(one.unit_code)[1:]) or names.get(one.unit_code, "")
        village = one.unit_code[:12]
        slip = Slip(one.full_name, one.account, names.get(one.unit_code, ""), place, one.duty, one.code, one.until)
        found.setdefault((village, names.get(village, "")), []).append(slip)
    return found


def _renew(
    session: Session, codes: Sequence[tuple[int, str]], until: datetime, unit_code: str | None, actor: str
) -> None:
    keys = [account for account, _ in codes]
    before = stored(session, table_of(Account), keys)
    changes = [{"id": account, "code": code, "code_until": until} for account, code in codes]
    session.execute(update(Account), changes)
    session.flush()
    _note(session, "account.invited", unit_code, actor, before, stored(session, table_of(Account), keys))


def _refuse_taken(session: Session, names: Sequence[str]) -> None:
    taken = sorted(set(session.scalars(select(Account.name))) & set(names))
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if taken or twice:
        shown = ", ".join((taken + twice)[:10])
        raise Problem(ROSTER_NAME_TAKEN, codes=shown)


def _note(session: Session, event: str, unit_code: str | None, actor: str, before: dict, after: dict) -> None:
    at = city.next_moment(session)
    note(session, event, "@roster", unit_code, actor=actor, at=at, before=before, after=after)
