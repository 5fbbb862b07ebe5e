"""An application that blocks its event loop stays connected to the kernel in its own process."""

import time
from datetime import timedelta

from chronicle.connections.embedded import EmbeddedChannel, EmbeddedServices
from chronicle.connections.session import Session
from chronicle.kernel.clients import ClientTimings
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.registration import register_services
from tests.waiting import eventually

HOLD_UP = 0.6
TIMINGS = ClientTimings(keep_alive_interval=0.05, stale_after=0.2, revise_interval=0.05)


async def test_blocking_the_event_loop_does_not_cost_the_connection() -> None:
    kernel = await Kernel.open(timings=TIMINGS)
    services = EmbeddedServices()
    register_services(kernel, services)
    async with EmbeddedChannel(services, kernel.close) as channel:
        session = Session(
            channel,
            endpoint="embedded",
            connect_timeout=timedelta(seconds=5),
            most_silence=timedelta(seconds=TIMINGS.stale_after),
        )
        await session.open()
        connection_id = session.connection_id
        (before,) = kernel.clients.all()

        time.sleep(HOLD_UP)  # noqa: ASYNC251 - this is what it is about

        async def is_heard_again() -> bool:
            return any(
                client.seen_at > before.seen_at + TIMINGS.stale_after for client in kernel.clients.all()
            )

        await eventually(is_heard_again)
        assert session.connection_id == connection_id
        assert kernel.clients.is_connected(connection_id)
        await session.close()
