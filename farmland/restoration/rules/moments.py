"""Rules on when it happened, and when the system learned of it."""

from collections.abc import Iterator
from datetime import timedelta

from farmland.restoration.claims import STATE_NAMES_ZH, State
from farmland.restoration.rules.batch import Batch
from farmland.restoration.rules.rule import Found, Rule, Severity
from farmland.restoration.thresholds import Thresholds

LATE_ENTRY = Rule(
    "late_entry",
    Severity.WARNS,
    (10,),
    "“{step_zh}”发生于 {at}，{recorded} 才入账，晚了 {hours:,.0f} 小时：属迟报，请核对是否补填。",
    "“{step}” happened at {at} and was recorded at {recorded}, {hours:,.0f} hours late: check whether it was entered "
    "afterwards.",
    ("late_hours",),
)
CLOSED_PERIOD = Rule(
    "closed_period",
    Severity.WARNS,
    (10,),
    "“{step_zh}”的时间 {at} 在已封账的期间（截至 {closed}）之内，{recorded} 才入账：已公布的数字会因此改变。",
    "“{step}” is dated {at}, in a period closed until {closed}, and was recorded at {recorded}: figures that are published "
    "would change.",
    ("closed_until",),
)
FUTURE_EVENT = Rule(
    "future_event",
    Severity.REFUSES,
    (10,),
    "“{step_zh}”的时间 {at} 晚于入账时间 {recorded}：事情还没有发生，请核对设备时钟。",
    "“{step}” is dated {at}, after it was recorded at {recorded}: it has not happened yet. Check the device's clock.",
    ("ahead_minutes",),
)
UNCHECKED = Rule(
    "unchecked",
    Severity.REFUSES,
    (11,),
    "{accepted} 验收之前没有有效的核查：未核查的不能算完成。",
    "No check that stands came before the acceptance at {accepted}: what nobody checked is not done.",
)
RULES = (LATE_ENTRY, CLOSED_PERIOD, FUTURE_EVENT, UNCHECKED)
_FORM = "%Y-%m-%d %H:%M"


def moments(batch: Batch, t: Thresholds) -> Iterator[Found]:
    """The moments of each step, and that a check came before the acceptance."""
    late, ahead = timedelta(hours=t.late_hours), timedelta(minutes=t.ahead_minutes)
    for row, claim in enumerate(batch.claims):
        latest = max(claim.steps, key=lambda step: step.recorded_at - step.at)
        for step in claim.steps:
            facts = {
                "step": str(step.state),
                "step_zh": STATE_NAMES_ZH[State(step.state)],
                "at": f"{step.at:{_FORM}}",
                "recorded": f"{step.recorded_at:{_FORM}}",
            }
            if step.at - step.recorded_at > ahead:
                yield Found(row, FUTURE_EVENT, facts)
            elif t.closed_until is not None and step.at <= t.closed_until < step.recorded_at:
                yield Found(row, CLOSED_PERIOD, facts | {"closed": f"{t.closed_until:{_FORM}}"})
            elif step is latest and step.recorded_at - step.at > late:
                hours = (step.recorded_at - step.at) / timedelta(hours=1)
                yield Found(row, LATE_ENTRY, facts | {"hours": hours})
        checked, accepted = batch.step(row, State.CHECKED), batch.step(row, State.ACCEPTED)
        if accepted and (checked is None or checked.at > accepted.at):
            yield Found(row, UNCHECKED, {"accepted": f"{accepted.at:{_FORM}}"})
