"""Import of a city's files: every row is right, or is named with its reason.

Nothing is half imported: while a row is bad nothing of its file is written, unless the good rows alone are asked for.
The same file again changes nothing.
"""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session

from farmland.imports.baseline import import_baseline
from farmland.imports.chiefs import import_chiefs
from farmland.imports.designations import import_designations
from farmland.imports.plots import import_plots
from farmland.imports.rows.outcome import Options, Outcome
from farmland.imports.rows.source import Source, open_source
from farmland.imports.targets import import_targets
from farmland.imports.units import import_units
from farmland.land.tiles import note_change
from farmland.land.units import home_of
from farmland.records import city
from farmland.records.database import Database, count_rows_anew
from farmland.records.ledger import note
from geodata.files import hash_of_file


def import_claims(session: Session, source: Source, options: Options) -> Outcome:
    """As :func:`farmland.imports.claims.import_claims`: the rules take a while to load, and few imports need them."""
    from farmland.imports.claims import import_claims as run

    return run(session, source, options)


def import_findings(session: Session, source: Source, options: Options) -> Outcome:
    """As :func:`farmland.imports.findings.import_findings`, which may revoke claims."""
    from farmland.imports.findings import import_findings as run

    return run(session, source, options)


Importer = Callable[[Session, Source, Options], Outcome]

IMPORTERS: dict[str, Importer] = {
    "units": import_units,
    "chiefs": import_chiefs,
    "plots": import_plots,
    "baseline": import_baseline,
    "targets": import_targets,
    "claims": import_claims,
    "designations": import_designations,
    "findings": import_findings,
}

EVENTS = {
    "units": "unit",
    "chiefs": "chief",
    "plots": "plot",
    "baseline": "baseline",
    "targets": "target",
    "designations": "designation",
    "findings": "finding",
}
"""What an import is called in the ledger; claims have an entry for each of their steps."""


MANY = 1000
"""After so many new rows, ways of asking that were good may not be any more."""


def import_file(database: Database, noun: str, path: Path, options: Options) -> Outcome:
    """Import a file of `noun` ("units", "chiefs", "plots", "baseline", "targets", "claims", "designations", "findings").

    The outcome says what was, or with `dry_run` would be, written; with bad rows and without `skip_bad` nothing was.
    Raises a Problem where the file as a whole cannot be read.
    """
    options.tell(0.0, "读取文件", "reading the file")
    with database.reading() as session:
        home = home_of(session)
    source = open_source(path, options, noun, home)
    options.tell(0.2, "检查", "checking")
    with database.writing() as session:
        outcome = import_source(session, noun, source, options, path)
        if not outcome.written:
            session.rollback()
    options.tell(1.0, "完成", "done")
    return outcome


def import_source(session: Session, noun: str, source: Source, options: Options, path: Path | None = None) -> Outcome:
    """Import rows under a right to write, with the ledger's entry; where `written` is False, roll back what was done."""
    from farmland.imports.rows.texts import part_unfit  # knows every table

    unread, notices = source.told()
    fit, unfit = part_unfit(source.without(row.number for row in unread))
    outcome = IMPORTERS[noun](session, fit, options) if len(fit.frame) else Outcome(0)
    outcome.rows = len(source.frame)
    outcome.bad[:0] = [*unread, *unfit]
    outcome.notices[:0] = notices
    outcome.written = not options.dry_run and (options.skip_bad or not outcome.bad)
    if outcome.written and outcome.after:
        if path is not None:
            outcome.after["file"] = {"name": [path.name], "sha256": [hash_of_file(path)]}
        at = options.now or city.next_moment(session)
        event = f"{EVENTS[noun]}.imported"
        note(session, event, None, None, actor=options.actor, at=at, before=outcome.before, after=outcome.after)
        if noun in ("units", "plots"):
            note_change(session)
    if outcome.written and noun == "findings":
        from farmland.imports.findings import take_back

        take_back(session, options, outcome)
    if outcome.written and outcome.rows >= MANY:
        count_rows_anew(session)
    return outcome
