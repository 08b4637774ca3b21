"""The map's geometry tiles: units and plots, cut once after they change. What changes daily is not in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import Integer, cast, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.land.plots import Plot
from farmland.land.units import LEVELS, Level, Unit
from farmland.records.clock import SHANGHAI
from farmland.records.database import Base, Moment
from geodata.column import decode, raw
from geodata.tiles import Layer, cut

FILE_NAME = "city.pmtiles"
_NOTE_NAME = "city.cut"


class GroundChange(Base):
    """The one row that says when units or plots last changed, by an import or a restore: tiles of before are out of date."""

    __tablename__ = "ground_change"
    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    at: Mapped[datetime] = mapped_column(Moment)


def note_change(session: Session) -> None:
    """Note that units or plots change with this transaction."""
    session.merge(GroundChange(id=1, at=datetime.now(SHANGHAI)))


def up_to_date(session: Session, folder: Path) -> bool:
    """Whether the tiles in a folder show the units and plots as they are."""
    note = folder / _NOTE_NAME
    return (folder / FILE_NAME).exists() and note.exists() and note.read_text() == last_change(session)


def last_change(session: Session) -> str:
    """When units or plots last changed: what was made of them then is out of date once this is another."""
    change = session.get(GroundChange, 1)
    return change.at.isoformat() if change else "never"


def cut_tiles(session: Session, folder: Path) -> None:
    """Cut the tiles of all units and plots into a folder, where the map asks for them."""
    write_tiles(read_ground(session), folder)


@dataclass(frozen=True)
class TiledGround:
    """Units and plots as layers of tiles, and the change of the ground up to which they are."""

    layers: list[Layer]
    change: str


def read_ground(session: Session) -> TiledGround:
    """What is to be cut into tiles, as it is in this session."""
    layers = []
    for level in LEVELS[1:]:
        rows = session.execute(
            select(Unit.code, Unit.name, raw(Unit.geometry)).where(Unit.level == level, Unit.geometry.is_not(None))
        ).all()
        layers.append(_layer(level, ["code", "name"], rows, 12 if level is Level.GROUP else 7))
    rows = session.execute(
        select(
            Plot.id,
            Plot.number,
            Plot.unit_code,
            Plot.land_class,
            cast(Plot.basic_farmland, Integer),
            raw(Plot.geometry),
        )
    ).all()
    # From where a plot is two pixels wide.
    layers.append(_layer("plot", ["id", "number", "unit_code", "land_class", "basic"], rows, 11))
    return TiledGround([layer for layer in layers if len(layer.frame)], last_change(session))


def write_tiles(ground: TiledGround, folder: Path) -> None:
    """Cut the layers; where there are none, there are no tiles."""
    if ground.layers:
        folder.mkdir(parents=True, exist_ok=True)
        cut(ground.layers, folder / FILE_NAME)
        (folder / _NOTE_NAME).write_text(ground.change)
    else:
        (folder / FILE_NAME).unlink(missing_ok=True)


def _layer(name: str, columns: list[str], rows: Sequence[Any], first_zoom: int) -> Layer:
    table = pd.DataFrame([row[:-1] for row in rows], columns=columns)
    frame = gpd.GeoDataFrame(table, geometry=decode([row[-1] for row in rows]), crs=4490)
    return Layer(name, frame, first_zoom)
