"""The admin page without a browser: what it asks the kernel for, and what it says to wrong requests."""

import html
import json
import re
from collections.abc import AsyncGenerator

import grpc
import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from chronicle_fastapi import Chronicle, create_admin_router
from chronicle_fastapi.admin.pages.highlighting import highlight
from tests.web.admin.conftest import AUTHORIZATION, TOKEN
from tests.web.admin.scripted import Script
from tests.web.asgi import serving
from tests.web.bank import Deposited


@pytest.fixture
async def page(
    chronicle: Chronicle, script: Script, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client for addresses such as `events`, of an application with three events."""
    monkeypatch.setenv("CHRONICLE_ADMIN_TOKEN", TOKEN)
    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(create_admin_router())
    async with serving(app) as client:
        client.base_url = httpx2.URL("http://testserver/chronicle/")
        client.headers.update(AUTHORIZATION)
        for amount in (1, 2, 3):
            await chronicle.store.event_log.append("account-1", Deposited(amount=amount))
        yield client


@pytest.mark.parametrize("address", ["", "events", "events?before=2", "event?number=1"])
async def test_the_first_pages_never_count_or_search_the_whole_log(
    page: httpx2.AsyncClient, script: Script, address: str
) -> None:
    script.script({"EventSequences/QueryEvents": grpc.StatusCode.INTERNAL})
    assert (await page.get(address)).status_code == 200
    assert (await page.get("events?tag=cash")).status_code == 502


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("event?number=3", 404, "There is no event"),
        ("event?number=99999999999999999999", 422, "That address is not right"),
        ("event", 422, "That address is not right"),
        ("events?sequence=nowhere", 404, "There is no event sequence"),
        ("events?correlation=x", 422, "That address is not right"),
        ("?store=nowhere", 404, "There is no event store"),
        ("?namespace=nowhere", 404, "There is no namespace"),
        ("read-model?id=nothing", 404, "There is no read model"),
        ("event-type?id=nothing", 404, "There is no event type"),
        ("job?id=1", 422, "That address is not right"),
    ],
)
async def test_what_is_not_there_is_said_on_a_page(
    page: httpx2.AsyncClient, address: str, status: int, says: str
) -> None:
    response = await page.get(address)
    assert response.status_code == status
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert says in html.unescape(response.text)


@pytest.mark.parametrize("address", ["event?number=0", "observer?id=x", "webhooks", "subscriptions"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"action=no-such-thing", 400),
        (b"", 400),
        (b"no form at all", 400),
        (b"\xff\xfe=", 400),
        (b"a=" + b"b" * 70_000, 413),
    ],
)
async def test_a_form_that_is_not_of_the_page_does_nothing(
    page: httpx2.AsyncClient, address: str, body: bytes, status: int
) -> None:
    assert (await page.post(address, content=body)).status_code == status


async def test_every_link_stays_in_the_namespace_that_one_looks_at(
    page: httpx2.AsyncClient, chronicle: Chronicle
) -> None:
    await chronicle.client.event_stores.ensure("orders & more")
    text = (await page.get("events?store=orders+%26+more")).text
    links = re.findall(r'<a [^>]*href="([^"]*)"', text.partition("<nav")[2])
    assert links
    assert all("store=orders+%26+more" in link for link in links)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_colours_change_nothing_of_what_is_said(value: object) -> None:
    shown = str(highlight(value))
    text = re.sub(r'<span class="(?:key|text|value)">|</span>', "", shown)
    assert "<" not in text
    assert html.unescape(text) == (
        value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    )
