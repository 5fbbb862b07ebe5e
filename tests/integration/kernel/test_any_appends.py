"""Any appends, together with what refuses, closes, redacts and restarts, against a model in memory.

However they come, one by one, in batches, or many at once, and wherever the kernel is stopped in between:
the log is that of the model, and so is what became of each append.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chronicle.kernel.kernel import Kernel
from chronicle.kernel.redaction import RedactEvent, append_of
from chronicle.kernel.sequences import AppendOutcome, ConcurrencyScope
from chronicle.kernel.sequences.streams import Stream
from chronicle.kernel.storage.events import EventFilter
from chronicle.values import EVENT_LOG, EVENT_REDACTED, SYSTEM_SEQUENCE
from tests.integration.kernel.appends_model import ONCE, STRICT, UNIQUE, Model, Outcome, Scope, Violation
from tests.integration.kernel.constraints.events import EVENT_TYPES, SOMEBODY, Event, Log, open_store
from tests.waiting import eventually

SOURCES = "abc"


@dataclass(frozen=True)
class Expectation:
    """A scope, relative to the tail at the time at which its append is sent."""

    behind: int
    source: str | None

    def scope(self, tail: int | None) -> Scope:
        expected = -1 if tail is None else tail - self.behind
        return Scope(None if expected < 0 else expected, self.source)


@dataclass(frozen=True)
class Append:
    """Events that are appended together, or not at all."""

    events: list[Event]
    expectations: list[Expectation]


@dataclass(frozen=True)
class Complete:
    """A stream takes no more events."""

    stream: Stream


@dataclass(frozen=True)
class Redact:
    """One of the events loses its content; it does after the restart when the kernel is stopped at once."""

    which: int
    is_stopped: bool


@dataclass(frozen=True)
class Restart:
    """The kernel is closed, and opened again on its file."""


Command: TypeAlias = list[Append] | Complete | Redact | Restart

streams = st.sampled_from([Stream("All", "Default")] * 3 + [Stream("order", "1"), Stream("order", "2")])
events = st.builds(
    lambda source, type_, email, stream: Event(
        source, type_, {} if email is None else {"email": email}, stream_type=stream.type, stream_id=stream.id
    ),
    st.sampled_from(SOURCES),
    st.sampled_from([*EVENT_TYPES, STRICT.id]),
    st.sampled_from(["x", "y", "z", None]),
    streams,
)
expectations = st.builds(Expectation, st.integers(0, 2), st.sampled_from([None, *SOURCES]))
appends = st.builds(
    Append, st.lists(events, min_size=1, max_size=3), st.just([]) | st.lists(expectations, max_size=2)
)
commands: st.SearchStrategy[list[Command]] = st.lists(
    st.one_of(
        st.lists(appends, min_size=1, max_size=1),
        st.lists(appends, min_size=2, max_size=6),
        st.builds(Complete, st.sampled_from([Stream("order", "1"), Stream("order", "2")])),
        st.builds(Redact, st.integers(0, 12), st.booleans()),
        st.just(Restart()),
    ),
    max_size=20,
)


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(commands)
def test_the_log_is_that_of_the_model(commands: list[Command]) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(_compare(Path(folder) / "events.db", commands))


async def _compare(path: Path, commands: list[Command]) -> None:
    model = Model()
    async with AsyncExitStack() as opened:

        async def open_log() -> Log:
            await opened.aclose()
            store = await open_store(await opened.enter_async_context(await Kernel.open(path)), UNIQUE, ONCE)
            await store.register_event_types([STRICT])
            return Log(store)

        log = await open_log()
        for command in [*commands, Restart()]:
            match command:
                case Complete(stream):
                    namespace = await log.store.namespace("Default")
                    completion = await namespace.streams.complete(EVENT_LOG, stream)
                    assert (completion.refusal is None) == model.complete(stream)
                case Redact(which, is_stopped):
                    if model.events:
                        number = which % len(model.events)
                        await _ask_for_redaction(log, number)
                        log = await open_log() if is_stopped else log
                        await _redacted(log, number)
                        model.redact(number)
                case Restart():
                    await _check_reads(log, model)
                    log = await open_log()
                case _:
                    await _append(log, model, command)
            assert await log.tail() == model.tail
        await _check_reads(log, model)


async def _append(log: Log, model: Model, appends: Sequence[Append]) -> None:
    """Sends appends at once, as if they came from as many clients."""
    scopes = [[one.scope(model.tail) for one in append.expectations] for append in appends]
    found = await asyncio.gather(
        *(
            log.outcome(*append.events, scopes=list(map(_scope, expected)))
            for append, expected in zip(appends, scopes, strict=True)
        )
    )
    for append, expected, outcome in zip(appends, scopes, found, strict=True):
        assert _told(outcome) == model.append(append.events, expected)


def _scope(scope: Scope) -> ConcurrencyScope:
    return ConcurrencyScope(scope.expected, EventFilter(event_source_id=scope.source))


def _told(outcome: AppendOutcome) -> Outcome:
    return Outcome(
        [event.number for event in outcome.events],
        [Violation(one.constraint_type, one.number) for one in outcome.constraint_violations],
        [one.actual for one in outcome.concurrency_violations],
    )


async def _ask_for_redaction(log: Log, number: int) -> None:
    system = (await log.store.namespace("Default")).event_sequence(SYSTEM_SEQUENCE)
    request = RedactEvent(EVENT_LOG, number, "why")
    outcome = await system.append(
        append_of(request, correlation_id=bytes(16), causation=b"", caused_by=SOMEBODY)
    )
    assert outcome.is_success


async def _redacted(log: Log, number: int) -> None:
    sequence = await log.sequence()

    async def is_redacted() -> bool:
        return [one.event_type for one in await sequence.read(first=number, last=number)] == [EVENT_REDACTED]

    await eventually(is_redacted)


async def _check_reads(log: Log, model: Model) -> None:
    """Compares all events, and what can be asked about them."""
    sequence = await log.sequence()
    stored = await sequence.read()
    assert [event.number for event in stored] == list(range(len(model.events)))
    for event, expected in zip(stored, model.events, strict=True):
        assert (event.event_source_id, event.event_type) == (expected.source, expected.type)
        assert (event.event_stream_type, event.event_stream_id) == (expected.stream_type, expected.stream_id)
        email = expected.content.get("email")
        assert email is None or event.content == f'{{"email": "{email}"}}'
    for source, types in product([None, *SOURCES, "nobody"], [(), ("registered", "left"), (EVENT_REDACTED,)]):
        numbers = model.numbers(source=source, types=types)
        narrowing = EventFilter(event_source_id=source, event_types=types)
        assert await sequence.tail(narrowing) == max(numbers, default=None)
        assert [event.number for event in await sequence.read(narrowing, first=1, last=5)] == [
            number for number in numbers if 1 <= number <= 5
        ]
    for source in (*SOURCES, "nobody"):
        assert await sequence.has_events_for(source) == bool(model.numbers(source=source))
