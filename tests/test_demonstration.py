"""The demonstration city: the published facts come out of its records, by the command and by the API, on both databases."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import numpy as np
import pyogrio
import pytest
import shapely
from conftest import counted_rows, run_command, signed_in
from sqlalchemy import select
from test_land_twice import counted_twice, force_accepted, moved

from api import contract
from farmland.audit.coverage import Fault, check_coverage
from farmland.imports.files import import_source
from farmland.imports.rows.outcome import Options
from farmland.imports.rows.source import of_frame
from farmland.records.database import Database
from farmland.restoration.claims import Claim
from geodata.area import areas_m2

CITY, XIANCHAQIAO, QINGJIANG = "430582000000", "430582104000", "430582104203"


def command(env: dict[str, str], *words: object) -> str:
    done = run_command(*words, env=env, cwd=Path(env["TIANZHANG_DATA_DIR"]))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_facts_by_the_command(demo_env: dict[str, str]) -> None:
    city = json.loads(command(demo_env, "progress", "--as-of", "2022-04-26", "--json"))
    _check_facts(city)
    towns = {row["unit_code"]: row for row in city["ranking"]}
    assert len(towns) == 25 and towns[XIANCHAQIAO]["target_mu"] == 660
    _check_coverage(json.loads(command(demo_env, "summary", "--json")))
    command(demo_env, "export", "claims", "--unit", QINGJIANG, "-o", "qingjiang.geojson")
    claims = gpd.read_file(Path(demo_env["TIANZHANG_DATA_DIR"]) / "qingjiang.geojson")
    known = claims[(claims["crop"] == "大豆、南瓜、玉米") & (claims["state"] == "accepted")]
    assert known["net_area_mu"].tolist() == [22.0] and known["source_kind"].tolist() == ["demolished"]


def _check_coverage(summary: dict) -> None:
    """Four levels, 25 towns, 580 villages, 12,257 chiefs; every unit and every plot has its chiefs; 806,000 mu."""
    assert list(summary["units"]) == ["city", "town", "village", "group"]
    assert (summary["units"]["town"], summary["units"]["village"]) == (25, 580)
    assert summary["chiefs"] == 12_257
    assert set(summary["units_without_chief"].values()) == {0}
    assert summary["plots"] > 100_000 and summary["plots_without_chief"] == 0
    assert summary["farmland_mu"] == pytest.approx(806_000, abs=0.5)


def _check_facts(city: dict) -> None:
    assert (city["target_mu"], city["start_date"], city["due_date"]) == (12_700, "2022-01-01", "2022-06-30")
    assert city["accepted_mu"] == pytest.approx(5_200, abs=0.5)
    assert city["schedule_mu"] == pytest.approx(8_139, abs=0.5)
    assert city["warning"] == "red"
    assert city["needed_mu_per_day"] == pytest.approx(115, abs=0.5)
    assert date(2022, 10, 1) <= date.fromisoformat(city["forecast_date"]) <= date(2022, 10, 15)


def test_the_facts_by_the_api(demo_server: str) -> None:
    day = {"as_of": "2022-04-26"}
    with httpx.Client(base_url=f"{demo_server}/api/v1", headers=signed_in(demo_server)) as api:
        _check_facts(api.get("/progress", params=day).json())
        assert api.get("/progress", params=day | {"unit": XIANCHAQIAO}).json()["target_mu"] == 660
        _check_coverage(api.get("/summary", params=day).json())
        chain = api.get(f"/units/{QINGJIANG}01/chiefs").json()["chain"]
        assert [link["level"] for link in chain] == ["city", "town", "village", "group"]
        assert all(len(link["chiefs"]) == 1 for link in chain)
        claims = api.get("/claims", params=day | {"unit": QINGJIANG, "state": "accepted"}).json()["features"]
        known = [c["properties"] for c in claims if c["properties"]["crop"] == "大豆、南瓜、玉米"]
        assert any(c["net_area_mu"] == 22 and c["source_kind"] == "demolished" for c in known)


def test_sums_agree_down_the_tree(demo: httpx.Client) -> None:
    rows = demo.get("/progress/tree").json()["progress"]
    assert len(rows) == 606
    for field in ("reported", "checked", "accepted", "rejected", "revoked"):
        for unit in ("m2", "mu"):
            by_parent: dict[str, float] = {}
            for row in rows[1:]:
                by_parent[row["parent_code"]] = by_parent.get(row["parent_code"], 0) + row[f"{field}_{unit}"]
            for row in rows[:26]:
                assert row[f"{field}_{unit}"] == pytest.approx(by_parent[row["unit_code"]], abs=1e-5)


def test_the_accepted_figure_is_land(demo_env: dict[str, str]) -> None:
    folder = Path(demo_env["TIANZHANG_DATA_DIR"])
    command(demo_env, "export", "claims", "--as-of", "2022-04-26", "-o", "claims.gpkg")
    claims = gpd.read_file(folder / "claims.gpkg")
    accepted = claims[claims["state"] == "accepted"]
    union_m2 = areas_m2([shapely.union_all(accepted.geometry.to_numpy())])[0]
    assert accepted["net_area_m2"].sum() == pytest.approx(union_m2, abs=0.01 * 2000 / 3)


def test_postgresql_knows_how_many_rows_were_imported(demo_env: dict[str, str]) -> None:
    assert counted_rows(demo_env.get("TIANZHANG_DATABASE_URL", "sqlite"), "plot") in (
        None,
        pytest.approx(102_000, rel=0.05),
    )


def test_most_of_what_is_accepted_has_a_photograph_that_says_it_is_made_up(demo: httpx.Client) -> None:
    now = demo.get("/progress").json()
    assert 0.8 <= now["evidenced_share"] <= 0.9
    claims = [one["properties"] for one in demo.get("/claims").json()["features"]]
    share = {
        state: sum(bool(one["evidenced_at"]) for one in claims if one["state"] == state)
        / sum(one["state"] == state for one in claims)
        for state in ("reported", "accepted")
    }
    assert share["reported"] < share["accepted"]
    counted = sum(one["net_area_m2"] for one in claims if one["state"] == "accepted" and one["evidenced_at"])
    assert counted == pytest.approx(now["evidenced_m2"], abs=0.01)
    asked = next(one for one in claims if one["before_asked"] and one["evidenced_at"])
    files = demo.get(f"/claims/{asked['number']}/evidence").json()["evidence"]
    assert [file["purpose"] for file in files] == ["before", "after"]
    for file in files:
        assert file["device"] == "Made up Demonstration" and file["size"] < 20_000 and file["doubts"] == []
        assert file["taken_at"] < file["recorded_at"] <= asked["checked_at"]
        content = demo.get(f"/claims/{asked['number']}/evidence/{file['sha256']}").content
        assert len(content) == file["size"]


def test_no_rule_has_a_doubt_about_the_photographs(demo_env: dict[str, str]) -> None:
    table = command(demo_env, "audit")
    assert "no_photograph" in table and "photograph_" not in table


def test_waterfall_series_and_tiles(demo_server: str) -> None:
    with httpx.Client(base_url=demo_server, headers=signed_in(demo_server)) as api:
        bars = api.get("/api/v1/progress/waterfall").json()["bars"]
        assert bars[0]["area_mu"] - sum(bar["area_mu"] for bar in bars[1:-1]) == pytest.approx(bars[-1]["area_mu"])
        behind = api.get("/api/v1/claims", params={"reason": "other_claim"}).json()
        assert behind["number_matched"] == next(bar["claims"] for bar in bars if bar["reason"] == "other_claim")
        series = api.get("/api/v1/progress/series").json()
        assert len(series["days"]) == 116 and len(series["plan"]) == 181
        assert series["days"][-1]["accepted_mu"] == pytest.approx(5200, abs=0.5)
        tiles = api.get("/tiles/city.pmtiles", headers={"Range": "bytes=0-6"})
        assert tiles.status_code == 206 and tiles.content == b"PMTiles"
        about = api.get("/api/v1/about")
        assert api.get("/api/v1/about", headers={"If-None-Match": about.headers["etag"]}).status_code == 304


def test_the_tiles_hold_every_plot_from_the_first_zoom_on(demo_env: dict[str, str]) -> None:
    path = Path(demo_env["TIANZHANG_DATA_DIR"]) / "tiles" / "city.pmtiles"
    plots = json.loads(command(demo_env, "summary", "--json"))["plots"]
    for zoom in (11, 13):
        tiled = pyogrio.read_dataframe(path, layer="plot", columns=["number"], read_geometry=False, ZOOM_LEVEL=zoom)
        assert tiled["number"].nunique() == plots


def test_maps(demo_env: dict[str, str]) -> None:
    folder = Path(demo_env["TIANZHANG_DATA_DIR"])
    for name in ("m.html", "m.png", "m.pdf"):
        command(demo_env, "map", "-o", name)
        assert (folder / name).stat().st_size > 50_000
    text = (folder / "m.html").read_text("utf-8")
    assert 'src="http' not in text and "<link" not in text
    assert (folder / "progress.html").exists()


def test_every_answer_is_as_its_contract_says(demo: httpx.Client) -> None:
    for address, model in (
        ("/about", contract.About),
        ("/summary", contract.Summary),
        ("/units?q=清江", contract.UnitList),
        (f"/units/{QINGJIANG}", contract.UnitDetail),
        (f"/units/{XIANCHAQIAO}/tree", contract.UnitNode),
        (f"/units/{QINGJIANG}/geometry", contract.Feature[contract.Unit]),
        ("/units.geojson", contract.Features[contract.Unit]),
        (f"/units/{QINGJIANG}/chiefs", contract.UnitChiefs),
        ("/chiefs?lon=111.74&lat=27.26", contract.PlaceChiefs),
        (f"/plots?unit={QINGJIANG}&limit=5", contract.Features[contract.Plot]),
        ("/plots?bbox=111.7,27.2,111.71,27.21", contract.Features[contract.Plot]),
        ("/plots/1", contract.Feature[contract.PlotDetail]),
        ("/targets", contract.TargetList),
        ("/targets/2022/allocations", contract.Allocations),
        (f"/claims?unit={QINGJIANG}", contract.Features[contract.ClaimRow]),
        ("/claims/2022-0001", contract.Feature[contract.Claim]),
        ("/progress", contract.MarkedProgress),
        ("/progress/tree", contract.ProgressTree),
        ("/progress/ranking", contract.Ranking),
        ("/progress/series", contract.Series),
        ("/progress/waterfall", contract.Waterfall),
    ):
        model.model_validate_json(demo.get(address).raise_for_status().content)


def test_plots_come_page_by_page(demo: httpx.Client) -> None:
    whole = demo.get("/plots", params={"unit": QINGJIANG}).json()
    address, ids = f"/plots?unit={QINGJIANG}&limit=20", []
    while address:
        page = demo.get(address).json()
        ids += [one["id"] for one in page["features"]]
        address = page.get("next")
    assert ids == [one["id"] for one in whole["features"]]
    assert len(ids) == whole["number_matched"] > 20


def test_the_figures_of_one_unit_agree_wherever_they_stand(demo: httpx.Client) -> None:
    rows = demo.get("/progress/tree").json()["progress"]
    for row in [*rows[:26], *rows[26::40]]:
        unit = {"unit": row["unit_code"]}
        found = demo.get("/progress/waterfall", params=unit).json()["bars"]
        bars = {bar["reason"]: bar["area_mu"] for bar in found}
        last = demo.get("/progress/series", params=unit).json()["days"][-1]
        for name in ("reported", "accepted"):
            assert bars[name] == last[f"{name}_mu"] == row[f"{name}_mu"], (row["unit_code"], name)
        assert last["evidenced_mu"] == row["evidenced_mu"] <= row["accepted_mu"]
        # What is checked and not accepted waits, or lacks evidence.
        area_m2 = {bar["reason"]: bar["area_m2"] for bar in found}
        unseen = {"reason": "evidence_missing", "state": "checked"} | unit
        unseen_m2 = sum(
            one["properties"]["bar_area_m2"] for one in demo.get("/claims", params=unseen).json()["features"]
        )
        waiting_m2 = row["checked_m2"] - row["accepted_m2"]
        assert area_m2["not_yet_accepted"] + unseen_m2 == pytest.approx(waiting_m2, abs=0.01)
        between = sum(bars.values()) - bars["reported"] - bars["accepted"]
        assert bars["reported"] - between == pytest.approx(bars["accepted"])
        assert min(bars.values()) >= 0 and row["checked_mu"] >= row["accepted_mu"]


def test_a_towns_plots_that_are_there_once_more_are_told_to_the_last_square_metre(demo_env: dict[str, str]) -> None:
    """All plots of a town once more under other numbers, 12 cm to the north-east: by the import, by the check of coverage,
    and as accepted net areas behind the rules' back. Nothing of it is kept."""
    command(demo_env, "export", "plots", "-o", "plots.gpkg")
    folder = Path(demo_env["TIANZHANG_DATA_DIR"])
    city = gpd.read_file(folder / "plots.gpkg")
    town = city[city["unit_code"].str.startswith(XIANCHAQIAO[:9])].reset_index(drop=True)
    plots, own = city.geometry.to_numpy(), town.geometry.to_numpy()
    copies = moved(own, 0.085, 0.085)
    copy, plot = shapely.STRtree(plots).query(copies)
    twice = areas_m2(shapely.intersection(copies[copy], plots[plot])).sum()
    assert len(town) == 5_823 and 26.8e6 < twice < 27.0e6
    columns = {"unit_code": town["unit_code"], "number": "X" + town["number"], "land_class": town["land_class"]}
    again = gpd.GeoDataFrame(columns, geometry=copies, crs=4490)
    again.to_file(folder / "again.gpkg")
    refused = run_command("import", "plots", "again.gpkg", env=demo_env | {"TIANZHANG_LANG": "en"}, cwd=folder)
    assert refused.returncode == 1 and "5823 of its 5823 polygons" in refused.stderr
    assert "moved 0.12 m to the north-east" in refused.stderr
    said = float(refused.stderr.partition(" m² would count")[0].split()[-1].replace(",", ""))
    assert said == pytest.approx(twice, abs=1)

    database = Database(demo_env.get("TIANZHANG_DATABASE_URL", f"sqlite:///{folder / 'tianzhang.sqlite'}"))
    try:
        with database.writing() as session:
            options = Options(allow_overlaps=True)
            again.index = again.index + 1
            outcome = import_source(session, "plots", of_frame(again, "plots", options, "again", 4490), options)
            assert outcome.added == 5_823 and outcome.overlap_m2 == pytest.approx(twice, abs=1)
            faults = check_coverage(session, XIANCHAQIAO, date(2022, 4, 26))
            told = faults[faults["kind"] == Fault.PLOT_OVERLAP]["area_m2"].sum()
            assert told == pytest.approx(twice, abs=1)
            session.rollback()
        with database.writing() as session:
            held = [net for net in session.scalars(select(Claim.accepted_net)) if net is not None]
            assert counted_twice(session) == []
            force_accepted(session, own)
            force_accepted(session, copies)
            found = sum(counted_twice(session))
            session.rollback()
    finally:
        database.close()
    assert found == pytest.approx(_shared(own, copies) + _shared(held, np.append(own, copies)), abs=1)


def _shared(polygons: Any, others: Any) -> float:
    """What polygons and others share, m²; less than 0.01 m², which no record holds, left out."""
    polygons, others = np.asarray(polygons, dtype=object), np.asarray(others, dtype=object)
    one, other = shapely.STRtree(others).query(polygons)
    areas = areas_m2(shapely.intersection(polygons[one], others[other]))
    return float(areas[areas >= 0.01].sum())
