"""The auditor's pack: a stranger recounts the figure from it, draws the sample again, and finds out what was altered."""

import ast
import csv
import hashlib
import io
import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from conftest import FOR_THE_GROUND, NEXT_VILLAGE, START, TOWN, UNSEEN, VILLAGE, Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from farmland.audit.pack import write_audit_pack
from farmland.evidence.store import EvidenceStore
from farmland.keeping.seal import make_key, read_seal
from farmland.keeping.tables import BaselinePatch
from farmland.records.database import Database, table_of
from farmland.restoration.claims import Claim, State, get_claim
from farmland.restoration.evidence import Purpose, attach, receive
from farmland.restoration.targets import Target
from farmland.restoration.transitions import Actor, Report, report_claim, take_step
from geodata.column import write
from geodata.problems import Problem

RECOUNT = Path(__file__).parent.parent / "farmland" / "audit" / "data" / "recount.py"
FARMLAND = shapely.box(111.7235, 27.2500, 111.7240, 27.2520)
STRADDLING = shapely.box(111.7230, 27.2500, 111.7251, 27.2520)
DEDUCTIONS = ("outside_unit_m2", "baseline_farmland_m2", "other_claim_m2", "ridges_m2")


def actor(minutes: int, recorded: int | None = None, name: str = "officer") -> Actor:
    at = START + timedelta(minutes=minutes)
    return Actor(name, at, START + timedelta(minutes=minutes if recorded is None else recorded))


def claim_of(session, number: str, land: shapely.Geometry, minutes: int, *states: State, unit: str = VILLAGE) -> Claim:
    """A claim that goes through these states, a minute each."""
    report = Report(unit, land, "f", number=number, ridge_factor=0.1, former_use="果园", crop="大豆")
    claim = report_claim(session, report, actor(minutes, name="village"))
    for later, state in enumerate(states, start=1):
        take_step(session, claim, state, actor(minutes + later), "because", thresholds=UNSEEN)
    return claim


def add_farmland(database: Database, *fields: shapely.Polygon) -> None:
    count = len(fields)
    columns = {"id": list(range(1, count + 1)), "year": [2019] * count, "number": [f"B{n}" for n in range(count)],
               "land_class": ["0101"] * count, "ridge_factor": [0.0] * count, "area_m2": [1.0] * count,
               "fingerprint": [""] * count}  # fmt: skip
    with database.writing() as session:
        write(session.connection(), table_of(BaselinePatch), columns, np.array(fields, dtype=object), new=True)


def picture() -> bytes:
    content = io.BytesIO()
    Image.radial_gradient("L").save(content, "JPEG")
    return content.getvalue()


ACCEPTED = (State.CHECKED, State.ACCEPTED)


@pytest.fixture
def audited(small_city: Database, tmp_path: Path) -> Database:
    """A city with a deduction of each kind, claims in every state, evidence, and a key to seal with."""
    add_farmland(small_city, FARMLAND)
    with small_city.writing() as session:
        session.get_one(Target, "2022").area_basis = "ridges_deducted"
        session.flush()
        claim_of(session, "C1", shapely.box(111.7230, 27.2510, 111.7235, 27.2530), 0, *ACCEPTED)
        claim_of(session, "C2", STRADDLING, 10, *ACCEPTED)
        claim_of(session, "C3", shapely.box(111.710, 27.250, 111.712, 27.252), 20, *ACCEPTED, State.REVOKED)
        claim_of(session, "C4", shapely.box(111.714, 27.250, 111.716, 27.252), 30, State.REJECTED)
        claim_of(session, "C5", shapely.box(111.718, 27.250, 111.720, 27.252), 40, State.CHECKED)
        claim_of(session, "C6", shapely.box(111.730, 27.250, 111.732, 27.252), 50, *ACCEPTED, unit=NEXT_VILLAGE)
        claim_of(session, "=C7", shapely.box(111.7102, 27.2505, 111.7118, 27.2515), 60, *ACCEPTED)
        ring = shapely.box(111.734, 27.250, 111.737, 27.253)
        pond = shapely.difference(ring, shapely.box(111.735, 27.251, 111.736, 27.252))
        claim_of(session, "C8", pond, 70, *ACCEPTED, unit=NEXT_VILLAGE)
        store = EvidenceStore(str(tmp_path / "evidence"))
        for number in ("C1", "C2", "C3"):
            photo = receive(store, picture(), 10**6)
            attach(session, get_claim(session, number), photo, "IMG_1.jpg", Purpose.AFTER, actor(80))
        document = receive(store, b"%PDF-1.7 acceptance", 10**6)
        attach(session, get_claim(session, "C2"), document, "验收.pdf", Purpose.OTHER, actor(80))
    make_key(tmp_path)
    return small_city


def ask(tianzhang: Run, output: str, *more: object, sample: int = 3, seed: int = 7, unit: str = TOWN) -> str:
    words = ("--unit", unit, "--as-of", "2022-03-01", "--sample", sample, "--seed", seed, "-o", output)
    done = tianzhang("audit-pack", *words, *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def recount(pack: Path) -> subprocess.CompletedProcess[str]:
    """As an auditor runs it: in the pack's own folder, isolated from all that is ours."""
    words = [sys.executable, "-I", "recount.py"]
    return subprocess.run(words, cwd=pack, env={}, capture_output=True, encoding="utf-8", check=False)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "seal.json"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_script_is_one_page_and_needs_nothing_of_ours() -> None:
    source = RECOUNT.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 60
    named = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {alias.name for node in named if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in named if isinstance(node, ast.ImportFrom)}
    assert modules - sys.stdlib_module_names == {"shapely", "pyproj"}


def test_a_stranger_recounts_the_published_figure(tianzhang: Run, audited: Database, tmp_path: Path) -> None:
    said = ask(tianzhang, "pack", sample=2)
    pack = tmp_path / "pack"
    done = recount(pack)
    assert done.returncode == 0 and "相符 AGREES" in done.stdout, done.stdout + done.stderr
    shown = json.loads(tianzhang("progress", "--unit", TOWN, "--as-of", "2022-03-01", "--json").stdout)
    assert f"5 项 claims, {shown['accepted_m2']:,.2f} " in done.stdout
    listed = rows(pack / "population.csv")
    states = {row["number"]: row["state"] for row in listed}
    assert states == {"'=C7": "accepted", "C1": "accepted", "C2": "accepted", "C3": "revoked", "C4": "rejected",
                      "C5": "checked", "C6": "accepted", "C8": "accepted"}  # fmt: skip
    assert all(bool(row["net_m2"]) == (row["state"] == "accepted") for row in listed)
    (cut,) = (row for row in listed if row["number"] == "C2")
    assert all(float(cut[name]) > 0 for name in DEDUCTIONS)
    assert json.loads((pack / "progress.json").read_bytes())["accepted_mu"] == shown["accepted_mu"]
    fall = json.loads(tianzhang("waterfall", "--unit", TOWN, "--as-of", "2022-03-01", "--json").stdout)
    assert json.loads((pack / "waterfall.json").read_bytes()) == fall["bars"]
    assert [row["reason"] for row in rows(pack / "waterfall.csv")] == [bar["reason"] for bar in fall["bars"]]
    assert hashlib.sha256((pack / "manifest.sha256").read_bytes()).hexdigest() in said


def test_the_same_questions_give_the_same_bytes(tianzhang: Run, audited: Database, tmp_path: Path) -> None:
    ask(tianzhang, "one")
    ask(tianzhang, "other")
    for output in ("one.zip", "other.zip"):
        ask(tianzhang, output, "--known-at", "2022-03-01")
    one = contents(tmp_path / "one")
    assert one == contents(tmp_path / "other")
    held = [zipfile.ZipFile(tmp_path / name) for name in ("one.zip", "other.zip")]
    names = [name for name in held[0].namelist() if name != "seal.json"]
    assert set(names) == set(one)
    assert [held[0].read(name) for name in names] == [held[1].read(name) for name in names]
    assert {entry.date_time for entry in held[0].infolist()} == {(1980, 1, 1, 0, 0, 0)}
    held[0].extractall(tmp_path / "unpacked")
    assert recount(tmp_path / "unpacked").returncode == 0
    ask(tianzhang, "third", seed=8)
    assert contents(tmp_path / "third") != one


def test_anybody_can_draw_the_sample_again(tianzhang: Run, audited: Database, tmp_path: Path) -> None:
    for sample, drawn in ((1, 1), (3, 3), (5, 5), (500, 5)):
        pack = tmp_path / f"pack-{sample}"
        ask(tianzhang, pack.name, sample=sample)
        readme = (pack / "README.txt").read_text(encoding="utf-8")
        snippet = "\n".join(line.strip() for line in readme.splitlines() if line.startswith("    "))
        (pack / "again.py").write_text(
            snippet[snippet.index("import csv") :].partition("tianzhang")[0], encoding="utf-8"
        )
        done = subprocess.run([sys.executable, "-I", "again.py"], cwd=pack, capture_output=True, text=True, check=True)
        chosen = sorted(rows(pack / "sample.csv"), key=lambda row: int(row["draw"]))
        assert done.stdout.split() == [row["number"] for row in chosen]
        assert len(chosen) == drawn
        places = {row["number"]: row["draw"] for row in rows(pack / "population.csv") if row["draw"]}
        assert places == {row["number"]: row["draw"] for row in chosen}


def test_what_is_known_of_the_claims_drawn_comes_along(tianzhang: Run, audited: Database, tmp_path: Path) -> None:
    ask(tianzhang, "pack", sample=5)
    pack = tmp_path / "pack"
    layers = dict(pyogrio.list_layers(pack / "claims.gpkg"))
    assert set(layers) == {"reported", "net", "deductions", "other_claims", "units", "baseline_farmland"}
    held = {name: gpd.read_file(pack / "claims.gpkg", layer=name) for name in layers}
    assert {name: len(layer) for name, layer in held.items()} == {
        "reported": 5, "net": 5, "deductions": 8, "other_claims": 1, "units": 3, "baseline_farmland": 1,
    }  # fmt: skip
    assert held["other_claims"]["number"].tolist() == ["C1"]
    cuts = held["deductions"].set_index(["number", "reason"])
    assert cuts.loc[("C2", "other_claim"), "other_claim"] == "C1"
    assert cuts.loc[("C2", "baseline_farmland")].geometry.symmetric_difference(FARMLAND).area < 1e-11
    assert rows(pack / "deductions.csv")[0].keys() == {"number", "reason", "reason_zh", "area_m2", "other_claim"}
    inner = {
        row["number"]: shapely.Point(float(row["longitude"]), float(row["latitude"]))
        for row in rows(pack / "sample.csv")
    }
    assert STRADDLING.covers(inner["C2"]) and not FARMLAND.covers(inner["C2"])

    steps = [row for row in rows(pack / "history.csv") if row["number"] == "C2"]
    assert [(row["state"], row["by"], row["counted"]) for row in steps] == [
        ("reported", "village", "yes"),
        ("checked", "officer", "yes"),
        ("accepted", "officer", "yes"),
    ]
    entries = [row for row in rows(pack / "ledger.csv") if row["subject"] == "C2"]
    events = ["claim.reported", "claim.checked", "claim.accepted", "claim.evidence", "claim.evidence"]
    assert [row["event"] for row in entries] == events
    for entry in entries:  # as README.txt says it
        said = {name: entry[name] for name in ("at", "actor", "unit_code", "event", "subject", "previous")}
        said |= {name: hashlib.sha256(entry[name].encode()).hexdigest() for name in ("before", "after")}
        plain = json.dumps(said | {"seq": int(entry["seq"])}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(plain.encode()).hexdigest() == entry["hash"]

    files = rows(pack / "evidence.csv")
    assert [(row["number"], row["name"], row["purpose"], row["fault"]) for row in files] == [
        ("C1", "IMG_1.jpg", "after", ""), ("C2", "IMG_1.jpg", "after", ""), ("C2", "验收.pdf", "other", ""),
    ]  # fmt: skip
    assert {path.suffix for path in (pack / "evidence").iterdir()} == {".jpeg", ".pdf"}
    for row in files:
        assert hashlib.sha256((pack / row["file"]).read_bytes()).hexdigest() == row["sha256"]

    facts = json.loads((pack / "pack.json").read_bytes())
    seal = read_seal(pack / "seal.json", tmp_path / "seal.pub")
    assert (seal.entry, seal.head) == (facts["ledger_entry"], facts["ledger_head"])
    manifest = (pack / "manifest.sha256").read_text(encoding="utf-8").splitlines()
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents(pack).items()}
    del digests["manifest.sha256"]
    assert manifest == [f"{digests[name]}  {name}" for name in sorted(digests)]


def test_evidence_that_is_gone_or_damaged_is_told(tianzhang: Run, audited: Database, tmp_path: Path) -> None:
    photo, document = (hashlib.sha256(content).hexdigest() for content in (picture(), b"%PDF-1.7 acceptance"))
    store = tmp_path / "evidence"
    (store / photo[:2] / photo[2:4] / photo).unlink()
    (store / document[:2] / document[2:4] / document).write_bytes(b"another")
    words = ("--unit", TOWN, "--as-of", "2022-03-01", "--sample", 9, "--seed", 1, "-o", "pack")
    done = tianzhang("audit-pack", *words)
    assert done.returncode == 0 and "2 evidence files" in done.stderr
    found = {row["name"]: row["fault"] for row in rows(tmp_path / "pack" / "evidence.csv")}
    assert found == {"IMG_1.jpg": "evidence_file_missing", "验收.pdf": "evidence_file_damaged"}
    assert list((tmp_path / "pack" / "evidence").iterdir()) == []
    assert recount(tmp_path / "pack").returncode == 0


def edit(pack: Path, name: str, change: Callable[[str], str]) -> None:
    path = pack / name
    text = path.read_text(encoding="utf-8-sig")
    changed = change(text)
    assert changed != text
    path.write_text(changed, encoding="utf-8-sig" if name.endswith(".csv") else "utf-8", newline="")


def add_to(pack: Path, number: str, column: str, more: float) -> None:
    """Alter one figure of one claim in the list."""
    listed = rows(pack / "population.csv")
    with (pack / "population.csv").open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, list(listed[0]))
        table.writeheader()
        for row in listed:
            if row["number"] == number:
                row[column] = str(float(row[column]) + more)
            table.writerow(row)


def reshape(pack: Path, layer: str, key: str, change: Callable[[shapely.Geometry], shapely.Geometry]) -> None:
    path = pack / "polygons" / f"{layer}.geojson"
    whole = json.loads(path.read_bytes())
    (feature,) = (feature for feature in whole["features"] if feature["properties"]["key"] == key)
    feature["geometry"] = json.loads(shapely.to_geojson(change(shapely.from_geojson(json.dumps(feature["geometry"])))))
    path.write_text(json.dumps(whole), encoding="utf-8")


def shift(x: float, y: float = 0.0) -> Callable[[shapely.Geometry], shapely.Geometry]:
    return lambda land: shapely.transform(land, lambda points: points + np.array([x, y]))


def crossed(land: shapely.Geometry) -> shapely.Geometry:
    points = shapely.get_coordinates(land)[:-1]
    half = len(points) // 2
    return shapely.Polygon(np.vstack([points[:half], points[half:][::-1]]))


def renamed(table: str) -> str:
    return table.replace("\nC6,", "\nC9,")


TAMPERINGS: dict[str, tuple[str, str, Callable[[Path], None]]] = {
    "a larger net area": ("C6", "net,", lambda pack: add_to(pack, "C6", "net_m2", 0.5)),
    "a larger gross area": ("C6", "gross,", lambda pack: add_to(pack, "C6", "gross_m2", 0.5)),
    "a deduction less": ("C2", "less deductions", lambda pack: add_to(pack, "C2", "baseline_farmland_m2", -900)),
    "ridges not deducted": ("C8", "net,", lambda pack: add_to(pack, "C8", "ridges_m2", -10)),
    "a number like a formula": ("'=C7", "net,", lambda pack: add_to(pack, "'=C7", "net_m2", 1)),
    "land moved on farmland": ("C1", "baseline", lambda pack: reshape(pack, "net", "C1", shift(0.0005))),
    "land moved out of the unit": ("C6", "outside", lambda pack: reshape(pack, "net", "C6", shift(-0.006))),
    "land moved on another claim's": ("C8", "C6", lambda pack: reshape(pack, "net", "C8", shift(-0.003))),
    "a polygon that crosses itself": ("C6", "net,", lambda pack: reshape(pack, "net", "C6", crossed)),
    "farmland grown": ("C2", "baseline", lambda pack: reshape(pack, "farmland", "2019-B0", shift(0.0002))),
    "a claim renamed": ("C6", "list and polygons", lambda pack: edit(pack, "population.csv", renamed)),
    "the published total": (
        "total", "published",
        lambda pack: edit(pack, "progress.json", lambda text: text.replace('"accepted_m2": ', '"accepted_m2": 1')),
    ),
}  # fmt: skip


def test_what_was_altered_is_named(tianzhang: Run, audited: Database, tmp_path: Path) -> None:
    """Although whoever altered it wrote the manifest anew."""
    ask(tianzhang, "pack", sample=1)
    for name, (who, what, tamper) in TAMPERINGS.items():
        pack = tmp_path / "tampered"
        shutil.rmtree(pack, ignore_errors=True)
        shutil.copytree(tmp_path / "pack", pack)
        tamper(pack)
        whole = {file: hashlib.sha256(content).hexdigest() for file, content in contents(pack).items()}
        del whole["manifest.sha256"]
        manifest = "".join(f"{digest}  {file}\n" for file, digest in whole.items())
        (pack / "manifest.sha256").write_text(manifest, encoding="utf-8", newline="\n")
        done = recount(pack)
        assert done.returncode == 1, name
        assert any(who in line and what in line for line in done.stdout.splitlines()), (name, done.stdout, done.stderr)
        assert done.stdout.splitlines()[-1] == "不符 DOES NOT AGREE" and "altered" not in done.stdout


def test_a_file_that_is_gone_or_altered_is_named(tianzhang: Run, audited: Database, tmp_path: Path) -> None:
    ask(tianzhang, "pack", sample=5)
    (tmp_path / "pack" / "claims.gpkg").unlink()
    edit(tmp_path / "pack", "history.csv", lambda table: table.replace("officer", "another"))
    done = recount(tmp_path / "pack")
    assert done.returncode == 1
    told = [line.partition(":")[0] for line in done.stdout.splitlines() if "missing or altered" in line]
    assert told == ["claims.gpkg", "history.csv"]


def test_as_of_and_as_known_at_another_moment(small_city: Database, tianzhang: Run, tmp_path: Path) -> None:
    late = 3 * 24 * 60
    with small_city.writing() as session:
        claim_of(session, "C1", shapely.box(111.710, 27.250, 111.712, 27.252), 0, *ACCEPTED)
        claim = claim_of(session, "C2", shapely.box(111.714, 27.250, 111.716, 27.252), 10, State.CHECKED)
        take_step(session, claim, State.ACCEPTED, actor(20, recorded=late), thresholds=UNSEEN)
        take_step(session, get_claim(session, "C1"), State.REVOKED, actor(late, recorded=late + 1), "re-abandoned")
    for output, more, states in (
        ("as known now", (), {"C1": "accepted", "C2": "accepted"}),
        ("as known then", ("--known-at", "2022-03-01"), {"C1": "accepted", "C2": "checked"}),
        ("later", ("--as-of", "2022-03-09"), {"C1": "revoked", "C2": "accepted"}),
    ):
        ask(tianzhang, output, *more)
        pack = tmp_path / output
        assert {row["number"]: row["state"] for row in rows(pack / "population.csv")} == states
        done = recount(pack)
        assert done.returncode == 0, done.stdout + done.stderr
    counted = [
        (row["number"], row["state"], row["counted"]) for row in rows(tmp_path / "as known then" / "history.csv")
    ]
    assert ("C1", "revoked", "no") in counted and ("C1", "accepted", "yes") in counted
    assert not (pack / "seal.json").exists()


def test_what_cannot_be_packed_is_said(tianzhang: Run, audited: Database, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    for changed, said in (
        (("--unit", "430582999999"), "430582999999"),
        (("--unit", "430582105000"), "no accepted claim"),
        (("--as-of", "2022-02-28"), "no accepted claim"),
        (("-o", "full"), "no empty folder"),
        (("-o", "file"), "no empty folder"),
        (("-o", "nowhere/pack"), "nowhere"),
    ):
        words = ("--unit", TOWN, "--as-of", "2022-03-01", "--sample", 1, "--seed", 1, "-o", "pack", *changed)
        done = tianzhang("audit-pack", *words)
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"
    for wrong in (("--sample", 0), ("--seed", -1)):
        assert tianzhang("audit-pack", "--sample", 1, "--seed", 1, "-o", "pack", *wrong).returncode == 2
    ask(tianzhang, "empty")
    assert (tmp_path / "empty" / "recount.py").exists()


@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), count=st.integers(1, 12))
def test_whatever_is_claimed_is_recounted_alike(small_city: Database, tmp_path: Path, seed: int, count: int) -> None:
    """Irregular claims across a border and over farmland, on one another: each example on the land that is left."""
    chance = random.Random(seed)
    with small_city.writing() as session:
        if not session.query(BaselinePatch).count():
            pieces = [shapely.box(111.7200 + i / 800, 27.2450, 111.7206 + i / 800, 27.2560) for i in range(8)]
            columns = {"id": list(range(8)), "year": [2019] * 8, "number": list("abcdefgh"), "land_class": ["0103"] * 8,
                       "ridge_factor": [0.0] * 8, "area_m2": [1.0] * 8, "fingerprint": [""] * 8}  # fmt: skip
            turned = shapely.affinity.rotate(shapely.MultiPolygon(pieces), 17)
            write(
                session.connection(), table_of(BaselinePatch), columns, np.array(turned.geoms, dtype=object), new=True
            )
        for _ in range(count):
            centre = np.array([chance.uniform(111.716, 111.732), chance.uniform(27.245, 27.256)])
            angles = np.sort([chance.uniform(0, 2 * np.pi) for _ in range(9)])
            radii = np.array([chance.uniform(0.0003, 0.0030) for _ in range(9)])
            land = shapely.Polygon(centre + radii[:, None] * np.column_stack([np.cos(angles), np.sin(angles)]))
            if land.is_valid and land.intersects(shapely.box(111.70, 27.20, 111.725, 27.30)):
                report = Report(VILLAGE, land, "f")
                claim = report_claim(session, report, actor(0, name="village"), thresholds=FOR_THE_GROUND)
                take_step(session, claim, State.CHECKED, actor(0))
                try:
                    take_step(session, claim, State.ACCEPTED, actor(0), thresholds=FOR_THE_GROUND)
                except Problem as problem:
                    assert problem.code in ("nothing_net", "refused_by_rules")
    with small_city.reading() as session:
        output, store = tmp_path / f"{seed}-{count}-{len(list(tmp_path.iterdir()))}", EvidenceStore(str(tmp_path / "e"))
        try:
            write_audit_pack(session, store, output, TOWN, actor(1).at, sample=2, seed=seed)
        except Problem as problem:
            assert problem.code == "nothing_accepted"
            return
    done = recount(output)
    assert done.returncode == 0, done.stdout + done.stderr
