"""Who may use the admin API and page, and who may not."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx2
import pytest
from fastapi import FastAPI, Header, HTTPException

from chronicle import ConfigurationError
from chronicle_fastapi import Chronicle, create_admin_router
from chronicle_fastapi.admin.access import SESSION_SECONDS, AdminToken
from tests.web.admin.conftest import AUTHORIZATION, TOKEN
from tests.web.asgi import serving

API = "/chronicle/api/event-stores"
PAGE = "/chronicle/"
ORIGIN = "http://testserver"


@pytest.fixture
def app(chronicle: Chronicle, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setenv("CHRONICLE_ADMIN_TOKEN", TOKEN)
    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(create_admin_router())
    return app


@pytest.fixture
async def browser(app: FastAPI) -> AsyncGenerator[httpx2.AsyncClient]:
    async with serving(app) as client:
        yield client


async def sign_in(client: httpx2.AsyncClient, token: str = TOKEN, **form: str) -> httpx2.Response:
    return await client.post(
        "/chronicle/login", data={"token": token, **form}, headers={"Sec-Fetch-Site": "same-origin"}
    )


# Nobody by default


@pytest.mark.parametrize("path", [API, PAGE, "/chronicle/events", "/chronicle/observer?id=x"])
async def test_without_a_token_nothing_is_shown(browser: httpx2.AsyncClient, path: str) -> None:
    refused = await browser.get(path)
    assert refused.status_code == 401
    assert "bank" not in refused.text


@pytest.mark.parametrize(
    "value", ["Bearer wrong-token-wrong-token", "Bearer ", "Bearer \u00e9", f"Basic {TOKEN}", TOKEN]
)
async def test_what_is_not_the_token_lets_nobody_in(browser: httpx2.AsyncClient, value: str) -> None:
    refused = await browser.get(API, headers={b"Authorization": value.encode()})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_bearer_of_the_token_may_use_the_api_and_the_page(browser: httpx2.AsyncClient) -> None:
    assert (await browser.get(API, headers=AUTHORIZATION)).status_code == 200
    assert "Overview" in (await browser.get(PAGE, headers=AUTHORIZATION)).text


def test_openapi_says_how_to_get_in(app: FastAPI) -> None:
    document = app.openapi()
    assert document["components"]["securitySchemes"]["adminToken"]["scheme"] == "bearer"
    assert document["paths"][API]["get"]["security"] == [{"adminToken": []}]
    assert not [path for path in document["paths"] if not path.startswith("/chronicle/api/")]


# Where the token comes from


async def test_a_token_is_made_and_printed_once_with_the_address_of_the_page(
    app: FastAPI,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("CHRONICLE_ADMIN_TOKEN")
    app.include_router(create_admin_router(), prefix="/again")
    caplog.set_level(logging.DEBUG)
    async with serving(app) as client:
        printed = capsys.readouterr().err
        address, _, token = printed.split("/chronicle/login#token=")[1].partition("\n")[0].rpartition("=")
        assert (address, printed.count("#token=")) == ("", 1)
        assert (await client.get(API, headers={"Authorization": f"Bearer {token}"})).status_code == 200
        assert (await sign_in(client, token)).status_code == 303
    assert token not in caplog.text
    assert token not in capsys.readouterr().err


def test_each_application_makes_one_of_its_own_when_first_asked_if_it_was_never_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CHRONICLE_ADMIN_TOKEN", raising=False)
    app = FastAPI()
    one, other = AdminToken.of(app), AdminToken.of(FastAPI())
    assert AdminToken.of(app) is one
    assert not other.accepts_session(one.new_session())
    assert capsys.readouterr().err.count("#token=") == 2


async def test_a_token_from_the_environment_is_not_printed(
    app: FastAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(app):
        assert TOKEN not in "".join(capsys.readouterr())


async def test_a_token_that_can_be_guessed_stops_the_application(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHRONICLE_ADMIN_TOKEN", "secret")
    with pytest.raises(ConfigurationError, match="CHRONICLE_ADMIN_TOKEN is too short") as raised:
        async with serving(app):
            pass
    assert "secret" not in str(raised.value)


# Sessions of browsers


async def test_signing_in_gives_a_cookie_that_is_not_the_token(browser: httpx2.AsyncClient) -> None:
    entered = await sign_in(browser)
    assert (entered.status_code, entered.headers["location"]) == (303, "./")
    cookie = entered.headers["set-cookie"]
    assert TOKEN not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    # For the folder of the page, as the browser sees it: a proxy may have another name for it.
    assert "Path" not in cookie
    assert (await browser.get(PAGE)).status_code == 200
    assert (await browser.get(API)).status_code == 200


async def test_over_https_the_cookie_never_goes_out_in_the_clear(app: FastAPI) -> None:
    async with serving(app) as client:
        client.base_url = httpx2.URL("https://testserver")
        assert "Secure" in (await sign_in(client)).headers["set-cookie"]


async def test_a_wrong_token_gives_no_session(browser: httpx2.AsyncClient) -> None:
    refused = await sign_in(browser, "wrong-token-wrong-token")
    assert refused.status_code == 401
    assert "That is not the admin token" in refused.text
    assert "wrong-token" not in refused.text
    assert not browser.cookies


async def test_a_session_can_be_left(browser: httpx2.AsyncClient) -> None:
    await sign_in(browser)
    left = await browser.post("/chronicle/logout", headers={"Sec-Fetch-Site": "same-origin"})
    assert (left.status_code, left.headers["location"]) == (303, "login")
    assert (await browser.get(PAGE)).status_code == 401


def test_a_session_ends_by_itself() -> None:
    token = AdminToken("a token of some length")
    session = token.new_session(now=1000.0)
    assert token.accepts_session(session, now=999.0 + SESSION_SECONDS)
    assert not token.accepts_session(session, now=1000.0 + SESSION_SECONDS)


def test_a_session_outlives_a_restart_and_not_the_token() -> None:
    session = AdminToken("a token of some length").new_session()
    assert AdminToken("a token of some length").accepts_session(session)
    assert not AdminToken("another token of some length").accepts_session(session)


@pytest.mark.parametrize("forge", ["", ".", "9999999999.", "9999999999", "x.y", "\u0665\u0665.a", "9" * 5000])
def test_a_session_cannot_be_made_up_or_prolonged(forge: str) -> None:
    token = AdminToken("a token of some length")
    _, _, signature = token.new_session().partition(".")
    assert not token.accepts_session(forge)
    assert not token.accepts_session(f"{forge}{signature}")


async def test_a_wrong_bearer_token_is_not_made_good_by_a_session(browser: httpx2.AsyncClient) -> None:
    await sign_in(browser)
    assert (await browser.get(API, headers={"Authorization": "Bearer no"})).status_code == 401


# Where one is led after signing in


async def test_whoever_wanted_a_page_gets_there(browser: httpx2.AsyncClient) -> None:
    asked = await browser.get("/chronicle/events?source=account-1&type=deposited")
    assert 'name="wanted" value="events?source=account-1&amp;type=deposited"' in asked.text
    entered = await sign_in(browser, wanted="events?source=account-1&type=deposited")
    assert entered.headers["location"] == "events?source=account-1&type=deposited"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "\\\\evil.example",
        "/elsewhere",
        "..",
        "../..",
        "javascript:alert(1)",
        "events?a=b\r\nSet-Cookie: c=d",
        "events#token=1",
    ],
)
async def test_nobody_is_led_elsewhere(browser: httpx2.AsyncClient, wanted: str) -> None:
    assert (await sign_in(browser, wanted=wanted)).headers["location"] == "./"


# Requests that another site has made a browser send

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": ORIGIN},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": f"{ORIGIN}.evil.example"},
    {},
]
OWN = [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": ORIGIN}]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", [API, "/chronicle/event?number=0", "/chronicle/logout"])
async def test_a_session_changes_nothing_for_another_site(
    browser: httpx2.AsyncClient, headers: dict[str, str], path: str
) -> None:
    await sign_in(browser)
    refused = await browser.post(path, json={"name": "injected"}, headers=headers)
    assert refused.status_code == 403
    assert "injected" not in (await browser.get(API)).text
    assert (await browser.get(PAGE)).status_code == 200


@pytest.mark.parametrize("headers", OWN)
async def test_a_session_changes_things_for_its_own_site(
    browser: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    await sign_in(browser)
    assert (await browser.post(API, json={"name": "orders"}, headers=headers)).status_code == 201


async def test_a_bearer_may_change_things_from_anywhere(browser: httpx2.AsyncClient) -> None:
    headers = {**AUTHORIZATION, "Origin": "https://console.example", "Sec-Fetch-Site": "cross-site"}
    assert (await browser.post(API, json={"name": "orders"}, headers=headers)).status_code == 201


async def test_another_site_cannot_sign_a_browser_in(browser: httpx2.AsyncClient) -> None:
    form = {"token": TOKEN}
    refused = await browser.post("/chronicle/login", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
    assert not browser.cookies


# The application's own dependency instead


@asynccontextmanager
async def with_own_access(chronicle: Chronicle) -> AsyncGenerator[httpx2.AsyncClient]:
    async def operators_only(x_role: Annotated[str, Header()] = "") -> None:
        if x_role == "guest":
            raise HTTPException(303, headers={"Location": "/company-login"})
        if x_role != "operator":
            raise HTTPException(403, "for operators")

    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(create_admin_router(prefix="/ops", access=operators_only))
    async with serving(app) as client:
        yield client


@pytest.mark.parametrize("path", ["/ops/", "/ops/events", "/ops/api/event-stores"])
async def test_the_applications_own_dependency_decides(
    chronicle: Chronicle, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with with_own_access(chronicle) as client:
        assert (await client.get(path)).status_code == 403
        guest = await client.get(path, headers={"X-Role": "guest"})
        assert (guest.status_code, guest.headers["location"]) == (303, "/company-login")
        assert (await client.get(path, headers={"X-Role": "operator"})).status_code == 200
    assert "token" not in capsys.readouterr().err


async def test_the_applications_own_dependency_is_guarded_from_other_sites_too(chronicle: Chronicle) -> None:
    async with with_own_access(chronicle) as client:
        for headers, status in (({"Sec-Fetch-Site": "cross-site"}, 403), ({}, 201)):
            response = await client.post(
                "/ops/api/event-stores", json={"name": "orders"}, headers={"X-Role": "operator", **headers}
            )
            assert response.status_code == status
        assert (await client.get("/ops/login", headers={"X-Role": "operator"})).status_code == 404


# What every page says to browsers and to those in between


@pytest.mark.parametrize("path", [PAGE, "/chronicle/login", "/chronicle/events?before=x"])
async def test_pages_are_kept_by_nobody_and_run_nothing_inline(
    browser: httpx2.AsyncClient, path: str
) -> None:
    headers = (await browser.get(path, headers=AUTHORIZATION)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


async def test_only_files_of_the_page_are_served(browser: httpx2.AsyncClient) -> None:
    style = await browser.get("/chronicle/static/admin.css")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert style.headers["cache-control"] == "no-cache"
    for name in ("..%2Faccess.py", "access.py", "%2e%2e"):
        assert (await browser.get(f"/chronicle/static/{name}")).status_code == 404
