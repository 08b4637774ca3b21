"""Files in: layers of polygons from any format that GDAL reads and from GeoParquet, with nothing silently guessed."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
from pyproj import CRS

from geodata.crs import STORAGE, hint_for, parse_crs, to_storage
from geodata.encodings import CUT, take_marks
from geodata.layers import read_parquet, read_with_gdal
from geodata.problems import Kind, Problem
from geodata.remarks import Remark

FILE_MISSING = Kind(
    "file_missing",
    "找不到文件 {file}。请核对路径。",
    "There is no file {file}. Check the path.",
)
FILE_EMPTY = Kind(
    "file_empty",
    "文件 {file} 是空的（0 字节）。请重新导出。",
    "The file {file} is empty (0 bytes). Export it again.",
)
CRS_MISSING = Kind(
    "crs_missing",
    "{file} 没有声明坐标系（shapefile 的 .prj），系统不会猜测。{hint_zh}请向数据提供者核实后指明。",
    "{file} declares no coordinate system (the .prj of a shapefile), and none is guessed. {hint_en} Ask who made the file, "
    "then name it.",
)
CRS_UNCLEAR = Kind(
    "crs_unclear",
    "{file} 声明的坐标系“{text}”不认得，系统不会猜测。{hint_zh}请向数据提供者核实后指明。",
    "{file} declares the coordinate system “{text}”, which is not known here, and none is guessed. {hint_en} Ask who made the "
    "file, then name it.",
)
COLUMN_TWICE = Kind(
    "column_twice",
    "{file} 中有多个字段都叫“{column}”。请改名，使每个字段的名称不同。",
    "{file} has several columns called “{column}”. Rename them, so that each has a name of its own.",
)


@dataclass(frozen=True)
class Layer:
    """A layer of polygons. The frame is in EPSG:4490, its index "row" numbers the features from 1 as in the file.

    The remarks say what was found in reading it; a row that one of them calls bad may lack its polygon.
    `cut_names` are the columns of which the name ended within a character; None where the format does not cut names.
    """

    frame: gpd.GeoDataFrame
    source_crs: CRS
    path: Path
    layer: str | None
    remarks: tuple[Remark, ...] = ()
    cut_names: frozenset[str] | None = None


def hash_of_file(path: Path) -> str:
    """The SHA-256 of a file; of a shapefile's parts, or of the files of a folder, together, in the order of their names."""
    if path.is_dir():
        parts = sorted(part for part in path.rglob("*") if part.is_file())
    elif path.suffix.lower() == ".shp":
        parts = sorted(part for part in path.parent.iterdir() if part.stem.lower() == path.stem.lower())
    else:
        parts = [path]
    whole = hashlib.sha256()
    for part in parts:
        with part.open("rb") as file:
            if len(parts) > 1:
                whole.update(hashlib.file_digest(file, "sha256").digest())
            else:
                whole = hashlib.file_digest(file, "sha256")
    return whole.hexdigest()


def read_layer(
    path: Path,
    *,
    layer: str | None = None,
    crs: str | None = None,
    encoding: str | None = None,
    home: shapely.Geometry | None = None,
) -> Layer:
    """Read a layer of polygons; `crs` and `encoding` overrule what the file declares.

    Where no coordinate system is declared, the refusal names the one in which the polygons would lie in `home` (degrees).

    Raises FILE_MISSING, FILE_EMPTY, CRS_MISSING, CRS_UNCLEAR, COLUMN_TWICE, UNKNOWN_CRS for a `crs` that is none, and
    the Problems of :mod:`geodata.layers` and :func:`geodata.crs.to_storage`.
    """
    path = Path(path)
    if not path.exists():
        raise Problem(FILE_MISSING, file=path)
    if path.is_file() and path.stat().st_size == 0:
        raise Problem(FILE_EMPTY, file=path.name)
    wanted = parse_crs(crs) if crs else None
    if path.suffix.lower() in (".parquet", ".geoparquet"):
        layer, read = None, read_parquet(path)
    else:
        layer, read = read_with_gdal(path, layer, encoding)
    system = wanted or read.crs
    if system is None:
        hint_zh, hint_en = hint_for(read.geometries, home)
        facts = {"file": path.name, "hint_zh": hint_zh, "hint_en": hint_en}
        if read.unclear_crs is not None:
            raise Problem(CRS_UNCLEAR, text=read.unclear_crs, **facts)
        raise Problem(CRS_MISSING, **facts)
    marked = list(read.columns.columns)
    names = [str(name).removesuffix(CUT) for name in marked]
    cut = frozenset(name for name, as_read in zip(names, marked, strict=True) if name != as_read)
    if twice := [name for name in names if names.count(name) > 1]:
        raise Problem(COLUMN_TWICE, file=path.name, column=twice[0])
    columns = read.columns.set_axis(names, axis="columns").set_axis(pd.RangeIndex(1, len(read.columns) + 1, name="row"))
    remarks = [*read.remarks, *take_marks(columns)]
    polygons = gpd.GeoSeries(to_storage(read.geometries, system, home), index=columns.index, crs=STORAGE)
    called = "geometry" if "geometry" not in names else "geometry of the row"
    frame = gpd.GeoDataFrame(columns.assign(**{called: polygons}), geometry=called)
    return Layer(frame, system, path, layer, tuple(remarks), cut if read.cuts_names else None)
