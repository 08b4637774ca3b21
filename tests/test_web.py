"""The front page in a real browser, on the demonstration city."""

import csv
import math
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import cookie, serving
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from farmland.records.database import Database

TOWN, VILLAGE, GROUP = "430582104000", "430582104203", "43058210420309"
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def page(browser: Browser, demo_server: str) -> Iterator[Page]:
    """A page of an officer who is signed in: it asks nobody but our server, reports no error of a script, and does nothing
    that its policy forbids.
    """
    opened = browser.new_page(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    opened.set_default_timeout(60_000)
    opened.context.add_cookies([cookie(demo_server, "officer")])
    foreign: list[str] = []
    errors: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((demo_server, "data:", "blob:", "file:")):
            foreign.append(request.url)

    opened.on("request", asked)

    def said(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            errors.append(message.text)

    opened.on("console", said)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    opened.close()
    assert foreign == []
    assert errors == []


def test_the_headline_and_the_way_down(page: Page, demo_server: str) -> None:
    page.goto(demo_server)
    expect(page.get_by_test_id("accepted")).to_have_text("5,200.00")
    expect(page.get_by_test_id("target")).to_have_text("12,700")
    expect(page.get_by_test_id("warning")).to_contain_text("红")
    expect(page.get_by_test_id("days-left")).to_contain_text("65")
    expect(page.get_by_test_id("note")).to_contain_text("虚构")
    page.wait_for_selector('[data-testid=map][data-idle="430582000000"]')
    page.get_by_test_id("ranking").get_by_role("button", name="仙槎桥镇").click()
    expect(page.get_by_test_id("target")).to_have_text("660")
    page.get_by_test_id("ranking").get_by_role("button", name="清江村").click()
    expect(page.get_by_test_id("unit-name")).to_have_text("清江村")
    page.wait_for_selector('[data-testid=map][data-idle="430582104203"]')
    page.go_back()
    expect(page.get_by_test_id("unit-name")).to_have_text("仙槎桥镇")


def test_search_language_and_a_bar_of_the_waterfall(page: Page, demo_server: str) -> None:
    page.goto(demo_server)
    page.get_by_test_id("language").click()
    expect(page.get_by_test_id("headline")).to_contain_text("Accepted")
    page.get_by_test_id("bar-outside_unit").click()
    expect(page.get_by_test_id("claims")).to_contain_text("Outside the unit")
    page.get_by_test_id("search").fill("清江")
    page.get_by_test_id("found").get_by_role("button").first.click()
    expect(page.get_by_test_id("unit-name")).to_contain_text("清江")


@pytest.fixture
def empty_server(database: Database, command_env: dict[str, str]) -> Iterator[str]:
    """The application on a database without records; its address."""
    with serving(command_env) as address:
        yield address


def map_of(page: Page, code: str) -> None:
    """Wait until the map of a unit is drawn."""
    page.wait_for_selector(f'[data-testid=map][data-idle="{code}"]')


def no_wider_than_the_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_the_verdict_and_those_behind_first(page: Page, demo_server: str) -> None:
    page.goto(demo_server)
    expect(page.get_by_test_id("evidenced")).to_contain_text("其中有照片佐证 4,")
    verdict = page.get_by_test_id("verdict")
    expect(verdict).to_contain_text("比计划少 2,939.23 亩")
    expect(verdict).to_contain_text("25 个镇")
    for count in ("4 ●绿", "4 ▲黄", "17 ■红"):
        expect(verdict).to_contain_text(count)
    rows = page.get_by_test_id("ranking").locator("tbody tr")
    expect(rows).to_have_count(25)
    expect(rows.first).to_contain_text("流泽镇")
    verdict.get_by_role("button").click()
    expect(rows.first).to_contain_text("界岭镇")
    expect(page.get_by_role("columnheader", name="名次")).to_have_attribute("aria-sort", "descending")
    expect(page.get_by_test_id("worst-first")).to_have_attribute("aria-pressed", "true")
    page.get_by_test_id("best-first").click()
    expect(rows.first).to_contain_text("流泽镇")
    target = page.get_by_role("columnheader", name="任务")
    target.get_by_role("button").click()
    expect(target).to_have_attribute("aria-sort", "descending")
    largest = [float(text.replace(",", "")) for text in rows.locator("td:nth-child(5)").all_inner_texts()]
    assert largest == sorted(largest, reverse=True)


def test_down_to_a_plot_and_who_answers_for_it(page: Page, demo_server: str) -> None:
    page.goto(demo_server)
    expect(page.get_by_test_id("chiefs")).to_contain_text("邵东市总田长")
    page.get_by_test_id("ranking").get_by_role("button", name="仙槎桥镇").click()
    page.get_by_test_id("ranking").get_by_role("button", name="清江村").click()
    expect(page.get_by_test_id("target")).to_have_text("39.70")
    expect(page.get_by_test_id("chiefs")).to_contain_text("清江村田长")
    page.get_by_test_id("below").get_by_role("button", name="第9组").click()
    plots = page.get_by_test_id("plots").get_by_role("button")
    plots.first.click()
    details = page.get_by_test_id("details")
    for text in ("责任田", "亩", "邵东市总田长", "仙槎桥镇田长", "清江村田长", "清江村第9组田长"):
        expect(details).to_contain_text(text)
    page.keyboard.press("Escape")
    expect(details).to_have_count(0)
    plots.first.click()
    expect(details).to_be_visible()
    page.go_back()
    expect(details).to_have_count(0)
    expect(page.get_by_test_id("unit-name")).to_have_text("第9组")


def test_a_plot_is_opened_by_a_click_on_the_map(page: Page, demo_server: str, demo: httpx.Client) -> None:
    page.set_viewport_size({"width": 1280, "height": 1400})  # the whole map in sight
    page.goto(f"{demo_server}/?unit={GROUP}")
    map_of(page, GROUP)
    west, south, east, north = demo.get(f"/units/{GROUP}").json()["bbox"]
    plot = demo.get("/plots", params={"unit": GROUP}).json()["features"][0]
    corners = plot["geometry"]["coordinates"][0][:-1]

    def world(lon: float, lat: float) -> tuple[float, float]:
        """Web Mercator, in parts of the world's width, as the map places what it shows."""
        return lon / 360, -math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / (2 * math.pi)

    x, y = world(sum(lon for lon, _ in corners) / len(corners), sum(lat for _, lat in corners) / len(corners))
    (left, bottom), (right, top) = world(west, south), world(east, north)
    box = page.get_by_test_id("map").bounding_box()
    assert box is not None
    scale = min((box["width"] - 48) / (right - left), (box["height"] - 48) / (bottom - top), 512 * 2.0**16)
    page.mouse.click(
        box["x"] + box["width"] / 2 + (x - (left + right) / 2) * scale,
        box["y"] + box["height"] / 2 + (y - (top + bottom) / 2) * scale,
    )
    expect(page.get_by_test_id("details")).to_contain_text(plot["properties"]["number"])


def test_a_claim_with_its_history_as_of_a_day(page: Page, demo_server: str) -> None:
    page.goto(f"{demo_server}/?unit={VILLAGE}")
    claims = page.get_by_test_id("unit-claims")
    expect(claims.locator("tbody tr")).to_have_count(3)
    claims.get_by_role("button", name="2022-0930").click()
    details = page.get_by_test_id("details")
    for text in ("房屋拆除后的荒地", "大豆、南瓜、玉米", "22.00 亩", "清江村田长"):
        expect(details).to_contain_text(text)
    steps = page.get_by_test_id("history").locator("li")
    expect(steps).to_contain_text(["上报 2022-04-19", "核查 2022-04-21", "验收 2022-04-26"])
    assert "claim=2022-0930" in page.url
    page.goto(f"{page.url}&as_of=2022-04-22")
    expect(details.locator("dd").first).to_have_text("核查")
    expect(steps).to_have_count(2)
    page.get_by_test_id("close").click()
    expect(details).to_have_count(0)
    assert "claim=" not in page.url


def test_the_claims_of_a_bar_as_a_file(page: Page, demo_server: str, tmp_path: Path) -> None:
    page.goto(demo_server)
    bar = page.get_by_test_id("bar-rejected")
    expect(bar).to_contain_text("退回")
    expect(bar).to_contain_text("41 件")
    bar.click()
    rows = page.get_by_test_id("claims").locator("tbody tr")
    expect(rows).to_have_count(41)
    expect(page.get_by_test_id("claims").get_by_role("heading")).to_be_in_viewport()
    with page.expect_download() as download:
        page.get_by_test_id("csv").click()
    download.value.save_as(tmp_path / "claims.csv")
    with (tmp_path / "claims.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 41
    assert {row["状态"] for row in table} == {"退回"}
    expect(page.locator("body")).not_to_contain_text("未通过")


@pytest.mark.parametrize("path", ["/", f"/?unit={TOWN}", f"/?unit={VILLAGE}", f"/?unit={GROUP}&lang=en", "/?lang=en"])
def test_on_a_phone_nothing_is_wider_than_the_screen(page: Page, demo_server: str, path: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{demo_server}{path}")
    page.wait_for_selector("[data-testid=map][data-idle]")
    assert no_wider_than_the_window(page)


@pytest.mark.parametrize("width", [360, 1200, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_ranking_shows_its_last_column_and_the_waterfall_its_bars(
    page: Page, demo_server: str, language: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{demo_server}/?lang={language}")
    ranking = page.locator(".ranking .scroll")
    expect(ranking.get_by_role("row")).to_have_count(26)
    assert ranking.evaluate("region => region.scrollWidth <= region.clientWidth")
    bar = page.get_by_test_id("bar-accepted").locator(".track i").bounding_box()
    assert bar is not None and bar["width"] > 50 and bar["height"] >= 16


def test_on_a_phone_details_come_into_sight(page: Page, demo_server: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(demo_server)
    page.get_by_test_id("bar-outside_unit").click()
    page.get_by_test_id("claims").get_by_role("button", name="2022-").first.click()
    expect(page.get_by_test_id("details").get_by_role("heading").first).to_be_in_viewport()
    expect(page.get_by_test_id("map")).to_be_in_viewport(ratio=0.5)
    assert no_wider_than_the_window(page)
    page.get_by_test_id("close").click()
    expect(page.get_by_test_id("details")).to_have_count(0)


def test_the_page_answers_while_plots_are_drawn(page: Page, demo_server: str) -> None:
    page.goto(demo_server)
    map_of(page, "430582000000")
    page.evaluate(
        """() => {
            window.longest = 0; window.frames = 0;
            let last = performance.now();
            const tick = (now) => {
                window.longest = Math.max(window.longest, now - last); window.frames += 1;
                last = now; requestAnimationFrame(tick);
            };
            requestAnimationFrame(tick);
        }"""
    )
    for _ in range(2):  # from the whole city at about 9.5 to where the tiles hold all plots
        page.get_by_test_id("map").evaluate("box => box.removeAttribute('data-idle')")
        page.get_by_role("button", name="放大").click()
        map_of(page, "430582000000")
    expect(page.get_by_test_id("legend")).to_contain_text("永久基本农田")
    # A third of a second on an idle machine without a graphics card; a page that hangs takes many.
    assert page.evaluate("window.frames") > 10
    assert page.evaluate("window.longest") < 4_000


def test_a_unit_that_does_not_exist(page: Page, demo_server: str) -> None:
    page.goto(f"{demo_server}/?unit=430582999999")
    refused = page.get_by_test_id("refused")
    expect(refused).to_contain_text("430582999999")
    expect(page.get_by_test_id("headline")).to_have_count(0)
    refused.get_by_role("button", name="返回 邵东市").click()
    expect(page.get_by_test_id("target")).to_have_text("12,700")
    expect(refused).to_have_count(0)


def test_a_failed_fetch_can_be_tried_again(page: Page, demo_server: str) -> None:
    page.route("**/api/v1/progress?*", lambda route: route.abort())
    page.goto(demo_server)
    refused = page.get_by_test_id("refused")
    expect(refused).to_contain_text("连不上服务器")
    page.unroute("**/api/v1/progress?*")
    refused.get_by_role("button", name="重试").click()
    expect(page.get_by_test_id("accepted")).to_have_text("5,200.00")


def test_the_day_is_bounded_and_said_in_words(page: Page, demo_server: str) -> None:
    page.goto(demo_server)
    expect(page.get_by_test_id("day")).to_contain_text("2022年4月26日星期二")
    day = page.get_by_test_id("as-of")
    expect(day).to_have_attribute("max", "2022-04-26")
    day.fill("2021-12-01")
    day.dispatch_event("change")
    expect(page.get_by_test_id("verdict")).to_contain_text("任务 2022-01-01 开始")
    expect(page.get_by_test_id("accepted")).to_have_text("0.00")
    expect(page.get_by_test_id("forecast")).to_have_text("—")


def test_the_keyboard_goes_all_the_way(page: Page, demo_server: str) -> None:
    page.goto(demo_server)
    expect(page.get_by_test_id("ranking")).to_contain_text("流泽镇")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到内容")).to_be_focused()
    page.get_by_role("button", name="流泽镇").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("unit-name")).to_have_text("流泽镇")
    expect(page.get_by_test_id("unit-name")).to_be_focused()


def test_without_units_the_page_says_what_to_do(browser: Browser, empty_server: str) -> None:
    page = browser.new_page(viewport=PHONE, locale="zh-CN")
    page.goto(empty_server)
    expect(page.get_by_test_id("empty")).to_contain_text("tianzhang import units")
    expect(page.get_by_test_id("refused")).to_have_count(0)
    assert no_wider_than_the_window(page)
    page.close()


def test_outlines_are_the_same_compressed_or_not_and_twice(demo: httpx.Client) -> None:
    address = "/units.geojson?level=town"
    answers = [
        demo.get(address, headers={"Accept-Encoding": encoding}).raise_for_status().json()
        for encoding in ("gzip", "identity", "gzip", "identity")
    ]
    assert len(answers[0]["features"]) == 25
    assert all(answer == answers[0] for answer in answers)


def test_the_progress_map_opens_from_a_stick(page: Page, demo_env: dict[str, str]) -> None:
    page.goto((Path(demo_env["TIANZHANG_DATA_DIR"]) / "progress.html").as_uri())
    expect(page.locator(".label .name")).to_have_count(25)
    expect(page.locator("#sheet")).to_contain_text(re.compile(r"已验收 5,200\.00 ± \d+\.\d\d 亩 / 任务 12,700\.00 亩"))
    expect(page.locator("#sheet")).to_contain_text("虚构")
    expect(page.locator("#sheet tbody tr")).to_have_count(25)
    page.get_by_label("村（社区）").check()
    expect(page.locator("path.leaflet-interactive")).to_have_count(605)
