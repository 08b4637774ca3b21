"""The audit (核查全部): all rules over all claims at once, measured anew, as of a moment."""

from collections import defaultdict
from datetime import datetime
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.land.units import get_unit, is_within
from farmland.restoration.claims import STATE_NAMES_ZH, Claim, Deduction, State, Step, known
from farmland.restoration.net_area import Stage
from farmland.restoration.rules import judge
from farmland.restoration.rules.batch import Batch, Holding, Judged, Surroundings
from farmland.restoration.rules.rule import SEVERITY_NAMES, Rule, Severity
from farmland.restoration.rules.targets import lowered
from farmland.restoration.targets import AreaBasis, Target
from farmland.restoration.thresholds import Thresholds
from geodata.area import m2_to_mu
from geodata.column import decode, raw
from geodata.crs import STORAGE
from geodata.problems import Language

COLUMNS = ["claim", "unit_code", "unit_name", "state", "rule", "severity", "zh", "en", "area_m2", "geometry"]
TITLES = {
    "claim": "申报 claim",
    "unit_code": "单位代码 unit",
    "unit_name": "单位 unit name",
    "state": "状态 state",
    "rule": "规则 rule",
    "severity": "性质 severity",
    "sentence": "说明 sentence",
    "area_m2": "面积 area m²",
    "area_mu": "面积 area mu",
}


def audit(session: Session, unit_code: str, moment: datetime, thresholds: Thresholds | None = None) -> gpd.GeoDataFrame:
    """Every case of every rule in a unit and below it, as of a moment: a row each, with COLUMNS.

    Claims that were rejected or revoked by then are not looked at. `area_m2` is the area that the rule speaks of, else the
    claim's net area; `geometry` the place that it speaks of, else the claim's polygon; `rule` holds :class:`Rule`.
    """
    unit = get_unit(session, unit_code)
    thresholds = thresholds or Thresholds()
    holdings, judged, around = _claims(session, unit.code, moment)
    records: list[tuple[Any, ...]] = []
    for stage, claims in judged.items():
        if not claims or around is None:
            continue
        batch = Batch(claims, around, stage, moment, holdings)
        for case in judge(batch, thresholds):
            claim = claims[case.row]
            net_m2 = claim.gross_m2 - sum(area for _, area, _ in claim.cuts)
            zh, en = (case.rule.sentence(case.facts, language) for language in ("zh", "en"))
            name = around.unit_names[claim.unit_code]
            area_m2 = round(float(case.facts.get("area_m2", net_m2)), 2)
            place = claim.polygon if case.place is None else case.place
            records.append(
                (
                    claim.number,
                    claim.unit_code,
                    name,
                    claim.steps[-1].state,
                    case.rule,
                    case.severity,
                    zh,
                    en,
                    area_m2,
                    place,
                )
            )
    for code, rule, facts in lowered(session, unit.code, moment):
        zh, en = (rule.sentence(facts, language) for language in ("zh", "en"))
        records.append((None, code, facts["unit_name"], None, rule, rule.severity, zh, en, None, None))
    frame = pd.DataFrame(records, columns=COLUMNS)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=STORAGE)


def summary(cases: gpd.GeoDataFrame) -> list[tuple[Rule, Severity, int, float]]:
    """For each rule that holds and what follows, how many claims (or parts of targets) and mu it concerns; the gravest first."""
    order = list(Severity)
    rules = {rule.code: rule for rule in cases["rule"]}
    rows = []
    for (code, severity), group in cases.groupby([cases["rule"].map(lambda rule: rule.code), cases["severity"]]):
        subjects = group["claim"].where(group["claim"].notna(), group["unit_code"]).nunique()
        area_mu = round(float(m2_to_mu(group["area_m2"].astype(float).sum())), 2)
        rows.append((rules[str(code)], Severity(severity), int(subjects), area_mu))
    return sorted(rows, key=lambda row: (order.index(row[1]), row[0].code))


def refused_but_accepted(cases: gpd.GeoDataFrame) -> list[str]:
    """The accepted claims that a rule refuses."""
    wrong = cases[(cases["severity"] == Severity.REFUSES) & (cases["state"] == State.ACCEPTED)]
    return sorted(set(wrong["claim"]))


def for_inspectors(cases: gpd.GeoDataFrame, language: Language) -> gpd.GeoDataFrame:
    """The cases as they go into a file, with titles in both languages and the sentence in the reader's."""
    zh = language == "zh"
    shown = cases.copy()
    names = {severity: pair[not zh] for severity, pair in SEVERITY_NAMES.items()}
    shown["sentence"] = shown["zh" if zh else "en"]
    shown["severity"] = [names[severity] for severity in shown["severity"]]
    shown["rule"] = [rule.code for rule in shown["rule"]]
    shown["state"] = [
        None if state is None else (STATE_NAMES_ZH[State(state)] if zh else state) for state in shown["state"]
    ]
    shown["area_mu"] = m2_to_mu(shown["area_m2"].astype(float)).round(2)
    return shown[[*TITLES, "geometry"]].rename(columns=TITLES)


def _claims(
    session: Session, unit_code: str, moment: datetime
) -> tuple[list[Holding], dict[Stage, list[Judged]], Surroundings | None]:
    """All claims around as they were held, those of the unit to be judged at the stage they had reached, what lies around."""
    steps: dict[int, list[Any]] = defaultdict(list)
    for step in session.scalars(select(Step).where(Step.at <= moment, known(None)).order_by(Step.at, Step.id)):
        steps[step.claim_id].append(step)
    rows = session.execute(
        select(
            *(getattr(Claim, name) for name in _FIELDS),
            Target.area_basis,
            raw(Claim.geometry).label("geometry"),
            raw(Claim.reported_net).label("reported_net"),
            raw(Claim.accepted_net).label("accepted_net"),
        )
        .join(Target, Target.code == Claim.target_code)
        .order_by(Claim.id)
    ).all()
    rows = [row for row in rows if row.id in steps]
    whole, reported, accepted = (decode([getattr(row, name) for row in rows]) for name in _GEOMETRIES)
    holdings = []
    for row, polygon, reported_net, accepted_net in zip(rows, whole, reported, accepted, strict=True):
        taken = {State(one.state): one.at for one in steps[row.id]}
        ends = [taken[state] for state in (State.REJECTED, State.REVOKED) if state in taken]
        held = Holding(row.id, row.number, row.unit_code, polygon, row.fingerprint, reported_net, steps[row.id][0].at)
        held.accepted_net = accepted_net if State.ACCEPTED in taken else None
        held.until = min(ends, default=None)
        holdings.append(held)
    here = [n for n, one in enumerate(holdings) if one.until is None and is_within(one.unit_code, unit_code)]
    judged: dict[Stage, list[Judged]] = {stage: [] for stage in Stage}
    if not here:
        return holdings, judged, None
    cuts = _cuts(session)
    for n in here:
        row, one = rows[n], holdings[n]
        stage = Stage.REPORTED if one.accepted_net is None else Stage.ACCEPTED
        deducted = row.area_basis == AreaBasis.RIDGES_DEDUCTED
        judged[stage].append(
            Judged(
                row.id,
                row.number,
                row.unit_code,
                one.polygon,
                row.fingerprint,
                row.gross_m2,
                one.held,
                cuts[row.id, stage],
                row.ridge_factor,
                deducted,
                row.typed_area_mu,
                row.method,
                row.gross_u_m2,
                row.track,
                row.source_kind,
                steps[row.id],
                row.origin,
                row.before_asked,
                row.evidenced_at,
            )
        )
    bounds = shapely.total_bounds(whole[here])
    return holdings, judged, Surroundings(session, bounds, [holdings[n].unit_code for n in here])


def _cuts(session: Session) -> dict[tuple[int, str], list[Any]]:
    """What was deducted from each claim at each stage: reason, area in m², place."""
    rows = session.execute(
        select(
            Deduction.claim_id, Deduction.stage, Deduction.reason, Deduction.area_m2, raw(Deduction.geometry)
        ).order_by(Deduction.id)
    ).all()
    places = decode([row[-1] for row in rows])
    cuts: dict[tuple[int, str], list[Any]] = defaultdict(list)
    for row, place in zip(rows, places, strict=True):
        cuts[row.claim_id, row.stage].append((row.reason, row.area_m2, place))
    return cuts


_GEOMETRIES = ("geometry", "reported_net", "accepted_net")
_FIELDS = (
    "id",
    "number",
    "unit_code",
    "target_code",
    "fingerprint",
    "gross_m2",
    "gross_u_m2",
    "typed_area_mu",
    "ridge_factor",
    "method",
    "track",
    "source_kind",
    "origin",
    "before_asked",
    "evidenced_at",
)
