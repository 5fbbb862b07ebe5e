"""Webhooks over the admin API: mapping, secrets, and the addresses that are refused."""

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import observation_webhooks_pb2 as pb
from chronicle_fastapi import Chronicle
from chronicle_fastapi.admin.addresses import AddressRefusedError, require_public
from chronicle_fastapi.admin.router import create_admin_router
from tests.web.admin.conftest import AUTHORIZATION
from tests.web.admin.scripted import Script
from tests.web.admin.test_event_stores import assert_problem
from tests.web.asgi import serving

WEBHOOKS = "event-stores/bank/webhooks"
PUBLIC = "https://93.184.216.34/events"
EVENT_TYPES = [{"id": "deposited"}]


@pytest.fixture(autouse=True)
def webhooks(script: Script) -> None:
    authorization = pb.OneOf_BasicAuthorization_BearerTokenAuthorization_OAuthAuthorization
    stored = pb.WebhookDefinition(
        Identifier="ledger",
        EventTypes=[pb.EventType(Id="deposited", Generation=1)],
        Target=pb.WebhookTarget(
            Url="https://alice:hidden@example.com/events",
            Authorization=authorization(Value0=pb.BasicAuthorization(Username="u", Password="hidden")),
            Headers={"X-Key": "hidden"},
        ),
    )
    paused = pb.WebhookDefinition(
        Identifier="audit", EventSequenceId="cash", IsReplayable=False, IsActive=False
    )
    script.script(
        {
            "Webhooks/GetWebhooks": pb.IEnumerable_WebhookDefinition(items=[stored, paused]),
            "Webhooks/Add": Empty(),
            "Webhooks/Remove": Empty(),
            "Webhooks/TestWebhook": pb.TestWebhookResponse(Success=False, ErrorMessage="refused"),
        }
    )


async def test_webhooks_are_listed_without_their_secrets(api: httpx2.AsyncClient) -> None:
    response = await api.get(WEBHOOKS)
    audit, ledger = response.json()
    assert ledger == {
        "id": "ledger",
        "event_sequence_id": "event-log",
        "event_types": [{"id": "deposited", "generation": 1}],
        "url": "https://example.com/events",
        "authorization": "basic",
        "header_names": ["X-Key"],
        "is_replayable": True,
        "is_active": True,
    }
    assert (audit["event_sequence_id"], audit["authorization"]) == ("cash", "none")
    assert (audit["is_replayable"], audit["is_active"]) == (False, False)
    assert "hidden" not in response.text
    assert (await api.get(f"{WEBHOOKS}/ledger")).json() == ledger


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (
            {"kind": "basic", "username": "u", "password": "p"},
            {"Value0": pb.BasicAuthorization(Username="u", Password="p")},
        ),
        ({"kind": "bearer", "token": "t"}, {"Value1": pb.BearerTokenAuthorization(Token="t")}),
        (
            {"kind": "oauth", "authority": "https://93.184.216.34/", "client_id": "c", "client_secret": "s"},
            {
                "Value2": pb.OAuthAuthorization(
                    Authority="https://93.184.216.34/", ClientId="c", ClientSecret="s"
                )
            },
        ),
        (None, None),
    ],
)
async def test_a_webhook_is_added(
    api: httpx2.AsyncClient, script: Script, authorization: Any, expected: Any
) -> None:
    target = {"url": PUBLIC, "authorization": authorization, "headers": {"X-Key": "k"}}
    body = {"id": "new", "target": target, "event_types": [{"id": "deposited", "generation": 2}]}
    response = await api.post(WEBHOOKS, json=body | {"is_active": False})
    assert (response.status_code, response.content) == (202, b"")
    choice = pb.OneOf_BasicAuthorization_BearerTokenAuthorization_OAuthAuthorization
    assert script.asked("Webhooks/Add") == pb.AddWebhooks(
        EventStore="bank",
        Owner=pb.OBSERVER_OWNER_Client,
        Webhooks=[
            pb.WebhookDefinition(
                EventSequenceId="event-log",
                Identifier="new",
                EventTypes=[pb.EventType(Id="deposited", Generation=2)],
                Target=pb.WebhookTarget(
                    Url=PUBLIC,
                    Authorization=None if expected is None else choice(**expected),
                    Headers={"X-Key": "k"},
                ),
                IsReplayable=True,
                IsActive=False,
            )
        ],
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8000/",
        "http://0.0.0.0/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[::1]/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[::127.0.0.1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://no-such-host.invalid/",
        "http://xn--/",
        f"http://{'a' * 70}.example/",
    ],
)
async def test_an_address_that_is_not_public_is_refused_however_it_is_written(url: str) -> None:
    with pytest.raises(AddressRefusedError, match="public"):
        await require_public(url)


@pytest.mark.parametrize("call", ["add", "test", "oauth"])
async def test_a_webhook_to_a_private_address_is_refused(
    api: httpx2.AsyncClient, script: Script, call: str
) -> None:
    url = "http://169.254.169.254/latest/meta-data"
    oauth = {"kind": "oauth", "authority": url, "client_id": "c", "client_secret": "s"}
    target = {"url": PUBLIC, "authorization": oauth} if call == "oauth" else {"url": url}
    if call == "test":
        response = await api.post(f"{WEBHOOKS}/test", json=target)
    else:
        response = await api.post(WEBHOOKS, json={"id": "x", "target": target, "event_types": EVENT_TYPES})
    assert_problem(response, 422, "'169.254.169.254' is or leads to an address that is not public.")
    assert script.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://93.184.216.34/",
        "//93.184.216.34/",
        "events",
        "http://",
        "http://[::1/",
        "http://93.184.216.34:99999/",
        "http://u:p@93.184.216.34/",
    ],
)
async def test_what_is_no_address_of_the_web_is_refused(
    api: httpx2.AsyncClient, script: Script, url: str
) -> None:
    assert_problem(await api.post(f"{WEBHOOKS}/test", json={"url": url}), 422, "URL")
    assert script.requests == []


async def test_public_addresses_are_not_refused() -> None:
    for url in (PUBLIC, "http://[2606:2800:220:1:248:1893:25c8:1946]:8080/x?y#z"):
        await require_public(url)
    with pytest.raises(AddressRefusedError):
        await require_public("http://[2606:2800:220:1:248:1893:25c8:1946%lo]:8080")


async def test_a_private_address_is_taken_where_it_is_allowed(
    chronicle: Chronicle, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHRONICLE_ADMIN_TOKEN", AUTHORIZATION["Authorization"].removeprefix("Bearer "))
    app = FastAPI(lifespan=chronicle.lifespan)
    app.include_router(create_admin_router(page=False, private_webhooks=True))
    async with serving(app) as client:
        path = f"/chronicle/api/{WEBHOOKS}/test"
        response = await client.post(path, json={"url": "http://127.0.0.1:9/"}, headers=AUTHORIZATION)
        assert (response.status_code, response.json()) == (200, {"is_success": False, "message": "refused"})
        assert script.asked("Webhooks/TestWebhook").Target.Url == "http://127.0.0.1:9/"
        response = await client.post(path, json={"url": "file:///etc/passwd"}, headers=AUTHORIZATION)
        assert_problem(response, 422, "URL")


@pytest.mark.parametrize(
    "change",
    [
        {"event_types": []},
        {"target": {"url": PUBLIC, "headers": {"X Key": "v"}}},
        {"target": {"url": PUBLIC, "headers": {"X-Key": "v\r\nX-Other: w"}}},
        {"target": {"url": PUBLIC, "authorization": {"kind": "basic", "username": "u"}}},
        {"target": {"url": PUBLIC, "authorization": {"kind": "bearer", "token": 5}}},
        {"id": "a/b"},
    ],
)
async def test_a_webhook_that_cannot_be_is_refused(
    api: httpx2.AsyncClient, script: Script, change: dict[str, Any]
) -> None:
    body = {"id": "x", "target": {"url": PUBLIC}, "event_types": EVENT_TYPES} | change
    assert_problem(await api.post(WEBHOOKS, json=body), 422, "not as it should be")
    assert script.requests == []


async def test_a_refusal_repeats_no_secret(api: httpx2.AsyncClient) -> None:
    authorization = {"kind": "bearer", "token": ["top-secret"]}
    body = {"id": "x", "target": {"url": PUBLIC, "authorization": authorization}, "event_types": EVENT_TYPES}
    response = await api.post(WEBHOOKS, json=body)
    assert response.status_code == 422
    assert "top-secret" not in response.text


async def test_a_webhook_is_removed(api: httpx2.AsyncClient, script: Script) -> None:
    assert (await api.delete(f"{WEBHOOKS}/ledger")).status_code == 202
    assert script.asked("Webhooks/Remove") == pb.RemoveWebhooks(EventStore="bank", Webhooks=["ledger"])


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_webhook_is_not_found(api: httpx2.AsyncClient, script: Script, method: str) -> None:
    assert_problem(await api.request(method, f"{WEBHOOKS}/x"), 404, "There is no webhook 'x'.")
    assert not script.was_asked("Webhooks/Remove")
