"""Histories: whatever is reported, checked, accepted, rejected, revoked and corrected, and in whatever order it arrives,
the figure of every day, as it was known on every day, is that of a slow, plain model. On both databases."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import shapely
from conftest import START, TOWN, UNSEEN, VILLAGE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bench.tampering import restore
from farmland.evidence.photographs import PhotoFacts
from farmland.figures.progress import progress
from farmland.figures.series import series
from farmland.figures.waterfall import EVIDENCE_MISSING, claims_of_bar, waterfall
from farmland.keeping.tables import SCHEMA
from farmland.keeping.verify import verify
from farmland.records.database import Database
from farmland.records.ledger import Entry
from farmland.restoration.claims import Claim, State, get_claim
from farmland.restoration.corrections import correct_step
from farmland.restoration.evidence import Purpose, Received, attach
from farmland.restoration.transitions import Actor, Report, report_claim, take_step
from geodata.area import areas_m2
from geodata.problems import Problem

PLACES = [shapely.box(111.710 + x, 27.250, 111.712 + x, 27.252) for x in (0, 0.001, 0.0015, 0.003)]
"""Squares that overlap, and one that stands alone."""
DAYS = 12
EXPECTED = {
    "wrong_state", "step_before_last", "nothing_net", "refused_by_rules", "no_such_step", "correction_out_of_order",
    "land_held_then",
}  # fmt: skip
PEOPLE = {State.REPORTED: "村", State.CHECKED: "镇", State.ACCEPTED: "市", State.REJECTED: "镇", State.REVOKED: "市"}


@dataclass
class Fact:
    """A step as the model knows it: on which day, since which moment of learning, until which."""

    state: State
    day: int
    learned: int
    forgotten: float = float("inf")


@dataclass
class Plain:
    """A claim of the model."""

    place: int
    gross_m2: float
    facts: list[Fact] = field(default_factory=list)
    net_m2: float = 0.0
    net: shapely.Geometry | None = None
    net_reported_m2: float = 0.0
    seen: float = float("inf")
    """The day on which the photograph was recorded that shows it."""

    def reached(self, day: int, known: float) -> set[State]:
        return {f.state for f in self.facts if f.day <= day and f.learned <= known < f.forgotten}


operations = st.one_of(
    st.tuples(st.just("report"), st.integers(0, len(PLACES) - 1), st.integers(0, DAYS), st.just(State.REPORTED)),
    st.tuples(st.just("step"), st.integers(0, 5), st.integers(0, DAYS), st.sampled_from(list(State)[1:])),
    st.tuples(
        st.just("step"), st.integers(0, 5), st.integers(0, DAYS), st.sampled_from([State.CHECKED, State.ACCEPTED])
    ),
    st.tuples(st.just("photograph"), st.integers(0, 5), st.integers(0, 2), st.just(State.REPORTED)),
    st.tuples(st.just("correct"), st.integers(0, 5), st.integers(0, DAYS), st.sampled_from(list(State))),
)


def moment(day: float) -> datetime:
    return START + timedelta(days=day)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(operations, min_size=4, max_size=24), st.data())
def test_every_day_as_known_on_every_day(small_city: Database, chosen: list, data: st.DataObject) -> None:
    claims = _play(small_city, chosen)
    last = len(chosen)
    with small_city.reading() as session:
        for _ in range(6):
            day, known = data.draw(st.integers(0, DAYS + 1 + last)), data.draw(st.integers(0, last))
            now = progress(session, TOWN, moment(day), known_at=moment(DAYS + 1 + known))
            _agrees(now, claims, day, known)
            bars = waterfall(session, TOWN, moment(day), known_at=moment(DAYS + 1 + known))
            assert (bars[0].area_m2, bars[-1].area_m2) == (now.reported_m2, now.accepted_m2)
            assert bars[0].area_m2 - sum(bar.area_m2 for bar in bars[1:-1]) == pytest.approx(bars[-1].area_m2, abs=1e-6)
            assert bars[0].area_mu - sum(bar.area_mu for bar in bars[1:-1]) == pytest.approx(bars[-1].area_mu, abs=1e-6)
            unseen = next(bar for bar in bars if bar.reason == EVIDENCE_MISSING)
            assert (unseen.area_m2, unseen.claims) == _unseen(claims, day, known)
            counted = [
                c.net for c in claims if c.reached(day, known) & {State.ACCEPTED, State.REVOKED} == {State.ACCEPTED}
            ]
            union = areas_m2([shapely.union_all(counted)])[0] if counted else 0.0
            assert now.accepted_m2 == pytest.approx(union, abs=0.2), "no land counts twice on any day"
        whole = series(session, TOWN, moment(DAYS + 0.5))
        for at, reported_mu, _, accepted_mu, _ in whole.days:
            day = (at - START.date()).days
            assert accepted_mu == pytest.approx(_accepted(claims, day, last) / 2000 * 3, abs=0.02)
            assert reported_mu == pytest.approx(_reported(claims, day, last) / 2000 * 3, abs=0.02)
        after = series(session, TOWN, moment(DAYS + 1 + last))
        for at, _, _, accepted_mu, evidenced_mu in after.days:
            day = (at - START.date()).days
            # The last day ends at the moment asked for, nine in the morning; the others at midnight.
            end = day + (0 if day == DAYS + 1 + last else 15 / 24)
            assert evidenced_mu == pytest.approx(_evidenced(claims, day, last, end) / 2000 * 3, abs=0.02)
            assert evidenced_mu <= accepted_mu
        for bar in waterfall(session, TOWN, moment(DAYS + 1 + last)):
            part = claims_of_bar(session, TOWN, moment(DAYS + 1 + last), bar.reason)
            assert len(part) == bar.claims
            assert part["bar_area_m2"].sum() == pytest.approx(bar.area_m2, abs=0.005)
        verdict = verify(session)
        assert verdict.fits, verdict.first and str(verdict.first.problem)


def _agrees(now: object, claims: list[Plain], day: int, known: int) -> None:
    expected = {
        "reported_m2": _reported(claims, day, known),
        "accepted_m2": _accepted(claims, day, known),
        "evidenced_m2": _evidenced(claims, day, known, min(day, DAYS + 1 + known)),
    }
    assert {name: getattr(now, name) for name in expected} == pytest.approx(expected, abs=0.005)


def _reported(claims: list[Plain], day: int, known: float) -> float:
    return sum(claim.gross_m2 for claim in claims if claim.reached(day, known))


def _accepted(claims: list[Plain], day: int, known: float) -> float:
    return sum(
        claim.net_m2
        for claim in claims
        if State.ACCEPTED in (reached := claim.reached(day, known)) and State.REVOKED not in reached
    )


def _counts(claim: Plain, day: int, known: float) -> bool:
    return claim.reached(day, known) & {State.ACCEPTED, State.REVOKED} == {State.ACCEPTED}


def _evidenced(claims: list[Plain], day: int, known: float, recorded: float) -> float:
    return sum(claim.net_m2 for claim in claims if _counts(claim, day, known) and claim.seen <= recorded)


def _unseen(claims: list[Plain], day: int, known: float) -> tuple[object, int]:
    """The m² and the number of the claims that wait, and that no photograph shows."""
    ended = {State.ACCEPTED, State.REJECTED, State.REVOKED}
    waiting = [c.net_reported_m2 for c in claims if (s := c.reached(day, known)) and not s & ended
               and c.seen > min(day, DAYS + 1 + known)]  # fmt: skip
    return pytest.approx(sum(waiting), abs=0.005), len(waiting)


def _photograph(session: Session, number: str, how: int, n: int, at: datetime) -> bool:
    """Attach a photograph; whether it shows the claim: taken after, inside."""
    claim = get_claim(session, number)
    purpose, place = ((Purpose.AFTER, 0), (Purpose.AFTER, 0.01), (Purpose.DURING, 0))[how]
    x, y = claim.geometry.centroid.coords[0]
    told = PhotoFacts("image/jpeg", at, x + place, y, 5.0, None, None, f"{n:016x}")
    attach(session, claim, Received(f"{n:064x}", 1, told), f"{n}.jpg", purpose, Actor("村", at, at))
    return how == 0


def _play(database: Database, chosen: list) -> list[Plain]:
    """Do what was chosen, one thing after another, in the records and in the model; what is refused is done in neither."""
    with database.writing() as session:
        kept = {"unit", "target", "allocation"}
        for table in reversed(SCHEMA.sorted_tables):
            if table.name not in kept and table.name != "ledger_entry":
                restore(session, table, [])
        session.execute(delete(Entry).where(Entry.event.startswith("claim.")))
    claims: list[Plain] = []
    for n, (what, which, day, state) in enumerate(chosen):
        actor = Actor(PEOPLE[state], moment(day), moment(DAYS + 1 + n + 0.5))
        number = f"C{which}" if what != "report" else f"C{len(claims)}"
        if what != "report" and which >= len(claims):
            continue
        try:
            with database.writing() as session:
                if what == "report":
                    report = Report(VILLAGE, PLACES[which], f"f{n}", number=number)
                    claim = report_claim(session, report, actor)
                elif what == "photograph":
                    claim = get_claim(session, number)
                    if _photograph(session, number, day, n, actor.recorded_at):
                        claims[which].seen = min(claims[which].seen, DAYS + 1 + n + 0.5)
                elif what == "step":
                    claim = take_step(session, get_claim(session, number), state, actor, "because", thresholds=UNSEEN)
                else:
                    claim = correct_step(session, get_claim(session, number), state, actor.at, actor, "because")
                gross, net_m2, net = claim.gross_m2, claim.accepted_net_m2, claim.accepted_net
        except Problem as problem:
            assert problem.code in EXPECTED, problem
            continue
        if what == "photograph":
            continue
        if what == "report":
            claims.append(Plain(which, gross, net_reported_m2=claim.reported_net_m2))
        plain = claims[-1] if what == "report" else claims[which]
        if what == "correct":
            old = next(f for f in plain.facts if f.state == state and f.forgotten == float("inf"))
            old.forgotten = n + 1
        plain.facts.append(Fact(state, day, n + 1))
        plain.net_m2, plain.net = net_m2 or 0.0, net
    with database.reading() as session:
        assert len(session.scalars(select(Claim.id)).all()) == len(claims)
    return claims
