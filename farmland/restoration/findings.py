"""Findings (问题线索) that take restored land back: land found abandoned again (复荒)."""

from datetime import datetime
from enum import StrEnum

import shapely
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from farmland.records.database import Base, Moment
from geodata.column import Geometry


class FindingKind(StrEnum):
    """What was found."""

    ABANDONED = "abandoned"


class Finding(Base):
    """A finding by its number: what was found where, when and by whom; the polygon with its area in m²."""

    __tablename__ = "finding"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[str] = mapped_column(String(60), unique=True)
    kind: Mapped[FindingKind] = mapped_column(String(20))
    unit_code: Mapped[str | None] = mapped_column(ForeignKey("unit.code"))
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))
    note: Mapped[str] = mapped_column(String(500))
    area_m2: Mapped[float]
    geometry: Mapped[shapely.Geometry] = mapped_column(Geometry, deferred=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime] = mapped_column(Moment)
