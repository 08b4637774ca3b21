"""What a rule is: a code, a sentence, what follows from it, and the thresholds that a county may want its own of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import shapely

from geodata.problems import Language


class Severity(StrEnum):
    """What follows when a rule holds: no acceptance; land is cut from the net area; whoever accepts is told."""

    REFUSES = "refuses"
    DEDUCTS = "deducts"
    WARNS = "warns"


SEVERITY_NAMES = {
    Severity.REFUSES: ("不予验收", "refuses"),
    Severity.DEDUCTS: ("核减", "deducts"),
    Severity.WARNS: ("提示", "warns"),
}


@dataclass(frozen=True)
class Rule:
    """A rule by its code. `ways` are the ways of inflating a figure that it catches, by their numbers in docs/rules.md.

    The sentences are :meth:`str.format` templates over the facts of a case; `thresholds` names fields of
    :class:`farmland.restoration.thresholds.Thresholds`.
    """

    code: str
    severity: Severity
    ways: tuple[int, ...]
    zh: str
    en: str
    thresholds: tuple[str, ...] = ()

    def sentence(self, facts: Mapping[str, Any], language: Language = "zh") -> str:
        """What is to be said of a case."""
        return (self.zh if language == "zh" else self.en).format(**facts)


class Found(NamedTuple):
    """A case: the place of its claim in the batch, the rule that holds, the facts for its sentence (JSON), where.

    `follows` is what follows where that depends on the case, and is not the rule's own severity.
    """

    row: int
    rule: Rule
    facts: dict[str, Any]
    place: shapely.Geometry | None = None
    follows: Severity | None = None

    @property
    def severity(self) -> Severity:
        """What follows of this case."""
        return self.rule.severity if self.follows is None else self.follows
