"""Registering artifacts (connection.md 5.5, client-surface.md 1.4)."""

from datetime import timedelta

import pytest

from chronicle.artifacts import Artifacts
from chronicle.client import ChronicleClient
from chronicle.event_store import EventStore
from tests.integration.client.bank import AccountOpened


@pytest.mark.row("C115", "C120")
async def test_the_outcome_tells_what_is_registered_in_order(store: EventStore) -> None:
    outcome = await store.wait_for_registration(timedelta(seconds=1))
    assert outcome is store.registration
    assert outcome.is_success
    assert outcome.registered[:2] == ("event store", "event types")


async def test_a_namespace_other_than_the_default_is_ensured(
    client: ChronicleClient, artifacts: Artifacts
) -> None:
    store = await client.event_store("bank", "tenant", artifacts)
    assert store.registration.registered[:3] == ("event store", "namespace", "event types")


@pytest.mark.row("S30")
async def test_only_what_is_named_is_registered(client: ChronicleClient) -> None:
    store = await client.event_store("bank", artifacts=Artifacts(event_types=[AccountOpened]))
    assert [one.id for one in store._access.event_types] == ["account-opened"]
