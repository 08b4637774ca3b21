"""The map's geometry tiles: units and plots, cut once after they change. What changes daily is not in them."""

from datetime import datetime
from pathlib import Path

import geopandas as gpd
from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.clock import SHANGHAI
from farmland.database import Base, Moment
from farmland.plots import Plot
from farmland.units import LEVELS, Level, Unit
from geodata.column import decode, raw
from geodata.tiles import Layer, cut

FILE_NAME = "city.pmtiles"
_NOTE_NAME = "city.cut"


class GroundChange(Base):
    """The one row that says when units or plots were last imported: tiles cut before are out of date."""

    __tablename__ = "ground_change"
    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    at: Mapped[datetime] = mapped_column(Moment)


def note_change(session: Session) -> None:
    """Note that units or plots change with this transaction."""
    session.merge(GroundChange(id=1, at=datetime.now(SHANGHAI)))


def up_to_date(session: Session, folder: Path) -> bool:
    """Whether the tiles in a folder show the units and plots as they are."""
    note = folder / _NOTE_NAME
    return (folder / FILE_NAME).exists() and note.exists() and note.read_text() == _last_change(session)


def _last_change(session: Session) -> str:
    change = session.get(GroundChange, 1)
    return change.at.isoformat() if change else "never"


def cut_tiles(session: Session, folder: Path) -> Path | None:
    """Cut the tiles of all units and plots into a folder; the file that the map asks for. None where there are none."""
    layers = []
    for level in LEVELS[1:]:
        rows = session.execute(
            select(Unit.code, Unit.name, raw(Unit.geometry)).where(Unit.level == level, Unit.geometry.is_not(None))
        ).all()
        if rows:
            frame = gpd.GeoDataFrame(
                {"code": [row[0] for row in rows], "name": [row[1] for row in rows]},
                geometry=decode([row[2] for row in rows]),
                crs=4490,
            )
            layers.append(Layer(level, frame, 12 if level is Level.GROUP else 7))
    rows = session.execute(
        select(
            Plot.id,
            Plot.number,
            Plot.unit_code,
            Plot.land_class,
            Plot.basic_farmland,
            raw(Plot.geometry),
        )
    ).all()
    if rows:
        frame = gpd.GeoDataFrame(
            {
                "id": [row[0] for row in rows],
                "number": [row[1] for row in rows],
                "unit_code": [row[2] for row in rows],
                "land_class": [row[3] for row in rows],
                "basic": [int(row[4]) for row in rows],
            },
            geometry=decode([row[5] for row in rows]),
            crs=4490,
        )
        layers.append(Layer("plot", frame, 11))
    if not layers:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = cut(layers, folder / FILE_NAME)
    (folder / _NOTE_NAME).write_text(_last_change(session))
    return path
