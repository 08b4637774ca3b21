"""Restoration claims (恢复申报): reported 上报 → checked 核查 → accepted 验收, or rejected 退回, later revoked 撤销."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import shapely
from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String, bindparam, case, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from farmland.records.database import Base, Moment
from farmland.restoration.net_area import Reason, Stage
from farmland.restoration.survey import Method
from geodata.column import Geometry
from geodata.problems import Kind, Problem

CLAIM_UNKNOWN = Kind(
    "claim_unknown",
    "没有编号为 {number} 的恢复申报。",
    "There is no claim {number}.",
    "not_found",
)


class State(StrEnum):
    """The states of a claim, in the order in which they are reached."""

    REPORTED = "reported"
    CHECKED = "checked"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    REVOKED = "revoked"


STATE_NAMES_ZH = {
    State.REPORTED: "上报",
    State.CHECKED: "核查",
    State.ACCEPTED: "验收",
    State.REJECTED: "退回",
    State.REVOKED: "撤销",
}
NEXT: dict[State, frozenset[State]] = {
    State.REPORTED: frozenset({State.CHECKED, State.REJECTED}),
    State.CHECKED: frozenset({State.ACCEPTED, State.REJECTED}),
    State.ACCEPTED: frozenset({State.REVOKED}),
    State.REJECTED: frozenset(),
    State.REVOKED: frozenset(),
}
NEEDS_WHY = frozenset({State.REJECTED, State.REVOKED})


class SourceKind(StrEnum):
    """Where restored land comes from."""

    RESTORABLE = "restorable"
    WORKS = "works"
    DEMOLISHED = "demolished"
    ABANDONED = "abandoned"
    OTHER = "other"


SOURCE_KIND_NAMES = {
    SourceKind.RESTORABLE: ("即可恢复", "restorable at once"),
    SourceKind.WORKS: ("工程恢复", "restored by works"),
    SourceKind.DEMOLISHED: ("拆除复耕", "demolished building"),
    SourceKind.ABANDONED: ("撂荒复耕", "abandoned land"),
    SourceKind.OTHER: ("其他", "other"),
}


class Origin(StrEnum):
    """How a claim came into the records: reported in the system, or with a file that was imported."""

    REPORTED = "reported"
    IMPORTED = "imported"


ORIGIN_NAMES = {Origin.REPORTED: ("系统内上报", "reported here"), Origin.IMPORTED: ("导入", "imported")}

_FIGURES = ("gross_m2", "reported_net_m2", "accepted_net_m2", "accepted_net_u_m2", "evidenced_at")


class Claim(Base):
    """A claim with its polygon as reported, and its net geometry and net area at reporting and at acceptance (m²).

    `accuracy_m` is that of each vertex in the order of ``shapely.get_coordinates``, or one for all; `track` the fixes of
    a walk, each [longitude, latitude, ISO moment, accuracy in m]. Each area has its standard uncertainty (m²) beside it.
    `before_asked` is whether the land, by the baseline known when it was reported, is of a class that asks for a photograph
    of before; `evidenced_at` since when photographs show the claim (:mod:`farmland.restoration.evidenced`).
    """

    __tablename__ = "claim"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    target_code: Mapped[str] = mapped_column(ForeignKey("target.code"))
    unit_code: Mapped[str] = mapped_column(ForeignKey("unit.code"))
    source_kind: Mapped[SourceKind] = mapped_column(String(12))
    origin: Mapped[Origin] = mapped_column(String(8))
    before_asked: Mapped[bool]
    evidenced_at: Mapped[datetime | None] = mapped_column(Moment)
    former_use: Mapped[str] = mapped_column(String(200))
    crop: Mapped[str] = mapped_column(String(200))
    typed_area_mu: Mapped[float | None]
    ridge_factor: Mapped[float] = mapped_column(default=0.0)
    method: Mapped[Method] = mapped_column(String(12))
    accuracy_m: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    track: Mapped[list[list[Any]] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    geometry: Mapped[shapely.Geometry] = mapped_column(Geometry, deferred=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    gross_m2: Mapped[float]
    gross_u_m2: Mapped[float | None]
    reported_net: Mapped[shapely.Geometry] = mapped_column(Geometry, deferred=True)
    reported_net_m2: Mapped[float]
    reported_net_u_m2: Mapped[float | None]
    accepted_net: Mapped[shapely.Geometry | None] = mapped_column(Geometry, deferred=True)
    accepted_net_m2: Mapped[float | None]
    accepted_net_u_m2: Mapped[float | None]
    steps: Mapped[list["Step"]] = relationship(
        primaryjoin="and_(Claim.id == Step.claim_id, Step.withdrawn_at.is_(None))",
        order_by="Step.at, Step.id",
        lazy="selectin",
    )
    deductions: Mapped[list["Deduction"]] = relationship(order_by="Deduction.id", foreign_keys="Deduction.claim_id")

    __table_args__ = (
        # With the areas in it, figures are summed without a look at the rows, whose polygons fill whole pages.
        Index("claim_figures", "target_code", "unit_code", *_FIGURES),
    )

    @property
    def state(self) -> State:
        """The state that the claim is in now."""
        return self.steps[-1].state

    def evidenced_by(self, moment: datetime) -> datetime | None:
        """Since when the claim is evidenced, as far as that was so by a moment."""
        return self.evidenced_at if self.evidenced_at is not None and self.evidenced_at <= moment else None

    def as_of(self, moment: datetime) -> "Stand":
        """How the claim stood at a moment. Raises CLAIM_UNKNOWN where it was not reported by then."""
        steps = [step for step in self.steps if step.at <= moment]
        if not steps:
            raise Problem(CLAIM_UNKNOWN, number=self.number)
        if any(step.state == State.ACCEPTED for step in steps):
            assert self.accepted_net is not None and self.accepted_net_m2 is not None
            stage, net, net_m2, net_u_m2 = (
                Stage.ACCEPTED,
                self.accepted_net,
                self.accepted_net_m2,
                self.accepted_net_u_m2,
            )
        else:
            stage, net, net_m2, net_u_m2 = (
                Stage.REPORTED,
                self.reported_net,
                self.reported_net_m2,
                self.reported_net_u_m2,
            )
        cuts = [cut for cut in self.deductions if cut.stage == stage]
        return Stand(State(steps[-1].state), steps, cuts, net, net_m2, net_u_m2)

    @property
    def net_m2(self) -> float:
        """The net area that counts for it now: that of its acceptance, else that of its reporting."""
        return self.reported_net_m2 if self.accepted_net_m2 is None else self.accepted_net_m2


class Step(Base):
    """A state that a claim reached: when, by whom, why; for which unit they acted, on whose device, of which household.

    `recorded_at` is when the system learned of it; `withdrawn_at` when it learned that this was not so, as a correction
    says that stands in another row.
    """

    __tablename__ = "claim_step"
    id: Mapped[int] = mapped_column(primary_key=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id"))
    state: Mapped[State] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))
    why: Mapped[str] = mapped_column(String(500))
    by_unit_code: Mapped[str | None] = mapped_column(ForeignKey("unit.code"))
    device: Mapped[str | None] = mapped_column(String(100))
    household: Mapped[str | None] = mapped_column(String(40))
    recorded_at: Mapped[datetime] = mapped_column(Moment)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        Index(
            "claim_step_once",
            "claim_id",
            "state",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        # All of a step that a figure asks for: claim_moments() is answered from this index alone.
        Index("claim_step_moments", "claim_id", "state", "at", "recorded_at", "withdrawn_at"),
    )


class Deduction(Base):
    """What was taken from a claim's polygon, at reporting or at acceptance: for which reason, how much (m²), where."""

    __tablename__ = "deduction"
    id: Mapped[int] = mapped_column(primary_key=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id"), index=True)
    stage: Mapped[Stage] = mapped_column(String(8))
    reason: Mapped[Reason] = mapped_column(String(20))
    other_claim_id: Mapped[int | None] = mapped_column(ForeignKey("claim.id"))
    area_m2: Mapped[float]
    geometry: Mapped[shapely.Geometry | None] = mapped_column(Geometry, deferred=True)


@dataclass(frozen=True)
class Stand:
    """How a claim stood at a moment: the steps taken by then, the deductions, net geometry and net area that held.

    `net_u_m2` is the net area's standard uncertainty; None for claims from before it was computed.
    """

    state: State
    steps: list[Step]
    deductions: list[Deduction]
    net_geometry: shapely.Geometry
    net_m2: float
    net_u_m2: float | None


def known(at: ColumnElement[datetime] | datetime | None) -> ColumnElement[bool]:
    """The condition that a step was known at a moment, and not withdrawn by then; None: that it is known now."""
    if at is None:
        return Step.withdrawn_at.is_(None)
    return (Step.recorded_at <= at) & (Step.withdrawn_at.is_(None) | (Step.withdrawn_at > at))


def claim_moments(moment: datetime, known_at: datetime | None = None) -> Any:
    """A row per claim reported by a moment, with the moment of each state that it had reached by then (subquery).

    Columns: claim_id, and reported_at, checked_at, ...: NULL where the state was not reached, or where nobody knew of it
    at `known_at` (None: now).
    """

    def reached(state: State) -> ColumnElement[datetime | None]:
        return func.max(case((Step.state == state, Step.at)), type_=Step.at.type).label(f"{state}_at")

    columns = [reached(state) for state in State]
    steps = select(Step.claim_id, *columns).where(Step.at <= moment, known(known_at))
    return steps.group_by(Step.claim_id).subquery("moments")


_BY_NUMBER = select(Claim).where(Claim.number == bindparam("number", type_=String))


def get_claim(session: Session, number: str) -> Claim:
    """The claim of that number. Raises CLAIM_UNKNOWN."""
    claim = session.scalar(_BY_NUMBER, {"number": number})
    if claim is None:
        raise Problem(CLAIM_UNKNOWN, number=number)
    return claim
