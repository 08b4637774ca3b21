"""Tokens with which programs may write: each for a unit and what lies below it; only their hashes are kept."""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.database import Base, Moment
from farmland.ledger import contents, note
from farmland.units import get_unit, is_within
from geodata.problems import Kind, Problem

TOKEN_MISSING = Kind(
    "token_missing",
    "写入、查看证据文件都需要令牌。请在请求头写明 Authorization: Bearer 令牌（tianzhang init 或 tianzhang token add 所给）。",
    "Writing needs a token, and so does seeing evidence files. Send the header Authorization: Bearer TOKEN (from tianzhang "
    "init or tianzhang token add).",
    "unauthenticated",
)
TOKEN_UNKNOWN = Kind(
    "token_unknown",
    "令牌无效或已停用。请向管理员索取新的令牌。",
    "The token is unknown or was withdrawn. Ask the administrator for a new one.",
    "unauthenticated",
)
NOT_YOUR_UNIT = Kind(
    "not_your_unit",
    "“{name}”只能办理 {own} 及其下级的事项，不能办理 {code} 的。请由该单位或其上级办理。",
    "“{name}” may act for {own} and what lies below it, not for {code}. Let that unit or one above it do this.",
    "forbidden",
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
    """A token's holder, and the unit for which it may write; None: for every unit (the administrator)."""

    __tablename__ = "token"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    unit_code: Mapped[str | None] = mapped_column(ForeignKey("unit.code"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


def add_token(session: Session, name: str, unit_code: str | None, now: datetime, *, actor: str) -> str:
    """Make a token and return it: the only time that it can be read. Raises UNIT_UNKNOWN, TOKEN_NAME_TAKEN."""
    if unit_code is not None:
        unit_code = get_unit(session, unit_code).code
    if session.scalar(select(Token).where(Token.name == name, Token.revoked_at.is_(None))):
        raise Problem(TOKEN_NAME_TAKEN, name=name)
    secret = f"tz_{secrets.token_urlsafe(32)}"
    token = Token(name=name, hash=_hash(secret), unit_code=unit_code, created_at=now)
    session.add(token)
    session.flush()
    note(session, "token.added", name, unit_code, actor=actor, at=now, after=contents(token))
    return secret


def revoke_token(session: Session, name: str, now: datetime, *, actor: str) -> None:
    """Withdraw the token of that name. Raises TOKEN_NAME_UNKNOWN."""
    token = session.scalar(select(Token).where(Token.name == name, Token.revoked_at.is_(None)))
    if token is None:
        raise Problem(TOKEN_NAME_UNKNOWN, name=name)
    before = contents(token)
    token.revoked_at = now
    session.flush()
    note(session, "token.revoked", name, token.unit_code, actor=actor, at=now, before=before, after=contents(token))


def in_use(session: Session) -> list[Token]:
    """The tokens that are not withdrawn, the oldest first."""
    return list(session.scalars(select(Token).where(Token.revoked_at.is_(None)).order_by(Token.id)))


def any_token(session: Session) -> bool:
    """Whether a token was ever made."""
    return session.scalar(select(Token.id).limit(1)) is not None


def holder_of(session: Session, secret: str) -> Token:
    """The token in use behind a secret. Raises TOKEN_UNKNOWN."""
    token = session.scalar(select(Token).where(Token.hash == _hash(secret), Token.revoked_at.is_(None)))
    if token is None:
        raise Problem(TOKEN_UNKNOWN)
    return token


def require_right(token: Token, unit_code: str) -> None:
    """Raises NOT_YOUR_UNIT unless the token is for the unit or one above it."""
    if token.unit_code is not None and not is_within(unit_code, token.unit_code):
        raise Problem(NOT_YOUR_UNIT, name=token.name, own=token.unit_code, code=unit_code)


def _hash(secret: str) -> str:
    # The secret has 256 random bits: nothing slower than SHA-256 is needed against guessing.
    return hashlib.sha256(secret.encode()).hexdigest()
