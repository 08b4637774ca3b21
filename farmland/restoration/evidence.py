"""Evidence (证据): photographs and documents that belong to a claim, what they tell, who attached them and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import PureWindowsPath

import numpy as np
from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from farmland.evidence.photographs import PHOTOGRAPH_TYPES, PhotoFacts, photo_facts
from farmland.evidence.store import FILE_DAMAGED, FILE_MISSING, EvidenceStore
from farmland.people.people import Actor
from farmland.records.database import Base, Moment
from farmland.records.ledger import Content, contents, merge, note
from farmland.records.telling import Tell, silent
from farmland.restoration.claims import Claim
from farmland.restoration.evidenced import Photos, evidenced_since
from farmland.restoration.thresholds import Thresholds
from geodata.column import decode, raw
from geodata.problems import Kind, Problem

EMPTY_FILE = Kind(
    "empty_file",
    "这个文件是空的。请检查后再上传。",
    "This file is empty. Look at it, and send it again.",
)
TOO_LARGE = Kind(
    "too_large",
    "这个文件超过上限 {limit_mb} MB。请缩小后再上传，或由管理员调高 TIANZHANG_EVIDENCE_LIMIT_MB。",
    "This file is larger than {limit_mb} MB. Send a smaller one, or have the administrator raise "
    "TIANZHANG_EVIDENCE_LIMIT_MB.",
    "too_large",
)
EVIDENCE_UNKNOWN = Kind(
    "evidence_unknown",
    "申报 {number} 没有编号为 {sha256} 的证据文件。tianzhang evidence list {number} 列出全部。",
    "Claim {number} has no evidence file {sha256}. tianzhang evidence list {number} names all it has.",
    "not_found",
)
NO_THUMBNAIL = Kind(
    "no_thumbnail",
    "文档没有缩略图。请下载原文件。",
    "A document has no thumbnail. Download the file itself.",
    "not_found",
)
DOCUMENT_TYPE = "application/pdf"
MEDIA_TYPES = (*PHOTOGRAPH_TYPES, DOCUMENT_TYPE)
"""What evidence files are, by their content."""


class FileKind(StrEnum):
    """What an evidence file is, by its content."""

    PHOTOGRAPH = "photograph"
    DOCUMENT = "document"


class Purpose(StrEnum):
    """What an evidence file shows of the restoration."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"
    OTHER = "other"


_SHOWING = (Purpose.BEFORE, Purpose.AFTER)


class Evidence(Base):
    """A file attached to a claim. Its content is in the store, by its SHA-256; what it tells is None where it is silent.

    `client_at` is when the phone says that it was attached, `recorded_at` when the system learned of it, `purpose_at` when it
    learned what the file shows, where that came later. Degrees, metres and
    the bearing are those of :class:`farmland.evidence.photographs.PhotoFacts`; `size` is in bytes.
    """

    __tablename__ = "evidence"
    id: Mapped[int] = mapped_column(primary_key=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id"))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[FileKind] = mapped_column(String(10))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    taken_at: Mapped[datetime | None] = mapped_column(Moment)
    longitude: Mapped[float | None]
    latitude: Mapped[float | None]
    accuracy_m: Mapped[float | None]
    bearing: Mapped[float | None]
    device: Mapped[str | None] = mapped_column(String(100))
    perceptual_hash: Mapped[str | None] = mapped_column(String(16), index=True)
    purpose: Mapped[Purpose] = mapped_column(String(6))
    by: Mapped[str] = mapped_column(String(100))
    client_at: Mapped[datetime | None] = mapped_column(Moment)
    recorded_at: Mapped[datetime] = mapped_column(Moment)
    purpose_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (UniqueConstraint("claim_id", "sha256", name="evidence_claim_sha256"),)


_OF_CONTENT = select(Evidence).where(
    Evidence.claim_id == bindparam("claim_id", type_=Integer), Evidence.sha256 == bindparam("sha256", type_=String)
)
_EARLIER = aliased(Evidence)
_SHOWN = (
    select(
        Evidence.claim_id,
        Evidence.purpose,
        func.coalesce(Evidence.purpose_at, Evidence.recorded_at, type_=Evidence.recorded_at.type),
        Evidence.longitude,
        Evidence.latitude,
        Evidence.accuracy_m,
        select(_EARLIER.id)
        .where(_EARLIER.sha256 == Evidence.sha256, _EARLIER.claim_id != Evidence.claim_id, _EARLIER.id < Evidence.id)
        .exists(),
        Claim.before_asked,
        raw(Claim.geometry),
    )
    .join(Claim, Claim.id == Evidence.claim_id)
    .where(Evidence.kind == FileKind.PHOTOGRAPH, Evidence.purpose.in_(_SHOWING))
    .order_by(Evidence.id)
)
_SHOWN_OF_CLAIM = _SHOWN.where(Evidence.claim_id == bindparam("claim_id", type_=Integer))


@dataclass(frozen=True)
class Received:
    """A file that was judged and is in the store: all that its content tells. `photo` is None for a document."""

    sha256: str
    size: int
    photo: PhotoFacts | None


def receive(store: EvidenceStore, content: bytes, limit: int) -> Received:
    """Judge a file by its content, and put it into the store. What no record speaks of afterwards does no harm there.

    Apart from :func:`attach`, because it may take seconds, which nobody with something to write should wait for.
    `limit` is in bytes. Raises EMPTY_FILE, TOO_LARGE, STORE_FAULT, and what :func:`photo_facts` does.
    """
    if not content:
        raise Problem(EMPTY_FILE)
    if len(content) > limit:
        raise too_large(limit)
    photo = None if content.startswith(b"%PDF-") else photo_facts(content)
    return Received(store.put(content), len(content), photo)


def too_large(limit: int) -> Problem:
    """What is said of a file of more than `limit` bytes."""
    return Problem(TOO_LARGE, limit_mb=f"{limit / 1_000_000:g}")


def attach(
    session: Session,
    claim: Claim,
    file: Received,
    name: str,
    purpose: Purpose,
    actor: Actor,
    client_at: datetime | None = None,
) -> Evidence:
    """Attach a file to a claim. The same content again changes nothing, whatever it is called then.

    But where nobody had said what it shows, that can be said later. A photograph by which the claim is evidenced writes so on
    the claim. Only under the right to write. `name` is kept without folders and without signs that cannot be shown.
    """
    held = session.scalar(_OF_CONTENT, {"claim_id": claim.id, "sha256": file.sha256})
    if held is not None:
        if held.purpose == Purpose.OTHER != purpose:
            before = contents(held)
            held.purpose, held.purpose_at = purpose, actor.recorded_at
            session.flush()
            _note(session, claim, held, actor, before)
        return held
    photo = file.photo
    evidence = Evidence(
        claim_id=claim.id,
        sha256=file.sha256,
        kind=FileKind.PHOTOGRAPH if photo else FileKind.DOCUMENT,
        media_type=photo.media_type if photo else DOCUMENT_TYPE,
        size=file.size,
        name=_shown_name(name) or file.sha256[:12],
        taken_at=photo and photo.taken_at,
        longitude=photo and photo.longitude,
        latitude=photo and photo.latitude,
        accuracy_m=photo and photo.accuracy_m,
        bearing=photo and photo.bearing,
        device=photo and photo.device,
        perceptual_hash=photo and photo.perceptual_hash,
        purpose=purpose,
        by=actor.name,
        client_at=client_at,
        recorded_at=actor.recorded_at,
    )
    session.add(evidence)
    session.flush()
    _note(session, claim, evidence, actor, {})
    return evidence


def _note(session: Session, claim: Claim, evidence: Evidence, actor: Actor, before: Content) -> None:
    """Write what a file changes: its own row, and the claim's where it is evidenced from now on."""
    changed: list[Base] = [evidence]
    if evidence.kind == FileKind.PHOTOGRAPH and evidence.purpose in _SHOWING and claim.evidenced_at is None:
        since = claims_evidenced(session, claim.id).get(claim.id)
        if since is not None:
            merge(before, contents(claim))
            claim.evidenced_at = since
            session.flush()
            changed.append(claim)
    note(
        session,
        "claim.evidence",
        claim.number,
        claim.unit_code,
        actor=actor.name,
        at=actor.recorded_at,
        before=before,
        after=contents(*changed),
    )


def claims_evidenced(session: Session, claim_id: int | None = None) -> dict[int, datetime]:
    """Since when claims are evidenced, by their ids, computed from the photographs; of all claims, or of one."""
    asked_for = (_SHOWN,) if claim_id is None else (_SHOWN_OF_CLAIM, {"claim_id": claim_id})
    rows = session.execute(*asked_for).all()
    asked = np.array([row[-2] for row in rows], dtype=bool)
    polygons = decode([row[-1] for row in rows])
    return evidenced_since(Photos.of(row[:-2] for row in rows), polygons, asked, Thresholds.photo_m)


def evidence_of(session: Session, claim: Claim) -> list[Evidence]:
    """The files of a claim, in the order in which they were attached."""
    return list(session.scalars(select(Evidence).where(Evidence.claim_id == claim.id).order_by(Evidence.id)))


def get_evidence(session: Session, claim: Claim, sha256: str) -> Evidence:
    """The claim's file with that SHA-256. Raises EVIDENCE_UNKNOWN."""
    found = session.scalar(_OF_CONTENT, {"claim_id": claim.id, "sha256": sha256})
    if found is None:
        raise Problem(EVIDENCE_UNKNOWN, number=claim.number, sha256=sha256)
    return found


def thumbnail_of(store: EvidenceStore, evidence: Evidence, pixels: int) -> bytes:
    """A small JPEG of a photograph. Raises NO_THUMBNAIL, and what :meth:`EvidenceStore.get` does."""
    if evidence.kind != FileKind.PHOTOGRAPH:
        raise Problem(NO_THUMBNAIL)
    return store.thumbnail(evidence.sha256, pixels)


def check(
    session: Session, store: EvidenceStore, tell: Tell = silent
) -> Iterator[tuple[list[tuple[str, str]], Problem]]:
    """Read every content that the records speak of; for each missing or damaged one, its claims and names, and the fault.

    The pairs are (claim number, file name). Raises STORE_FAULT.
    """
    of_content: dict[str, list[tuple[str, str]]] = {}
    query = select(Evidence.sha256, Claim.number, Evidence.name).join(Claim, Claim.id == Evidence.claim_id)
    for sha256, number, name in session.execute(query.order_by(Evidence.id)):
        of_content.setdefault(sha256, []).append((number, name))
    for place, (sha256, owners) in enumerate(of_content.items()):
        tell(place / len(of_content), f"核对 {place:,}/{len(of_content):,}", f"checking {place:,}/{len(of_content):,}")
        try:
            store.get(sha256)
        except Problem as problem:
            if problem.kind not in (FILE_MISSING, FILE_DAMAGED):
                raise
            yield owners, problem


def _shown_name(name: str) -> str:
    plain = "".join(letter for letter in PureWindowsPath(name).name if letter.isprintable())  # / and \ part folders
    return plain.strip()[-200:]
