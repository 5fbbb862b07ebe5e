"""A world to observe, on a kernel in memory or on one of a file that can be opened again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chronicle.kernel.kernel import Kernel
from chronicle.kernel.observation import ObservationSettings
from tests.integration.kernel.observation.scripted import World

# Failed partitions are tried again at once: how long the kernel waits in earnest is a unit test's business.
AT_ONCE = ObservationSettings(
    page_size=50, behind_from=50, batch_size=10, backoff_delay=1e-9, maximum_backoff_delay=1e-9
)
NEVER = ObservationSettings(
    page_size=50, behind_from=50, batch_size=10, backoff_delay=1e6, maximum_backoff_delay=1e6
)
"""They are tried again when someone subscribes, and not before."""

OpenWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world whose failed partitions wait for the next to subscribe."""
    async with await Kernel.open(observation=NEVER) as kernel:
        world = await World.of(kernel)
        yield world
        await world.close()


@pytest.fixture
async def retrying_world() -> AsyncIterator[World]:
    """A world whose failed partitions are tried again at once."""
    async with await Kernel.open(observation=AT_ONCE) as kernel:
        world = await World.of(kernel)
        yield world
        await world.close()


@pytest.fixture
async def open_world(tmp_path: Path) -> AsyncIterator[OpenWorld]:
    """Opens the world of one file; the one that was open is closed first, with all of its clients."""
    async with AsyncExitStack() as opened:

        async def open_again(observation: ObservationSettings = NEVER) -> World:
            await opened.aclose()
            kernel = await opened.enter_async_context(
                await Kernel.open(tmp_path / "world.db", observation=observation)
            )
            world = await World.of(kernel)
            opened.push_async_callback(world.close)
            return world

        yield open_again
