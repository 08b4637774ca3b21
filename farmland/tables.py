"""All tables, so that whoever needs the whole schema (the migrations) need only import this."""

from sqlalchemy import Table

from farmland.baseline import BaselinePatch
from farmland.chiefs import Appointment, Chief
from farmland.city import Demonstration
from farmland.claims import Claim, Deduction, Step
from farmland.database import Base
from farmland.evidence import Evidence
from farmland.ledger import Entry
from farmland.plots import Plot
from farmland.targets import Allocation, Target
from farmland.tiles import GroundChange
from farmland.tokens import Token
from farmland.units import Unit

SCHEMA = Base.metadata

_UNTRACKED = ("ledger_entry", "ground_change")


def tracked() -> list[Table]:
    """The tables that the ledger speaks of: all but itself and the note which tiles are out of date."""
    return [table for name, table in sorted(SCHEMA.tables.items()) if name not in _UNTRACKED]


__all__ = [
    "SCHEMA",
    "Allocation",
    "Appointment",
    "BaselinePatch",
    "Chief",
    "Claim",
    "Deduction",
    "Demonstration",
    "Entry",
    "Evidence",
    "GroundChange",
    "Plot",
    "Step",
    "Target",
    "Token",
    "Unit",
    "tracked",
]
