"""Subscriptions over the admin API, with a kernel that forwards."""

import httpx2

from chronicle import Artifacts
from chronicle_fastapi import Chronicle
from tests.waiting import eventually
from tests.web.admin.test_event_stores import assert_problem
from tests.web.bank import Deposited

SUBSCRIPTIONS = "event-stores/bank/subscriptions"


async def test_a_subscription_brings_events_until_it_is_removed(
    api: httpx2.AsyncClient, chronicle: Chronicle
) -> None:
    shop = await chronicle.client.event_store("shop", artifacts=Artifacts(event_types=[Deposited]))
    await shop.outbox.append("order-1", Deposited(amount=30))
    event_types = [{"id": "deposited", "generation": 1}]
    subscription = {"id": "from-shop", "source_event_store": "shop", "event_types": event_types}
    assert (await api.post(SUBSCRIPTIONS, json=subscription)).status_code == 202
    assert (await api.get(SUBSCRIPTIONS)).json() == [subscription]

    inbox = chronicle.store.inbox("shop")
    assert await eventually(inbox.tail, lambda tail: tail is not None) == 0
    assert [event.event async for event in inbox.read()] == [Deposited(amount=30)]
    assert (await api.delete(f"{SUBSCRIPTIONS}/from-shop")).status_code == 202
    assert (await api.get(SUBSCRIPTIONS)).json() == []
    assert_problem(
        await api.delete(f"{SUBSCRIPTIONS}/from-shop"), 404, "There is no subscription 'from-shop'."
    )
