"""Each thing that can be altered behind the program's back, by the name that verify gives it. On both databases."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely
from conftest import CITY, NEXT_VILLAGE, START, TOWN, UNSEEN, VILLAGE
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from farmland.keeping.seal import PRIVATE_NAME, PUBLIC_NAME, Seal, make_key, make_seal, read_seal
from farmland.keeping.tables import Unit, tracked
from farmland.keeping.verify import Misfit, Verdict, verify
from farmland.records.database import Database, table_of
from farmland.records.ledger import (
    FIRST,
    Entry,
    canonical,
    content,
    contents,
    get_entry,
    hash_of,
    head,
    history,
    merge,
    note,
    restate,
    rows_of,
    stored,
    undone,
)
from farmland.restoration.claims import Claim, State, Step, get_claim
from farmland.restoration.corrections import correct_step
from farmland.restoration.targets import Allocation, Target, allocate
from farmland.restoration.transitions import Actor, Report, report_claim, take_step
from geodata.problems import Problem

FIELDS = [shapely.box(111.710 + n * 0.003, 27.250, 111.712 + n * 0.003, 27.252) for n in range(3)]
MINUTE = timedelta(minutes=1)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def actor(minutes: float, name: str = "officer") -> Actor:
    at = START + minutes * MINUTE
    return Actor(name, at, at)


@pytest.fixture
def city(small_city: Database) -> Database:
    """Entries 1 (the tables as they were), 2 (allocations), 3 to 5 (a claim and its steps), 6 (another claim)."""
    with small_city.writing() as session:
        claim = report_claim(session, Report(VILLAGE, FIELDS[0], "f", number="A"), actor(1, "village"))
        take_step(session, claim, State.CHECKED, actor(2))
        take_step(session, claim, State.ACCEPTED, actor(3), thresholds=UNSEEN)
        report_claim(session, Report(VILLAGE, FIELDS[1], "g", number="B"), actor(4, "village"))
        assert head(session)[0] == 6
    return small_city


@pytest.fixture
def altering(city: Database) -> Iterator[Session]:
    """A session behind the program's back; nothing of it stays."""
    with Session(city.engine.execution_options(writing=True), autoflush=False) as session:
        if city.engine.dialect.name == "postgresql":
            session.execute(text("SET session_replication_role = replica"))
        else:
            session.execute(text("PRAGMA defer_foreign_keys = ON"))
        yield session
        session.rollback()


def misfits(session: Session, seal: Seal | None = None) -> list[tuple[int | None, str]]:
    return [(misfit.seq, misfit.problem.code) for misfit in verify(session, seal).misfits]


def entry(session: Session, seq: int, **values: Any) -> None:
    session.execute(update(Entry).where(Entry.seq == seq).values(values))


def as_stored(session: Session, seq: int) -> dict[str, Any]:
    return rows_of(stored(session, table_of(Entry), [seq])["ledger_entry"], "seq")[seq]


def rehash(session: Session, first: int, last: int) -> None:
    """Chain the entries anew, as a forger would."""
    previous = as_stored(session, first - 1)["hash"] if first > 1 else FIRST
    for seq in range(first, last + 1):
        row = as_stored(session, seq) | {"previous": previous}
        previous = hash_of(row)
        entry(session, seq, previous=row["previous"], hash=previous)


def test_what_fits_is_counted(altering: Session) -> None:
    verdict = verify(altering)
    assert verdict.fits and verdict.first is None
    assert (verdict.entries, verdict.head) == head(altering)
    rows = sum(altering.scalar(select(func.count()).select_from(table)) or 0 for table in tracked())
    assert verdict.rows == rows > 10


@pytest.mark.parametrize("column", ["actor", "event", "subject", "unit_code", "hash", "before"])
def test_an_entry_that_was_altered_breaks_the_chain_there(altering: Session, column: str) -> None:
    value = {"hash": "1" * 64, "unit_code": TOWN, "before": "{}"}.get(column, "x")
    entry(altering, 4, **{column: value})
    if column == "before":  # of a check nothing was before
        assert misfits(altering) == []
        entry(altering, 5, before="{}")
        assert misfits(altering) == [(5, "ledger_chain_broken")]
    elif column == "hash":
        assert misfits(altering) == [(4, "ledger_chain_broken"), (5, "ledger_chain_broken")]
    else:
        assert misfits(altering) == [(4, "ledger_chain_broken")]


def test_an_entry_chained_to_another_is_found(altering: Session) -> None:
    row = as_stored(altering, 4) | {"previous": "2" * 64}
    entry(altering, 4, previous=row["previous"], hash=hash_of(row))
    assert misfits(altering) == [(4, "ledger_chain_broken"), (5, "ledger_chain_broken")]


def test_an_entry_earlier_than_the_one_before_is_found_and_one_at_the_same_moment_is_none(altering: Session) -> None:
    for minutes, found in ((2, []), (1.99, [(5, "ledger_chain_broken")])):
        entry(altering, 5, at=START + minutes * MINUTE)
        rehash(altering, 5, 6)
        assert misfits(altering) == found


def test_entries_that_are_missing_are_named(altering: Session) -> None:
    altering.execute(delete(Entry).where(Entry.seq == 4))
    # The step that it spoke of has no origin any more.
    assert misfits(altering) == [(4, "ledger_entry_missing"), (None, "row_unknown")]
    altering.execute(delete(Entry).where(Entry.seq == 1))
    found = verify(altering)
    assert found.first is not None and (found.first.seq, found.first.problem.code) == (1, "ledger_entry_missing")


def test_a_seal_tells_of_a_rewritten_and_of_a_shortened_ledger(altering: Session, tmp_path: Path) -> None:
    make_key(tmp_path)
    seal = make_seal(altering, tmp_path, START + 9 * MINUTE)
    assert (seal.entry, seal.head) == head(altering)
    assert (seal.entry_at, seal.sealed_at) == (START + 4 * MINUTE, START + 9 * MINUTE)
    assert (seal.city_code, seal.city_name) == (CITY, f"单位{CITY}")
    assert misfits(altering, seal) == []
    earlier = seal.model_copy(update={"entry": 5, "head": as_stored(altering, 5)["hash"]})
    assert misfits(altering, earlier) == [], "what came after a seal does not disturb it"
    forged = seal.model_copy(update={"head": "3" * 64})
    assert misfits(altering, forged) == [(6, "other_than_sealed")]
    later = seal.model_copy(update={"entry": 7})
    assert misfits(altering, later) == [(7, "ledger_rolled_back")]
    entry(altering, 6, actor="x")
    rehash(altering, 6, 6)
    assert misfits(altering) == []
    assert misfits(altering, seal) == [(6, "other_than_sealed")]
    (misfit,) = verify(altering, seal).misfits
    assert "2022-03-01 09:09" in misfit.problem.sentence("zh")


def test_rows_that_were_altered_deleted_or_slipped_in_are_named(altering: Session) -> None:
    altering.execute(update(Unit).where(Unit.code == TOWN).values(name="x", area_m2=1.0))
    altering.execute(update(Step).where(Step.claim_id == 1, Step.state == "accepted").values(by="x"))
    altering.execute(delete(Allocation).where(Allocation.unit_code == NEXT_VILLAGE))
    slipped = Allocation(id=77, target_code="2022", unit_code=VILLAGE, area_mu=1.0, since=START)
    altering.add(slipped)
    altering.flush()
    verdict = verify(altering)
    assert sorted((misfit.seq or 99, misfit.problem.code) for misfit in verdict.misfits) == [
        (1, "row_altered"), (2, "row_deleted"), (5, "row_altered"), (99, "row_unknown"),
    ]  # fmt: skip
    said = {misfit.problem.facts.get("table"): misfit.problem for misfit in verdict.misfits}
    assert said["unit"].facts["columns"] == "area_m2, name" and said["claim_step"].facts["columns"] == "by"
    assert {misfit.problem.facts["key"] for misfit in verdict.misfits if misfit.seq is None} == {slipped.id}
    assert verdict.first is not None and verdict.first.seq == 1


@on_sqlite  # PostgreSQL holds no text that is none
def test_a_row_that_nobody_can_read_is_named_and_the_others_are_compared(altering: Session) -> None:
    altering.execute(text("UPDATE claim SET crop = CAST(x'ff' AS TEXT) WHERE number = 'A'"))
    altering.execute(text("UPDATE claim SET crop = 'x' WHERE number = 'B'"))
    altering.execute(text("UPDATE ledger_entry SET actor = CAST(x'ff' AS TEXT) WHERE seq = 4"))
    verdict = verify(altering)
    found = {(misfit.problem.facts.get("table"), misfit.problem.facts.get("key")): misfit for misfit in verdict.misfits}
    for place in (("claim", 1), ("ledger_entry", 4)):
        assert (found[place].seq, found[place].problem.code) == (None, "rows_unreadable")
        reason = str(found[place].problem.facts["reason"])
        assert "decode" in reason and "SELECT" not in reason, "the fault, not the question"
    assert (found["claim", 2].seq, found["claim", 2].problem.code) == (6, "row_altered")
    assert (verdict.entries, verdict.head) == (5, as_stored(altering, 6)["hash"])
    codes = sorted(misfit.problem.code for misfit in verdict.misfits)
    assert codes == ["ledger_entry_missing", "row_altered", "row_unknown", "rows_unreadable", "rows_unreadable"]


@on_sqlite  # PostGIS keeps its indexes itself
def test_a_spatial_index_that_does_not_fit_is_named(altering: Session) -> None:
    names = altering.scalars(text("SELECT name FROM sqlite_master WHERE sql LIKE '%rtree(%'")).all()
    (index,) = [name for name in names if "claim" in name]
    altering.execute(text(f"DELETE FROM {index} WHERE id = 2"))
    assert misfits(altering) == [(None, "index_altered")]


def test_what_no_entry_speaks_of_comes_last() -> None:
    problem = Problem(get_problem_kind())
    verdict = Verdict(misfits=[Misfit(None, problem), Misfit(7, problem), Misfit(0, problem), Misfit(3, problem)])
    assert verdict.first is verdict.misfits[2] and not verdict.fits
    assert Verdict(misfits=[Misfit(None, problem)]).first is not None


def get_problem_kind() -> Any:
    from farmland.keeping.verify import ENTRY_MISSING

    return ENTRY_MISSING


def test_the_hash_of_an_entry_by_hand(city: Database) -> None:
    """SHA-256 over the fields in the order of their names, the contents by their own; as docs/integrity.md says."""
    with city.reading() as session:
        previous = FIRST
        for seq in range(1, 7):
            one = get_entry(session, seq)
            said = {
                "actor": one.actor,
                "after": hashlib.sha256(one.after.encode()).hexdigest(),
                "at": one.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00"),
                "before": hashlib.sha256(one.before.encode()).hexdigest(),
                "event": one.event,
                "previous": previous,
                "seq": seq,
                "subject": one.subject,
                "unit_code": one.unit_code,
            }
            whole = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
            assert hashlib.sha256(whole.encode()).hexdigest() == one.hash
            previous = one.hash
        with pytest.raises(Problem, match="entry_unknown"):
            get_entry(session, 7)


def test_entries_say_what_was_before_and_is_after(city: Database) -> None:
    with city.reading() as session:
        reported, checked, accepted = history(session, "A")
        assert [one.event for one in (reported, checked, accepted)] == [
            "claim.reported", "claim.checked", "claim.accepted",
        ]  # fmt: skip
        assert (reported.before, checked.before) == ("{}", "{}")
        before, after = json.loads(accepted.before), json.loads(accepted.after)
        assert before["claim"]["accepted_net_m2"] == [None]
        assert after["claim"]["accepted_net_m2"] == [get_claim(session, "A").accepted_net_m2]
        geometry = hashlib.sha256(shapely.to_wkb(FIELDS[0], byte_order=1)).hexdigest()
        assert after["claim"]["geometry"] == before["claim"]["geometry"] == [geometry]
        assert after["claim_step"]["at"] == [(START + 3 * MINUTE).astimezone(UTC).isoformat(timespec="microseconds")]


def test_contents_of_new_rows_are_those_of_stored_ones(city: Database) -> None:
    with city.writing() as session:
        columns = {
            "target_code": ["2022"] * 2,
            "unit_code": [TOWN, VILLAGE],
            "area_mu": [1, -0.0],
            "since": [None, START],
        }
        said = content(table_of(Allocation), {"id": [90, 91], **columns})
        rows = [Allocation(id=90 + n, **{name: values[n] for name, values in columns.items()}) for n in range(2)]
        session.add_all(rows)
        session.flush()
        assert contents(*rows) == said == stored(session, table_of(Allocation), [90, 91])
        assert said["allocation"]["area_mu"] == [1.0, 0.0] and "-0.0" not in canonical(said)
        assert stored(session, table_of(Allocation), [999]) == {}
        assert content(table_of(Allocation), {"id": []}) == {}
        again = stored(session, table_of(Allocation), [90])
        merge(again, stored(session, table_of(Allocation), [91]))
        assert again == said
        merge(again, {"other": {"a": [1]}})
        assert again["other"] == {"a": [1]}
        session.rollback()


def test_what_changed_since_a_moment_is_undone_to_what_it_was_then(city: Database) -> None:
    """Of several changes since, the first tells; a row that came since was none."""
    with city.writing() as session:
        for minutes, part in ((10, {VILLAGE: 300}), (20, {VILLAGE: 200, NEXT_VILLAGE: 100}), (30, {VILLAGE: 250})):
            allocate(session, "2022", part, START + minutes * MINUTE, actor="officer")
        ids = {
            (row.unit_code, row.area_mu): row.id
            for row in session.scalars(select(Allocation).where(Allocation.since.is_not(None)))
        }
        for minutes, new in ((9, 4), (10, 3), (19.9, 3), (20, 1), (29, 1), (30, 0)):
            rows = undone(session, table_of(Allocation), "target", START + minutes * MINUTE)
            assert [value for value in rows.values()] == [None] * new, minutes
            assert rows.keys() <= set(ids.values())
        # Overwritten at its own moment, a part was before what it had been first.
        allocate(session, "2022", {VILLAGE: 240}, START + 30 * MINUTE, actor="officer")
        target = session.get_one(Target, "2022")
        for minutes, name in ((40, "一"), (50, "二")):
            before = contents(target)
            target.name = name
            session.flush()
            note(session, "target.imported", "2022", None, actor="officer", at=START + minutes * MINUTE,
                 before=before, after=contents(target))  # fmt: skip
        names = [
            rows["2022"]["name"] if (rows := undone(session, table_of(Target), "target", START + m * MINUTE)) else None
            for m in (39, 40, 49, 50)
        ]
        assert names == ["2022年", "一", "一", None]
        assert undone(session, table_of(Target), "unit", START) == {}
        session.rollback()


def test_tables_are_restated_only_where_they_hold_something(city: Database) -> None:
    with city.writing() as session:
        restate(session, [table_of(Target), table_of(Claim)], START + 9 * MINUTE)
        said = json.loads(get_entry(session, 7).after)
        assert said.keys() == {"target", "claim"} and said["claim"]["number"] == ["A", "B"]
        session.execute(delete(Allocation))
        restate(session, [table_of(Allocation)], START + 9 * MINUTE)
        assert head(session)[0] == 7
        session.rollback()


@given(st.dictionaries(st.text(max_size=3), st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)))
def test_the_order_in_which_something_is_said_does_not_change_its_form(said: dict[str, Any]) -> None:
    turned = dict(reversed(said.items()))
    assert canonical(said) == canonical(turned) and json.loads(canonical(said)) == said
    assert " " not in canonical({"a": [1, 2], "b": {"c": None}})


def test_seals_are_signed_over_all_that_they_say(city: Database, tmp_path: Path) -> None:
    make_key(tmp_path)
    private, public = tmp_path / PRIVATE_NAME, tmp_path / PUBLIC_NAME
    held = private.read_bytes()
    make_key(tmp_path)
    assert private.read_bytes() == held, "a key that is there stays"
    with city.reading() as session:
        seal = make_seal(session, tmp_path, START)
        with pytest.raises(Problem, match="seal_key_missing"):
            make_seal(session, tmp_path / "nowhere", START)
        for wrong in (b"x", public.read_bytes()):
            (tmp_path / "other").mkdir(exist_ok=True)
            (tmp_path / "other" / PRIVATE_NAME).write_bytes(wrong)
            with pytest.raises(Problem, match="not_a_key"):
                make_seal(session, tmp_path / "other", START)
    path = tmp_path / "seal.json"
    path.write_text(seal.model_dump_json())
    assert read_seal(path) == read_seal(path, public) == seal
    for name, value in {
        "city_code": TOWN, "city_name": "x", "entry": 5, "head": "0" * 64, "entry_at": START + MINUTE,
        "sealed_at": START + MINUTE,
    }.items():  # fmt: skip
        path.write_text(seal.model_copy(update={name: value}).model_dump_json())
        for key in (None, public):
            with pytest.raises(Problem, match="seal_broken"):
                read_seal(path, key)
    path.write_text(seal.model_copy(update={"signature": "x"}).model_dump_json())
    with pytest.raises(Problem, match="not_a_seal"):
        read_seal(path)


def test_an_empty_ledger_is_not_sealed(database: Database, tmp_path: Path) -> None:
    make_key(tmp_path)
    with database.writing() as session:
        session.execute(delete(Entry))
        with pytest.raises(Problem, match="nothing_to_seal"):
            make_seal(session, tmp_path, START)
        session.rollback()


def test_a_correction_may_take_a_step_up_to_its_neighbours(city: Database) -> None:
    """From the step before, its moment included, to the one after, without; the last one up to the present."""

    def corrected(state: State, minutes: float, present: float = 60) -> str:
        with city.writing() as session:
            try:
                claim = correct_step(
                    session, get_claim(session, "A"), state, START + minutes * MINUTE, actor(present), "x"
                )
                assert [step.at for step in claim.steps] == sorted(step.at for step in claim.steps)
                assert [step.state for step in claim.steps] == ["reported", "checked", "accepted"]
                found = next(step for step in claim.steps if step.state == state)
                assert (found.at, found.why) == (START + minutes * MINUTE, "x")
                assert found.recorded_at == START + present * MINUTE
                return "corrected"
            except Problem as problem:
                facts = problem.facts
                return f"{problem.code} {facts['earliest']:%M} {facts['latest']:%M}"
            finally:
                session.rollback()

    refused = "correction_out_of_order"
    assert corrected(State.REPORTED, -99) == "corrected"
    assert corrected(State.REPORTED, 1.99) == "corrected"
    assert corrected(State.REPORTED, 2) == f"{refused} 02 02"
    assert corrected(State.CHECKED, 1) == "corrected"
    assert corrected(State.CHECKED, 0.99) == f"{refused} 01 03"
    assert corrected(State.CHECKED, 3) == f"{refused} 01 03"
    assert corrected(State.ACCEPTED, 2) == "corrected"
    assert corrected(State.ACCEPTED, 1.99) == f"{refused} 02 00"
    assert corrected(State.ACCEPTED, 60) == "corrected"
    assert corrected(State.ACCEPTED, 60.01) == f"{refused} 02 00"


def test_land_is_held_from_the_acceptance_until_the_revocation_without_it(city: Database) -> None:
    """One claim from minute 3 to 20 and another on the same land from 22 on: neither may reach into the other."""
    with city.writing() as session:
        take_step(session, get_claim(session, "A"), State.REVOKED, actor(20), "x")
        again = report_claim(session, Report(VILLAGE, FIELDS[0], "h", number="C"), actor(20.5, "village"))
        take_step(session, again, State.CHECKED, actor(21))
        take_step(session, again, State.ACCEPTED, actor(22), thresholds=UNSEEN)
        beside = report_claim(session, Report(VILLAGE, FIELDS[2], "i", number="D"), actor(1, "village"))
        take_step(session, beside, State.CHECKED, actor(2))
        take_step(session, beside, State.ACCEPTED, actor(3), thresholds=UNSEEN)

    def moved(number: str, state: State, minutes: float) -> str:
        with city.writing() as session:
            try:
                correct_step(session, get_claim(session, number), state, START + minutes * MINUTE, actor(60), "x")
                return "moved"
            except Problem as problem:
                assert problem.facts["area_m2"] == pytest.approx(get_claim(session, "A").gross_m2, abs=0.05)
                return f"{problem.code} {problem.facts['other']}"
            finally:
                session.rollback()

    assert moved("A", State.REVOKED, 22) == "moved"
    assert moved("A", State.REVOKED, 22.01) == "land_held_then C"
    assert moved("A", State.REVOKED, 4) == "moved"
    with city.writing() as session:
        for state, minutes in ((State.REPORTED, 2.5), (State.CHECKED, 2.6)):
            correct_step(session, get_claim(session, "C"), state, START + minutes * MINUTE, actor(59), "x")
    assert moved("C", State.ACCEPTED, 20) == "moved"
    assert moved("C", State.ACCEPTED, 19.99) == "land_held_then A"
    assert moved("C", State.ACCEPTED, 2.7) == "land_held_then A"


def test_a_correction_of_a_day_is_one_of_a_date(city: Database) -> None:
    """Days stand in the ledger as days."""
    with city.reading() as session:
        said = stored(session, table_of(Target))["target"]
        assert (said["start_day"], said["due_day"]) == (["2022-01-01"], ["2022-06-30"])
        assert session.get_one(Target, "2022").start_day == date(2022, 1, 1)
        assert datetime.fromisoformat(stored(session, table_of(Step))["claim_step"]["at"][0]) == START + MINUTE
