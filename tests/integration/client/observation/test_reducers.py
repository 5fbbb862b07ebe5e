"""Reducers against a kernel, and the read models that they keep."""

import asyncio
from collections.abc import Callable

import pytest

from chronicle.artifacts import Artifacts
from chronicle.errors import DeclarationError
from chronicle.event_sequences.event_for import EventFor
from chronicle.event_store import EventStore
from chronicle.observation.declarations import reducer
from tests.integration.client.observation.bank import (
    Account,
    Accounts,
    Closed,
    Deposited,
    Noted,
    Opened,
)
from tests.integration.client.observation.conftest import OpenStore
from tests.waiting import eventually

BANK = Artifacts(reducers=[Accounts])


async def _account(store: EventStore, key: str, fits: Callable[[Account | None], bool]) -> Account | None:
    """The account, as soon as it fits: reading is eventually consistent."""
    found: Account | None = None

    async def there() -> bool:
        nonlocal found
        found = await store.read_models.get(Account, key)
        return fits(found)

    await eventually(there)
    return found


def _has(balance: int) -> Callable[[Account | None], bool]:
    return lambda account: account is not None and account.balance == balance


@pytest.mark.row("S117", "O63", "O64")
async def test_an_instance_is_kept_per_event_source(open_store: OpenStore) -> None:
    store = await open_store(BANK)
    await store.event_log.append_many("account-1", [Opened("Ann"), Deposited(5), Deposited(7)])
    await store.event_log.append_many([EventFor("account-2", Opened("Bob"))])
    await store.event_log.append("account-1", Deposited(1))

    assert await _account(store, "account-1", _has(13)) == Account("Ann", 13, [1, 2, 4])
    assert await _account(store, "account-2", _has(0)) == Account("Bob", 0, [])
    accounts = await store.read_models.all(Account)
    assert sorted(each.owner for each in accounts) == ["Ann", "Bob"]


@pytest.mark.row("S122", "P128")
async def test_an_unknown_key_is_none(open_store: OpenStore) -> None:
    store = await open_store(BANK)

    assert await store.read_models.get(Account, "nobody") is None
    assert await store.read_models.all(Account) == []


@pytest.mark.row("S119", "O65")
async def test_none_removes_the_instance_and_a_later_event_starts_from_none(open_store: OpenStore) -> None:
    store = await open_store(BANK)
    await store.event_log.append_many("account-1", [Opened("Ann"), Deposited(5)])
    await _account(store, "account-1", _has(5))

    await store.event_log.append("account-1", Closed("bored"))
    await _account(store, "account-1", lambda account: account is None)

    await store.event_log.append_many("account-1", [Opened("Ann again"), Deposited(1)])
    assert await _account(store, "account-1", _has(1)) == Account("Ann again", 1, [4])


async def test_it_goes_on_where_it_was(open_store: OpenStore) -> None:
    store = await open_store(BANK)
    await store.event_log.append_many("account-1", [Opened("Ann"), Deposited(5)])
    await _account(store, "account-1", _has(5))

    events_only = Artifacts(event_types=[Opened, Deposited, Closed])
    store = await open_store(events_only)
    await store.event_log.append_many("account-1", [Deposited(1)] * 150)

    store = await open_store(BANK)
    account = await _account(store, "account-1", _has(155))
    assert account is not None
    assert account.numbers == list(range(1, 152))


@pytest.mark.row("S118", "O66")
async def test_a_failure_in_a_batch_loses_nothing(open_store: OpenStore) -> None:
    failing = True

    @reducer(model=Account, id="accounts")
    class Flaky(Accounts):
        def noted(self, event: Noted, current: Account | None) -> Account | None:
            if failing:
                raise ConnectionError("try again")
            return current

    store = await open_store(Artifacts(event_types=[Opened, Deposited, Closed, Noted]))
    await store.event_log.append_many("account-1", [Opened("Ann"), Deposited(5), Noted("x"), Deposited(7)])
    store = await open_store(Artifacts(reducers=[Flaky]))

    async def failed() -> bool:
        return store.observer_statuses()[0].last_error == "try again"

    await eventually(failed)
    assert await store.read_models.get(Account, "account-1") is None
    failing = False

    assert await _account(store, "account-1", _has(12)) == Account("Ann", 12, [1, 3])


@pytest.mark.row("S198")
async def test_a_model_that_nothing_keeps_is_refused_before_any_call(open_store: OpenStore) -> None:
    store = await open_store(BANK)

    with pytest.raises(
        DeclarationError, match=r"Nothing keeps the read model Noted.*@reducer\(model=Noted\)"
    ):
        await store.read_models.get(Noted, "account-1")
    with pytest.raises(DeclarationError, match="Nothing keeps"):
        await store.read_models.all(Noted)


async def test_many_sources_are_all_there(open_store: OpenStore) -> None:
    store = await open_store(BANK)
    await asyncio.gather(
        *(
            store.event_log.append_many(f"account-{n}", [Opened(f"owner {n}"), Deposited(n)])
            for n in range(150)
        )
    )

    async def complete() -> bool:
        accounts = await store.read_models.all(Account)
        return sorted(each.balance for each in accounts) == list(range(150))

    await eventually(complete)
