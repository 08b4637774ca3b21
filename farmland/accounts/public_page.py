"""The public page: the towns' figures without sign-in, only while the administrator has switched it on."""

from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.records import city
from farmland.records.database import Base
from farmland.records.ledger import NOTHING, contents, note
from geodata.problems import Kind, Problem

NOT_PUBLIC = Kind(
    "not_public",
    "公开页未开放，请登录后查看。管理员可在“管理”中开放。",
    "The public page is switched off: sign in to see the figures. The administrator can switch it on.",
    "forbidden",
)


class PublicPage(Base):
    """The one row that says whether the page is on; no row: it never was."""

    __tablename__ = "public_page"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    on: Mapped[bool]


def is_public(session: Session) -> bool:
    """Whether the page is on."""
    held = session.get(PublicPage, 1)
    return held is not None and held.on


def require_public(session: Session) -> None:
    """Raises NOT_PUBLIC while the page is off."""
    if not is_public(session):
        raise Problem(NOT_PUBLIC)


def switch_public(session: Session, on: bool, *, actor: str) -> None:
    """Switch the page on or off."""
    held = session.get(PublicPage, 1)
    if (held is not None and held.on) == on:
        return
    before = contents(held) if held else NOTHING
    if held is None:
        held = PublicPage(id=1, on=on)
        session.add(held)
    held.on = on
    session.flush()
    note(
        session,
        "public_page.on" if on else "public_page.off",
        None,
        None,
        actor=actor,
        at=city.next_moment(session),
        before=before,
        after=contents(held),
    )
