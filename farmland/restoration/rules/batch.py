"""What rules look at: claims to be judged together, as arrays, and the land, records and people around them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from farmland.land.baseline import Baseline, baseline_around
from farmland.land.designations import DesignatedArea, Designation
from farmland.land.units import Unit, UnitPolygons, get_unit, home_of, level_of, polygons, polygons_of
from farmland.records.database import table_of
from farmland.restoration.claims import Claim, Method, Origin, SourceKind, State
from farmland.restoration.evidence import Evidence, FileKind, Purpose
from farmland.restoration.findings import Finding
from farmland.restoration.net_area import Stage
from farmland.restoration.visits import Visit
from geodata.area import areas_m2
from geodata.column import BoundsMeet, decode, raw, sides

AROUND_DEGREES = 0.012
"""How far around a claim other claims are looked at: the shift of a Chinese web map is some 700 m."""

_OF_PHOTOGRAPH = (
    "id",
    "claim_id",
    "sha256",
    "name",
    "taken_at",
    "longitude",
    "latitude",
    "accuracy_m",
    "perceptual_hash",
    "purpose",
    "purpose_at",
    "recorded_at",
)
_DESIGNATED = (
    select(
        raw(DesignatedArea.geometry),
        DesignatedArea.kind,
        DesignatedArea.number,
        DesignatedArea.name,
        DesignatedArea.fund,
    )
    .where(BoundsMeet(table_of(DesignatedArea)))
    .order_by(DesignatedArea.id)
)
_FINDINGS = (
    select(raw(Finding.geometry), Finding.number, Finding.at, Finding.by)
    .where(BoundsMeet(table_of(Finding)))
    .order_by(Finding.id)
)
_VISITS = (
    select(Visit.claim_id, Visit.at)
    .join(Claim, Claim.id == Visit.claim_id)
    .where(BoundsMeet(table_of(Claim)))
    .order_by(Visit.at)
)
_PHOTOGRAPHS = (
    select(*(getattr(Evidence, name) for name in _OF_PHOTOGRAPH))
    .join(Claim, Claim.id == Evidence.claim_id)
    .where(Evidence.kind == FileKind.PHOTOGRAPH, BoundsMeet(table_of(Claim)))
    .order_by(Evidence.id)
)


@dataclass
class Holding:
    """A claim that is there, what it holds of the land, and since and until when."""

    claim_id: int
    number: str
    unit_code: str
    polygon: shapely.Geometry
    fingerprint: str
    reported_net: shapely.Geometry
    reported_at: datetime
    accepted_net: shapely.Geometry | None = None
    until: datetime | None = None

    @property
    def held(self) -> shapely.Geometry:
        return self.reported_net if self.accepted_net is None else self.accepted_net


@dataclass(frozen=True)
class Taken:
    """A step as it was, or is about to be, taken."""

    state: State
    at: datetime
    by: str
    by_unit_code: str | None
    device: str | None
    household: str | None
    recorded_at: datetime


@dataclass(frozen=True)
class Judged:
    """One claim to be judged; areas in m², `gross_u_m2` the gross area's standard uncertainty where it is known.

    Since when it is evidenced is known while it is accepted: photographs come after the report.
    """

    claim_id: int | None
    number: str
    unit_code: str
    polygon: shapely.Geometry
    fingerprint: str
    gross_m2: float
    net: shapely.Geometry
    cuts: Sequence[tuple[str, float, shapely.Geometry | None]]
    ridge_factor: float
    ridges_deducted: bool
    typed_area_mu: float | None
    method: Method
    gross_u_m2: float | None
    track: list[list[Any]] | None
    source_kind: SourceKind
    steps: Sequence[Any]
    origin: Origin
    before_asked: bool
    evidenced_at: datetime | None = None


class Surroundings:
    """What lies around some claims, each thing read once and only when a rule asks for it.

    `bounds` are those of the claims (degrees), `unit_codes` their units.
    """

    def __init__(self, session: Session, bounds: Sequence[float], unit_codes: Sequence[str]) -> None:
        self._session, self.bounds = session, tuple(bounds)
        self._unit_codes = set(unit_codes)
        found = polygons_of(session, sorted(self._unit_codes))
        self.units = dict(zip(found.codes, found.geometries, strict=True))
        self.baseline: Baseline = baseline_around(session, self.bounds)

    def unit(self, code: str) -> Unit:
        """The unit of that code. Raises UNIT_UNKNOWN."""
        return get_unit(self._session, code)

    @cached_property
    def home(self) -> shapely.Geometry | None:
        """The land of the whole city."""
        return home_of(self._session)

    @cached_property
    def neighbours(self) -> UnitPolygons:
        """The units around, of every level that a claim's unit has."""
        levels = {level_of(code) for code in self.units}
        return polygons(self._session, Unit.level.in_(levels), BoundsMeet(table_of(Unit), self.bounds))

    @cached_property
    def unit_names(self) -> dict[str, str]:
        """The names of the claims' units, of those that lie here, and of those of the claims around."""
        own = sorted(self._unit_codes)
        of_claims = select(Claim.unit_code).where(BoundsMeet(table_of(Claim), widened(self.bounds)))
        meant = or_(Unit.code.in_(own), BoundsMeet(table_of(Unit), self.bounds), Unit.code.in_(of_claims))
        return dict(self._session.execute(select(Unit.code, Unit.name).where(meant)).all())

    @cached_property
    def designated(self) -> tuple[shapely.STRtree, list[Any]]:
        """The designated areas around: a tree over their polygons, and their rows (kind, number, name, fund)."""
        rows = self._session.execute(_DESIGNATED, sides(self.bounds)).all()
        return shapely.STRtree(decode([row[0] for row in rows])), [
            (Designation(row.kind), row.number, row.name, row.fund) for row in rows
        ]

    @cached_property
    def findings(self) -> tuple[shapely.STRtree, list[Any]]:
        """The findings of abandoned land around: a tree over their polygons, and their rows (number, at, by)."""
        rows = self._session.execute(_FINDINGS, sides(self.bounds)).all()
        return shapely.STRtree(decode([row[0] for row in rows])), list(rows)

    @cached_property
    def visits(self) -> dict[int, list[datetime]]:
        """The moments of the visits to each claim around."""
        rows = self._session.execute(_VISITS, sides(self.bounds))
        moments: dict[int, list[datetime]] = {}
        for claim_id, at in rows:
            moments.setdefault(claim_id, []).append(at)
        return moments

    @cached_property
    def photographs(self) -> dict[int, list[Any]]:
        """The photographs of each claim around, in the order in which they were attached."""
        rows = self._session.execute(_PHOTOGRAPHS, sides(self.bounds))
        photos: dict[int, list[Any]] = {}
        for row in rows:
            photos.setdefault(row.claim_id, []).append(row)
        return photos

    @cached_property
    def all_photographs(self) -> "Photographs":
        """All photographs of the records: a picture may come back anywhere."""
        photo = Evidence
        rows = self._session.execute(
            select(photo.id, photo.claim_id, Claim.number, photo.name, photo.sha256, photo.perceptual_hash)
            .join(Claim, Claim.id == photo.claim_id)
            .where(photo.kind == FileKind.PHOTOGRAPH)
            .order_by(photo.id)
        ).all()
        columns = [np.array(column, dtype=object) for column in zip(*rows, strict=True)]
        hashes = np.array([int(text or "0", 16) for text in columns[5]], dtype=np.uint64)
        hashed = np.array([text is not None for text in columns[5]], dtype=bool)
        ids, claims = columns[0].astype(np.int64), columns[1].astype(np.int64)
        number, name, sha256 = columns[2:5]
        return Photographs(ids, claims, number, name, sha256, hashes, hashed)


@dataclass(frozen=True)
class Photographs:
    """All photographs of the records, as arrays of the same length; `hash` is the perceptual one where `hashed`."""

    id: NDArray[np.int64]
    claim_id: NDArray[np.int64]
    number: NDArray[np.object_]
    name: NDArray[np.object_]
    sha256: NDArray[np.object_]
    hash: NDArray[np.uint64]
    hashed: NDArray[np.bool_]


@dataclass(frozen=True)
class Batch:
    """n claims to be judged at a stage at a moment."""

    claims: Sequence[Judged]
    around: Surroundings
    stage: Stage
    at: datetime
    others: Sequence[Holding] = field(default_factory=list)

    @cached_property
    def polygons(self) -> NDArray[np.object_]:
        return _array([claim.polygon for claim in self.claims])

    @cached_property
    def nets(self) -> NDArray[np.object_]:
        return _array([claim.net for claim in self.claims])

    @cached_property
    def gross_m2(self) -> NDArray[np.float64]:
        return np.array([claim.gross_m2 for claim in self.claims], dtype=float)

    @cached_property
    def on_baseline(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Pairs of a claim and a patch that share land, and how much (m²)."""
        return self.shared_with(self.around.baseline.tree)

    @cached_property
    def live(self) -> list[Holding]:
        """The other claims that hold land at the moment."""
        return [one for one in self.others if one.reported_at <= self.at and (one.until is None or one.until > self.at)]

    @cached_property
    def live_polygons(self) -> NDArray[np.object_]:
        return _array([one.polygon for one in self.live])

    @cached_property
    def earlier(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.object_]]:
        """Pairs of a claim and a live one that was there before it, the m² that their polygons share, and that land."""
        i, j = shapely.STRtree(self.live_polygons).query(self.polygons, predicate="intersects")
        keep = np.array([self.before(one, other) for one, other in zip(i, j, strict=True)], dtype=bool)
        i, j = i[keep], j[keep]
        land = shapely.intersection(self.polygons[i], self.live_polygons[j])
        return i, j, areas_m2(land), land

    def before(self, row: int, other: int) -> bool:
        """Whether a live claim was there before one of the batch: it was reported earlier, or it alone is accepted."""
        claim, held = self.claims[row], self.live[other]
        if claim.claim_id == held.claim_id:
            return False
        if claim.claim_id is None:
            return True
        own = next((step for step in claim.steps if step.state == State.ACCEPTED), None)
        if held.accepted_net is not None and (own is None or own.at >= self.at):
            return True
        return (held.reported_at, held.claim_id) < (claim.steps[0].at, claim.claim_id)

    def shared_with(self, tree: shapely.STRtree) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Pairs of a claim and a polygon of a tree that share land, and how much (m²)."""
        if len(tree.geometries) == 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
        i, j = tree.query(self.polygons, predicate="intersects")
        shared = areas_m2(shapely.intersection(self.polygons[i], tree.geometries[j]))
        return i, j, shared

    def land_of(self, row: int, tree: shapely.STRtree, places: NDArray[np.int64]) -> shapely.Geometry:
        """What of a claim's polygon some polygons of a tree cover."""
        return shapely.intersection(self.polygons[row], shapely.union_all(tree.geometries[places]))

    def shown_before(self, row: int) -> bool:
        """Whether a photograph shows a claim's land before or during its restoration."""
        return any(photo.purpose in (Purpose.BEFORE, Purpose.DURING) for photo in self.photographs(row))

    def photographs(self, row: int) -> list[Any]:
        """The photographs of a claim, in the order in which they were attached."""
        claim_id = self.claims[row].claim_id
        return [] if claim_id is None else self.around.photographs.get(claim_id, [])

    def step(self, row: int, state: State) -> Any:
        """A claim's step to a state, if it took it."""
        return next((step for step in self.claims[row].steps if step.state == state), None)


def widened(bounds: Sequence[float]) -> list[float]:
    """The box in which other claims are looked at: some bounds and :data:`AROUND_DEGREES` more on each side."""
    return (np.asarray(bounds) + AROUND_DEGREES * np.array([-1, -1, 1, 1])).tolist()


def _array(geometries: Sequence[shapely.Geometry]) -> NDArray[np.object_]:
    array = np.empty(len(geometries), dtype=object)
    array[:] = geometries
    return array
