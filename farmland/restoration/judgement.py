"""What was found of a claim before the right to write was taken, and whether it still holds under it.

To judge a claim may take a second, which nobody with something to write should wait for. So it is judged while others write,
and under the right to write only the ledger is asked whether anything since concerns the land around.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import shapely
from sqlalchemy import Integer, bindparam, select
from sqlalchemy.orm import Session

from farmland.people.people import Actor
from farmland.records.database import table_of
from farmland.records.ledger import Entry
from farmland.restoration.claims import Claim
from farmland.restoration.net_area import NetArea, Stage
from farmland.restoration.rules.batch import Judged, widened
from farmland.restoration.rules.rule import Found
from geodata.column import BoundsMeet

_BESIDE = ("account.", "access.", "token.", "public_page.")
"""Entries that speak of no land."""
_AT_ONCE = 5000
_SINCE = select(Entry.event, Entry.subject).where(Entry.seq > bindparam("seq", type_=Integer))


@dataclass(frozen=True)
class Judgement:
    """A claim's net area at a stage and what rules say of it, when the ledger's last entry was `seq` (0: for use at once).

    `turns` are the moments at which claims around began or ceased to hold land; `net_u_m2` is the standard uncertainty of the
    net area, m².
    """

    seq: int
    stage: Stage
    actor: Actor
    target_code: str
    turns: Sequence[datetime]
    judged: Judged
    net: NetArea
    net_u_m2: float
    found: list[Found]

    def holds(self, session: Session, actor: Actor) -> bool:
        """Whether it would be the same now, for a step that the same person takes a little later on the same day.

        Only under the right to write: nothing can come between then.
        """
        then = self.actor
        same_person = replace(then, at=actor.at, recorded_at=actor.recorded_at) == actor
        same_day = then.at.date() == actor.at.date()  # which target is meant, and some rules, go by the day
        as_late = then.recorded_at - then.at == actor.recorded_at - actor.at
        changing = any(then.at < moment <= actor.at for moment in self.turns)
        return same_person and same_day and as_late and not changing and not self._touched(session)

    def _touched(self, session: Session) -> bool:
        """Whether an entry of the ledger since speaks of anything that it rests on."""
        claims: set[str] = set()
        for event, subject in session.execute(_SINCE, {"seq": self.seq}):
            if event == "claim.evidence" and self.stage is Stage.ACCEPTED:
                return True  # a photograph may have been used for another claim, wherever that is
            if event.startswith("claim.") and subject:
                claims.add(subject)
            elif not event.startswith(_BESIDE):
                return True
        named = sorted(claims)
        around = BoundsMeet(table_of(Claim), widened(shapely.bounds(self.judged.polygon)))
        return any(
            session.scalar(select(Claim.id).where(Claim.number.in_(named[i : i + _AT_ONCE]), around).limit(1))
            is not None
            for i in range(0, len(named), _AT_ONCE)
        )
