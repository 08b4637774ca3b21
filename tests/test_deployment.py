"""The files of deploy/: the very configuration of nginx before a real server, the units as systemd reads them."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme
from conftest import free_port, run_command, until_answered
from ready import COMMAND
from test_operations import Place, Served, office, place, served

from api.settings import Settings

__all__ = ["office", "place", "served"]  # the small city and its server are those of the operations

DEPLOY = Path(__file__).parents[1] / "deploy"
NGINX = "/usr/sbin/nginx"
AROUND = """daemon off; error_log {folder}/error.log; pid {folder}/pid; {user}
events {{ }}
http {{
    include /etc/nginx/mime.types;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/tianzhang.conf;
}}
"""


@dataclass
class Front:
    """nginx, as it stands before the application."""

    https: str
    http: str
    trust: ssl.SSLContext
    folder: Path

    def client(self, source: str = "127.0.0.1") -> httpx.Client:
        """A client at an address of this machine."""
        transport = httpx.HTTPTransport(verify=self.trust, local_address=source)
        return httpx.Client(base_url=self.https, transport=transport, timeout=60)


@pytest.fixture(scope="module")
def front(served: Served, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """deploy/nginx.conf, of which only ports and paths are replaced."""
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "tls").mkdir()
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "tls" / "privkey.pem")
    for part in certificate.cert_chain_pems:
        part.write_to_path(folder / "tls" / "fullchain.pem", append=True)
    plain, secure = free_port(), free_port()
    configuration = (DEPLOY / "nginx.conf").read_text()
    for there, here in (
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen [::]:80;", ""),
        ("listen 443 ", f"listen 127.0.0.1:{secure} "),
        ("listen [::]:443 ssl http2;", ""),
        ("https://$host$", f"https://$host:{secure}$"),
        ("127.0.0.1:8000", served.address.removeprefix("http://")),
        ("/etc/tianzhang/tls", f"{folder}/tls"),
        ("/var/log/nginx", str(folder)),
        ("/var/cache/nginx", str(folder)),
    ):
        assert there in configuration, there
        configuration = configuration.replace(there, here)
    (folder / "tianzhang.conf").write_text(configuration)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    process = subprocess.Popen([NGINX, "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        until_answered(f"https://127.0.0.1:{secure}/health", process, verify=trust)
        yield Front(f"https://127.0.0.1:{secure}", f"http://127.0.0.1:{plain}", trust, folder)
    finally:
        process.terminate()
        process.wait(30)


def test_page_and_api_over_https_and_nothing_over_http(front: Front, served: Served, office: httpx.Client) -> None:
    with front.client() as client:
        page = client.get("/")
        assert page.is_success and 'id="app"' in page.text
        asset = re.findall(r'src="(/assets/[^"]+)"', page.text)[0]
        script, kept = client.get(asset), client.get(asset)
        for answer in (script, kept):
            assert answer.is_success and "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["Content-Encoding"] == "gzip"
        assert kept.headers["X-Request-ID"] == script.headers["X-Request-ID"], "the application was asked again"
        token = {"Authorization": office.headers["Authorization"]}
        assert client.get("/api/v1/claims").status_code == 401
        claims = client.get("/api/v1/claims", headers=token)
        assert claims.json()["number_matched"] == 1
        again = client.get("/api/v1/claims", headers=token | {"If-None-Match": claims.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        for answer in (page, script, claims):
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
            assert answer.headers["Server"] == "nginx"
        answer = client.get("/api/v1/about", headers={"X-Request-ID": "chosen-by-the-client"})
    number = answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", number)
    assert served.line(number)["route"] == "/api/v1/about"
    written = (front.folder / "tianzhang.log").read_text()
    assert number in written and "127.0.0.1" not in written and "/api" not in written
    moved = httpx.get(f"{front.http}/api/v1/claims?unit=1")
    assert (moved.status_code, moved.headers["Location"]) == (308, f"{front.https}/api/v1/claims?unit=1")
    host, port = front.https.removeprefix("https://").split(":")
    front.trust.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((host, int(port))) as line,
        front.trust.wrap_socket(line, server_hostname=host) as tls,
    ):
        assert tls.selected_alpn_protocol() == "h2"
    front.trust.set_alpn_protocols(["http/1.1"])


def test_tiles_are_served_in_parts(front: Front, place: Place, office: httpx.Client) -> None:
    assert run_command("tiles", env=place.env, cwd=place.folder).returncode == 0
    with front.client() as client:
        assert client.get("/tiles/city.pmtiles").status_code == 401
        wanted = {"Range": "bytes=0-126", "Authorization": office.headers["Authorization"]}
        part = client.get("/tiles/city.pmtiles", headers=wanted)
        assert (part.status_code, len(part.content), part.content[:7]) == (206, 127, b"PMTiles")
        assert part.headers["Content-Range"].startswith("bytes 0-126/")
        assert "Content-Encoding" not in part.headers or part.headers["Content-Encoding"] == "identity"


def test_bodies_have_a_limit_that_is_not_below_that_of_evidence(front: Front, office: httpx.Client) -> None:
    token = {"Authorization": office.headers["Authorization"]}
    (limit,) = re.findall(r"client_max_body_size (\d+)m;", (DEPLOY / "nginx.conf").read_text())
    most = Settings.model_fields["evidence_limit_mb"].default * 1_000_000
    assert most <= int(limit) * 2**20 < most * 1.1
    with front.client() as client:
        file = b"%PDF-1.7\n" + bytes(most - 9)
        assert client.post("/api/v1/claims/A/evidence", content=file, headers=token).status_code == 201
        for size, code in ((9_000_000, "body_too_large"), (30_000_000, "body_too_large")):
            answer = client.post("/api/v1/claims", content=bytes(size), headers=token)
            assert (answer.status_code, answer.json()["code"]) == (413, code)
            assert answer.headers["Content-Type"] == "application/problem+json"


def test_how_it_stands_is_told_on_this_machine_only(front: Front) -> None:
    for source, status in (("127.0.0.1", 200), ("127.0.0.2", 403)):
        with front.client(source) as client:
            assert client.get("/health").status_code == 200
            for path in ("/metrics", "/ready", "/metrics/", "/%6detrics", "/metrics?x=1"):
                answer = client.get(path)
                assert answer.status_code in (status, 404), path
                assert source == "127.0.0.1" or "tianzhang_requests" not in answer.text
    with front.client() as client:
        assert "tianzhang_ledger_entries" in client.get("/metrics").text


def test_who_tries_to_sign_in_too_often_has_to_wait(front: Front) -> None:
    with front.client("127.0.0.3") as client:
        answers = [client.post("/api/v1/sign-in", json={}) for _ in range(40)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert answers[0].status_code != 429 and refused
        assert refused[0].json()["code"] == "too_often" and refused[0].headers["Retry-After"] == "60"
        assert client.get("/api/v1/about").is_success


def test_long_addresses_and_headers_are_refused(front: Front, office: httpx.Client) -> None:
    token = {"Authorization": office.headers["Authorization"]}
    with front.client() as client:
        assert client.get("/api/v1/claims", params={"reason": "a" * 5_000}, headers=token).status_code == 404
        assert client.get("/api/v1/claims", params={"reason": "a" * 20_000}).status_code == 414
        assert client.get("/", headers={"X": "a" * 20_000}).status_code == 400
        assert client.get("/health").is_success


@pytest.mark.parametrize("unit", ["tianzhang.service", "tianzhang-backup.service", "tianzhang-backup.timer"])
def test_systemd_understands_the_units(unit: str, tmp_path: Path) -> None:
    for name in ("tianzhang.service", "tianzhang-backup.service", "tianzhang-backup.timer"):
        content = (DEPLOY / name).read_text().replace("/opt/tianzhang/.venv/bin/tianzhang", str(COMMAND))
        (tmp_path / name).write_text(content)
    analyze = shutil.which("systemd-analyze")
    assert analyze, "systemd-analyze is missing: apt-get install systemd"
    done = subprocess.run([analyze, "verify", "--man=no", tmp_path / unit], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if str(tmp_path) in line or unit in line]
    assert (done.returncode, said) == (0, [])


def test_the_settings_that_the_service_has_are_such(tmp_path: Path) -> None:
    lines = re.findall(r"^#?(TIANZHANG_\w+)=(.+)$", (DEPLOY / "environment").read_text(), flags=re.MULTILINE)
    assert {name.removeprefix("TIANZHANG_").lower() for name, _ in lines} <= set(Settings.model_fields)
    read = Settings.model_validate({name.removeprefix("TIANZHANG_").lower(): value for name, value in lines})
    assert read.log == "json" and json.dumps(read.database_url)
