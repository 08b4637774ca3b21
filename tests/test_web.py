"""The front page in a real browser, on the demonstration city."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, demo_server: str) -> Iterator[Page]:
    """A page that asks nobody but our server and reports no error of a script."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    opened.set_default_timeout(60_000)
    foreign: list[str] = []
    errors: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((demo_server, "data:", "blob:")):
            foreign.append(request.url)

    opened.on("request", asked)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    opened.close()
    assert foreign == []
    assert errors == []


def test_the_headline_and_the_way_down(page: Page, demo_server: str) -> None:
    page.goto(demo_server)
    expect(page.get_by_test_id("accepted")).to_have_text("5,200.00", timeout=60_000)
    expect(page.get_by_test_id("target")).to_have_text("12,700")
    expect(page.get_by_test_id("warning")).to_contain_text("红")
    expect(page.get_by_test_id("days-left")).to_contain_text("65")
    expect(page.get_by_test_id("note")).to_contain_text("虚构")
    page.wait_for_selector('[data-testid=map][data-idle="430582000000"]')
    page.get_by_test_id("ranking").get_by_role("button", name="仙槎桥镇").click()
    expect(page.get_by_test_id("target")).to_have_text("660", timeout=60_000)
    page.get_by_test_id("ranking").get_by_role("button", name="清江村").click()
    expect(page.get_by_test_id("unit-name")).to_have_text("清江村", timeout=60_000)
    page.wait_for_selector('[data-testid=map][data-idle="430582104203"]')
    page.go_back()
    expect(page.get_by_test_id("unit-name")).to_have_text("仙槎桥镇", timeout=60_000)


def test_search_language_and_a_bar_of_the_waterfall(page: Page, demo_server: str) -> None:
    page.goto(demo_server)
    page.get_by_test_id("language").click()
    expect(page.get_by_test_id("headline")).to_contain_text("Accepted", timeout=60_000)
    page.get_by_test_id("bar-outside_unit").click()
    expect(page.get_by_test_id("claims")).to_contain_text("Outside the unit", timeout=60_000)
    page.get_by_test_id("search").fill("清江")
    page.get_by_test_id("found").get_by_role("button").first.click()
    expect(page.get_by_test_id("unit-name")).to_contain_text("清江", timeout=60_000)


def test_outlines_are_the_same_compressed_or_not_and_twice(demo_server: str) -> None:
    address = f"{demo_server}/api/v1/units.geojson?level=town"
    answers = [
        httpx.get(address, headers={"Accept-Encoding": encoding}).raise_for_status().json()
        for encoding in ("gzip", "identity", "gzip", "identity")
    ]
    assert len(answers[0]["features"]) == 25
    assert all(answer == answers[0] for answer in answers)
