"""The baseline (基期): the land survey's patches and their classes, against which restoration is counted."""

from typing import Any

import shapely
from sqlalchemy import JSON, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from farmland.database import Base
from geodata.column import Geometry


class BaselinePatch(Base):
    """A survey patch: what the land was in the survey's year.

    `restoration` is the survey's mark (ZZSXDM): JKHF can be restored at once, GCHF restored by works. `ridge_factor`
    (KCXS) is the share of ridges in it, 0 to 1.
    """

    __tablename__ = "baseline_patch"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    year: Mapped[int]
    number: Mapped[str] = mapped_column(String(40))
    unit_code: Mapped[str | None] = mapped_column(String(14))
    land_class: Mapped[str] = mapped_column(String(5))
    restoration: Mapped[str | None] = mapped_column(String(6))
    ridge_factor: Mapped[float] = mapped_column(default=0.0)
    area_m2: Mapped[float]
    geometry: Mapped[shapely.Geometry] = mapped_column(Geometry, deferred=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    extra: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (
        UniqueConstraint("year", "number", name="baseline_year_number"),
        Index("baseline_land_class", "land_class"),
    )
