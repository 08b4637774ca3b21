"""A little city with a row in every table and a history, whose records can be replayed in a few milliseconds."""

import io
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
from PIL import Image
from sqlalchemy.orm import Session

from farmland.accounts import tokens
from farmland.accounts.accounts import add_account, grant
from farmland.accounts.public_page import switch_public
from farmland.evidence.store import EvidenceStore
from farmland.figures.warning import WarningColours
from farmland.imports.files import import_file
from farmland.imports.rows.outcome import Options
from farmland.keeping.prepare import prepare
from farmland.people.people import Actor
from farmland.people.roles import Role
from farmland.records.city import Demonstration
from farmland.records.clock import SHANGHAI
from farmland.records.database import Database
from farmland.records.ledger import contents, note
from farmland.reports.periods import close_period
from farmland.restoration.claims import Claim, State, get_claim
from farmland.restoration.corrections import correct_step
from farmland.restoration.evidence import attach, receive
from farmland.restoration.targets import allocate
from farmland.restoration.thresholds import Thresholds
from farmland.restoration.transitions import Report, report_claim, take_step
from farmland.restoration.visits import add_visit

CITY, TOWN, VILLAGE = "430582000000", "430582104000", "430582104203"
START = datetime(2022, 3, 1, 9, tzinfo=SHANGHAI)
PEOPLE = {State.REPORTED: "村", State.CHECKED: "镇", State.ACCEPTED: "市", State.REJECTED: "镇", State.REVOKED: "市"}


def make(database: Database, folder: Path, midway: Callable[[Session], None]) -> None:
    """Make the city in an empty database; `midway` is called with a session in the middle of its history."""
    prepare(database)
    folder.mkdir(parents=True, exist_ok=True)
    _import_ground(database, folder)
    store = EvidenceStore(str(folder / "evidence"))
    with database.writing() as session:
        clock = Demonstration(id=1, now=START + timedelta(days=60), note_zh="小城", note_en="little city")
        session.add(clock)
        session.flush()
        note(session, "demonstration.made", None, None, actor="市", at=_at(0), after=contents(clock))
        for n in range(8):
            claim = _report(session, n)
            _step(session, claim, State.CHECKED, 1 + n)
        _step(session, get_claim(session, "C0"), State.ACCEPTED, 10)
        tokens.add_token(session, "镇政府", TOWN, (), _at(11), actor="市")
        _attach(session, store, "C0", 12)
        close_period(session, CITY, date(2022, 3, 10), _at(13), actor="市", colours=WarningColours())
        midway(session)
        for n in range(8, 14):
            _report(session, n)
        for n, state in ((1, State.ACCEPTED), (2, State.ACCEPTED), (3, State.REJECTED), (0, State.REVOKED)):
            _step(session, get_claim(session, f"C{n}"), state, 20 + n)
        _attach(session, store, "C1", 25)
        add_visit(session, get_claim(session, "C1"), _actor("镇", 40), "苗齐")
        correct_step(session, get_claim(session, "C1"), State.ACCEPTED, _at(19), _actor("市", 41), "写错")
        allocate(session, "2022", {VILLAGE: 200}, _at(42), actor="市")
        tokens.revoke_token(session, tokens.token_named(session, "镇政府"), _at(43), actor="市")
        close_period(session, CITY, date(2022, 4, 10), _at(44), actor="市", colours=WarningColours())
        leader, _ = add_account(session, "leader", "市领导", actor="市")
        grant(session, leader, Role.LEADER, CITY, actor="市")
        switch_public(session, True, actor="市")


def _at(days: float) -> datetime:
    return START + timedelta(days=days)


def _actor(name: str, days: float) -> Actor:
    return Actor(name, _at(days), _at(days), device=f"手机{name}")


def _report(session: Session, n: int) -> Claim:
    x = 111.701 + 0.001 * n
    field = shapely.box(x, 27.250, x + 0.0012, 27.252)  # each overlaps the next
    report = Report(VILLAGE, field, f"f{n}", number=f"C{n}", crop="大豆", typed_area_mu=40.0)
    return report_claim(session, report, _actor("村", 0.1 * n + (14 if n >= 8 else 0)))


def _step(session: Session, claim: Claim, state: State, days: float) -> None:
    unseen = Thresholds(no_photograph_reported="warns")
    take_step(session, claim, state, _actor(PEOPLE[state], days), "有原因", thresholds=unseen)


def _attach(session: Session, store: EvidenceStore, number: str, days: float) -> None:
    content = io.BytesIO()
    Image.effect_noise((64, 48), 60 + days).save(content, "JPEG")
    file = receive(store, content.getvalue(), 10**6)
    attach(session, get_claim(session, number), file, "IMG.jpg", "after", _actor("村", days))


def _import_ground(database: Database, folder: Path) -> None:
    boxes = {
        CITY: shapely.box(111.70, 27.20, 111.80, 27.30),
        TOWN: shapely.box(111.70, 27.20, 111.75, 27.30),
        VILLAGE: shapely.box(111.70, 27.20, 111.725, 27.30),
        f"{VILLAGE}01": shapely.box(111.70, 27.20, 111.725, 27.25),
    }
    fields = [shapely.box(111.701 + 0.002 * i, 27.21, 111.7025 + 0.002 * i, 27.212) for i in range(10)]
    frames: list[tuple[str, pd.DataFrame]] = [
        ("units", _layer({"code": list(boxes), "name": ["小城", "小镇", "小村", "一组"]}, list(boxes.values()))),
        ("plots", _layer({"number": [f"P{i}" for i in range(10)], "land_class": ["0101"] * 10}, fields)),
        ("baseline", _layer({"number": [f"B{i}" for i in range(10)], "land_class": ["0101"] * 10}, fields)),
        ("designations", _layer({"number": ["R1"], "kind": ["red_line"], "name": ["红线"]}, [fields[0]])),
        ("findings", _layer({"number": ["F1"], "at": ["2022-02-20"], "kind": ["abandoned"]}, [fields[1]])),
        ("chiefs", pd.DataFrame({"code": ["T1", "T2"], "name": ["张三", "李四"], "unit_code": [CITY, VILLAGE],
                                 "from_day": ["2022-01-01"] * 2})),
        ("targets", pd.DataFrame({"target_code": ["2022"] * 3, "unit_code": [CITY, TOWN, VILLAGE],
                                  "area_mu": [900.0, 600.0, 350.0], "start_day": ["2022-01-01"] * 3,
                                  "due_day": ["2022-06-30"] * 3})),
    ]  # fmt: skip
    for noun, frame in frames:
        path = folder / (f"{noun}.gpkg" if isinstance(frame, gpd.GeoDataFrame) else f"{noun}.csv")
        if isinstance(frame, gpd.GeoDataFrame):
            frame.to_file(path, driver="GPKG")
        else:
            frame.to_csv(path, index=False)
        outcome = import_file(database, noun, path, Options(actor="市", now=START, year=2019))
        assert outcome.written, (noun, outcome.bad)


def _layer(columns: dict[str, list[str]], polygons: list[shapely.Geometry]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=polygons, crs=4490)
