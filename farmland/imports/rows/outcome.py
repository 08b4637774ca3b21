"""What an import is asked to do, and what came of it, row by row."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from farmland.records.ledger import Content
from farmland.records.telling import Tell, silent
from farmland.restoration.thresholds import Thresholds
from geodata.problems import Kind, Problem


@dataclass(frozen=True)
class Options:
    """How to read a file and what to do with it.

    `mapping` names the file's column for a field, `constants` gives a field one value for all rows. `year` is that of a
    baseline; `allow_over`, `allow_overlaps`, `allow_moved`, `allow_renamed` say that parts of a target over their whole, plots
    where plots are already, known numbers on other land, and other names of known chiefs are meant. `actor` and `now` are what
    the records will say of who imported, and when; `thresholds` are those of the rules; `tell` is told how far the import is.
    `recorded_as_it_happened` is for a demonstration, whose records are made up: the steps of claims are then recorded when they
    happened, not now; `meanwhile` is called with the moment of each step, to write what else had happened by then.
    """

    mapping: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    layer: str | None = None
    crs: str | None = None
    encoding: str | None = None
    year: int | None = None
    dry_run: bool = False
    skip_bad: bool = False
    repair: bool = False
    allow_over: bool = False
    allow_overlaps: bool = False
    allow_moved: bool = False
    allow_renamed: bool = False
    actor: str = "tianzhang import"
    now: datetime | None = None
    recorded_as_it_happened: bool = False
    meanwhile: Callable[[Session, datetime], None] | None = None
    right: Callable[[str], None] | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    tell: Tell = silent


@dataclass(frozen=True)
class Row:
    """A remark on one row: its number in the file, 0 for the file as a whole, the field, and what is to be said."""

    number: int
    field: str
    problem: Problem


@dataclass
class Outcome:
    """The rows read, and what became of them. `notices` do not keep a row from being imported; `bad` does.

    `overlaps` pairs of plots, of which one at least is in the file, share `overlap_m2`. `before` and `after` are what the
    ledger is to say of the rows that changed.
    """

    rows: int
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    area_m2: float = 0.0
    overlaps: int = 0
    overlap_m2: float = 0.0
    written: bool = False
    bad: list[Row] = field(default_factory=list)
    notices: list[Row] = field(default_factory=list)
    before: Content = field(default_factory=dict)
    after: Content = field(default_factory=dict)

    def refuse(self, numbers: Iterable[int], name: str, kind: Kind, **facts: object) -> None:
        """Name rows as bad, all for the same reason."""
        self.bad.extend(Row(int(number), name, Problem(kind, **facts)) for number in numbers)
