"""All tables, so that whoever needs the whole schema (the migrations) need only import this."""

from sqlalchemy import Table

from farmland.accounts.accounts import Account, Grant
from farmland.accounts.public_page import PublicPage
from farmland.accounts.sign_in import Attempt, SignIn
from farmland.accounts.tokens import Token, TokenUse
from farmland.land.baseline import BaselinePatch
from farmland.land.designations import DesignatedArea
from farmland.land.plots import Plot
from farmland.land.tiles import GroundChange
from farmland.land.units import Unit
from farmland.people.chiefs import Appointment, Chief
from farmland.records.city import Demonstration
from farmland.records.database import Base
from farmland.records.ledger import Entry
from farmland.reports.periods import Period
from farmland.restoration.claims import Claim, Deduction, Step
from farmland.restoration.doubts import Doubt
from farmland.restoration.evidence import Evidence
from farmland.restoration.findings import Finding
from farmland.restoration.targets import Allocation, Target
from farmland.restoration.visits import Visit

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
