"""The ledger: every change is in it, and whatever is altered behind its back is found. On both databases."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely
from conftest import NEXT_VILLAGE, START, TOWN, UNSEEN, VILLAGE, Run
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from bench.tampering import Rows, restore, snapshot, tables, tamper, without_foreign_keys
from farmland.accounts import tokens
from farmland.figures.warning import WarningColours
from farmland.keeping.seal import make_key, make_seal, read_seal
from farmland.keeping.verify import verify
from farmland.records.database import Database
from farmland.records.ledger import FIRST, Entry, head, history, last_moment, note, rows_of, stored
from farmland.reports.periods import close_period
from farmland.restoration.claims import State, get_claim
from farmland.restoration.corrections import correct_step
from farmland.restoration.targets import allocate
from farmland.restoration.transitions import Actor, Report, report_claim, take_step
from geodata.problems import Problem

FIELDS = [shapely.box(111.710 + i * 0.001, 27.250, 111.7108 + i * 0.001, 27.2512) for i in range(6)]


def actor(name: str, minutes: float, unit_code: str | None = None) -> Actor:
    at = START + timedelta(minutes=minutes)
    return Actor(name, at, at, unit_code)


def first_half(session: Session) -> None:
    for n, field in enumerate(FIELDS[:3]):
        report_claim(session, Report(VILLAGE, field, "f", number=f"C{n}", crop="大豆"), actor("村", n))
    for n in range(3):
        take_step(session, get_claim(session, f"C{n}"), State.CHECKED, actor("镇", 10))
    take_step(session, get_claim(session, "C0"), State.ACCEPTED, actor("市", 20), thresholds=UNSEEN)
    tokens.add_token(session, "镇政府", TOWN, (), START + timedelta(minutes=21), actor="市")


def second_half(session: Session) -> None:
    for n, field in enumerate(FIELDS[3:], start=3):
        whole = shapely.union(field, shapely.box(111.7235, 27.2500, 111.7237, 27.2512))
        report_claim(session, Report(VILLAGE, whole, "f", number=f"C{n}"), actor("村", 30 + n))
    take_step(session, get_claim(session, "C1"), State.ACCEPTED, actor("市", 40), thresholds=UNSEEN)
    take_step(session, get_claim(session, "C2"), State.REJECTED, actor("市", 41), "没有种")
    take_step(session, get_claim(session, "C0"), State.REVOKED, actor("市", 42), "复荒")
    correct_step(
        session, get_claim(session, "C1"), State.ACCEPTED, START + timedelta(minutes=35), actor("市", 43), "写错"
    )
    allocate(session, "2022", {NEXT_VILLAGE: 200}, START + timedelta(minutes=44), actor="市")
    tokens.revoke_token(session, tokens.token_named(session, "镇政府"), START + timedelta(minutes=45), actor="市")
    day = (START + timedelta(days=1)).date()
    later = START + timedelta(days=2)
    close_period(session, TOWN, day, later, actor="市", colours=WarningColours())


@pytest.fixture
def earlier(small_city: Database) -> dict[str, Rows]:
    """A city with a history, and how its tables stood in the middle of it."""
    with small_city.writing() as session:
        first_half(session)
        half = snapshot(session)
        second_half(session)
    return half


def test_every_change_is_in_the_ledger(small_city: Database, earlier: dict[str, Rows]) -> None:
    with small_city.reading() as session:
        verdict = verify(session)
        assert verdict.fits, [str(misfit.problem) for misfit in verdict.misfits]
        assert (verdict.entries, verdict.head) == head(session)
        events = [entry.event for entry in history(session, "C1")]
        assert events == ["claim.reported", "claim.checked", "claim.accepted", "claim.corrected"]
        accepted = history(session, "C0")[2]
        assert '"accepted_net_m2":[null]' in accepted.before and '"accepted_net_m2":[null]' not in accepted.after


def test_an_import_says_what_rows_were_before_and_are_after(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    (tmp_path / "units.csv").write_text(f"code,name\n{VILLAGE},清江村\n43058210420301,一组\n")
    (tmp_path / "chiefs.csv").write_text(f"code,name,unit_code,from_day\nT1,张三,{VILLAGE},2022-01-01\n")
    for noun in ("units", "chiefs"):
        assert tianzhang("import", noun, f"{noun}.csv").returncode == 0
    (tmp_path / "chiefs.csv").write_text(
        f"code,name,unit_code,from_day,to_day\nT1,张三丰,{VILLAGE},2022-01-01,2022-05-01\n"
    )
    assert tianzhang("import", "chiefs", "chiefs.csv", "--allow-renamed").returncode == 0
    done = tianzhang("verify")
    assert done.returncode == 0 and "Everything fits" in done.stdout, done.stdout + done.stderr
    with small_city.reading() as session:
        units = session.query(Entry).filter(Entry.event == "unit.imported").one()
        assert f'"name":["单位{VILLAGE}"]' in units.before and '"清江村"' in units.after and '"sha256":[' in units.after
        last = session.query(Entry).order_by(Entry.seq.desc()).first()
        assert '"张三"' in last.before and '"张三丰"' in last.after and '"to_day":["2022-05-01"]' in last.after


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_altered_is_found(
    small_city: Database, earlier: dict[str, Rows], tmp_path: Path, seed: int
) -> None:
    make_key(tmp_path)
    with small_city.reading() as session:
        seal = make_seal(session, tmp_path, START + timedelta(days=3))
    rng = np.random.default_rng(seed)
    for _ in range(60):
        with Session(small_city.engine.execution_options(writing=True), autoflush=False) as session:
            without_foreign_keys(session)
            done = tamper(session, rng, earlier)
            assert not verify(session, seal).fits, done
            session.rollback()
    with small_city.reading() as session:
        assert verify(session, seal).fits


def test_the_first_entry_that_does_not_fit_is_named(small_city: Database, earlier: dict[str, Rows]) -> None:
    with Session(small_city.engine.execution_options(writing=True)) as session:
        session.execute(text("UPDATE claim SET accepted_net_m2 = accepted_net_m2 + 1 WHERE number = 'C1'"))
        session.execute(text("UPDATE unit SET name = 'x' WHERE code = :code"), {"code": TOWN})
        first = verify(session).first
        assert first is not None and first.seq == 1, "the unit's entry comes before the claim's"
        assert first.problem.code == "row_altered" and "name" in first.problem.sentence("en")


def test_a_rewritten_or_shortened_ledger_is_found_by_the_seal_alone(
    small_city: Database, earlier: dict[str, Rows], tmp_path: Path
) -> None:
    make_key(tmp_path)
    with small_city.reading() as session:
        made = make_seal(session, tmp_path, START + timedelta(days=3))
    (tmp_path / "seal.json").write_text(made.model_dump_json())
    seal = read_seal(tmp_path / "seal.json", tmp_path / "seal.pub")
    with Session(small_city.engine.execution_options(writing=True)) as session:
        without_foreign_keys(session)
        for table in tables():
            restore(session, table, earlier[table.name])
        assert verify(session).fits, "the database of before is whole in itself"
        found = verify(session, seal).first
        assert found is not None and found.problem.code == "ledger_rolled_back"
    with Session(small_city.engine.execution_options(writing=True)) as session:
        last = session.get(Entry, made.entry)
        assert last is not None
        from farmland.records.ledger import hash_of

        row = next(iter(rows_of(stored(session, Entry.__table__, [made.entry])["ledger_entry"], "seq").values()))
        forged = hash_of(row | {"actor": "somebody else"})
        session.execute(update(Entry).where(Entry.seq == made.entry).values(actor="somebody else", hash=forged))
        assert verify(session).fits, "who rewrites the end of the chain leaves it whole"
        found = verify(session, seal).first
        assert found is not None and found.problem.code == "other_than_sealed" and found.seq == made.entry


def test_a_seal_is_checked_without_a_database(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    assert tianzhang("init").returncode == 0
    assert (tmp_path / "seal.key").stat().st_mode & 0o077 == 0
    assert tianzhang("seal", "-o", "seal.json").returncode == 0
    words = ("verify", "--against", "seal.json", "--public-key", "seal.pub")
    assert tianzhang(*words).returncode == 0
    for text_ in ("postgresql+psycopg://nobody@127.0.0.1:1/nothing",):
        from conftest import run_command

        env = {"TIANZHANG_DATABASE_URL": text_, "TIANZHANG_LANG": "en"}
        done = run_command(*words, "--seal-only", env=env, cwd=tmp_path)
        assert done.returncode == 0 and "signature is right" in done.stdout
    seal = (tmp_path / "seal.json").read_text()
    (tmp_path / "forged.json").write_text(seal.replace('"entry": ', '"entry": 1'))
    (tmp_path / "none.json").write_text("{}")
    make_key(tmp_path / "other")
    for words, said in (
        (("forged.json", "--public-key", "seal.pub"), "signature is wrong"),
        (("seal.json", "--public-key", "other/seal.pub"), "signature is wrong"),
        (("none.json",), "is no seal"),
        (("nowhere.json",), "is no seal"),
        (("seal.json", "--public-key", "seal.json"), "is no Ed25519 key"),
    ):
        done = tianzhang("verify", "--against", *words)
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr


def test_a_report_is_checked_by_its_mark(
    tianzhang: Run, small_city: Database, earlier: dict[str, Rows], tmp_path: Path
) -> None:
    as_of = "2022-03-05"
    for name in ("m.html", "m.png", "m.pdf"):
        assert tianzhang("map", "--as-of", as_of, "-o", name).returncode == 0
    for name in ("t.csv", "t.xlsx", "t.gpkg", "t.geojson"):
        assert tianzhang("export", "progress", "--as-of", as_of, "-o", name).returncode == 0
    (tmp_path / "p.json").write_text(tianzhang("progress", "--as-of", as_of, "--json").stdout)
    with small_city.writing() as session:  # what comes later does not disturb a report of before
        later = START + timedelta(days=3)
        revoker = Actor("市", START + timedelta(minutes=60), later)
        take_step(session, get_claim(session, "C1"), State.REVOKED, revoker, "复荒")
    names = ("m.html", "m.png", "m.pdf", "t.csv", "t.xlsx", "t.gpkg", "t.geojson", "p.json")
    for name in names:
        done = tianzhang("verify", "--report", name)
        assert done.returncode == 0 and "agrees with the ledger" in done.stdout, (name, done.stderr)
    table = (tmp_path / "t.csv").read_text()
    (tmp_path / "t.csv").write_text(table.replace(";accepted=", ";accepted=1"))
    done = tianzhang("verify", "--report", "t.csv")
    assert done.returncode == 1 and "the report says" in done.stderr
    with small_city.reading() as session:
        _, last = head(session)
    report = (tmp_path / "p.json").read_text()
    (tmp_path / "p.json").write_text(report.replace("2022;", "2022;", 1).replace(f"-{last[:12]}", "-0123456789ab"))
    (tmp_path / "q.json").write_text(report[: report.index("tianzhang:1")])
    assert "carries no mark" in tianzhang("verify", "--report", "q.json").stderr


def test_of_two_entries_at_the_same_moment_the_second_is_not_earlier(small_city: Database) -> None:
    with small_city.writing() as session:
        report_claim(session, Report(VILLAGE, FIELDS[0], "f", number="A"), actor("村", 50))
        report_claim(session, Report(VILLAGE, FIELDS[1], "f", number="B"), actor("村", 5))
    with small_city.reading() as session:
        moments = [entry.at for entry in session.query(Entry).order_by(Entry.seq)]
        assert moments == sorted(moments) and verify(session).fits


def test_the_last_moment_is_that_of_the_last_entry(database: Database) -> None:
    with database.writing() as session:
        assert last_moment(session) is None and head(session) == (0, FIRST)
        for minutes in (
            5,
            70,
            30,
        ):  # the third as if a clock had been set back: no entry is earlier than the one before
            at = START + timedelta(minutes=minutes)
            note(session, "claim.checked", f"C{minutes}", None, actor="镇", at=at)
            assert last_moment(session) == START + timedelta(minutes=5 if minutes == 5 else 70)
        assert last_moment(session) == history(session, "C30")[0].at


def test_a_correction_says_why_and_keeps_its_place(small_city: Database, earlier: dict[str, Rows]) -> None:
    cases = [
        (State.REVOKED, 30, "x", "no_such_step"),
        (State.ACCEPTED, 30, " ", "why_missing"),
        (State.ACCEPTED, 9, "x", "correction_out_of_order"),
        (State.CHECKED, 36, "x", "correction_out_of_order"),
        (State.CHECKED, 35, "x", "correction_out_of_order"),  # the moment of the acceptance, as it was corrected
        (State.ACCEPTED, 100_000, "x", "correction_out_of_order"),
    ]
    for state, minutes, why, code in cases:
        with small_city.writing() as session, pytest.raises(Problem, match=code):
            moment = START + timedelta(minutes=minutes)
            correct_step(session, get_claim(session, "C1"), state, moment, actor("市", 50), why)


def test_a_correction_cannot_let_land_count_twice(small_city: Database) -> None:
    with small_city.writing() as session:
        for name, minutes in (("A", 0), ("B", 20)):
            claim = report_claim(session, Report(VILLAGE, FIELDS[0], "f", number=name), actor("村", minutes))
            take_step(session, claim, State.CHECKED, actor("镇", minutes + 1))
            take_step(session, claim, State.ACCEPTED, actor("市", minutes + 2), thresholds=UNSEEN)
            if name == "A":
                take_step(session, claim, State.REVOKED, actor("市", 10), "复荒")
        late = START + timedelta(minutes=25)
        with pytest.raises(Problem, match="land_held_then"):
            correct_step(session, get_claim(session, "A"), State.REVOKED, late, actor("市", 60), "写错")
        correct_step(
            session, get_claim(session, "A"), State.REVOKED, START + timedelta(minutes=21), actor("市", 61), "写错"
        )
