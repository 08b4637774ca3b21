"""Accounts, tokens, the public page and the ledger in a real browser, and what each person is shown: the demonstration city."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from conftest import cookie, signed_in
from playwright.sync_api import Browser, Page, Route, expect
from test_web import PHONE, no_wider_than_the_window

TOWN, VILLAGE, OTHER_VILLAGE = "430582104000", "430582104203", "430582104204"
DESKTOP = {"width": 1280, "height": 900}
SHOWN = {
    "accounts": "accounts", "tokens": "new-token", "public": "public-switch", "ledger": "entries",
    "accounts&account=inspector": "account",
}  # fmt: skip
"""What is seen at each desk."""
PASSWORD = "春耕秋收 四时不误"


@dataclass
class Visit:
    """Somebody's browser: its page, and what it should not have done."""

    page: Page
    failed: list[str] = field(default_factory=list)
    tiles: list[str] = field(default_factory=list)


Visiting = Callable[..., Visit]


@pytest.fixture
def visiting(browser: Browser, demo_server: str) -> Iterator[Visiting]:
    """A new browser, signed in to an account of the demonstration or to nobody's. None asks anybody but our server, reports an
    error of a script, or does what its policy forbids.
    """
    made: list[Visit] = []
    wrong: list[str] = []

    def visit(account: str | None = None, size: dict[str, int] = DESKTOP) -> Visit:
        context = browser.new_context(viewport=size, locale="zh-CN")  # type: ignore[arg-type]
        context.set_default_timeout(60_000)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=demo_server)
        if account:
            context.add_cookies([cookie(demo_server, account)])
        one = Visit(context.new_page())
        made.append(one)
        page = one.page
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((demo_server, "data:", "blob:")) else wrong.append(asked.url),
        )
        page.on("request", lambda asked: one.tiles.append(asked.url) if "/tiles/" in asked.url else None)
        page.on(
            "response",
            lambda answer: one.failed.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
        )
        return one

    yield visit
    for one in made:
        one.page.context.close()
    assert wrong == []


@pytest.fixture
def administrator(demo_server: str) -> Iterator[httpx.Client]:
    """A client of the API, signed in as the administrator."""
    headers = signed_in(demo_server, "administrator")
    with httpx.Client(base_url=f"{demo_server}/api/v1", headers=headers, timeout=60) as client:
        yield client


def leave_no_trace(administrator: httpx.Client, name: str) -> None:
    """Take every right of an account away, and shut it."""
    for right in administrator.get(f"/accounts/{name}").json().get("rights", []):
        unit = {"unit": right["unit_code"]} if right["unit_code"] else {}
        administrator.delete(f"/accounts/{name}/grants/{right['role']}", params=unit)
    administrator.put(f"/accounts/{name}/shut", json={"shut": True})


@pytest.fixture
def new_name(administrator: httpx.Client) -> Iterator[str]:
    """A name of an account that a test may make."""
    name = f"t{uuid.uuid4().hex[:8]}"
    yield name
    leave_no_trace(administrator, name)


@pytest.fixture
def person(demo_server: str, administrator: httpx.Client, new_name: str) -> str:
    """An inspector of a village with an activated account."""
    body = {"account": new_name, "full_name": "张三", "role": "inspector", "unit_code": VILLAGE}
    code = administrator.post("/accounts", json=body).raise_for_status().json()["code"]
    body = {"account": new_name, "code": code, "password": PASSWORD}
    httpx.post(f"{demo_server}/api/v1/activation", json=body, headers={"Origin": demo_server}).raise_for_status()
    return new_name


def enter(page: Page, address: str, account: str) -> None:
    """Sign in as a person does."""
    page.goto(address)
    page.get_by_label("账号", exact=True).fill(account)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_test_id("sign-in").locator("button[type=submit]").click()
    expect(page.get_by_test_id("sign-in")).to_have_count(0)


def pick(page: Page, form: str, words: str) -> None:
    """Choose a unit in a form by a piece of its name or its code."""
    unit = page.get_by_test_id(form).get_by_test_id("pick-unit")
    unit.get_by_test_id("search").fill(words)
    unit.get_by_test_id("found").get_by_role("button").first.click()


def test_an_account_is_made_and_its_holder_sees_one_unit(visiting: Visiting, demo_server: str, new_name: str) -> None:
    office = visiting("administrator").page
    office.goto(demo_server)
    office.get_by_test_id("desks").get_by_role("button", name="管理").click()
    office.get_by_test_id("new-account").click()
    form = office.get_by_test_id("new-account-form")
    form.get_by_label("姓名或职务").fill("李四")
    form.get_by_label("账号").fill(new_name)
    form.locator("button[type=submit]").click()
    expect(form.get_by_test_id("form-refused")).to_have_text("先选一个单位")
    pick(office, "new-account-form", VILLAGE)
    form.locator("button[type=submit]").click()
    code = office.get_by_test_id("secret-value").input_value()
    office.get_by_test_id("copy").click()
    expect(office.get_by_test_id("copy")).to_contain_text("已复制")
    assert office.evaluate("navigator.clipboard.readText()") == code
    expect(office.get_by_test_id("secret")).to_contain_text("有效至")
    office.get_by_test_id("secret-done").click()
    expect(office.get_by_test_id("account")).to_contain_text("李四")
    expect(office.get_by_test_id("account")).to_contain_text("未启用")

    field = visiting()
    page = field.page
    page.goto(demo_server)
    page.get_by_role("button", name="首次使用（有启用码）").click()
    page.get_by_label("账号", exact=True).fill(new_name)
    page.get_by_label("启用码（见启用单）").fill(code)
    page.get_by_label("设一个密码").fill(PASSWORD)
    field.failed.clear()  # nobody was signed in until now
    page.get_by_test_id("sign-in").locator("button[type=submit]").click()
    expect(page.get_by_test_id("unit-name")).to_have_text("清江村")
    page.wait_for_selector(f'[data-testid=map][data-idle="{VILLAGE}"]')
    expect(page.get_by_test_id("legend")).to_contain_text("永久基本农田")
    expect(page.get_by_test_id("path")).to_have_count(0)
    expect(page.get_by_test_id("desks")).to_have_count(0)
    chiefs = page.get_by_test_id("chiefs")
    expect(chiefs).to_contain_text("仙槎桥镇田长")
    expect(chiefs.get_by_role("button")).to_have_count(0)
    page.get_by_test_id("search").fill("仙槎桥")
    expect(page.get_by_test_id("found")).to_contain_text("没有找到")
    page.get_by_test_id("search").fill("第9组")
    page.get_by_test_id("found").get_by_role("button").first.click()
    expect(page.get_by_test_id("unit-name")).to_have_text("第9组")
    expect(page.get_by_test_id("path").get_by_role("button")).to_have_text(["清江村"])
    page.get_by_test_id("plots").get_by_role("button").first.click()
    expect(page.get_by_test_id("details")).to_contain_text("邵东市总田长")
    page.wait_for_selector(f'[data-testid=map][data-idle="{VILLAGE}09"]')
    assert field.failed == []
    assert field.tiles == []

    page.goto(f"{demo_server}/?unit={OTHER_VILLAGE}")
    refused = page.get_by_test_id("refused")
    expect(refused).to_contain_text(f"只能在 {VILLAGE} 及其下级查看，不能在 {OTHER_VILLAGE}")
    refused.get_by_role("button", name="返回 清江村").click()
    expect(page.get_by_test_id("unit-name")).to_have_text("清江村")
    page.goto(f"{demo_server}/?desk=accounts")
    expect(page.get_by_test_id("not-yours")).to_contain_text("没有这里的权限")


def test_a_role_is_taken_away_and_given_back(visiting: Visiting, demo_server: str, person: str) -> None:
    office, page = visiting("administrator").page, visiting().page
    enter(page, demo_server, person)
    expect(page.get_by_test_id("unit-name")).to_have_text("清江村")
    office.goto(f"{demo_server}/?desk=accounts&account={person}")
    card = office.get_by_test_id("account")
    card.get_by_role("button", name="收回：巡查员，清江村").click()
    expect(office.get_by_test_id("notice")).to_contain_text("已收回“张三”的巡查员（清江村）")
    expect(card).to_contain_text("没有任何权限")
    page.reload()
    expect(page.get_by_test_id("no-rights")).to_contain_text(person)
    office.get_by_test_id("undo").click()
    expect(office.get_by_test_id("notice")).to_contain_text("已还给“张三”：巡查员（清江村）")
    expect(card.get_by_role("button", name="收回：巡查员，清江村")).to_be_visible()
    page.reload()
    expect(page.get_by_test_id("unit-name")).to_have_text("清江村")

    card.get_by_test_id("end-sign-ins").click()
    office.get_by_test_id("confirm").get_by_role("button", name="取消").click()
    card.get_by_test_id("end-sign-ins").click()
    office.get_by_test_id("confirm-yes").click()
    expect(office.get_by_test_id("notice")).to_contain_text("已结束“张三”的")
    page.get_by_test_id("below").get_by_role("button", name="第9组").click()
    expect(page.get_by_test_id("sign-in-refused")).to_contain_text("重新登录")
    card.get_by_test_id("shut").click()
    office.get_by_test_id("confirm-yes").click()
    expect(card).to_contain_text("已停用")
    card.get_by_test_id("open-again").click()
    expect(card.get_by_test_id("shut")).to_be_visible()
    card.get_by_test_id("new-code").click()
    expect(office.get_by_test_id("secret")).to_contain_text(person)


def test_two_rights_are_two_units_to_choose_between(
    visiting: Visiting, demo_server: str, administrator: httpx.Client, person: str
) -> None:
    body = {"role": "leader", "unit_code": OTHER_VILLAGE}
    other = administrator.post(f"/accounts/{person}/grants", json=body).raise_for_status().json()["rights"][1]
    field = visiting()
    enter(field.page, demo_server, person)
    field.failed.clear()
    units = field.page.get_by_test_id("own-units")
    expect(units.get_by_role("option")).to_have_count(2)
    expect(field.page.get_by_test_id("unit-name")).to_have_text("清江村")
    units.select_option(OTHER_VILLAGE)
    expect(field.page.get_by_test_id("unit-name")).to_have_text(other["unit_name"])
    expect(units).to_have_value(OTHER_VILLAGE)
    field.page.wait_for_selector(f'[data-testid=map][data-idle="{OTHER_VILLAGE}"]')
    assert field.failed == []
    assert field.tiles == []


def test_an_administrator_of_a_town_manages_its_accounts(
    visiting: Visiting, demo_server: str, administrator: httpx.Client, person: str
) -> None:
    grant = {"role": "administrator", "unit_code": TOWN}
    administrator.post(f"/accounts/{person}/grants", json=grant).raise_for_status()
    other = f"{person}b"
    body = {"account": other, "full_name": "王五", "role": "inspector", "unit_code": VILLAGE}
    administrator.post("/accounts", json=body).raise_for_status()
    try:
        office = visiting()
        page = office.page
        enter(page, demo_server, person)
        expect(page.get_by_test_id("unit-name")).to_have_text("仙槎桥镇")
        office.failed.clear()
        page.get_by_test_id("desks").get_by_role("button", name="管理").click()
        expect(page.get_by_test_id("administration").get_by_role("button")).to_have_text(["账号", "令牌"])
        rows = page.get_by_test_id("accounts").locator("tbody tr")
        expect(rows.filter(has_text="仙槎桥镇田长")).to_have_count(1)
        expect(rows.filter(has_text="审计组")).to_have_count(0)
        rows.filter(has_text=other).get_by_role("button").click()
        card = page.get_by_test_id("account")
        card.get_by_role("button", name="收回").click()
        expect(page.get_by_test_id("confirm")).to_contain_text("最后一项权限")
        page.get_by_test_id("confirm-yes").click()
        expect(page.get_by_test_id("notice")).to_contain_text("已收回“王五”的巡查员（清江村）")
        expect(page.get_by_test_id("undo")).to_have_count(0)
        assert office.failed == []
        assert office.tiles == []
        page.goto(f"{demo_server}/?desk=accounts&account=officer")
        expect(page.get_by_test_id("refused")).to_contain_text(f"只能在 {TOWN} 及其下级管理账号")
    finally:
        leave_no_trace(administrator, other)


def test_the_server_says_why_a_change_is_refused(visiting: Visiting, demo_server: str) -> None:
    page = visiting("administrator").page
    page.goto(f"{demo_server}/?desk=accounts&account=administrator")
    page.get_by_test_id("account").get_by_role("button", name="收回").click()
    expect(page.get_by_test_id("account-refused")).to_contain_text("请由另一名管理员办理")
    page.goto(f"{demo_server}/?desk=accounts&account=tz{TOWN}")
    card = page.get_by_test_id("account")
    expect(card).to_contain_text("花名册")
    expect(card.get_by_role("button", name="收回")).to_have_count(0)
    page.goto(f"{demo_server}/?desk=accounts&account=nobody-here")
    expect(page.get_by_test_id("refused")).to_contain_text("没有账号“nobody-here”")


def test_accounts_are_found_by_name_role_and_unit(visiting: Visiting, demo_server: str) -> None:
    page = visiting("administrator").page
    page.goto(f"{demo_server}/?desk=accounts")
    rows = page.get_by_test_id("accounts").locator("tbody tr")
    page.get_by_test_id("find-account").fill("审计")
    expect(rows).to_have_count(1)
    expect(page.get_by_test_id("total")).to_have_text("1")
    expect(rows).to_contain_text("审计人员 · 邵东市")
    page.get_by_test_id("find-role").select_option("leader")
    expect(page.get_by_test_id("no-accounts")).to_contain_text("tianzhang users roster")
    page.get_by_test_id("no-accounts").get_by_role("button").click()
    page.get_by_test_id("search").fill(VILLAGE)
    page.get_by_test_id("found").get_by_role("button").first.click()
    expect(rows.filter(has_text="清江村田长")).to_have_count(1)
    expect(rows.filter(has_text="审计组")).to_have_count(0)


def test_accounts_come_page_by_page(visiting: Visiting, demo_server: str) -> None:
    page = visiting("administrator").page
    asked: list[str] = []

    def many(route: Route) -> None:
        asked.append(route.request.url)
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"total": 120})

    page.route("**/api/v1/accounts?*", many)
    page.goto(f"{demo_server}/?desk=accounts")
    expect(page.get_by_text("第 1–50 个，共 120 个")).to_be_visible()
    following = page.get_by_test_id("next-page")
    following.click()
    expect(page.get_by_text("第 51–100 个，共 120 个")).to_be_visible()
    following.click()
    expect(page.get_by_text("第 101–120 个，共 120 个")).to_be_visible()
    expect(following).to_be_disabled()
    assert ["offset=0" in asked[0], "offset=50" in asked[1], "offset=100" in asked[2]] == [True] * 3
    page.get_by_test_id("find-account").fill("审计")
    expect(page.get_by_test_id("accounts").locator("tbody tr")).to_have_count(1)
    expect(page.get_by_text("第 1–50 个，共 120 个")).to_be_visible()
    page.unroute_all(behavior="wait")
    assert len(asked) == 4
    assert "offset=0" in asked[3]


def test_a_token_is_made_used_and_withdrawn(visiting: Visiting, demo_server: str, administrator: httpx.Client) -> None:
    name = f"大屏 {uuid.uuid4().hex[:6]}"
    page = visiting("administrator").page
    page.goto(f"{demo_server}/?desk=tokens")
    page.get_by_test_id("new-token").click()
    form = page.get_by_test_id("new-token-form")
    form.get_by_label("给谁用").fill(name)
    pick(page, "new-token-form", VILLAGE)
    form.get_by_label("查台账").check()
    form.locator("button[type=submit]").click()
    secret = page.get_by_test_id("secret-value").input_value()
    page.get_by_test_id("secret-done").click()
    row = page.get_by_test_id("tokens").locator("tbody tr", has_text=name)
    for text in ("清江村", "查台账", "查看", "从未"):
        expect(row).to_contain_text(text)
    try:
        with httpx.Client(base_url=f"{demo_server}/api/v1", headers={"Authorization": f"Bearer {secret}"}) as program:
            assert program.get("/progress", params={"unit": VILLAGE}).status_code == 200
            assert program.get("/progress", params={"unit": TOWN}).json()["code"] == "not_your_unit"
            row.get_by_role("button").click()
            page.get_by_test_id("confirm-yes").click()
            expect(row).to_have_count(0)
            assert program.get("/progress", params={"unit": VILLAGE}).json()["code"] == "token_unknown"
    finally:
        for token in administrator.get("/tokens").json()["tokens"]:
            if token["name"] == name:
                administrator.delete(f"/tokens/{token['id']}")


def test_the_public_page_is_seen_while_it_is_on(
    visiting: Visiting, demo_server: str, administrator: httpx.Client
) -> None:
    office, anybody = visiting("administrator").page, visiting(None, PHONE).page
    office.goto(f"{demo_server}/?desk=public")
    switch = office.get_by_test_id("public-switch")
    try:
        expect(switch).to_contain_text("未开放")
        office.get_by_test_id("turn-public").click()
        office.get_by_test_id("confirm-yes").click()
        expect(switch).to_contain_text("公开页已开放")
        expect(office.get_by_test_id("public-towns").locator("tbody tr")).to_have_count(25)
        anybody.goto(demo_server)
        expect(anybody.get_by_test_id("public-city")).to_contain_text("5,200.00 / 12,700")
        rows = anybody.get_by_test_id("public-towns").locator("tbody tr")
        expect(rows).to_have_count(25)
        expect(rows.first).to_contain_text("流泽镇")
        assert no_wider_than_the_window(anybody)
        anybody.get_by_test_id("language").click()
        expect(rows.first).to_contain_text("green")
        assert no_wider_than_the_window(anybody)
        anybody.get_by_test_id("to-sign-in").click()
        expect(anybody.get_by_test_id("sign-in")).to_be_visible()
        anybody.go_back()
        expect(rows).to_have_count(25)
        office.get_by_test_id("turn-public").click()
        expect(switch).to_contain_text("未开放")
        anybody.reload()
        expect(anybody.get_by_test_id("sign-in")).to_be_visible()
    finally:
        administrator.put("/public", json={"on": False})


def test_the_ledger_tells_what_happened(visiting: Visiting, demo_server: str, person: str) -> None:
    page = visiting("administrator").page
    page.goto(f"{demo_server}/?desk=accounts&account={person}")
    page.get_by_test_id("account").get_by_role("button", name="查台账中的记录").click()
    entries = page.get_by_test_id("entries").get_by_role("button")
    expect(entries).to_have_text(["登录", "启用账号", "授予角色", "新建账号"])
    entries.nth(2).click()
    entry = page.get_by_test_id("entry")
    for text in ("授权", "巡查员", VILLAGE, "散列值"):
        expect(entry).to_contain_text(text)
    page.get_by_test_id("find-event").select_option("account.activated")
    expect(entries).to_have_text(["启用账号"])
    entries.first.click()
    expect(entry).to_contain_text("密码（散列值）")
    page.reload()
    expect(entries).to_have_text(["启用账号"])
    page.get_by_test_id("find-subject").fill("2022-0930")
    page.get_by_test_id("find-subject").press("Enter")
    expect(page.get_by_test_id("no-entries")).to_be_visible()
    page.get_by_test_id("find-event").select_option("claim.")
    expect(entries).to_have_text(["验收", "核查", "添加证据", "上报"])
    entries.first.click()
    expect(entry).to_contain_text("验收净面积")
    page.get_by_test_id("find-subject").fill("")
    page.get_by_test_id("find-subject").press("Enter")
    expect(entries).to_have_count(50)
    page.get_by_test_id("older").click()
    expect(entries).to_have_count(100)


def test_an_entry_is_read_with_the_first_of_its_rows(administrator: httpx.Client) -> None:
    row = administrator.get("/ledger", params={"event": "chief.imported"}).json()["entries"][0]
    entry = administrator.get(f"/ledger/{row['seq']}").json()
    assert entry["rows"]["chief"] == 12_257
    assert len(entry["after"]["chief"]["name"]) == 50
    assert "phone" not in entry["after"]["chief"]
    assert administrator.get("/ledger/99999999").json()["code"] == "entry_unknown"


def test_signing_out_everywhere_ends_the_other_browser(visiting: Visiting, demo_server: str, person: str) -> None:
    here, there = visiting().page, visiting().page
    for page in (here, there):
        enter(page, demo_server, person)
        expect(page.get_by_test_id("unit-name")).to_have_text("清江村")
    menu = here.get_by_test_id("account-menu")
    menu.locator("summary").click()
    expect(menu).to_contain_text("巡查员 · 清江村")
    menu.get_by_test_id("sign-out-everywhere").click()
    here.get_by_test_id("confirm-yes").click()
    expect(here.get_by_test_id("sign-in")).to_be_visible()
    there.get_by_test_id("below").get_by_role("button", name="第9组").click()
    expect(there.get_by_test_id("sign-in")).to_be_visible()


def test_ones_own_password_is_changed(visiting: Visiting, demo_server: str, person: str) -> None:
    page = visiting().page
    enter(page, demo_server, person)
    page.get_by_test_id("account-menu").locator("summary").click()
    page.get_by_test_id("change-password").click()
    form = page.get_by_test_id("own-password")
    form.get_by_label("原密码").fill("记错了的密码")
    form.get_by_label("设一个密码").fill(f"{PASSWORD}！")
    form.locator("button[type=submit]").click()
    expect(form.get_by_role("alert")).to_contain_text("原密码不对")
    form.get_by_label("原密码").fill(PASSWORD)
    form.locator("button[type=submit]").click()
    expect(page.get_by_test_id("notice")).to_contain_text("密码已更改")
    page.reload()
    expect(page.get_by_test_id("unit-name")).to_have_text("清江村")


def test_a_town_with_too_many_plots_says_so(visiting: Visiting, demo_server: str) -> None:
    town = visiting(f"tz{TOWN}")
    town.page.goto(demo_server)
    expect(town.page.get_by_test_id("too-many-plots")).to_contain_text("请进入下级单位")
    expect(town.page.get_by_test_id("path")).to_have_count(0)
    town.page.get_by_test_id("ranking").get_by_role("button", name="清江村").click()
    expect(town.page.get_by_test_id("unit-name")).to_have_text("清江村")
    expect(town.page.get_by_test_id("too-many-plots")).to_have_count(0)
    town.page.wait_for_selector(f'[data-testid=map][data-idle="{VILLAGE}"]')
    expect(town.page.get_by_test_id("legend")).to_contain_text("永久基本农田")
    expect(town.page.get_by_test_id("path").get_by_role("button")).to_have_text(["仙槎桥镇"])
    assert town.failed == []
    assert town.tiles == []


def test_a_group_is_all_that_its_chief_sees(visiting: Visiting, demo_server: str) -> None:
    group = visiting(f"tz{VILLAGE}09", PHONE)
    group.page.goto(demo_server)
    expect(group.page.get_by_test_id("unit-name")).to_have_text("第9组")
    expect(group.page.get_by_test_id("path")).to_have_count(0)
    group.page.wait_for_selector(f'[data-testid=map][data-idle="{VILLAGE}09"]')
    group.page.get_by_test_id("plots").get_by_role("button").first.click()
    expect(group.page.get_by_test_id("details")).to_contain_text("清江村田长")
    expect(group.page.get_by_test_id("details").get_by_role("button", name="清江村")).to_have_count(0)
    assert no_wider_than_the_window(group.page)
    assert group.failed == []
    assert group.tiles == []


def test_the_desk_is_in_the_address(visiting: Visiting, demo_server: str) -> None:
    office = visiting("administrator")
    page = office.page
    page.goto(f"{demo_server}/?unit={TOWN}")
    expect(page.get_by_test_id("unit-name")).to_have_text("仙槎桥镇")
    desks = page.get_by_test_id("desks")
    desks.get_by_role("button", name="管理").click()
    page.get_by_test_id("accounts").get_by_role("button", name="审计组").click()
    expect(page.get_by_test_id("account")).to_contain_text("审计人员")
    page.reload()
    expect(page.get_by_test_id("account")).to_contain_text("审计人员")
    desks.get_by_role("button", name="台账").click()
    expect(page.get_by_test_id("entries")).to_be_visible()
    expect(desks.get_by_role("button", name="台账")).to_have_attribute("aria-current", "page")
    page.go_back()
    expect(page.get_by_test_id("account")).to_be_visible()
    page.go_back()
    expect(page.get_by_test_id("account")).to_have_count(0)
    expect(page.get_by_test_id("accounts")).to_be_visible()
    page.go_back()
    expect(page.get_by_test_id("unit-name")).to_have_text("仙槎桥镇")
    page.go_forward()
    expect(page.get_by_test_id("accounts")).to_be_visible()
    assert office.failed == []


def test_the_keyboard_is_enough(visiting: Visiting, demo_server: str) -> None:
    page = visiting("administrator").page
    page.goto(f"{demo_server}/?desk=accounts")
    expect(page.get_by_test_id("accounts")).to_be_visible()
    summary = page.get_by_test_id("account-menu").locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("sign-out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("sign-out")).not_to_be_visible()
    expect(summary).to_be_focused()
    opener = page.get_by_test_id("new-account")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("姓名或职务")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("new-account-form")).to_have_count(0)
    expect(opener).to_be_focused()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_a_phone_no_desk_is_wider_than_the_screen(visiting: Visiting, demo_server: str, language: str) -> None:
    office = visiting("administrator", PHONE)
    page = office.page
    for desk, shown in SHOWN.items():
        page.goto(f"{demo_server}/?desk={desk}&lang={language}")
        expect(page.get_by_test_id(shown)).to_be_visible()
        assert no_wider_than_the_window(page), desk
    page.get_by_test_id("account-menu").locator("summary").click()
    assert no_wider_than_the_window(page)
    assert office.failed == []
