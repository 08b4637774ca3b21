"""Rules on what is to prove it: photographs, visits, the track of a walk."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import shapely

from farmland.restoration.claims import Claim, Origin, State
from farmland.restoration.evidence import FileKind, Purpose
from farmland.restoration.evidenced import Photos, is_inside, outside_m, proving
from farmland.restoration.net_area import Stage
from farmland.restoration.rules.batch import Batch
from farmland.restoration.rules.rule import Found, Rule, Severity
from farmland.restoration.thresholds import Thresholds
from geodata.track import Track, impossible

NO_PHOTOGRAPH = Rule(
    "no_photograph",
    Severity.REFUSES,
    (9, 18),
    "没有在地块内拍摄的{missing_zh}照片（定位精度 {photo_m:,.0f} m 以内，未用于别的申报）：没有照片佐证。请到现场补拍。",
    "No photograph taken inside the polygon shows it {missing_en} (with a position good to {photo_m:,.0f} m, and not used for "
    "another claim): it is not evidenced. Take one on the spot.",
    ("before_classes", "land_class_share", "photo_m", "no_photograph_reported", "no_photograph_imported"),
)
PHOTOGRAPH_REUSED = Rule(
    "photograph_reused",
    Severity.REFUSES,
    (9,),
    "照片“{name}”已用于申报 {other}（“{other_name}”）：同一张照片不能证明两块地。",
    "The photograph “{name}” was used for claim {other} already (“{other_name}”): one picture cannot prove two places.",
)
PHOTOGRAPH_ALIKE = Rule(
    "photograph_alike",
    Severity.WARNS,
    (9,),
    "照片“{name}”与申报 {other} 的“{other_name}”几乎相同（64 位中差 {bits} 位）：可能是同一张照片另存、缩放或压缩后再用。",
    "The photograph “{name}” is all but that of claim {other} (“{other_name}”, {bits} of 64 bits apart): it may be the "
    "same picture, saved or scaled anew.",
    ("photo_bits",),
)
PHOTOGRAPH_ELSEWHERE = Rule(
    "photograph_elsewhere",
    Severity.REFUSES,
    (9,),
    "照片“{name}”拍摄于 {longitude:.5f}°E {latitude:.5f}°N，距地块 {distance_m:,.0f} m（定位精度 {accuracy_m:,.0f} m）：不是在"
    "这里拍的。",
    "The photograph “{name}” was taken at {longitude:.5f}°E {latitude:.5f}°N, {distance_m:,.0f} m from the polygon "
    "(accuracy {accuracy_m:,.0f} m): not here.",
    ("photo_m",),
)
PHOTOGRAPH_BESIDE = Rule(
    "photograph_beside",
    Severity.WARNS,
    (9,),
    "照片“{name}”拍摄于 {longitude:.5f}°E {latitude:.5f}°N，在地块外 {distance_m:,.0f} m（精度 {accuracy_m:,.0f} m）：请核对。",
    "The photograph “{name}” was taken at {longitude:.5f}°E {latitude:.5f}°N, {distance_m:,.0f} m outside the polygon "
    "(accuracy {accuracy_m:,.0f} m): look at it.",
)
PHOTOGRAPH_WITHOUT_PLACE = Rule(
    "photograph_without_place",
    Severity.WARNS,
    (9,),
    "照片“{name}”没有可用的拍摄位置：不能证明是在地块上拍的。",
    "The photograph “{name}” tells no place that is good enough: nothing proves that it was taken here.",
    ("photo_m",),
)
PHOTOGRAPH_TIME = Rule(
    "photograph_time",
    Severity.WARNS,
    (9,),
    "照片“{name}”（{purpose}）拍摄于 {taken}，{wrong_zh}（{than}）：与所证明的事情时间不符。",
    "The photograph “{name}” ({purpose}) was taken at {taken}, {wrong_en} ({than}): not when what it proves happened.",
    ("photo_days", "ahead_minutes"),
)
NO_SECOND_VISIT = Rule(
    "no_second_visit",
    Severity.WARNS,
    (8, 9),
    "首次核查或复查后 {days} 天以上没有再到现场（现有 {visits} 次，首末相隔 {span} 天）：不能排除摆拍、插栽应付。",
    "Nobody came again {days} days or more after the first visit ({visits} visits, {span} days from first to last): the "
    "crop may have been put there for the picture.",
    ("second_visit_days",),
)
IMPOSSIBLE_TRACK = Rule(
    "impossible_track",
    Severity.WARNS,
    (9,),
    "绕测轨迹有 {stretches} 段走不通（如第 {first}–{last} 点：{why_zh}）：不是人走出来的。",
    "The track has {stretches} stretches that nobody can have walked (such as fixes {first}–{last}: {why_en}).",
    ("speed_m_s",),
)
RULES = (
    NO_PHOTOGRAPH,
    PHOTOGRAPH_REUSED,
    PHOTOGRAPH_ALIKE,
    PHOTOGRAPH_ELSEWHERE,
    PHOTOGRAPH_BESIDE,
    PHOTOGRAPH_WITHOUT_PLACE,
    PHOTOGRAPH_TIME,
    NO_SECOND_VISIT,
    IMPOSSIBLE_TRACK,
)
_SHOWS = {
    frozenset({Purpose.AFTER}): ("恢复后", "after the restoration"),
    frozenset({Purpose.BEFORE}): ("恢复前", "before the restoration"),
    frozenset({Purpose.BEFORE, Purpose.AFTER}): ("恢复前和恢复后", "before and after the restoration"),
}
_WHY_ZH = {"too fast": "速度太快", "time goes back": "时间倒退", "two places at once": "同时在两处"}
_FORM = "%Y-%m-%d %H:%M"


def unseen(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """Claims that no photograph recorded by the moment shows. What follows depends on how the claim came."""
    if batch.stage is not Stage.ACCEPTED:  # photographs come after the report
        return
    for row, claim in enumerate(batch.claims):
        if claim.evidenced_at is not None and claim.evidenced_at <= batch.at:
            continue
        missing = _SHOWS[_missing(batch, row, t)]
        follows = t.no_photograph_imported if claim.origin == Origin.IMPORTED else t.no_photograph_reported
        facts = {"missing_zh": missing[0], "missing_en": missing[1], "photo_m": t.photo_m}
        yield Found(row, NO_PHOTOGRAPH, facts, follows=Severity(follows))


def _missing(batch: Batch, row: int, t: Thresholds) -> frozenset[Purpose]:
    """What of a claim that is not evidenced no photograph shows."""
    claim = batch.claims[row]
    asked = {Purpose.AFTER, Purpose.BEFORE} if claim.before_asked else {Purpose.AFTER}
    photos = [photo for photo in batch.photographs(row) if _since(photo) <= batch.at]
    if not photos:
        return frozenset(asked)
    reused = {found.facts["name"] for found in _used_before(batch, row, photos, t) if found.rule is PHOTOGRAPH_REUSED}
    told = Photos.of((0, p.purpose, _since(p), p.longitude, p.latitude, p.accuracy_m, p.name in reused) for p in photos)
    good = proving(told, np.repeat(batch.polygons[row : row + 1], len(photos)), t.photo_m)
    return frozenset(asked - set(told.purpose[good])) or frozenset(asked)


def _since(photo: Any) -> datetime:
    since: datetime = photo.purpose_at or photo.recorded_at
    return since


def photographs(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """The photographs of each claim: used before, taken elsewhere, at another time."""
    for row, claim in enumerate(batch.claims):
        photos = batch.photographs(row)
        if photos:
            yield from _used_before(batch, row, photos, t)
            yield from _placed(batch.polygons[row], row, photos, t)
        for photo in photos:
            yield from _timed(claim.steps, row, photo, t)


def at_once(claim: Claim, files: Sequence[Any], t: Thresholds) -> Iterator[Found]:
    """What is said of photographs as soon as they are there; a case's `row` is the place of the file."""
    for place, file in enumerate(files):
        if file.kind == FileKind.PHOTOGRAPH:
            yield from _placed(claim.geometry, place, [file], t)
            yield from _timed(claim.steps, place, file, t)


def _used_before(batch: Batch, row: int, photos: list[Any], t: Thresholds) -> Iterator[Found]:
    held = batch.around.all_photographs
    for photo in photos:
        other = (held.claim_id != photo.claim_id) & (held.id < photo.id)
        same = np.flatnonzero(other & (held.sha256 == photo.sha256))
        if len(same):
            names = {"name": photo.name, "other": held.number[same[0]], "other_name": held.name[same[0]]}
            yield Found(row, PHOTOGRAPH_REUSED, names)
        elif photo.perceptual_hash:
            bits = np.bitwise_count(held.hash ^ np.uint64(int(photo.perceptual_hash, 16)))
            alike = np.flatnonzero(other & held.hashed & (bits <= t.photo_bits))
            if len(alike):
                best = alike[bits[alike].argmin()]
                facts = {"name": photo.name, "other": held.number[best], "other_name": held.name[best]}
                yield Found(row, PHOTOGRAPH_ALIKE, facts | {"bits": int(bits[best])})


def _placed(land: shapely.Geometry, row: int, photos: list[Any], t: Thresholds) -> Iterator[Found]:
    for photo in photos:
        accuracy_m = photo.accuracy_m or 0.0
        if photo.longitude is None or photo.latitude is None or accuracy_m > t.photo_m:
            yield Found(row, PHOTOGRAPH_WITHOUT_PLACE, {"name": photo.name})
            continue
        place = np.array([photo.longitude]), np.array([photo.latitude])
        far = outside_m(np.array([land], dtype=object), *place)
        distance_m = float(far[0])
        rule = PHOTOGRAPH_ELSEWHERE if distance_m > accuracy_m + t.photo_m else PHOTOGRAPH_BESIDE
        if not is_inside(far, np.array([accuracy_m]), t.photo_m)[0]:
            facts = {"name": photo.name, "distance_m": distance_m, "accuracy_m": accuracy_m}
            yield Found(row, rule, facts, shapely.Point(photo.longitude, photo.latitude))


def _timed(steps: Sequence[Any], row: int, photo: Any, t: Thresholds) -> Iterator[Found]:
    taken = photo.taken_at
    if taken is None:
        return
    reached = {State(step.state): step for step in reversed(steps)}
    reported, accepted = reached[State.REPORTED], reached.get(State.ACCEPTED)
    wrong: tuple[str, str, datetime] | None = None
    if taken > photo.recorded_at + timedelta(minutes=t.ahead_minutes):
        wrong = ("晚于入账时间", "after it was recorded", photo.recorded_at)
    elif photo.purpose == Purpose.BEFORE and taken > reported.at:
        wrong = ("晚于上报，不是恢复前", "after the land was reported restored", reported.at)
    elif accepted and photo.purpose in (Purpose.DURING, Purpose.AFTER) and photo.recorded_at <= accepted.at < taken:
        wrong = ("晚于验收", "after the acceptance", accepted.at)
    elif photo.purpose in (Purpose.DURING, Purpose.AFTER) and taken < reported.at - timedelta(days=t.photo_days):
        wrong = (f"早于上报 {t.photo_days} 天以上", f"more than {t.photo_days} days before the report", reported.at)
    if wrong:
        facts = {"name": photo.name, "purpose": str(photo.purpose), "taken": f"{taken:{_FORM}}"}
        yield Found(
            row, PHOTOGRAPH_TIME, facts | {"wrong_zh": wrong[0], "wrong_en": wrong[1], "than": f"{wrong[2]:{_FORM}}"}
        )


def visits(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """Whether somebody came again long enough after the first visit; a check is a visit."""
    if batch.stage is not Stage.ACCEPTED:
        return
    for row, claim in enumerate(batch.claims):
        checked = batch.step(row, State.CHECKED)
        seen = [at for at in batch.around.visits.get(claim.claim_id or 0, []) if at <= batch.at]
        seen += [checked.at] if checked else []
        span = max(seen) - min(seen) if seen else timedelta(0)
        if span < timedelta(days=t.second_visit_days):
            facts = {"days": t.second_visit_days, "visits": len(seen), "span": span.days}
            yield Found(row, NO_SECOND_VISIT, facts)


def tracks(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """Whether each walked track can have been walked."""
    for row, claim in enumerate(batch.claims):
        track = _track(claim.track or [])
        if track is None:
            continue
        found = impossible(track, t.speed_m_s)
        if len(found.first):
            first, last, why = int(found.first[0]), int(found.last[0]), str(found.why[0])
            facts = {"stretches": len(found.first), "first": first + 1, "last": last + 1}
            place = shapely.Point(track.longitude[last], track.latitude[last])
            yield Found(row, IMPOSSIBLE_TRACK, facts | {"why_zh": _WHY_ZH[why], "why_en": why}, place)


def _track(fixes: list[list[Any]]) -> Track | None:
    """The fixes that say all that a fix can; None where fewer than two do."""
    whole = [fix for fix in fixes if len(fix) >= 4 and all(value is not None for value in fix[:4])]
    if len(whole) < 2:
        return None
    columns = [
        (x, y, datetime.fromisoformat(at).timestamp(), accuracy) for x, y, at, accuracy in (f[:4] for f in whole)
    ]
    return Track(*np.array(columns, dtype=float).T)
