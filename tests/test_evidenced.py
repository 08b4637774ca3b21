"""What is accepted has been seen: the rule that asks for photographs, how much of the accepted figure they show, everywhere
it stands, and what became of records from before. On both databases."""

import csv
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import geopandas as gpd
import httpx
import numpy as np
import openpyxl
import pytest
import shapely
from conftest import (
    CITY,
    NEXT_VILLAGE,
    OFFICER,
    OTHER_TOWN,
    START,
    TOWN,
    UNSEEN,
    VILLAGE,
    Run,
    run_command,
    serving_here,
)
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from test_evidence import encoded, exif, picture

from api import account_contract, contract
from farmland.evidence.photographs import PhotoFacts
from farmland.evidence.store import EvidenceStore
from farmland.figures.progress import Progress, progress, progress_tree
from farmland.figures.rounding import shares, shares_within
from farmland.figures.waterfall import claims_of_bar, waterfall
from farmland.keeping.prepare import prepare
from farmland.keeping.restore import restore
from farmland.keeping.tables import BaselinePatch
from farmland.keeping.verify import verify
from farmland.records import city
from farmland.records.clock import end_of_day
from farmland.records.database import Database, table_of
from farmland.records.ledger import restate
from farmland.reports.periods import periods, report_bytes, report_of
from farmland.restoration.claims import Claim, Origin, State, get_claim
from farmland.restoration.evidence import Purpose, Received, attach
from farmland.restoration.evidenced import Photos, evidenced_since, outside_m
from farmland.restoration.transitions import Actor, Report, report_claim, take_step
from geodata.column import write
from geodata.problems import Problem

OLDER = Path(__file__).parent / "data" / "older"
SPOTS = [
    (111.710, 27.250),
    (111.714, 27.250),
    (111.718, 27.250),
    (111.730, 27.250),
    (111.734, 27.250),
    (111.760, 27.250),
]
FIELDS = [shapely.box(x, y, x + 0.002, y + 0.002) for x, y in SPOTS]
DAY = START + timedelta(days=40)


def actor(name: str, days: float) -> Actor:
    at = START + timedelta(days=days)
    return Actor(name, at, at)


def photograph(
    session: Session, number: str, days: float, purpose: Purpose = Purpose.AFTER, east: float = 0.0, *, n: int,
    **facts: object,
) -> None:  # fmt: skip
    """Attach the n-th photograph, taken in the middle of a claim, or so many degrees east of it."""
    x, y = get_claim(session, number).geometry.centroid.coords[0]
    told = {"longitude": x + east, "latitude": y, "accuracy_m": 5.0, "taken_at": START, **facts}
    file = Received(
        f"{n:064x}", 1,
        PhotoFacts(media_type="image/jpeg", bearing=None, device=None, perceptual_hash=f"{n:016x}", **told),
    )  # fmt: skip
    attach(session, get_claim(session, number), file, f"{number}.jpg", purpose, actor("village", days))


def road(database: Database, *fields: shapely.Polygon, year: int = 2019) -> None:
    """Survey patches of a highway."""
    count = len(fields)
    columns = {"id": [(year - 2019) * 10 + n + 1 for n in range(count)],
               "year": [year] * count, "number": [f"R{n}" for n in range(count)],
               "land_class": ["1003"] * count, "ridge_factor": [0.0] * count, "area_m2": [1.0] * count,
               "fingerprint": [""] * count}  # fmt: skip
    with database.writing() as session:
        write(session.connection(), table_of(BaselinePatch), columns, np.array(fields, dtype=object), new=True)
        restate(session, [table_of(BaselinePatch)], START)


def report(session: Session, n: int, days: float = 0.0, **facts: object) -> Claim:
    unit = VILLAGE if n < 3 else NEXT_VILLAGE if n < 5 else f"{OTHER_TOWN[:9]}201"
    content = Report(unit, FIELDS[n], f"f{n}", number=f"C{n}", **facts)
    return report_claim(session, content, actor("village", days))


def check(session: Session, n: int, days: float = 1.0) -> None:
    take_step(session, get_claim(session, f"C{n}"), State.CHECKED, actor("town", days))


def accept(session: Session, n: int, days: float = 2.0, **options: object) -> None:
    take_step(session, get_claim(session, f"C{n}"), State.ACCEPTED, actor("city", days), **options)


def refusal(session: Session, n: int, days: float) -> Problem:
    with pytest.raises(Problem) as refused:
        accept(session, n, days)
    assert refused.value.code == "refused_by_rules" and refused.value.facts["rules"] == ["no_photograph"]
    return refused.value


def test_a_claim_is_refused_until_a_photograph_shows_it_and_by_the_moment(small_city: Database) -> None:
    with small_city.writing() as session:
        report(session, 0)
        check(session, 0)
        assert "after the restoration" in refusal(session, 0, 3).sentence("en")
        photograph(session, "C0", 4, Purpose.DURING, n=1)
        photograph(session, "C0", 4, Purpose.AFTER, east=0.001 + 30 / 99_030, n=2)  # thirty metres beside
        photograph(session, "C0", 4, Purpose.AFTER, n=3, longitude=None, latitude=None)
        photograph(session, "C0", 4, Purpose.AFTER, n=4, accuracy_m=60.0)
        document = Received("d" * 64, 1, None)
        attach(session, get_claim(session, "C0"), document, "after.pdf", Purpose.AFTER, actor("village", 4))
        assert "恢复后照片" in str(refusal(session, 0, 5).facts["sentences_zh"])
        # Half a metre outside, known to one: that is inside as well as anybody can know.
        photograph(session, "C0", 6, n=5, east=0.001 + 0.5 / 99_030, accuracy_m=1.0)
        assert refusal(session, 0, 5.5), "it was not there yet"
        accept(session, 0, 7)
        assert get_claim(session, "C0").evidenced_at == START + timedelta(days=6)
    with small_city.reading() as session:
        assert verify(session).fits


def test_land_whose_class_asks_for_it_has_to_be_shown_before_too(small_city: Database) -> None:
    road(small_city, shapely.box(111.710, 27.250, 111.71012, 27.252), shapely.box(111.714, 27.250, 111.71408, 27.252))
    # The same land surveyed twice is not twice as much of it.
    road(small_city, shapely.box(111.714, 27.250, 111.71408, 27.252), year=2020)
    with small_city.writing() as session:
        assert report(session, 0).before_asked, "6 % of it were a road"
        assert not report(session, 1).before_asked, "4 % of it were"
        for n in (0, 1):
            check(session, n)
            photograph(session, f"C{n}", 1, n=n + 1)
        accept(session, 1)
        assert "before the restoration" in refusal(session, 0, 3).sentence("en")
        photograph(session, "C0", 4, Purpose.BEFORE, n=7, east=0.001 + 30 / 99_030)
        refusal(session, 0, 5)
        photograph(session, "C0", 6, Purpose.BEFORE, n=8)
        accept(session, 0, 7)
        assert get_claim(session, "C0").evidenced_at == START + timedelta(days=6)


def test_one_picture_shows_one_claim(small_city: Database) -> None:
    near = shapely.box(111.710, 27.2520, 111.712, 27.2540)
    with small_city.writing() as session:
        for number, land in (("C0", FIELDS[0]), ("N", near)):
            report_claim(session, Report(VILLAGE, land, number, number=number), actor("village", 0))
        middle = {"longitude": 111.711, "latitude": 27.252, "accuracy_m": 20.0}
        for number in ("C0", "N"):
            photograph(session, number, 1, n=1, **middle)
        assert get_claim(session, "C0").evidenced_at is not None
        assert get_claim(session, "N").evidenced_at is None


def test_what_nobody_had_said_it_shows_can_be_said_later(small_city: Database) -> None:
    with small_city.writing() as session:
        report(session, 0)
        photograph(session, "C0", 1, Purpose.OTHER, n=1)
        photograph(session, "C0", 2, Purpose.AFTER, n=1)
        claim = get_claim(session, "C0")
        assert claim.evidenced_at == START + timedelta(days=2)
        photograph(session, "C0", 3, Purpose.BEFORE, n=1)  # what was said stays
        assert claim.evidenced_at == START + timedelta(days=2)
    with small_city.reading() as session:
        assert verify(session).fits
        now, before = (progress(session, CITY, START + timedelta(days=days)) for days in (3, 1.5))
        assert (now.claims, before.claims) == (1, 1)


@pytest.mark.parametrize("origin", list(Origin))
@pytest.mark.parametrize("follows", ["refuses", "warns"])
def test_what_follows_depends_on_how_the_claim_came_and_is_set(
    small_city: Database, tianzhang: Run, command_env: dict[str, str], tmp_path: Path, origin: Origin, follows: str
) -> None:
    env = command_env | {f"TIANZHANG_NO_PHOTOGRAPH_{origin.upper()}": follows}
    if origin is Origin.REPORTED:
        with small_city.writing() as session:
            report(session, 0)
            check(session, 0)
        headers = {"Authorization": f"Bearer {tianzhang('token', 'add', 'office', *OFFICER).stdout.strip()}"}
        with serving_here(env) as address:
            answer = httpx.post(f"{address}/api/v1/claims/C0/accept", json={}, headers=headers)
        assert answer.status_code == {"refuses": 409, "warns": 200}[follows], answer.text
    else:
        steps = {f"{state}_at": [f"2022-02-0{day}"] for day, state in enumerate(("reported", "checked", "accepted"), 1)}
        people = {"reported_by": ["a"], "checked_by": ["b"], "accepted_by": ["c"]}
        gpd.GeoDataFrame(
            {"number": ["C0"], "unit_code": [VILLAGE], **steps, **people}, geometry=FIELDS[:1], crs=4490
        ).to_file(tmp_path / "c.gpkg")
        done = run_command("import", "claims", "c.gpkg", "--report", "said.csv", env=env, cwd=tmp_path)
        assert done.returncode == {"refuses": 1, "warns": 0}[follows], done.stderr
        if follows == "refuses":
            assert "No photograph taken inside" in (tmp_path / "said.csv").read_text("utf-8")
    with small_city.reading() as session:
        claim = session.scalar(select(Claim))
        if follows == "refuses":
            assert claim is None or claim.state == State.CHECKED
            return
        assert claim is not None and (claim.state, claim.origin) == (State.ACCEPTED, origin)
        doubts = session.execute(text("SELECT severity FROM doubt WHERE rule = 'no_photograph'")).all()
        assert doubts == [("warns",)]
    for asked in ("refuses", "warns"):
        table = run_command("audit", env=env | {f"TIANZHANG_NO_PHOTOGRAPH_{origin.upper()}": asked}, cwd=tmp_path)
        assert table.returncode == (asked == "refuses"), table.stdout
        assert any("no_photograph" in line and asked in line for line in table.stdout.splitlines())


def test_a_setting_that_makes_no_sense_is_refused(tianzhang: Run, command_env: dict[str, str], tmp_path: Path) -> None:
    for name, value in (("NO_PHOTOGRAPH_REPORTED", "maybe"), ("BEFORE_CLASSES", "10,"), ("BEFORE_CLASSES", "road")):
        done = run_command("summary", env=command_env | {f"TIANZHANG_{name}": value}, cwd=tmp_path)
        assert done.returncode == 1 and f"TIANZHANG_{name}" in done.stderr and "Traceback" not in done.stderr


@given(
    st.floats(-179, 179), st.floats(-60, 60), st.floats(0, 360), st.floats(0.1, 900), st.floats(0.0002, 0.004)
)  # fmt: skip
def test_how_far_outside_is_what_the_geodesic_says(
    x: float, y: float, azimuth: float, distance: float, size: float
) -> None:
    square = shapely.box(x, y, x + size, y + size)
    quarter = int(azimuth // 90) % 4
    corner = [(x + size, y + size), (x + size, y), (x, y), (x, y + size)][quarter]
    longitude, latitude, _ = Geod(a=6378137, rf=298.257222101).fwd(*corner, azimuth, distance)
    # Seen from a corner into its quarter of the compass, that corner is the nearest point.
    far = outside_m(np.array([square], dtype=object), np.array([longitude]), np.array([latitude]))[0]
    assert far == pytest.approx(distance, rel=2e-3, abs=0.01)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 4), st.sampled_from(["before", "after"]), st.integers(0, 9), st.booleans(), st.booleans()
        ),
        max_size=12,
    ),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_since_when_a_claim_is_evidenced_is_that_of_a_plain_model(
    photos: list[tuple[int, str, int, bool, bool]], asked: list[bool]
) -> None:
    plain: dict[int, datetime] = {}
    for claim in range(1, 5):
        good = [(what, day) for one, what, day, inside, reused in photos if one == claim and inside and not reused]
        after = [day for what, day in good if what == "after"]
        before = [day for what, day in good if what == "before"]
        if after and (before or not asked[claim - 1]):
            days = max(min(after), min(before)) if asked[claim - 1] else min(after)
            plain[claim] = START + timedelta(days=days)
    rows = [(c, w, START + timedelta(days=d), 111.711 if i else 111.8, 27.251, None, r) for c, w, d, i, r in photos]
    polygons = np.array([FIELDS[0]] * len(rows), dtype=object)
    by_photo = np.array([asked[row[0] - 1] for row in rows], dtype=bool)
    assert evidenced_since(Photos.of(rows), polygons, by_photo, 50.0) == plain


@given(st.lists(st.tuples(st.floats(0, 40), st.sampled_from([0.0, 1.0, 0.37, 0.999])), min_size=1, max_size=30))
def test_a_part_is_never_shown_as_more_than_its_whole(rows: list[tuple[float, float]]) -> None:
    whole = np.array([area for area, _ in rows])
    part = whole * np.array([share for _, share in rows])
    owner = np.zeros(len(rows), dtype=np.int64)
    totals, most_total = np.array([round(part.sum(), 2)]), np.array([round(whole.sum(), 2)])
    most = shares(most_total, whole, owner)
    shown = shares_within(np.minimum(totals, most_total), part, owner, most)
    assert (shown <= most + 1e-9).all() and (shown >= 0).all()
    assert shown.sum() == pytest.approx(min(totals[0], most_total[0]), abs=1e-6)
    assert np.abs(shown - part).max() < 0.03


@pytest.fixture
def seen(small_city: Database) -> Database:
    """Six claims: two evidenced and accepted (one of them late), one accepted unseen, one checked, one reported, all in time."""
    with small_city.writing() as session:
        for n in range(6):
            report(session, n, n / 10)
        for n in range(5):
            check(session, n)
        photograph(session, "C0", 1.5, n=1)
        photograph(session, "C5", 1.5, n=2)
        for n in range(3):
            accept(session, n, 2 + n / 10, thresholds=UNSEEN)
        photograph(session, "C1", 20, n=3)
        photograph(session, "C3", 20, n=4)
    return small_city


def areas(database: Database) -> dict[str, float]:
    with database.reading() as session:
        return {claim.number: claim.net_m2 for claim in session.scalars(select(Claim))}


def test_the_figure_is_as_of_and_as_known_at(seen: Database) -> None:
    net = areas(seen)
    with seen.reading() as session:
        for days, known, counted in (
            (40, None, ["C0", "C1"]),
            (10, None, ["C0"]),
            (1.8, None, []),
            (40, 10, ["C0"]),
            (40, 20, ["C0", "C1"]),
        ):
            known_at = None if known is None else START + timedelta(days=known)
            now = progress(session, CITY, START + timedelta(days=days), known_at=known_at)
            assert now.evidenced_m2 == pytest.approx(sum(net[number] for number in counted), abs=0.005)
            if now.accepted_m2:
                assert now.evidenced_share == pytest.approx(now.evidenced_m2 / now.accepted_m2, abs=1e-6)
            else:
                assert now.evidenced_share is None
        rows = {row.unit_code: row for row in progress_tree(session, CITY, DAY)}
        _adds_up(rows)
        assert rows[VILLAGE].evidenced_share is not None and rows[VILLAGE].evidenced_share < 1
    with seen.writing() as session:
        take_step(session, get_claim(session, "C0"), State.REVOKED, actor("city", 30), "复荒")
    with seen.reading() as session:
        assert progress(session, CITY, DAY).evidenced_m2 == pytest.approx(net["C1"], abs=0.005)
        assert progress(session, CITY, START + timedelta(days=29)).evidenced_m2 == pytest.approx(net["C0"] + net["C1"])


def _adds_up(rows: dict[str, Progress]) -> None:
    for row in rows.values():
        assert 0 <= row.evidenced_mu <= row.accepted_mu
        below = [one.evidenced_mu for one in rows.values() if one.parent_code == row.unit_code]
        if below:
            assert sum(below) == pytest.approx(row.evidenced_mu, abs=1e-6)


def test_what_lacks_evidence_is_a_bar_that_opens_and_adds_up(seen: Database) -> None:
    net = areas(seen)
    with seen.reading() as session:
        for days, missing, waiting in (
            (40, ["C4"], ["C3"]),
            (10, ["C3", "C4"], []),
            (1.2, ["C0", "C1", "C2", "C3", "C4", "C5"], []),
        ):
            at = START + timedelta(days=days)
            bars = {bar.reason: bar for bar in waterfall(session, CITY, at)}
            first, *rest, last = bars.values()
            for unit in ("area_m2", "area_mu"):
                between = sum(getattr(bar, unit) for bar in rest)
                assert getattr(first, unit) - between == pytest.approx(getattr(last, unit), abs=1e-6)
            assert bars["evidence_missing"].area_m2 == pytest.approx(sum(net[number] for number in missing), abs=0.005)
            assert bars["not_yet_accepted"].area_m2 == pytest.approx(sum(net[number] for number in waiting), abs=0.005)
            opened = claims_of_bar(session, CITY, at, "evidence_missing")
            assert sorted(opened.index) == missing
            assert opened["bar_area_mu"].sum() == pytest.approx(bars["evidence_missing"].area_mu, abs=1e-6)
        then = waterfall(session, CITY, DAY, known_at=START + timedelta(days=10))
        assert next(bar.claims for bar in then if bar.reason == "evidence_missing") == 2


@pytest.fixture
def api(seen: Database, tianzhang: Run, command_env: dict[str, str]) -> Iterator[httpx.Client]:
    secret = tianzhang("token", "add", "office", *OFFICER).stdout.strip()
    headers = {"Authorization": f"Bearer {secret}", "Accept-Language": "en"}
    with serving_here(command_env) as address, httpx.Client(base_url=f"{address}/api/v1", headers=headers) as client:
        yield client


def test_the_figure_stands_beside_the_accepted_one_on_every_face(
    api: httpx.Client, seen: Database, tianzhang: Run, tmp_path: Path
) -> None:
    as_of = {"as_of": "2022-04-10"}
    one = contract.MarkedProgress.model_validate_json(api.get("/progress", params=as_of).content)
    figure = (one.evidenced_mu, one.evidenced_m2, one.evidenced_share)
    assert one.evidenced_mu > 100 and ";evidenced=" in one.mark
    rows = contract.ProgressTree.model_validate_json(api.get("/progress/tree", params=as_of).content).progress
    assert (rows[0].evidenced_mu, rows[0].evidenced_m2, rows[0].evidenced_share) == figure
    ranked = contract.Ranking.model_validate_json(api.get("/progress/ranking", params=as_of).content).ranking
    assert sum(row.evidenced_mu for row in ranked) == pytest.approx(figure[0], abs=1e-6)
    days = contract.Series.model_validate_json(api.get("/progress/series", params=as_of).content).days
    assert days[-1].evidenced_mu == figure[0]
    by_day = {f"{day.date:%m-%d}": day.evidenced_mu for day in days}
    assert by_day["03-02"] == 0 < by_day["03-03"] == by_day["03-20"] < by_day["03-21"] == figure[0]

    told = json.loads(tianzhang("progress", "--as-of", "2022-04-10", "--json").stdout)
    assert (told["evidenced_mu"], told["evidenced_m2"], told["evidenced_share"]) == figure
    shown = f"{one.evidenced_mu:,.2f} ({one.evidenced_share:.1%})"
    assert f"{shown} of it evidenced" in tianzhang("progress", "--as-of", "2022-04-10").stdout.replace("\n", " ")
    assert f"其中有照片佐证 {shown}" in tianzhang("progress", "--as-of", "2022-04-10", language="zh").stdout.replace(
        "\n", ""
    )

    for name in ("p.csv", "p.xlsx", "p.gpkg", "m.html", "m.pdf"):
        words = ("map",) if name.startswith("m") else ("export", "progress")
        assert tianzhang(*words, "--as-of", "2022-04-10", "-o", name).returncode == 0
        assert tianzhang("verify", "--report", name).returncode == 0
    table = list(csv.DictReader((tmp_path / "p.csv").open(encoding="utf-8-sig", newline="")))
    assert float(table[0]["evidenced_m2"]) == figure[1]
    titles, first, *_ = openpyxl.load_workbook(tmp_path / "p.xlsx").active.iter_rows(values_only=True)  # type: ignore[union-attr]
    assert dict(zip(titles, first, strict=True))["evidenced_mu"] == figure[0]
    assert gpd.read_file(tmp_path / "p.gpkg")["evidenced_share"][0] == figure[2]
    drawn = (tmp_path / "m.html").read_text("utf-8")
    assert f"{figure[0]:,.2f} mu ({figure[2]:.1%}) of it evidenced" in drawn and "evidenced (mu)" in drawn
    altered = drawn.replace(f"evidenced={figure[1]:.2f}", f"evidenced={figure[1] + 1:.2f}")
    (tmp_path / "altered.html").write_text(altered, "utf-8")
    wrong = tianzhang("verify", "--report", "altered.html")
    assert wrong.returncode == 1 and "evidenced" in wrong.stdout + wrong.stderr
    old = drawn.replace(f"evidenced={figure[1]:.2f};", "")
    (tmp_path / "old.html").write_text(old, "utf-8")
    assert tianzhang("verify", "--report", "old.html").returncode == 0, "a mark of before says nothing of it"

    claims = contract.Features[contract.ClaimRow].model_validate_json(api.get("/claims", params=as_of).content).features
    since = {one.properties.number: one.properties.evidenced_at for one in claims}
    assert {number for number, at in since.items() if at} == {"C0", "C1", "C3", "C5"}
    earlier = api.get("/claims", params={"as_of": "2022-03-10"}).json()["features"]
    assert {one["id"] for one in earlier if one["properties"]["evidenced_at"]} == {"C0", "C5"}
    detail = (
        contract.Feature[contract.Claim].model_validate_json(api.get("/claims/C2", params=as_of).content).properties
    )
    assert (detail.evidenced_at, detail.before_asked, detail.origin) == (None, False, "reported")


def test_the_public_page_and_the_report_say_it(
    api: httpx.Client, seen: Database, tianzhang: Run, command_env: dict[str, str], tmp_path: Path
) -> None:
    with seen.writing() as session:
        from farmland.accounts.public_page import switch_public

        switch_public(session, True, actor="administrator")
    public = account_contract.PublicFigures.model_validate_json(api.get("/public").content)
    assert public.city.evidenced_mu == pytest.approx(sum(town.evidenced_mu for town in public.towns), abs=1e-6)
    assert 0 < public.city.evidenced_mu < public.city.accepted_mu
    assert public.city.evidenced_share == pytest.approx(2 / 3, abs=1e-3)

    assert tianzhang("init").returncode == 0
    assert tianzhang("period", "close", "--until", "2022-03-15").returncode == 0
    held = contract.PeriodReport.model_validate_json(api.get("/periods/1").content)
    whole, *below = held.rows
    net = areas(seen)
    assert whole.evidenced_mu == pytest.approx(net["C0"] * 3 / 2000, abs=0.005)
    assert sum(row.evidenced_mu or 0 for row in below) == pytest.approx(whole.evidenced_mu, abs=1e-6)
    assert ";evidenced=" in held.mark and "evidence_missing" in {bar.reason for bar in held.waterfall}
    with seen.writing() as session:  # what is recorded later changes nothing in it
        photograph(session, "C2", 2000, n=9)
    for name in ("1.json", "1.html"):
        assert tianzhang("period", "report", "1", "-o", name).returncode == 0
        assert tianzhang("verify", "--report", name).returncode == 0
    assert "of it evidenced" in (tmp_path / "1.html").read_text("utf-8")


def test_a_photograph_of_the_future_or_from_elsewhere_is_told_at_once(
    api: httpx.Client, seen: Database, tianzhang: Run, tmp_path: Path
) -> None:
    files = {
        "future.jpg": exif(111.719, 27.251, DateTimeOriginal="2099:01:01 10:00:00"),
        "elsewhere.jpg": exif(111.769, 27.251, DateTimeOriginal="2022:03:01 10:00:00"),
        "good.jpg": exif(111.719, 27.251, DateTimeOriginal="2022:03:01 10:00:00"),
    }
    for seed, (name, tags) in enumerate(files.items(), 1):
        (tmp_path / name).write_bytes(encoded(picture(seed, (64, 48)), exif=tags))
    done = tianzhang("evidence", "add", "C2", *files, "--purpose", "after")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 3, done.stderr
    said = done.stderr.splitlines()
    assert len(said) == 2 and "future.jpg" in said[0] and "2099-01-01" in said[0]
    assert "elsewhere.jpg" in said[1] and "not here" in said[1]
    assert "不是在这里拍的" in tianzhang("evidence", "add", "C2", "elsewhere.jpg", language="zh").stderr
    sent = api.post(
        "/claims/C4/evidence", params={"purpose": "after"}, content=(tmp_path / "elsewhere.jpg").read_bytes()
    )
    answer = contract.Evidence.model_validate_json(sent.content)
    assert [(doubt.rule, doubt.severity) for doubt in answer.doubts] == [("photograph_elsewhere", "refuses")]
    assert answer.doubts[0].longitude == pytest.approx(111.769, abs=1e-6)
    listed = contract.EvidenceList.model_validate_json(api.get("/claims/C2/evidence").content).evidence
    assert [len(one.doubts) for one in listed] == [1, 1, 0]


@pytest.mark.parametrize("at", ["NULL", "'2022-03-03 00:00:00.000000'"])
def test_who_alters_since_when_a_claim_is_evidenced_is_found_out(seen: Database, at: str) -> None:
    with seen.engine.begin() as connection:
        connection.execute(text(f"UPDATE claim SET evidenced_at = {at} WHERE number = 'C0'"))
    with seen.reading() as session:
        verdict = verify(session)
        assert [(one.problem.code, "evidenced_at" in str(one.problem)) for one in verdict.misfits] == [
            ("row_altered", True)
        ]
    with seen.writing() as session:  # and whoever writes it into the ledger too
        restate(session, [table_of(Claim)], DAY)
    with seen.reading() as session:
        codes = {one.problem.code for one in verify(session).misfits}
        assert "evidenced_differs" in codes


def test_records_of_before_are_told_from_their_photographs_and_reports_stay(database: Database, tmp_path: Path) -> None:
    """A backup that the version before wrote: its closed report, and what its photographs show."""
    backup = OLDER / "before_evidence.tianzhang"
    restored = restore(database, EvidenceStore(str(tmp_path / "evidence")), tmp_path, backup)
    assert restored.manifest.database == "0006" and database.version() == "0007"
    with database.reading() as session:
        assert verify(session).fits
        claims = {claim.number: claim for claim in session.scalars(select(Claim))}
        assert {claim.origin for claim in claims.values()} == {Origin.IMPORTED}
        assert [number for number, claim in claims.items() if claim.before_asked] == ["C2"]
        since = {number: claim.evidenced_at for number, claim in claims.items() if claim.evidenced_at}
        days = {number: (at - START) / timedelta(days=1) for number, at in since.items()}
        assert days == pytest.approx({"C0": 1, "C2": 12, "C5": 1.3})
        (period,) = periods(session, TOWN)
        assert report_bytes(report_of(session, period)) == (OLDER / "before_evidence_report.json").read_bytes()
        now, then = (progress(session, TOWN, end_of_day(START.date() + timedelta(days=days))) for days in (20, 9))
        assert now.evidenced_m2 == pytest.approx(claims["C0"].net_m2 + claims["C2"].net_m2, abs=0.01)
        assert then.evidenced_m2 == pytest.approx(claims["C0"].net_m2, abs=0.01)


def test_the_tables_can_be_taken_back_and_brought_up_again(seen: Database) -> None:
    from alembic import command

    from farmland.keeping.prepare import migrations

    before = {number: at for number, at in _since(seen).items()}
    with seen.engine.execution_options(writing=True).connect() as connection:
        command.downgrade(migrations(connection), "0006")
        connection.commit()
    prepare(seen)
    assert _since(seen) == before
    with seen.reading() as session:
        assert verify(session).fits


def test_a_demonstrations_clock_does_not_jump_when_its_tables_are_brought_up(seen: Database) -> None:
    from alembic import command

    from farmland.keeping.prepare import migrations

    with seen.writing() as session:
        at = city.next_moment(session)
        session.add(city.Demonstration(id=1, now=at, note_zh="虚构", note_en="made up"))
        session.flush()
        restate(session, [table_of(city.Demonstration)], at)
    with seen.engine.execution_options(writing=True).connect() as connection:
        command.downgrade(migrations(connection), "0006")
        connection.commit()
    prepare(seen)
    with seen.reading() as session:
        assert timedelta(0) < city.now(session) - at < timedelta(seconds=1)
        assert verify(session).fits


def _since(database: Database) -> dict[str, datetime | None]:
    with database.reading() as session:
        return {claim.number: claim.evidenced_at for claim in session.scalars(select(Claim))}
