"""Rules with names: each known way to inflate the figure of restored land, and the rules that catch it.

One implementation serves a report and an acceptance (one claim), and an audit (all of them). docs/rules.md is the page
of the rules, and a test holds it against them.
"""

from collections.abc import Callable, Iterator

from farmland.rules import areas, evidence, ground, moments, people, places, targets
from farmland.rules.batch import Batch
from farmland.rules.rule import Found, Rule
from farmland.thresholds import Thresholds

RULES: dict[str, Rule] = {
    rule.code: rule for module in (places, ground, areas, evidence, moments, people, targets) for rule in module.RULES
}
Check = Callable[[Batch, Thresholds], Iterator[Found]]
CHECKS: tuple[Check, ...] = (
    places.on_other_claims,
    places.counted_twice,
    places.outside,
    ground.on_baseline,
    ground.designated,
    ground.abandoned,
    areas.typed,
    areas.small,
    areas.ridges,
    evidence.photographs,
    evidence.visits,
    evidence.tracks,
    moments.moments,
    people.people,
)


def judge(batch: Batch, thresholds: Thresholds) -> list[Found]:
    """All cases of a batch, the facts with the place's longitude and latitude (of a point on it) where there is one."""
    found = [case for check in CHECKS for case in check(batch, thresholds)]
    for case in found:
        if case.place is not None:
            point = case.place.point_on_surface()
            case.facts.update(longitude=round(point.x, 6), latitude=round(point.y, 6))
    return found
