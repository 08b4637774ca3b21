"""Tokens for programs: each for some actions in a unit and what lies below it; only their hashes are kept."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import ForeignKey, String, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.land.units import get_unit
from farmland.people.rights import Holder, Right
from farmland.people.roles import Action
from farmland.records.database import Base, Moment
from farmland.records.ledger import contents, note
from geodata.problems import Kind, Problem

TOKEN_UNKNOWN = Kind(
    "token_unknown",
    "令牌无效或已停用。请向管理员索取新的令牌。",
    "The token is unknown or was withdrawn. Ask the administrator for a new one.",
    "unauthenticated",
)
TOKEN_NAME_TAKEN = Kind(
    "token_name_taken",
    "名为“{name}”的令牌已经存在。请换一个名称，或先停用它：tianzhang token revoke “{name}”。",
    "A token named “{name}” exists. Choose another name, or withdraw it first: tianzhang token revoke “{name}”.",
    "conflict",
)
TOKEN_NAME_UNKNOWN = Kind(
    "token_name_unknown",
    "没有名为“{name}”的有效令牌。tianzhang token list 列出全部令牌。",
    "No token in use is named “{name}”. See tianzhang token list.",
    "not_found",
)


class Token(Base):
    """A token: the program that holds it, what it may do, and in which unit; None: in every unit."""

    __tablename__ = "token"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    unit_code: Mapped[str | None] = mapped_column(ForeignKey("unit.code"))
    may: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


# Made once: every request asks it.
_IN_USE = select(Token).where(Token.hash == bindparam("hash"), Token.revoked_at.is_(None))


class TokenUse(Base):
    """When a token was last used, to the minute. Not of the ledger."""

    __tablename__ = "token_use"
    token_id: Mapped[int] = mapped_column(ForeignKey("token.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)


def add_token(
    session: Session, name: str, unit_code: str | None, may: Iterable[Action], now: datetime, *, actor: str
) -> tuple[Token, str]:
    """Make a token, and its secret: the only time that it can be read. Raises UNIT_UNKNOWN, TOKEN_NAME_TAKEN."""
    if unit_code is not None:
        unit_code = get_unit(session, unit_code).code
    if session.scalar(select(Token).where(Token.name == name, Token.revoked_at.is_(None))):
        raise Problem(TOKEN_NAME_TAKEN, name=name)
    secret = f"tz_{secrets.token_urlsafe(32)}"
    allowed = " ".join(sorted({Action.READ, *may}))
    token = Token(name=name, hash=_hash(secret), unit_code=unit_code, may=allowed, created_at=now)
    session.add(token)
    session.flush()
    note(session, "token.added", name, unit_code, actor=actor, at=now, after=contents(token))
    return token, secret


def get_token(session: Session, token_id: int) -> Token:
    """A token in use by its id. Raises TOKEN_NAME_UNKNOWN."""
    token = session.get(Token, token_id)
    if token is None or token.revoked_at is not None:
        raise Problem(TOKEN_NAME_UNKNOWN, name=token_id)
    return token


def token_named(session: Session, name: str) -> Token:
    """A token in use by its name. Raises TOKEN_NAME_UNKNOWN."""
    token = session.scalar(select(Token).where(Token.name == name, Token.revoked_at.is_(None)))
    if token is None:
        raise Problem(TOKEN_NAME_UNKNOWN, name=name)
    return token


def revoke_token(session: Session, token: Token, now: datetime, *, actor: str) -> None:
    """Withdraw a token."""
    before = contents(token)
    token.revoked_at = now
    session.flush()
    note(
        session, "token.revoked", token.name, token.unit_code, actor=actor, at=now, before=before, after=contents(token)
    )


def in_use(session: Session) -> list[Token]:
    """The tokens that are not withdrawn, the oldest first."""
    return list(session.scalars(select(Token).where(Token.revoked_at.is_(None)).order_by(Token.id)))


def last_uses(session: Session) -> dict[int, datetime]:
    """When each token was last used."""
    return {use.token_id: use.at for use in session.scalars(select(TokenUse))}


def note_uses(session: Session, uses: Mapping[int, datetime]) -> None:
    """Keep when tokens were used; several servers may tell of the same."""
    for token_id, at in uses.items():
        held = session.get(TokenUse, token_id)
        if held is None:
            session.add(TokenUse(token_id=token_id, at=at))
        else:
            held.at = max(held.at, at)


def holder_of_token(session: Session, secret: str) -> Holder:
    """Who holds a token. Raises TOKEN_UNKNOWN."""
    token = session.scalar(_IN_USE, {"hash": _hash(secret)})
    if token is None:
        raise Problem(TOKEN_UNKNOWN)
    actions = frozenset(Action(word) for word in token.may.split())
    return Holder(token.name, token.name, (Right(actions, token.unit_code),), token_id=token.id)


def _hash(secret: str) -> str:
    # The secret has 256 random bits: nothing slower than SHA-256 is needed against guessing.
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
