"""Rules on who did it: that nobody accepts what they reported, and that whoever accepts stands above."""

from collections.abc import Iterator

from farmland.land.units import LEVELS, is_within, level_of
from farmland.restoration.claims import State
from farmland.restoration.rules.batch import Batch
from farmland.restoration.rules.rule import Found, Rule, Severity
from farmland.restoration.thresholds import Thresholds

SELF_ACCEPTED = Rule(
    "self_accepted",
    Severity.REFUSES,
    (12,),
    "上报人“{reporter}”与验收人“{acceptor}”是{same_zh}：不得自报自验，请换人验收。",
    "“{reporter}” reported and “{acceptor}” accepts with {same_en}: nobody accepts their own. Let somebody else accept.",
)
CHECKED_BY_REPORTER = Rule(
    "checked_by_reporter",
    Severity.WARNS,
    (12,),
    "上报人“{reporter}”与核查人“{checker}”是{same_zh}：核查没有第二双眼睛。",
    "“{reporter}” reported and “{checker}” checked with {same_en}: no second pair of eyes saw it.",
)
ACCEPTOR_NOT_ABOVE = Rule(
    "acceptor_not_above",
    Severity.REFUSES,
    (12,),
    "验收人“{acceptor}”属 {acceptor_unit}，不是申报单位 {unit} 的上级：须由上级验收。",
    "“{acceptor}” acts for {acceptor_unit}, no unit above {unit}: a unit above the claim's has to accept.",
)
RULES = (SELF_ACCEPTED, CHECKED_BY_REPORTER, ACCEPTOR_NOT_ABOVE)
_SAME = (("by", "同一人", "the same name"), ("device", "同一设备", "the same device"),
         ("household", "同一户", "the same household"))  # fmt: skip


def people(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """Who reported, checked and accepted each claim."""
    for row, claim in enumerate(batch.claims):
        reported, checked, accepted = (
            batch.step(row, state) for state in (State.REPORTED, State.CHECKED, State.ACCEPTED)
        )
        if checked and (same := _same(reported, checked)):
            yield Found(row, CHECKED_BY_REPORTER, {"reporter": reported.by, "checker": checked.by} | same)
        if accepted is None:
            continue
        if same := _same(reported, accepted):
            yield Found(row, SELF_ACCEPTED, {"reporter": reported.by, "acceptor": accepted.by} | same)
        own = accepted.by_unit_code
        if own is not None and not _above(own, claim.unit_code):
            facts = {"acceptor": accepted.by, "acceptor_unit": own, "unit": claim.unit_code}
            yield Found(row, ACCEPTOR_NOT_ABOVE, facts)


def _same(one: object, two: object) -> dict[str, str]:
    """What two steps have in common of those who took them, in words; {} where nothing known is the same."""
    same = [(zh, en) for name, zh, en in _SAME if _plain(one, name) and _plain(one, name) == _plain(two, name)]
    if not same:
        return {}
    return {"same_zh": "、".join(zh for zh, _ in same), "same_en": ", ".join(en for _, en in same)}


def _plain(step: object, name: str) -> str:
    return "".join(str(getattr(step, name) or "").split()).casefold()


def _above(unit_code: str, claim_unit: str) -> bool:
    higher = LEVELS.index(level_of(unit_code)) < LEVELS.index(level_of(claim_unit))
    return higher and is_within(claim_unit, unit_code)
