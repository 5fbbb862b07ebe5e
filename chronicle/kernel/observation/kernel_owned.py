"""Observers that the kernel itself handles events for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from chronicle.errors import NotRunningError
from chronicle.kernel.observation.definitions import ObserverDefinition, ObserverDefinitions
from chronicle.kernel.observation.observer import Observer
from chronicle.kernel.observation.settings import ObservationSettings
from chronicle.kernel.observation.subscriber import Subscriber
from chronicle.kernel.observation.subscription import Subscription
from chronicle.kernel.observation.targets import ClientStream, Targets

_log = logging.getLogger(__name__)


async def keep_subscribed(
    subscriber: Subscriber,
    definition: ObserverDefinition,
    definitions: ObserverDefinitions,
    find: Callable[[], Awaitable[Observer]],
    settings: ObservationSettings,
    *,
    subscribed: Callable[[], None] = lambda: None,
) -> None:
    """Has the subscriber given the events of an observer, which `find` opens; begins again when that stops.

    Runs until it is cancelled, which lets the delivery that is under way go on, or until the kernel closes.
    `subscribed` is called each time the subscriber has joined.
    """
    while True:
        # Nothing is sent on the stream; it ends when the observer does.
        stream = ClientStream(definition.id)
        try:
            observer = await find()
            await definitions.set(definition)
            try:
                await observer.join(stream, Subscription(definition, Targets(), subscriber))
                subscribed()
                async for _ in stream.batches():
                    pass
            finally:
                observer.leave(stream)
        except NotRunningError:
            return
        except Exception:
            _log.exception("'%s' has stopped; it begins again in a while", definition.id)
        await asyncio.sleep(settings.retry_delay(1))
