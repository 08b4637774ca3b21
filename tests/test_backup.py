"""Backups: all of a city in one file and back, while others read and write, from one kind of database to the other."""

import hashlib
import json
import os
import resource
import subprocess
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from alembic import command
from alembic.script import ScriptDirectory
from conftest import OFFICER, TOWN, VILLAGE, Run, counted_rows, run_command, serving
from ready import COMMAND
from sqlalchemy import func, inspect, select

from bench import little_city
from farmland.evidence.store import EvidenceStore
from farmland.keeping.backup import write_backup
from farmland.keeping.backup_file import MANIFEST, opened
from farmland.keeping.prepare import migrations
from farmland.keeping.restore import check_backup, restore
from farmland.keeping.tables import PASSING, SCHEMA
from farmland.keeping.verify import verify
from farmland.records.database import VERSION, Database
from farmland.records.ledger import Entry
from farmland.records.rows import read_rows
from farmland.restoration.claims import Claim
from farmland.restoration.visits import Visit
from geodata.problems import Problem

Env = dict[str, str]


def token(run: Run, name: str) -> Env:
    """The headers of somebody who may do anything; every request carries them."""
    return {"Authorization": f"Bearer {run('token', 'add', name, *OFFICER).stdout.strip()}"}


def on(env: Env, folder: Path) -> Run:
    """The command with other settings."""
    return lambda *words, language="en": run_command(*words, env=env | {"TIANZHANG_LANG": language}, cwd=folder)


def done(ran: subprocess.CompletedProcess[str]) -> str:
    """What a command said that was to succeed."""
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def refused(ran: subprocess.CompletedProcess[str], *said: str) -> None:
    """A command was to refuse, in a sentence."""
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False), ran.stdout + ran.stderr
    for words in said:
        assert words in ran.stderr, ran.stderr


@pytest.fixture
def elsewhere(database_url: str, postgres: str, tmp_path: Path) -> Iterator[Env]:
    """The settings of a data folder and an empty database elsewhere, of the other kind."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    env = {"TIANZHANG_DATA_DIR": str(folder), "TIANZHANG_LANG": "en"}
    if not database_url.startswith("sqlite"):
        yield env | {"TIANZHANG_DATABASE_URL": f"sqlite:///{folder / 'tianzhang.sqlite'}"}
        return
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"postgresql://{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield env | {"TIANZHANG_DATABASE_URL": f"postgresql+psycopg://{postgres}/{name}"}
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def little(database: Database, tianzhang: Run, tmp_path: Path) -> Database:
    """A little city with rows in every table, a history, evidence files and the seal's keys."""
    little_city.make(database, tmp_path, lambda session: None)
    done(tianzhang("init"))
    return database


def content(database: Database) -> dict[str, pa.Table]:
    """All rows of all tables, but for what passes, and the note when the ground last changed, which a restore writes anew."""
    with database.reading() as session:
        return {
            name: read_rows(session, table).read_all()
            for name, table in SCHEMA.tables.items()
            if name not in ("ground_change", *PASSING)
        }


def content_at(env: Env) -> dict[str, pa.Table]:
    with closing(Database(env["TIANZHANG_DATABASE_URL"])) as database:
        return content(database)


def files(folder: Path) -> dict[str, bytes]:
    """The evidence files in a data folder."""
    kept = folder / "evidence"
    return {
        path.name: path.read_bytes() for path in kept.rglob("*") if path.is_file() and "thumb" not in path.parts[-2]
    }


def test_a_city_moves_to_the_other_kind_of_database_and_back(
    little: Database, tianzhang: Run, elsewhere: Env, tmp_path: Path
) -> None:
    there, folder = on(elsewhere, tmp_path), tmp_path / "elsewhere"
    before, figures = content(little), done(tianzhang("progress", "--json"))
    assert all(len(rows) for rows in before.values()), "a row in every table"
    done(tianzhang("seal", "-o", "seal.json"))
    said = done(tianzhang("backup", "a.zip"))
    head = before["ledger_entry"]["hash"][-1].as_py()
    assert head in said and "2 evidence files" in said
    assert (tmp_path / "a.zip").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".*.part"))

    said = done(there("restore", "a.zip"))
    assert head in said and "2 evidence files were put" in said
    assert content_at(elsewhere) == before and files(folder) == files(tmp_path)
    assert counted_rows(elsewhere["TIANZHANG_DATABASE_URL"], "unit") in (None, len(before["unit"]))
    assert done(there("progress", "--json")) == figures
    done(there("verify", "--against", "seal.json", "--public-key", "elsewhere/seal.pub"))
    done(there("evidence", "check"))
    assert (folder / "seal.key").read_bytes() == (tmp_path / "seal.key").read_bytes()
    assert (folder / "seal.key").stat().st_mode & 0o777 == 0o600
    done(there("token", "add", "the next number is free"))

    done(there("backup", "b.zip"))
    after = content_at(elsewhere)
    done(tianzhang("restore", "b.zip", "--replace"))
    assert content(little) == after != before
    token(tianzhang, "here too")
    done(tianzhang("verify"))


def test_a_restore_says_what_it_did_not_do(little: Database, tianzhang: Run, elsewhere: Env, tmp_path: Path) -> None:
    there, folder = on(elsewhere, tmp_path), tmp_path / "elsewhere"
    kept = sorted(path for path in (tmp_path / "evidence").rglob("*") if path.is_file())
    whole = kept[0].read_bytes()
    kept[0].write_bytes(whole[:-1])
    warned = tianzhang("backup", "a.zip")
    assert warned.returncode == 0 and "1 evidence files are missing or damaged" in warned.stderr
    kept[0].write_bytes(whole)
    done(tianzhang("backup", "--force", "a.zip"))

    done(there("init"))
    refused(there("restore", "a.zip"), "holds records", "2 entries of the ledger", "--replace")
    own = (folder / "seal.key").read_bytes()
    other = there("restore", "--replace", "a.zip")
    assert "has other keys to seal with" in other.stderr and "2 evidence files were put" in done(other)
    assert (folder / "seal.key").read_bytes() == own
    (folder / "evidence" / kept[1].relative_to(tmp_path / "evidence")).write_bytes(b"damaged")
    assert "1 evidence files were put" in done(there("restore", "--replace", "a.zip"))
    assert files(folder) == files(tmp_path)
    refused(there("restore", "a.zip", language="zh"), "已有记录：小城，台账 50 条", "--replace")


def test_what_cannot_be_backed_up_to_leaves_nothing(little: Database, tianzhang: Run, tmp_path: Path) -> None:
    (tmp_path / "there.zip").write_bytes(b"older")
    refused(tianzhang("backup", "there.zip"), "there.zip", "--force")
    store = EvidenceStore(str(tmp_path / "evidence"))
    for place, code in ((tmp_path, "taken"), (tmp_path / "no/a.zip", "missing"), (Path("/proc/a.zip"), "unwritable")):
        with pytest.raises(Problem, match=code):
            write_backup(little, store, tmp_path, place, replace=True)
    assert (tmp_path / "there.zip").read_bytes() == b"older"

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    env = {name: value for name, value in os.environ.items() if not name.startswith("TIANZHANG_")}
    env |= {"TIANZHANG_DATA_DIR": str(tmp_path), "TIANZHANG_DATABASE_URL": little.url.render_as_string(False)}
    full = subprocess.run(
        [COMMAND, "backup", "--force", "there.zip"],
        env=env | {"TIANZHANG_LANG": "en"}, cwd=tmp_path, capture_output=True, text=True, preexec_fn=little_room,
    )  # fmt: skip
    refused(full, "there.zip", "File too large")
    assert (tmp_path / "there.zip").read_bytes() == b"older" and not list(tmp_path.glob(".*.part"))


def restored(env: Env, path: Path) -> None:
    """What the command does, without its start, which takes longer than all else."""
    folder = Path(env["TIANZHANG_DATA_DIR"])
    with closing(Database(env["TIANZHANG_DATABASE_URL"])) as database:
        restore(database, EvidenceStore(str(folder / "evidence")), folder, path, replace=True)


def flipped(path: Path, place: int, into: Path) -> Path:
    """The file with one byte changed."""
    whole = bytearray(path.read_bytes())
    whole[place] ^= 0x41
    into.write_bytes(whole)
    return into


def place_of(path: Path, member: str) -> int:
    """A place in the middle of a member's content."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
        with archive.open(member):
            return archive.fp.tell() + info.file_size // 2  # type: ignore[union-attr]


def rewritten(path: Path, into: Path, change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> Path:
    """The backup with other members, and a manifest that fits them as far as it was not changed itself."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop(MANIFEST))
    change(members, manifest)
    with zipfile.ZipFile(into, "w") as archive:
        for name, held in (members | {MANIFEST: json.dumps(manifest).encode()}).items():
            archive.writestr(name, held)
    return into


def test_one_altered_byte_in_whatever_member_is_refused(
    little: Database, tianzhang: Run, elsewhere: Env, tmp_path: Path
) -> None:
    there, backup = on(elsewhere, tmp_path), tmp_path / "a.zip"
    done(tianzhang("backup", "a.zip"))
    done(there("init"))
    before, kept = content_at(elsewhere), files(tmp_path / "elsewhere")
    with opened(backup) as held:
        evidence = held.manifest.evidence[0]
    for member in ("tables/claim.parquet", evidence, "seal.key", MANIFEST):
        damaged = flipped(backup, place_of(backup, member), tmp_path / "damaged.zip")
        with pytest.raises(Problem, match="not_a_backup" if member == MANIFEST else f"damaged: {member}"):
            restored(elsewhere, damaged)
    refused(there("restore", "--replace", "damaged.zip"), "damaged.zip", "is no backup of Tianzhang")
    (tmp_path / "short.zip").write_bytes(backup.read_bytes()[:-100])
    with pytest.raises(Problem, match="not_a_backup"):
        restored(elsewhere, tmp_path / "short.zip")
    assert content_at(elsewhere) == before and files(tmp_path / "elsewhere") == kept


def test_wherever_a_byte_is_altered_it_is_found_or_is_part_of_nothing(
    little: Database, tianzhang: Run, tmp_path: Path
) -> None:
    done(tianzhang("backup", "a.zip"))
    whole = tmp_path / "a.zip"
    manifest, size = check_backup(whole), whole.stat().st_size
    rng = np.random.default_rng(1)
    places = {*rng.integers(size, size=200).tolist(), *range(60), *range(size - 300, size)}
    codes = set()
    for place in places:
        try:
            assert check_backup(flipped(whole, place, tmp_path / "damaged.zip")) == manifest
        except Problem as problem:
            codes.add(problem.code)
    assert codes == {"not_a_backup", "backup_damaged"}


def test_what_is_no_backup_or_says_what_is_not_so_is_refused(
    little: Database, tianzhang: Run, elsewhere: Env, tmp_path: Path
) -> None:
    there, backup = on(elsewhere, tmp_path), tmp_path / "a.zip"
    done(tianzhang("backup", "a.zip"))
    done(there("init"))
    before = content_at(elsewhere)
    (tmp_path / "text.zip").write_text("no backup")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "of something else")

    def newer_form(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest |= {"tianzhang_backup": 2, "program": "7.0"}

    def newer_tables(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest |= {"database": "9999", "program": "7.0"}

    def leads_outside(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        for held in (members, manifest["members"]):
            held["../../evil"] = held.pop("seal.pub")

    def another_member(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        members["../../evil"] = b"x"

    def a_table_less(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        for held in (members, manifest["members"]):
            del held["tables/visit.parquet"]

    def another_head(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest["head"] = "0" * 64

    cases = [(tmp_path / "none.zip", "No such file"), (tmp_path, "Is a directory")]
    cases += [(tmp_path / name, "is no backup of Tianzhang") for name in ("text.zip", "other.zip")]
    for change, said in (
        (newer_form, "newer Tianzhang (7.0"),
        (newer_tables, "database version 9999"),
        (leads_outside, "is no backup of Tianzhang"),
        (another_member, "damaged: ../../evil"),
        (a_table_less, "damaged: tables/visit.parquet"),
        (another_head, "damaged: tables/ledger_entry.parquet"),
    ):
        cases.append((rewritten(backup, tmp_path / f"{change.__name__}.zip", change), said))
    for file, said in cases:
        with pytest.raises(Problem) as caught:
            restored(elsewhere, file)
        assert said in caught.value.sentence("en") and str(file) in caught.value.sentence("zh")
    refused(there("restore", "none.zip"), "none.zip", "No such file")
    refused(there("restore", "newer_form.zip", language="zh"), "请先升级")
    assert content_at(elsewhere) == before and not list(tmp_path.parent.rglob("evil"))
    assert "The backup is whole" in done(there("restore", "--dry-run", "a.zip"))
    assert content_at(elsewhere) == before


def test_a_backup_of_an_older_version_is_brought_to_this_one(
    small_city: Database, tianzhang: Run, elsewhere: Env, tmp_path: Path
) -> None:
    token(tianzhang, "office")
    done(tianzhang("backup", "a.zip"))
    with closing(Database(f"sqlite:///{tmp_path / 'older.sqlite'}")) as older, older.writing() as session:
        connection = session.connection()
        before = str(ScriptDirectory.from_config(migrations(None)).get_revision(VERSION).down_revision)
        command.upgrade(migrations(connection), before)
        columns = {
            f"tables/{table}.parquet": [column["name"] for column in inspect(connection).get_columns(table)]
            for table in inspect(connection).get_table_names()
        }

    def as_it_was(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest["database"] = before
        for name in [name for name in members if name.startswith("tables/")]:
            if name not in columns:
                del members[name], manifest["members"][name]
                continue
            rows = pq.read_table(pa.BufferReader(members[name]))
            held = pa.BufferOutputStream()
            pq.write_table(rows.select([column for column in rows.column_names if column in columns[name]]), held)
            members[name] = held.getvalue().to_pybytes()
            digest = hashlib.sha256(members[name]).hexdigest()
            manifest["members"][name] |= {"size": len(members[name]), "sha256": digest}

    there = on(elsewhere, tmp_path)
    done(there("restore", rewritten(tmp_path / "a.zip", tmp_path / "older.zip", as_it_was)))
    done(there("verify"))
    assert content_at(elsewhere)["unit"] == content(small_city)["unit"]
    token(there, "the next number is free")


def field(n: int) -> shapely.Polygon:
    """Fields of 20 m in the village, no two of them on the same land."""
    x, y = 111.7002 + n % 50 * 0.0004, 27.201 + n // 50 * 0.0004
    return shapely.box(x, y, x + 0.0002, y + 0.0002)


def claim_body(n: int, **facts: object) -> dict[str, object]:
    return {"unit_code": VILLAGE, "geometry": shapely.geometry.mapping(field(n)), **facts}


def test_a_server_goes_on_through_a_restore(
    small_city: Database, tianzhang: Run, command_env: Env, tmp_path: Path
) -> None:
    with (
        serving(command_env) as address,
        httpx.Client(base_url=f"{address}/api/v1", headers=token(tianzhang, "office"), timeout=120) as client,
    ):
        reporting = {"number": "A"}
        assert client.post("/claims", json=claim_body(1, **reporting)).status_code == 201
        old_outline = client.get("/units.geojson").json()
        old_tiles = client.get("/about").json()["tiles"]["version"]
        done(tianzhang("backup", "a.zip"))
        saved = client.get("/progress", params={"unit": TOWN}).json()
        (tmp_path / "units.csv").write_text(f"code,name\n{TOWN},改名镇\n")
        done(tianzhang("import", "units", "units.csv"))
        for n in range(2, 8):
            assert client.post("/claims", json=claim_body(n)).status_code == 201
        now = client.get("/progress", params={"unit": TOWN}).json()
        assert now["reported_m2"] > saved["reported_m2"] and "改名镇" in client.get("/units.geojson").text

        stop = threading.Event()

        def read() -> list[tuple[float, str]]:
            answers = []
            with httpx.Client(base_url=f"{address}/api/v1", headers=client.headers, timeout=120) as reader:
                last = False
                while not last:
                    last = stop.is_set()  # once more after it, so that the restored records are seen
                    answer = reader.get("/progress", params={"unit": TOWN})
                    assert answer.status_code == 200, answer.text
                    answers.append(figure(answer.json()))
            return answers

        def figure(answer: dict[str, Any]) -> tuple[float, str, int]:
            # The mark ends in the head of the ledger; what stands before it is as of the moment of the question.
            return answer["reported_m2"], answer["mark"].rpartition(";")[2], answer["claims"]

        with ThreadPoolExecutor(2) as readers:
            reading = [readers.submit(read) for _ in range(2)]
            done(tianzhang("restore", "--replace", "a.zip"))
            stop.set()
            for each in reading:
                answers = each.result()
                assert set(answers) == {figure(now), figure(saved)}
                assert answers == sorted(answers, key=lambda one: one == figure(saved)), "never back again"
        assert client.get("/units.geojson").json() == old_outline
        assert client.get("/about").json()["tiles"]["version"] != old_tiles
        for n in (2, 3):
            assert client.post("/claims", json=claim_body(n)).status_code == 201
        assert client.post("/claims/A/visits", json={"note": "again"}).status_code == 201
    done(tianzhang("verify"))


RATE = 50
"""Writes a second that a city's busiest hour is taken to bring."""


class Load:
    """Writers who send RATE writes a second between them to a server: four of five visits to a claim, one a new claim."""

    def __init__(self, address: str, headers: Env, writers: int = 4) -> None:
        self._address, self._headers, self._writers = address, headers, writers
        self._stop, self._lock, self._enough = threading.Event(), threading.Lock(), threading.Event()
        self._confirmed: list[str] = []
        self._began = time.monotonic()
        self._pool = ThreadPoolExecutor(writers)
        self._running = [self._pool.submit(self._write, writer) for writer in range(writers)]

    def _write(self, writer: int) -> None:
        with httpx.Client(base_url=f"{self._address}/api/v1", headers=self._headers, timeout=60) as client:
            n = writer
            while not self._stop.wait(self._began + n / RATE - time.monotonic()):
                if n % 5:
                    answer = client.post("/claims/A/visits", json={"note": str(n)})
                else:
                    answer = client.post("/claims", json=claim_body(100 + n, number=f"N{n}"))
                assert answer.status_code == 201, answer.text
                with self._lock:
                    self._confirmed.append(str(n) if n % 5 else f"N{n}")
                    if len(self._confirmed) >= RATE:
                        self._enough.set()
                n += self._writers

    def confirmed(self) -> set[str]:
        """What is confirmed by now: the notes of visits, the numbers of claims."""
        with self._lock:
            return set(self._confirmed)

    def wait(self) -> None:
        """Until it has been going on for a second's worth of writes."""
        assert self._enough.wait(60)

    def end(self) -> float:
        """Stop; how many writes there were a second."""
        self._stop.set()
        for each in self._running:
            each.result()
        self._pool.shutdown()
        return len(self._confirmed) / (time.monotonic() - self._began)


def written(database: Database) -> set[str]:
    """The notes of visits and the numbers of claims."""
    with database.reading() as session:
        return {*session.scalars(select(Visit.note)), *session.scalars(select(Claim.number))} - {"A"}


def test_what_was_confirmed_before_a_backup_under_load_is_in_it(
    small_city: Database,
    tianzhang: Run,
    command_env: Env,
    elsewhere: Env,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    headers = token(tianzhang, "office")
    with serving(command_env) as address:
        made = httpx.post(f"{address}/api/v1/claims", json=claim_body(1, number="A"), headers=headers)
        assert made.status_code == 201
        load = Load(address, headers)
        load.wait()
        before = load.confirmed()
        said = tianzhang("backup", "a.zip")
        after = load.confirmed()
        rate = load.end()
    done(said)
    # What the machine reaches is for the record, and no matter of right or wrong: that there was a load is.
    record_property("writes_a_second", rate)
    print(f"{rate:.1f} writes a second, {len(before)} confirmed before the backup, {len(after)} when it was done")
    assert len(after) > len(before)

    there = on(elsewhere, tmp_path)
    done(there("restore", "a.zip"))
    done(there("verify"))
    with closing(Database(elsewhere["TIANZHANG_DATABASE_URL"])) as restored:
        held = written(restored)
        assert before <= held <= written(small_city)
        with restored.reading() as session:
            assert verify(session).fits
            for event, model in (("claim.visited", Visit), ("claim.reported", Claim)):
                entries = session.scalar(select(func.count()).select_from(Entry).where(Entry.event == event))
                assert entries == session.scalar(select(func.count()).select_from(model))
