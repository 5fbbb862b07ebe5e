"""Registration: what an application declares, told to the kernel in order, again after every reconnect.

Event types come before everything that names them, observers last (connection.md 5.5). The kernel keeps
definitions, so telling it again changes nothing; a kernel that was restarted has only forgotten who
listens.
"""

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple, Protocol

from chronicle.connections.calls import Call
from chronicle.contracts import events_pb2 as pb
from chronicle.contracts.events_pb2_grpc import EventTypesStub
from chronicle.contracts.read_models_pb2_grpc import ReadModelsStub
from chronicle.errors import DeadlineError, NotConnectedError, RegistrationError
from chronicle.event_stores import EventStores, Namespaces
from chronicle.events.event_types import EventTypes
from chronicle.read_models.declaration import KeptReadModel
from chronicle.read_models.definitions import register_many_request
from chronicle.store_access import StoreAccess
from chronicle.values import DEFAULT_NAMESPACE

_log: Final = logging.getLogger(__name__)

LONGEST_DELAY: Final = 60.0
"""Seconds between two runs of a registration that fails, at most."""
DISCONNECT_GRACE: Final = 2.0
"""Seconds that handlers have for the event at hand when the connection is lost; it is delivered again."""

# Where instances are kept is the kernel's affair; this is the name for it that every client sends.
_SINK: Final = "MongoDB"


class ObserverRuntime(Protocol):
    """Reactors and reducers, as far as registration is concerned."""

    async def start(self, connection_id: str) -> None:
        """Subscribes all of them; raises `RegistrationError` when one is refused."""

    async def stop(self, timeout: float) -> None:
        """Ends what `start` began; does nothing if there is nothing."""


class Step(NamedTuple):
    """One thing to register; `register` takes the connection id."""

    what: str
    register: Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RegistrationOutcome:
    """What became of the last run of a registration."""

    has_run: bool = False
    """Whether there was one that came to an end, well or not."""
    registered: tuple[str, ...] = ()
    """What the kernel has accepted."""
    failure: RegistrationError | None = None
    """Why it has not accepted the rest."""

    @property
    def is_success(self) -> bool:
        """Whether everything is registered."""
        return self.has_run and self.failure is None


def registration_delay(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4 ... 60, times a random 0.5 to 1."""
    return min(2.0 ** min(failures - 1, 10), LONGEST_DELAY) * random.uniform(0.5, 1)


class Registration:
    """Listens to the session: runs on every new connection, until it succeeds or the connection is lost."""

    def __init__(
        self,
        store: str,
        steps: Sequence[Step],
        observers: ObserverRuntime,
        *,
        delay: Callable[[int], float] = registration_delay,
    ) -> None:
        """`store` names the event store in messages."""
        self._store = store
        self._steps = [*steps, Step("observers", observers.start)]
        self._observers = observers
        self._delay = delay
        self._outcome = RegistrationOutcome()
        self._has_run = asyncio.Event()
        self._last_error: Exception | None = None

    @property
    def outcome(self) -> RegistrationOutcome:
        """What became of the last run."""
        return self._outcome

    async def connected(self, connection_id: str) -> None:
        """Runs until everything is registered."""
        failures = 0
        while not await self._run(connection_id):
            failures += 1
            await asyncio.sleep(self._delay(failures))

    async def disconnected(self) -> None:
        """Ends the observers: with the next connection they start again, under its id."""
        await self._observers.stop(DISCONNECT_GRACE)

    async def wait(self, timeout: timedelta) -> RegistrationOutcome:
        """Waits until there was a run, at once if there was one before, and returns its outcome.

        Raises `RegistrationError` when there was none in time.
        """
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await self._has_run.wait()
        except TimeoutError as error:
            reason = f" Last error: {self._last_error}" if self._last_error else ""
            raise RegistrationError(
                f"{self._store} was not registered within {timeout.total_seconds():g} s. Is the kernel "
                f"running? ChronicleOptions.registration_timeout sets a longer wait.{reason}"
            ) from self._last_error or error
        return self._outcome

    async def _run(self, connection_id: str) -> bool:
        await self._observers.stop(0)  # those of a run that failed
        registered: list[str] = []
        for step in self._steps:
            try:
                await step.register(connection_id)
            except Exception as error:
                self._fail(step, error, registered)
                return False
            registered.append(step.what)
        self._conclude(RegistrationOutcome(True, tuple(registered)))
        return True

    def _fail(self, step: Step, error: Exception, registered: Sequence[str]) -> None:
        self._last_error = error
        failure = RegistrationError(f"{self._store}: registering {step.what} failed. {error}")
        failure.__cause__ = error
        _log.warning("%s", failure)
        # A kernel that does not answer has not refused anything: no outcome yet.
        if not isinstance(error, NotConnectedError | DeadlineError):
            self._conclude(RegistrationOutcome(True, tuple(registered), failure))

    def _conclude(self, outcome: RegistrationOutcome) -> None:
        self._outcome = outcome
        self._has_run.set()


def registration_steps(store: StoreAccess, models: Sequence[KeptReadModel]) -> list[Step]:
    """What is registered before the observers, in order. What there is none of is passed over."""
    event_stores = EventStores(store.channel, store.calls)
    namespaces = Namespaces(store.channel, store.calls, store.event_store)

    async def ensure_event_store(_: str) -> None:
        await event_stores.ensure(store.event_store)

    async def ensure_namespace(_: str) -> None:
        await namespaces.ensure(store.namespace)

    async def register_event_types(_: str) -> None:
        register = Call(EventTypesStub(store.channel).Register, "EventTypes/Register", store.calls)
        await register(register_event_types_request(store.event_types, store.event_store))

    async def register_read_models(_: str) -> None:
        register = Call(ReadModelsStub(store.channel).RegisterMany, "ReadModels/RegisterMany", store.calls)
        request = register_many_request(
            models, event_store=store.event_store, naming=store.serializer.naming, sink=_SINK
        )
        await register(request)

    steps = [Step("event store", ensure_event_store)]
    if store.namespace != DEFAULT_NAMESPACE:
        steps.append(Step("namespace", ensure_namespace))
    if len(store.event_types):
        steps.append(Step("event types", register_event_types))
    if models:
        steps.append(Step("read models", register_read_models))
    return steps


def register_event_types_request(event_types: EventTypes, event_store: str) -> pb.RegisterEventTypesRequest:
    """All event types with all their generations (events.md 3.2)."""
    return pb.RegisterEventTypesRequest(
        EventStore=event_store,
        Types=[_event_type_registration(event_types, type_id) for type_id in event_types.ids],
        # The kernel refuses a changed schema: events that are stored would not fit it.
        DisableValidation=False,
    )


def _event_type_registration(event_types: EventTypes, type_id: str) -> pb.EventTypeRegistration:
    generations = [
        pb.EventTypeGenerationDefinition(
            Generation=declaration.generation, Schema=json.dumps(event_types.schema_of(declaration.type))
        )
        for declaration in event_types.generations(type_id)
    ]
    latest = generations[-1]
    return pb.EventTypeRegistration(
        Type=pb.EventType(Id=type_id, Generation=latest.Generation),
        Schema=latest.Schema,
        Generations=generations,
    )
