"""Evidence files: what a photograph tells, what is refused, who sees it, where it is kept. On both databases and on S3."""

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from select import select as select_ready
from typing import Any

import boto3
import httpx
import numpy as np
import pytest
from conftest import FAR_VILLAGE, OFFICER, TOWN, VILLAGE, Run, free_port, run_command, serving_here
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, TiffImagePlugin
from sqlalchemy import func, select
from test_api import FIELD, HALF, body, refused, valid

from api import contract
from farmland.evidence.photographs import photo_facts, thumbnail
from farmland.records.clock import SHANGHAI
from farmland.records.database import Database
from farmland.restoration.evidence import Evidence

PDF = b"%PDF-1.7\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"


def picture(seed: int = 1, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A picture of soft patches, the same for the same seed."""
    patches = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    made = BytesIO()
    image.save(made, kind, **options)
    return made.getvalue()


def sexagesimal(degrees: float) -> tuple[TiffImagePlugin.IFDRational, ...]:
    whole = abs(degrees)
    minutes = whole % 1 * 60
    seconds = Fraction(minutes % 1 * 60).limit_denominator(100_000)
    parts = (int(whole), int(minutes), seconds)
    return tuple(TiffImagePlugin.IFDRational(*Fraction(part).as_integer_ratio()) for part in parts)


def exif(longitude: float = 111.711, latitude: float = 27.251, **camera: str) -> Image.Exif:
    tags, gps = Image.Exif(), ExifTags.GPS
    tags[ExifTags.Base.Make], tags[ExifTags.Base.Model] = "Xiaomi\0", "Redmi 9A"
    times = {"DateTimeOriginal": "2022:04:20 10:11:12"} | camera
    tags.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base[name]: text for name, text in times.items()})
    tags.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            gps.GPSLongitudeRef: "E" if longitude >= 0 else "W",
            gps.GPSLongitude: sexagesimal(longitude),
            gps.GPSLatitudeRef: "N" if latitude >= 0 else "S",
            gps.GPSLatitude: sexagesimal(latitude),
            gps.GPSImgDirection: TiffImagePlugin.IFDRational(1234, 10),
            gps.GPSHPositioningError: TiffImagePlugin.IFDRational(45, 10),
        }
    )
    return tags


def distance(one: bytes, other: bytes) -> int:
    """In how many bits two perceptual hashes differ."""
    first, second = (int(photo_facts(content).perceptual_hash, 16) for content in (one, other))
    return (first ^ second).bit_count()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "MPO"])
def test_a_photograph_tells_where_when_whither_and_by_what_it_was_taken(kind: str) -> None:
    more = {"save_all": True, "append_images": [picture(2)]} if kind == "MPO" else {}
    facts = photo_facts(encoded(picture(), kind, exif=exif(), **more))
    assert facts.media_type == {"MPO": "image/jpeg"}.get(kind, f"image/{kind.lower()}")
    assert (facts.longitude, facts.latitude) == pytest.approx((111.711, 27.251), abs=1e-8)
    assert (facts.bearing, facts.accuracy_m, facts.device) == (123.4, 4.5, "Xiaomi Redmi 9A")
    assert facts.taken_at == datetime(2022, 4, 20, 10, 11, 12, tzinfo=SHANGHAI)


def test_the_time_is_that_of_its_offset_or_of_shanghai_or_untold() -> None:
    def taken(**camera: str) -> datetime | None:
        return photo_facts(encoded(picture(), exif=exif(**camera))).taken_at

    assert taken(OffsetTimeOriginal="+00:00") == datetime(2022, 4, 20, 10, 11, 12, tzinfo=UTC)
    assert taken(OffsetTimeOriginal="?") == datetime(2022, 4, 20, 10, 11, 12, tzinfo=SHANGHAI)
    for nonsense in ("0000:00:00 00:00:00", "    :  :     :  :  ", "1970:01:01 00:00:00", "2022-04-20", "cow"):
        assert taken(DateTimeOriginal=nonsense) is None
    assert taken(DateTimeOriginal="9999:12:31 23:59:59", OffsetTimeOriginal="-12:00") is None


@given(st.floats(-180, 180), st.floats(-90, 90))
@settings(max_examples=60, deadline=None)
def test_positions_come_out_as_they_went_in(longitude: float, latitude: float) -> None:
    facts = photo_facts(encoded(picture(size=(32, 32)), exif=exif(longitude, latitude)))
    told = (facts.longitude or 0.0, facts.latitude or 0.0)
    assert told == pytest.approx((longitude, latitude), abs=1e-8)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(st.binary(max_size=400), st.integers(0, 400), st.binary(min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_a_broken_exif_keeps_no_photograph_out(noise: bytes, place: int, change: bytes) -> None:
    whole = exif().tobytes()
    for block in (b"Exif\0\0II*\0" + noise, whole[:place] + change + whole[place + len(change) :], whole[: place + 12]):
        content = encoded(picture(size=(32, 32)), exif=block)
        facts = photo_facts(content)
        assert facts.media_type == "image/jpeg" and len(facts.perceptual_hash) == 16
        assert facts.bearing is None or 0 <= facts.bearing < 360
        assert len(thumbnail(content, 16)) > 100


def test_without_exif_nothing_is_told_and_zeros_are_no_position() -> None:
    bare = photo_facts(encoded(picture()))
    assert {bare.taken_at, bare.longitude, bare.latitude, bare.accuracy_m, bare.bearing, bare.device} == {None}
    assert photo_facts(encoded(picture(), exif=exif(0, 0))).longitude is None


def test_the_same_picture_is_alike_however_it_is_saved_and_another_is_not() -> None:
    original = encoded(picture(), quality=95, exif=exif())
    for again in (
        encoded(picture(), quality=40),
        encoded(picture(size=(320, 240)), "WEBP"),
        encoded(picture(), "PNG"),
        encoded(picture().transpose(Image.Transpose.ROTATE_90), exif=turned(6)),
    ):
        assert distance(original, again) <= 6
    assert min(distance(original, encoded(picture(seed))) for seed in range(2, 8)) >= 16


def turned(orientation: int) -> Image.Exif:
    tags = exif()
    tags[ExifTags.Base.Orientation] = orientation
    return tags


def test_a_thumbnail_stands_upright_and_tells_nothing() -> None:
    image = Image.new("RGB", (800, 400), "red")
    image.paste("blue", (400, 0, 800, 400))
    content = encoded(image, exif=turned(6), comment=b"111.711 27.251", xmp=b"<x/>")
    small = Image.open(BytesIO(thumbnail(content, 160)))
    assert (small.format, small.size, dict(small.getexif())) == ("JPEG", (80, 160), {})
    assert set(small.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    above, below = small.getpixel((40, 20)), small.getpixel((40, 140))
    assert above[0] > 200 > 50 > above[2] and below[2] > 200 > 50 > below[0]
    for mode in ("L", "LA", "P", "CMYK", "I;16", "1"):
        kind = "JPEG" if mode == "CMYK" else "PNG"
        made = Image.open(BytesIO(thumbnail(encoded(Image.new(mode, (64, 32)), kind), 32)))
        assert (made.mode, made.size) == ("RGB", (32, 16))


LARGE = encoded(Image.new("1", (10_000, 9_000)), "PNG")
HUGE = encoded(Image.new("1", (20_000, 10_000)), "PNG")
BAD_FILES: list[tuple[str, bytes, str]] = [
    ("photo.jpg", b"", "empty_file"),
    ("photo.jpg", b"MZ\x90\0" + b"\0" * 4000, "kind_not_allowed"),
    ("photo.jpg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "kind_not_allowed"),
    ("photo.png", b"<!doctype html><script>alert(1)</script>", "kind_not_allowed"),
    ("photo.jpg", encoded(picture(), "GIF"), "kind_not_allowed"),
    ("photo.jpg", encoded(picture(), "TIFF"), "kind_not_allowed"),
    ("report.pdf", b" %PDF-1.7", "kind_not_allowed"),
    ("photo.jpg", encoded(picture())[:-2000], "photograph_damaged"),
    ("photo.png", encoded(picture(), "PNG")[:9000], "photograph_damaged"),
    ("photo.jpg", b"\xff\xd8\xff", "kind_not_allowed"),
    ("photo.png", LARGE, "too_many_pixels"),
    ("photo.png", HUGE, "too_many_pixels"),
]


@pytest.fixture
def evidence_env(command_env: dict[str, str]) -> dict[str, str]:
    return command_env | {"TIANZHANG_EVIDENCE_LIMIT_MB": "1"}


@pytest.fixture
def api(small_city: Database, tianzhang: Run, evidence_env: dict[str, str]) -> Iterator[httpx.Client]:
    """A client of the application on the small city with two claims, A and B; files of up to one megabyte are taken."""
    secret = tianzhang("token", "add", "office", *OFFICER).stdout.strip()
    headers = {"Authorization": f"Bearer {secret}", "Accept-Language": "en"}
    with serving_here(evidence_env) as address, httpx.Client(base_url=f"{address}/api/v1", headers=headers) as client:
        for number, land in (("A", FIELD), ("B", HALF)):
            assert client.post("/claims", json=body(land, number=number)).status_code == 201
        yield client


def attach(api: httpx.Client, content: bytes, claim: str = "A", **query: str) -> dict:
    return valid(contract.Evidence, api.post(f"/claims/{claim}/evidence", content=content, params=query), 201)


def listed(api: httpx.Client, claim: str = "A") -> list[dict]:
    return valid(contract.EvidenceList, api.get(f"/claims/{claim}/evidence"))["evidence"]


def test_a_file_is_attached_listed_and_comes_back_as_it_was(api: httpx.Client, tmp_path: Path) -> None:
    photo = encoded(picture(), exif=exif())
    name = "照片\n/../仙槎桥镇 清江村“后”\u202egpj.jpg"
    made = attach(api, photo, name=name, purpose="after", client_at="2022-04-20T10:30:00Z")
    digest = hashlib.sha256(photo).hexdigest()
    assert (made["sha256"], made["size"], made["kind"], made["by"]) == (digest, len(photo), "photograph", "office")
    assert (made["name"], made["purpose"]) == ("仙槎桥镇 清江村“后”gpj.jpg", "after")
    assert made["client_at"] == "2022-04-20T18:30:00+08:00" and made["taken_at"] == "2022-04-20T10:11:12+08:00"
    assert (tmp_path / "evidence" / digest[:2] / digest[2:4] / digest).read_bytes() == photo

    assert attach(api, photo, name="other.jpg", purpose="before") == made
    document = attach(api, PDF)
    assert (document["kind"], document["name"]) == ("document", document["sha256"][:12])
    assert attach(api, photo, "B", name="other.jpg")["name"] == "other.jpg"
    assert listed(api) == [made, document] and len(listed(api, "B")) == 1

    address = f"/claims/A/evidence/{digest}"
    got = api.get(address)
    assert got.content == photo and got.headers["content-type"] == "image/jpeg"
    assert got.headers["x-content-type-options"] == "nosniff"
    said = got.headers["content-disposition"]
    assert said.startswith("attachment;") and said.endswith(
        "%E6%B8%85%E6%B1%9F%E6%9D%91%E2%80%9C%E5%90%8E%E2%80%9Dgpj.jpg"
    )
    assert got.headers["cache-control"].startswith("private") and "immutable" in got.headers["cache-control"]
    assert api.get(address, headers={"If-None-Match": got.headers["etag"]}).status_code == 304
    assert api.get(f"/claims/A/evidence/{document['sha256']}").content == PDF

    for pixels in (160, 160, 320):
        small = api.get(f"{address}/thumbnail", params={"pixels": pixels})
        assert Image.open(BytesIO(small.content)).size == (pixels, pixels * 3 // 4)
    assert len(list((tmp_path / "evidence" / "thumbnails").rglob("*.jpg"))) == 2
    refused(api.get(f"/claims/A/evidence/{document['sha256']}/thumbnail"), 404, "no_thumbnail")
    refused(api.get(f"/claims/B/evidence/{document['sha256']}"), 404, "evidence_unknown")
    refused(api.get("/claims/none/evidence"), 404, "claim_unknown")


def test_what_is_no_evidence_is_refused_by_its_content(api: httpx.Client, tmp_path: Path) -> None:
    for name, content, code in BAD_FILES:
        english = refused(api.post("/claims/A/evidence", content=content, params={"name": name}), 422, code)
        chinese = refused(api.post("/claims/A/evidence?lang=zh", content=content), 422, code)
        assert english.isascii()
        assert not chinese.isascii()
    refused(api.post("/claims/A/evidence?purpose=cow", content=PDF), 422, "invalid_request")
    refused(api.post("/claims/A/evidence?client_at=cow", content=PDF), 422, "bad_date")
    assert listed(api) == [] and not [path for path in (tmp_path / "evidence").rglob("*") if path.is_file()]


def test_too_large_a_file_is_refused_while_it_comes_in(api: httpx.Client) -> None:
    content = encoded(Image.fromarray(np.random.default_rng(1).integers(0, 255, (900, 900, 3), dtype=np.uint8)), "PNG")
    assert "1 MB" in refused(api.post("/claims/A/evidence", content=content), 413, "too_large")
    # A body without end: the answer comes although it never does.
    head = (
        f"POST /api/v1/claims/A/evidence HTTP/1.1\r\nHost: {api.base_url.host}\r\n"
        f"Authorization: {api.headers['Authorization']}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((api.base_url.host, api.base_url.port), timeout=30) as line:
        line.sendall(head.encode())
        for _ in range(1000):
            if select_ready([line], [], [], 0)[0]:
                break
            line.sendall(b"10000\r\n" + bytes(65_536) + b"\r\n")
        else:
            pytest.fail("65 MB were taken without a word")
        answer = b""
        while b"too_large" not in answer:
            part = line.recv(65_536)
            assert part, answer
            answer += part
    assert answer.startswith(b"HTTP/1.1 413 ")
    attach(api, PDF + bytes(1_000_000 - len(PDF)))


def test_only_who_may_act_for_the_unit_sees_its_evidence(api: httpx.Client, tianzhang: Run) -> None:
    digest = attach(api, encoded(picture()))["sha256"]
    tokens = {
        unit: tianzhang("token", "add", unit, "--unit", unit, "--may", "report").stdout.strip()
        for unit in (FAR_VILLAGE, TOWN)
    }
    file = f"/claims/A/evidence/{digest}"
    asked = (("GET", "/claims/A/evidence"), ("GET", file), ("GET", f"{file}/thumbnail"), ("POST", "/claims/A/evidence"))
    for method, address in asked:
        for token, status, code in (
            ("", 401, "not_signed_in"),
            ("Bearer tz_wrong", 401, "token_unknown"),
            (f"Bearer {tokens[FAR_VILLAGE]}", 403, "not_your_unit"),
        ):
            refused(api.request(method, address, headers={"Authorization": token}), status, code)
        town = {"Authorization": f"Bearer {tokens[TOWN]}"}
        assert api.request(method, address, headers=town, content=PDF).is_success
    refused(api.get("/claims/none/evidence", headers={"Authorization": ""}), 401, "not_signed_in")
    assert VILLAGE.startswith(TOWN[:9]) and [one["by"] for one in listed(api)] == ["office", TOWN]


def test_a_damaged_and_a_missing_file_are_told_and_mended_by_the_original(
    api: httpx.Client, tianzhang: Run, tmp_path: Path
) -> None:
    photo = encoded(picture())
    digest, document = attach(api, photo, name="田.jpg")["sha256"], attach(api, PDF, "B")["sha256"]
    assert tianzhang("evidence", "check").returncode == 0
    kept = tmp_path / "evidence" / digest[:2] / digest[2:4] / digest
    kept.write_bytes(photo[:-1] + b"?")
    (tmp_path / "evidence" / document[:2] / document[2:4] / document).unlink()
    refused(api.get(f"/claims/A/evidence/{digest}"), 500, "evidence_file_damaged")
    refused(api.get(f"/claims/A/evidence/{digest}/thumbnail"), 500, "evidence_file_damaged")
    refused(api.get(f"/claims/B/evidence/{document}"), 500, "evidence_file_missing")
    told = tianzhang("evidence", "check")
    assert told.returncode == 1 and "2 evidence files" in told.stdout
    assert f"A 田.jpg: The evidence file {digest}" in told.stderr and f"B {document[:12]}: " in told.stderr
    assert "damaged" in told.stderr and "is not in the store" in told.stderr
    assert tianzhang("evidence", "get", "A", digest, "-o", "x.jpg").returncode == 1
    attach(api, photo)
    attach(api, PDF, "B")
    assert tianzhang("evidence", "check").returncode == 0


def test_the_command_attaches_lists_and_gives_out(api: httpx.Client, tianzhang: Run, tmp_path: Path) -> None:
    photo = encoded(picture(), exif=exif())
    (tmp_path / "后 1.jpg").write_bytes(photo)
    (tmp_path / "说明.pdf").write_bytes(PDF)
    (tmp_path / "bad.jpg").write_bytes(b"MZ")
    (tmp_path / "huge.pdf").write_bytes(PDF + bytes(20_000_000))
    digest = hashlib.sha256(photo).hexdigest()
    for bad, said in (("bad.jpg", "JPEG"), ("huge.pdf", "20 MB"), ("none.jpg", "No such file")):
        done = tianzhang("evidence", "add", "A", "后 1.jpg", bad)
        assert done.returncode == 1 and bad in done.stderr and said in done.stderr
    assert listed(api) == []
    assert tianzhang("evidence", "add", "A", "后 1.jpg", "--purpose", "cow").returncode == 2
    assert tianzhang("evidence", "add", "none", "后 1.jpg").returncode == 1
    for _ in range(2):
        done = tianzhang("evidence", "add", "A", "后 1.jpg", "说明.pdf", "--purpose", "after")
        assert done.returncode == 0 and done.stdout.splitlines()[0] == f"{digest}\t后 1.jpg"
    rows = [line.split("\t") for line in tianzhang("evidence", "list", "A").stdout.splitlines()]
    assert rows[0] == [digest, "after", str(len(photo)), "2022-04-20 10:11", "111.711000 27.251000", "后 1.jpg"]
    assert rows[1][1:] == ["after", str(len(PDF)), "-", "-", "说明.pdf"]
    assert tianzhang("evidence", "get", "A", digest, "--output", "out.jpg").returncode == 0
    assert (tmp_path / "out.jpg").read_bytes() == photo
    assert tianzhang("evidence", "get", "A", digest, "--output", "no/where.jpg").returncode == 1


def test_both_databases_keep_one_row_for_a_claim_and_a_content(api: httpx.Client, small_city: Database) -> None:
    photo = encoded(picture())
    for claim in ("A", "A", "B"):
        attach(api, photo, claim)
    with small_city.reading() as session:
        assert session.scalar(select(func.count()).select_from(Evidence)) == 2
        same = session.scalars(select(Evidence).where(Evidence.sha256 == hashlib.sha256(photo).hexdigest())).all()
        assert len({row.perceptual_hash for row in same}) == 1 and len(same) == 2
        assert all(timedelta() <= datetime.now(UTC) - row.recorded_at < timedelta(minutes=5) for row in same)


def test_what_is_no_place_to_keep_evidence_is_said(
    tianzhang: Run, small_city: Database, command_env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    for address in ("ftp://host/x", "s3://", str(tmp_path / "file")):
        done = run_command("evidence", "check", env=command_env | {"TIANZHANG_EVIDENCE": address}, cwd=tmp_path)
        assert done.returncode == 1 and f"“{address}”" in done.stderr and "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    """A server that speaks S3, with a bucket `field`: the variables that lead to it."""
    address = f"http://127.0.0.1:{free_port()}"
    port = address.rpartition(":")[2]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.put(f"{address}/field").raise_for_status()
                break
            except httpx.TransportError:
                assert server.poll() is None and time.monotonic() < deadline, "no S3 server"
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
        yield keys | {"AWS_ENDPOINT_URL": address, "TIANZHANG_EVIDENCE": "s3://field/shaodong"}
    finally:
        server.terminate()
        server.wait(30)


def bucket_object(bucket: dict[str, str], key: str) -> Any:
    """An object of the bucket, by a client that is not ours."""
    keys = {"aws_access_key_id": bucket["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": bucket["AWS_SECRET_ACCESS_KEY"]}
    place = {"endpoint_url": bucket["AWS_ENDPOINT_URL"], "region_name": bucket["AWS_REGION"]}
    return boto3.resource("s3", **keys, **place).Object("field", key)


def test_evidence_is_kept_in_a_bucket(
    bucket: dict[str, str], small_city: Database, tianzhang: Run, evidence_env: dict[str, str], tmp_path: Path
) -> None:
    env = evidence_env | bucket
    headers = {"Authorization": f"Bearer {tianzhang('token', 'add', 'office', *OFFICER).stdout.strip()}"}
    photo = encoded(picture(int.from_bytes(os.urandom(4), "big")), exif=exif())
    with serving_here(env) as address, httpx.Client(base_url=f"{address}/api/v1", headers=headers) as client:
        assert client.post("/claims", json=body(FIELD, number="A")).status_code == 201
        digest = attach(client, photo, name="田.jpg")["sha256"]
        file = f"/claims/A/evidence/{digest}"
        assert client.get(file).content == photo
        for _ in range(2):
            small = client.get(f"{file}/thumbnail")
            assert Image.open(BytesIO(small.content)).size == (320, 240)
        kept = bucket_object(bucket, f"shaodong/{digest[:2]}/{digest[2:4]}/{digest}")
        assert kept.get()["Body"].read() == photo
        assert run_command("evidence", "check", env=env, cwd=tmp_path).returncode == 0
        kept.put(Body=b"other")
        refused(client.get(file), 500, "evidence_file_damaged")
        assert run_command("evidence", "check", env=env, cwd=tmp_path).returncode == 1
        kept.delete()
        refused(client.get(file), 500, "evidence_file_missing")
        assert not (tmp_path / "evidence").exists()
    nobody = env | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    done = run_command("evidence", "check", env=nobody, cwd=tmp_path)
    assert done.returncode == 1 and "s3://field/shaodong" in done.stderr and "Traceback" not in done.stderr
