"""The rights of accounts, as answers show them, and the names of units."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.land.units import Unit
from farmland.people.rights import Right

K = TypeVar("K")


def unit_names(session: Session, codes: Iterable[str | None]) -> dict[str | None, str]:
    """The names of units by their codes, in one query."""
    wanted = {code for code in codes if code}
    if not wanted:
        return {}
    return dict(session.execute(select(Unit.code, Unit.name).where(Unit.code.in_(wanted))).all())


def rights_json(session: Session, rights: Mapping[K, Sequence[Right]]) -> dict[K, list[dict[str, Any]]]:
    """The rights of many, with the names of their units, in one query."""
    names = unit_names(session, (right.unit_code for held in rights.values() for right in held))
    return {
        key: [
            {
                "role": right.role,
                "unit_code": right.unit_code,
                "unit_name": names.get(right.unit_code),
                "from_roster": right.from_roster,
            }
            for right in held
        ]
        for key, held in rights.items()
    }
