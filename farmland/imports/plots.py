"""Import of responsibility plots from a layer of polygons."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.imports.rows.checks import (
    check_whole,
    good_rows,
    numbers_or_prints,
    place_in_units,
    prints_of,
    refuse_twice,
    sound_geometries,
    unit_codes,
)
from farmland.imports.rows.land_twice import without_land_twice
from farmland.imports.rows.outcome import Options, Outcome
from farmland.imports.rows.polygon_rows import rows_beside, without_moved, write_rows
from farmland.imports.rows.shift import check_copies
from farmland.imports.rows.source import Source
from farmland.land.land_classes import BAD_LAND_CLASS, known
from farmland.land.plots import Plot
from farmland.land.units import UNIT_UNKNOWN, Unit
from farmland.records.database import table_of
from geodata.area import areas_m2
from geodata.coverage import DUST_M2
from geodata.overlaps import overlaps
from geodata.problems import Kind

NOT_YES_NO = Kind(
    "not_yes_no",
    "“{text}”不是“是/否”。请填 Y 或 N（是/否、1/0 亦可）。",
    "“{text}” is neither yes nor no. Write Y or N (or 1 or 0).",
)
_YES = {"y", "yes", "true", "1", "是", "1.0", "t"}
_NO = {"", "n", "no", "false", "0", "否", "0.0", "f"}


def import_plots(session: Session, source: Source, options: Options) -> Outcome:
    """Write plots, known by unit and number. A plot without a number is known by its polygon.

    A row without a unit gets the unit that it lies in. Overlapping plots are told; those of which over half is there already
    are refused, unless the option `allow_overlaps` says that it is meant.
    """
    outcome = Outcome(len(source.frame))
    classes = source.text("land_class")
    codes = unit_codes(source, "unit_code", outcome)
    geometries, sound = sound_geometries(source, options, outcome)
    where = np.flatnonzero(sound)
    # GEOS measures and looks for overlaps on one core while the rest is checked and written on another.
    with ThreadPoolExecutor(1) as beside:
        measuring = beside.submit(areas_m2, geometries[where])
        overlapping = beside.submit(overlaps, geometries[where], DUST_M2)
        check_whole(session, source, geometries)
        _refuse_unknown_units(session, source, codes, outcome)
        codes = place_in_units(session, source, geometries, codes, sound, outcome)
        check_copies(session, source, geometries, sound, outcome)
        for i in np.flatnonzero(~known(classes)):
            outcome.refuse([source.numbers[i]], "land_class", BAD_LAND_CLASS, code=classes[i])
        basic = _yes(source, "basic_farmland", outcome)

        prints = prints_of(geometries, sound)
        numbers = numbers_or_prints(source, prints, "P")
        refuse_twice(source, "number", codes + "/" + numbers, outcome)

        areas = np.full(len(codes), np.nan)
        areas[where] = measuring.result()
        good = good_rows(source, outcome)
        columns = pd.DataFrame(
            {
                "unit_code": codes[good],
                "number": numbers[good],
                "land_class": classes[good],
                "basic_farmland": basic[good],
                "area_m2": areas[good].round(2),
                "fingerprint": prints[good],
            }
        )
        rows = rows_beside(session, table_of(Plot), ["unit_code", "number"], columns, geometries[good], source, good)
        rows = without_moved(session, rows, options, outcome)
        pairs, shared = overlapping.result()
        rows = without_land_twice(session, source, geometries, areas, rows, (where[pairs], shared), options, outcome)
    write_rows(session, rows, outcome)
    return outcome


def _refuse_unknown_units(session: Session, source: Source, codes: NDArray[np.object_], outcome: Outcome) -> None:
    unknown = set(codes) - {"", *session.scalars(select(Unit.code))}
    for i in np.flatnonzero(np.isin(codes, list(unknown))) if unknown else []:
        outcome.refuse([source.numbers[i]], "unit_code", UNIT_UNKNOWN, code=codes[i])


def _yes(source: Source, field: str, outcome: Outcome) -> NDArray[np.bool_]:
    text = source.text(field, "")
    lower = np.array([value.lower() for value in text], dtype=object)
    wrong = ~np.isin(lower, [*_YES, *_NO])
    for i in np.flatnonzero(wrong):
        outcome.refuse([source.numbers[i]], field, NOT_YES_NO, text=text[i])
    return np.isin(lower, list(_YES))
