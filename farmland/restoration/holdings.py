"""The land around claims that are judged: what lies there, and what other claims hold of it."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import shapely
from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from farmland.land.units import Unit
from farmland.records.database import table_of
from farmland.restoration.claims import Claim, State, Step
from farmland.restoration.net_area import NetArea, Stage, net_area
from farmland.restoration.rules import judge
from farmland.restoration.rules.batch import AROUND_DEGREES, Batch, Holding, Judged, Surroundings, widened
from farmland.restoration.rules.ground import asks_before
from farmland.restoration.rules.rule import Found
from farmland.restoration.thresholds import Thresholds
from geodata.column import BoundsMeet, decode, raw, sides
from geodata.crs import hint_for_degrees
from geodata.problems import Kind, Problem

OUTSIDE_WHOLLY = Kind(
    "claim_outside_unit",
    "申报地块全部在{unit_name}（{unit_code}）之外（中心 {longitude:.5f}°E {latitude:.5f}°N）。请核对行政单位和坐标系。{hint_zh}",
    "The claimed polygon lies wholly outside {unit_name} ({unit_code}), at {longitude:.5f}°E {latitude:.5f}°N. Check "
    "the unit and the coordinate system.{hint_en}",
)
UNIT_WITHOUT_POLYGON = Kind(
    "unit_without_polygon",
    "{unit_name}（{unit_code}）还没有界线，无法判断申报是否在辖区内。请先导入带界线的行政单位。",
    "{unit_name} ({unit_code}) has no polygon yet, so nobody can tell whether the claim lies in it. Import units with "
    "polygons first.",
    "conflict",
)

_ENDS = (State.REJECTED, State.REVOKED)


def _first(*states: State) -> ScalarSelect[datetime]:
    """The moment at which a claim first came to one of some states."""
    reached = (Step.claim_id == Claim.id, Step.state.in_(states), Step.withdrawn_at.is_(None))
    return select(func.min(Step.at, type_=Step.at.type)).where(*reached).correlate(Claim).scalar_subquery()


_AROUND = (
    select(
        raw(Claim.geometry),
        raw(Claim.reported_net),
        raw(Claim.accepted_net),
        Claim.id,
        Claim.number,
        Claim.unit_code,
        Claim.fingerprint,
        _first(State.REPORTED).label("since"),
        _first(*_ENDS).label("until"),
    )
    .where(BoundsMeet(table_of(Claim)))
    .order_by(Claim.id)
)


class Ground:
    """The land around some claims, read once: what lies there, and what claims hold.

    `geometries` are the polygons of the claims to be judged (degrees); `unit_codes` their units.
    """

    def __init__(
        self,
        session: Session,
        geometries: Sequence[shapely.Geometry],
        unit_codes: Sequence[str],
        thresholds: Thresholds | None = None,
    ) -> None:
        self.thresholds = thresholds or Thresholds()
        bounds = shapely.total_bounds(np.array(geometries, dtype=object))
        self.around = Surroundings(session, bounds, unit_codes)
        rows = session.execute(_AROUND, sides(widened(bounds))).all()
        shapes = [decode([row[place] for row in rows]) for place in range(3)]
        self._holdings = [
            Holding(
                row.id, row.number, row.unit_code, polygon, row.fingerprint, reported, row.since, accepted, row.until
            )
            for row, polygon, reported, accepted in zip(rows, *shapes, strict=True)
        ]
        self._places = {row.id: place for place, row in enumerate(rows)}
        self._bounds = shapely.bounds(shapes[0]).reshape(-1, 4)

    def note(self, claim: Claim) -> None:
        """Take in what a claim holds now."""
        ends = [step.at for step in claim.steps if step.state in _ENDS]
        held = Holding(
            claim.id,
            claim.number,
            claim.unit_code,
            claim.geometry,
            claim.fingerprint,
            claim.reported_net,
            claim.steps[0].at,
            claim.accepted_net,
            ends[0] if ends else None,
        )
        bounds = shapely.bounds(claim.geometry)
        if (place := self._places.get(claim.id)) is None:
            self._places[claim.id] = len(self._holdings)
            self._holdings.append(held)
            self._bounds = np.vstack([self._bounds, bounds])
        else:
            self._holdings[place], self._bounds[place] = held, bounds

    def judge(
        self,
        polygon: shapely.Geometry,
        unit_code: str,
        stage: Stage,
        at: datetime,
        ridge_factor: float,
        own_id: int | None,
    ) -> NetArea:
        """The net area of a polygon for a unit at a moment. Raises UNIT_UNKNOWN, UNIT_WITHOUT_POLYGON, OUTSIDE_WHOLLY.

        At reporting all live claims reported by then are deducted with what they hold; at acceptance the accepted ones
        that are not revoked by then: who is accepted first keeps the land.
        """
        area = self.around.units.get(unit_code)
        if area is None:
            raise Problem(UNIT_WITHOUT_POLYGON, unit_code=unit_code, unit_name=self.around.unit(unit_code).name)
        if not shapely.intersects(area, polygon):
            raise self._outside(polygon, self.around.unit(unit_code))
        return net_area(
            polygon,
            area,
            self.around.baseline.farmland_at(polygon),
            self._others(polygon, stage, at, own_id),
            ridge_factor,
            self.thresholds.minimum_m2,
        )

    def turns(self, polygon: shapely.Geometry) -> list[datetime]:
        """The moments at which the claims around a polygon began or ceased to hold their land."""
        near = [self._holdings[place] for place in self._near(polygon, AROUND_DEGREES)]
        return [moment for held in near for moment in (held.reported_at, held.until) if moment is not None]

    def asks_before(self, polygon: shapely.Geometry) -> bool:
        """Whether a photograph of before has to show that what stood on a polygon is gone."""
        return bool(asks_before(np.array([polygon], dtype=object), self.around.baseline, self.thresholds)[0])

    def found(self, claim: Judged, stage: Stage, at: datetime) -> list[Found]:
        """What the rules find of a claim at a stage and a moment."""
        near = self._near(claim.polygon, AROUND_DEGREES)
        return judge(Batch([claim], self.around, stage, at, [self._holdings[place] for place in near]), self.thresholds)

    def _outside(self, polygon: shapely.Geometry, unit: Unit) -> Problem:
        centre = shapely.point_on_surface(polygon)
        home = self.around.home
        hints = ("", "")
        if home is not None and not shapely.intersects(home, polygon):
            hints = hint_for_degrees(polygon, home)
        return Problem(
            OUTSIDE_WHOLLY,
            unit_code=unit.code,
            unit_name=unit.name,
            longitude=centre.x,
            latitude=centre.y,
            hint_zh=hints[0],
            hint_en=hints[1] and f" {hints[1]}",
        )

    def _near(self, polygon: shapely.Geometry, degrees: float) -> list[int]:
        west, south, east, north = polygon.bounds
        x0, y0, x1, y1 = self._bounds.T
        meet = (x0 <= east + degrees) & (x1 >= west - degrees) & (y0 <= north + degrees) & (y1 >= south - degrees)
        return [int(place) for place in np.flatnonzero(meet)]

    def _others(
        self, polygon: shapely.Geometry, stage: Stage, at: datetime, own_id: int | None
    ) -> list[tuple[int, shapely.Geometry]]:
        others = []
        for place in self._near(polygon, 0):
            held = self._holdings[place]
            if held.claim_id == own_id or (held.until is not None and held.until <= at):
                continue
            if stage is Stage.ACCEPTED:
                if held.accepted_net is not None:
                    others.append((held.claim_id, held.accepted_net))
            elif held.reported_at <= at:
                others.append((held.claim_id, held.held))
        return others
