"""Designated areas (划定区域): land that another project counts already, or that must not become farmland."""

from enum import StrEnum
from typing import Any

import shapely
from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from farmland.records.database import Base
from geodata.column import Geometry


class Designation(StrEnum):
    """What an area is designated for."""

    HIGH_STANDARD = "high_standard"
    LINKAGE = "linkage"
    SUPPLEMENTARY = "supplementary"
    RED_LINE = "red_line"
    PLANNED_CONVERSION = "planned_conversion"


DESIGNATION_NAMES = {
    Designation.HIGH_STANDARD: ("高标准农田", "high-standard farmland"),
    Designation.LINKAGE: ("增减挂钩", "linkage of construction land"),
    Designation.SUPPLEMENTARY: ("补充耕地", "supplementary farmland"),
    Designation.RED_LINE: ("生态保护红线", "ecological red line"),
    Designation.PLANNED_CONVERSION: ("退耕规划", "planned conversion to forest or grass"),
}
PROJECTS = (Designation.HIGH_STANDARD, Designation.LINKAGE, Designation.SUPPLEMENTARY)


class DesignatedArea(Base):
    """A designated area, known by kind and number; of a project also the fund that pays and the year."""

    __tablename__ = "designated_area"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[Designation] = mapped_column(String(20))
    number: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(200))
    fund: Mapped[str | None] = mapped_column(String(200))
    year: Mapped[int | None]
    area_m2: Mapped[float]
    geometry: Mapped[shapely.Geometry] = mapped_column(Geometry, deferred=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    extra: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (UniqueConstraint("kind", "number", name="designated_area_kind_number"),)
