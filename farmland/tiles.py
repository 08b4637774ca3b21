"""The map's geometry tiles: units and plots, cut once after they change. What changes daily is not in them."""

from pathlib import Path

import geopandas as gpd
from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.plots import Plot
from farmland.units import LEVELS, Level, Unit
from geodata.column import decode, raw
from geodata.tiles import Layer, cut

FILE_NAME = "city.pmtiles"


def cut_tiles(session: Session, folder: Path) -> Path:
    """Cut the tiles of all units and plots into a folder; the file that the map asks for."""
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
    folder.mkdir(parents=True, exist_ok=True)
    return cut(layers, folder / FILE_NAME)
