"""The baseline (基期): the land survey's patches and their classes, against which restoration is counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import JSON, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.land.land_classes import is_farmland
from farmland.records.database import Base, table_of
from geodata.column import BoundsMeet, Geometry, decode, raw, sides


class BaselinePatch(Base):
    """A survey patch: what the land was in the survey's year.

    `restoration` is the survey's mark (ZZSXDM): JKHF can be restored at once, GCHF restored by works. `ridge_factor`
    (KCXS) is the share of ridges in it, 0 to 1; `slope_class` (GDPDJB) 1 (up to 2°) to 5 (over 25°).
    """

    __tablename__ = "baseline_patch"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    year: Mapped[int]
    number: Mapped[str] = mapped_column(String(40))
    unit_code: Mapped[str | None] = mapped_column(String(14))
    land_class: Mapped[str] = mapped_column(String(5))
    restoration: Mapped[str | None] = mapped_column(String(6))
    ridge_factor: Mapped[float] = mapped_column(default=0.0)
    slope_class: Mapped[int | None]
    area_m2: Mapped[float]
    geometry: Mapped[shapely.Geometry] = mapped_column(Geometry, deferred=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    extra: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (
        UniqueConstraint("year", "number", name="baseline_year_number"),
        Index("baseline_land_class", "land_class"),
    )


# Made once, as every statement that a report of a claim asks: to make one takes longer than to answer it.
_AROUND = select(
    raw(BaselinePatch.geometry), BaselinePatch.land_class, BaselinePatch.ridge_factor, BaselinePatch.slope_class
).where(BoundsMeet(table_of(BaselinePatch)))


@dataclass(frozen=True)
class Baseline:
    """Patches as arrays of the same length, and a tree over their polygons (degrees). An unknown slope class is 0."""

    tree: shapely.STRtree
    land_class: NDArray[np.object_]
    ridge_factor: NDArray[np.float64]
    slope_class: NDArray[np.int64]
    farmland: NDArray[np.bool_]

    def farmland_at(self, polygon: shapely.Geometry) -> NDArray[np.object_]:
        """The polygons of the farmland that meets a polygon."""
        met = self.tree.query(polygon, predicate="intersects")
        return np.asarray(self.tree.geometries[met[self.farmland[met]]], dtype=object)


def baseline_around(session: Session, bounds: Sequence[float]) -> Baseline:
    """The patches whose boxes meet a box (west, south, east, north)."""
    rows = session.execute(_AROUND, sides(bounds)).all()
    geometries, classes, ridges, slopes = zip(*rows, strict=True) if rows else ((), (), (), ())
    codes = np.array(classes, dtype=object)
    of_code = {code: is_farmland(code) for code in set(classes)}
    return Baseline(
        shapely.STRtree(decode(geometries)),
        codes,
        np.array(ridges, dtype=float),
        np.array([slope or 0 for slope in slopes], dtype=np.int64),
        np.array([of_code[code] for code in codes], dtype=bool),
    )
