"""The pictures in docs/screenshots. Every run takes them; they are kept only when SCREENSHOTS is set."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, expect

from chronicle import Identity, identity
from chronicle.context import root_causation
from chronicle_fastapi import Chronicle
from tests.web.admin.scripted import Script
from tests.web.bank import Deposited
from tests.web.browser.conftest import TOKEN
from tests.web.browser.kernel_answers import JOB, answers
from tests.web.browser.server import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOLDER: Final = Path(__file__).parents[3] / "docs" / "screenshots"

WIDE: Final = {"viewport": {"width": 1280, "height": 800}}
PHONE: Final = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "device_scale_factor": 2}
DARK: Final = {**WIDE, "color_scheme": "dark"}

PICTURES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "overview": ("", WIDE),
    "overview-dark": ("", DARK),
    "overview-phone": ("", PHONE),
    "events": ("events", WIDE),
    "events-phone": ("events", {**PHONE, "color_scheme": "dark"}),
    "event": ("event?number=129", WIDE),
    "observers": ("observers", WIDE),
    "observer-dark": ("observer?id=NotifyOwner", DARK),
    "failed-partitions": ("failed-partitions", WIDE),
    "job-dark": (f"job?id={JOB}", DARK),
    "read-model": ("read-model?id=Balance", WIDE),
}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The pictures tell nothing of the machine that they were taken on."""
    monkeypatch.setattr("platform.node", lambda: "bank-1")
    monkeypatch.setattr("platform.release", lambda: "6.12")
    root_causation.cache_clear()
    yield
    root_causation.cache_clear()


@pytest.mark.parametrize("name", PICTURES)
async def test_a_picture_is_taken(
    browser: Browser, site: Site, chronicle: Chronicle, script: Script, name: str
) -> None:
    script.script(answers())
    address, options = PICTURES[name]
    with identity(Identity("7f4c2c1e", "Ada Lovelace", "ada")):
        for number in range(130):
            await chronicle.store.event_log.append(
                f"account-{number % 7}", Deposited(amount=25 * number), tags=["cash"]
            )
    async with site.visit(browser, **options) as page:
        await site.sign_in(page, TOKEN)
        await page.goto(f"{site.url}{address}")
        await expect(page.locator("h1")).to_be_visible()
        picture = await page.screenshot()
    assert picture.startswith(b"\x89PNG")
    if os.environ.get("SCREENSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.png").write_bytes(picture)
