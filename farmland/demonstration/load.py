"""Making the demonstration city in a database: its records go the same way as a city's own files."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from farmland.demonstration import NOTE_EN, NOTE_ZH
from farmland.demonstration.accounts import make_accounts
from farmland.demonstration.ground import make_ground
from farmland.demonstration.photographs import Album, plan
from farmland.demonstration.records import allocation_table, make_allocation, make_baseline, make_chiefs, make_claims
from farmland.evidence.store import EvidenceStore
from farmland.imports.files import import_source
from farmland.imports.rows.outcome import Options
from farmland.imports.rows.source import of_frame
from farmland.land.tiles import cut_tiles, read_ground, up_to_date, write_tiles
from farmland.land.units import cities
from farmland.records.city import Demonstration, demonstration
from farmland.records.clock import SHANGHAI
from farmland.records.database import Database
from farmland.records.ledger import contents, note
from farmland.records.telling import Tell, silent
from geodata.crs import STORAGE
from geodata.problems import Kind, Problem

NOW = datetime(2022, 4, 26, 20, 0, tzinfo=SHANGHAI)
BEGIN = datetime(2022, 1, 1, 8, 0, tzinfo=SHANGHAI)
"""When the city's records but for the claims were entered; those came in as they happened."""
NOT_EMPTY = Kind(
    "database_not_empty",
    "数据库 {database} 里已有真实数据，演示城市不会写入。请用 TIANZHANG_DATA_DIR 指定另一个文件夹。",
    "The database {database} holds records of its own; the demonstration is not written into it. Name another folder with "
    "TIANZHANG_DATA_DIR.",
    "conflict",
)


def load_demonstration(database: Database, tiles: Path, store: EvidenceStore, seed: int, tell: Tell = silent) -> bool:
    """Make the demonstration city unless it is there; whether it was made. Raises NOT_EMPTY for a city of other records.

    Its photographs go into `store`. `tell` is told the share done (0 to 1) and what comes next, in Chinese and English.
    """
    with database.reading() as session:
        if demonstration(session) is not None:
            if not up_to_date(session, tiles):
                tell(0.8, "切图", "cutting tiles")
                cut_tiles(session, tiles)
            return False
        if cities(session):
            raise Problem(NOT_EMPTY, database=database.name)
    rng = np.random.default_rng(seed)
    tell(0.0, "划定行政单位和地块", "laying out units and plots")
    ground = make_ground(rng)
    parts = make_allocation(ground, rng)
    claims = make_claims(ground, parts, rng)
    frames = [
        (0.30, "units", "行政单位", _numbered(ground.units)),
        (0.36, "chiefs", "田长", make_chiefs(ground)),
        (0.40, "targets", "恢复任务", allocation_table(parts)),
        (0.42, "baseline", "基期", make_baseline(ground, rng)),
        (0.55, "plots", "责任田", _numbered(ground.plots)),
        (0.70, "claims", "恢复申报", claims),
    ]
    album = Album(plan(claims, np.random.default_rng([seed, 1])), seed, store)
    with ThreadPoolExecutor(1) as beside, database.writing() as session:
        said = Demonstration(id=1, now=NOW, note_zh=NOTE_ZH, note_en=NOTE_EN)
        session.add(said)
        session.flush()
        note(session, "demonstration.made", None, None, actor="演示", at=BEGIN, after=contents(said))
        for share, noun, zh, frame in frames:
            tell(share, zh, noun)
            _import(session, noun, frame, album.attach_until if noun == "claims" else None)
            if noun == "plots":  # nothing that follows changes the ground: its tiles are cut beside
                session.flush()
                cutting = beside.submit(write_tiles, read_ground(session), tiles)
        album.attach_until(session, NOW)
        make_accounts(session)
        tell(0.9, "切图", "cutting tiles")
        cutting.result()
    tell(1.0, "完成", "done")
    return True


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame


def _import(
    session: Session, noun: str, frame: pd.DataFrame, meanwhile: Callable[[Session, datetime], None] | None
) -> None:
    now = NOW if noun == "claims" else BEGIN
    options = Options(actor="演示", now=now, recorded_as_it_happened=True, meanwhile=meanwhile)
    outcome = import_source(session, noun, of_frame(frame, noun, options, f"{noun} (demo)", STORAGE), options)
    if outcome.bad:
        raise outcome.bad[0].problem
