"""Signing in: by name and password, by an activation code on first use; what it begins lasts until a day, or sign-out.

A sign-in is known by a secret of 256 random bits, which the browser holds and of which only the hash is kept. Guessing is
throttled by name and by address, the same for names that do not exist; nothing in an answer, nor its time, tells which do.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, bindparam, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.accounts.accounts import (
    Account,
    changing,
    chief_of,
    find_account,
    grants_of,
    holder_of_account,
    normal_name,
    subject_of,
)
from farmland.accounts.passwords import check_password, code_hash, hash_password, needs_rehash, password_fits
from farmland.land.units import Unit
from farmland.people.rights import Holder
from farmland.records import city
from farmland.records.clock import present
from farmland.records.database import Base, Database, Moment
from farmland.records.ledger import note
from geodata.problems import Kind, Problem

SIGN_IN_REFUSED = Kind(
    "sign_in_refused",
    "账号或密码不对，或账号尚未启用、已停用。请核对后重试；第一次使用请用启用码设置密码，忘记密码请向管理员要新的启用码。",
    "The account or the password is wrong, or the account is not activated or was shut. Check both and try again; on first use "
    "set a password with the activation code; if it is forgotten ask the administrator for a new code.",
    "unauthenticated",
)
CODE_REFUSED = Kind(
    "code_refused",
    "账号或启用码不对，或启用码已用过、已过期。请核对启用单；需要新的启用码请找管理员。",
    "The account or the activation code is wrong, or the code was used or has expired. Check the slip; the administrator gives "
    "new codes.",
    "unauthenticated",
)
SIGN_IN_ENDED = Kind(
    "sign_in_ended",
    "登录已失效，请重新登录。",
    "The sign-in has ended. Sign in again.",
    "unauthenticated",
)
TOO_MANY_ATTEMPTS = Kind(
    "too_many_attempts",
    "尝试次数过多，请 {minutes} 分钟后再试。",
    "Too many attempts. Try again in {minutes} minutes.",
    "too_many",
)
OLD_PASSWORD_WRONG = Kind(
    "old_password_wrong",
    "原密码不对，密码没有更改。",
    "The present password is wrong; nothing was changed.",
    "forbidden",
)
PASSWORD_UNCHANGED = Kind(
    "password_unchanged",
    "新密码与原密码相同。请另选一个。",
    "The new password is the old one. Choose another.",
)
NOT_A_DEMONSTRATION = Kind(
    "not_a_demonstration",
    "这里是真实数据，须用密码登录。",
    "These records are real: sign in with a password.",
    "forbidden",
)

WINDOW = timedelta(minutes=15)
"""Over which attempts are counted."""
_MINUTES = int(WINDOW / timedelta(minutes=1))
_REFUSALS = 100
"""Refused requests of one person or program in that time that are written down; after them nothing is answered."""
_LIMITS = {"pair": 5, "name": 50, "address": 200}
"""Attempts in that time for a name from an address, for a name from anywhere (so that nobody can shut out somebody else by
guessing), from an address (a whole village office may share one)."""


class SignIn(Base):
    """What a browser holds the secret of, until a moment. Not of the ledger, which has an entry of its beginning."""

    __tablename__ = "sign_in"
    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    until: Mapped[datetime] = mapped_column(Moment)


_SIGNED_IN = (  # made once: every request asks it
    select(Account)
    .join(SignIn, SignIn.account_id == Account.id)
    .where(
        SignIn.hash == bindparam("hash"), SignIn.until > bindparam("now", type_=Moment), Account.disabled_at.is_(None)
    )
)


class Attempt(Base):
    """An attempt to sign in, by the hash of what was tried; kept while it counts."""

    __tablename__ = "sign_in_attempt"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)


def sign_in(database: Database, name: str, password: str, *, address: str, lasts: timedelta) -> tuple[str, datetime]:
    """The secret of a new sign-in, and until when it lasts. Raises SIGN_IN_REFUSED, TOO_MANY_ATTEMPTS."""
    with database.writing() as session:
        count_attempt(session, name, address)
        account = find_account(session, name)
        encoded = account.password if account and account.disabled_at is None else None
    fits = password_fits(encoded, password)  # takes its time: not while others wait to write
    with database.writing() as session:
        account = find_account(session, name)
        if not fits or account is None or account.password != encoded or account.disabled_at is not None:
            note_refusal(session, account, "sign_in_refused")
            refusal = Problem(SIGN_IN_REFUSED)
        else:
            if needs_rehash(account.password or ""):
                with changing(session, "account.rehashed", account, account.signature):
                    account.password = hash_password(password)
            _forgive(session, name, address)
            return begin(session, account, lasts, "account.signed_in")
    raise refusal


def activate(
    database: Database, name: str, code: str, password: str, *, address: str, lasts: timedelta
) -> tuple[str, datetime]:
    """Set the first password, or a new one, with an activation code, and sign in.

    Raises CODE_REFUSED, TOO_MANY_ATTEMPTS, and what the password lacks (:func:`farmland.accounts.passwords.check_password`).
    """
    with database.writing() as session:
        count_attempt(session, name, address)
        account = find_account(session, name)
        refusal = None
        if account is None or not _code_fits(account, code):
            note_refusal(session, account, "code_refused")
            refusal = Problem(CODE_REFUSED)
        else:
            _forgive(session, name, address)  # whoever has the code may take some tries to find a password
        names = _names(session, account) if account else ()
    if refusal:
        raise refusal
    check_password(password, *names)
    encoded = hash_password(password)
    with database.writing() as session:
        account = find_account(session, name)
        if account is None or not _code_fits(account, code):  # used by somebody else meanwhile
            raise Problem(CODE_REFUSED)
        with changing(session, "account.activated", account, account.signature):
            account.password, account.must_change, account.code, account.code_until = encoded, False, None, None
        _end_all(session, account)
        return begin(session, account, lasts, "account.signed_in")


def set_password(session: Session, account: Account, password: str, *, actor: str) -> None:
    """Set a password for somebody, who must change it at the next sign-in. Raises what the password lacks."""
    check_password(password, *_names(session, account))
    with changing(session, "account.password_set", account, actor):
        account.password, account.must_change = hash_password(password), True
        account.code = account.code_until = None
    _end_all(session, account)


def change_password(
    database: Database, account_id: int, old: str, new: str, *, address: str, lasts: timedelta
) -> tuple[str, datetime]:
    """Change one's own password; every sign-in of before ends, and a new one begins.

    Raises OLD_PASSWORD_WRONG, PASSWORD_UNCHANGED, TOO_MANY_ATTEMPTS, and what the password lacks.
    """
    with database.reading() as session:
        account = session.get_one(Account, account_id)
        name, encoded, names = account.name, account.password, _names(session, account)
    check_password(new, *names)
    if old == new:
        raise Problem(PASSWORD_UNCHANGED)
    with database.writing() as session:
        count_attempt(session, name, address)
    if not password_fits(encoded, old):
        with database.writing() as session:
            note_refusal(session, session.get_one(Account, account_id), "password_refused")
        raise Problem(OLD_PASSWORD_WRONG)
    changed = hash_password(new)
    with database.writing() as session:
        account = session.get_one(Account, account_id)
        if account.password != encoded:
            raise Problem(OLD_PASSWORD_WRONG)
        with changing(session, "account.password_changed", account, account.signature):
            account.password, account.must_change = changed, False
        _end_all(session, account)
        _forgive(session, name, address)
        return begin(session, account, lasts, "account.signed_in")


def enter_demonstration(database: Database, name: str, lasts: timedelta) -> tuple[str, datetime]:
    """Sign in to a demonstration's account that has no password. Raises NOT_A_DEMONSTRATION, SIGN_IN_REFUSED."""
    with database.writing() as session:
        if city.demonstration(session) is None:
            raise Problem(NOT_A_DEMONSTRATION)
        account = find_account(session, name)
        if account is None or account.password is not None or account.code is not None or account.disabled_at:
            raise Problem(SIGN_IN_REFUSED)
        return begin(session, account, lasts, "account.signed_in")


def open_accounts(session: Session) -> Sequence[Account]:
    """The accounts of a demonstration that can be entered without a password; none where records are real."""
    if city.demonstration(session) is None:
        return []
    free = (Account.password.is_(None), Account.code.is_(None), Account.disabled_at.is_(None))
    return session.scalars(select(Account).where(*free).order_by(Account.id)).all()


def begin(session: Session, account: Account, lasts: timedelta, event: str) -> tuple[str, datetime]:
    """Begin a sign-in of an account that has shown who it is: its secret, and until when it lasts."""
    now, secret = present(), secrets.token_urlsafe(32)
    session.execute(delete(SignIn).where(SignIn.until < now))
    session.add(SignIn(hash=_hash(secret), account_id=account.id, at=now, until=now + lasts))
    note(session, event, account.subject, None, actor=account.signature, at=city.next_moment(session))
    return secret, now + lasts


def holder_of_sign_in(session: Session, secret: str) -> Holder:
    """Who holds a sign-in's secret. Raises SIGN_IN_ENDED."""
    account = session.scalar(_SIGNED_IN, {"hash": _hash(secret), "now": present()})
    if account is None:
        raise Problem(SIGN_IN_ENDED)
    return holder_of_account(session, account)


def sign_out(session: Session, secret: str) -> None:
    """End a sign-in; nothing where it has ended."""
    account = session.scalar(
        select(Account).join(SignIn, SignIn.account_id == Account.id).where(SignIn.hash == _hash(secret))
    )
    if account is not None:
        session.execute(delete(SignIn).where(SignIn.hash == _hash(secret)))
        at = city.next_moment(session)
        note(session, "account.signed_out", account.subject, None, actor=account.signature, at=at)


def sign_out_everywhere(session: Session, account: Account, *, actor: str) -> int:
    """End all sign-ins of an account; how many there were."""
    ended = _end_all(session, account)
    at = city.next_moment(session)
    note(session, "account.signed_out_everywhere", account.subject, None, actor=actor, at=at)
    return ended


def _end_all(session: Session, account: Account) -> int:
    ended = session.scalar(select(func.count()).select_from(SignIn).where(SignIn.account_id == account.id)) or 0
    session.execute(delete(SignIn).where(SignIn.account_id == account.id))
    return ended


def _code_fits(account: Account, code: str) -> bool:
    if account.code is None or account.code_until is None or account.disabled_at is not None:
        return False
    return account.code_until > present() and secrets.compare_digest(account.code, code_hash(code))


def _names(session: Session, account: Account) -> tuple[str, ...]:
    """What a password must not contain: the account's names, and those of its units."""
    codes = {held.unit_code for held in grants_of(session, [account.id]) if held.unit_code}
    units = session.scalars(select(Unit.name).where(Unit.code.in_(codes))).all() if codes else []
    chief = chief_of(session, account)
    phone = (chief.phone,) if chief and chief.phone else ()
    return (account.name, account.full_name, *phone, *units)


def note_refusal(session: Session, account: Account | None, what: str) -> None:
    """Write down a refused sign-in. An unknown name is not: people type passwords into the wrong field."""
    subject = account.subject if account else subject_of("?")
    at = city.next_moment(session)
    note(session, f"account.{what}", subject, None, actor=account.signature if account else "?", at=at)


def _keys(name: str | None, address: str) -> dict[str, str]:
    from_there = {"address": _hash(f"address\n{address}")}
    if name is None:
        return from_there
    try:
        plain = normal_name(name)
    except Problem:
        plain = name[:100]
    return {
        "pair": _hash(f"pair\n{plain}\n{address}"),
        "name": _hash(f"name\n{plain}"),
    } | from_there


def count_attempt(session: Session, name: str | None, address: str) -> None:
    """Count an attempt before it is judged, so that many at once are counted too. Raises TOO_MANY_ATTEMPTS.

    None for the name: it is not known yet, and only the address counts.
    """
    now = present()
    session.execute(delete(Attempt).where(Attempt.at < now - WINDOW))
    keys = _keys(name, address)
    counted = select(Attempt.key, func.count()).where(Attempt.key.in_(keys.values())).group_by(Attempt.key)
    held = dict(session.execute(counted).all())
    for kind, key in keys.items():
        if held.get(key, 0) >= _LIMITS[kind]:
            raise Problem(TOO_MANY_ATTEMPTS, minutes=_MINUTES)
    session.add_all(Attempt(key=key, at=now) for key in keys.values())


def note_refused_request(session: Session, holder: Holder, why: str, route: str) -> None:
    """Write down that somebody was refused what is not theirs. Raises TOO_MANY_ATTEMPTS from the hundredth on."""
    key, now = _hash(f"refused\n{holder.subject}"), present()
    session.execute(delete(Attempt).where(Attempt.at < now - WINDOW))
    if (session.scalar(select(func.count()).select_from(Attempt).where(Attempt.key == key)) or 0) >= _REFUSALS:
        raise Problem(TOO_MANY_ATTEMPTS, minutes=_MINUTES)
    session.add(Attempt(key=key, at=now))
    said = {"refusal": {"why": [why], "route": [route]}}
    at = city.next_moment(session)
    note(session, "access.refused", holder.subject, None, actor=holder.name, at=at, after=said)


def _forgive(session: Session, name: str, address: str) -> None:
    """Forget the attempts of who has shown to be the right one; those from elsewhere go on counting."""
    session.execute(delete(Attempt).where(Attempt.key == _keys(name, address)["pair"]))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
