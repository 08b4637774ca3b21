"""Where the data set is that a path means: a file, one among several of a folder, or one within a zip."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from geodata.problems import Kind, Problem

UNREADABLE = Kind(
    "file_unreadable",
    "{file} 不是认得的地理数据文件，或已损坏。可用：gpkg、shp、zip、geojson、gdb、gml、parquet。",
    "{file} is no geographic file that is known here, or it is damaged. Use gpkg, shp, zip, geojson, gdb, gml or parquet.",
)
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

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    LookupError,  # a file that the list of contents lacks
    RuntimeError,  # a password, a way of compressing that is not known
    ValueError,  # a place before the file's beginning, names that are no text
    OSError,
)
_SINGLE = (".gpkg", ".fgb", ".geojson", ".gml", ".kml")
_WITH_OTHERS = (".shp", ".shx", ".dbf", ".gml")  # formats of several files


@dataclass(frozen=True)
class Dataset:
    """A data set and the file or folder that holds it; `member` is its name among `names`, those of a folder or a zip."""

    path: Path
    folder: Path
    member: str
    names: tuple[str, ...]

    @property
    def source(self) -> str:
        """What GDAL is to open."""
        if self.folder.is_dir():
            return str(self.folder / self.member)
        return f"/vsizip/{self.folder}/{self.member}".rstrip("/")

    @property
    def ending(self) -> str:
        return PurePosixPath(self.member).suffix.lower()

    def beside(self, ending: str) -> str | None:
        """The name of the file that differs from the member by its ending only, None where there is none."""
        wanted = self.member[: -len(self.ending)].lower() + ending
        return next((name for name in self.names if name.lower() == wanted), None)

    def read(self, name: str, most: int = -1) -> bytes:
        """The content of a file of the data set, or its first bytes. Raises UNREADABLE."""
        with _readable(self.path):
            if self.folder.is_dir():
                with (self.folder / name).open("rb") as file:
                    return file.read(most)
            with zipfile.ZipFile(self.folder) as archive, archive.open(name) as file:
                return file.read(most)

    def size(self, name: str) -> int:
        """How many bytes a file of the data set has. Raises UNREADABLE."""
        if self.folder.is_dir():
            return (self.folder / name).stat().st_size
        with _readable(self.path), zipfile.ZipFile(self.folder) as archive:
            return archive.getinfo(name).file_size


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What the zipfile module says of damaged archives, of passwords and of compressions that it does not know: UNREADABLE."""
    try:
        yield
    except _DAMAGED:
        raise Problem(UNREADABLE, file=path.name) from None


def find_dataset(path: Path, layer: str | None) -> tuple[Dataset, str | None]:
    """The data set that a path means, and the layer to read in it; `layer` may name one of several files.

    Raises UNREADABLE, SEVERAL_LAYERS, LAYER_UNKNOWN.
    """
    suffix = path.suffix.lower()
    if path.is_file() and suffix not in (".zip", ".shz"):
        names = tuple(sibling.name for sibling in path.parent.iterdir()) if suffix in _WITH_OTHERS else (path.name,)
        member = path.name
        if suffix in (".shx", ".dbf"):
            member = next((name for name in names if name.lower() == path.stem.lower() + ".shp"), member)
        return Dataset(path, path.parent, member, names), layer
    if path.is_dir():
        names = tuple(sorted(inner.name for inner in path.iterdir()))
        if suffix == ".gdb" or not (found := _members(names)):
            return Dataset(path, path.parent, path.name, (path.name,)), layer
    else:
        with _readable(path), zipfile.ZipFile(path) as archive:
            names = tuple(name for name in archive.namelist() if not name.startswith("__MACOSX"))
        found = _members(names)
        if not found and any(name.lower().startswith(("timestamps", "gdb", "a0000")) for name in names):
            found = [""]
    if not found:
        raise Problem(UNREADABLE, file=path.name)
    if len(found) == 1:
        return Dataset(path, path, found[0], names), layer
    called = {name: _called(name, found) for name in found}
    if layer is None:
        raise Problem(SEVERAL_LAYERS, file=path.name, layers=", ".join(called.values()))
    chosen = [name for name in found if layer in (called[name], name)]
    if len(chosen) != 1:
        raise Problem(LAYER_UNKNOWN, file=path.name, layer=layer, layers=", ".join(called.values()))
    return Dataset(path, path, chosen[0], names), None


def _members(names: tuple[str, ...]) -> list[str]:
    """The data sets among files; a .dbf alone is one where there is nothing else, so that its missing parts are named."""
    databases = {name[: name.lower().index(".gdb/") + 4] for name in names if ".gdb/" in name.lower()}
    apart = [name for name in names if not any(name.startswith(database + "/") for database in databases)]
    databases |= {name for name in apart if name.lower().endswith(".gdb")}
    found = [*sorted(databases), *(name for name in apart if name.lower().endswith((".shp", *_SINGLE)))]
    for ending in (".json", ".dbf"):
        found = found or [name for name in apart if name.lower().endswith(ending)]
    return found


def _called(name: str, found: list[str]) -> str:
    """What a data set is called among others: the name of its file without the ending, as long as that tells it apart."""
    stem = PurePosixPath(name).stem
    if sum(PurePosixPath(other).stem == stem for other in found) == 1:
        return stem
    return str(PurePosixPath(name).with_suffix("")) if PurePosixPath(name).suffix.lower() == ".shp" else name
