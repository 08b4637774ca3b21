"""Rules on where a claim lies: on land of another claim, in another unit, in another coordinate system."""

from collections.abc import Iterator

import numpy as np
import shapely

from farmland.restoration.claims import State
from farmland.restoration.net_area import Reason, Stage
from farmland.restoration.rules.batch import Batch
from farmland.restoration.rules.rule import Found, Rule, Severity
from farmland.restoration.thresholds import Thresholds
from geodata.area import areas_m2
from geodata.crs import hint_for_degrees
from geodata.gcj02 import from_gcj02
from geodata.guise import How, same_land

DUPLICATE_POLYGON = Rule(
    "duplicate_polygon",
    Severity.REFUSES,
    (1, 15),
    "与申报 {other}（{other_unit}）的图形完全相同，面积 {area_m2:,.2f} m²，位于 {longitude:.5f}°E {latitude:.5f}°N：同一图形"
    "报了两次。",
    "The polygon is that of claim {other} ({other_unit}), {area_m2:,.2f} m² at {longitude:.5f}°E {latitude:.5f}°N: the "
    "same polygon was reported twice.",
)
SAME_LAND = Rule(
    "same_land",
    Severity.REFUSES,
    (1,),
    "与申报 {other}（{other_unit}）是同一块地：重合度 {iou:.0%}，位于 {longitude:.5f}°E {latitude:.5f}°N，只是重新勾绘。",
    "It is the land of claim {other} ({other_unit}), drawn anew: they agree to {iou:.0%} at {longitude:.5f}°E "
    "{latitude:.5f}°N.",
    ("same_land_share",),
)
SAME_LAND_SHIFTED = Rule(
    "same_land_shifted",
    Severity.WARNS,
    (1, 6),
    "与申报 {other}（{other_unit}）形状相同，相差 {distance_m:,.0f} m，正是火星坐标（GCJ-02）的偏移，位于 "
    "{longitude:.5f}°E {latitude:.5f}°N：可能是同一块地换了坐标再报。",
    "It has the shape of claim {other} ({other_unit}), {distance_m:,.0f} m away by just the shift of GCJ-02, at "
    "{longitude:.5f}°E {latitude:.5f}°N: it may be the same land once more in shifted coordinates.",
)
SPLIT_OR_MERGED = Rule(
    "split_or_merged",
    Severity.REFUSES,
    (15,),
    "图形的 {share:.0%}（{area_m2:,.2f} m²）已在申报 {others} 之内，位于 {longitude:.5f}°E {latitude:.5f}°N：是把已报的地"
    "拆分或合并后再报。",
    "{share:.0%} of the polygon ({area_m2:,.2f} m²) lies in {others} already, at {longitude:.5f}°E {latitude:.5f}°N: "
    "claimed land split or merged, and claimed again.",
    ("same_land_share",),
)
OVERLAPS_CLAIM = Rule(
    "overlaps_claim",
    Severity.DEDUCTS,
    (1,),
    "与申报 {other}（{other_unit}）重叠 {area_m2:,.2f} m²，位于 {longitude:.5f}°E {latitude:.5f}°N：重叠部分核减。",
    "It overlaps claim {other} ({other_unit}) by {area_m2:,.2f} m² at {longitude:.5f}°E {latitude:.5f}°N: what they "
    "share is deducted.",
    ("overlap_m2", "overlap_share"),
)
COUNTED_TWICE = Rule(
    "counted_twice",
    Severity.REFUSES,
    (1, 15),
    "验收净面积中有 {area_m2:,.2f} m² 也计入了申报 {other}（{other_unit}），位于 {longitude:.5f}°E {latitude:.5f}°N：同一块地"
    "计了两次。",
    "{area_m2:,.2f} m² of its accepted net area count for claim {other} ({other_unit}) too, at {longitude:.5f}°E "
    "{latitude:.5f}°N: the land is counted twice.",
    ("overlap_m2",),
)
OUTSIDE_UNIT = Rule(
    "outside_unit",
    Severity.DEDUCTS,
    (3,),
    "有 {area_m2:,.2f} m²（{share:.1%}）在{unit_name}之外，位于 {longitude:.5f}°E {latitude:.5f}°N，属{belongs_zh}：界外部分"
    "核减。",
    "{area_m2:,.2f} m² ({share:.1%}) lie outside {unit_name}, at {longitude:.5f}°E {latitude:.5f}°N, in {belongs_en}: "
    "that part is deducted.",
)
STRADDLES_UNIT = Rule(
    "straddles_unit",
    Severity.REFUSES,
    (3,),
    "有 {share:.1%}（{area_m2:,.2f} m²）在{unit_name}之外，位于 {longitude:.5f}°E {latitude:.5f}°N，属{belongs_zh}：请按界线"
    "拆开，由各自单位申报。",
    "{share:.1%} ({area_m2:,.2f} m²) lie outside {unit_name}, at {longitude:.5f}°E {latitude:.5f}°N, in {belongs_en}: "
    "split it along the border, and let each unit claim its own.",
    ("outside_share",),
)
WRONG_POSITION = Rule(
    "wrong_position",
    Severity.REFUSES,
    (6,),
    "图形有 {share:.0%} 不在本市之内（中心 {longitude:.5f}, {latitude:.5f}）。{hint_zh}",
    "{share:.0%} of the polygon do not lie in the city (its centre {longitude:.5f}, {latitude:.5f}). {hint_en}",
    ("outside_share",),
)
GCJ02_POSITION = Rule(
    "gcj02_position",
    Severity.WARNS,
    (6,),
    "图形有 {share:.1%} 在{unit_name}之外；按火星坐标（GCJ-02）纠偏后则全在其内。请核对坐标是否取自网络地图"
    "（{longitude:.5f}°E {latitude:.5f}°N）。",
    "{share:.1%} of the polygon lie outside {unit_name}; with the shift of GCJ-02 undone all of it lies inside. Check "
    "whether it was drawn on a web map ({longitude:.5f}°E {latitude:.5f}°N).",
    ("outside_share",),
)
RULES = (
    DUPLICATE_POLYGON,
    SAME_LAND,
    SAME_LAND_SHIFTED,
    SPLIT_OR_MERGED,
    OVERLAPS_CLAIM,
    COUNTED_TWICE,
    OUTSIDE_UNIT,
    STRADDLES_UNIT,
    WRONG_POSITION,
    GCJ02_POSITION,
)


def on_other_claims(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """Land of claims that were there before: the same polygon, the same land, parts of it, or a piece of it."""
    i, j, shared, land = batch.earlier
    names = batch.around.unit_names if len(i) else {}
    identical: set[int] = set()
    for row, other, area_m2, piece in zip(i.tolist(), j.tolist(), shared, land, strict=True):
        held = batch.live[other]
        facts = {"other": held.number, "other_unit": names.get(held.unit_code, held.unit_code)}
        if batch.claims[row].fingerprint == held.fingerprint and shapely.equals(batch.polygons[row], held.polygon):
            identical.add(row)
            yield Found(row, DUPLICATE_POLYGON, facts | {"area_m2": float(batch.gross_m2[row])}, piece)
        elif area_m2 > max(t.overlap_m2, t.overlap_share * float(min(batch.gross_m2[row], _gross(held.polygon)))):
            yield Found(row, OVERLAPS_CLAIM, facts | {"area_m2": float(area_m2)}, piece)
    again = set(identical)
    for found in _in_another_guise(batch, t):
        if found.rule is SAME_LAND_SHIFTED or found.row not in identical:
            again.add(found.row)
            yield found
    within_m2 = np.bincount(i, shared, len(batch.claims))
    for row in np.flatnonzero(within_m2 >= t.same_land_share * batch.gross_m2).tolist():
        if row in again:
            continue
        whole = shapely.union_all(land[i == row])
        area_m2 = float(areas_m2([whole])[0])  # those before may overlap one another
        share = area_m2 / batch.gross_m2[row]
        if share >= t.same_land_share:
            others = ", ".join(sorted(batch.live[other].number for other in j[i == row]))
            yield Found(row, SPLIT_OR_MERGED, {"others": others, "area_m2": area_m2, "share": float(share)}, whole)


def _gross(polygon: shapely.Geometry) -> float:
    return float(areas_m2([polygon])[0])


def _in_another_guise(batch: Batch, t: Thresholds) -> Iterator[Found]:
    if not batch.live:
        return
    same = same_land(batch.polygons, batch.live_polygons, t.same_land_share)
    names = batch.around.unit_names if len(same.how) else {}
    for row, other, iou, east, north, how in zip(
        same.candidate.tolist(), same.other.tolist(), same.iou, same.east_m, same.north_m, same.how, strict=True
    ):
        held = batch.live[other]
        if not batch.before(row, other):
            continue
        facts = {"other": held.number, "other_unit": names.get(held.unit_code, held.unit_code)}
        if how is How.AS_DRAWN:
            yield Found(row, SAME_LAND, {**facts, "iou": float(iou)}, batch.polygons[row])
        else:
            distance_m = float(np.hypot(east, north))
            yield Found(row, SAME_LAND_SHIFTED, {**facts, "distance_m": distance_m}, batch.polygons[row])


def counted_twice(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """Accepted net areas that share land; found in an audit, as an acceptance cuts it."""
    rows = [n for n in range(len(batch.claims)) if batch.step(n, State.ACCEPTED)]
    held = [one for one in batch.live if one.accepted_net is not None]
    if batch.stage is not Stage.ACCEPTED or not rows or not held:
        return
    nets = batch.nets[rows]
    accepted = np.array([one.accepted_net for one in held], dtype=object)
    i, j = shapely.STRtree(accepted).query(nets, predicate="intersects")
    land = shapely.intersection(nets[i], accepted[j])
    for row, other, area_m2, piece in zip(i.tolist(), j.tolist(), areas_m2(land), land, strict=True):
        claim, one = batch.claims[rows[row]], held[other]
        if area_m2 > t.overlap_m2 and claim.claim_id is not None and claim.claim_id > one.claim_id:
            unit = batch.around.unit_names.get(one.unit_code, one.unit_code)
            facts = {"other": one.number, "other_unit": unit, "area_m2": float(area_m2)}
            yield Found(rows[row], COUNTED_TWICE, facts, piece)


def outside(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """Land beyond the border of the claim's unit, or of the city."""
    units = np.array([batch.around.units.get(claim.unit_code) for claim in batch.claims], dtype=object)
    here = np.flatnonzero(~shapely.is_missing(units))
    inside = shapely.covers(units[here], batch.polygons[here])
    rows = here[~inside]
    if not len(rows):
        return
    land = shapely.difference(batch.polygons[rows], units[rows])
    areas = areas_m2(land)
    for row, piece, area_m2 in zip(rows.tolist(), land, areas, strict=True):
        # Along a long straight border degrees and geodesics part by centimetres: what the cut says is what counts.
        cut = [area for reason, area, _ in batch.claims[row].cuts if reason == Reason.OUTSIDE_UNIT]
        if not cut and area_m2 <= t.overlap_m2:
            continue
        share = float(area_m2 / batch.gross_m2[row])
        unit = batch.claims[row].unit_code
        facts = {
            "unit_name": batch.around.unit_names[unit],
            "area_m2": cut[0] if cut else float(area_m2),
            "share": share,
            **_belongs(batch, piece),
        }
        yield Found(row, OUTSIDE_UNIT, facts, piece)
        if share <= t.outside_share:
            continue
        yield Found(row, STRADDLES_UNIT, facts, piece)
        true = shapely.transform(batch.polygons[row], from_gcj02)
        if shapely.covers(units[row], true):
            yield Found(row, GCJ02_POSITION, {"unit_name": facts["unit_name"], "share": share}, piece)
        yield from _outside_city(batch, row, t)


def _belongs(batch: Batch, land: shapely.Geometry) -> dict[str, str]:
    """The unit on whose land the largest piece of some land lies."""
    piece = max(shapely.get_parts(land), key=lambda part: float(part.area))
    near = batch.around.neighbours
    found = near.codes[shapely.intersects(near.geometries, shapely.point_on_surface(piece))]
    if not len(found):
        return {"belongs_zh": "本市之外或无界线的单位", "belongs_en": "no unit of the city"}
    named = f"{batch.around.unit_names[found[-1]]} ({found[-1]})"
    return {"belongs_zh": named, "belongs_en": named}


def _outside_city(batch: Batch, row: int, t: Thresholds) -> Iterator[Found]:
    home = batch.around.home
    if home is None:
        return
    beyond = shapely.difference(batch.polygons[row], home)
    share = float(areas_m2([beyond])[0] / batch.gross_m2[row])
    if share > t.outside_share:
        zh, en = hint_for_degrees(batch.polygons[row], home)
        yield Found(row, WRONG_POSITION, {"share": share, "hint_zh": zh, "hint_en": en}, batch.polygons[row])
