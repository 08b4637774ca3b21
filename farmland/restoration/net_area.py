"""The net area (净面积) of a claim: what is left of its polygon once all that cannot count is cut off, each cut named.

In this order: what lies outside its unit; what was farmland at the baseline; what other claims hold; parts
of what is left that are too small to map. Then, where the target counts without ridges, the ridges' share. Every cut is
the difference between the measured areas before and after it, so that gross less deductions is net to the last 0.01 m².
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.area import area_m2, areas_m2
from geodata.plane import Plane, polygons_of


class Stage(StrEnum):
    """When a net area is computed: when the claim is reported, and again when it is accepted."""

    REPORTED = "reported"
    ACCEPTED = "accepted"


class Reason(StrEnum):
    """Why land of a claim does not count."""

    OUTSIDE_UNIT = "outside_unit"
    BASELINE_FARMLAND = "baseline_farmland"
    OTHER_CLAIM = "other_claim"
    BELOW_MINIMUM = "below_minimum"
    RIDGES = "ridges"


REASON_NAMES = {
    Reason.OUTSIDE_UNIT: ("在行政单位之外", "outside the unit"),
    Reason.BASELINE_FARMLAND: ("基期已是耕地", "farmland at the baseline"),
    Reason.OTHER_CLAIM: ("与其他申报重复", "held by another claim"),
    Reason.BELOW_MINIMUM: ("不足最小上图面积", "below the minimum area"),
    Reason.RIDGES: ("扣除田坎", "ridges"),
}


_BULGE_DEGREES = 0.001
"""Further than the geodesic of a border's edge of 80 km lies from the straight line in degrees (some 80 m at 27° N)."""
_TOUCH_DEGREES = 1e-6
"""The same for the edges of patches and claims, up to 2.5 km (6 cm): nearer ones are compared in the plane."""


@dataclass(frozen=True)
class Cut:
    """One deduction: the area in m² (two decimals), where it lies, and the other claim's id where there is one."""

    reason: Reason
    area_m2: float
    geometry: shapely.Geometry | None = None
    other_claim_id: int | None = None


@dataclass
class NetArea:
    """A claim's way from gross to net. `net_m2` is `gross_m2` less all cuts; `geometry` may be empty."""

    gross_m2: float
    geometry: shapely.Geometry
    net_m2: float
    cuts: list[Cut] = field(default_factory=list)


def net_area(
    polygon: shapely.Geometry,
    unit: shapely.Geometry,
    farmland: NDArray[np.object_] | Iterable[shapely.Geometry],
    others: Iterable[tuple[int, shapely.Geometry]],
    ridge_factor: float = 0.0,
    minimum_m2: float = 0.0,
) -> NetArea:
    """Cut from a claim's polygon what cannot count.

    Parameters
    ----------
    polygon, unit : the claimed land and the unit's, degrees of EPSG:4490
    farmland : baseline patches that are farmland; those that do not meet the polygon do no harm
    others : (claim id, what that claim holds), in the order in which they are to be deducted
    ridge_factor : the share of ridges (0 to 1) to deduct from what is left
    minimum_m2 : parts of what is left that are smaller do not count

    Returns
    -------
    NetArea, whose geometry has no edge longer than :data:`geodata.plane.SHORT_EDGE_M`
    """
    plane = Plane(polygon)
    land = plane.densified(polygon)
    gross_m2 = area_m2(polygon)
    net = NetArea(gross_m2, land, gross_m2)

    if not shapely.covers(unit, shapely.box(*(polygon.bounds + _BULGE_DEGREES * np.array([-1, -1, 1, 1])))):
        _cut(net, plane, Reason.OUTSIDE_UNIT, plane.intersection(net.geometry, unit))
    met = [patch for patch in farmland if shapely.dwithin(patch, net.geometry, _TOUCH_DEGREES)]
    if met:
        _cut(net, plane, Reason.BASELINE_FARMLAND, plane.difference(net.geometry, met))
    for claim_id, held in others:
        if shapely.dwithin(held, net.geometry, _TOUCH_DEGREES):
            _cut(
                net,
                plane,
                Reason.OTHER_CLAIM,
                plane.difference(net.geometry, [held]),
                claim_id,
            )
    parts = shapely.get_parts(net.geometry)
    large = areas_m2(parts) >= minimum_m2
    if not large.all():
        _cut(net, plane, Reason.BELOW_MINIMUM, polygons_of(shapely.multipolygons(parts[large])))
    ridges_m2 = round(net.net_m2 * ridge_factor, 2)
    if ridges_m2 > 0:
        net.cuts.append(Cut(Reason.RIDGES, ridges_m2))
        net.net_m2 = round(net.net_m2 - ridges_m2, 2)
    return net


def _cut(
    net: NetArea,
    plane: Plane,
    reason: Reason,
    left: shapely.Geometry,
    other: int | None = None,
) -> None:
    left = plane.densified(left)
    left_m2 = area_m2(left)
    cut_m2 = round(net.net_m2 - left_m2, 2)
    if cut_m2 > 0:
        lost = plane.difference(net.geometry, [left])
        net.cuts.append(Cut(reason, cut_m2, lost, other))
    net.geometry, net.net_m2 = left, min(left_m2, net.net_m2)
