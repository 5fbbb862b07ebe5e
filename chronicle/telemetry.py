"""Spans and metrics of the client, through OpenTelemetry's API (client-surface.md 6).

They come by themselves where `opentelemetry-api` is installed, and go where the application's SDK sends them.
Without an SDK nothing is recorded, and next to nothing spent. The scope and the meter are called `chronicle`.

| Span | Kind | When |
|---|---|---|
| `chronicle.append`, `chronicle.append_many` | client | events are appended |
| `chronicle.unit_of_work.commit`, `chronicle.unit_of_work.rollback` | client | a unit of work is completed |
| `chronicle.reactor.handle`, `chronicle.reducer.handle` | consumer | a batch of events is handled |

| Metric | Unit | What |
|---|---|---|
| `chronicle.events.appended` | `{event}` | events that were stored |
| `chronicle.events.batch_appends` | `{operation}` | batches that were stored |
| `chronicle.events.constraint_violations` | `{violation}` | violations of constraints |
| `chronicle.events.append_errors` | `{error}` | appends that failed for any other reason |
| `chronicle.events.append_duration`, `append_many_duration` | `ms` | how long appends take |
| `chronicle.client.event_store_retrievals` | `{operation}` | event stores that were asked for |

The calls of a span carry its trace context (`traceparent`), for the kernel's own spans.
"""

import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from uuid import UUID

from chronicle.software_version import software_version

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram
    from opentelemetry.trace import Span, SpanKind

    from chronicle.store_access import StoreAccess

SCOPE: Final = "chronicle"
DURATION_BOUNDS: Final = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000)

LOOK_AGAIN: Final = 1.0
"""Seconds after which it is looked again whether an SDK is there: it may come after the client."""

_Headers = tuple[tuple[str, str], ...]
_carried: ContextVar[_Headers] = ContextVar("chronicle_trace_headers", default=())

Attributes = Mapping[str, str | int | bool]


class Outcome(Protocol):
    """What the results of one append and of several have in common."""

    @property
    def is_success(self) -> bool: ...  # noqa: D102 - see the results
    @property
    def constraint_violations(self) -> tuple[Any, ...]: ...  # noqa: D102


_OutcomeT = TypeVar("_OutcomeT", bound=Outcome)
_Answer = TypeVar("_Answer")


def trace_headers() -> _Headers:
    """The metadata by which a call belongs to the span that is being recorded here; mostly none."""
    return _carried.get()


def find_telemetry() -> "Telemetry | None":
    """The way to OpenTelemetry, if it is installed. It is imported here, and not before."""
    try:
        import opentelemetry.metrics
        import opentelemetry.trace  # noqa: F401 - whether it is there
    except ImportError:
        return None
    return Telemetry()


class Telemetry:
    """The spans and the instruments of one client."""

    def __init__(self) -> None:
        from opentelemetry import metrics, propagate, trace

        self._trace = trace
        self._metrics = metrics
        self._propagate = propagate
        self._is_recording = False
        self._look_again = 0.0
        version = software_version()
        # Without an SDK both stand in for the ones that come later, and pass on what they are told.
        self._tracer = trace.get_tracer_provider().get_tracer(SCOPE, version)
        meter = metrics.get_meter_provider().get_meter(SCOPE, version)
        self.appended = meter.create_counter("chronicle.events.appended", "{event}")
        self.batch_appends = meter.create_counter("chronicle.events.batch_appends", "{operation}")
        self.violations = meter.create_counter("chronicle.events.constraint_violations", "{violation}")
        self.append_errors = meter.create_counter("chronicle.events.append_errors", "{error}")
        self.retrievals = meter.create_counter("chronicle.client.event_store_retrievals", "{operation}")
        self.append_duration = meter.create_histogram(
            "chronicle.events.append_duration", "ms", explicit_bucket_boundaries_advisory=DURATION_BOUNDS
        )
        self.append_many_duration = meter.create_histogram(
            "chronicle.events.append_many_duration", "ms", explicit_bucket_boundaries_advisory=DURATION_BOUNDS
        )
        self._client: SpanKind = trace.SpanKind.CLIENT
        self._consumer: SpanKind = trace.SpanKind.CONSUMER

    @property
    def is_recording(self) -> bool:
        """Whether there is an SDK, which stays once it is there."""
        # Asking OpenTelemetry takes longer than anything else that an append does for it.
        if not self._is_recording and (now := time.monotonic()) >= self._look_again:
            self._look_again = now + LOOK_AGAIN
            providers = (self._trace.get_tracer_provider(), self._metrics.get_meter_provider())
            self._is_recording = not all(map(_records_nothing, providers))
        return self._is_recording

    def start(self, name: str) -> "Span | None":
        """A span of a call to the kernel, or `None` when nobody records it."""
        span = self._tracer.start_span(name, kind=self._client)
        return span if span.is_recording() else None

    @contextmanager
    def current(self, span: "Span", attributes: Attributes) -> Generator[None]:
        """Makes a span the current one, and ends it with the block; what that raises is noted in it."""
        span.set_attributes(dict(attributes))
        with self._trace.use_span(span, end_on_exit=True):
            headers: dict[str, str] = {}
            self._propagate.inject(headers)
            # gRPC takes no other names, and some propagators write capitals.
            token = _carried.set(tuple((name.lower(), value) for name, value in headers.items()))
            try:
                yield
            finally:
                _carried.reset(token)

    def fail(self, span: "Span", reason: str) -> None:
        """Marks a span as failed."""
        span.set_status(self._trace.StatusCode.ERROR, reason)

    async def commit(self, correlation_id: UUID, send: Callable[[], Awaitable[_OutcomeT]]) -> _OutcomeT:
        """Commits a unit of work within its span."""
        span = self.start("chronicle.unit_of_work.commit") if self.is_recording else None
        if span is None:
            return await send()
        with self.current(span, {"chronicle.correlation_id": str(correlation_id)}):
            result = await send()
            if not result.is_success:
                self.fail(span, "the kernel has refused the events")
            return result

    def rolled_back(self, correlation_id: UUID) -> None:
        """Records that a unit of work was rolled back."""
        span = self.start("chronicle.unit_of_work.rollback") if self.is_recording else None
        if span is not None:
            span.set_attribute("chronicle.correlation_id", str(correlation_id))
            span.end()

    async def handle(
        self,
        name: str,
        attributes: Attributes,
        handle: Callable[[], Awaitable[_Answer]],
        has_failed: Callable[[_Answer], bool],
    ) -> _Answer:
        """Handles a batch of events within a span of that name."""
        if not self.is_recording:
            return await handle()
        span = self._tracer.start_span(name, kind=self._consumer)
        if not span.is_recording():
            return await handle()
        with self.current(span, attributes):
            answer = await handle()
            if has_failed(answer):
                self.fail(span, "a handler has failed; the log says why")
            return answer


def _records_nothing(provider: object) -> bool:
    """Whether a provider is one of those that the API itself has: a stand-in, or one that does nothing."""
    module = type(provider).__module__
    return module.startswith(("opentelemetry.trace", "opentelemetry.metrics"))


def place_of(store: "StoreAccess", event_sequence: str) -> Attributes:
    """What all spans and metrics about an event sequence say of it."""
    return {
        "chronicle.event_store": store.event_store,
        "chronicle.namespace": store.namespace,
        "chronicle.event_sequence_id": event_sequence,
    }


class AppendTelemetry:
    """Records the appends to one event sequence."""

    def __init__(self, telemetry: Telemetry, store: "StoreAccess", event_sequence: str) -> None:
        self._telemetry = telemetry
        self._event_types = store.event_types
        self._place = place_of(store, event_sequence)

    @property
    def is_recording(self) -> bool:
        """Whether anything is recorded now."""
        return self._telemetry.is_recording

    async def append(
        self, append: Callable[[str, object, Any], Awaitable[Any]], source: str, event: object, options: Any
    ) -> Any:
        """Appends one event, `append(source, event, options)`."""
        span = self._telemetry.start("chronicle.append")
        began = time.perf_counter()
        try:
            if span is None:
                result = await append(source, event, options)
            else:
                declaration = self._event_types.of(event)
                about: Attributes = {
                    **self._place,
                    "chronicle.event_source_id": source,
                    "chronicle.event_type_id": declaration.id,
                    "chronicle.event_type_generation": declaration.generation,
                }
                with self._telemetry.current(span, about):
                    result = await append(source, event, options)
                    if result.sequence_number is not None:
                        span.set_attribute("chronicle.sequence_number", result.sequence_number)
                    self._note_refusal(span, result)
        except Exception:
            self._telemetry.append_errors.add(1, self._place)
            raise
        finally:
            self._record(self._telemetry.append_duration, began)
        self._count(result, 1)
        return result

    async def append_many(self, send: Callable[[], Awaitable[_OutcomeT]], count: int) -> _OutcomeT:
        """Appends a batch of so many events."""
        span = self._telemetry.start("chronicle.append_many")
        began = time.perf_counter()
        try:
            if span is None:
                result = await send()
            else:
                with self._telemetry.current(span, {**self._place, "chronicle.events_count": count}):
                    result = await send()
                    self._note_refusal(span, result)
        except Exception:
            self._telemetry.append_errors.add(1, self._place)
            raise
        finally:
            self._record(self._telemetry.append_many_duration, began)
        self._count(result, count)
        if result.is_success:
            self._telemetry.batch_appends.add(1, self._place)
        return result

    def _note_refusal(self, span: "Span", result: Outcome) -> None:
        if not result.is_success:
            self._telemetry.fail(span, "the kernel has refused the events")

    def _record(self, histogram: "Histogram", began: float) -> None:
        histogram.record((time.perf_counter() - began) * 1000, self._place)

    def _count(self, result: Outcome, events: int) -> None:
        if result.is_success:
            self._telemetry.appended.add(events, self._place)
        elif result.constraint_violations:
            self._telemetry.violations.add(len(result.constraint_violations), self._place)
        else:
            self._telemetry.append_errors.add(1, self._place)


def append_telemetry(store: "StoreAccess", event_sequence: str) -> AppendTelemetry | None:
    """What records the appends to an event sequence, if anything can."""
    telemetry = store.calls.telemetry
    return None if telemetry is None else AppendTelemetry(telemetry, store, event_sequence)
