"""The mark that a report carries: its figures, and the entry of the ledger up to which they were computed.

A mark is one line of text, in the report as a QR code and where a program finds it. With it `tianzhang verify --report`
says whether the figures are those of the ledger, and whether the ledger is still the one from which they were computed.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import segno
from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.figures.progress import Progress, progress
from farmland.records.ledger import Entry, head
from geodata.problems import Kind, Problem

NO_MARK = Kind(
    "no_mark",
    "{file} 里没有田长系统的台账标记，无法核对。请用系统导出的原文件（网页、PDF、PNG、JSON、CSV、XLSX、GPKG）。",
    "{file} carries no mark of the ledger, so it cannot be checked. Use the file as the system wrote it (HTML, PDF, PNG, "
    "JSON, CSV, XLSX, GPKG).",
)
OTHER_LEDGER = Kind(
    "other_ledger",
    "{mark}：台账第 {entry} 条的指纹现在是 {now}，报告写的是 {then}。台账被改写过，或报告不是出自本库。",
    "{mark}: entry {entry} of the ledger now has the fingerprint {now}, the report says {then}. The ledger was rewritten, "
    "or the report is of another database.",
    "conflict",
)
FIGURE_DIFFERS = Kind(
    "figure_differs",
    "{unit_code} 截至 {as_of:%Y-%m-%d %H:%M} 的{name_zh}面积：报告写 {said:,.2f} m²，按台账应为 {counted:,.2f} m²。",
    "The {name_en} area of {unit_code} as of {as_of:%Y-%m-%d %H:%M}: the report says {said:,.2f} m², the ledger gives "
    "{counted:,.2f} m².",
    "conflict",
)
_FIGURES = {"reported": "上报", "checked": "核查", "accepted": "验收", "evidenced": "有照片佐证的"}
_FORM = re.compile(
    rb"tianzhang:1;(?P<unit_code>\d{12,14});(?P<target_code>[^;]*);(?P<as_of>[0-9T:.+-]+);(?P<known_at>[0-9T:.+-]*);"
    rb"reported=(?P<reported>[\d.]+);checked=(?P<checked>[\d.]+);accepted=(?P<accepted>[\d.]+);"
    rb"(?:evidenced=(?P<evidenced>[\d.]+);)?"
    rb"(?P<entry>\d+)-(?P<head>[0-9a-f]{12})"
)


@dataclass(frozen=True)
class Mark:
    """A report's figures (m²) for a unit and a target as of a moment, as known at another, and the ledger's head then.

    Marks of before say nothing of what is evidenced.
    """

    unit_code: str
    target_code: str
    as_of: datetime
    known_at: datetime | None
    reported: float
    checked: float
    accepted: float
    entry: int
    head: str
    evidenced: float | None = None

    @property
    def fingerprint(self) -> str:
        """The entry's number and the beginning of its hash, as people compare them.

        >>> Mark("430582000000", "", datetime(2022, 4, 26), None, 0, 0, 0, 2914, "008d834f550e").fingerprint
        '2914-008d-834f-550e'
        """
        return f"{self.entry}-{self.head[:4]}-{self.head[4:8]}-{self.head[8:]}"

    @property
    def text(self) -> str:
        """The mark as the report carries it."""
        known_at = self.known_at.isoformat() if self.known_at else ""
        held = {name: getattr(self, name) for name in _FIGURES}
        figures = ";".join(f"{name}={area_m2:.2f}" for name, area_m2 in held.items() if area_m2 is not None)
        named = f"{self.unit_code};{self.target_code};{self.as_of.isoformat()};{known_at}"
        return f"tianzhang:1;{named};{figures};{self.entry}-{self.head}"


def marks_of(session: Session, rows: Sequence[Progress], known_at: datetime | None = None) -> list[Mark]:
    """The marks of figures that were computed in this session."""
    entry, hash_ = head(session)
    return [
        Mark(
            row.unit_code,
            row.target_code or "",
            row.as_of,
            known_at,
            row.reported_m2,
            row.checked_m2,
            row.accepted_m2,
            entry,
            hash_[:12],
            row.evidenced_m2,
        )
        for row in rows
    ]


def mark_of(session: Session, row: Progress, known_at: datetime | None = None) -> Mark:
    """The mark of one figure."""
    return marks_of(session, [row], known_at)[0]


def qr_rows(text: str) -> list[list[int]]:
    """A mark's QR code as rows of dark (1) and light (0) squares."""
    return [list(row) for row in segno.make(text, error="m", micro=False).matrix]


def read_marks(path: Path) -> list[Mark]:
    """The marks in a report, each once. Raises NO_MARK."""
    try:
        found = {match.group(0): match for content in _contents(path) for match in _FORM.finditer(content)}
    except OSError:
        found = {}
    if not found:
        raise Problem(NO_MARK, file=path)
    marks = (match.groupdict(b"") for match in found.values())
    return [_mark({name: value.decode() for name, value in mark.items()}) for mark in marks]


def check_mark(session: Session, mark: Mark) -> list[Problem]:
    """What of a mark does not agree with the ledger; the figures are computed again as they were known then."""
    held = session.execute(select(Entry.at, Entry.hash).where(Entry.seq == mark.entry)).one_or_none()
    now = held.hash[:12] if held else "—"
    if held is None or now != mark.head:
        facts = {"entry": mark.entry, "now": now, "then": mark.head}
        return [Problem(OTHER_LEDGER, mark=mark.fingerprint, **facts)]
    known_at = min(mark.known_at, held.at) if mark.known_at else held.at
    row = progress(session, mark.unit_code, mark.as_of, target_code=mark.target_code or None, known_at=known_at)
    found = []
    for name, zh in _FIGURES.items():
        said, counted = getattr(mark, name), getattr(row, f"{name}_m2")
        if said is not None and abs(said - counted) >= 0.005:
            facts = {"name_zh": zh, "name_en": name, "said": said, "counted": counted}
            found.append(Problem(FIGURE_DIFFERS, unit_code=mark.unit_code, as_of=mark.as_of, **facts))
    return found


def _contents(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    yield content
    if zipfile.is_zipfile(io.BytesIO(content)):  # XLSX
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield archive.read(name)


def _mark(fields: dict[str, str]) -> Mark:
    return Mark(
        fields["unit_code"],
        fields["target_code"],
        datetime.fromisoformat(fields["as_of"]),
        datetime.fromisoformat(fields["known_at"]) if fields["known_at"] else None,
        float(fields["reported"]),
        float(fields["checked"]),
        float(fields["accepted"]),
        int(fields["entry"]),
        fields["head"],
        float(fields["evidenced"]) if fields["evidenced"] else None,
    )
