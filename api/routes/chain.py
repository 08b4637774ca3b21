"""Who answers for a unit or a plot, as answers show it."""

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from farmland.people import chiefs


def chain_json(session: Session, unit_code: str, on: date, plot_id: int | None = None) -> list[dict[str, Any]]:
    """A link for each level from the city down, with the chiefs in office on the day."""
    return [
        {
            "level": link.level,
            "unit_code": link.unit_code,
            "unit_name": link.unit_name,
            "chiefs": [
                {"name": held.chief.name, "duty": held.duty, "since": held.from_day, "until": held.to_day}
                for held in link.appointments
            ],
        }
        for link in chiefs.chain(session, unit_code, on, plot_id)
    ]
