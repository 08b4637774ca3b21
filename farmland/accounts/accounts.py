"""Accounts: the persons who sign in, their roles, each for a unit; what they may do follows from :mod:`farmland.people.rights`.

A field chief of the roster holds the rights of the appointments that are in office: who answers for land is held in one
place. All other rights are grants.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Select,
    String,
    bindparam,
    literal,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.accounts.passwords import code_hash, new_code
from farmland.land.units import get_unit, within_any
from farmland.people.chiefs import Appointment, Chief, in_office
from farmland.people.rights import Holder, Right, actions_of
from farmland.people.roles import Role
from farmland.records import city
from farmland.records.clock import day_of, present
from farmland.records.database import Base, Moment
from farmland.records.ledger import NOTHING, Content, contents, note
from geodata.problems import Kind, Problem

ACCOUNT_UNKNOWN = Kind(
    "account_unknown",
    "没有账号“{name}”。tianzhang users list 列出全部账号。",
    "There is no account “{name}”. See tianzhang users list.",
    "not_found",
)
ACCOUNT_NAME_TAKEN = Kind(
    "account_name_taken",
    "账号“{name}”已经存在。请换一个账号名。",
    "An account “{name}” exists. Choose another name.",
    "conflict",
)
BAD_ACCOUNT_NAME = Kind(
    "bad_account_name",
    "“{name}”不能作账号名：应为 2 到 40 个字母、数字、汉字或 . _ -，不含空格。",
    "“{name}” cannot be an account's name: it has 2 to 40 letters, digits or . _ -, and no spaces.",
)
GRANT_UNKNOWN = Kind(
    "grant_unknown",
    "账号“{name}”没有这项授权：{role}，{unit}。",
    "The account “{name}” holds no such grant: {role}, {unit}.",
    "not_found",
)
LAST_ADMINISTRATOR = Kind(
    "last_administrator",
    "“{name}”是最后一个管理员：停用或收回后将无人管理账号。请先另授一名管理员。",
    "“{name}” is the last administrator: nobody could manage accounts afterwards. Grant it to somebody else first.",
    "conflict",
)
CODE_DAYS = 30
"""For how many days an activation code can be used."""


class Account(Base):
    """A person who can sign in. Without a password: not activated yet. Times are true times, in a demonstration too."""

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    full_name: Mapped[str] = mapped_column(String(100))
    chief_id: Mapped[int | None] = mapped_column(ForeignKey("chief.id"), unique=True)
    password: Mapped[str | None] = mapped_column(String(200), info={"secret": True})
    must_change: Mapped[bool]
    code: Mapped[str | None] = mapped_column(String(64), info={"secret": True})
    code_until: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    disabled_at: Mapped[datetime | None] = mapped_column(Moment)

    @property
    def subject(self) -> str:
        """What the ledger calls it."""
        return subject_of(self.name)

    @property
    def signature(self) -> str:
        """How the records name the person: full name and account, since full names repeat; at most 100 characters."""
        return self.name if self.full_name == self.name else f"{self.full_name[:57]}（{self.name}）"


class Grant(Base):
    """A role that an account holds for a unit and all below it (None: for every unit), until it is taken away."""

    __tablename__ = "account_grant"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    role: Mapped[Role] = mapped_column(String(20))
    unit_code: Mapped[str | None] = mapped_column(ForeignKey("unit.code"))
    since: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (Index("account_grant_unit", "unit_code"),)


# Made once: every request asks for rights.
_IDS: ColumnElement[Any] = bindparam("accounts", expanding=True)
_OFFICES: Select[*tuple[Any, ...]] = (
    select(Account.id, literal(0), literal(Role.CHIEF.value), Appointment.unit_code, literal(1))
    .join(Appointment, Appointment.chief_id == Account.chief_id)
    .where(Account.id.in_(_IDS), in_office(bindparam("day", type_=Date)))
    .distinct()
)
_GRANTS: Select[*tuple[Any, ...]] = select(Grant.account_id, Grant.id, Grant.role, Grant.unit_code, literal(0)).where(
    Grant.account_id.in_(_IDS), Grant.ended_at.is_(None)
)
_HELD = union_all(_OFFICES, _GRANTS).order_by(text("1, 2, 4"))


def subject_of(name: str) -> str:
    """What the ledger calls an account: never like a claim's number."""
    return f"@{name}"


def normal_name(name: str) -> str:
    """An account's name as it is kept: NFKC, lower case, no spaces around. Raises BAD_ACCOUNT_NAME."""
    plain = unicodedata.normalize("NFKC", name).strip().casefold()
    if not re.fullmatch(r"[\w.\-]{2,40}", plain):
        raise Problem(BAD_ACCOUNT_NAME, name=name[:60])
    return plain


def find_account(session: Session, name: str) -> Account | None:
    """The account of that name, however it is written; None where there is none."""
    try:
        return session.scalar(select(Account).where(Account.name == normal_name(name)))
    except Problem:
        return None


def get_account(session: Session, name: str) -> Account:
    """The account of that name. Raises ACCOUNT_UNKNOWN."""
    account = find_account(session, name)
    if account is None:
        raise Problem(ACCOUNT_UNKNOWN, name=name[:60])
    return account


def add_account(session: Session, name: str, full_name: str, *, actor: str) -> tuple[Account, str]:
    """Make an account without rights, and the activation code with which its holder sets a password; shown only now.

    Raises BAD_ACCOUNT_NAME, ACCOUNT_NAME_TAKEN.
    """
    plain, code = normal_name(name), new_code()
    if find_account(session, plain):
        raise Problem(ACCOUNT_NAME_TAKEN, name=plain)
    now = present()
    account = Account(
        id=next_account_id(session),
        name=plain,
        full_name=full_name.strip() or plain,
        must_change=False,
        code=code_hash(code),
        code_until=now + timedelta(days=CODE_DAYS),
        created_at=now,
    )
    session.add(account)
    session.flush()
    _note(session, "account.added", account, actor)
    return account, code


def next_account_id(session: Session) -> int:
    """The number of the next account."""
    return (session.scalar(select(Account.id).order_by(Account.id.desc()).limit(1)) or 0) + 1


def invite(session: Session, account: Account, *, actor: str) -> str:
    """Give an account a new activation code; an older one ends. Its password holds until the code is used."""
    code = new_code()
    with changing(session, "account.invited", account, actor):
        account.code, account.code_until = code_hash(code), present() + timedelta(days=CODE_DAYS)
    return code


def grant(session: Session, account: Account, role: Role, unit_code: str | None, *, actor: str) -> Grant:
    """Give an account a role for a unit; what it holds already stays. Raises UNIT_UNKNOWN, BAD_UNIT_CODE."""
    unit_code = get_unit(session, unit_code).code if unit_code else None
    held = _grant_of(session, account, role, unit_code)
    if held:
        return held
    made = Grant(account_id=account.id, role=role, unit_code=unit_code, since=present())
    session.add(made)
    session.flush()
    note(
        session,
        "account.granted",
        account.subject,
        unit_code,
        actor=actor,
        at=city.next_moment(session),
        after=contents(made),
    )
    return made


def end_grant(session: Session, account: Account, role: Role, unit_code: str | None, *, actor: str) -> None:
    """Take a role away. Raises GRANT_UNKNOWN, LAST_ADMINISTRATOR."""
    held = _grant_of(session, account, role, unit_code)
    if held is None:
        raise Problem(GRANT_UNKNOWN, name=account.name, role=role, unit=unit_code or "*")
    if role is Role.ADMINISTRATOR:
        _leave_an_administrator(session, account)
    before = contents(held)
    held.ended_at = present()
    session.flush()
    note(
        session,
        "account.grant_ended",
        account.subject,
        held.unit_code,
        actor=actor,
        at=city.next_moment(session),
        before=before,
        after=contents(held),
    )


def disable(session: Session, account: Account, *, actor: str) -> None:
    """Shut an account; its sign-ins end with it. Raises LAST_ADMINISTRATOR."""
    _leave_an_administrator(session, account)
    if account.disabled_at is None:
        with changing(session, "account.disabled", account, actor):
            account.disabled_at = present()


def enable(session: Session, account: Account, *, actor: str) -> None:
    """Open an account again."""
    if account.disabled_at is not None:
        with changing(session, "account.enabled", account, actor):
            account.disabled_at = None


def grants_of(session: Session, account_ids: Sequence[int]) -> Sequence[Grant]:
    """The grants that accounts hold, by account and the time they were given."""
    held = select(Grant).where(Grant.account_id.in_(account_ids), Grant.ended_at.is_(None))
    return session.scalars(held.order_by(Grant.account_id, Grant.id)).all()


def rights_of_all(session: Session, accounts: Collection[int]) -> dict[int, tuple[Right, ...]]:
    """What accounts may do, by their ids: first by the appointments in office today, then by grants, the oldest first."""
    held: dict[int, list[Right]] = {account: [] for account in accounts}
    if held:
        values = {"accounts": list(held), "day": day_of(city.now(session))}
        for account, _, role, unit, by_roster in session.execute(_HELD, values):
            held[account].append(Right(actions_of(Role(role), unit), unit, Role(role), bool(by_roster)))
    return {account: tuple(rights) for account, rights in held.items()}


def holder_of_account(session: Session, account: Account) -> Holder:
    """The account as whoever asks for something."""
    return Holder(
        account.signature,
        account.subject,
        rights_of_all(session, [account.id])[account.id],
        account_id=account.id,
        must_change_password=account.must_change,
    )


def search_accounts(text: str | None, role: Role | None, units: Sequence[str] | None, on: datetime) -> Select[Account]:
    """Accounts by a piece of a name, by role, and with a right in one of some units (None: in all); by name."""
    found = select(Account).order_by(Account.name)
    if text:
        found = found.where(
            or_(
                Account.full_name.contains(text, autoescape=True),
                Account.name.contains(text.casefold(), autoescape=True),
            )
        )
    granted = select(Grant.account_id).where(Grant.ended_at.is_(None))
    office = select(Appointment.chief_id).where(in_office(day_of(on)))
    conditions: list[ColumnElement[bool]] = []
    if units is not None:
        granted = granted.where(within_any(Grant.unit_code, units))
        office = office.where(within_any(Appointment.unit_code, units))
    if role is not None:
        granted = granted.where(Grant.role == role)
    if role is not None or units is not None:
        conditions.append(Account.id.in_(granted))
        if role in (None, Role.CHIEF):
            conditions.append(Account.chief_id.in_(office))
        found = found.where(or_(*conditions))
    return found


def chief_of(session: Session, account: Account) -> Chief | None:
    """The field chief of the roster whose account it is."""
    return session.get(Chief, account.chief_id) if account.chief_id is not None else None


def any_administrator(session: Session) -> bool:
    """Whether somebody can manage accounts."""
    return session.scalar(_administrators().limit(1)) is not None


@contextmanager
def changing(session: Session, event: str, account: Account, actor: str) -> Iterator[None]:
    """Around the change of an account: writes the ledger's entry of it at the end."""
    before = contents(account)
    yield
    session.flush()
    _note(session, event, account, actor, before=before)


def _note(session: Session, event: str, account: Account, actor: str, *, before: Content = NOTHING) -> None:
    at = city.next_moment(session)
    note(session, event, account.subject, None, actor=actor, at=at, before=before, after=contents(account))


def _grant_of(session: Session, account: Account, role: Role, unit_code: str | None) -> Grant | None:
    return session.scalar(
        select(Grant).where(
            Grant.account_id == account.id,
            Grant.role == role,
            Grant.unit_code.is_(None) if unit_code is None else Grant.unit_code == unit_code,
            Grant.ended_at.is_(None),
        )
    )


def _administrators() -> Select[int]:
    return (
        select(Grant.account_id)
        .join(Account, Account.id == Grant.account_id)
        .where(Grant.role == Role.ADMINISTRATOR, Grant.ended_at.is_(None), Account.disabled_at.is_(None))
    )


def _leave_an_administrator(session: Session, account: Account) -> None:
    able = set(session.scalars(_administrators()))
    if able == {account.id}:
        raise Problem(LAST_ADMINISTRATOR, name=account.name)
