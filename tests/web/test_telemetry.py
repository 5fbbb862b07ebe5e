"""Spans and metrics, as an application's SDK gets them."""

import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import opentelemetry.metrics
import opentelemetry.trace
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import BaseModel

from chronicle import (
    Artifacts,
    ChronicleClient,
    ConcurrencyScope,
    EventContext,
    EventStore,
    NotRunningError,
    event_type,
    reactor,
    telemetry,
)
from chronicle.connections.calls import Call, CallSettings
from chronicle.context import current_correlation_id
from chronicle_fastapi import Chronicle, UnitOfWorkDep
from tests.waiting import eventually
from tests.web.asgi import serving
from tests.web.bank import ARTIFACTS, Deposited


@event_type("forwarded")
class Forwarded(BaseModel):
    pass


class Recorded:
    """What has arrived at the SDK."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider(metric_readers=[self._reader])

    def spans(self, name: str = "") -> Sequence[ReadableSpan]:
        """The spans that have ended, in that order, of one name or all."""
        ours = [span for span in self._exporter.get_finished_spans() if span.name.startswith("chronicle.")]
        return [span for span in ours if not name or span.name == name]

    def of_source(self, name: str, source: str) -> Sequence[ReadableSpan]:
        """The spans of a name that are about an event source."""
        key = "chronicle.event_source_id"
        return [span for span in self.spans(name) if (span.attributes or {})[key] == source]

    def traces(self, kind: SpanKind) -> set[int]:
        """The traces that a span of this kind has ended in, whoever's it was."""
        ended = self._exporter.get_finished_spans()
        return {span.context.trace_id for span in ended if span.kind is kind and span.context is not None}

    def span(self, name: str) -> ReadableSpan:
        """The only span of a name."""
        (span,) = self.spans(name)
        return span

    def metrics(self) -> dict[str, Any]:
        """The data points that our meter has by now, by name."""
        data = self._reader.get_metrics_data()
        return {
            metric.name: metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            if scope.scope.name == "chronicle"
            for metric in scope.metrics
        }

    def total(self, name: str) -> int:
        """The sum of a counter."""
        metric = self.metrics().get(name)
        return sum(point.value for point in metric.data.data_points) if metric else 0


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """An SDK. Other than an application's it can be taken out again, so it is put in by hand."""
    recorded = Recorded()
    monkeypatch.setattr(opentelemetry.trace, "get_tracer_provider", lambda: recorded.tracers)
    monkeypatch.setattr(opentelemetry.metrics, "get_meter_provider", lambda: recorded.meters)
    return recorded


@pytest.fixture
async def store(recorded: Recorded, chronicle: Chronicle) -> AsyncGenerator[EventStore]:
    async with chronicle as store:
        yield store


PLACE = {
    "chronicle.event_store": "bank",
    "chronicle.namespace": "Default",
    "chronicle.event_sequence_id": "event-log",
}


@pytest.mark.row("S153")
async def test_an_append_is_a_span_that_says_what_was_appended(recorded: Recorded, store: EventStore) -> None:
    await store.event_log.append("alice", Deposited(amount=1))
    span = recorded.span("chronicle.append")
    assert span.kind is SpanKind.CLIENT
    assert dict(span.attributes or {}) == {
        **PLACE,
        "chronicle.event_source_id": "alice",
        "chronicle.event_type_id": "deposited",
        "chronicle.event_type_generation": 1,
        "chronicle.sequence_number": 0,
    }
    assert span.status.status_code is StatusCode.UNSET
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "chronicle"


async def test_a_batch_is_one_span(recorded: Recorded, store: EventStore) -> None:
    await store.event_log.append_many("alice", [Deposited(amount=1), Deposited(amount=2)])
    assert dict(recorded.span("chronicle.append_many").attributes or {}) == {
        **PLACE,
        "chronicle.events_count": 2,
    }
    assert not recorded.spans("chronicle.append")


async def test_a_commit_is_a_span_around_its_append_and_a_roll_back_is_one_too(
    recorded: Recorded, store: EventStore
) -> None:
    async with store.unit_of_work() as unit:
        unit.append("alice", Deposited(amount=1))
    commit, append = recorded.span("chronicle.unit_of_work.commit"), recorded.span("chronicle.append_many")
    assert append.parent is not None
    assert append.parent == commit.context
    assert dict(commit.attributes or {}) == {"chronicle.correlation_id": str(unit.correlation_id)}
    rolled_back = store.begin_unit_of_work()
    await rolled_back.rollback()
    attributes = recorded.span("chronicle.unit_of_work.rollback").attributes
    assert dict(attributes or {}) == {"chronicle.correlation_id": str(rolled_back.correlation_id)}


async def test_a_refused_append_is_a_failed_span_without_what_was_in_it(
    recorded: Recorded, store: EventStore
) -> None:
    await store.event_log.append("alice", Deposited(amount=1))
    none = ConcurrencyScope.expect_none()
    await store.event_log.try_append("alice", Deposited(amount=4711), concurrency=none)
    await store.event_log.try_append_many("alice", [Deposited(amount=4711)], concurrency=none)
    refused = [recorded.spans("chronicle.append")[-1], recorded.span("chronicle.append_many")]
    for span in refused:
        assert span.status.status_code is StatusCode.ERROR
        assert "4711" not in span.to_json()


async def test_a_call_that_fails_is_a_failed_span_with_the_exception(
    recorded: Recorded, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise NotRunningError("gone")

    monkeypatch.setattr(store.event_log, "_append", fails)
    with pytest.raises(NotRunningError):
        await store.event_log.append("alice", Deposited(amount=1))
    span = recorded.span("chronicle.append")
    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]
    assert recorded.total("chronicle.events.append_errors") == 1


async def test_handling_is_a_span_that_is_current_while_the_handler_runs(recorded: Recorded) -> None:
    broken = True

    @reactor("forwarder")
    async def forwarder(event: Deposited, context: EventContext) -> None:
        if broken:
            raise LookupError("not now")
        await bank.event_log.append("forwarded", Forwarded())

    artifacts = ARTIFACTS + Artifacts(event_types=[Forwarded], reactors=[forwarder])
    async with Chronicle("bank", artifacts) as bank:
        await bank.event_log.append("alice", Deposited(amount=1))

        async def of_alice() -> Sequence[ReadableSpan]:
            return recorded.of_source("chronicle.reactor.handle", "alice")

        failure = (await eventually(of_alice))[0]
        broken = False
        await bank.event_log.append("bob", Deposited(amount=1))

        async def of_bob() -> Sequence[ReadableSpan]:
            return recorded.of_source("chronicle.reactor.handle", "bob")

        (success,) = await eventually(of_bob)
    assert success.kind is SpanKind.CONSUMER
    assert dict(success.attributes or {}) == {
        **PLACE,
        "chronicle.observer_id": "forwarder",
        "chronicle.event_source_id": "bob",
        "chronicle.events_count": 1,
        "chronicle.is_replay": False,
    }
    assert (failure.status.status_code, success.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
    assert "not now" not in (failure.status.description or "")
    forwarded = recorded.of_source("chronicle.append", "forwarded")
    assert success.context in [span.parent for span in forwarded]
    # What is handled is nobody's child: the append is long over.
    assert success.parent is None
    assert {span.name for span in recorded.spans()} >= {"chronicle.reducer.handle"}


async def test_appends_are_counted_and_timed(recorded: Recorded, store: EventStore) -> None:
    log = store.event_log
    await log.append("alice", Deposited(amount=1))
    await log.append_many("alice", [Deposited(amount=1), Deposited(amount=2)])
    await log.try_append("alice", Deposited(amount=1), concurrency=ConcurrencyScope.expect_none())
    await log.complete_stream("onboarding", "1")
    await log.try_append("alice", Deposited(amount=1), stream_type="onboarding", stream_id="1")
    assert recorded.total("chronicle.events.appended") == 3
    assert recorded.total("chronicle.events.batch_appends") == 1
    assert recorded.total("chronicle.events.append_errors") == 1
    assert recorded.total("chronicle.events.constraint_violations") == 1
    assert recorded.total("chronicle.client.event_store_retrievals") == 1
    metrics = recorded.metrics()
    (point,) = metrics["chronicle.events.append_duration"].data.data_points
    assert (point.count, dict(point.attributes)) == (3, PLACE)
    assert tuple(point.explicit_bounds) == telemetry.DURATION_BOUNDS
    assert metrics["chronicle.events.append_duration"].unit == "ms"
    (many,) = metrics["chronicle.events.append_many_duration"].data.data_points
    assert many.count == 1


async def test_the_calls_of_a_span_carry_its_trace_and_others_nothing(recorded: Recorded) -> None:
    carried: list[dict[str, str]] = []

    async def answer() -> None:
        return None

    def method(request: object, *, timeout: float, metadata: Sequence[tuple[str, str]]) -> Any:
        carried.append(dict(metadata))
        return answer()

    found = telemetry.find_telemetry()
    assert found is not None
    call: Call[Any, Any] = Call(method, "Some/Method", CallSettings(1, telemetry=found))  # type: ignore[arg-type] # stands in for a stub's
    await call(None)
    span = found.start("chronicle.append")
    assert span is not None
    with found.current(span, {}):
        await call(None)
    await call(None)
    correlation_id = {"x-correlation-id": str(current_correlation_id())}
    context = span.get_span_context()
    parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    assert carried == [correlation_id, correlation_id | {"traceparent": parent}, correlation_id]


async def test_an_endpoint_s_unit_of_work_belongs_to_fastapi_s_span_of_the_request(
    recorded: Recorded, app: FastAPI, chronicle: Chronicle
) -> None:
    @app.post("/")
    async def endpoint(unit: UnitOfWorkDep) -> None:
        unit.append("alice", Deposited(amount=1))

    async with serving(app) as client:
        await client.post("/")
    span = recorded.span("chronicle.unit_of_work.commit")
    assert span.parent is not None
    assert span.parent.trace_id in recorded.traces(SpanKind.SERVER)


@pytest.mark.row("S153")
async def test_without_an_sdk_nothing_is_recorded_until_there_is_one(
    chronicle: Chronicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Recorded()
    async with chronicle as store:
        await store.event_log.append("alice", Deposited(amount=1))
        assert not later.spans()
        monkeypatch.setattr(telemetry, "LOOK_AGAIN", 0.0)
        found = store.event_log._telemetry
        assert found is not None
        found._telemetry._look_again = 0.0
        is_recording = [found.is_recording]
        monkeypatch.setattr(opentelemetry.trace, "get_tracer_provider", lambda: later.tracers)
        is_recording.append(found.is_recording)
        # It stays so, without being asked for again.
        monkeypatch.undo()
        is_recording.append(found.is_recording)
    assert is_recording == [False, True, True]


async def test_without_opentelemetry_everything_works(
    chronicle: Chronicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    assert telemetry.find_telemetry() is None
    async with ChronicleClient("chronicle+embedded://:memory:") as client:
        store = await client.event_store("bank", artifacts=ARTIFACTS)
        await store.event_log.append("alice", Deposited(amount=1))
        async with store.unit_of_work() as unit:
            unit.append("alice", Deposited(amount=1))
        await store.begin_unit_of_work().rollback()
        assert await store.event_log.tail() == 1


def test_the_client_does_not_import_opentelemetry_by_itself() -> None:
    code = "import chronicle, sys; print(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
