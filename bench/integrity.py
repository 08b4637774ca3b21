"""`python -m bench.integrity`: how many alterations behind the program's back the replay of the ledger finds."""

import argparse
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from bench import little_city
from bench.tampering import Rows, snapshot, tamper, without_foreign_keys
from farmland.keeping.seal import Seal, make_key, make_seal
from farmland.keeping.verify import verify
from farmland.records.database import Database


def main() -> None:
    """Alter one thing after another, each in the city as it was, and count what is found."""
    parser = argparse.ArgumentParser(prog="python -m bench.integrity", description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000, help="alterations through SQL")
    parser.add_argument("--bytes", type=int, default=1_000, help="bytes of SQLite's file")
    parser.add_argument("--seed", type=int, default=2022)
    parser.add_argument("--url", help="an empty database; without it, a SQLite file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "city.sqlite"
        database = Database(asked.url or f"sqlite:///{file}")
        earlier: dict[str, Rows] = {}
        little_city.make(database, Path(folder), lambda session: earlier.update(snapshot(session)))
        make_key(Path(folder))
        with database.reading() as session:
            seal = make_seal(session, Path(folder), little_city.START)
            whole = verify(session, seal)
        assert whole.fits, [str(misfit.problem) for misfit in whole.misfits]
        print(f"{whole.entries} entries, {whole.rows} records, {database.engine.dialect.name}")
        _through_sql(database, seal, earlier, asked.changes, np.random.default_rng(asked.seed))
        database.close()
        if not asked.url:
            _in_the_file(file, seal, asked.bytes, np.random.default_rng(asked.seed))


def _through_sql(
    database: Database, seal: Seal, earlier: dict[str, Rows], changes: int, rng: np.random.Generator
) -> None:
    made: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for n in range(changes):
        with Session(database.engine.execution_options(writing=True), autoflush=False) as session:
            without_foreign_keys(session)
            said = tamper(session, rng, earlier)
            kind = said.partition(":")[0]
            made[kind] += 1
            fits = verify(session, seal).fits
            found[kind] += not fits
            if fits:
                print(f"not found: {n} {said}", flush=True)
            session.rollback()
    print("| altered through SQL | made | found |\n| --- | ---: | ---: |")
    for kind, count in [*sorted(made.items()), ("all", made.total())]:
        print(f"| {kind} | {count:,} | {found.total() if kind == 'all' else found[kind]:,} |")


def _in_the_file(file: Path, seal: Seal, changes: int, rng: np.random.Generator) -> None:
    """Change single bytes of the file itself; one that no row and no index holds changes nothing that can be read."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    content, held = file.read_bytes(), _dump(file)
    outcomes: Counter[str] = Counter()
    for _ in range(changes):
        altered = bytearray(content)
        altered[rng.integers(len(altered))] ^= int(rng.integers(1, 256))
        file.write_bytes(altered)
        if not _fits(file, seal):
            outcomes["found"] += 1
        else:
            outcomes["in unused space: every row reads as before" if _dump(file) == held else "not found"] += 1
    print("| one byte of SQLite's file | times |\n| --- | ---: |")
    for outcome, count in sorted(outcomes.items()):
        print(f"| {outcome} | {count:,} |")


def _fits(file: Path, seal: Seal) -> bool:
    database = Database(f"sqlite:///{file}")
    try:
        database.require_prepared()
        with database.reading() as session:
            return verify(session, seal).fits
    except Exception:  # whatever SQLite says of a file that is none any more
        return False
    finally:
        database.close()


def _dump(file: Path) -> list[tuple[object, ...]] | None:
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.text_factory = bytes
            names = [
                row[0].decode() for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            # A spatial index is read through its own table; the nodes beneath have unused space too.
            read = [name for name in names if not name.endswith("_geometry_index_node")]
            return [row for name in read for row in connection.execute(f"SELECT * FROM {name}")]
    except sqlite3.Error:
        return None


if __name__ == "__main__":
    main()
