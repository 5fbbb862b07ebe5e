"""The subscriptions of all event stores, and who forwards for them (observation.md 10).

What is subscribed to is stored together with the event that tells of it. Who forwards follows from that, and
from which event stores and namespaces there are: one task looks at both whenever one of them has changed.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple, Self

from chronicle.errors import StorageError
from chronicle.kernel import system_events
from chronicle.kernel.changes import Changes, wait_for_any
from chronicle.kernel.completion import end, to_the_end
from chronicle.kernel.errors import InvalidSubscription
from chronicle.kernel.event_store import EventStore
from chronicle.kernel.event_stores import EventStores
from chronicle.kernel.event_types.kernel_owned import EVENT_STORE_SUBSCRIPTION_ADDED
from chronicle.kernel.names import check_event_store, key_of
from chronicle.kernel.sequences import Append
from chronicle.kernel.storage import subscriptions as storage
from chronicle.kernel.storage.database import Database
from chronicle.kernel.storage.subscriptions import StoredSubscription
from chronicle.kernel.subscriptions.definitions import EventStoreSubscription
from chronicle.kernel.subscriptions.forwarder import Forwarder, observer_id
from chronicle.values import DEFAULT_NAMESPACE, SYSTEM_SEQUENCE

_log = logging.getLogger(__name__)

READY_TIMEOUT: Final = 5.0
"""Seconds that whoever changes a subscription waits at most until that takes effect."""

RETRY_DELAY: Final = 1.0
"""Seconds until it is tried again to follow a change, after that has failed."""


class _Place(NamedTuple):
    """Where forwarding takes place; names are in lower case."""

    target: str
    identifier: str
    source: str
    namespace: str


class EventStoreSubscriptions:
    """All subscriptions of a kernel. Close it, before the event stores are."""

    def __init__(
        self, database: Database, event_stores: EventStores, stored: Iterable[StoredSubscription]
    ) -> None:
        self._database = database
        self._event_stores = event_stores
        self._subscriptions: dict[str, dict[str, EventStoreSubscription]] = {}
        for one in stored:
            subscription = EventStoreSubscription.from_stored(one)
            self._of(one.event_store)[subscription.identifier] = subscription
        self._forwarders: dict[_Place, Forwarder] = {}
        self._changing = asyncio.Lock()
        self._changes = Changes()
        """When a subscription came, changed or went."""
        self._effect = Changes()
        """When forwarding has followed; up to which change is said by `_followed`."""
        self._followed = -1
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def load(cls, database: Database, event_stores: EventStores) -> Self:
        """Loads what is stored, and goes on with it."""
        subscriptions = cls(database, event_stores, await database.read(storage.subscriptions))
        subscriptions._task = asyncio.create_task(subscriptions._run(), name="chronicle-subscriptions")
        return subscriptions

    def of(self, event_store: str) -> list[EventStoreSubscription]:
        """The subscriptions of an event store, by identifier."""
        subscriptions = self._subscriptions.get(key_of(event_store), {})
        return [subscriptions[identifier] for identifier in sorted(subscriptions)]

    async def add(self, event_store: str, subscriptions: Sequence[EventStoreSubscription]) -> None:
        """Adds subscriptions to an event store, or changes those with their identifiers.

        Returns once they are stored and events are forwarded as far as there is a source, at the latest
        after `READY_TIMEOUT`. Raises `InvalidEventStoreName` for a name that no event store can have,
        `InvalidSubscription` for one without an identifier and for the kernel's own event store, and
        `StorageError`; then nothing was stored.
        """
        for subscription in subscriptions:
            if not subscription.identifier.strip():
                raise InvalidSubscription("A subscription needs an identifier that is not blank.")
            check_event_store(subscription.source_event_store)
        target = await self._event_stores.ensure(event_store)
        if not target.event_types.knows(EVENT_STORE_SUBSCRIPTION_ADDED):
            raise InvalidSubscription(
                f"'{target.name}' is the kernel's own event store and cannot subscribe to others."
            )
        await to_the_end(self._add(target, subscriptions))
        await self._wait_until_ready(target)

    async def remove(self, event_store: str, identifiers: Sequence[str]) -> None:
        """Ends subscriptions of an event store; those that it does not have are of no effect.

        Where they have come to is kept: the same one added again goes on from there. Raises
        `InvalidEventStoreName`, and `StorageError`; then nothing was stored.
        """
        target = await self._event_stores.ensure(event_store)
        if identifiers and target.event_types.knows(EVENT_STORE_SUBSCRIPTION_ADDED):
            await to_the_end(self._remove(target, identifiers))
            await self._wait_until_ready(target)

    async def close(self) -> None:
        """Stops all forwarding, each after what it is appending."""
        await end(self._task)
        await asyncio.gather(*(forwarder.close() for forwarder in self._forwarders.values()))

    def _of(self, event_store: str) -> dict[str, EventStoreSubscription]:
        return self._subscriptions.setdefault(key_of(event_store), {})

    async def _add(self, target: EventStore, subscriptions: Sequence[EventStoreSubscription]) -> None:
        async with self._changing:
            for subscription in subscriptions:
                known = self._of(target.name).get(subscription.identifier)
                if known is None or not known.is_like(subscription):
                    await self._store(target, subscription)

    async def _store(self, target: EventStore, subscription: EventStoreSubscription) -> None:
        event = system_events.subscription_added(
            subscription.identifier,
            subscription.source_event_store,
            [(one.id, one.generation) for one in subscription.event_types],
        )
        job = partial(
            storage.set_subscription,
            event_store_id=target.id,
            identifier=subscription.identifier,
            source_event_store=subscription.source_event_store,
            event_types=subscription.stored_event_types(),
        )
        await self._forget(target, subscription.identifier)
        await _tell(target, system_events.append_of([event])._replace(alongside=job))
        self._of(target.name)[subscription.identifier] = subscription
        self._changes.notify()

    async def _remove(self, target: EventStore, identifiers: Sequence[str]) -> None:
        async with self._changing:
            events = [system_events.subscription_removed(identifier) for identifier in identifiers]
            job = partial(
                storage.remove_subscriptions, event_store_id=target.id, identifiers=tuple(identifiers)
            )
            for identifier in identifiers:
                await self._forget(target, identifier)
            await _tell(target, system_events.append_of(events)._replace(alongside=job))
            for identifier in identifiers:
                self._of(target.name).pop(identifier, None)
            self._changes.notify()

    async def _forget(self, target: EventStore, identifier: str) -> None:
        """Lets the source forget the observer of a subscription that goes: nobody has to wait for it then.

        To be called before the subscription goes. If it stays after all, it makes itself known again.
        """
        subscription = self._of(target.name).get(identifier)
        source = self._event_stores.find(subscription.source_event_store) if subscription else None
        if subscription is not None and source is not None:
            await source.observer_definitions.remove(observer_id(subscription, target))

    async def _wait_until_ready(self, target: EventStore) -> None:
        revision = self._changes.revision
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                while self._followed < revision:
                    await self._effect.wait(self._effect.revision)
                for place, forwarder in list(self._forwarders.items()):
                    if place.target == key_of(target.name):
                        await forwarder.is_ready.wait()
        except TimeoutError:
            _log.warning("subscriptions of '%s' are stored, and not ready yet", target.name)

    async def _run(self) -> None:
        while True:
            revision = self._changes.revision
            # Looked at before the things themselves: then no change of them is missed.
            seen = {changes: changes.revision for changes in self._watched()}
            try:
                await self._follow()
            except Exception:
                _log.exception("subscriptions do not follow what has changed; it is tried again in a while")
                await asyncio.sleep(RETRY_DELAY)
                continue
            self._followed = revision
            self._effect.notify()
            await wait_for_any(seen)

    def _watched(self) -> set[Changes]:
        stores = [
            store
            for target, subscriptions in self._subscriptions.items()
            for name in (target, *(one.source_event_store for one in subscriptions.values()))
            if (store := self._event_stores.find(name)) is not None
        ]
        return {self._changes, self._event_stores.changes, *(store.namespace_changes for store in stores)}

    async def _follow(self) -> None:
        """Stops who forwards for a subscription that has gone or changed, and starts who is missing."""
        wanted = {
            place: (subscription, source, target)
            for target_key, subscriptions in self._subscriptions.items()
            if (target := self._event_stores.find(target_key)) is not None
            for subscription in subscriptions.values()
            if (source := self._event_stores.find(subscription.source_event_store)) is not None
            for place in _places(subscription, source, target)
        }
        for place, forwarder in list(self._forwarders.items()):
            if place not in wanted or wanted[place][0] != forwarder.subscription:
                await forwarder.close()
                del self._forwarders[place]
        for place, (subscription, source, target) in wanted.items():
            if place not in self._forwarders:
                forwarder = self._forwarders[place] = Forwarder(
                    self._database, subscription, source=source, target=target, namespace=place.namespace
                )
                forwarder.start()


def _places(subscription: EventStoreSubscription, source: EventStore, target: EventStore) -> list[_Place]:
    """The namespaces that both event stores have."""
    common = set(map(key_of, source.namespaces())) & set(map(key_of, target.namespaces()))
    names = key_of(target.name), subscription.identifier, key_of(source.name)
    return [_Place(*names, namespace) for namespace in sorted(common)]


async def _tell(target: EventStore, append: Append) -> None:
    namespace = await target.namespace(DEFAULT_NAMESPACE)
    outcome = await namespace.event_sequence(SYSTEM_SEQUENCE).append(append)
    if not outcome.is_success:
        raise StorageError(
            f"The subscriptions of '{target.name}' were not changed: {'; '.join(outcome.errors)}. Try again."
        )
