"""The geometric check of plots, against the coverage check of GEOS alone and an overlay of the layer with itself."""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from bench.city import City
from bench.measure import Contender, in_turns, rounds_for
from bench.report import Section
from geodata.coverage import shared_and_outside

TITLE = "Coverage of plots"
LARGEST_RATIO = 1.5
LEAST_RATIO = 8
FAULTY = 500
GROWTH = 1.05


def measure(sizes: Sequence[int]) -> Section:
    rows, alone, overlay = [], {}, {}
    with tempfile.TemporaryDirectory(prefix="tianzhang-bench-") as name:
        city = City(Path(name))
        units = gpd.read_file(city.units)
        outlines = np.asarray(units.geometry.array, dtype=object)
        place = {code: row for row, code in enumerate(units["code"])}
        for size in sizes:
            layer = gpd.read_file(city.plots(size))
            plots = np.asarray(layer.geometry.array, dtype=object)
            plots[::FAULTY] = [shapely.affinity.scale(plot, GROWTH, GROWTH) for plot in plots[::FAULTY]]
            layer = layer.set_geometry(plots, crs=layer.crs)
            whole_of = np.array([place[code] for code in layer["unit_code"]])
            shared, outside = shared_and_outside(plots, outlines, whole_of)
            timings = in_turns(
                [
                    Contender("check", partial(shared_and_outside, plots, outlines, whole_of)),
                    Contender("edges", partial(shapely.coverage_invalid_edges, plots)),
                    Contender("overlay", partial(gpd.overlay, layer, layer, keep_geom_type=True)),
                ],
                rounds_for(size),
            )
            to_edges, of_overlay = timings.ratio("check", to="edges"), timings.ratio("overlay", to="check")
            rows.append(
                [
                    f"{size:,}",
                    f"{timings.median('check') * 1e3:,.0f}",
                    f"{timings.median('edges') * 1e3:,.0f}",
                    f"{timings.median('overlay') * 1e3:,.0f}",
                    f"{to_edges:.2f}",
                    f"{of_overlay:.1f}",
                    f"{len(shared):,} + {len(outside):,}",
                ]
            )
            alone[f"{size:,}"], overlay[f"{size:,}"] = to_edges <= LARGEST_RATIO, of_overlay >= LEAST_RATIO
    return Section(
        TITLE,
        f"The plots, every {FAULTY}th grown by {GROWTH - 1:.0%} each way: which share land, which leave their unit, where "
        "and how much (`shared_and_outside`, on two cores); GEOS's check of the same array, which finds only edges; and "
        "`geopandas.overlay`, which finds what is shared only.",
        (
            "plots",
            "check, ms",
            "`shapely.coverage_invalid_edges(plots)`, ms",
            "`geopandas.overlay(layer, layer)`, ms",
            "ratio, check ÷ `coverage_invalid_edges`",
            "ratio, `overlay` ÷ check",
            "places found: shared + outside",
        ),
        rows,
        {
            f"at most {LARGEST_RATIO} times as long as `coverage_invalid_edges`": alone,
            f"at least {LEAST_RATIO} times as fast as `overlay`": overlay,
        },
    )
