"""Spans around the batches that reactors and reducers handle (client-surface.md 6)."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from chronicle.contracts.observation_reactors_pb2 import OBSERVATION_STATE_Failed
from chronicle.events.event_context import EventObservationState
from chronicle.observation.reactors import Reactor
from chronicle.observation.reducers import Reducer
from chronicle.store_access import StoreAccess
from chronicle.telemetry import place_of


def traced(name: str, worker: Reactor | Reducer, store: StoreAccess) -> Callable[[Any], Awaitable[Any]]:
    """How a worker handles its batches, each within a span of this name where spans are recorded.

    The span is the current one while handlers run: what they append belongs to it.
    """
    telemetry = store.calls.telemetry
    if telemetry is None:
        return worker.handle
    place = {
        **place_of(store, worker.declaration.event_sequence),
        "chronicle.observer_id": worker.declaration.id,
    }

    async def handle(batch: Any) -> Any:
        if not batch.Events:
            return await worker.handle(batch)
        state = batch.Events[0].Context.ObservationState
        about = {
            **place,
            "chronicle.event_source_id": batch.Partition,
            "chronicle.events_count": len(batch.Events),
            "chronicle.is_replay": state == EventObservationState.REPLAY,
        }
        return await telemetry.handle(name, about, partial(worker.handle, batch), _has_failed)

    return handle


def _has_failed(answer: Any) -> bool:
    return answer is not None and bool(answer.Content.Value1.State == OBSERVATION_STATE_Failed)
