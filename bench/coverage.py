"""The geometric check of plots, against a look at every pair on one core, and an overlay of the layer with itself."""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from bench.city import City
from bench.measure import Contender, in_turns, rounds_for
from bench.report import Section
from geodata.area import flat_areas_m2
from geodata.coverage import DUST_M2, shared_and_outside

TITLE = "Coverage of plots"
LARGEST_RATIO = 1.2
LEAST_RATIO = 4
FAULTY = 500
GROWTH = 1.05


def every_pair(plots: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """The pairs that share land and what they share: a tree, prepared predicates and intersections, on one core."""
    first, second = shapely.STRtree(plots).query(plots)
    once = first < second
    first, second = first[once], second[once]
    asked = np.asarray(shapely.set_srid(plots, 0), dtype=object)
    shapely.prepare(asked)
    meet = shapely.intersects(asked[first], plots[second])
    first, second = first[meet], second[meet]
    share = ~shapely.touches(asked[first], plots[second])
    first, second = first[share], second[share]
    return np.column_stack([first, second]), shapely.intersection(plots[first], plots[second])


def measure(sizes: Sequence[int]) -> Section:
    rows, alone, overlay, same = [], {}, {}, {}
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
                    Contender("pairs", partial(every_pair, plots)),
                    Contender("overlay", partial(gpd.overlay, layer, layer, keep_geom_type=True)),
                ],
                rounds_for(size),
            )
            to_pairs, of_overlay = timings.ratio("check", to="pairs"), timings.ratio("overlay", to="check")
            rows.append(
                [
                    f"{size:,}",
                    f"{timings.median('check') * 1e3:,.0f}",
                    f"{timings.median('pairs') * 1e3:,.0f}",
                    f"{timings.median('overlay') * 1e3:,.0f}",
                    f"{to_pairs:.2f}",
                    f"{of_overlay:.1f}",
                    f"{len(shared):,} + {len(outside):,}",
                ]
            )
            pairs, land = every_pair(plots)
            held = pairs[flat_areas_m2(land) >= DUST_M2]
            found = np.unique(shared.owner, axis=0)
            alone[f"{size:,}"], overlay[f"{size:,}"] = to_pairs <= LARGEST_RATIO, of_overlay >= LEAST_RATIO
            same[f"{size:,}"] = np.array_equal(found, np.unique(held, axis=0))
    return Section(
        TITLE,
        f"The plots, every {FAULTY}th grown by {GROWTH - 1:.0%} each way: which share land, which leave their unit, where "
        "and how much (`shared_and_outside`, on two cores); every pair whose boxes meet, by `STRtree`, prepared `intersects` "
        "and `touches`, and `intersection`, on one core; and `geopandas.overlay`: both find what is shared only.",
        (
            "plots",
            "check, ms",
            "every pair, ms",
            "`geopandas.overlay(layer, layer)`, ms",
            "ratio, check ÷ every pair",
            "ratio, `overlay` ÷ check",
            "places found: shared + outside",
        ),
        rows,
        {
            f"at most {LARGEST_RATIO} times as long as every pair": alone,
            f"at least {LEAST_RATIO} times as fast as `overlay`": overlay,
            "the same pairs as every pair": same,
        },
    )
