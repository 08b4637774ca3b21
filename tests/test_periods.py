"""Closed periods: a report that stays, and what arrives later as a correction in the next. On both databases."""

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
import shapely
from conftest import NEXT_VILLAGE, START, TOWN, UNSEEN, VILLAGE, Run
from sqlalchemy import text

from farmland.figures.progress import progress
from farmland.figures.warning import WarningColours
from farmland.records.clock import end_of_day
from farmland.records.database import Database
from farmland.reports.periods import close_period, periods, report_bytes, report_of
from farmland.restoration.claims import Claim, State, get_claim
from farmland.restoration.corrections import correct_step
from farmland.restoration.targets import allocate
from farmland.restoration.transitions import Actor, Report, report_claim, take_step
from geodata.problems import Problem

FIRST, SECOND = date(2022, 3, 10), date(2022, 3, 20)


def actor(name: str, days: float, learned: float | None = None) -> Actor:
    return Actor(name, START + timedelta(days=days), START + timedelta(days=learned if learned is not None else days))


def claim_of(session, n: int, days: float, learned: float | None = None) -> Claim:
    field = shapely.box(111.71 + n * 0.002, 27.25, 111.7115 + n * 0.002, 27.252)
    claim = report_claim(session, Report(VILLAGE, field, f"f{n}", number=f"C{n}"), actor("村", days, learned))
    take_step(session, claim, State.CHECKED, actor("镇", days, learned))
    return take_step(session, claim, State.ACCEPTED, actor("市", days, learned), thresholds=UNSEEN)


def close(database: Database, last_day: date, days: float) -> bytes:
    with database.writing() as session:
        moment = START + timedelta(days=days)
        period = close_period(session, TOWN, last_day, moment, actor="市", colours=WarningColours())
        return report_bytes(report_of(session, period))


def made_again(database: Database, place: int) -> bytes:
    with database.reading() as session:
        return report_bytes(report_of(session, periods(session, TOWN)[place]))


@pytest.fixture
def closed(small_city: Database) -> bytes:
    """A first period with two claims, closed the day after its end."""
    with small_city.writing() as session:
        claim_of(session, 0, 2)
        claim_of(session, 1, 5)
    return close(small_city, FIRST, 10.5)


def test_a_closed_report_is_made_again_byte_for_byte(
    small_city: Database, closed: bytes, tianzhang: Run, tmp_path: Path
) -> None:
    with small_city.writing() as session:
        claim_of(session, 2, 3, learned=12)  # late
        take_step(session, get_claim(session, "C0"), State.REVOKED, actor("市", 6, 13), "复荒")
        correct_step(
            session, get_claim(session, "C1"), State.REPORTED, START + timedelta(days=4), actor("市", 13.5), "写错"
        )
        allocate(session, "2022", {VILLAGE: 100}, START + timedelta(days=14), actor="市")
    (tmp_path / "units.csv").write_text(f"code,name\n{TOWN},改了名的镇\n{VILLAGE},改了名的村\n")
    (tmp_path / "targets.csv").write_text(
        f"target_code,unit_code,area_mu,start_day,due_day\n2022,{TOWN},600,2022-01-01,2022-12-31\n"
    )
    for noun in ("units", "targets"):
        assert tianzhang("import", noun, f"{noun}.csv").returncode == 0
    assert made_again(small_city, 0) == closed
    report = json.loads(closed)
    assert (report["unit_name"], report["rows"][0]["target_mu"]) == (f"单位{TOWN}", 600)
    with small_city.reading() as session:
        assert hashlib.sha256(closed).hexdigest() == periods(session, TOWN)[0].report_hash
    assert tianzhang("verify").returncode == 0
    for name in ("1.json", "1.html"):
        assert tianzhang("period", "report", "1", "--unit", TOWN, "-o", name).returncode == 0
        assert tianzhang("verify", "--report", name).returncode == 0
    assert (tmp_path / "1.json").read_bytes() == closed
    first = (tmp_path / "1.html").read_bytes()
    assert tianzhang("period", "report", "1", "--unit", TOWN, "-o", "1.html").returncode == 0
    assert (tmp_path / "1.html").read_bytes() == first


def test_what_arrives_late_is_a_correction_in_the_next_report(small_city: Database, closed: bytes) -> None:
    with small_city.writing() as session:
        late = claim_of(session, 2, 3, learned=12)
        take_step(session, get_claim(session, "C0"), State.REVOKED, actor("市", 6, 13), "复荒")
        new = claim_of(session, 3, 15)
        areas = {name: get_claim(session, name).accepted_net_m2 or 0.0 for name in ("C0", "C1")}
        late_m2, new_m2 = late.accepted_net_m2 or 0.0, new.accepted_net_m2 or 0.0
    report = json.loads(close(small_city, SECOND, 21))
    whole, *below = report["rows"]
    mu = 3 / 2000
    assert whole["accepted_before_mu"] == pytest.approx(sum(areas.values()) * mu, abs=0.005)
    assert whole["accepted_corrected_mu"] == pytest.approx((late_m2 - areas["C0"]) * mu, abs=0.011)
    assert whole["accepted_new_mu"] == pytest.approx(new_m2 * mu, abs=0.011)
    assert {row["number"] for row in report["corrections"]} == {"C0", "C2"}
    gone = next(row for row in report["corrections"] if row["number"] == "C0")
    assert gone["accepted_then_mu"] > 0 and gone["accepted_now_mu"] == 0
    for row in report["rows"]:
        for name in ("reported", "accepted"):
            parts = sum(row[f"{name}_{part}_mu"] for part in ("before", "corrected", "new"))
            assert parts == pytest.approx(row[f"{name}_mu"], abs=1e-6)
    for name in [
        name
        for name in whole
        if name.endswith("_mu") and name.startswith(("reported", "accepted")) and "_u_" not in name
    ]:
        assert sum(row[name] for row in below) == pytest.approx(whole[name], abs=1e-6), name
    assert json.loads(closed)["rows"][0]["accepted_mu"] == whole["accepted_before_mu"]


def test_each_correction_names_its_unit_whichever_way_it_goes(small_city: Database, closed: bytes) -> None:
    """A claim that came late, one that has left the period, one of which less counts, one of another village."""
    field = shapely.box(111.73, 27.25, 111.7315, 27.252)
    with small_city.writing() as session:
        claim_of(session, 2, 3, learned=12)
        for name, days in (("C1", 5), ("C0", 2)):
            assert [one.at for one in get_claim(session, name).steps] == [START + timedelta(days=days)] * 3
        for state in (State.ACCEPTED, State.CHECKED, State.REPORTED):  # C1 happened after the period was over
            at = START + timedelta(days=10, hours={"accepted": 3, "checked": 2, "reported": 1}[state])
            correct_step(session, get_claim(session, "C1"), state, at, actor("市", 13), "写错")
        take_step(session, get_claim(session, "C0"), State.REVOKED, actor("市", 6, 13), "复荒")
        report = Report(NEXT_VILLAGE, field, "f9", number="C9")
        report_claim(session, report, actor("村", 4, 14))
        areas = {name: get_claim(session, name).gross_m2 * 3 / 2000 for name in ("C0", "C1", "C2", "C9")}
    rows = json.loads(close(small_city, SECOND, 21))["corrections"]
    assert [row["number"] for row in rows] == ["C0", "C1", "C2", "C9"]
    assert [row["unit_code"] for row in rows] == [VILLAGE, VILLAGE, VILLAGE, NEXT_VILLAGE]
    figures = ("reported_then_mu", "reported_now_mu", "accepted_then_mu", "accepted_now_mu")
    expected = {"C0": (1, 1, 1, 0), "C1": (1, 0, 1, 0), "C2": (0, 1, 0, 1), "C9": (0, 1, 0, 0)}
    for row in rows:
        counted = [counts * areas[row["number"]] for counts in expected[row["number"]]]
        assert [row[name] for name in figures] == pytest.approx(counted, abs=0.006)


def test_a_correction_changes_what_was_true_and_never_what_was_known(small_city: Database, closed: bytes) -> None:
    day, known = end_of_day(FIRST), START + timedelta(days=10.5)
    with small_city.reading() as session:
        before = progress(session, TOWN, day, known_at=known)
        assert progress(session, TOWN, day) == before
    with small_city.writing() as session:
        take_step(session, get_claim(session, "C0"), State.REVOKED, actor("市", 6, 13), "复荒")
    with small_city.reading() as session:
        assert progress(session, TOWN, day, known_at=known) == before
        now = progress(session, TOWN, day)
        assert now.accepted_m2 < before.accepted_m2 and now.revoked_m2 > before.revoked_m2


def test_a_report_whose_records_were_altered_is_not_made(small_city: Database, closed: bytes) -> None:
    with small_city.engine.begin() as connection:
        connection.execute(text("UPDATE claim SET accepted_net_m2 = accepted_net_m2 + 100 WHERE number = 'C0'"))
    with pytest.raises(Problem, match="report_differs"):
        made_again(small_city, 0)


def test_a_period_ends_after_the_one_before_and_is_over(small_city: Database, closed: bytes) -> None:
    for last_day, days, code in (
        (FIRST, 30, "period_not_after"),
        (date(2022, 3, 9), 30, "period_not_after"),
        (date(2022, 4, 30), 30, "period_not_over"),
    ):
        with pytest.raises(Problem, match=code):
            close(small_city, last_day, days)


def test_periods_by_the_command_and_the_api(small_city: Database, tianzhang: Run, command_env: dict[str, str]) -> None:
    import httpx
    from conftest import serving_here

    from api import contract

    assert tianzhang("init").returncode == 0
    assert "No period was closed yet" in tianzhang("period", "list").stdout
    done = tianzhang("period", "close", "--until", "2022-03-20", "--unit", TOWN, "--by", "办公室")
    assert done.returncode == 0 and "seals" in done.stdout, done.stderr
    seal = done.stdout.split("seal ")[-1].strip()
    assert tianzhang("verify", "--against", seal).returncode == 0
    assert "办公室" in tianzhang("period", "list").stdout
    for words, code in (
        (("report", "9", "--unit", TOWN, "-o", "x.html"), "no period 9"),
        (("report", "1", "-o", "x.doc"), ".doc"),
    ):
        refused = tianzhang("period", *words)
        assert (refused.returncode, code in refused.stderr) == (1, True), refused.stderr
    headers = {"Authorization": f"Bearer {tianzhang('token', 'add', 'reader').stdout.strip()}"}
    with serving_here(command_env) as address, httpx.Client(base_url=f"{address}/api/v1", headers=headers) as api:
        held = contract.PeriodList.model_validate_json(api.get("/periods", params={"unit": TOWN}).content)
        assert [period.closed_by for period in held.periods] == ["办公室"]
        contract.PeriodReport.model_validate_json(api.get("/periods/1", params={"unit": TOWN}).content)
        assert api.get("/periods/7", params={"unit": TOWN}).json()["code"] == "period_unknown"
