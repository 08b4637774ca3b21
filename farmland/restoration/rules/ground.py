"""Rules on what the land is: farmland before, steep, protected, another project's, or of a class that needs proof."""

from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray

from farmland.land.baseline import Baseline
from farmland.land.designations import DESIGNATION_NAMES, PROJECTS, Designation
from farmland.land.land_classes import class_name
from farmland.restoration.claims import State
from farmland.restoration.net_area import Reason, Stage
from farmland.restoration.rules.batch import Batch
from farmland.restoration.rules.rule import Found, Rule, Severity
from farmland.restoration.thresholds import Thresholds
from geodata.area import areas_m2

BASELINE_FARMLAND = Rule(
    "baseline_farmland",
    Severity.DEDUCTS,
    (7,),
    "有 {area_m2:,.2f} m²（{share:.1%}）基期已是耕地，位于 {longitude:.5f}°E {latitude:.5f}°N：不算恢复，核减。",
    "{area_m2:,.2f} m² ({share:.1%}) were farmland at the baseline, at {longitude:.5f}°E {latitude:.5f}°N: not restored, "
    "deducted.",
)
PARTLY_FARMLAND = Rule(
    "partly_farmland",
    Severity.WARNS,
    (7,),
    "图形的 {share:.1%}（{area_m2:,.2f} m²）基期已是耕地，位于 {longitude:.5f}°E {latitude:.5f}°N：请核对勾绘范围。",
    "{share:.1%} of the polygon ({area_m2:,.2f} m²) were farmland at the baseline, at {longitude:.5f}°E "
    "{latitude:.5f}°N: check what was drawn.",
    ("farmland_share",),
)
EXISTING_FARMLAND = Rule(
    "existing_farmland",
    Severity.REFUSES,
    (7,),
    "图形的 {share:.1%}（{area_m2:,.2f} m²）基期已是耕地，位于 {longitude:.5f}°E {latitude:.5f}°N：是原有耕地，不是恢复。",
    "{share:.1%} of the polygon ({area_m2:,.2f} m²) were farmland at the baseline, at {longitude:.5f}°E "
    "{latitude:.5f}°N: existing farmland, nothing restored.",
    ("existing_farmland_share",),
)
ABANDONED_AGAIN = Rule(
    "abandoned_again",
    Severity.REFUSES,
    (8,),
    "问题线索 {finding}（{found_at}，{found_by}）：有 {area_m2:,.2f} m² 复荒，位于 {longitude:.5f}°E {latitude:.5f}°N。",
    "Finding {finding} ({found_at}, {found_by}): {area_m2:,.2f} m² were found abandoned again, at {longitude:.5f}°E "
    "{latitude:.5f}°N.",
    ("overlap_m2", "overlap_share"),
)
PROJECT_OVERLAP = Rule(
    "project_overlap",
    Severity.WARNS,
    (2,),
    "与{kind_zh}项目 {area_number}“{area_name}”（资金：{fund}）重叠 {area_m2:,.2f} m²，位于 {longitude:.5f}°E "
    "{latitude:.5f}°N：同一块地可能计入两个项目、领两份钱。",
    "It overlaps the project {area_number} “{area_name}” ({kind_en}; fund: {fund}) by {area_m2:,.2f} m² at "
    "{longitude:.5f}°E {latitude:.5f}°N: the land may be counted, and paid for, by two projects.",
    ("overlap_m2", "overlap_share"),
)
RED_LINE = Rule(
    "red_line",
    Severity.WARNS,
    (17,),
    "有 {area_m2:,.2f} m² 在{kind_zh} {area_number}“{area_name}”之内，位于 {longitude:.5f}°E {latitude:.5f}°N：不得在此开垦"
    "耕地，请核实。",
    "{area_m2:,.2f} m² lie inside {area_number} “{area_name}” ({kind_en}), at {longitude:.5f}°E {latitude:.5f}°N: no "
    "farmland may be made there.",
    ("overlap_m2", "overlap_share"),
)
PLANNED_CONVERSION = Rule(
    "planned_conversion",
    Severity.WARNS,
    (17,),
    "有 {area_m2:,.2f} m² 在{kind_zh} {area_number}“{area_name}”之内，位于 {longitude:.5f}°E {latitude:.5f}°N：此地计划退耕。",
    "{area_m2:,.2f} m² lie inside {area_number} “{area_name}” ({kind_en}), at {longitude:.5f}°E {latitude:.5f}°N: this "
    "land is to be given up.",
    ("overlap_m2", "overlap_share"),
)
STEEP = Rule(
    "steep",
    Severity.WARNS,
    (17,),
    "图形的 {share:.1%}（{area_m2:,.2f} m²）坡度大于 25°（坡度级 5），位于 {longitude:.5f}°E {latitude:.5f}°N：不宜恢复为耕地。",
    "{share:.1%} of the polygon ({area_m2:,.2f} m²) are steeper than 25° (slope class 5), at {longitude:.5f}°E "
    "{latitude:.5f}°N: not fit for farmland.",
    ("land_class_share",),
)
CLASS_UNPROVEN = Rule(
    "class_unproven",
    Severity.WARNS,
    (18,),
    "图形的 {share:.1%}（{area_m2:,.2f} m²）基期为{classes_zh}，位于 {longitude:.5f}°E {latitude:.5f}°N，却没有恢复前或施工中"
    "的照片：无法证明硬化层、塘水已经清除。",
    "{share:.1%} of the polygon ({area_m2:,.2f} m²) were {classes_en} at the baseline, at {longitude:.5f}°E "
    "{latitude:.5f}°N, and no photograph shows it before or during the works: nothing proves the removal.",
    ("before_classes", "land_class_share"),
)
RULES = (
    BASELINE_FARMLAND,
    PARTLY_FARMLAND,
    EXISTING_FARMLAND,
    ABANDONED_AGAIN,
    PROJECT_OVERLAP,
    RED_LINE,
    PLANNED_CONVERSION,
    STEEP,
    CLASS_UNPROVEN,
)
_STEEPEST = 5


def on_baseline(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """What the land was at the baseline: farmland, steeper than 25°, or of a class whose removal has to be proven."""
    baseline = batch.around.baseline
    i, j, shared = batch.on_baseline
    farmland = baseline.farmland[j]
    for row, places, area_m2, share in _sums(batch, i[farmland], j[farmland], shared[farmland]):
        cuts = [cut for reason, cut, _ in batch.claims[row].cuts if reason == Reason.BASELINE_FARMLAND]
        if not cuts and area_m2 <= t.overlap_m2:
            continue
        land = batch.land_of(row, baseline.tree, places)
        facts = {"area_m2": cuts[0] if cuts else area_m2, "share": share}
        yield Found(row, BASELINE_FARMLAND, facts, land)
        if share > t.existing_farmland_share:
            yield Found(row, EXISTING_FARMLAND, facts, land)
        elif share > t.farmland_share:
            yield Found(row, PARTLY_FARMLAND, facts, land)
    steep = baseline.slope_class[j] == _STEEPEST
    for row, places, area_m2, share in _sums(batch, i[steep], j[steep], shared[steep]):
        if share > t.land_class_share:
            facts = {"area_m2": area_m2, "share": share}
            yield Found(row, STEEP, facts, batch.land_of(row, baseline.tree, places))
    if batch.stage is Stage.REPORTED:  # photographs come after the report
        return
    hard = _begins(baseline.land_class[j], t.before_classes)
    for row, places, area_m2, share in _sums(batch, i[hard], j[hard], shared[hard]):
        if share > t.land_class_share and not batch.shown_before(row):
            codes = sorted(set(baseline.land_class[places]))
            facts = {"area_m2": area_m2, "share": share}
            names = {
                "classes_zh": "、".join(f"{class_name(code)}（{code}）" for code in codes),
                "classes_en": ", ".join(f"{class_name(code, 'en')} ({code})" for code in codes),
            }
            yield Found(row, CLASS_UNPROVEN, facts | names, batch.land_of(row, baseline.tree, places))


def asks_before(polygons: NDArray[np.object_], baseline: Baseline, t: Thresholds) -> NDArray[np.bool_]:
    """Whether land is, by more than `land_class_share`, of classes whose removal has to be shown; shape as `polygons`."""
    asked = np.zeros(len(polygons), dtype=bool)
    if len(baseline.tree.geometries) == 0:
        return asked
    i, j = baseline.tree.query(polygons, predicate="intersects")
    hard = _begins(baseline.land_class[j], t.before_classes)
    i, j = i[hard], j[hard]
    shared = areas_m2(shapely.intersection(polygons[i], baseline.tree.geometries[j]))
    whole = areas_m2(polygons)
    for row in np.flatnonzero(np.bincount(i, shared, len(polygons)) > t.land_class_share * whole).tolist():
        patches = baseline.tree.geometries[j[i == row]]
        # Surveys of two years cover the same land.
        land = shapely.intersection(polygons[row], shapely.union_all(patches) if len(patches) > 1 else patches[0])
        asked[row] = areas_m2([land])[0] > t.land_class_share * whole[row]
    return asked


def _begins(classes: NDArray[np.object_], begins: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.array([code.startswith(begins) for code in classes], dtype=bool)


def designated(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """Land that another project counts, or on which no farmland may be made."""
    tree, areas = batch.around.designated
    i, j, shared = batch.shared_with(tree)
    sizes = areas_m2(tree.geometries[j])
    for row, area, area_m2, size in zip(i.tolist(), j.tolist(), shared, sizes, strict=True):
        if area_m2 <= max(t.overlap_m2, t.overlap_share * min(batch.gross_m2[row], size)):
            continue
        kind, number, name, fund = areas[area]
        zh, en = DESIGNATION_NAMES[kind]
        facts = {"kind_zh": zh, "kind_en": en, "area_number": number, "area_name": name, "area_m2": float(area_m2)}
        rule = RED_LINE if kind is Designation.RED_LINE else PLANNED_CONVERSION
        if kind in PROJECTS:
            rule, facts["fund"] = PROJECT_OVERLAP, fund or "—"
        yield Found(row, rule, facts, batch.land_of(row, tree, np.array([area])))


def abandoned(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """Land that was found abandoned after it was reported restored, and of which the claim was not revoked since."""
    tree, findings = batch.around.findings
    if not findings:
        return
    i, j, shared = batch.shared_with(tree)
    for row, place, area_m2 in zip(i.tolist(), j.tolist(), shared, strict=True):
        claim, finding = batch.claims[row], findings[place]
        enough = area_m2 > max(t.overlap_m2, t.overlap_share * batch.gross_m2[row])
        if enough and claim.steps[0].at < finding.at <= batch.at and not batch.step(row, State.REVOKED):
            facts = {"finding": finding.number, "found_at": f"{finding.at:%Y-%m-%d}", "found_by": finding.by}
            land = batch.land_of(row, tree, np.array([place]))
            yield Found(row, ABANDONED_AGAIN, facts | {"area_m2": float(area_m2)}, land)


def _sums(
    batch: Batch, i: NDArray[np.int64], j: NDArray[np.int64], shared: NDArray[np.float64]
) -> Iterator[tuple[int, NDArray[np.int64], float, float]]:
    """For each claim on some patches: its row, the patches' places, the m² shared and their share of the gross area."""
    total = np.bincount(i, shared, len(batch.claims))
    for row in np.flatnonzero(total > 0).tolist():
        places = j[(i == row) & (shared > 0)]
        area_m2 = total[row]
        if len(places) > 1:  # surveys of two years cover the same land
            area_m2 = areas_m2([batch.land_of(row, batch.around.baseline.tree, places)])[0]
        yield row, places, float(area_m2), float(area_m2 / batch.gross_m2[row])
