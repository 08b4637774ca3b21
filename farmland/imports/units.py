"""Import of units: from a table of codes and names, or from a layer with their polygons."""

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.imports.rows.checks import refuse_empty, refuse_twice, sound_geometries, unit_codes
from farmland.imports.rows.outcome import Options, Outcome
from farmland.imports.rows.polygon_rows import refuse_moved
from farmland.imports.rows.shift import check_copies
from farmland.imports.rows.source import Source
from farmland.land.units import LEVELS, Unit, level_of, parent_of
from farmland.records.database import table_of
from farmland.records.ledger import content, merge, stored
from geodata.area import areas_m2
from geodata.column import next_id, write
from geodata.geometry_faults import fingerprint
from geodata.problems import Kind

PARENT_MISSING = Kind(
    "parent_missing",
    "{code} 的上级 {parent} 既不在本文件中，也没有导入过。请先导入上级单位。",
    "{parent}, the unit above {code}, is neither in this file nor among the units. Import it first.",
)


PARENT_REFUSED = Kind(
    "parent_refused",
    "{code} 的上级 {parent} 在第 {row} 行，而那一行有误、不能导入，所以这一行也不能。请先改正那一行。",
    "{parent}, the unit above {code}, is in row {row}, which cannot be imported; so neither can this one. Correct "
    "that row first.",
)


def _refuse_orphans(source: Source, codes: NDArray[np.object_], held: set[str], outcome: Outcome) -> None:
    """Name the rows whose parent is neither there nor in a row that is good, from the city down."""
    bad = {row.number for row in outcome.bad}
    rows = {code: number for code, number in zip(codes[::-1], source.numbers[::-1], strict=True) if code}
    there = held.copy()
    good = [i for i, code in enumerate(codes) if code and source.numbers[i] not in bad]
    for i in sorted(good, key=lambda i: LEVELS.index(level_of(str(codes[i])))):
        parent = parent_of(codes[i])
        if parent is None or parent in there:
            there.add(codes[i])
        else:
            kind, row = (PARENT_REFUSED, rows[parent]) if parent in rows else (PARENT_MISSING, 0)
            outcome.refuse([source.numbers[i]], "code", kind, code=codes[i], parent=parent, row=row)


def import_units(session: Session, source: Source, options: Options) -> Outcome:
    """Write units; one that is there gets the new name and polygon. Parents must be there or in the file."""
    outcome = Outcome(len(source.frame))
    codes = unit_codes(source, "code", outcome)
    names = source.text("name")
    if not source.has("code"):
        source.text("code")
    refuse_empty(source, "name", names, outcome)
    refuse_empty(source, "code", source.text("code"), outcome)
    refuse_twice(source, "code", codes, outcome)
    if source.has_polygons:
        geometries, sound = sound_geometries(source, options, outcome)
        check_copies(session, source, geometries, sound, outcome)
    else:
        geometries = np.full(len(codes), None, dtype=object)
        sound = np.ones(len(codes), dtype=bool)

    held = {
        row.code: row for row in session.execute(select(Unit.id, Unit.code, Unit.name, Unit.geometry, Unit.area_m2))
    }
    _refuse_orphans(source, codes, set(held), outcome)
    bad = {row.number for row in outcome.bad}
    # Parents are written before their children, who refer to them.
    good = [i for i in range(len(codes)) if source.numbers[i] not in bad]
    good.sort(key=lambda i: (LEVELS.index(level_of(str(codes[i]))), codes[i]))
    measured = geometries.copy()
    measured[~sound] = None
    areas = areas_m2(measured).round(2)
    old = np.array([held[code].geometry if code in held else None for code in codes], dtype=object)
    has_old = np.array([geometry is not None for geometry in old])
    same = np.zeros(len(codes), dtype=bool)
    both = has_old & np.array([geometry is not None for geometry in geometries])
    if both.any():
        same[both] = fingerprint(old[both]) == fingerprint(geometries[both])

    if not options.allow_moved:
        redrawn = np.array([i for i in good if both[i] and not same[i]], dtype=int)
        moved = refuse_moved(
            old[redrawn], geometries[redrawn], codes[redrawn].tolist(), source.numbers[redrawn], outcome
        )
        good = [i for i in good if i not in set(redrawn[moved].tolist())]

    connection = session.connection()
    first = next_id(connection, table_of(Unit))
    new, changed = [], []
    for i in good:
        code = codes[i]
        if code not in held:
            new.append(i)
        elif held[code].name != names[i] or (geometries[i] is not None and not same[i]):
            changed.append(i)
        else:
            outcome.unchanged += 1
    columns = {
        "id": list(range(first, first + len(new))),
        "code": [codes[i] for i in new],
        "name": [names[i] for i in new],
        "level": [level_of(codes[i]) for i in new],
        "parent_code": [parent_of(codes[i]) for i in new],
        "area_m2": [None if geometries[i] is None else float(areas[i]) for i in new],
    }
    write(connection, table_of(Unit), columns, geometries[new], new=True)
    merge(outcome.after, content(table_of(Unit), columns, geometries[new]))
    known_ids = [held[codes[i]].id for i in changed]
    outcome.before = stored(session, table_of(Unit), known_ids)
    columns = {
        "id": known_ids,
        "name": [names[i] for i in changed],
        "area_m2": [held[codes[i]].area_m2 if geometries[i] is None else float(areas[i]) for i in changed],
    }
    kept = np.array([geometry is None for geometry in geometries])
    geometries[kept] = old[kept]
    write(connection, table_of(Unit), columns, geometries[changed], new=False)
    merge(outcome.after, stored(session, table_of(Unit), known_ids))
    outcome.added, outcome.changed = len(new), len(changed)
    outcome.area_m2 = round(float(areas[good].sum()), 2) if good else 0.0
    return outcome
