"""How the boundary of a claim was found, and how well its area is known for that (docs/uncertainty.md)."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import shapely

from geodata.problems import Kind, Problem
from geodata.uncertainty import area_uncertainty_m2, axis_sigma_m, net_uncertainty_m2

ACCURACIES_COUNT = Kind(
    "accuracies_count",
    "给出了 {given} 个顶点精度，而图形有 {vertices} 个顶点。请每个顶点给一个，或全部只给一个。",
    "{given} accuracies were given for {vertices} vertices. Give one for each, or one for all.",
)


class Method(StrEnum):
    """How the boundary of a claim was found."""

    SURVEY = "survey"
    PHONE = "phone"
    IMAGERY = "imagery"
    FILE = "file"


METHOD_NAMES = {
    Method.SURVEY: ("测绘级测量", "survey-grade"),
    Method.PHONE: ("手机绕测", "walked with a phone"),
    Method.IMAGERY: ("影像勾绘", "drawn on imagery"),
    Method.FILE: ("文件导入", "from a file"),
}


class Accuracy(NamedTuple):
    """The standard deviation of a vertex on each axis, and how far along the boundary errors are alike, both in m."""

    sigma_m: float
    correlation_m: float


ACCURACY = {
    Method.SURVEY: Accuracy(0.05, 0),
    Method.PHONE: Accuracy(float(axis_sigma_m(5.0)), 50),
    Method.IMAGERY: Accuracy(2.0, 0),
    Method.FILE: Accuracy(1.0, 0),
}
"""What is taken where a measurement does not say its own accuracy."""


def check_accuracies(polygon: shapely.Geometry, accuracy_m: Sequence[float] | None) -> None:
    """Raises ACCURACIES_COUNT unless there is one accuracy, one per vertex (closing ones included), or none."""
    vertices = shapely.get_num_coordinates(polygon)
    if accuracy_m is not None and len(accuracy_m) not in (1, vertices):
        raise Problem(ACCURACIES_COUNT, given=len(accuracy_m), vertices=vertices)


def uncertainty_m2(
    polygon: shapely.Geometry,
    method: Method,
    accuracy_m: Sequence[float] | None = None,
    net: shapely.Geometry | None = None,
) -> float:
    """The standard uncertainty of a polygon's area, or of the area of what is `net` of it, m² with two decimals.

    `accuracy_m` are radii that hold the true position with 68 %, as phones give them: one for all vertices, or one each.
    """
    sigma, correlation = ACCURACY[method]
    sigma_m = np.asarray(sigma if accuracy_m is None else axis_sigma_m(np.asarray(accuracy_m)))
    sigma_m = sigma_m[0] if sigma_m.shape == (1,) else sigma_m
    if net is None:
        return float(area_uncertainty_m2([polygon], sigma_m, correlation)[0].round(2))
    return float(net_uncertainty_m2([polygon], [net], sigma_m, correlation)[0].round(2))
