"""Layers as they stand in files, by GDAL or from GeoParquet: columns, geometries and system, with nothing lost unsaid."""

import codecs
import json
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
from numpy.typing import NDArray
from pyproj import CRS

from geodata.attributes import as_bytes, decode_columns, frame_of, not_utf8, values_of
from geodata.datasets import LAYER_UNKNOWN, SEVERAL_LAYERS, UNREADABLE, Dataset, find_dataset
from geodata.declared import declared_system, known_system, require_readable_prj
from geodata.encodings import codec_of, decode_utf16, decode_whole, encoding_of, texts_of
from geodata.problems import Kind, Problem
from geodata.remarks import Remark
from geodata.shapefile import complete, require_whole
from geodata.shapes import geometries_of

NO_POLYGONS = Kind("no_polygon_layer", "{file} 中没有面图层。", "{file} has no layer of polygons.")
READER_SAYS = Kind(
    "reader_says",
    "读取 {file} 时，GDAL 提示：{text}。请核对读入的内容。",
    "On reading {file}, GDAL says: {text}. Check what was read.",
)
WAL_MISSING = Kind(
    "wal_missing",
    "{file} 处于 WAL（预写日志）模式，而旁边没有 {file}-wal：最后的编辑可能不在文件里。请在原软件中关闭后再复制，"
    "或一并提供 -wal。",
    "{file} is in the mode of a write-ahead log, and no {file}-wal lies beside it: the latest edits may be missing. Close it in "
    "the program that wrote it and copy it again, or give the -wal too.",
)
_POLYGONAL = (
    "Polygon",
    "MultiPolygon",
    "CurvePolygon",
    "MultiSurface",
    "Unknown",
    "GeometryCollection",
)
_UNREADABLE = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.GeometryError,
    pyogrio.errors.FieldError,
    pa.ArrowException,
    OSError,
    ValueError,
    UnboundLocalError,  # pyogrio's, where the text of a coordinate system is not UTF-8
)
_TOLD_BY_ROW = re.compile(r"Non closed ring|Measured \(M\) geometry types|successfully parsed|DATE_AS_STRING")
"""Warnings of which the rows tell, or that concern nothing that is read."""
_XML_ENCODING = re.compile(rb"(<\?xml[^>]{0,80}?encoding\s*=\s*[\"'])([\w.-]+)")
_COUNTING_KEYS = ("fid", "ogc_fid", "objectid")
"""The keys that GDAL and ArcGIS give to rows; a key of another name is a column of who made the file."""
_AS_TEXT = {"GML_FIELDTYPES": "ALWAYS_STRING"}
"""GML has no types of its own; GDAL would guess them, and take 0101 for a hundred and one."""


@dataclass(frozen=True)
class Read:
    """A layer as its file holds it: n rows of columns and of geometries, shape (n,), in `crs`; remarks count rows from 1.

    `unclear_crs` is what a file declares that names no system which is known here; `crs` is None then. `cuts_names` is
    whether the format cuts names of columns; one that was cut within a character ends in the mark CUT.
    """

    columns: pd.DataFrame
    geometries: NDArray[np.object_]
    crs: CRS | None
    remarks: list[Remark]
    unclear_crs: str | None = None
    cuts_names: bool = False


def read_with_gdal(path: Path, layer: str | None, encoding: str | None) -> tuple[str, Read]:
    """A layer of polygons of any format that GDAL reads, and its name. Text may have the mark of :mod:`geodata.encodings`.

    Raises NO_POLYGONS, UNREADABLE, SEVERAL_LAYERS, LAYER_UNKNOWN, PRJ_NOT_UTF8, and the Problems of :mod:`geodata.shapefile` and
    :mod:`geodata.encodings`.
    """
    dataset, wanted = find_dataset(path, layer)
    require_readable_prj(dataset)
    records = require_whole(dataset) if dataset.ending in (".shp", ".dbf") else None
    recoded = None if records is not None else _in_utf8(dataset, encoding)
    source = dataset.source if recoded is None else recoded
    remarks = _without_wal(dataset)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        pyogrio.set_gdal_config_options(_AS_TEXT)
        try:
            place, name = _layer(source, path, wanted)
            how = {"encoding": "ISO-8859-1"} if records is not None else {}
            if dataset.ending in (".geojson", ".json"):
                how = {"DATE_AS_STRING": "YES"}  # GDAL would make days of what is written 2022/01/02, codes too
            meta, table = pyogrio.read_arrow(source, layer=place, datetime_as_string=True, return_fids=True, **how)
        except _UNREADABLE:
            raise Problem(UNREADABLE, file=path.name) from None
        finally:
            pyogrio.set_gdal_config_options(dict.fromkeys(_AS_TEXT))
    if table.column_names[0].lower() in _COUNTING_KEYS:
        table = table.remove_column(0)
    last = table.num_columns - 1  # the geometry
    geometries, of_shapes = geometries_of(table.column(last))
    table = table.remove_column(last)
    if records is not None:
        table, of_columns = complete(table, records, dataset, encoding)
        remarks += of_columns
    else:
        table = _decoded(table, path.name, encoding)
    columns, of_columns = frame_of(table)
    _moments(columns, meta)
    texts = dict.fromkeys(str(warning.message).rstrip(".") for warning in said)
    for text in [text for text in texts if not _TOLD_BY_ROW.search(text)]:
        remarks.append(Remark(Problem(READER_SAYS, file=path.name, text=text)))
    crs, unclear = declared_system(dataset, recoded, meta["crs"])
    return name, Read(columns, geometries, crs, [*remarks, *of_columns, *of_shapes], unclear, records is not None)


def read_parquet(path: Path) -> Read:
    """The layer of a GeoParquet file. Raises UNREADABLE, NO_POLYGONS."""
    try:
        table = pq.read_table(path)
        meta = json.loads((table.schema.metadata or {}).get(b"geo", b"null"))
        if meta is None:
            raise Problem(NO_POLYGONS, file=path.name)
        name = meta["primary_column"]
        about = meta["columns"][name]
        if about["encoding"].upper() == "WKB":
            geometries, remarks = geometries_of(table.column(name))
        else:
            geometries, remarks = np.asarray(gpd.read_parquet(path, columns=[name]).geometry.array, dtype=object), []
        crs = about.get("crs", "OGC:CRS84")
        system = None if crs is None else known_system(crs)
        unclear = str(crs)[:80] if crs is not None and system is None else None
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        raise Problem(UNREADABLE, file=path.name) from None
    index = [column for column in table.column_names if column.startswith("__index_level_")]  # of a frame, no column
    table = _decoded(table.drop_columns([name, *index]), path.name, None)
    columns, of_columns = frame_of(table)
    return Read(columns, geometries, system, [*of_columns, *remarks], unclear)


def _layer(source: str | bytes, path: Path, wanted: str | None) -> tuple[int, str]:
    """Which layer of a source to read: its place and its name."""
    layers = pyogrio.list_layers(source)
    kinds = [str(kind or "").split(" ")[0].removesuffix("Z") for _, kind in layers]
    # A layer that is called after its file has another name where the file is given as bytes.
    names = [path.stem if str(name).startswith("pyogrio_") else str(name) for name, _ in layers]
    polygonal = [place for place, kind in enumerate(kinds) if kind in _POLYGONAL]
    if wanted is not None:
        if wanted not in names:
            raise Problem(LAYER_UNKNOWN, file=path.name, layer=wanted, layers=", ".join(names))
        polygonal = [place for place, name in enumerate(names) if name == wanted and kinds[place]]
    if not polygonal:
        raise Problem(NO_POLYGONS, file=path.name)
    if len(polygonal) > 1:
        raise Problem(SEVERAL_LAYERS, file=path.name, layers=", ".join(names[place] for place in polygonal))
    return polygonal[0], names[polygonal[0]]


def _in_utf8(dataset: Dataset, encoding: str | None) -> bytes | None:
    """A format of text in UTF-8, None where GDAL can read the file as it is.

    GML without a schema is never read from its place: GDAL would write the types that it guesses beside it.
    """
    is_gml = dataset.ending == ".gml" and dataset.beside(".xsd") is None
    if dataset.ending not in (".geojson", ".json", ".gml"):
        return None
    data = dataset.read(dataset.member)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _XML_ENCODING.sub(rb"\1UTF-8", decode_utf16(data, dataset.path.name).encode("utf-8"), count=1)
    named = _XML_ENCODING.match(data)
    said = codec_of(named[2].decode("ascii")) if named else None
    try:
        text = data.decode("utf-8" if said in (None, "ascii") else said)
        if said in (None, "ascii", "utf-8"):
            return data if is_gml else None
    except UnicodeDecodeError:
        text = decode_whole(data, encoding_of(texts_of(data), dataset.path.name, encoding or said or "UTF-8"))
    return _XML_ENCODING.sub(rb"\1UTF-8", text.encode("utf-8"), count=1)


def _decoded(table: pa.Table, file: str, encoding: str | None) -> pa.Table:
    """The table with its text in UTF-8, as nearly every format has it, else in the named encoding."""
    places = not_utf8(table)
    if not places:
        return table
    table = as_bytes(table, places)
    codec = encoding_of(values_of(table, places, bytes), file, encoding or "UTF-8")
    return decode_columns(table, places, bytes, codec)


def _moments(columns: pd.DataFrame, meta: dict[str, Any]) -> None:
    """Make moments, which were read as text, moments again; text stays where they are of several time zones."""
    for name, kind in zip(meta["fields"], meta["dtypes"], strict=True):
        if kind is not None and kind.startswith("datetime") and kind != "datetime64[D]" and name in columns:
            try:
                columns[name] = pd.to_datetime(columns[name], format="ISO8601")
            except ValueError:
                continue


def _without_wal(dataset: Dataset) -> list[Remark]:
    if dataset.ending != ".gpkg" or dataset.read(dataset.member, 20)[18:20] != b"\2\2":
        return []
    log = dataset.member + "-wal"
    is_there = (dataset.folder / log).exists() if dataset.folder.is_dir() else log in dataset.names
    return [] if is_there else [Remark(Problem(WAL_MISSING, file=Path(dataset.member).name))]
