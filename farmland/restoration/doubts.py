"""Doubts (疑点): what rules found of a claim when it was reported and when it was accepted, for whoever decides."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from sqlalchemy import JSON, ForeignKey, Integer, String, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.records.database import Base, Moment, table_of
from farmland.records.ledger import Content, content
from farmland.restoration.net_area import Stage
from farmland.restoration.rules import RULES
from farmland.restoration.rules.rule import Found, Severity
from geodata.column import Geometry, next_id, write
from geodata.problems import Kind, Language, Problem

REFUSED_BY_RULES = Kind(
    "refused_by_rules",
    "申报 {number} 不能验收：{sentences_zh}",
    "Claim {number} cannot be accepted: {sentences_en}",
    "conflict",
)


class Doubt(Base):
    """A rule that held for a claim at a stage: with which facts, where, and when it was recorded."""

    __tablename__ = "doubt"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id"), index=True)
    stage: Mapped[Stage] = mapped_column(String(8))
    rule: Mapped[str] = mapped_column(String(40))
    severity: Mapped[Severity] = mapped_column(String(8))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    geometry: Mapped[shapely.Geometry | None] = mapped_column(Geometry, deferred=True)
    recorded_at: Mapped[datetime] = mapped_column(Moment)

    def sentence(self, language: Language) -> str:
        """What the rule says of it."""
        return RULES[self.rule].sentence(self.facts, language)


def record(session: Session, claim_id: int, stage: Stage, found: Sequence[Found], at: datetime) -> Content:
    """Write what was found of a claim; what the ledger is to say of it. Only under the right to write."""
    table, connection = table_of(Doubt), session.connection()
    first = next_id(connection, table) if found else 0
    columns: dict[str, list[Any]] = {
        "id": [first + place for place in range(len(found))],
        "claim_id": [claim_id] * len(found),
        "stage": [str(stage)] * len(found),
        "rule": [case.rule.code for case in found],
        "severity": [str(case.severity) for case in found],
        "facts": [case.facts for case in found],
        "recorded_at": [at] * len(found),
    }
    places = np.empty(len(found), dtype=object)
    places[:] = [case.place for case in found]
    write(connection, table, columns, places, new=True)
    return content(table, columns, places)


def refuse(number: str, found: Sequence[Found]) -> None:
    """Raises REFUSED_BY_RULES with the sentences of all rules that refuse, if any does."""
    refusing = [case for case in found if case.severity is Severity.REFUSES]
    if refusing:
        said = {
            f"sentences_{language}": " ".join(case.rule.sentence(case.facts, language) for case in refusing)
            for language in ("zh", "en")
        }
        raise Problem(REFUSED_BY_RULES, number=number, rules=[case.rule.code for case in refusing], **said)


_BY_MOMENT = (
    select(Doubt)
    .where(
        Doubt.claim_id == bindparam("claim_id", type_=Integer), Doubt.recorded_at <= bindparam("moment", type_=Moment)
    )
    .order_by(Doubt.id)
)


def doubts_of(session: Session, claim_id: int, moment: datetime) -> Sequence[Doubt]:
    """The doubts about a claim that were recorded by a moment, in their order."""
    return session.scalars(_BY_MOMENT, {"claim_id": claim_id, "moment": moment}).all()
