"""Entity tags of read models, and preconditions that become concurrency scopes."""

from collections.abc import AsyncGenerator
from typing import Annotated

import httpx2
import pytest
from fastapi import Depends, FastAPI

from chronicle import ConcurrencyScope, EventStore
from chronicle_fastapi import Chronicle, EventLogDep, UnitOfWorkDep, if_match, problem_responses, with_etag
from chronicle_fastapi.entity_tags import EntityTags
from tests.waiting import eventually
from tests.web.asgi import serving
from tests.web.bank import Balance, Deposited

CurrentBalance = Annotated[Balance, Depends(with_etag(Balance, key="account"))]
Expected = Annotated[ConcurrencyScope | None, Depends(if_match(Balance, key="account"))]
MustExpect = Annotated[ConcurrencyScope | None, Depends(if_match(Balance, key="account", required=True))]


@pytest.fixture
def app(app: FastAPI) -> FastAPI:
    @app.get("/{account}")
    async def balance(found: CurrentBalance) -> Balance:
        return found

    @app.post("/{account}", status_code=201, responses=problem_responses(409, 412, 422, 503))
    async def deposit(account: str, body: Deposited, log: EventLogDep, expected: Expected) -> None:
        await log.append(account, body, concurrency=expected)

    @app.put("/{account}", status_code=204)
    async def carefully(account: str, body: Deposited, log: EventLogDep, expected: MustExpect) -> None:
        await log.append(account, body, concurrency=expected)

    @app.post("/{account}/together", status_code=201)
    async def together(account: str, body: Deposited, unit: UnitOfWorkDep, expected: Expected) -> None:
        unit.append(account, body, concurrency=expected)

    @app.post("/{account}/own", status_code=201)
    async def own_scope(account: str, body: Deposited, log: EventLogDep) -> None:
        await log.append(account, body, concurrency=ConcurrencyScope.expect_none())

    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncGenerator[httpx2.AsyncClient]:
    async with serving(app) as client:
        yield client


@pytest.fixture
def store(client: httpx2.AsyncClient, chronicle: Chronicle) -> EventStore:
    return chronicle.store


async def deposit(
    client: httpx2.AsyncClient, path: str = "/alice", method: str = "POST", **headers: str
) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.request(method, path, json={"amount": 10}, headers=named)


async def tag_of(client: httpx2.AsyncClient, number: int) -> str:
    """The tag of alice's balance, once it contains the event with this number."""

    async def has_come() -> bool:
        return (await client.get("/alice")).headers.get("etag") == f'"{number}"'

    await eventually(has_come)
    return f'"{number}"'


async def test_the_tag_of_an_instance_is_the_number_of_its_last_event(client: httpx2.AsyncClient) -> None:
    await deposit(client, "/bob")
    await deposit(client)
    await tag_of(client, 1)
    response = await client.get("/alice")
    assert (response.status_code, response.json()) == (200, {"amount": 10})


async def test_what_has_not_changed_is_not_sent_again(client: httpx2.AsyncClient) -> None:
    await deposit(client)
    tag = await tag_of(client, 0)
    for said in (tag, f"W/{tag}", f'"7", {tag}', "*"):
        response = await client.get("/alice", headers={"If-None-Match": said})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == tag
    for said in ('"7"', 'W/"7", "8"'):
        response = await client.get("/alice", headers={"If-None-Match": said})
        assert response.status_code == 200


async def test_an_instance_that_is_not_there_is_a_problem(client: httpx2.AsyncClient) -> None:
    response = await client.get("/nobody")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
    assert "Balance" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/alice", "/alice/together"])
async def test_an_append_that_is_based_on_what_is_so_succeeds_once(
    path: str, client: httpx2.AsyncClient
) -> None:
    await deposit(client)
    tag = await tag_of(client, 0)
    assert (await deposit(client, path, if_match=tag)).status_code == 201
    late = await deposit(client, path, if_match=tag)
    problem = late.json()
    assert (late.status_code, problem["status"]) == (412, 412)
    assert problem["type"] == "urn:chronicle:precondition-failed"
    assert problem["violations"] == [{"event_source_id": "alice", "expected": 0, "actual": 1}]


async def test_events_of_others_and_of_no_interest_do_not_count(client: httpx2.AsyncClient) -> None:
    await deposit(client)
    tag = await tag_of(client, 0)
    await deposit(client, "/bob")
    assert (await deposit(client, if_match=tag)).status_code == 201


async def test_a_number_that_the_read_model_does_not_contain_yet_is_no_failure(
    client: httpx2.AsyncClient,
) -> None:
    await deposit(client)
    # At once, whether the reducer has run or not.
    assert (await deposit(client, if_match='"0"')).status_code == 201


async def test_one_of_several_tags_has_to_be_current(client: httpx2.AsyncClient) -> None:
    await deposit(client)
    await deposit(client)
    await tag_of(client, 1)
    assert (await deposit(client, if_match='"0", "2"')).status_code == 412
    assert (await deposit(client, if_match='"0", "1"')).status_code == 201


async def test_a_star_asks_for_an_instance_whatever_it_is(client: httpx2.AsyncClient) -> None:
    assert (await deposit(client, if_match="*")).status_code == 412
    await deposit(client)
    await tag_of(client, 0)
    assert (await deposit(client, if_match="*")).status_code == 201


async def test_none_match_with_a_star_is_for_the_first_event_only(client: httpx2.AsyncClient) -> None:
    assert (await deposit(client, if_none_match="*")).status_code == 201
    again = await deposit(client, if_none_match="*")
    assert (again.status_code, again.json()["violations"][0]["expected"]) == (412, None)


async def test_none_match_refuses_what_is_current(client: httpx2.AsyncClient) -> None:
    await deposit(client)
    tag = await tag_of(client, 0)
    assert (await deposit(client, if_none_match=f"W/{tag}")).status_code == 412
    assert (await deposit(client, if_none_match='"7"')).status_code == 201


@pytest.mark.parametrize("said", ['W/"0"', '"abc"', '""', '"00"', '"-1"', '"' + "9" * 400 + '"'])
async def test_what_is_no_strong_tag_of_ours_never_matches(said: str, client: httpx2.AsyncClient) -> None:
    await deposit(client)
    await tag_of(client, 0)
    response = await deposit(client, if_match=said)
    assert (response.status_code, response.json()["title"]) == (412, "Precondition failed")


@pytest.mark.parametrize("header", ["if_match", "if_none_match"])
@pytest.mark.parametrize("said", ["0", '"0', '"0" "1"', "", ",", "*, *", 'w/"0"'])
async def test_what_cannot_be_read_is_a_bad_request(
    said: str, header: str, client: httpx2.AsyncClient, store: EventStore
) -> None:
    response = await deposit(client, **{header: said})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert await store.event_log.tail() is None


async def test_an_endpoint_may_insist_on_a_precondition(client: httpx2.AsyncClient) -> None:
    without = await deposit(client, method="PUT")
    assert (without.status_code, without.json()["type"]) == (428, "urn:chronicle:precondition-required")
    assert (await deposit(client, method="PUT", if_none_match="*")).status_code == 204


async def test_without_a_precondition_nothing_is_checked(client: httpx2.AsyncClient) -> None:
    for _ in range(2):
        assert (await deposit(client)).status_code == 201


async def test_a_violation_of_the_endpoint_s_own_scope_stays_a_conflict(client: httpx2.AsyncClient) -> None:
    await deposit(client)
    assert (await deposit(client, "/alice/own")).status_code == 409
    assert (await deposit(client, "/alice/own", if_match='"7"')).status_code == 409
    assert (await deposit(client, "/alice/own", if_match="nonsense")).status_code == 409


def test_several_lines_are_one_list() -> None:
    assert EntityTags.parse(['"1", ,W/"2"', '"3"']) == EntityTags(
        strong=frozenset({"1", "3"}), weak=frozenset({"2"})
    )
    assert EntityTags.parse(['"a,b"']).strong == {"a,b"}


def test_keys_and_preconditions_are_in_the_openapi_document(app: FastAPI) -> None:
    def parameters(path: str, method: str) -> set[tuple[str, str, bool]]:
        described = app.openapi()["paths"][path][method]["parameters"]
        return {(one["name"], one["in"], one.get("required", False)) for one in described}

    key, none_match = ("account", "path", True), ("If-None-Match", "header", False)
    assert parameters("/{account}", "get") == {key, none_match}
    assert parameters("/{account}", "post") == {key, none_match, ("If-Match", "header", False)}


def test_the_dependencies_are_the_same_for_the_same_arguments() -> None:
    assert with_etag(Balance, key="account") is with_etag(Balance, key="account")
    assert if_match(Balance, key="account") is not if_match(Balance, key="account", required=True)
