"""All tables, so that whoever needs the whole schema (the migrations) need only import this."""

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
from farmland.plots import Plot
from farmland.targets import Allocation, Target
from farmland.tiles import GroundChange
from farmland.tokens import Token
from farmland.units import Unit
from farmland.visits import Visit

SCHEMA = Base.metadata

__all__ = [
    "SCHEMA",
    "Allocation",
    "Appointment",
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
    "GroundChange",
    "Plot",
    "Step",
    "Target",
    "Token",
    "Unit",
    "Visit",
]
