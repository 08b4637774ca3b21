"""What can be refused, in words for people: one kind per fault, said in Chinese and in English.

A module names the faults it can find as :class:`Kind` constants beside the code that finds them and raises
:class:`Problem` with the facts of the case. The faces choose the language and the exit or HTTP status.
"""

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]
Answer = Literal[
    "refused",
    "not_found",
    "forbidden",
    "unauthenticated",
    "conflict",
    "too_large",
    "too_many",
    "gone",
    "fault",
    "unreachable",
    "busy",
]


@dataclass(frozen=True)
class Kind:
    """A fault with a stable code and one sentence per language: what is wrong, where, and what to do.

    The sentences are :meth:`str.format` templates over the facts given to :class:`Problem`.
    """

    code: str
    zh: str
    en: str
    answer: Answer = "refused"


class Problem(Exception):
    """Something a person has to be told; never a traceback.

    >>> missing = Kind("unit_unknown", "没有代码为 {code} 的行政单位。", "No unit has the code {code}.", "not_found")
    >>> Problem(missing, code="430582999").sentence("en")
    'No unit has the code 430582999.'
    """

    def __init__(self, kind: Kind, **facts: object) -> None:
        self.kind = kind
        self.facts = facts
        super().__init__(kind.code, facts)

    @property
    def code(self) -> str:
        return self.kind.code

    def sentence(self, language: Language = "zh") -> str:
        """The sentence for a reader of `language` ("zh" or "en")."""
        return getattr(self.kind, language).format(**self.facts)

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence('zh')} / {self.sentence('en')}"
