"""Who takes a step, as the records will name them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Actor:
    """Who takes a step, as the records will name them, and when (the moment it happened, the moment it is recorded).

    `unit_code` is the unit for which they act, None where nobody knows; device and household are what tells two persons
    apart who are one.
    """

    name: str
    at: datetime
    recorded_at: datetime
    unit_code: str | None = None
    device: str | None = None
    household: str | None = None
