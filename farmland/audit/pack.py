"""The auditor's pack: a sample of a unit's accepted claims, and all that is needed to recount the unit's figure without us.

The same questions to the same records give the same bytes; only the seal, which says when it was made, is apart.
"""

import hashlib
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from farmland.audit.facts import deductions_of, described, entries_of, evidence_files_of, history_of, others_of
from farmland.audit.sample import Asked, draw, farmland_near, polygons_of, population, units_of
from farmland.evidence.store import FILE_DAMAGED, FILE_MISSING, EvidenceStore
from farmland.figures.progress import Progress, progress
from farmland.figures.warning import WarningColours
from farmland.figures.waterfall import BAR_NAMES, waterfall
from farmland.keeping.seal import Seal
from farmland.records.ledger import head
from farmland.restoration.claims import State
from geodata.crs import STORAGE
from geodata.problems import Kind, Problem
from geodata.writers import FOLDER_MISSING, write_exactly, write_layers, write_table

NOTHING_ACCEPTED = Kind(
    "nothing_accepted",
    "{unit_name}到 {moment:%Y-%m-%d %H:%M} 为止没有已验收的申报，没有可抽查的。请核对单位和日期。",
    "{unit_name} has no accepted claim by {moment:%Y-%m-%d %H:%M}: there is nothing to draw from. Check the unit and the "
    "day.",
    "conflict",
)
OUTPUT_TAKEN = Kind(
    "output_taken",
    "{output} 已存在，且不是空文件夹。请另写一个新文件夹，或以 .zip 结尾的文件名。",
    "{output} is there already and is no empty folder. Name a new folder, or a file ending in .zip.",
    "conflict",
)
MANIFEST = "manifest.sha256"


@dataclass(frozen=True)
class Pack:
    """What was written: how many claims there were to draw from, how many were drawn, the files, and the fingerprint.

    `fingerprint` is the SHA-256 of the manifest, which holds that of every file but the seal's. `faulty` evidence files
    are missing in the store, or damaged there.
    """

    accepted: int
    drawn: int
    files: int
    faulty: int
    fingerprint: str


def write_audit_pack(
    session: Session,
    store: EvidenceStore,
    output: Path,
    unit_code: str,
    moment: datetime,
    *,
    sample: int,
    seed: int,
    known_at: datetime | None = None,
    colours: WarningColours | None = None,
    seal: Seal | None = None,
) -> Pack:
    """Write the pack into a new folder, or into one file if `output` ends in .zip; whole or not at all.

    Raises UNIT_UNKNOWN, NOTHING_ACCEPTED, OUTPUT_TAKEN, FOLDER_MISSING, STORE_FAULT.
    """
    zipped = output.suffix.lower() == ".zip"
    if not output.parent.is_dir():
        raise Problem(FOLDER_MISSING, folder=output.parent)
    if output.exists() and (output.is_file() != zipped or (not zipped and any(output.iterdir()))):
        raise Problem(OUTPUT_TAKEN, output=output)
    shown = progress(session, unit_code, moment, colours=colours, known_at=known_at)
    asked = Asked(shown.unit_code, shown.target_code, moment, known_at)
    claims = population(session, asked)
    accepted = claims[claims["state"] == State.ACCEPTED]
    if accepted.empty:
        raise Problem(NOTHING_ACCEPTED, unit_name=shown.unit_name, moment=moment)
    drawn = draw(accepted, sample, seed)
    with tempfile.TemporaryDirectory(dir=output.parent) as place:
        folder = Path(place) / "pack"
        for part in (folder / "polygons", folder / "evidence"):
            part.mkdir(parents=True)
        write_table(claims.assign(draw=drawn.astype("Int64")), folder / "population.csv")
        chosen = described(session, accepted.loc[drawn.index]).assign(draw=drawn)
        _write_land(session, folder, asked, accepted, chosen)
        write_table(history_of(session, chosen, asked), folder / "history.csv")
        write_table(entries_of(session, chosen), folder / "ledger.csv")
        faulty = _write_evidence(session, store, folder, chosen)
        _write_figures(session, folder, asked, shown)
        facts = _facts(session, asked, shown, sample, seed, len(accepted), len(drawn))
        _write_json(folder / "pack.json", facts)
        written = files("farmland.audit") / "data"
        (folder / "recount.py").write_bytes((written / "recount.py").read_bytes())
        readme = (
            (written / "README.txt")
            .read_text(encoding="utf-8")
            .format(**facts, known_then=facts["known_at"] or "制作时 its making")
        )
        (folder / "README.txt").write_text(readme, encoding="utf-8", newline="\n")
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        manifest = "".join(f"{_sha256(folder / name)}  {name}\n" for name in names)
        (folder / MANIFEST).write_text(manifest, encoding="utf-8", newline="\n")
        if seal is not None:
            (folder / "seal.json").write_text(seal.model_dump_json(indent=2) + "\n", encoding="utf-8", newline="\n")
        if zipped:
            _zip(folder, Path(place) / "pack.zip")
            (Path(place) / "pack.zip").replace(output)
        else:
            if output.exists():
                output.rmdir()
            folder.rename(output)
    return Pack(len(accepted), len(drawn), len(names), faulty, hashlib.sha256(manifest.encode()).hexdigest())


def _write_land(session: Session, folder: Path, asked: Asked, accepted: pd.DataFrame, chosen: pd.DataFrame) -> None:
    """The polygons of all accepted claims, to be recounted, and those of the sample with what is known of them."""
    reported, net = polygons_of(session, accepted)
    units, farmland = units_of(session, asked), farmland_near(session, np.concatenate([reported, net]))
    keys = [f"{year}-{number}" for year, number in zip(farmland["year"], farmland["number"], strict=True)]
    numbers = accepted["number"].tolist()
    for name, named, polygons in (
        ("net", numbers, net),
        ("reported", numbers, reported),
        ("units", units["code"].tolist(), units.geometry.to_numpy()),
        ("farmland", keys, farmland.geometry.to_numpy()),
    ):
        write_exactly(named, polygons, folder / "polygons" / f"{name}.geojson")

    place = accepted.index.get_indexer(chosen.index)
    cuts = deductions_of(session, chosen)
    others = others_of(session, sorted(cuts["other_claim"].dropna().unique()), asked)
    near = shapely.STRtree(farmland.geometry.to_numpy()).query(shapely.box(*shapely.bounds(reported[place]).T))[1]
    concerned = units["code"].isin({asked.unit_code, *chosen["unit_code"]})
    facts = chosen.reset_index(drop=True)
    layers = {
        "reported": gpd.GeoDataFrame(facts, geometry=reported[place], crs=STORAGE),
        "net": gpd.GeoDataFrame(facts, geometry=net[place], crs=STORAGE),
        "deductions": cuts,
        "other_claims": others,
        "units": units[concerned],
        "baseline_farmland": farmland.iloc[np.unique(near)],
    }
    write_layers(layers, folder / "claims.gpkg", asked.moment)
    inner = shapely.point_on_surface(net[place])
    write_table(
        facts.assign(longitude=shapely.get_x(inner).round(6), latitude=shapely.get_y(inner).round(6)),
        folder / "sample.csv",
    )
    write_table(pd.DataFrame(cuts.drop(columns="geometry")), folder / "deductions.csv")


def _write_evidence(session: Session, store: EvidenceStore, folder: Path, chosen: pd.DataFrame) -> int:
    """The evidence files under their SHA-256, and the list of them; how many are missing or damaged in the store."""
    listed = evidence_files_of(session, chosen)
    kinds = zip(listed["sha256"], listed["media_type"], strict=True)
    listed["file"] = [f"evidence/{sha256}.{media_type.rpartition('/')[2]}" for sha256, media_type in kinds]
    faults: dict[str, str] = {}
    for sha256, name in sorted(set(zip(listed["sha256"], listed["file"], strict=True))):
        try:
            (folder / name).write_bytes(store.get(sha256))
        except Problem as problem:
            if problem.kind not in (FILE_MISSING, FILE_DAMAGED):
                raise
            faults[sha256] = problem.code
    listed["fault"] = listed["sha256"].map(faults).fillna("")
    write_table(listed, folder / "evidence.csv")
    return len(faults)


def _write_figures(session: Session, folder: Path, asked: Asked, shown: Progress) -> None:
    """The published figures: progress, and the waterfall."""
    bars = waterfall(session, asked.unit_code, asked.moment, known_at=asked.known_at)
    _write_json(folder / "progress.json", shown._asdict())
    _write_json(folder / "waterfall.json", [vars(bar) for bar in bars])
    table = pd.DataFrame([vars(bar) for bar in bars])
    table.insert(1, "reason_zh", [BAR_NAMES[bar.reason][0] for bar in bars])
    write_table(table, folder / "waterfall.csv")


def _facts(
    session: Session, asked: Asked, shown: Progress, sample: int, seed: int, accepted: int, drawn: int
) -> dict[str, Any]:
    """What the pack was asked, and from which entry of the ledger it was made."""
    entry, last = head(session)
    return {
        "unit_code": asked.unit_code,
        "unit_name": shown.unit_name,
        "target_code": asked.target_code,
        "as_of": asked.moment.isoformat(),
        "known_at": asked.known_at.isoformat() if asked.known_at else None,
        "sample": sample,
        "seed": seed,
        "accepted": accepted,
        "drawn": drawn,
        "accepted_m2": shown.accepted_m2,
        "accepted_mu": shown.accepted_mu,
        "evidenced_m2": shown.evidenced_m2,
        "evidenced_mu": shown.evidenced_mu,
        "ledger_entry": entry,
        "ledger_head": last,
        "numpy": np.__version__,
    }


def _write_json(path: Path, content: Any) -> None:
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _zip(folder: Path, path: Path) -> None:
    """All files of a folder in one, by name, none with a date."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix())  # of 1 January 1980, whatever the day
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            whole.writestr(entry, file.read_bytes())
