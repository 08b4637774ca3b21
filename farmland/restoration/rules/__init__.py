"""Rules with names: each known way to inflate the figure of restored land, and the rules that catch it.

One implementation serves a report and an acceptance (one claim), and an audit (all of them). docs/rules.md is the page
of the rules, and a test holds it against them.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from farmland.restoration.claims import Claim
from farmland.restoration.rules import areas, evidence, ground, moments, people, places, targets
from farmland.restoration.rules.batch import Batch
from farmland.restoration.rules.rule import Found, Rule
from farmland.restoration.thresholds import Thresholds

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
    evidence.unseen,
    evidence.photographs,
    evidence.visits,
    evidence.tracks,
    moments.moments,
    people.people,
)


def judge(batch: Batch, thresholds: Thresholds) -> list[Found]:
    """All cases of a batch, the facts with the place's longitude and latitude (of a point on it) where there is one."""
    return _located([case for check in CHECKS for case in check(batch, thresholds)])


def judge_photographs(claim: Claim, photographs: Sequence[Any], thresholds: Thresholds) -> list[Found]:
    """What is said of photographs of a claim as soon as they are there: taken elsewhere, or at another time.

    `row` is the place of the photograph; the facts are as those of :func:`judge`.
    """
    return _located(list(evidence.at_once(claim, photographs, thresholds)))


def _located(found: list[Found]) -> list[Found]:
    for case in found:
        if case.place is not None:
            point = case.place.point_on_surface()
            case.facts.update(longitude=round(point.x, 6), latitude=round(point.y, 6))
    return found
