"""Every operation of /openapi.json, asked by schemathesis with right and wrong data: it answers as it declares, and never 5xx.

By nobody, by a program with a token of all rights, and by a person with a browser; on both databases, against a server of
its own. TIANZHANG_FUZZ_EXAMPLES: how many random requests each operation gets; TIANZHANG_FUZZ_SEED: which ones (`make fuzz`).
"""

import hashlib
import os
import subprocess
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import geopandas as gpd
import httpx
import pytest
import shapely
from conftest import VILLAGE, run_command
from provider import lying
from ready import COMMAND
from test_api import FIELD, body
from test_evidence import PDF, encoded, exif, picture
from test_oidc import settings
from test_operations import Place, Served, server, small_place

from farmland.accounts.accounts import Account, add_account, grant
from farmland.accounts.public_page import switch_public
from farmland.accounts.tokens import add_token
from farmland.figures.warning import WarningColours
from farmland.people.roles import Action, Role
from farmland.records import city
from farmland.records.clock import SHANGHAI, day_of
from farmland.reports.periods import close_period

EXAMPLES = int(os.environ.get("TIANZHANG_FUZZ_EXAMPLES", "8"))
SEED = int(os.environ.get("TIANZHANG_FUZZ_SEED", "1"))
NOW = datetime(2022, 4, 26, 20, tzinfo=SHANGHAI)
LANDS = [shapely.box(111.701 + at / 800, 27.21, 111.702 + at / 800, 27.212) for at in range(16)]
ENTERED = [
    ("keeper", Role.ADMINISTRATOR),
    ("keeper", Role.OFFICER),
    ("other", Role.ADMINISTRATOR),
    ("officer", Role.LEADER),
]
"""The accounts that are entered without a password, and their roles."""
TAKEN = ("check", "check accept", "check accept", "")
STATES = {number: TAKEN[at % 4] for at, number in enumerate("ABCDEFGHIJKLMNOP")}
"""The claims of the city, and the steps that each has taken."""


@pytest.fixture(scope="module", params=["sqlite", "postgis"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The small city as a demonstration, whose accounts are entered without a password; with plots and a closed period."""
    for made in small_place(request, tmp_path_factory.mktemp("openapi")):
        furnish(made)
        yield made


def furnish(place: Place) -> None:
    plots = {"number": ["1", "2"], "unit_code": VILLAGE, "land_class": "0103"}
    gpd.GeoDataFrame(plots, geometry=[FIELD, LANDS[0]], crs=4490).to_file(place.folder / "plots.gpkg")
    done = run_command("import", "plots", "plots.gpkg", env=place.env, cwd=place.folder)
    assert done.returncode == 0, done.stderr
    with place.database.writing() as session:
        session.add(city.Demonstration(id=1, now=NOW, note_zh="试", note_en="a test"))
        for name, role in ENTERED:
            account = session.query(Account).filter_by(name=name).one_or_none()
            account = account or add_account(session, name, "", actor="a test")[0]
            account.code = account.code_until = None
            grant(session, account, role, None, actor="a test")
        for name in ("li.ming", "wang.fang"):
            grant(session, add_account(session, name, "", actor="a test")[0], Role.INSPECTOR, VILLAGE, actor="a test")
        switch_public(session, True, actor="a test")
        last_day = day_of(NOW - timedelta(days=30))
        close_period(session, VILLAGE, last_day, NOW, actor="a test", colours=WarningColours())


@pytest.fixture(scope="module")
def served(place: Place) -> Iterator[Served]:
    """The server on that city, with claims in several states, which nobody took who asks later, and evidence."""
    with place.database.writing() as session:
        secrets = {
            name: add_token(session, name, None, Action, city.next_moment(session), actor="a test")[1]
            for name in ("the village", "the town", "the city")
        }
    village, town, whole = ({"Authorization": f"Bearer {secret}"} for secret in secrets.values())
    with lying() as provider, server(place.env | settings(provider.address), place.folder / "log") as running:
        with httpx.Client(base_url=f"{running.address}/api/v1", headers=village, timeout=60) as client:
            for seed, ((number, steps), land) in enumerate(zip(STATES.items(), LANDS, strict=True)):
                client.post("/claims", json=body(land, number=number)).raise_for_status()
                shown = encoded(picture(seed), exif=exif(land.centroid.x, land.centroid.y))
                for content, purpose in ((PDF, "other"), (shown, "after")):
                    sent = client.post(f"/claims/{number}/evidence", content=content, params={"purpose": purpose})
                    sent.raise_for_status()
                for step, who in zip(steps.split(), (town, whole), strict=False):
                    answer = client.post(f"/claims/{number}/{step}", json={}, headers=who)
                    assert answer.is_success, answer.text
        yield running


@pytest.mark.parametrize("caller", ["nobody", "program", "person"])
def test_every_operation_answers_as_it_declares(served: Served, place: Place, caller: str) -> None:
    words = ["-H", f"Origin: {served.address}", "-H", "Sec-Fetch-Site: same-origin"]  # as a browser says it of our page
    env = dict(os.environ)
    if caller == "program":
        with place.database.writing() as session:
            now = city.next_moment(session)
            token, secret = add_token(session, f"program {uuid.uuid4().hex}", None, Action, now, actor="a test")
            env["TIANZHANG_FUZZ_TOKEN_ID"] = str(token.id)
        words = ["-H", f"Authorization: Bearer {secret}"]
    if caller == "person":
        env["TIANZHANG_FUZZ_PERSON"] = "keeper"
    told = Path(__file__).with_name("schemathesis.toml").read_text().replace("FILE", hashlib.sha256(PDF).hexdigest())
    hooks = Path(__file__).with_name("openapi_hooks.py")
    config = place.folder / "schemathesis.toml"
    config.write_text(told.replace('"openapi_hooks.py"', f'"{hooks}"'))
    done = subprocess.run(
        [COMMAND.with_name("schemathesis"), "--config-file", config, "run", f"{served.address}/openapi.json", "--no-color",
         "--seed", str(SEED), "--max-examples", str(EXAMPLES), *words],
        env=env, cwd=place.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
