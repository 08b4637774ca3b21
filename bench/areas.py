"""Areas in bulk, against an exact geodesic polygon after the other."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from bench.measure import Contender, in_turns, rounds_for
from bench.report import Section
from geodata.area import areas_m2

TITLE = "Areas"
VERTICES = 17
LEAST_RATIO = 3
LARGEST_DIFFERENCE = 1e-9
# Wide enough that the geodesic library's own rounding, 1e-4 m² whatever the size, is not what is compared.
WIDE_M, FIELD_M = 600, 60
_GEOD = Geod(ellps="GRS80")  # the same axes as CGCS2000's


def measure(sizes: Sequence[int]) -> Section:
    rows, fast, close = [], {}, {}
    for size in sizes:
        rng = np.random.default_rng(size)
        wide, fields = _polygons(size, WIDE_M, rng), _polygons(size, FIELD_M, rng)
        timings = in_turns(
            [
                Contender("bulk", partial(areas_m2, wide)),
                Contender("loop", partial(_one_by_one, wide)),
            ],
            rounds_for(size),
        )
        bulk, ratio = timings.median("bulk"), timings.ratio("loop", to="bulk")
        difference = float((_differences_m2(wide) / areas_m2(wide)).max())
        place = f"{size:,}"
        rows.append(
            [
                place,
                f"{bulk * 1e3:,.1f}",
                f"{timings.median('loop') * 1e3:,.1f}",
                f"{ratio:.1f}",
                f"{bulk / size * 1e6:.2f}",
                f"{difference:.1e}",
                f"{_differences_m2(fields).max():.1e}",
            ]
        )
        fast[place], close[place] = ratio >= LEAST_RATIO, difference <= LARGEST_DIFFERENCE
    return Section(
        TITLE,
        f"Polygons of {VERTICES} vertices, some {WIDE_M} m across, anywhere in China: all of them by `areas_m2`, and "
        'one after the other by `Geod(ellps="GRS80").geometry_area_perimeter` of pyproj.',
        (
            "polygons",
            "`areas_m2(polygons)`, ms",
            "loop of `geometry_area_perimeter`, ms",
            "ratio, loop ÷ `areas_m2`",
            "`areas_m2`, µs a polygon",
            "largest relative difference",
            f"largest difference of fields {FIELD_M} m across, m²",
        ),
        rows,
        {
            f"at least {LEAST_RATIO} times as fast": fast,
            f"relative difference at most {LARGEST_DIFFERENCE:.0e}": close,
        },
        "A geodesic polygon's area is rounded by the library to some 1e-4 m², however small the polygon is: that is "
        "what differs in the last column, and why the relative difference is that of polygons wider than fields.",
    )


def _polygons(count: int, width_m: float, rng: np.random.Generator) -> NDArray[np.object_]:
    """Star-shaped and counter-clockwise, which is the direction that gives a geodesic polygon an area above 0."""
    centres = np.column_stack([rng.uniform(75, 133, count), rng.uniform(19, 52, count)])
    angles = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
    radii = width_m / 111_320 * rng.uniform(0.33, 0.75, (count, VERTICES))
    offsets = radii[..., None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return np.asarray(shapely.polygons(centres[:, None] + offsets), dtype=object)


def _one_by_one(polygons: NDArray[np.object_]) -> NDArray[np.float64]:
    return np.array([_GEOD.geometry_area_perimeter(polygon)[0] for polygon in polygons])


def _differences_m2(polygons: NDArray[np.object_]) -> NDArray[np.float64]:
    return np.abs(areas_m2(polygons) - _one_by_one(polygons))
