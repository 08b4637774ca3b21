"""Files in: layers of polygons from any format that GDAL reads and from GeoParquet, with nothing silently guessed."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS

from geodata.crs import STORAGE, hint_for, parse_crs, to_storage
from geodata.problems import Kind, Problem

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
UNREADABLE = Kind(
    "file_unreadable",
    "{file} 不是认得的地理数据文件，或已损坏。可用：gpkg、shp、zip、geojson、gdb、gml、parquet。",
    "{file} is no geographic file that is known here, or it is damaged. Use gpkg, shp, zip, geojson, gdb, gml or parquet.",
)
PART_MISSING = Kind(
    "shapefile_part_missing",
    "shapefile {file} 缺少 {missing} 文件。请把同名的 .shp、.shx、.dbf、.prj 一起提供。",
    "The shapefile {file} lacks its {missing} file. Give .shp, .shx, .dbf and .prj of the same name together.",
)
CRS_MISSING = Kind(
    "crs_missing",
    "{file} 没有声明坐标系（shapefile 的 .prj），系统不会猜测。{hint_zh}请向数据提供者核实后指明。",
    "{file} declares no coordinate system (the .prj of a shapefile), and none is guessed. {hint_en} Ask who made the file, "
    "then name it.",
)
NO_POLYGONS = Kind("no_polygon_layer", "{file} 中没有面图层。", "{file} has no layer of polygons.")
SEVERAL_LAYERS = Kind(
    "several_layers",
    "{file} 中有多个面图层：{layers}。请用 --layer 指明一个。",
    "{file} has several layers of polygons: {layers}. Name one with --layer.",
)
LAYER_UNKNOWN = Kind(
    "layer_unknown",
    "{file} 中没有图层 {layer}。图层有：{layers}。",
    "{file} has no layer {layer}. It has: {layers}.",
)
WRONG_ENCODING = Kind(
    "wrong_encoding",
    "{file} 的文字不是所声明的 {declared} 编码，像是 {likely}。请加 --encoding {likely}。",
    "The text in {file} is not in the declared encoding {declared}; it looks like {likely}. Add --encoding {likely}.",
)
_POLYGONAL = (
    "Polygon",
    "MultiPolygon",
    "CurvePolygon",
    "MultiSurface",
    "Unknown",
    "GeometryCollection",
)


@dataclass(frozen=True)
class Layer:
    """A layer of polygons. The frame is in EPSG:4490, its index "row" numbers the features from 1 as in the file."""

    frame: gpd.GeoDataFrame
    source_crs: CRS
    path: Path
    layer: str | None


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

    Raises FILE_MISSING, FILE_EMPTY, UNREADABLE, PART_MISSING, CRS_MISSING, NO_POLYGONS, SEVERAL_LAYERS, LAYER_UNKNOWN,
    WRONG_ENCODING, UNKNOWN_CRS for a `crs` that is none, and the Problems of :func:`geodata.crs.to_storage`.
    """
    path = Path(path)
    if not path.exists():
        raise Problem(FILE_MISSING, file=path)
    if path.is_file() and path.stat().st_size == 0:
        raise Problem(FILE_EMPTY, file=path.name)
    wanted = parse_crs(crs) if crs else None
    if path.suffix.lower() in (".parquet", ".geoparquet"):
        frame = _parquet(path)
        layer = None
    else:
        source = _source(path)
        layer = _layer(source, path, layer)
        frame = _read(source, path, layer, encoding)
    system = wanted or (CRS.from_user_input(frame.crs) if frame.crs is not None else None)
    if system is None:
        hint_zh, hint_en = hint_for(np.asarray(frame.geometry.array, dtype=object), home)
        raise Problem(CRS_MISSING, file=path.name, hint_zh=hint_zh, hint_en=hint_en)
    geometries = np.asarray(frame.geometry.array, dtype=object)
    if shapely.has_z(geometries).any():
        geometries = shapely.force_2d(geometries)
    frame = frame.set_geometry(gpd.GeoSeries(to_storage(geometries, system, home), index=frame.index, crs=STORAGE))
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return Layer(frame, system, path, layer)


def _parquet(path: Path) -> gpd.GeoDataFrame:
    try:
        return gpd.read_parquet(path)
    except (ValueError, OSError):
        raise Problem(UNREADABLE, file=path.name) from None


def _source(path: Path) -> str:
    """What GDAL is to open: the path, or the one data set within a zip."""
    suffix = path.suffix.lower()
    if suffix == ".shp":
        _require_parts(path.name, [str(sibling) for sibling in path.parent.iterdir()], str(path))
        return str(path)
    if suffix not in (".zip", ".shz"):
        return str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.startswith("__MACOSX")]
    except zipfile.BadZipFile:
        raise Problem(UNREADABLE, file=path.name) from None
    databases = sorted({name[: name.lower().index(".gdb/") + 4] for name in names if ".gdb/" in name.lower()})
    singles = [name for name in names if name.lower().endswith((".gpkg", ".geojson", ".json", ".gml", ".fgb"))]
    shapes = [name for name in names if name.lower().endswith((".shp", ".dbf"))]
    for name in shapes:
        _require_parts(path.name, names, name)
    shapes = [name for name in shapes if name.lower().endswith(".shp")]
    found = databases or shapes or singles
    if not found:
        if any(name.lower().startswith(("timestamps", "gdb", "a0000")) for name in names):
            return f"/vsizip/{path}"
        raise Problem(UNREADABLE, file=path.name)
    if len(found) > 1:
        raise Problem(SEVERAL_LAYERS, file=path.name, layers=", ".join(found))
    return f"/vsizip/{path}/{found[0]}"


def _require_parts(file: str, names: list[str], member: str) -> None:
    stem = member[:-4].lower()
    have = {name.lower() for name in names}
    missing = [ending for ending in (".shp", ".shx", ".dbf") if stem + ending not in have]
    if missing:
        raise Problem(PART_MISSING, file=file, missing="、".join(missing))


def _layer(source: str, path: Path, wanted: str | None) -> str:
    try:
        layers = pyogrio.list_layers(source)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError):
        raise Problem(UNREADABLE, file=path.name) from None
    names = [str(name) for name, _ in layers]
    if wanted is not None:
        if wanted not in names:
            raise Problem(LAYER_UNKNOWN, file=path.name, layer=wanted, layers=", ".join(names))
        return wanted
    polygonal = [str(name) for name, kind in layers if kind and kind.split(" ")[0].removesuffix("Z") in _POLYGONAL]
    if not polygonal:
        raise Problem(NO_POLYGONS, file=path.name)
    if len(polygonal) > 1:
        raise Problem(SEVERAL_LAYERS, file=path.name, layers=", ".join(polygonal))
    return polygonal[0]


def _read(source: str, path: Path, layer: str, encoding: str | None) -> gpd.GeoDataFrame:
    try:
        if source.lower().endswith(".shp"):
            return _shapefile(source, path, layer, encoding)
        return pyogrio.read_dataframe(source, layer=layer, use_arrow=True)
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FeatureError,
    ):
        raise Problem(UNREADABLE, file=path.name) from None


def _shapefile(source: str, path: Path, layer: str, encoding: str | None) -> gpd.GeoDataFrame:
    """A shapefile in the encoding that its bytes are in: the named or declared one, else UTF-8, else GB 18030."""
    raw = pyogrio.read_dataframe(source, layer=layer, encoding="ISO-8859-1")
    texts = [name for name in raw.columns if (name != "geometry" and raw[name].dtype == object) or _is_text(raw, name)]
    sample = "\n".join(
        [
            *map(str, raw.columns),
            *(str(v) for name in texts for v in raw[name].dropna().unique()),
        ]
    )
    data = sample.encode("ISO-8859-1", errors="replace")
    declared = encoding or _declared(source)
    tried = [declared] if declared else ["UTF-8", "GB18030"]
    fits = [name for name in tried if _decodes(data, name)]
    if not fits:
        likely = next((name for name in ("UTF-8", "GB18030") if _decodes(data, name)), "GB18030")
        likely = "GBK" if likely == "GB18030" else likely
        raise Problem(WRONG_ENCODING, file=path.name, declared=declared, likely=likely)
    if data.isascii():
        return raw

    def recode(value: Any) -> Any:
        return value.encode("ISO-8859-1").decode(fits[0]) if isinstance(value, str) else value

    for name in texts:
        raw[name] = raw[name].map(recode)
    return raw.rename(columns={name: recode(name) for name in raw.columns})


def _is_text(frame: pd.DataFrame, name: str) -> bool:
    return name != "geometry" and pd.api.types.is_string_dtype(frame[name])


def _declared(source: str) -> str | None:
    """The encoding that the .cpg beside a shapefile names."""
    cpg = None
    if source.startswith("/vsizip/"):
        archive_path, _, member = source.removeprefix("/vsizip/").partition(".zip/")
        if member:
            with zipfile.ZipFile(archive_path + ".zip") as archive:
                names = {name.lower(): name for name in archive.namelist()}
                if (found := names.get(member[:-4].lower() + ".cpg")) is not None:
                    cpg = archive.read(found)
    else:
        beside = [p for p in Path(source).parent.iterdir() if p.name.lower() == (Path(source).stem + ".cpg").lower()]
        cpg = beside[0].read_bytes() if beside else None
    name = cpg.decode("ascii", "ignore").strip() if cpg else ""
    return {"936": "GBK", "65001": "UTF-8", "ANSI 936": "GBK", "GB2312": "GBK"}.get(name.upper(), name) or None


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True
