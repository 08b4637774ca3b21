"""A file's rows with their fields found by name: given names first, then the names seen in practice."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from farmland.imports.rows.codes import clean_codes, code_remarks, is_code
from farmland.imports.rows.columns import fields_of
from farmland.imports.rows.outcome import Options, Row
from geodata.files import read_layer
from geodata.problems import Kind, Problem
from geodata.remarks import Remark
from geodata.tables import NO_ROWS, Table, read_table

FIELD_MISSING = Kind(
    "field_missing",
    "{file} 中找不到“{field}”字段（认得的名称：{aliases}）。文件的字段有：{columns}。请用 --map {field}=字段名 指明，"
    "或用 --set {field}=值 给全部行同一个值。",
    "{file} has no column for “{field}” (known names: {aliases}). Its columns are: {columns}. Name it with "
    "--map {field}=COLUMN, or give all rows one value with --set {field}=VALUE.",
)
NOT_A_FIELD = Kind(
    "not_a_field",
    "“{field}”不是可以导入的字段。可用的字段：{fields}。",
    "“{field}” is no field that can be imported. The fields are: {fields}.",
)
NEEDS_POLYGONS = Kind(
    "needs_polygons",
    "{file} 是表格，没有图形。请用带图形的文件（gpkg、shp、zip、geojson、gdb、parquet）。",
    "{file} is a table without polygons. Use a geographic file (gpkg, shp, zip, geojson, gdb, parquet).",
)
IS_NOT_TABLE = Kind(
    "needs_table",
    "{file} 不是表格。请用 CSV 或 XLSX 文件。",
    "{file} is no table. Use a CSV or XLSX file.",
)
TABLE_ENDINGS = (".csv", ".txt", ".xlsx", ".xls", ".xlsm")

# Names of columns seen in practice, lower case: survey standards (DLTB, XZQ), agencies' tables, our own exports.
ALIASES: dict[str, dict[str, tuple[str, ...]]] = {
    "units": {
        "code": (
            "code",
            "xzqdm",
            "zldwdm",
            "qsdwdm",
            "unit_code",
            "代码",
            "行政区代码",
            "区划代码",
        ),
        "name": ("name", "xzqmc", "zldwmc", "qsdwmc", "名称", "行政区名称", "单位名称"),
    },
    "chiefs": {
        "code": ("code", "编号", "田长编号", "工号"),
        "name": ("name", "姓名", "田长"),
        "unit_code": ("unit_code", "单位代码", "行政单位代码", "zldwdm"),
        "duty": ("duty", "职务", "职责"),
        "from_day": ("from_day", "from", "任命日期", "起", "起始日期"),
        "to_day": ("to_day", "to", "until", "止", "截止日期"),
        "phone": ("phone", "电话", "联系电话"),
        "plot_number": ("plot_number", "地块编号"),
    },
    "plots": {
        "number": ("number", "tbbh", "tbybh", "bsm", "地块编号", "编号", "dkbm"),
        "unit_code": ("unit_code", "zldwdm", "qsdwdm", "单位代码", "组代码"),
        "land_class": ("land_class", "dlbm", "地类编码", "地类"),
        "basic_farmland": ("basic_farmland", "sfyn", "永农", "永久基本农田"),
    },
    "baseline": {
        "number": ("number", "bsm", "tbybh", "tbbh", "编号"),
        "unit_code": ("unit_code", "zldwdm", "qsdwdm", "单位代码"),
        "land_class": ("land_class", "dlbm", "地类编码", "地类"),
        "restoration": ("restoration", "zzsxdm", "种植属性代码"),
        "ridge_factor": ("ridge_factor", "kcxs", "扣除系数"),
        "slope_class": ("slope_class", "gdpdjb", "坡度级别", "坡度级"),
        "year": ("year", "sjnf", "年份"),
    },
    "targets": {
        "target_code": ("target_code", "target", "任务编号"),
        "name": ("name", "任务名称"),
        "start_day": ("start_day", "start_date", "开始日期"),
        "due_day": ("due_day", "due_date", "截止日期"),
        "curve": ("curve", "计划曲线"),
        "area_basis": ("area_basis", "面积口径"),
        "unit_code": ("unit_code", "单位代码"),
        "area_mu": ("area_mu", "target_mu", "任务亩数", "任务（亩）", "任务(亩)"),
    },
    "claims": {
        "number": ("number", "申报编号", "编号"),
        "unit_code": ("unit_code", "zldwdm", "单位代码", "村代码"),
        "target_code": ("target_code", "任务编号"),
        "source_kind": ("source_kind", "来源类型"),
        "former_use": ("former_use", "恢复前用途", "原用途"),
        "crop": ("crop", "现种作物", "作物"),
        "typed_area_mu": ("typed_area_mu", "上报面积", "上报亩数"),
        "ridge_factor": ("ridge_factor", "kcxs", "扣除系数"),
        "method": ("method", "测量方法", "勾绘方法"),
        "accuracy_m": ("accuracy_m", "点位精度", "精度"),
        "reported_at": ("reported_at", "上报时间"),
        "checked_at": ("checked_at", "核查时间"),
        "accepted_at": ("accepted_at", "验收时间"),
        "rejected_at": ("rejected_at", "退回时间"),
        "revoked_at": ("revoked_at", "撤销时间"),
        "reported_by": ("reported_by", "上报人"),
        "checked_by": ("checked_by", "核查人"),
        "accepted_by": ("accepted_by", "验收人"),
        "rejected_by": ("rejected_by", "退回人"),
        "revoked_by": ("revoked_by", "撤销人"),
        **{
            f"{state}_{what}": (f"{state}_{what}", f"{step}人{zh}")
            for state, step in (
                ("reported", "上报"),
                ("checked", "核查"),
                ("accepted", "验收"),
                ("rejected", "退回"),
                ("revoked", "撤销"),
            )
            for what, zh in (("by_unit", "单位代码"), ("device", "设备"), ("household", "户号"))
        },
        "rejected_why": ("rejected_why", "退回原因"),
        "revoked_why": ("revoked_why", "撤销原因"),
    },
    "designations": {
        "kind": ("kind", "类型", "区域类型"),
        "number": ("number", "编号", "项目编号", "立项文号"),
        "name": ("name", "名称", "项目名称"),
        "fund": ("fund", "资金", "资金来源"),
        "year": ("year", "年份", "年度"),
    },
    "findings": {
        "number": ("number", "线索编号", "编号"),
        "kind": ("kind", "线索类型", "类型"),
        "unit_code": ("unit_code", "zldwdm", "单位代码", "村代码"),
        "at": ("at", "发现时间", "发现日期"),
        "by": ("by", "发现人"),
        "note": ("note", "说明", "备注"),
    },
}


@dataclass(frozen=True)
class Source:
    """Rows to import. The frame's index numbers the rows as the file does; a GeoDataFrame is in EPSG:4490.

    The remarks are what was found in reading the file, in words for people.
    """

    frame: pd.DataFrame
    noun: str
    file: str
    columns: dict[str, str]
    constants: dict[str, str]
    crs: Any = None
    remarks: tuple[Remark, ...] = ()

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The rows' numbers in the file, shape (n,)."""
        return self.frame.index.to_numpy(dtype=np.int64)

    @property
    def geometries(self) -> NDArray[np.object_]:
        """The polygons, shape (n,). Raises NEEDS_POLYGONS for a table."""
        if not isinstance(self.frame, gpd.GeoDataFrame):
            raise Problem(NEEDS_POLYGONS, file=self.file)
        return np.asarray(self.frame.geometry.array, dtype=object)

    @property
    def has_polygons(self) -> bool:
        return isinstance(self.frame, gpd.GeoDataFrame)

    def told(self) -> tuple[list[Row], list[Row]]:
        """The remarks as they are told: on the rows that cannot be imported, and the other ones.

        A value that cannot be used makes its row bad where its column is a field; else it is a notice.
        """
        field_of = {column: field for field, column in self.columns.items()}
        bad: list[Row] = []
        notices: list[Row] = []
        for remark in self.remarks:
            name = field_of.get(
                remark.column, remark.column or ("geometry" if remark.row and self.has_polygons else "")
            )
            is_bad = remark.bad and (not remark.column or remark.column in field_of)
            (bad if is_bad else notices).append(Row(remark.row, name, remark.problem))
        return bad, notices

    def without(self, rows: Iterable[int]) -> "Source":
        """The source without some rows, by their numbers."""
        gone = list(rows)
        return replace(self, frame=self.frame[~np.isin(self.numbers, gone)]) if gone else self

    def has(self, field: str) -> bool:
        """Whether the field has a column or a constant."""
        return field in self.columns or field in self.constants

    def text(self, field: str, default: str | None = None) -> NDArray[np.object_]:
        """A field of all rows as stripped text, "" where it is empty, shape (n,).

        Raises FIELD_MISSING where the file has no such column, unless there is a default.
        """
        if field in self.constants:
            return np.full(len(self.frame), self.constants[field], dtype=object)
        if field not in self.columns:
            if default is None:
                raise Problem(
                    FIELD_MISSING,
                    file=self.file,
                    field=field,
                    aliases=", ".join(ALIASES[self.noun][field]),
                    columns=", ".join(self._own_columns()),
                )
            return np.full(len(self.frame), default, dtype=object)
        return _as_text(self.frame[self.columns[field]])

    def extra(self) -> list[dict[str, Any] | None]:
        """The columns that are no field of ours, as they are in the file, a dict per row."""
        names = [name for name in self._own_columns() if name not in self.columns.values()]
        if not names:
            return [None] * len(self.frame)
        kept = {name: _as_json(self.frame[name]) for name in names}
        return [dict(zip(names, values, strict=True)) for values in zip(*kept.values(), strict=True)]

    def _own_columns(self) -> list[str]:
        geometry = self.frame.geometry.name if isinstance(self.frame, gpd.GeoDataFrame) else None
        return [str(name) for name in self.frame.columns if name != geometry]


def open_source(path: Path, options: Options, noun: str, home: shapely.Geometry | None = None) -> Source:
    """Read a file of `noun`, for a city whose land is `home` (degrees).

    Raises the Problems of :mod:`geodata.files`, :mod:`geodata.tables` and :func:`of_frame`.
    """
    if path.suffix.lower() in TABLE_ENDINGS:
        if noun in ("plots", "baseline", "claims", "designations", "findings"):
            raise Problem(NEEDS_POLYGONS, file=path.name)
        return _of_table(read_table(path, sheet=options.layer, encoding=options.encoding), noun, options, path.name)
    if noun in ("chiefs", "targets"):
        raise Problem(IS_NOT_TABLE, file=path.name)
    layer = read_layer(path, layer=options.layer, crs=options.crs, encoding=options.encoding, home=home)
    if layer.frame.empty:
        raise Problem(NO_ROWS, file=path.name)
    source = of_frame(layer.frame, noun, options, path.name, layer.source_crs, layer.cut_names)
    return replace(source, remarks=(*layer.remarks, *source.remarks))


def of_frame(
    frame: pd.DataFrame,
    noun: str,
    options: Options,
    file: str,
    crs: Any = None,
    cut_names: Collection[str] | None = None,
) -> Source:
    """The source that a frame is, its fields found by name.

    Raises NOT_A_FIELD, and the Problems of :mod:`farmland.imports.rows.columns` and :mod:`farmland.imports.rows.codes`.
    """
    columns, remarks = _fields(frame, noun, options, file, cut_names)
    remarks += code_remarks(frame, columns, file, None)
    frame, cleaned = clean_codes(frame, columns)
    return Source(frame, noun, file, columns, options.constants, crs, (*remarks, *cleaned))


def _of_table(table: Table, noun: str, options: Options, file: str) -> Source:
    """The source that a table is. A number that is a code is what its cell shows, such as 0007."""
    frame = table.frame
    columns, remarks = _fields(frame, noun, options, file)
    remarks += code_remarks(frame, columns, file, table.kinds)
    if table.shown is not None:
        codes = {column: table.shown[column] for field, column in columns.items() if is_code(field)}
        frame = frame.assign(**codes)
    frame, cleaned = clean_codes(frame, columns)
    return Source(frame, noun, file, columns, options.constants, None, (*table.remarks, *remarks, *cleaned))


def _fields(
    frame: pd.DataFrame, noun: str, options: Options, file: str, cut_names: Collection[str] | None = None
) -> tuple[dict[str, str], list[Remark]]:
    known = ALIASES[noun]
    for field in [*options.mapping, *options.constants]:
        if field not in known:
            raise Problem(NOT_A_FIELD, field=field, fields=", ".join(known))
    geometry = frame.geometry.name if isinstance(frame, gpd.GeoDataFrame) else None
    names = [str(name) for name in frame.columns if name != geometry]

    def same(one: str, other: str) -> bool:
        return bool((_as_text(frame[one]) == _as_text(frame[other])).all())

    return fields_of(names, known, options.mapping, options.constants, file, cut_names, same)


def _as_text(column: pd.Series) -> NDArray[np.object_]:
    """A column as text; whole numbers without a point: 101, not 101.0."""
    text = column.astype("string")
    if pd.api.types.is_float_dtype(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        whole = np.isfinite(numbers) & (numbers % 1 == 0) & (np.abs(numbers) < 2**63)
        text[whole] = numbers[whole].astype(np.int64).astype(str)
    return text.fillna("").str.strip().to_numpy(dtype=object)


def _as_json(column: pd.Series) -> list[Any]:
    """A column as values that JSON has: numbers without end as text."""
    if pd.api.types.is_float_dtype(column) and np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan)).any():
        column = column.astype(object).where(~np.isinf(column), column.astype("string"))
        return column.where(column.notna(), None).tolist()
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        return column.astype(object).where(column.notna(), None).tolist()
    text = column.astype("string")
    return text.astype(object).where(text.notna(), None).tolist()
