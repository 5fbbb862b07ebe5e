"""The admin page in a real browser."""

from collections.abc import Mapping
from typing import Any, Final

import grpc
import pytest
from fastapi import FastAPI
from google.protobuf.empty_pb2 import Empty
from playwright.async_api import Browser, Page, expect

from chronicle import Artifacts, causation, reactor
from chronicle_fastapi import Chronicle, create_admin_router
from tests.waiting import PATIENCE, eventually
from tests.web.admin.scripted import Script
from tests.web.bank import Deposited
from tests.web.browser.conftest import TOKEN
from tests.web.browser.kernel_answers import FAILURE, JOB, answers
from tests.web.browser.server import Site, at_home, stripping, with_root_path

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = [
    "",
    "events",
    "event?number=0",
    "read-models",
    "read-model?id=Balance",
    "instance?id=Balance&key=account-1",
    "observers",
    "observer?id=NotifyOwner",
    "failed-partitions",
    "jobs",
    f"job?id={JOB}",
    "recommendations",
    "event-types",
    "event-type?id=deposited",
    "identities",
    "webhooks",
    "subscriptions",
    "clients",
]

LOOKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "wide": {},
    "phone": {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True},
    "dark": {"color_scheme": "dark"},
}


async def deposit(chronicle: Chronicle, *amounts: int) -> None:
    for amount in amounts:
        await chronicle.store.event_log.append("account-1", Deposited(amount=amount))


# Signing in


async def test_the_token_is_asked_for_and_leads_to_where_one_wanted_to_go(
    browser: Browser, site: Site
) -> None:
    async with site.visit(browser) as page:
        await page.goto(f"{site.url}events?source=account-1")
        await expect(page).to_have_title("Sign in · Chronicle")
        await expect(page.get_by_label("Admin token")).to_be_focused()
        await page.keyboard.type("not-the-token-at-all")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text(
            "That is not the admin token of this application."
        )
        await page.get_by_label("Admin token").fill(TOKEN)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page).to_have_url(f"{site.url}events?source=account-1")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page).to_have_url(f"{site.url}login")
        # The two 401 are what should happen.
        assert [complaint for complaint in site.complaints if "401" not in complaint] == []
        site.complaints.clear()


@pytest.mark.parametrize("is_open", [False, True])
async def test_a_link_with_the_token_signs_in_and_leaves_no_trace_of_it(
    browser: Browser, site: Site, is_open: bool
) -> None:
    async with site.visit(browser) as page:
        if is_open:
            await page.goto(f"{site.url}login")
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        await site.sign_in(page, TOKEN)
        await expect(page).to_have_url(site.url)
        assert not [url for url in requested if TOKEN in url]
        (cookie,) = await page.context.cookies()
        assert TOKEN not in str(cookie)
        assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
        assert await page.evaluate("document.cookie") == ""
        await page.go_back()
        assert TOKEN not in page.url


# Every page


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_can_be_looked_at(
    browser: Browser, site: Site, chronicle: Chronicle, script: Script, look: str
) -> None:
    script.script(answers())
    await deposit(chronicle, *range(60))
    async with site.visit(browser, **LOOKS[look]) as page:
        await site.sign_in(page, TOKEN)
        for address in PAGES:
            await page.goto(f"{site.url}{address}")
            await expect(page.locator("h1")).to_have_count(1)
            assert await page.title() != ""
            width, shown = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert width <= shown, f"{address} is {width} wide"
            assert await unlabelled(page) == [], address
        background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(14, 17, 23)") is (look == "dark")


async def unlabelled(page: Page) -> list[str]:
    """What can be used on a page, and has no name for those who cannot see it."""
    return await page.evaluate(  # type: ignore[no-any-return]
        """[...document.querySelectorAll("input, select, button, a, progress")]
           .filter(each => each.type !== "hidden" && !each.hidden && !each.closest("dialog"))
           .filter(each => !each.labels?.length && !each.ariaLabel && !each.textContent.trim())
           .map(each => each.outerHTML)"""
    )


@pytest.mark.parametrize(
    "address", ["observers", "failed-partitions", "jobs", "webhooks", "subscriptions", "recommendations"]
)
async def test_what_a_kernel_does_not_offer_is_said_calmly(
    page: Page, site: Site, script: Script, address: str
) -> None:
    script.script(dict.fromkeys(answers(), grpc.StatusCode.UNIMPLEMENTED))
    response = await page.goto(f"{site.url}{address}")
    assert response is not None
    assert response.status == 200
    await expect(page.get_by_text("Not offered here")).to_be_visible()


# What is in events stays text


async def test_content_is_shown_and_never_run(
    page: Page, site: Site, chronicle: Chronicle, script: Script
) -> None:
    script.script(answers())
    attack = "</pre><script>window.wasRun = 1</script><img src=x onerror='window.wasRun = 1'>\"'"
    with causation(attack, property=attack):
        await chronicle.store.event_log.append(attack, Deposited(amount=1), tags=[attack])
    await chronicle.store.event_log.append("account-1", Deposited(amount=2))
    for address in ("", "events", "event?number=0", "failed-partitions", "read-model?id=Balance"):
        await page.goto(f"{site.url}{address}")
        assert await page.evaluate("window.wasRun") is None
        assert await page.locator("main img, main script, main b").count() == 0
    await page.goto(f"{site.url}event?number=0")
    await expect(page.get_by_role("link", name=attack).first).to_be_visible()
    await page.goto(f"{site.url}failed-partitions")
    await expect(page.get_by_text(FAILURE).first).to_be_visible()


# The event browser


async def test_new_events_show_by_themselves(page: Page, site: Site, chronicle: Chronicle) -> None:
    await page.goto(f"{site.url}events")
    await expect(page.get_by_text("No events yet")).to_be_visible()
    rows = page.locator("#events tr")
    await deposit(chronicle, 1)
    await expect(rows).to_have_count(1)
    await rows.first.get_by_role("link", name="0").focus()
    await deposit(chronicle, 2)
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text('"amount": 2')
    await expect(rows.first).to_have_class("is-new")
    # What did not change is left alone, and with it where one was.
    await expect(rows.last.get_by_role("link", name="0")).to_be_focused()


async def test_events_are_paged_and_filtered(page: Page, site: Site, chronicle: Chronicle) -> None:
    await deposit(chronicle, *range(120))
    await chronicle.store.event_log.append("account-2", Deposited(amount=1), tags=["cash"])
    await page.goto(f"{site.url}events")
    await expect(page.get_by_text("71 to 120 of 121")).to_be_visible()
    await page.get_by_role("link", name="Older").click()
    await page.get_by_role("link", name="Older").click()
    await expect(page.get_by_text("0 to 20 of 121")).to_be_visible()
    await expect(page.get_by_role("link", name="Older")).to_have_count(0)
    await page.get_by_role("link", name="Newer").click()
    await expect(page.get_by_text("21 to 70 of 121")).to_be_visible()

    await page.keyboard.press("/")
    await expect(page.get_by_label("Event source")).to_be_focused()
    await page.keyboard.type("account-1")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{site.url}events?sequence=event-log&source=account-1")
    await expect(page.get_by_text("1 to 50 of 120 that match")).to_be_visible()
    await page.get_by_role("link", name="Older").click()
    await expect(page.get_by_text("51 to 100 of 120 that match")).to_be_visible()
    await page.get_by_role("link", name="Clear").click()
    await page.get_by_label("Tag").fill("cash")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.locator("#events tr")).to_have_count(1)


async def test_an_event_is_redacted_when_one_insists(page: Page, site: Site, chronicle: Chronicle) -> None:
    await deposit(chronicle, 4711)
    await page.goto(f"{site.url}event?number=0")
    await expect(page.get_by_text("4711")).to_be_visible()
    await page.get_by_role("button", name="Redact").click()
    # Nothing is asked while the reason is missing.
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await page.get_by_label("Reason").fill("entered by mistake")
    await page.get_by_role("button", name="Redact").click()
    await page.get_by_role("dialog").get_by_role("button", name="Redact").click()
    await expect(page.get_by_role("status")).to_contain_text("is being redacted")

    async def is_redacted() -> bool:
        await page.reload()
        return await page.locator("h1").text_content() != "deposited"

    await eventually(is_redacted)
    await expect(page.get_by_text("4711")).to_have_count(0)
    await expect(page.get_by_text("entered by mistake")).to_be_visible()


# Observers, failed partitions, jobs


async def test_a_replay_is_asked_for_twice_and_with_the_keyboard_alone(
    page: Page, site: Site, script: Script
) -> None:
    script.script(answers())
    await page.goto(f"{site.url}observer?id=NotifyOwner")
    dialog = page.get_by_role("dialog")
    replay = page.locator("main .head").get_by_role("button", name="Replay")
    await replay.focus()
    await page.keyboard.press("Enter")
    await expect(dialog).to_contain_text("NotifyOwner sees all its events once more")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(replay).to_be_focused()
    assert not script.was_asked("Observers/Replay")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(dialog.get_by_role("button", name="Replay")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("The replay has begun.")
    assert script.asked("Observers/Replay").ObserverId == "NotifyOwner"


async def test_a_failed_partition_is_retried(page: Page, site: Site, script: Script) -> None:
    script.script({**answers(), "Observers/RetryPartition": Empty()})
    await page.goto(f"{site.url}failed-partitions")
    await page.locator("summary").click()
    await expect(page.get_by_text("bank/notify.py")).to_be_visible()
    await page.get_by_role("button", name="Retry").click()
    await expect(page.get_by_role("status")).to_have_text("The partition is being retried.")
    await expect(page).to_have_url(f"{site.url}failed-partitions?done=retry")
    request = script.asked("Observers/RetryPartition")
    assert (request.ObserverId, request.Partition) == ("NotifyOwner", "account-4")


async def test_what_failed_in_the_embedded_kernel_is_shown_until_it_is_mended(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_broken = True

    @reactor(id="notify-owner")
    async def notify_owner(event: Deposited) -> None:
        if is_broken:
            raise ValueError("the mail server is away")

    monkeypatch.setenv("CHRONICLE_ADMIN_TOKEN", TOKEN)
    chronicle = Chronicle("bank", Artifacts(event_types=[Deposited], reactors=[notify_owner]))
    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(create_admin_router())
    async with at_home(app, "/chronicle/") as site, site.visit(browser) as page:
        await deposit(chronicle, 1)
        await site.sign_in(page, TOKEN)
        await expect(page.get_by_role("link", name="Failed partitions 1")).to_be_visible()
        await page.goto(f"{site.url}failed-partitions")
        await expect(page.get_by_text("the mail server is away")).to_be_visible()
        is_broken = False
        # The kernel tries again by itself.
        await expect(page.get_by_text("No partition has failed")).to_be_visible(timeout=PATIENCE * 1000)


async def test_the_progress_of_a_job_moves(page: Page, site: Site, script: Script) -> None:
    script.script(answers(done_steps=14))
    await page.goto(f"{site.url}jobs")
    progress = page.get_by_role("progressbar").first
    await expect(progress).to_have_js_property("value", 14)
    script.script(answers(done_steps=39))
    await expect(page.get_by_text("39 of 40")).to_be_visible()
    await expect(page.get_by_role("progressbar").first).to_have_js_property("value", 39)
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("status")).to_have_text("The job is being stopped.")
    assert script.was_asked("Jobs/StopJob")


async def test_a_page_that_cannot_be_kept_live_says_so(
    browser: Browser, app: FastAPI, chronicle: Chronicle
) -> None:
    async with at_home(app, "/chronicle/") as site, site.visit(browser) as page:
        await site.sign_in(page, TOKEN)
        await page.context.set_offline(True)
        await expect(page.locator("#trouble")).to_contain_text("does not answer")
        await page.context.set_offline(False)
        await expect(page.locator("#trouble")).to_be_hidden()
        await page.context.clear_cookies()
        await expect(page.locator("#trouble")).to_contain_text("signed out")
        site.complaints.clear()


# Wherever it is


@pytest.mark.parametrize("proxy", ["stripped", "stripped, server told", "not stripped"])
async def test_it_works_behind_a_prefix(
    browser: Browser, chronicle: Chronicle, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("CHRONICLE_ADMIN_TOKEN", TOKEN)
    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(create_admin_router(prefix="/shop/admin" if proxy == "not stripped" else "/admin"))
    proxies = {"stripped": stripping, "stripped, server told": with_root_path}
    served = proxies[proxy](app, "/shop") if proxy in proxies else app
    async with at_home(served, "/shop/admin/") as site:
        await chronicle.store.event_log.append("account-1", Deposited(amount=1))
        await chronicle.client.event_stores.ensure("orders")
        async with site.visit(browser) as page:
            await site.sign_in(page, TOKEN)
            await page.goto(site.url.rstrip("/"))
            await expect(page).to_have_url(site.url)
            await page.get_by_role("link", name="Events", exact=True).click()
            await page.locator("#events").get_by_role("link", name="0").click()
            await expect(page.locator("h1")).to_have_text("deposited")
            await page.get_by_label("Event store").select_option("orders")
            await expect(page).to_have_url(f"{site.url}events?store=orders")
            await page.get_by_role("link", name="Read models").click()
            await expect(page).to_have_url(f"{site.url}read-models?store=orders")
            await page.get_by_role("button", name="Sign out").click()
            await expect(page).to_have_url(f"{site.url}login")
            site.complaints[:] = [each for each in site.complaints if "/shop/admin is not of" not in each]
