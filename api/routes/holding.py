"""The rights of accounts, as answers show them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.rights import Right
from farmland.units import Unit

K = TypeVar("K")


def rights_json(session: Session, rights: Mapping[K, Sequence[Right]]) -> dict[K, list[dict[str, Any]]]:
    """The rights of many, with the names of their units, in one query."""
    codes = {right.unit_code for held in rights.values() for right in held if right.unit_code}
    names = dict(session.execute(select(Unit.code, Unit.name).where(Unit.code.in_(codes))).all()) if codes else {}
    return {
        key: [
            {
                "role": right.role,
                "unit_code": right.unit_code,
                "unit_name": names.get(right.unit_code or ""),
                "from_roster": right.from_roster,
            }
            for right in held
        ]
        for key, held in rights.items()
    }
