"""Subscriptions, recommendations, identities, seeds, connected clients and the server over the admin API."""

from typing import Any
from uuid import UUID

import httpx2
import pytest
from google.protobuf.empty_pb2 import Empty

from chronicle import Seeds
from chronicle.contracts import observation_event_store_subscriptions_pb2 as subscriptions_pb
from chronicle.contracts import recommendations_pb2
from chronicle.contracts.bcl_pb2 import Guid
from chronicle.values import guid_halves
from chronicle_fastapi import Chronicle
from tests.web.admin.scripted import Script
from tests.web.admin.test_event_stores import assert_problem
from tests.web.bank import Deposited

STORE = "event-stores/bank"
NAMESPACE = f"{STORE}/namespaces/Default"
ID = UUID("00112233-4455-6677-8899-aabbccddeeff")


@pytest.fixture
def subscriptions(script: Script) -> None:
    stored = subscriptions_pb.EventStoreSubscriptionDefinition(
        Identifier="from-shop",
        SourceEventStore="shop",
        EventTypes=[subscriptions_pb.EventType(Id="sold", Generation=3)],
    )
    script.script(
        {
            "EventStoreSubscriptions/GetSubscriptions": (
                subscriptions_pb.IEnumerable_EventStoreSubscriptionDefinition(items=[stored])
            ),
            "EventStoreSubscriptions/Add": Empty(),
            "EventStoreSubscriptions/Remove": Empty(),
        }
    )


@pytest.fixture
def recommendations(script: Script) -> None:
    lo, hi = guid_halves(ID)
    stored = recommendations_pb2.Recommendation(
        Id=Guid(lo=lo, hi=hi), Name="ReplayCandidateRecommendation", Description="It has changed.", Type="T"
    )
    script.script(
        {
            "Recommendations/GetRecommendations": recommendations_pb2.IEnumerable_Recommendation(
                items=[stored]
            ),
            "Recommendations/Perform": Empty(),
            "Recommendations/Ignore": Empty(),
        }
    )


@pytest.mark.usefixtures("subscriptions")
async def test_subscriptions_are_listed_added_and_removed(api: httpx2.AsyncClient, script: Script) -> None:
    assert (await api.get(f"{STORE}/subscriptions")).json() == [
        {
            "id": "from-shop",
            "source_event_store": "shop",
            "event_types": [{"id": "sold", "generation": 3}],
        }
    ]
    new = {"id": "new", "source_event_store": "shop", "event_types": [{"id": "sold"}]}
    assert (await api.post(f"{STORE}/subscriptions", json=new)).status_code == 202
    assert script.asked("EventStoreSubscriptions/Add") == subscriptions_pb.AddEventStoreSubscriptions(
        TargetEventStore="bank",
        Subscriptions=[
            subscriptions_pb.EventStoreSubscriptionDefinition(
                Identifier="new",
                SourceEventStore="shop",
                EventTypes=[subscriptions_pb.EventType(Id="sold", Generation=1)],
            )
        ],
    )
    assert (await api.delete(f"{STORE}/subscriptions/from-shop")).status_code == 202
    assert script.asked("EventStoreSubscriptions/Remove") == subscriptions_pb.RemoveEventStoreSubscriptions(
        TargetEventStore="bank", SubscriptionIds=["from-shop"]
    )


@pytest.mark.usefixtures("subscriptions")
async def test_a_subscription_to_nothing_is_refused(api: httpx2.AsyncClient, script: Script) -> None:
    body: dict[str, Any] = {"id": "new", "source_event_store": "shop", "event_types": []}
    assert_problem(await api.post(f"{STORE}/subscriptions", json=body), 422, "not as it should be")
    assert script.requests == []


@pytest.mark.usefixtures("subscriptions")
async def test_an_unknown_subscription_is_not_found(api: httpx2.AsyncClient, script: Script) -> None:
    assert_problem(await api.delete(f"{STORE}/subscriptions/x"), 404, "There is no subscription 'x'.")
    assert not script.was_asked("EventStoreSubscriptions/Remove")


@pytest.mark.usefixtures("recommendations")
async def test_recommendations_are_listed_performed_and_ignored(
    api: httpx2.AsyncClient, script: Script
) -> None:
    assert (await api.get(f"{NAMESPACE}/recommendations")).json() == [
        {
            "id": str(ID),
            "name": "ReplayCandidateRecommendation",
            "type": "T",
            "description": "It has changed.",
            "occurred": None,
        }
    ]
    assert (await api.post(f"{NAMESPACE}/recommendations/{ID}/perform")).status_code == 202
    assert (await api.post(f"{NAMESPACE}/recommendations/{ID}/ignore")).status_code == 204
    lo, hi = guid_halves(ID)
    asked = recommendations_pb2.Perform(
        EventStore="bank", Namespace="Default", RecommendationId=Guid(lo=lo, hi=hi)
    )
    assert script.asked("Recommendations/Perform") == asked
    assert script.asked("Recommendations/Ignore") == asked


@pytest.mark.usefixtures("recommendations")
@pytest.mark.parametrize("action", ["perform", "ignore"])
async def test_an_unknown_recommendation_is_not_found(
    api: httpx2.AsyncClient, script: Script, action: str
) -> None:
    unknown = UUID(int=1)
    response = await api.post(f"{NAMESPACE}/recommendations/{unknown}/{action}")
    assert_problem(response, 404, f"There is no recommendation '{unknown}'.")
    assert {name for name, _ in script.requests} == {"Recommendations/GetRecommendations"}


async def test_an_identity_is_renamed_in_what_it_caused(
    api: httpx2.AsyncClient, chronicle: Chronicle
) -> None:
    await chronicle.store.event_log.append("a", Deposited(amount=1))
    (identity,) = [one for one in (await api.get(f"{NAMESPACE}/identities")).json() if one["subject"]]
    body = {"subject": identity["subject"], "name": "The machine"}
    assert (await api.post(f"{NAMESPACE}/identities/rename", json=body)).status_code == 204
    (renamed,) = (await api.get(f"{NAMESPACE}/identities")).json()
    assert renamed == identity | {"name": "The machine"}
    event = (await api.get(f"{NAMESPACE}/sequences/event-log/events/0")).json()
    assert event["caused_by"]["name"] == "The machine"


async def test_an_unknown_identity_is_not_renamed(api: httpx2.AsyncClient) -> None:
    body = {"subject": "nobody", "name": "x"}
    response = await api.post(f"{NAMESPACE}/identities/rename", json=body)
    assert_problem(response, 404, "There is no identity with the subject 'nobody'.")


async def test_seeds_are_listed_for_all_namespaces_and_for_one(
    api: httpx2.AsyncClient, chronicle: Chronicle
) -> None:
    def seed(seeds: Seeds) -> None:
        seeds.for_source("a", [Deposited(amount=1)])
        seeds.for_namespace("Default").for_source("b", [Deposited(amount=2)])

    await chronicle.store.seed(seed)
    everywhere = {"event_source_id": "a", "event_type": "deposited", "content": {"amount": 1}}
    assert (await api.get(f"{STORE}/seeds")).json() == [everywhere]
    found = (await api.get(f"{NAMESPACE}/seeds")).json()
    assert {"event_source_id": "b", "event_type": "deposited", "content": {"amount": 2}} in found


async def test_this_application_is_among_the_connected_clients(
    api: httpx2.AsyncClient, chronicle: Chronicle
) -> None:
    (client,) = (await api.get("connected-clients")).json()
    assert client["connection_id"] == chronicle.client.connection_id
    assert client["client_type"] == "Python"
    assert client["last_seen"]


async def test_the_server_tells_its_version(api: httpx2.AsyncClient) -> None:
    found = (await api.get("server/version")).json()
    assert found["version"]
    assert found.keys() == {"version", "commit"}
