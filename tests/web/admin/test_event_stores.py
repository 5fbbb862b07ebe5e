"""Event stores, namespaces and event types over the admin API."""

import httpx2
import pytest

from chronicle_fastapi import Chronicle

BANK = "event-stores/bank"


async def names(api: httpx2.AsyncClient, path: str) -> list[str]:
    response = await api.get(path)
    assert response.status_code == 200
    return [one["name"] for one in response.json()]


def assert_problem(response: httpx2.Response, status: int, text: str) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert text in problem["detail"]


async def test_event_stores_are_listed_by_name_with_the_kernels_own(api: httpx2.AsyncClient) -> None:
    assert await names(api, "event-stores") == ["bank", "System"]


async def test_an_event_store_is_found_in_any_casing_and_named_as_the_kernel_does(
    api: httpx2.AsyncClient,
) -> None:
    response = await api.get("event-stores/BANK")
    assert (response.status_code, response.json()) == (200, {"name": "bank"})


@pytest.mark.parametrize(
    "path",
    [
        "event-stores/nowhere",
        "event-stores/nowhere/namespaces",
        "event-stores/nowhere/event-types",
        "event-stores/nowhere/read-models",
        "event-stores/nowhere/namespaces/Default/sequences",
        "event-stores/nowhere/namespaces/Default/sequences/event-log/events",
    ],
)
async def test_an_unknown_event_store_is_not_found_and_looking_does_not_make_it(
    api: httpx2.AsyncClient, path: str
) -> None:
    assert_problem(await api.get(path), 404, "There is no event store 'nowhere'.")
    assert await names(api, "event-stores") == ["bank", "System"]


async def test_an_unknown_namespace_is_not_found_and_looking_does_not_make_it(
    api: httpx2.AsyncClient,
) -> None:
    response = await api.get(f"{BANK}/namespaces/nowhere/sequences")
    assert_problem(response, 404, "There is no namespace in event store 'bank' 'nowhere'.")
    assert await names(api, f"{BANK}/namespaces") == ["Default"]


async def test_an_event_store_can_be_added_and_adding_it_again_changes_nothing(
    api: httpx2.AsyncClient,
) -> None:
    for name in ("library", "Library"):
        response = await api.post("event-stores", json={"name": name})
        assert (response.status_code, response.json()) == (201, {"name": "library"})
    assert await names(api, "event-stores") == ["bank", "library", "System"]
    assert await names(api, "event-stores/library/namespaces") == ["Default"]


async def test_a_namespace_can_be_added_and_adding_it_again_changes_nothing(api: httpx2.AsyncClient) -> None:
    for name in ("acme", "ACME"):
        response = await api.post(f"{BANK}/namespaces", json={"name": name})
        assert (response.status_code, response.json()) == (201, {"name": "acme"})
    assert await names(api, f"{BANK}/namespaces") == ["acme", "Default"]


@pytest.mark.parametrize("name", ["", "  ", "\x1c", "[NotSet]", "a/b", "a\0b", "x" * 501])
@pytest.mark.parametrize("path", ["event-stores", f"{BANK}/namespaces"])
async def test_a_name_that_cannot_be_is_refused(api: httpx2.AsyncClient, path: str, name: str) -> None:
    before = await names(api, path)
    response = await api.post(path, json={"name": name})
    assert_problem(response, 422, "not as it should be")
    assert response.json()["errors"][0]["location"] == ["body", "name"]
    assert await names(api, path) == before


async def test_a_member_that_nobody_knows_is_refused(api: httpx2.AsyncClient) -> None:
    response = await api.post("event-stores", json={"name": "library", "nmae": "x"})
    assert_problem(response, 422, "not as it should be")


async def test_event_types_are_listed_with_their_schemas(api: httpx2.AsyncClient) -> None:
    response = await api.get(f"{BANK}/event-types")
    assert response.status_code == 200
    found = {one["id"]: one for one in response.json()}
    assert list(found) == sorted(found)
    assert "EventRedactionRequested" in found, "the kernel's own are there as well"
    assert found["deposited"]["generation"] == 1
    assert found["deposited"]["tombstone"] is False
    assert found["deposited"]["json_schema"]["properties"] == {
        "amount": {"type": "integer", "format": "int64"}
    }


async def test_an_event_type_has_all_its_generations(api: httpx2.AsyncClient, chronicle: Chronicle) -> None:
    response = await api.get(f"{BANK}/event-types/deposited")
    assert response.status_code == 200
    found = response.json()
    assert (found["id"], found["tombstone"]) == ("deposited", False)
    assert [one["generation"] for one in found["generations"]] == [1]
    assert found["generations"][0]["json_schema"]["required"] == ["amount"]


async def test_an_unknown_event_type_is_not_found(api: httpx2.AsyncClient) -> None:
    assert_problem(await api.get(f"{BANK}/event-types/x"), 404, "There is no event type 'x'.")
