"""All tables, so that whoever needs the whole schema (the migrations) need only import this."""

from sqlalchemy import Table

from farmland.accounts import Account, Grant
from farmland.baseline import BaselinePatch
from farmland.chiefs import Appointment, Chief
from farmland.city import Demonstration
from farmland.claims import Claim, Deduction, Step
from farmland.database import Base
from farmland.designations import DesignatedArea
from farmland.doubts import Doubt
from farmland.evidence import Evidence
from farmland.findings import Finding
from farmland.ledger import Entry
from farmland.periods import Period
from farmland.plots import Plot
from farmland.public_page import PublicPage
from farmland.sign_in import Attempt, SignIn
from farmland.targets import Allocation, Target
from farmland.tiles import GroundChange
from farmland.tokens import Token, TokenUse
from farmland.units import Unit
from farmland.visits import Visit

SCHEMA = Base.metadata

PASSING = ("sign_in", "sign_in_attempt", "token_use")
"""What ends by itself and proves nothing: the ledger does not speak of it, and no backup holds it."""
_UNTRACKED = ("ledger_entry", "ground_change", *PASSING)


def tracked() -> list[Table]:
    """The tables that the ledger speaks of: all but itself, the note which tiles are out of date, and what passes."""
    return [table for name, table in sorted(SCHEMA.tables.items()) if name not in _UNTRACKED]


__all__ = [
    "PASSING",
    "SCHEMA",
    "Account",
    "Allocation",
    "Appointment",
    "Attempt",
    "BaselinePatch",
    "Chief",
    "Claim",
    "Deduction",
    "Demonstration",
    "DesignatedArea",
    "Doubt",
    "Entry",
    "Evidence",
    "Finding",
    "Grant",
    "GroundChange",
    "Period",
    "Plot",
    "PublicPage",
    "SignIn",
    "Step",
    "Target",
    "Token",
    "TokenUse",
    "Unit",
    "Visit",
    "tracked",
]
