"""What must hold between the records of claims whoever wrote them: each single fault is found, even one that the ledger tells
as if it were right. On both databases."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import shapely
from conftest import START, UNSEEN, VILLAGE
from sqlalchemy import update
from sqlalchemy.orm import Session, undefer

from farmland.keeping.consistency import inconsistencies
from farmland.keeping.verify import verify
from farmland.records.database import Base, Database
from farmland.records.ledger import contents, history, note
from farmland.restoration.claims import Claim, Deduction, State, Step, get_claim
from farmland.restoration.targets import Target
from farmland.restoration.transitions import Actor, Report, report_claim, take_step

FIELDS = {
    "A": shapely.box(111.7230, 27.2500, 111.7251, 27.2520),  # some of it outside of the village
    "B": shapely.box(111.7200, 27.2500, 111.7220, 27.2520),
    "C": shapely.box(111.7160, 27.2500, 111.7180, 27.2520),
    "D": shapely.box(111.7160, 27.2500, 111.7180, 27.2520),  # the land of C, once C was revoked
}
LATE = START + timedelta(days=9)


def report(session: Session, number: str, minutes: int) -> Claim:
    at = START + timedelta(minutes=minutes)
    content = Report(VILLAGE, FIELDS[number], f"f{number}", number=number, ridge_factor=0.12)
    return report_claim(session, content, Actor("village", at, at))


def step(session: Session, claim: Claim, state: State, minutes: int) -> Claim:
    at = START + timedelta(minutes=minutes)
    return take_step(session, claim, state, Actor(f"{state}", at, at), "because", thresholds=UNSEEN)


@pytest.fixture
def held(small_city: Database) -> Database:
    """Claims with deductions of land and of ridges, accepted, waiting, and accepted one after another on the same land."""
    with small_city.writing() as session:
        target = session.get_one(Target, "2022")
        before = contents(target)
        target.area_basis = "ridges_deducted"  # type: ignore[assignment]
        session.flush()
        note(session, "target.imported", "2022", None, actor="officer", at=START, before=before, after=contents(target))
        for place, number in enumerate("ABC"):
            claim = step(session, report(session, number, place), State.CHECKED, 10)
            if number != "B":
                step(session, claim, State.ACCEPTED, 20)
        step(session, get_claim(session, "C"), State.REVOKED, 30)
        step(session, step(session, report(session, "D", 40), State.CHECKED, 41), State.ACCEPTED, 42)
    return small_city


def found(database: Database) -> list[tuple[int | None, str]]:
    with database.reading() as session:
        return [(claim, problem.code) for claim, problem in inconsistencies(session)]


def rewrite(database: Database, model: type[Base], change: Callable[[Any], None], *which: Any) -> int:
    """Change a row, and tell the ledger as if it were in order; the number of the entry."""
    with database.writing() as session:
        row = session.query(model).filter(*which).options(undefer("*")).one()
        before = contents(row)
        change(row)
        session.flush()
        note(session, "claim.corrected", "A", VILLAGE, actor="forger", at=LATE, before=before, after=contents(row))
    with database.reading() as session:
        return history(session, "A")[-1].seq


def test_claims_that_are_in_order_are_not_named(held: Database) -> None:
    assert found(held) == []
    with held.reading() as session:
        assert verify(session).fits
        claim = get_claim(session, "A")
        reasons = {cut.reason for cut in claim.deductions if cut.stage == "accepted"}
        assert reasons == {"outside_unit", "ridges"}


# Each of these leaves the other thing that has to hold as it is.
FORGED: dict[str, Callable[[Claim], None]] = {
    "more gross than was measured": lambda claim: setattr(claim, "gross_m2", claim.gross_m2 + 0.03),
    "less gross than was measured": lambda claim: setattr(claim, "gross_m2", claim.gross_m2 - 0.03),
    "another polygon of the acceptance": lambda claim: setattr(
        claim, "accepted_net", shapely.affinity.scale(claim.accepted_net, 1.0001, 1.0001)
    ),
    "another polygon of the report": lambda claim: setattr(
        claim, "reported_net", shapely.affinity.scale(claim.reported_net, 0.9999, 0.9999)
    ),
    "no polygon of the acceptance": lambda claim: setattr(claim, "accepted_net", shapely.Polygon()),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_net_area_that_is_only_half_right_is_found_by_verify(held: Database, name: str) -> None:
    seq = rewrite(held, Claim, FORGED[name], Claim.number == "A")
    with held.reading() as session:
        verdict = verify(session)
        assert {misfit.problem.code for misfit in verdict.misfits} == {"net_area_differs"}
        assert {misfit.seq for misfit in verdict.misfits} == {seq}
        wrong = verdict.misfits[0].problem.facts
        assert wrong["number"] == "A"
        # The gross area and the deductions are those of both stages, a polygon is one stage's.
        assert len(verdict.misfits) == (2 if "gross" in name else 1)
        if "gross" not in name:
            assert wrong["stage"] == ("reported" if "report" in name else "accepted")


@pytest.mark.parametrize("reason", ["outside_unit", "ridges"])
@pytest.mark.parametrize("stage", ["reported", "accepted"])
def test_a_deduction_of_another_size_is_found(held: Database, stage: str, reason: str) -> None:
    def shrink(cut: Deduction) -> None:
        cut.area_m2 -= 0.03

    which = (Deduction.claim_id == 1, Deduction.stage == stage, Deduction.reason == reason)
    seq = rewrite(held, Deduction, shrink, *which)
    with held.reading() as session:
        (misfit,) = verify(session).misfits
        assert (misfit.problem.code, misfit.problem.facts["stage"]) == ("net_area_differs", stage)
    assert seq > 0


def test_a_net_area_whose_sum_was_made_to_fit_is_measured(held: Database) -> None:
    """Gross and both nets raised alike: gross less deductions is net, and the total is that of the claims."""

    def raised(claim: Claim) -> None:
        claim.gross_m2 += 5
        claim.reported_net_m2 += 5
        claim.accepted_net_m2 = (claim.accepted_net_m2 or 0) + 5

    rewrite(held, Claim, raised, Claim.number == "A")
    assert found(held) == [(1, "net_area_differs")] * 2


def test_ridges_are_no_land_to_be_measured(held: Database) -> None:
    """What ridges take from the net they leave on the map: moved from the net into them, both checks still hold."""
    with held.writing() as session:
        claim = get_claim(session, "A")
        cut = next(cut for cut in claim.deductions if (cut.stage, cut.reason) == ("accepted", "ridges"))
        cut.area_m2 += 5
        claim.accepted_net_m2 = (claim.accepted_net_m2 or 0) - 5
        session.flush()
        assert list(inconsistencies(session)) == []
        session.rollback()


def test_a_hundredth_that_each_rounding_may_leave_is_none(held: Database) -> None:
    rewrite(held, Claim, lambda claim: setattr(claim, "gross_m2", claim.gross_m2 + 0.01), Claim.number == "A")
    assert found(held) == []


def test_the_same_land_at_the_same_time_is_found_and_one_after_the_other_is_none(held: Database) -> None:
    revoked = (Step.claim_id == 3, Step.state == State.REVOKED)

    def until(minutes: int) -> Callable[[Step], None]:
        return lambda one: setattr(one, "at", START + timedelta(minutes=minutes))

    rewrite(held, Step, until(42), *revoked)  # up to the very moment at which the other was accepted
    assert found(held) == []
    seq = rewrite(held, Step, until(43), *revoked)
    assert found(held) == [(4, "counted_twice")]
    with held.reading() as session:
        (misfit,) = verify(session).misfits
        assert {misfit.problem.facts["number"], misfit.problem.facts["other"]} == {"C", "D"}
        land = session.get_one(Claim, 4).accepted_net_m2 or 0.0
        # Of the land itself, before its ridges.
        assert misfit.problem.facts["area_m2"] == pytest.approx(land / 0.88, abs=0.05)
        assert misfit.seq is not None and misfit.seq < seq, "said of the claim, not of the step"


def test_the_order_in_which_two_claims_have_the_land_is_of_no_account(held: Database) -> None:
    """The claim of the higher number first, then the other: as good as the other way round."""
    for claim, state, minutes in ((3, State.ACCEPTED, 60), (4, State.ACCEPTED, 42)):
        which = (Step.claim_id == claim, Step.state == state)
        rewrite(held, Step, lambda one, minutes=minutes: setattr(one, "at", START + timedelta(minutes=minutes)), *which)
    rewrite(held, Step, lambda one: setattr(one, "at", START + timedelta(minutes=70)), Step.claim_id == 3,
            Step.state == State.REVOKED)  # fmt: skip
    assert found(held) == [(4, "counted_twice")]
    with held.writing() as session:
        step(session, session.get_one(Claim, 4), State.REVOKED, 60)
    assert found(held) == []


@pytest.mark.parametrize(
    ("state", "minutes", "also"),
    [
        (State.REPORTED, 15, []),  # after its check
        # Before its check: its last step says checked, the figure of the city counts what was accepted.
        (State.ACCEPTED, 5, [(None, "total_differs")]),
    ],
)
def test_steps_that_do_not_follow_one_another_are_found(
    held: Database, state: State, minutes: int, also: list[tuple[None, str]]
) -> None:
    at = START + timedelta(minutes=minutes)
    rewrite(held, Step, lambda one: setattr(one, "at", at), Step.claim_id == 1, Step.state == state)
    assert found(held) == [(1, "steps_out_of_order"), *also]


def test_a_step_too_few_is_found(held: Database) -> None:
    with held.writing() as session:
        session.execute(update(Step).where(Step.claim_id == 2, Step.state == State.REPORTED).values(withdrawn_at=LATE))
    assert found(held) == [(2, "steps_out_of_order")]


def test_when_a_step_was_learned_of_does_not_change_what_is_so_now(held: Database) -> None:
    with held.writing() as session:
        session.execute(update(Step).where(Step.claim_id == 1).values(recorded_at=LATE))
    assert found(held) == []
