"""Import of findings (问题线索): land found abandoned again takes back each accepted claim that it lies on."""

import numpy as np
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload, undefer

from farmland.imports.claims import moments_of
from farmland.imports.rows.checks import (
    check_whole,
    numbers_or_prints,
    place_in_units,
    prints_of,
    refuse_empty,
    refuse_twice,
    sound_geometries,
    unit_codes,
)
from farmland.imports.rows.outcome import Options, Outcome
from farmland.imports.rows.shift import check_copies
from farmland.imports.rows.source import Source
from farmland.people.people import Actor
from farmland.records.city import next_moment
from farmland.records.database import table_of
from farmland.records.ledger import content
from farmland.restoration.claims import Claim, State
from farmland.restoration.findings import Finding, FindingKind
from farmland.restoration.holdings import Ground
from farmland.restoration.transitions import take_step
from geodata.area import areas_m2
from geodata.column import BoundsMeet, decode, next_id, raw, write
from geodata.geometry_faults import fingerprint
from geodata.problems import Kind

BAD_FINDING = Kind(
    "bad_finding",
    "线索类型“{text}”不对：应为 abandoned（复荒）。",
    "The kind of finding “{text}” is wrong: write abandoned.",
)
FINDING_CHANGED = Kind(
    "finding_changed",
    "线索 {number} 已经存在，而图形、时间不同。已登记的线索不能改动；请另编一号。",
    "Finding {number} exists with another polygon or time. A finding cannot be changed: give this one another number.",
)


def import_findings(session: Session, source: Source, options: Options) -> Outcome:
    """Write new findings, known by number; one that is there cannot be changed."""
    outcome = Outcome(len(source.frame))
    kinds = source.text("kind", FindingKind.ABANDONED)
    for i in np.flatnonzero(~np.isin(kinds, list(FindingKind))):
        outcome.refuse([source.numbers[i]], "kind", BAD_FINDING, text=kinds[i])
    refuse_empty(source, "at", source.text("at"), outcome)
    present = options.now or next_moment(session)
    moments = moments_of(source, "at", present, outcome)
    codes = unit_codes(source, "unit_code", outcome)
    geometries, sound = sound_geometries(source, options, outcome)
    check_whole(session, source, geometries)
    codes = place_in_units(session, source, geometries, codes, sound, outcome)
    check_copies(session, source, geometries, sound, outcome)
    prints = prints_of(geometries, sound)
    numbers = numbers_or_prints(source, prints, "F")
    refuse_twice(source, "number", numbers, outcome)
    who, notes = source.text("by", options.actor), source.text("note", "")
    # Fingerprints are taken of the polygons: one written down before repeated corners were left out may be another.
    found = session.execute(select(Finding.number, Finding.at, raw(table_of(Finding).c.geometry))).all()
    held_prints = fingerprint(decode([row[2] for row in found]))
    held = {number: (text, at) for (number, at, _), text in zip(found, held_prints, strict=True)}
    for i in np.flatnonzero([number in held for number in numbers]):
        if held[numbers[i]] != (prints[i], moments[i]):
            outcome.refuse([source.numbers[i]], "number", FINDING_CHANGED, number=numbers[i])
    bad = {row.number for row in outcome.bad}
    good = [i for i in range(len(numbers)) if source.numbers[i] not in bad]
    new = [i for i in good if numbers[i] not in held]
    table, connection = table_of(Finding), session.connection()
    first = next_id(connection, table)
    columns = {
        "id": list(range(first, first + len(new))),
        "number": [numbers[i] for i in new],
        "kind": [kinds[i] for i in new],
        "unit_code": [codes[i] or None for i in new],
        "at": [moments[i] for i in new],
        "by": [who[i] or options.actor for i in new],
        "note": [notes[i] for i in new],
        "area_m2": areas_m2(geometries[new]).round(2).tolist(),
        "fingerprint": [prints[i] for i in new],
        "recorded_at": [present] * len(new),
    }
    write(connection, table, columns, geometries[new], new=True)
    outcome.after = content(table, columns, geometries[new])
    outcome.added, outcome.unchanged = len(new), len(good) - len(new)
    outcome.area_m2 = round(float(areas_m2(geometries[good]).sum()), 2)
    return outcome


def take_back(session: Session, options: Options, outcome: Outcome) -> None:
    """Revoke the accepted claims on whose net area a finding of this import lies, as of the finding's moment.

    A claim is revoked where more than the overlap thresholds of its net area was found abandoned after its acceptance.
    """
    numbers = outcome.after.get("finding", {}).get("number", [])
    findings = session.scalars(
        select(Finding).where(Finding.number.in_(numbers)).options(undefer(Finding.geometry)).order_by(Finding.at)
    ).all()
    if not findings:
        return
    bounds = shapely.total_bounds(np.array([finding.geometry for finding in findings], dtype=object))
    claims = session.scalars(
        select(Claim)
        .where(BoundsMeet(table_of(Claim), bounds), Claim.accepted_net_m2.is_not(None))
        .options(undefer(Claim.geometry), undefer(Claim.accepted_net), selectinload(Claim.steps))
        .order_by(Claim.id)
    ).all()
    if not claims:
        return
    nets = np.array([claim.accepted_net for claim in claims], dtype=object)
    ground = Ground(session, [claim.geometry for claim in claims], [claim.unit_code for claim in claims])
    t, tree = options.thresholds, shapely.STRtree(nets)
    for finding in findings:
        for place in tree.query(finding.geometry, predicate="intersects").tolist():
            claim = claims[place]
            found_m2 = float(areas_m2([shapely.intersection(nets[place], finding.geometry)])[0])
            enough = found_m2 > max(t.overlap_m2, t.overlap_share * (claim.accepted_net_m2 or 0.0))
            if enough and claim.state == State.ACCEPTED and claim.steps[-1].at <= finding.at:
                actor = Actor(finding.by, finding.at, finding.recorded_at)
                take_step(session, claim, State.REVOKED, actor, f"复荒：问题线索 {finding.number}", ground)
