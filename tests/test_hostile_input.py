"""What is sent, or stands in files, to do harm: it is refused, or kept and shown as the mere text or file that it is."""

import hashlib
import html
import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import httpx
import pytest
import shapely
from conftest import CITY, FAR_VILLAGE, SQUARES, TOWN, VILLAGE, Run, run_command
from playwright.sync_api import Browser, Dialog
from sqlalchemy import func, select
from test_api import FIELD, HALF, body, refused
from test_evidence import PDF, encoded, picture
from test_operations import Place, Served, server, small_place

from farmland.accounts.accounts import add_account
from farmland.accounts.tokens import add_token
from farmland.keeping.backup_file import MANIFEST
from farmland.land.units import Unit
from farmland.people.roles import Action
from farmland.records import city
from farmland.records.database import Database
from farmland.restoration.claims import Claim

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
INJECTIONS = [
    "'; DROP TABLE claim; --",
    '" OR 1=1 --',
    "' OR '1'='1",
    "') UNION SELECT password FROM account --",
    "\\'; DELETE FROM unit; --",
    "1; SELECT pg_sleep(10)",
    "%s %(code)s :code ? $1 {code}",
]
OUTSIDE = [
    "../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "....//....//x",
    "C:\\x",
    "~/.ssh/id",
    "\u2025/x",
]


@pytest.fixture(scope="module", params=["sqlite", "postgis"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield from small_place(request, tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def served(place: Place) -> Iterator[Served]:
    with server(place.env, place.folder / "log") as running:
        yield running


@pytest.fixture(scope="module")
def office(served: Served, place: Place) -> Iterator[httpx.Client]:
    """A client that may do anything; in the city are the claims A and B."""
    with place.database.writing() as session:
        _, secret = add_token(session, "office", None, Action, city.next_moment(session), actor="a test")
        add_account(session, "li.ming", "李明", actor="a test")
        add_account(session, "wang_fang", "100% 王芳", actor="a test")
    headers = {"Authorization": f"Bearer {secret}", "Accept-Language": "en"}
    with httpx.Client(base_url=f"{served.address}/api/v1", headers=headers, timeout=60) as client:
        for number, land in (("A", FIELD), ("B", HALF)):
            assert client.post("/claims", json=body(land, number=number)).status_code == 201
        yield client


def files_of(place: Place) -> set[Path]:
    """All files in and around the city's folders, but for those that a database and a log write anyway."""
    own = {"log", "tianzhang.sqlite", "tianzhang.sqlite-wal", "tianzhang.sqlite-shm"}
    return {path for path in place.folder.parent.rglob("*") if path.is_file() and path.name not in own}


def attach(office: httpx.Client, content: bytes, claim: str = "A", **query: str) -> httpx.Response:
    answer = office.post(f"/claims/{claim}/evidence", content=content, params=query)
    assert answer.status_code == 201, answer.text
    return answer


# Names that lead elsewhere


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_file_is_kept_by_its_content_whatever_its_name_says(office: httpx.Client, place: Place, name: str) -> None:
    content = PDF + name.encode()
    digest = hashlib.sha256(content).hexdigest()
    before = files_of(place)
    told = attach(office, content, name=name).json()
    assert files_of(place) - before == {place.folder / "evidence" / digest[:2] / digest[2:4] / digest}
    assert not set(told["name"]) & set("/\\") and ".." not in told["name"].split("/")
    got = office.get(f"/claims/A/evidence/{digest}")
    assert got.content == content
    assert not set(got.headers["content-disposition"]) & set("/\\\r\n")


def test_no_address_leads_out_of_what_is_served(served: Served, office: httpx.Client, place: Place) -> None:
    (place.folder / "data" / "secret").write_text("a secret")
    (place.folder / "evidence").mkdir(exist_ok=True)
    (place.folder / "evidence" / "secret").write_text("a secret")
    ups = (
        "../",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "..%5c",
        "..%255c",
        "%252e%252e%252f",
        ".%00./",
        "....//",
        "%c0%ae%c0%ae/",
    )
    for up in ups:
        for start in ("", "assets/", "tiles/", "api/v1/claims/A/evidence/", "api/v1/claims/A/evidence/%2f"):
            for end in (
                "etc/passwd",
                "secret",
                "data/secret",
                "evidence/secret",
                "tianzhang.sqlite",
                "api/settings.py",
            ):
                url = httpx.URL(served.address).copy_with(raw_path=f"/{start}{up * 8}{end}".encode())
                answer = office.get(url)
                assert answer.status_code in (404, 405, 422), (url, answer.status_code)
                assert "a secret" not in answer.text and "root:" not in answer.text


def test_a_backup_writes_nothing_under_a_name_that_stands_in_it(
    place: Place, office: httpx.Client, tmp_path: Path
) -> None:
    done = run_command("backup", tmp_path / "whole.zip", env=place.env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in (
        "../evil",
        "/tmp/tianzhang-evil",
        "evidence/../../evil",
        "tables/../../evil.parquet",
        "C:\\evil",
        "seal.key/../evil",
    ):
        with zipfile.ZipFile(tmp_path / "whole.zip") as whole, zipfile.ZipFile(tmp_path / "evil.zip", "w") as evil:
            manifest = json.loads(whole.read(MANIFEST))
            said = {"size": 4, "sha256": hashlib.sha256(b"evil").hexdigest()}
            for member in whole.namelist():
                if member != MANIFEST:
                    evil.writestr(member, whole.read(member))
            evil.writestr(name, b"evil")
            manifest["members"][name] = said
            evil.writestr(MANIFEST, json.dumps(manifest))
        before = files_of(place)
        done = run_command("restore", "evil.zip", "--replace", env=place.env, cwd=tmp_path)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
        assert "is no backup" in done.stderr
        assert files_of(place) == before
        assert not any(path.read_bytes() == b"evil" for path in tmp_path.rglob("*") if path.is_file())
        assert not Path("/tmp/tianzhang-evil").exists()


def test_a_target_called_like_a_folder_is_sealed_in_the_folder_of_seals(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    (tmp_path / "targets.csv").write_text(
        "target_code,name,start_date,due_date,unit_code,area_mu\n"
        + f"../../../evil,x,2023-01-01,2023-06-30,{CITY},10\n"
    )
    for words in (("init",), ("import", "targets", "targets.csv"), ("period", "close", "--until", "2023-03-31")):
        done = tianzhang(*words)
        assert done.returncode == 0, done.stderr
    (seal,) = (tmp_path / "seals").rglob("*.json")
    assert seal.parent == tmp_path / "seals" and "evil" in seal.name


# What would be a command to a database


@pytest.mark.parametrize("text", INJECTIONS)
def test_what_is_searched_for_is_text_to_the_database(office: httpx.Client, place: Place, text: str) -> None:
    with place.database.reading() as session:
        before = [session.scalar(select(func.count()).select_from(table)) for table in (Unit, Claim)]
    for path, name in (("/units", "q"), ("/accounts", "q"), ("/ledger", "event"), ("/ledger", "subject")):
        found = office.get(path, params={name: text})
        assert found.status_code == 200, found.text
        assert next(rows for rows in found.json().values() if isinstance(rows, list)) == []
    for path, name, status in (
        ("/units", "parent", 422), ("/plots", "unit", 422), ("/plots", "bbox", 422), ("/progress", "unit", 422),
        ("/progress", "as_of", 422), ("/progress", "known_at", 422), ("/progress", "target", 404), ("/claims", "reason", 404),
        ("/claims", "state", 422), ("/chiefs", "lon", 422), ("/units.geojson", "level", 422), ("/accounts", "role", 422),
    ):  # fmt: skip
        assert office.get(path, params={name: text}).status_code == status, (path, name)
    for path in ("/units/{}", "/claims/{}", "/claims/{}/evidence", "/accounts/{}", "/targets/{}/allocations"):
        answer = office.get(path.format(httpx.QueryParams({"x": text}).__str__()[2:].replace("+", "%20")))
        assert answer.status_code in (404, 422), answer.text
    with place.database.reading() as session:
        assert [session.scalar(select(func.count()).select_from(table)) for table in (Unit, Claim)] == before


def test_what_is_reported_is_kept_letter_by_letter(office: httpx.Client) -> None:
    texts = [*INJECTIONS, SCRIPT, "=HYPERLINK(1)", "[/red] :cow:", "\u202egnp.exe", "𠮷🌾 　x", "a\tb\nc"]
    for at, text in enumerate(texts):
        land = shapely.box(111.76 + at / 1000, 27.21, 111.7605 + at / 1000, 27.2105)
        told = {"crop": text, "former_use": text, "device": text[:100], "household": text[:40]}
        made = office.post("/claims", json=body(land, FAR_VILLAGE, number=f"T{at}", **told))
        assert made.status_code == 201, made.text
        kept = office.get(f"/claims/T{at}").json()["properties"]
        assert (kept["crop"], kept["former_use"]) == (text, text)
        refused(office.post(f"/claims/T{at}/corrections", json={"state": "checked", "at": "2022-04-26", "why": text}), 409,
                "no_such_step")  # fmt: skip
        steps = office.post(f"/claims/T{at}/reject", json={"why": text}).json()["properties"]["steps"]
        assert steps[-1]["why"] == text.strip()


def test_signs_that_search_for_anything_are_signs(office: httpx.Client) -> None:
    def names(q: str) -> list[str]:
        return [one["account"] for one in office.get("/accounts", params={"q": q}).json()["accounts"]]

    assert names("100%") == names("%") == names("_") == names("g_f") == ["wang_fang"]
    assert names("li.ming") == ["li.ming"]
    assert names("1%王") == names("li_ming") == names("\\") == names("[a-z]") == []
    for sign in ("%", "_", "4305%", "43058210420_", "单位%"):
        assert office.get("/units", params={"q": sign}).json()["total"] == 0, sign
        assert office.get("/ledger", params={"event": sign}).json()["entries"] == []
    assert office.get("/units", params={"q": "单位"}).json()["total"] == len(SQUARES)


# What a browser would run


def test_svg_and_html_are_no_evidence(office: httpx.Client) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
    page = f"<!doctype html>{SCRIPT}".encode()
    for content in (
        svg,
        b"<?xml version='1.0'?>" + svg,
        b"\xef\xbb\xbf" + svg,
        page,
        b"\n " + page,
        b"GIF89a" + page,
        b"<%PDF-1.7",
    ):
        for name in ("x.svg", "x.html", "x.jpg", "x.pdf"):
            for told in ({}, {"Content-Type": "image/jpeg"}, {"Content-Type": "application/pdf"}):
                answer = office.post("/claims/A/evidence", content=content, params={"name": name}, headers=told)
                refused(answer, 422, "kind_not_allowed")


POLYGLOTS = {
    "application/pdf": PDF + f"<html>{SCRIPT}</html>".encode(),
    "image/jpeg": encoded(picture(), comment=f"<html>{SCRIPT}".encode()) + f"<html>{SCRIPT}</html>".encode(),
    "image/png": encoded(picture(), "PNG") + b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
}


@pytest.mark.parametrize("kind", POLYGLOTS)
def test_a_file_of_two_kinds_is_served_as_the_one_that_it_was_taken_for(office: httpx.Client, kind: str) -> None:
    content = POLYGLOTS[kind]
    for name in ("page.html", "picture.svg", 'x.html";x="', "x.html\r\nContent-Type: text/html\r\n\r\n<script>"):
        digest = attach(office, content, name=name).json()["sha256"]
        for accepted in ("text/html", "image/svg+xml", "*/*"):
            got = office.get(f"/claims/A/evidence/{digest}", headers={"Accept": accepted})
            assert (got.content, got.headers["content-type"]) == (content, kind)
            assert got.headers["x-content-type-options"] == "nosniff"
            policy = got.headers["content-security-policy"].split("; ")
            assert "sandbox" in policy and "default-src 'none'" in policy
            assert got.headers["content-disposition"].startswith("attachment;")
    if kind.startswith("image/"):
        small = office.get(f"/claims/A/evidence/{digest}/thumbnail")
        assert small.headers["content-type"] == "image/jpeg" and b"script" not in small.content
        assert "sandbox" in small.headers["content-security-policy"]


@pytest.mark.parametrize(
    "name",
    [
        "a\r\nSet-Cookie: tianzhang=x\r\n.jpg",
        "a\n\nbody.jpg",
        'a"; filename=evil.html; x="',
        "a\0b\x1b[2J.jpg",
        "é\u2028x.jpg",
    ],
)
def test_a_file_name_adds_no_header(office: httpx.Client, name: str) -> None:
    content = PDF + name.encode()
    answer = office.post("/claims/B/evidence", content=content, params={"name": name})
    if "\0" in name:
        assert "name" in refused(answer, 422, "invalid_request")
        return
    got = office.get(f"/claims/B/evidence/{hashlib.sha256(content).hexdigest()}")
    assert got.content == content and "set-cookie" not in got.headers
    said = got.headers["content-disposition"]
    quoted, _, encoded_name = said.removeprefix('attachment; filename="').partition("\"; filename*=UTF-8''")
    assert said.isascii() and '"' not in quoted and "\\" not in quoted and encoded_name.isascii()
    assert not set(encoded_name) & set('"; \r\n')


PAGE_NAMES = [
    SCRIPT,
    '"><svg onload=alert(3)>',
    "</script><script>alert(4)</script>",
    "`${alert(5)}`",
    "{{7*7}}{% raw %}",
    "'-alert(6)-'",
]


def test_names_are_text_on_every_page_that_is_written(
    tianzhang: Run, small_city: Database, tmp_path: Path, browser: Browser
) -> None:
    codes = list(SQUARES)
    gpd.GeoDataFrame({"code": codes, "name": PAGE_NAMES}, geometry=list(SQUARES.values()), crs=4490).to_file(
        tmp_path / "u.gpkg"
    )
    rows = {
        "number": [name[:40] for name in PAGE_NAMES],
        "unit_code": VILLAGE,
        "crop": PAGE_NAMES,
        "former_use": PAGE_NAMES,
    }
    rows |= {"reported_at": "2022-02-01", "reported_by": SCRIPT, "checked_at": "2022-02-02", "checked_by": SCRIPT}
    rows |= {"accepted_at": "2022-02-03", "accepted_by": PAGE_NAMES[1]}
    land = [shapely.box(111.71 + at / 500, 27.25, 111.711 + at / 500, 27.251) for at in range(len(PAGE_NAMES))]
    gpd.GeoDataFrame(rows, geometry=land, crs=4490).to_file(tmp_path / "c.gpkg")
    for words in (
        ("init",), ("import", "units", "u.gpkg"), ("import", "claims", "c.gpkg"),
        ("period", "close", "--until", "2022-03-31", "--by", SCRIPT),
        ("period", "report", "1", "-o", "report.html"), ("map", "-o", "map.html", "--as-of", "2022-03-31"),
        ("map", "-o", "map.png", "--as-of", "2022-03-31"),
        ("audit-pack", "--as-of", "2022-03-31", "--sample", 9, "--seed", 1, "-o", "pack"),
    ):  # fmt: skip
        done = tianzhang(*words)
        assert done.returncode == 0, (words, done.stderr)
    written = {path.name: path.read_text("utf-8") for path in tmp_path.rglob("*.html")}
    assert {"report.html", "map.html"} <= set(written)
    for text in written.values():
        assert html.escape(PAGE_NAMES[0]) in text
        for name in PAGE_NAMES[:3]:
            assert name not in text
    ran: list[str] = []

    def spoke(dialog: Dialog) -> None:
        ran.append(dialog.message)
        dialog.dismiss()

    page = browser.new_page()
    page.on("dialog", spoke)
    for name in written:
        page.goto(f"file://{next(tmp_path.rglob(name))}")
        assert page.locator("script, style, body").count() and not page.locator("img[src=x], svg[onload]").count()
    page.goto(f"file://{tmp_path / 'map.html'}")
    for layer in page.locator("input.leaflet-control-layers-selector").all():
        layer.check()
    shapes, told = page.locator("path.leaflet-interactive"), ""
    for at in range(shapes.count()):  # what is shown of a unit under the pointer, and after a click
        shapes.nth(at).dispatch_event("mouseover")
        shapes.nth(at).dispatch_event("click")
        told += page.locator(".leaflet-popup-content").last.inner_text()
        assert not page.locator("img[src=x], svg[onload]").count()
    assert [name for name in PAGE_NAMES[1:] if name not in told] == []
    page.close()
    assert ran == []


def test_names_are_text_on_a_terminal_and_a_printed_map(tianzhang: Run, small_city: Database, tmp_path: Path) -> None:
    names = ["[/x][red]村[/red]", "$\\frac{村$ :cow:"]
    land = [SQUARES[TOWN], SQUARES[VILLAGE]]
    gpd.GeoDataFrame({"code": [TOWN, VILLAGE], "name": names}, geometry=land, crs=4490).to_file(tmp_path / "u.gpkg")
    assert tianzhang("import", "units", "u.gpkg").returncode == 0
    assert tianzhang("users", "add", "li.ming", "--role", "leader", "--full-name", names[0]).returncode == 0
    assert tianzhang("token", "add", names[0]).returncode == 0
    for words in (("users", "list"), ("token", "list"), ("progress", "--as-of", "2022-03-31")):
        done = tianzhang(*words)
        assert done.returncode == 0 and names[0] in done.stdout, done.stdout + done.stderr
    assert names[1] in tianzhang("progress", "--unit", TOWN, "--as-of", "2022-03-31").stdout
    done = tianzhang("map", "--unit", TOWN, "-o", "map.png", "--as-of", "2022-03-31")
    assert done.returncode == 0 and (tmp_path / "map.png").stat().st_size > 10_000, done.stderr


BAD_TEXTS = {
    "number": ("N" * 41, "“number” has 41 characters, more than 40"),
    "crop": ("豆" * 201, "“crop” has 201 characters, more than 200"),
    "former_use": ("a\x1b[2Jb", "“former_use” has control characters"),
    "checked_by": ("a\x07b", "“checked_by” has control characters"),
    "typed_area_mu": ("inf", "“inf” in “typed_area_mu” is no number"),
    "accuracy_m": ("nan", "“nan” in “accuracy_m” is no number"),
}


def test_a_file_s_texts_that_cannot_be_kept_are_named_row_by_row(
    tianzhang: Run, small_city: Database, tmp_path: Path
) -> None:
    land = [shapely.box(111.71 + at / 500, 27.25, 111.711 + at / 500, 27.251) for at in range(len(BAD_TEXTS) + 1)]
    rows: dict[str, object] = {"unit_code": VILLAGE, "reported_at": "2022-02-01", "checked_at": "2022-02-02"}
    for at, (field, (text, _)) in enumerate(BAD_TEXTS.items()):
        rows[field] = [text if row == at else "" for row in range(len(land))]
    gpd.GeoDataFrame(rows, geometry=land, crs=4490).to_file(tmp_path / "c.gpkg")
    done = tianzhang("import", "claims", "c.gpkg", "--report", "remarks.csv")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    remarks = (tmp_path / "remarks.csv").read_text("utf-8-sig")
    for _, said in BAD_TEXTS.values():
        assert said in remarks, remarks
    done = tianzhang("import", "claims", "c.gpkg", "--skip-bad")
    assert done.returncode == 0 and "1 new" in done.stdout, done.stdout + done.stderr
    with small_city.reading() as session:
        assert session.scalar(select(func.count()).select_from(Claim)) == 1


# What swells, or has no end


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def test_a_picture_with_a_text_that_swells_is_refused_or_taken_without_it(office: httpx.Client) -> None:
    whole = encoded(picture(), "PNG")
    bomb = zlib.compress(bytes(300_000_000), 9)
    for kind, head in ((b"zTXt", b"x\0\0"), (b"iTXt", b"x\0\1\0\0\0"), (b"iCCP", b"x\0\0")):
        content = whole[:33] + chunk(kind, head + bomb) + whole[33:]
        answer = office.post("/claims/A/evidence", content=content)
        assert answer.status_code == 201 or refused(answer, 422, "photograph_damaged")
    ready = httpx.get(office.base_url.copy_with(path="/ready"))
    assert ready.status_code == 200


UNREADABLE = {
    "cut short": b'{"unit_code": "4305',
    "nested without end": b'{"geometry":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "objects without end": b'{"geometry":' * 5_000 + b"1" + b"}" * 5_000,
    "a number of a million digits": b'{"typed_area_mu": 1' + b"0" * 1_000_000 + b"}",
    "no UTF-8": b'{"crop": "\xff\xfe"}',
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_body_that_nobody_can_read_is_refused(office: httpx.Client, what: str) -> None:
    answer = office.post("/claims", content=UNREADABLE[what], headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json" and len(answer.json()["detail"]) > 20


SQUARE = [[111.71, 27.25], [111.712, 27.25], [111.712, 27.252], [111.71, 27.25]]
BAD_BODIES: list[tuple[str, str]] = [
    ('"typed_area_mu": NaN', "invalid_request"),
    ('"typed_area_mu": Infinity', "invalid_request"),
    ('"typed_area_mu": 1e400', "invalid_request"),
    ('"typed_area_mu": 1e300', "invalid_request"),
    ('"typed_area_mu": "4"', "invalid_request"),
    ('"typed_area_mu": true', "invalid_request"),
    ('"ridge_factor": NaN', "invalid_request"),
    ('"accuracy_m": [1e308]', "invalid_request"),
    ('"accuracy_m": []', "accuracies_count"),
    ('"track": [[111.7, 27.2, "2022-04-26T10:00:00", NaN]]', "invalid_request"),
    ('"track": [[111.7, 27.2, "0001-01-01T00:00:00+23:59", 5]]', "date_too_early"),
    ('"track": [[111.7, 27.2, "9999-12-31T23:59:59-23:59", 5]]', "date_too_late"),
    ('"track": [[111.7, 27.2, 1650938400, 5]]', "invalid_request"),
    ('"crop": "a\\u0000b"', "invalid_request"),
    ('"crop": "a\\u001b[2Jb"', "invalid_request"),
    ('"crop": "a\\ud800b"', "invalid_request"),
    ('"number": "a\\u0000b"', "invalid_request"),
    ('"unit_code": "\\u0000"', "invalid_request"),
    ('"unit_code": "４３０５８２１０４２０３"', "bad_unit_code"),
    ('"croop": "soy"', "invalid_request"),
    (
        '"geometry": {"type": "Polygon", "coordinates": [[[1e308, 27], [111, 1e308], [111, 27], [1e308, 27]]]}',
        "out_of_range",
    ),
    ('"geometry": {"type": "Polygon", "coordinates": [[[NaN, 27], [111, 28], [111, 27], [NaN, 27]]]}', "bad_geojson"),
    (
        '"geometry": {"type": "Polygon", "coordinates": [[[1e999, 27], [111, 28], [111, 27], [1e999, 27]]]}',
        "bad_geojson",
    ),
    (
        '"geometry": {"type": "Polygon", "coordinates": [[["111", "27"], [111, 28], [111, 27], ["111", "27"]]]}',
        "bad_geojson",
    ),
    ('"geometry": {"type": "Polygon", "coordinates": [[111, 27], [111, 28]]}', "bad_geojson"),
    ('"geometry": {"type": "Polygon", "coordinates": "x"}', "bad_geojson"),
    ('"geometry": {"type": "Polygon\\ud800", "coordinates": []}', "bad_geojson"),
    (f'"geometry": {{"type": "Polygon", "coordinates": {"[" * 300}{"]" * 300}}}', "bad_geojson"),
    (f'"geometry": {{"type": "Feature", "geometry": {{"type": "Polygon", "coordinates": [{SQUARE}]}}}}', "bad_geojson"),
]


@pytest.mark.parametrize(("member", "code"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a_claim_takes_no_value_that_it_cannot_mean(office: httpx.Client, member: str, code: str) -> None:
    before = office.get("/claims").json()["number_matched"]
    sent = dict(body(shapely.box(111.76, 27.26, 111.761, 27.261), FAR_VILLAGE))
    sent.pop(member.split('"')[1], None)
    content = (json.dumps(sent)[:-1] + f", {member}}}").encode()
    for path in ("/claims", "/claims/preview"):
        answer = office.post(path, content=content, headers={"Content-Type": "application/json"})
        refused(answer, 422, code)
    assert office.get("/claims").json()["number_matched"] == before


BAD_ADDRESSES: list[tuple[str, int, str]] = [
    ("/plots/9223372036854775808", 422, "invalid_request"),
    ("/plots/-1", 422, "invalid_request"),
    ("/plots/" + "9" * 5000, 422, "invalid_request"),
    ("/plots?after=99999999999999999999", 422, "invalid_request"),
    ("/plots?bbox=nan,nan,nan,nan", 422, "bad_bbox"),
    ("/plots?bbox=-inf,-inf,inf,inf", 422, "bad_bbox"),
    ("/plots?bbox=1e400,0,1,1", 422, "bad_bbox"),
    ("/units?offset=9223372036854775808", 422, "invalid_request"),
    ("/units?limit=1e3", 422, "invalid_request"),
    ("/units?q=%00", 422, "invalid_request"),
    ("/units/%00", 422, "invalid_request"),
    ("/claims/%00", 422, "invalid_request"),
    ("/claims/A%00", 422, "invalid_request"),
    ("/claims/%ED%A0%80", 404, "claim_unknown"),
    ("/claims/A%20", 404, "claim_unknown"),
    ("/accounts/%00", 422, "invalid_request"),
    ("/targets/%00/allocations", 422, "invalid_request"),
    ("/periods/99999999999999999999", 422, "invalid_request"),
    ("/ledger?before=9007199254740993", 422, "invalid_request"),
    ("/chiefs?lon=nan&lat=27", 422, "invalid_request"),
    ("/chiefs?lon=inf&lat=27", 422, "invalid_request"),
    ("/progress?as_of=0000-01-01", 422, "bad_date"),
    ("/progress?as_of=0001-01-01T00:00:00%2B23:59", 422, "date_too_early"),
    ("/progress?as_of=9999-12-31", 422, "date_too_late"),
    ("/progress?as_of=9999-12-31T23:59:59-23:59", 422, "date_too_late"),
    ("/progress?as_of=10000-01-01", 422, "bad_date"),
    ("/progress?known_at=9999-12-31", 422, "date_too_late"),
    ("/progress/series?from=0001-01-01", 422, "date_too_early"),
    ("/progress/series?to=0", 422, "bad_date"),
    ("/progress?as_off=2022-04-26", 422, "unknown_parameter"),
    ("/progress?as_of=2022-04-26&as_of=2022-04-27", 422, "repeated_parameter"),
    ("/sign-in", 405, "method_not_allowed"),
    ("/nothing", 404, "not_found"),
]


@pytest.mark.parametrize(("address", "status", "code"), BAD_ADDRESSES, ids=range(len(BAD_ADDRESSES)))
def test_an_address_takes_no_value_that_it_cannot_mean(
    office: httpx.Client, address: str, status: int, code: str
) -> None:
    refused(office.get(address), status, code)
    refused(office.get(address, headers={"Accept-Language": "zh"}), status, code)


def test_a_wrong_parameter_is_named_with_those_that_there_are(office: httpx.Client) -> None:
    said = refused(office.get("/progress/tree?down=village"), 422, "unknown_parameter")
    assert "“down”" in said and "down_to, target, unit, as_of, known_at, lang" in said
    assert "2 times" in refused(office.get("/units?level=town&level=city"), 422, "repeated_parameter")
    assert "参数“down”" in refused(office.get("/progress/tree?down=village&lang=zh"), 422, "unknown_parameter")
    assert office.get("/progress/tree", params={"down_to": "town", "lang": "zh"}).is_success


def test_a_method_that_an_address_has_not_is_answered_with_those_that_it_has(office: httpx.Client) -> None:
    for method, address, allowed in (
        ("TRACE", "/claims", "GET, POST"),
        ("DELETE", "/claims/A", "GET"),
        ("PUT", "/claims/A/check", "POST"),
        ("OPTIONS", "/claims/preview", "POST"),
        ("HEAD", "/sign-in", "POST"),
        ("BREW", "/public", "GET, PUT"),
    ):
        answer = office.request(method, address)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed), (method, address)
    page = office.request("POST", office.base_url.copy_with(path="/index.html"))
    assert (page.status_code, page.headers["allow"]) == (405, "GET, HEAD")
