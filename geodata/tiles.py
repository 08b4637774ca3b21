"""Vector tiles: layers of polygons cut into one PMTiles file by tippecanoe."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from geodata.problems import Kind, Problem

LAST_ZOOM = 13
_DETAIL = 13
"""Of the last zoom: 2**13 steps across a tile, 0.6 m, as zoom 14 with the usual 2**12 has, in half the tiles."""

CUT_FAILED = Kind("tiles_failed", "切图失败：{reason}", "Cutting the tiles failed: {reason}")


@dataclass(frozen=True)
class Layer:
    """A layer of tiles: polygons (degrees) with their properties, seen from a zoom level on."""

    name: str
    frame: gpd.GeoDataFrame
    first_zoom: int


def cut(layers: list[Layer], path: Path) -> Path:
    """Cut layers into a PMTiles file, which is replaced only once the new one is whole. Raises CUT_FAILED.

    Shared borders stay shared; a feature's `id` property becomes its id in the tiles.
    """
    program = Path(sys.executable).with_name("tippecanoe")
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        files = []
        for layer in layers:
            file = Path(folder) / f"{layer.name}.ldjson"
            _write_lines(layer, file)
            files.append(f"--named-layer={layer.name}:{file}")
        target = Path(folder) / path.name
        done = subprocess.run(
            [str(program), f"--output={target}", *files, "--minimum-zoom=7", f"--maximum-zoom={LAST_ZOOM}",
             f"--full-detail={_DETAIL}",
             "--no-feature-limit", "--no-tile-size-limit", "--detect-shared-borders", "--use-attribute-for-id=id",
             "--read-parallel", "--quiet"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0 or not target.exists():
            raise Problem(CUT_FAILED, reason=done.stderr.strip()[-300:])
        os.replace(target, path)
    return path


def _write_lines(layer: Layer, file: Path) -> None:
    geometries = shapely.transform(
        np.asarray(layer.frame.geometry.array, dtype=object),
        lambda points: points.round(7),
    )
    shapes = shapely.to_geojson(geometries)
    properties = layer.frame.drop(columns=layer.frame.geometry.name).to_json(
        orient="records", lines=True, force_ascii=False
    )
    zooms = f'"tippecanoe":{{"minzoom":{layer.first_zoom}}}'
    with file.open("w", encoding="utf-8") as out:
        out.writelines(
            f'{{"type":"Feature",{zooms},"properties":{one},"geometry":{shape}}}\n'
            for one, shape in zip(properties.splitlines(), shapes, strict=True)
        )
