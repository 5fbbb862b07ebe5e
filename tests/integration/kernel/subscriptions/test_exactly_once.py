"""Whatever happens meanwhile: what is in the outbox comes to the inbox, each event once and in order."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from chronicle.kernel.kernel import Kernel
from chronicle.kernel.observation import ObservationSettings
from tests.integration.kernel.subscriptions.test_forwarding import (
    FULL,
    SUBSCRIPTION,
    TARGET,
    arrived,
    on_writer,
    publish,
    subscribed,
)

# Small sizes: pages end, batches fill up and the observer falls behind within a few events.
SMALL = ObservationSettings(
    page_size=5, behind_from=4, batch_size=2, backoff_delay=0.001, maximum_backoff_delay=0.001
)

PUBLISH, RESTART, REMOVE, ADD, FILL, EMPTY, WAIT = range(7)
actions: Final = st.lists(
    st.one_of(
        st.tuples(st.just(PUBLISH), st.integers(1, 9)),
        st.tuples(st.sampled_from([RESTART, REMOVE, ADD, FILL, EMPTY, WAIT]), st.integers(0, 3)),
    ),
    max_size=14,
)


@settings(max_examples=30, deadline=None)
@given(actions=actions)
def test_every_event_comes_once_and_in_order(actions: list[tuple[int, int]]) -> None:
    asyncio.run(asyncio.wait_for(_play(actions), 20))


async def _play(actions: list[tuple[int, int]]) -> None:
    published = 0
    is_full = False
    with TemporaryDirectory() as folder:
        file = Path(folder) / "events.db"
        async with AsyncExitStack() as opened:
            kernel = await opened.enter_async_context(await Kernel.open(file, observation=SMALL))
            source, target = await subscribed(kernel)
            for action, count in actions:
                if action == PUBLISH:
                    await publish(source, *range(published, published + count))
                    published += count
                elif action == RESTART:
                    await opened.aclose()
                    kernel = await opened.enter_async_context(await Kernel.open(file, observation=SMALL))
                    source, target = await subscribed(kernel)
                elif action == REMOVE:
                    await kernel.subscriptions.remove(TARGET, [SUBSCRIPTION.identifier])
                elif action == ADD:
                    await kernel.subscriptions.add(TARGET, [SUBSCRIPTION])
                elif action in (FILL, EMPTY) and is_full != (action == FILL):
                    is_full = action == FILL
                    await on_writer(kernel, FULL if is_full else "DROP TRIGGER full")
                elif action == WAIT:
                    # Some turns of the loop, so that forwarding gets somewhere in between.
                    for _ in range(count):
                        await asyncio.sleep(0)
            if is_full:
                await on_writer(kernel, "DROP TRIGGER full")
            await kernel.subscriptions.add(TARGET, [SUBSCRIPTION])
            assert await arrived(target, published) == list(range(published))
