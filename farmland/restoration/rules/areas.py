"""Rules on how much it is: the area as typed against the area as measured, pieces too small, ridges."""

from collections.abc import Iterator

import numpy as np
import shapely

from farmland.restoration.net_area import Reason
from farmland.restoration.rules.batch import Batch
from farmland.restoration.rules.rule import Found, Rule, Severity
from farmland.restoration.survey import METHOD_NAMES, Method
from farmland.restoration.thresholds import Thresholds
from geodata.area import m2_to_mu
from geodata.uncertainty import area_uncertainty_m2, axis_sigma_m

TYPED_AREA_DIFFERS = Rule(
    "typed_area_differs",
    Severity.WARNS,
    (4,),
    "填报 {typed_mu:,.2f} 亩，图形实测 {measured_mu:,.2f} 亩，相差 {difference_mu:+,.2f} 亩（{share:+.1%}），超过{method_zh}的"
    "容差 {tolerance_mu:,.2f} 亩。只按实测计。",
    "{typed_mu:,.2f} mu were typed, the polygon measures {measured_mu:,.2f} mu: {difference_mu:+,.2f} mu ({share:+.1%}), "
    "more than the {tolerance_mu:,.2f} mu of {method_en}. Only what is measured counts.",
    ("typed_mu", "typed_share", "survey_m", "phone_m", "imagery_m"),
)
TYPED_AREA_WRONG = Rule(
    "typed_area_wrong",
    Severity.REFUSES,
    (4,),
    "填报 {typed_mu:,.2f} 亩，图形实测 {measured_mu:,.2f} 亩，相差 {difference_mu:+,.2f} 亩（{share:+.1%}）：请改正面积或图形。",
    "{typed_mu:,.2f} mu were typed, the polygon measures {measured_mu:,.2f} mu: {difference_mu:+,.2f} mu ({share:+.1%}). "
    "Correct the area or the polygon.",
    ("typed_wrong_share",),
)
TYPED_UNIT_CONFUSED = Rule(
    "typed_unit_confused",
    Severity.REFUSES,
    (5,),
    "填报 {typed_mu:,.4f} 亩，图形实测 {measured_mu:,.2f} 亩，约为 {ratio:,.4g} 倍：{meant_zh}。",
    "{typed_mu:,.4f} mu were typed, the polygon measures {measured_mu:,.2f} mu, {ratio:,.4g} times as much: {meant_en}.",
    ("typed_unit_share",),
)
BELOW_MINIMUM = Rule(
    "below_minimum",
    Severity.DEDUCTS,
    (13,),
    "净面积中有 {parts} 块各不足 {minimum_m2:,.0f} m²，共 {area_m2:,.2f} m²，位于 {longitude:.5f}°E {latitude:.5f}°N：不足最小"
    "上图面积，核减。",
    "{parts} parts of what is left are below {minimum_m2:,.0f} m² each, {area_m2:,.2f} m² in all, at {longitude:.5f}°E "
    "{latitude:.5f}°N: too small to map, deducted.",
    ("minimum_m2",),
)
TOO_SMALL = Rule(
    "too_small",
    Severity.REFUSES,
    (13,),
    "扣除后没有一块达到最小上图面积 {minimum_m2:,.0f} m²（余 {left_m2:,.2f} m²）：只能作为线索保留，不能计入。",
    "No part of what is left ({left_m2:,.2f} m²) reaches the {minimum_m2:,.0f} m² that can be mapped: it may be kept as a "
    "clue, not counted.",
    ("minimum_m2",),
)
RIDGES = Rule(
    "ridges",
    Severity.DEDUCTS,
    (14,),
    "任务按扣除田坎计：按系数 {factor:.2%} 扣除田坎 {area_m2:,.2f} m²。",
    "The target counts without ridges: {area_m2:,.2f} m² are deducted for them, by the factor {factor:.2%}.",
)
RIDGES_MISSING = Rule(
    "ridges_missing",
    Severity.WARNS,
    (14,),
    "任务按扣除田坎计，基期图斑的田坎系数为 {expected:.2%}，申报只扣 {factor:.2%}：少扣约 {area_m2:,.2f} m²。",
    "The target counts without ridges; the baseline's factor here is {expected:.2%}, the claim deducts {factor:.2%}: some "
    "{area_m2:,.2f} m² too little.",
    ("overlap_m2", "overlap_share"),
)
RULES = (
    TYPED_AREA_DIFFERS,
    TYPED_AREA_WRONG,
    TYPED_UNIT_CONFUSED,
    BELOW_MINIMUM,
    TOO_SMALL,
    RIDGES,
    RIDGES_MISSING,
)
_RATIOS = np.array([1 / 15, 2000 / 3, 15, 3 / 2000, 1e4, 1e-4])
_MEANT = (
    ("填的像是公顷数", "it looks like hectares"),
    ("填的像是平方米数", "it looks like square metres"),
    ("像是把亩数当公顷又换算了一次（×15）", "mu seem to have been taken for hectares and converted (× 15)"),
    ("像是把亩数当平方米又换算了一次（÷666.67）", "mu seem to have been taken for m² and converted (÷ 666.67)"),
    ("像是把亩数当公顷换成了平方米（×10000）", "mu seem to have been taken for hectares and turned into m² (× 10,000)"),
    ("填的像是万亩数，或把亩数当平方米换成了公顷", "it looks like 10,000 mu, or like m² turned into hectares"),
)
_LEAST_MU = 1e-9


def typed(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """The area as typed against that of the polygon."""
    said = np.array([np.nan if one.typed_area_mu is None else one.typed_area_mu for one in batch.claims], dtype=float)
    measured = m2_to_mu(batch.gross_m2)
    share = (said - measured) / measured
    for row in np.flatnonzero(np.abs(said - measured) > np.maximum(t.typed_mu, t.typed_share * measured)).tolist():
        facts = {"typed_mu": float(said[row]), "measured_mu": float(measured[row])}
        ratio = max(float(said[row]), _LEAST_MU) / float(measured[row])
        fits = np.abs(ratio / _RATIOS - 1) <= t.typed_unit_share
        if fits.any():
            zh, en = _MEANT[int(np.argmax(fits))]
            yield Found(row, TYPED_UNIT_CONFUSED, facts | {"ratio": ratio, "meant_zh": zh, "meant_en": en})
            continue
        facts |= {"difference_mu": facts["typed_mu"] - facts["measured_mu"], "share": float(share[row])}
        tolerance_mu = max(
            t.typed_mu, t.typed_share * measured[row], 2 * float(m2_to_mu(_uncertainty_m2(batch, row, t)))
        )
        if abs(share[row]) > t.typed_wrong_share and abs(facts["difference_mu"]) > tolerance_mu:
            yield Found(row, TYPED_AREA_WRONG, facts)
        elif abs(facts["difference_mu"]) > tolerance_mu:
            zh, en = METHOD_NAMES[batch.claims[row].method]
            named = {"tolerance_mu": float(tolerance_mu), "method_zh": zh, "method_en": en}
            yield Found(row, TYPED_AREA_DIFFERS, facts | named)


def _uncertainty_m2(batch: Batch, row: int, t: Thresholds) -> float:
    """The standard uncertainty of the gross area: its own, else that of its method; 0 where nothing is known of it."""
    claim = batch.claims[row]
    if claim.gross_u_m2 is not None:
        return claim.gross_u_m2
    radius = {Method.SURVEY: t.survey_m, Method.PHONE: t.phone_m, Method.IMAGERY: t.imagery_m}.get(claim.method)
    if radius is None:
        return 0.0
    return float(area_uncertainty_m2(batch.polygons[[row]], axis_sigma_m(radius))[0])


def small(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """Pieces of the net that are too small to map, and claims that have no larger one."""
    for row, claim in enumerate(batch.claims):
        for reason, area_m2, place in claim.cuts:
            if reason == Reason.BELOW_MINIMUM:
                parts = 1 if place is None else int(shapely.get_num_geometries(place))
                facts = {"parts": parts, "minimum_m2": t.minimum_m2, "area_m2": area_m2}
                yield Found(row, BELOW_MINIMUM, facts, place)
        ridges_m2 = sum(area for reason, area, _ in claim.cuts if reason == Reason.RIDGES)
        others_m2 = sum(area for reason, area, _ in claim.cuts if reason not in (Reason.RIDGES, Reason.BELOW_MINIMUM))
        counted_m2 = claim.gross_m2 - sum(area for _, area, _ in claim.cuts) + ridges_m2
        left_m2 = claim.gross_m2 - others_m2
        if counted_m2 < t.minimum_m2 and left_m2 > 0:
            yield Found(row, TOO_SMALL, {"minimum_m2": t.minimum_m2, "left_m2": round(left_m2, 2)}, batch.polygons[row])


def ridges(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """Ridges that the target does not count: deducted by the claim's factor, or by too small a factor."""
    baseline = batch.around.baseline
    for row, claim in enumerate(batch.claims):
        if not claim.ridges_deducted:
            continue
        for reason, area_m2, _ in claim.cuts:
            if reason == Reason.RIDGES:
                yield Found(row, RIDGES, {"factor": claim.ridge_factor, "area_m2": area_m2})
        i, j, shared = batch.on_baseline
        here = i == row
        expected = float((baseline.ridge_factor[j[here]] * shared[here]).sum() / claim.gross_m2)
        missing_m2 = (expected - claim.ridge_factor) * claim.gross_m2
        if missing_m2 > max(t.overlap_m2, t.overlap_share * claim.gross_m2):
            facts = {"expected": expected, "factor": claim.ridge_factor, "area_m2": missing_m2}
            yield Found(row, RIDGES_MISSING, facts)
