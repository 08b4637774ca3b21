"""Import of designated areas: projects that count their land already, red lines, land that is to be given up."""

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from farmland.imports.rows.checks import (
    check_whole,
    good_rows,
    numbers_or_prints,
    prints_of,
    refuse_twice,
    sound_geometries,
    years_of,
)
from farmland.imports.rows.outcome import Options, Outcome
from farmland.imports.rows.polygon_rows import rows_beside, without_moved, write_rows
from farmland.imports.rows.shift import check_copies
from farmland.imports.rows.source import Source
from farmland.land.designations import DesignatedArea, Designation
from farmland.records.database import table_of
from geodata.area import areas_m2
from geodata.problems import Kind

BAD_DESIGNATION = Kind(
    "bad_designation",
    "区域类型“{text}”不对：应为 high_standard、linkage、supplementary、red_line 或 planned_conversion。",
    "The kind “{text}” is wrong: high_standard, linkage, supplementary, red_line or planned_conversion.",
)


def import_designations(session: Session, source: Source, options: Options) -> Outcome:
    """Write designated areas, known by kind and number; without a number, by their polygon."""
    outcome = Outcome(len(source.frame))
    kinds = source.text("kind")
    for i in np.flatnonzero(~np.isin(kinds, list(Designation))):
        outcome.refuse([source.numbers[i]], "kind", BAD_DESIGNATION, text=kinds[i])
    geometries, sound = sound_geometries(source, options, outcome)
    check_whole(session, source, geometries)
    check_copies(session, source, geometries, sound, outcome)
    prints = prints_of(geometries, sound)
    numbers = numbers_or_prints(source, prints, "D")
    refuse_twice(source, "number", kinds + "/" + numbers, outcome)
    years = years_of(source, outcome, None)
    names, funds = source.text("name", ""), source.text("fund", "")

    good = good_rows(source, outcome)
    columns = pd.DataFrame(
        {
            "kind": kinds[good],
            "number": numbers[good],
            "name": [names[i] or numbers[i] for i in good],
            "fund": np.array([funds[i] or None for i in good], dtype=object),
            "year": np.array([None if np.isnan(years[i]) else int(years[i]) for i in good], dtype=object),
            "area_m2": areas_m2(geometries[good]).round(2),
            "fingerprint": prints[good],
        }
    )
    rows = rows_beside(session, table_of(DesignatedArea), ["kind", "number"], columns, geometries[good], source, good)
    write_rows(session, without_moved(session, rows, options, outcome), outcome)
    return outcome
