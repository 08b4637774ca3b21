"""The areas of claims, summed over each unit and all below it: in m², and in mu that add up down the tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, bindparam, case, func, select
from sqlalchemy.orm import Session

from farmland.figures.rounding import shares, shares_of, shares_within
from farmland.land.units import LEVELS, Level, Unit, code_range, parent_of, within
from farmland.records.clock import days_before
from farmland.records.database import Moment, table_of
from farmland.records.ledger import undone
from farmland.restoration.claims import Claim, State, Step, known
from geodata.area import m2_to_mu

Floats = NDArray[np.float64]
RECENT_DAYS = 30


@dataclass(frozen=True)
class UnitTree:
    """Units from the top down, by code within a level; `parent` is the place of each one's parent, -1 at the top."""

    codes: list[str]
    names: list[str]
    levels: list[Level]
    parent_codes: list[str | None]
    parent: NDArray[np.int64]
    rank: NDArray[np.int64]

    @classmethod
    def of(cls, session: Session, top: str, deepest: int, known_at: datetime | None = None) -> "UnitTree":
        """The units from `top` down to the level of index `deepest`; empty where there is no such unit.

        With the names by which they were known at a moment, and without those of which nobody knew then.
        """
        query = select(Unit.code, Unit.name, Unit.level, Unit.parent_code, Unit.id)
        query = query.where(within(Unit.code, top), Unit.level.in_(LEVELS[: deepest + 1]))
        found: Sequence[Any] = session.execute(query).all()
        if known_at is not None:
            found = _as_known(session, found, known_at)
        rank: dict[str, int] = {level: i for i, level in enumerate(LEVELS)}
        rows = sorted((rank[level], code, name, parent) for code, name, level, parent, _ in found)
        ranks, codes, names, parents = (
            (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
        )
        place = {code: i for i, code in enumerate(codes)}
        parent = np.array([place.get(code, -1) for code in parents])
        return cls(codes, names, [LEVELS[i] for i in ranks], parents, parent, np.array(ranks))

    def places(self, codes: list[str]) -> list[int]:
        """The place of each unit in the tree; where the tree does not go down to it, of the unit above it that is there."""
        place = {code: i for i, code in enumerate(self.codes)}
        found = []
        for code in codes:
            while code not in place and (above := parent_of(code)):
                code = above
            found.append(place[code])
        return found

    def below(self) -> list[NDArray[np.int64]]:
        """The places of the units of each level that have a parent here, level by level from the top."""
        return [np.flatnonzero((self.rank == level) & (self.parent >= 0)) for level in np.unique(self.rank)]

    def rolled_up(self, own: Floats) -> Floats:
        """Each unit's own rows with those of all below it added, shape as `own`, (n, k)."""
        whole = own.copy()
        for rows in reversed(self.below()):
            np.add.at(whole, self.parent[rows], whole[rows])
        return whole


def _as_known(session: Session, found: Sequence[Any], known_at: datetime) -> Sequence[Any]:
    """Units (code, name, level, parent, id) as they were known at a moment. A unit's code never changes."""
    before = undone(session, table_of(Unit), "unit", known_at)
    known = []
    for unit in found:
        row = before.get(unit[-1], {})
        if row is not None:
            known.append((unit[0], row.get("name", unit[1]), *unit[2:]))
    return known


@dataclass(frozen=True)
class UnitAreas:
    """Sums over each unit's subtree: m² by name, the same as mu that add up, and the numbers of claims; shape (n,)."""

    m2: dict[str, Floats]
    mu: dict[str, Floats]
    claims: NDArray[np.int64]


def areas_of_claims(
    session: Session, tree: UnitTree, moment: datetime, target_code: str | None, known_at: datetime | None = None
) -> UnitAreas:
    """The areas of a target's claims as of a moment, as far as they were known at `known_at` (None: now).

    Names: `reported` and `rejected` gross areas; `checked`, `accepted` and `revoked` net areas, what is accepted being
    checked too; `earlier` what was accepted RECENT_DAYS before; `accepted_u` the standard uncertainty of `accepted`;
    `evidenced` what of `accepted` photographs show that were recorded by then (:mod:`farmland.restoration.evidenced`).
    """
    first, end = code_range(tree.codes[0])
    earlier = days_before(moment, RECENT_DAYS)
    asked = {"first": first, "end": end, "target_code": target_code, "recorded": recorded_by(moment, known_at)}
    moments = {"moment": moment, "earlier": earlier} | ({} if known_at is None else {"known": known_at})
    found = session.execute(_by_unit(known_at is None), asked | moments).all()
    own = np.zeros((len(tree.codes), 1 + len(_SUMS)))
    np.add.at(
        own, tree.places([row[0] for row in found]), np.array([row[1:] for row in found]).reshape(-1, own.shape[1])
    )
    whole = tree.rolled_up(own).round(2)
    columns = dict(zip(_SUMS, (column.copy() for column in whole.T[1:]), strict=True))
    columns["checked"] = (columns["waiting"] + columns["accepted"]).round(2)
    columns["accepted_u"] = np.sqrt(columns.pop("accepted_variance")).round(2)
    return UnitAreas(columns, _shown(tree, columns, np.asarray(own.any(axis=1))), whole[:, 0].astype(np.int64))


def recorded_by(moment: datetime, known_at: datetime | None) -> datetime:
    """By when evidence must be recorded to count at a moment, as known at another (None: now)."""
    return moment if known_at is None else min(moment, known_at)


def _shown(tree: UnitTree, m2: dict[str, Floats], has_own: NDArray[np.bool_]) -> dict[str, Floats]:
    """The sums as mu that add up both ways: over the children of a unit, and over what a figure is made of.

    What is reported is accepted, waits for acceptance, was revoked, or does not count (yet): `other`.
    """
    made_of = ("waiting", "revoked", "other")
    m2 = m2 | {"other": np.maximum(m2["reported"] - m2["checked"] - m2["revoked"], 0.0)}
    top = {name: float(np.round(m2_to_mu(m2[name][0]), 2)) for name in ("reported", "accepted", "rejected", "earlier")}
    parts = m2_to_mu(np.array([m2[name][0] for name in made_of]))
    top |= dict(zip(made_of, shares_of(top["reported"] - top["accepted"], parts).tolist(), strict=True))
    names = ("accepted", "rejected", "earlier", *made_of)
    exact = m2_to_mu(np.array([m2[name] for name in names]))
    fitted = _down_the_tree(tree, exact, np.array([top[name] for name in names]), has_own)
    shown = dict(zip(names, fitted, strict=True))
    shown["checked"] = (shown["accepted"] + shown["waiting"]).round(2)
    shown["reported"] = (shown["checked"] + shown["revoked"] + shown["other"]).round(2)
    shown["accepted_u"] = m2_to_mu(m2["accepted_u"]).round(2)
    evidenced = m2_to_mu(m2["evidenced"])[None]
    # A part of what is accepted is never shown as more than it.
    (shown["evidenced"],) = _down_the_tree(tree, evidenced, evidenced[:, 0].round(2), has_own, shown["accepted"][None])
    return shown


def _down_the_tree(
    tree: UnitTree, exact: Floats, top: Floats, has_own: NDArray[np.bool_], most: Floats | None = None
) -> Floats:
    """k figures of n units, shape (k, n), with two decimals from `top` (k,) down: children add up to their parent's.

    No figure is larger than the one of `most`, shape (k, n), which add up in the same way (None: as large as they come).
    """
    shown = exact.round(2)
    shown[:, 0] = top
    figures, units = shown.shape
    for rows in tree.below():
        # Claims of the parent itself, at no child, leave a rest: then its children are rounded each for itself.
        rows = rows[~has_own[tree.parent[rows]]]
        if len(rows):
            owner = np.arange(figures)[:, None] * units + tree.parent[rows]
            parts = (shown.ravel(), exact[:, rows].ravel(), owner.ravel())
            given = shares(*parts) if most is None else shares_within(*parts, most[:, rows].ravel())
            shown[:, rows] = given.reshape(figures, -1)
    return shown


_SUMS = ("reported", "waiting", "accepted", "rejected", "revoked", "earlier", "evidenced", "accepted_variance")


_BITS = {state: 1 << place for place, state in enumerate(State)}


@cache
def _by_unit(as_known_now: bool) -> Select[*tuple[Any, ...]]:
    """The number of claims and the sums of m², in the order of _SUMS, by unit; put together once, as it is asked often.

    A claim reaches a state at most once: the sum of the bits of its steps tells which it has reached.
    """
    bit = case(_BITS, value=Step.state)
    then = case((Step.at <= bindparam("earlier", type_=Moment), bit), else_=0)
    steps = (
        select(Step.claim_id, func.sum(bit).label("now"), func.sum(then).label("then"))
        .where(
            Step.at <= bindparam("moment", type_=Moment),
            known(None if as_known_now else bindparam("known", type_=Moment)),
        )
        .group_by(Step.claim_id)
        .subquery("steps")
    )

    def area(column: Any, reached: ColumnElement[int], state: State, *nor: State) -> ColumnElement[float]:
        """The sum over the claims that reached `state`, and none of `nor`."""
        mask = _BITS[state] + sum(_BITS[other] for other in nor)
        return func.sum(case((reached.bitwise_and(mask) == _BITS[state], column), else_=0.0))

    now = steps.c.now
    seen = case((Claim.evidenced_at <= bindparam("recorded", type_=Moment), Claim.accepted_net_m2), else_=0.0)
    variance = func.coalesce(Claim.accepted_net_u_m2 * Claim.accepted_net_u_m2, 0.0)
    sums: dict[str, ColumnElement[float]] = {
        "reported": func.sum(Claim.gross_m2),
        "waiting": area(Claim.reported_net_m2, now, State.CHECKED, State.ACCEPTED, State.REJECTED),
        "accepted": area(Claim.accepted_net_m2, now, State.ACCEPTED, State.REVOKED),
        "rejected": area(Claim.gross_m2, now, State.REJECTED),
        "revoked": area(Claim.accepted_net_m2, now, State.REVOKED),
        "earlier": area(Claim.accepted_net_m2, steps.c.then, State.ACCEPTED, State.REVOKED),
        "evidenced": area(seen, now, State.ACCEPTED, State.REVOKED),
        "accepted_variance": area(variance, now, State.ACCEPTED, State.REVOKED),
    }
    return (
        select(Claim.unit_code, func.count(), *(sums[name] for name in _SUMS))
        .join_from(Claim, steps, steps.c.claim_id == Claim.id)
        .where(Claim.unit_code >= bindparam("first"), Claim.unit_code < bindparam("end"))
        .where(Claim.target_code == bindparam("target_code"))
        .group_by(Claim.unit_code)
    )
