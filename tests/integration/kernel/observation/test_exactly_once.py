"""Whatever fails, leaves and comes back: every event is handled, once, in the order of its partition."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from chronicle.kernel.kernel import Kernel
from chronicle.kernel.observation import Batch, ObservationSettings, Outcome
from chronicle.values import UNAVAILABLE
from tests.integration.kernel.observation.conftest import AT_ONCE, NEVER
from tests.integration.kernel.observation.scripted import Client, World, fail, succeed, until

# Small sizes: pages end, batches fill up and observers fall behind within a few events.
SMALL = ObservationSettings(
    page_size=5, behind_from=4, batch_size=2, concurrent_recoveries=2, max_retry_attempts=3
)

SUCCEED, FAIL, FAIL_AFTER_ONE, KEEP_SILENT = "succeed", "fail", "fail after one", "keep silent"
APPEND, COME_BACK, COME_TOGETHER, RESTART = "append", "come back", "come together", "restart"

answers = st.lists(st.sampled_from([SUCCEED, SUCCEED, FAIL, FAIL_AFTER_ONE, KEEP_SILENT]), max_size=25)
actions = st.lists(
    st.one_of(
        st.tuples(st.just(APPEND), st.text("ABC", min_size=1, max_size=9)),
        st.tuples(st.sampled_from([COME_BACK, COME_TOGETHER, RESTART]), st.just("")),
    ),
    max_size=12,
)


@dataclass
class Reactor:
    """A client that answers as planned and then with success, and what it has handled, by partition."""

    plan: Iterator[str]
    handled: dict[str, list[int]] = field(default_factory=dict)
    may_repeat: set[int] = field(default_factory=set)
    """The last events that were handled before a failure: a live one is handed out again (O38)."""

    def __call__(self, batch: Batch) -> Outcome | None:
        answer = next(self.plan, SUCCEED)
        if answer == KEEP_SILENT:
            return None
        first = batch.events[0].number
        outcome = succeed(batch)
        if answer == FAIL:
            outcome = fail(batch)
        elif answer == FAIL_AFTER_ONE and len(batch.events) > 1:
            self.may_repeat.add(first)
            outcome = fail(batch, after=first)
        if outcome.last_successful != UNAVAILABLE:
            done = [event.number for event in batch.events if event.number <= outcome.last_successful]
            self.handled.setdefault(batch.partition, []).extend(done)
        return outcome


@settings(max_examples=80, deadline=None)
@given(actions=actions, answers=answers, is_impatient=st.booleans())
def test_every_event_is_handled_once_and_in_order(
    actions: list[tuple[str, str]], answers: list[str], is_impatient: bool
) -> None:
    retrying = AT_ONCE if is_impatient else NEVER
    observation = replace(
        SMALL, backoff_delay=retrying.backoff_delay, maximum_backoff_delay=retrying.maximum_backoff_delay
    )
    # What never settles is a failure like any other, and can be made smaller.
    asyncio.run(asyncio.wait_for(_play(actions, answers, observation), 10))


async def _play(actions: list[tuple[str, str]], answers: list[str], observation: ObservationSettings) -> None:
    reactor = Reactor(iter(answers))
    appended: dict[str, list[int]] = {}
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as opened:
            world = await _open(opened, folder, observation)
            client = await world.join(reactor)
            for action, sources in [*actions, (COME_BACK, "")]:
                if action == APPEND:
                    for number, source in zip(await world.append(" ".join(sources)), sources, strict=True):
                        appended.setdefault(source, []).append(number)
                elif action == COME_TOGETHER:
                    await world.join(reactor, connection="another")
                else:
                    await world.close()
                    if action == RESTART:
                        await opened.aclose()
                        world = await _open(opened, folder, observation)
                    client = await world.join(reactor)
            await _settle(world, client, reactor, sum(map(len, appended.values())))
    assert reactor.handled.keys() == appended.keys()
    for source, numbers in appended.items():
        assert _without_repetitions(reactor.handled[source], reactor.may_repeat) == numbers


async def _open(opened: AsyncExitStack, folder: str, observation: ObservationSettings) -> World:
    kernel = await opened.enter_async_context(
        await Kernel.open(Path(folder) / "world.db", observation=observation)
    )
    return await World.of(kernel)


async def _settle(world: World, client: Client, reactor: Reactor, count: int) -> None:
    """Comes back with nothing but success until everything is done."""
    reactor.plan = iter(())
    await world.close()
    client = await world.join(reactor)
    await until(client.observer, lambda one: one.state.next_number >= count and not one.state.failed)
    await world.close()


def _without_repetitions(numbers: list[int], may_repeat: set[int]) -> list[int]:
    return [
        number
        for index, number in enumerate(numbers)
        if not (index and number == numbers[index - 1] and number in may_repeat)
    ]
