"""The progress-report API over HTTP: each answer as its contract says, writing with and without the right to. Both databases."""

from collections.abc import Iterator

import httpx
import pydantic
import pytest
import shapely
from conftest import CITY, FAR_VILLAGE, NEXT_VILLAGE, OFFICER, TOWN, VILLAGE, Run, serving_here

from api import contract
from farmland.records.database import Database
from geodata.area import area_m2

FIELD = shapely.box(111.710, 27.250, 111.712, 27.252)
HALF = shapely.box(111.711, 27.250, 111.713, 27.252)


@pytest.fixture
def api(small_city: Database, tianzhang: Run, command_env: dict[str, str]) -> Iterator[httpx.Client]:
    """A client of the application on the small city, with the administrator's token."""
    secret = tianzhang("token", "add", "office", *OFFICER).stdout.strip()
    headers = {"Authorization": f"Bearer {secret}", "Accept-Language": "en"}
    unseen = command_env | {"TIANZHANG_NO_PHOTOGRAPH_REPORTED": "warns"}
    with serving_here(unseen) as address, httpx.Client(base_url=f"{address}/api/v1", headers=headers) as client:
        yield client


def body(geometry: shapely.Polygon, unit: str = VILLAGE, **facts: object) -> dict[str, object]:
    return {"unit_code": unit, "geometry": shapely.geometry.mapping(geometry), **facts}


@pytest.fixture
def village(tianzhang: Run) -> dict[str, str]:
    """The headers of a village that reports."""
    secret = tianzhang("token", "add", "the village", "--unit", VILLAGE, "--may", "report").stdout.strip()
    return {"Authorization": f"Bearer {secret}"}


def valid(model: type[pydantic.BaseModel], answer: httpx.Response, status: int = 200) -> dict:
    """The answer, which is to be all that its contract says and nothing else."""
    assert answer.status_code == status, answer.text
    model.model_validate_json(answer.content)
    return answer.json()


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """What a refusal says."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert answer.json()["code"] == code
    return answer.json()["detail"]


def test_a_claim_from_the_report_to_the_figure_and_back(api: httpx.Client, village: dict[str, str]) -> None:
    claim = contract.Feature[contract.Claim]
    tried = valid(contract.Preview, api.post("/claims/preview", json=body(FIELD)))
    assert tried["net_area_m2"] == area_m2(FIELD) and tried["deductions"] == []
    assert valid(contract.Features[contract.ClaimRow], api.get("/claims"))["number_matched"] == 0

    new = body(FIELD, crop="大豆", source_kind="demolished")
    first = valid(claim, api.post("/claims", json=new, headers=village), 201)["properties"]
    assert (first["state"], first["crop"], first["number"]) == ("reported", "大豆", "2022-00001")
    for step, state in (("check", "checked"), ("accept", "accepted")):
        answer = valid(claim, api.post(f"/claims/{first['number']}/{step}", json={}))
        assert answer["properties"]["state"] == state

    second = valid(claim, api.post("/claims", json=body(HALF, number="B"), headers=village), 201)["properties"]
    assert [(cut["reason"], cut["other_claim"]) for cut in second["deductions"]] == [("other_claim", "2022-00001")]
    api.post("/claims/B/check", json={})
    api.post("/claims/B/accept", json={})
    now = valid(contract.MarkedProgress, api.get("/progress", params={"unit": TOWN}))
    assert now["accepted_m2"] == pytest.approx(area_m2(shapely.union(FIELD, HALF)), abs=0.05)

    assert "reason" in refused(api.post("/claims/B/revoke", json={}), 422, "why_missing")
    revoked = valid(claim, api.post("/claims/B/revoke", json={"why": "abandoned again"}))["properties"]
    assert [step["state"] for step in revoked["steps"]] == ["reported", "checked", "accepted", "revoked"]
    assert revoked["steps"][-1]["why"] == "abandoned again" and revoked["steps"][-1]["by"] == "office"
    refused(api.post("/claims/B/accept", json={}), 409, "wrong_state")
    now = valid(contract.MarkedProgress, api.get("/progress", params={"unit": TOWN}))
    assert now["accepted_m2"] == pytest.approx(area_m2(FIELD), abs=0.01)
    bars = valid(contract.Waterfall, api.get("/progress/waterfall"))["bars"]
    assert next(bar for bar in bars if bar["reason"] == "revoked")["area_mu"] == now["revoked_mu"] > 0
    behind = valid(contract.Features[contract.ClaimRow], api.get("/claims", params={"reason": "other_claim"}))
    bar = next(bar for bar in bars if bar["reason"] == "other_claim")
    assert sum(one["properties"]["bar_area_mu"] for one in behind["features"]) == pytest.approx(bar["area_mu"])


def test_writing_needs_a_token_for_the_unit(api: httpx.Client, tianzhang: Run) -> None:
    own = tianzhang("token", "add", "village", "--unit", VILLAGE, "--may", "report", "--may", "allocate").stdout.strip()
    village = {"Authorization": f"Bearer {own}"}
    for headers, status, code in (
        ({"Authorization": ""}, 401, "not_signed_in"),
        ({"Authorization": "Bearer tz_wrong"}, 401, "token_unknown"),
        (village, 403, "not_your_unit"),
    ):
        refused(api.post("/claims", json=body(FIELD, FAR_VILLAGE), headers=headers), status, code)
    parts = {"parts_mu": {VILLAGE: 1}}
    refused(api.put("/targets/2022/allocations", json=parts, headers={"Authorization": ""}), 401, "not_signed_in")
    assert api.post("/claims", json=body(FIELD), headers=village).status_code == 201
    assert tianzhang("token", "revoke", "village").returncode == 0
    refused(api.post("/claims", json=body(FIELD), headers=village), 401, "token_unknown")
    assert "village" not in tianzhang("token", "list").stdout


def shape(*corners: tuple[float, float]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [corners]}


BOW = shape((111.71, 27.25), (111.72, 27.26), (111.72, 27.25), (111.71, 27.26), (111.71, 27.25))
SWAPPED = shape((27.25, 111.71), (27.251, 111.71), (27.251, 111.711), (27.25, 111.71))
NULL_ISLAND = shape((0, 0), (0.001, 0), (0.001, 0.001), (0, 0))
BAD_CLAIMS: list[tuple[dict[str, object], int, str]] = [
    ({"geometry": {"type": "Cow"}}, 422, "bad_geojson"),
    ({"geometry": {"type": "Point", "coordinates": [111.71, 27.25]}}, 422, "not_a_polygon"),
    ({"geometry": {"type": "Polygon", "coordinates": []}}, 422, "empty_geometry"),
    ({"geometry": BOW}, 422, "crosses_itself"),
    ({"geometry": SWAPPED}, 422, "out_of_range"),
    ({"geometry": NULL_ISLAND}, 422, "null_island"),
    ({"unit_code": "430582999999"}, 404, "unit_unknown"),
    ({"unit_code": "cow"}, 422, "bad_unit_code"),
    ({"unit_code": FAR_VILLAGE}, 422, "claim_outside_unit"),
    ({"target_code": "1999"}, 404, "target_unknown"),
    ({"typed_area_mu": -1}, 422, "invalid_request"),
    ({"source_kind": "moon"}, 422, "invalid_request"),
]


def test_what_cannot_be_claimed_is_refused_in_both_languages(api: httpx.Client) -> None:
    for change, status, code in BAD_CLAIMS:
        english = refused(api.post("/claims", json=body(FIELD) | change), status, code)
        chinese = refused(api.post("/claims", json=body(FIELD) | change, params={"lang": "zh"}), status, code)
        assert not any("\u4e00" <= letter <= "\u9fff" for letter in english.replace("单位", "")), english
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese), chinese
    assert api.get("/claims").json()["number_matched"] == 0


def test_a_target_is_allocated_down_the_tree(api: httpx.Client) -> None:
    address = "/targets/2022/allocations"
    held = valid(contract.Allocations, api.get(address, params={"unit": TOWN}))
    assert (held["area_mu"], held["allocated_mu"], held["unallocated_mu"]) == (600, 600, 0)
    said = refused(api.put(address, json={"parts_mu": {NEXT_VILLAGE: 300}}), 422, "over_allocated")
    assert "650.00" in said and "600.00" in said
    refused(api.put(address, json={"parts_mu": {NEXT_VILLAGE: -3}}), 422, "target_not_positive")
    assert valid(contract.Changed, api.put(address, json={"parts_mu": {NEXT_VILLAGE: 200}}))["changed"] == 1
    assert valid(contract.Allocations, api.get(address, params={"unit": TOWN}))["unallocated_mu"] == 50
    assert valid(contract.MarkedProgress, api.get("/progress", params={"unit": TOWN}))["unallocated_mu"] == 50
    targets = valid(contract.TargetList, api.get("/targets"))["targets"]
    assert [(target["code"], target["area_mu"]) for target in targets] == [("2022", 1000)]


def test_what_is_not_there_is_said(api: httpx.Client) -> None:
    for address, status, code in (
        ("/units/430582999999", 404, "unit_unknown"),
        ("/plots/77", 404, "plot_unknown"),
        ("/plots?bbox=1,2,3", 422, "bad_bbox"),
        ("/plots?bbox=3,2,1,4", 422, "bad_bbox"),
        ("/claims/none", 404, "claim_unknown"),
        ("/claims?reason=moon", 404, "unknown_bar"),
        ("/progress?as_of=yesterday", 422, "bad_date"),
        ("/progress?as_of=1970-01-01", 422, "date_too_early"),
        ("/progress?target=1999", 404, "target_unknown"),
        ("/progress/tree?down_to=street", 422, "invalid_request"),
        ("/nothing", 404, "not_found"),
    ):
        refused(api.get(address), status, code)


def test_every_route_is_documented_with_what_it_answers(api: httpx.Client) -> None:
    document = httpx.get(str(api.base_url).replace("/api/v1/", "/openapi.json")).raise_for_status().json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"] and operation["tags"], path
            if "303" in operation["responses"]:  # a browser is led on, and reads nothing
                continue
            success = operation["responses"]["201" if "201" in operation["responses"] else "200"]
            assert success["content"], f"{method} {path}"
            for content in success["content"].values():
                schema = content["schema"]
                assert "$ref" in schema or schema == {"type": "string", "format": "binary"}, f"{method} {path}"
    fields = document["components"]["schemas"]["Progress"]["properties"]
    assert "mu" in fields["target_mu"]["description"] and CITY.isdigit()


def test_what_was_answered_already_is_not_sent_again(api: httpx.Client) -> None:
    first = api.get("/claims")
    again = api.get("/claims", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert api.post("/claims", json=body(FIELD)).status_code == 201
    assert api.get("/claims", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_doubts_are_shown_visits_recorded_and_a_refusal_names_its_rules(
    api: httpx.Client, village: dict[str, str]
) -> None:
    claim = contract.Feature[contract.Claim]
    typed = body(FIELD, typed_area_mu=4.39, device="phone 7")
    tried = valid(contract.Preview, api.post("/claims/preview", json=typed, headers=village))
    assert [(doubt["rule"], doubt["severity"]) for doubt in tried["doubts"]] == [("typed_unit_confused", "refuses")]
    first = valid(claim, api.post("/claims", json=typed, headers=village), 201)["properties"]
    (doubt,) = first["doubts"]
    assert (doubt["rule"], doubt["stage"]) == ("typed_unit_confused", "reported")
    assert "公顷" in doubt["zh"] and "hectares" in doubt["en"] and "65.84" in doubt["en"]
    number = first["number"]
    valid(claim, api.post(f"/claims/{number}/check", json={}))
    said = refused(api.post(f"/claims/{number}/accept", json={"device": "phone 7"}), 409, "refused_by_rules")
    assert "hectares" in said and "same device" in said
    assert valid(claim, api.get(f"/claims/{number}"))["properties"]["state"] == "checked"

    other = valid(claim, api.post("/claims", json=body(HALF, typed_area_mu=65.8, number="B"), headers=village), 201)
    overlap = other["properties"]["doubts"][0]
    assert overlap["rule"] == "overlaps_claim" and number in overlap["en"]
    assert 111.711 < overlap["longitude"] < 111.712
    seen = valid(claim, api.post("/claims/B/visits", json={"note": "出苗整齐"}, headers=village), 201)
    assert seen["properties"]["number"] == "B"
    early = {"at": "2001-05-01T09:00:00+08:00"}
    refused(api.post("/claims/B/visits", json=early, headers=village), 422, "visit_before_report")
    refused(
        api.post("/claims/B/visits", json={"at": "2199-05-01T09:00:00+08:00"}, headers=village), 422, "visit_in_future"
    )
    refused(api.post("/claims/B/visits", json={}, headers={"Authorization": ""}), 401, "not_signed_in")
    valid(claim, api.post("/claims/B/check", json={}))
    accepted = valid(claim, api.post("/claims/B/accept", json={}))["properties"]
    assert {doubt["rule"] for doubt in accepted["doubts"] if doubt["stage"] == "accepted"} >= {"no_second_visit"}
