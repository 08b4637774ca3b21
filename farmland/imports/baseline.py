"""Import of the baseline: the survey's patches with their land classes, a layer of its own."""

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from farmland.imports.rows.checks import (
    check_whole,
    good_rows,
    numbers_of,
    numbers_or_prints,
    prints_of,
    refuse_twice,
    sound_geometries,
    unit_codes,
    years_of,
)
from farmland.imports.rows.outcome import Options, Outcome
from farmland.imports.rows.polygon_rows import rows_beside, without_moved, write_rows
from farmland.imports.rows.shift import check_copies, check_named_units
from farmland.imports.rows.source import Source
from farmland.land.baseline import BaselinePatch
from farmland.land.land_classes import BAD_LAND_CLASS, known
from farmland.records.database import table_of
from geodata.area import areas_m2
from geodata.problems import Kind, Problem

YEAR_MISSING = Kind(
    "baseline_year_missing",
    "不知道这是哪一年的基期。请写明年份：--year 2019（或数据中的 SJNF 字段）。",
    "The year of this baseline is not known. Name it: --year 2019 (or have a column SJNF).",
)
BAD_RESTORATION = Kind(
    "bad_restoration",
    "种植属性代码“{code}”不在现行代码表中（LS、FLS、LYFL、XG、LLJZ、WG、JKHF、GCHF）。旧代码请按年度对照表换算。",
    "The attribute “{code}” is not among the codes in force (LS, FLS, LYFL, XG, LLJZ, WG, JKHF, GCHF). Convert codes of "
    "earlier drafts first.",
)
BAD_RIDGE_FACTOR = Kind(
    "bad_ridge_factor",
    "田坎系数 {value} 不在 0 到 1 之间。",
    "The ridge factor {value} does not lie between 0 and 1.",
)
BAD_SLOPE_CLASS = Kind(
    "bad_slope_class",
    "坡度级别“{text}”不对：应为 1 到 5（5 为 25° 以上），不详留空。",
    "The slope class “{text}” is wrong: write 1 to 5 (5: over 25°), or nothing where it is not known.",
)
RESTORATION_CODES = ("", "LS", "FLS", "LYFL", "XG", "LLJZ", "WG", "JKHF", "GCHF")


def import_baseline(session: Session, source: Source, options: Options) -> Outcome:
    """Write survey patches, known by year and number; without a number, by their polygon. Raises YEAR_MISSING."""
    outcome = Outcome(len(source.frame))
    classes = source.text("land_class")
    years = years_of(source, outcome, options.year)
    if (np.isnan(years) & (source.text("year", "") == "")).any():
        raise Problem(YEAR_MISSING)
    codes = unit_codes(source, "unit_code", outcome)
    geometries, sound = sound_geometries(source, options, outcome)
    check_whole(session, source, geometries)
    check_named_units(session, source, geometries, codes, sound, outcome)
    check_copies(session, source, geometries, sound, outcome)
    for i in np.flatnonzero(~known(classes)):
        outcome.refuse([source.numbers[i]], "land_class", BAD_LAND_CLASS, code=classes[i])
    marks = source.text("restoration", "")
    for i in np.flatnonzero(~np.isin(marks, RESTORATION_CODES)):
        outcome.refuse([source.numbers[i]], "restoration", BAD_RESTORATION, code=marks[i])
    ridges = numbers_of(source, "ridge_factor", outcome, 0.0)
    for i in np.flatnonzero(~((ridges >= 0) & (ridges < 1))):
        outcome.refuse([source.numbers[i]], "ridge_factor", BAD_RIDGE_FACTOR, value=ridges[i])
    slopes = numbers_of(source, "slope_class", outcome, 0.0)
    for i in np.flatnonzero(~np.isin(slopes, range(6))):
        outcome.refuse([source.numbers[i]], "slope_class", BAD_SLOPE_CLASS, text=slopes[i])
    prints = prints_of(geometries, sound)
    numbers = numbers_or_prints(source, prints, "B")
    refuse_twice(source, "number", numbers, outcome)

    good = good_rows(source, outcome)
    columns = pd.DataFrame(
        {
            "year": years[good].astype(int),
            "number": numbers[good],
            "unit_code": [code or None for code in codes[good]],
            "land_class": classes[good],
            "restoration": [mark or None for mark in marks[good]],
            "ridge_factor": ridges[good],
            "slope_class": np.array([int(slope) or None for slope in slopes[good]], dtype=object),
            "area_m2": areas_m2(geometries[good]).round(2),
            "fingerprint": prints[good],
        }
    )
    rows = rows_beside(session, table_of(BaselinePatch), ["year", "number"], columns, geometries[good], source, good)
    write_rows(session, without_moved(session, rows, options, outcome), outcome)
    return outcome
