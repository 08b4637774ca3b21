"""Files out: layers and tables by the ending of the file's name, written whole or not at all."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray

from geodata.formulas import harmless
from geodata.problems import Kind, Problem

BAD_ENDING = Kind(
    "unknown_ending",
    "不会写 {ending} 文件。可用的后缀：{endings}。",
    "Files ending in {ending} cannot be written. Use one of: {endings}.",
)
FOLDER_MISSING = Kind(
    "folder_missing",
    "没有文件夹 {folder}。请先建立。",
    "There is no folder {folder}. Make it first.",
)
_PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r"}
"""Of the control characters that Excel's files cannot hold."""


def write_layer(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write a layer as .gpkg, .geojson (longitude and latitude), or as a .csv or .xlsx table with its inner points.

    Raises BAD_ENDING, FOLDER_MISSING.
    """
    ending = path.suffix.lower()
    if ending in (".csv", ".xlsx"):
        inner = shapely.point_on_surface(np.asarray(frame.geometry.array, dtype=object))
        table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
        table["longitude"], table["latitude"] = (
            shapely.get_x(inner).round(6),
            shapely.get_y(inner).round(6),
        )
        write_table(table, path)
    elif ending == ".gpkg":
        _whole(path, lambda part: frame.to_file(part, driver="GPKG", layer=path.stem))
    elif ending == ".geojson":
        wgs84 = frame.set_crs(4326, allow_override=True)
        _whole(
            path,
            lambda part: wgs84.to_file(part, driver="GeoJSON", RFC7946="YES", COORDINATE_PRECISION=9),
        )
    else:
        raise Problem(
            BAD_ENDING,
            ending=ending or path.name,
            endings=".gpkg, .geojson, .csv, .xlsx",
        )


def write_layers(layers: Mapping[str, gpd.GeoDataFrame], path: Path, dated: datetime) -> None:
    """Write polygon layers into one .gpkg, by name. The same layers and date give the same bytes. Raises FOLDER_MISSING."""

    def write(part: Path) -> None:
        for place, (name, frame) in enumerate(layers.items()):
            frame.to_file(
                part,
                driver="GPKG",
                layer=name,
                mode="a" if place else "w",
                geometry_type="MultiPolygon",
                promote_to_multi=True,
            )

    # GDAL would otherwise write into the file when it was made.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{dated.astimezone(UTC):%Y-%m-%dT%H:%M:%S.000Z}"})
    try:
        _whole(path, write)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def write_exactly(keys: Sequence[str], geometries: NDArray[np.object_], path: Path) -> None:
    """Write geometries (degrees, shape (n,)) as .geojson, each by its `key`; read again they are the same to the last bit.

    Raises FOLDER_MISSING.
    """
    features = [
        f'{{"type":"Feature","properties":{{"key":{orjson.dumps(harmless(key)).decode()}}},"geometry":{shape}}}'
        for key, shape in zip(keys, shapely.to_geojson(geometries), strict=True)
    ]
    whole = '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"
    _whole(path, lambda part: part.write_text(whole, encoding="utf-8", newline="\n"))


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as .csv (UTF-8 with a mark, so that Excel shows Chinese) or .xlsx. Raises BAD_ENDING, FOLDER_MISSING.

    Text that a spreadsheet would take for a formula is made harmless.
    """
    safe = table.rename(columns=harmless)
    for name in safe.columns:
        if pd.api.types.is_string_dtype(safe[name]) or safe[name].dtype == object:
            safe[name] = safe[name].map(harmless)
    ending = path.suffix.lower()
    if ending == ".csv":
        # By both letters of the line's end every cell that holds one of them is quoted, and begins no line of its own.
        _whole(path, lambda part: safe.to_csv(part, index=False, encoding="utf-8-sig", lineterminator="\r\n"))
    elif ending == ".xlsx":
        _whole(path, lambda part: _excel(safe, part))
    else:
        raise Problem(BAD_ENDING, ending=ending or path.name, endings=".csv, .xlsx")


def _excel(table: pd.DataFrame, path: Path) -> None:
    import openpyxl  # takes a fifth of a second to load, and few files are Excel's
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.freeze_panes = "A2"
    sheet.append([str(name) for name in table.columns])
    for values in table.astype(object).where(table.notna(), None).itertuples(index=False):
        sheet.append([_cell(value) for value in values])
    for place, name in enumerate(table.columns, start=1):
        widest = max([len(str(name)), *(len(str(value)) for value in table[name].head(50))])
        sheet.column_dimensions[get_column_letter(place)].width = min(max(widest * 1.3, 8), 50)
    book.save(path)


def _cell(value: object) -> object:
    """A value as Excel takes it: it knows no NumPy's numbers, zones of time, of which the clock's reading stays, nor
    control characters, which are shown by their pictures.
    """
    if isinstance(value, str):
        return value.translate(_PICTURES)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return value.item() if isinstance(value, np.generic) else value


def _whole(path: Path, write: Callable[[Path], object]) -> None:
    if not path.parent.is_dir():
        raise Problem(FOLDER_MISSING, folder=path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / path.name
        write(part)
        os.replace(part, path)
