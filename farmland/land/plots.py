"""Responsibility plots (责任田): the land that somebody answers for, piece by piece."""

from typing import Any

import shapely
from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from farmland.records.database import Base, table_of
from geodata.column import BoundsMeet, Geometry
from geodata.problems import Kind, Problem

PLOT_UNKNOWN = Kind(
    "plot_unknown",
    "没有编号为 {id} 的责任田。",
    "There is no plot with the id {id}.",
    "not_found",
)


class Plot(Base):
    """A responsibility plot. `number` is its own within its unit; `fingerprint` tells whether the polygon changed."""

    __tablename__ = "plot"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    unit_code: Mapped[str] = mapped_column(ForeignKey("unit.code"))
    number: Mapped[str] = mapped_column(String(40))
    land_class: Mapped[str] = mapped_column(String(5))
    basic_farmland: Mapped[bool]
    area_m2: Mapped[float]
    geometry: Mapped[shapely.Geometry] = mapped_column(Geometry, deferred=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    extra: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (UniqueConstraint("unit_code", "number", name="plot_unit_number"),)


def get_plot(session: Session, plot_id: int) -> Plot:
    """The plot of that id. Raises PLOT_UNKNOWN."""
    plot = session.get(Plot, plot_id)
    if plot is None:
        raise Problem(PLOT_UNKNOWN, id=plot_id)
    return plot


def plot_at(session: Session, point: shapely.Point) -> Plot | None:
    """The plot at a place (degrees), or None."""
    near = session.scalars(select(Plot).where(BoundsMeet(table_of(Plot), point.bounds)).order_by(Plot.id)).all()
    return next((plot for plot in near if plot.geometry.covers(point)), None)
