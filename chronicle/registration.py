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
from chronicle.contracts.events_constraints_pb2 import RegisterConstraintsRequest
from chronicle.contracts.events_constraints_pb2_grpc import ConstraintsStub
from chronicle.contracts.events_pb2_grpc import EventTypesStub
from chronicle.contracts.read_models_pb2_grpc import ReadModelsStub
from chronicle.errors import DeadlineError, NotConnectedError, RegistrationError
from chronicle.event_stores import EventStores, Namespaces
from chronicle.events.event_redacted import KERNEL_EVENT_TYPES
from chronicle.events.event_types import EventTypes
from chronicle.events.migrations import MigrationDeclaration, Migrations
from chronicle.read_models.declaration import KeptReadModel
from chronicle.read_models.definitions import register_many_request
from chronicle.seeding import Seeder, Seeding
from chronicle.serialization import Serializer
from chronicle.store_access import StoreAccess
from chronicle.subscriptions import Subscriptions
from chronicle.values import DEFAULT_NAMESPACE

_log: Final = logging.getLogger(__name__)

LONGEST_DELAY: Final = 60.0
"""Seconds between two runs of a registration that fails, at most."""
DISCONNECT_GRACE: Final = 2.0
"""Seconds that handlers have for the event at hand when the connection is lost; it is delivered again."""

# Where instances are kept is the kernel's affair; this is the name for it that every client sends.
_SINK: Final = "MongoDB"

_NO_SCHEMA: Final = "{}"


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
        afterwards: Sequence[Step] = (),
        delay: Callable[[int], float] = registration_delay,
    ) -> None:
        """`store` names the event store in messages; `afterwards` comes after the observers."""
        self._store = store
        self._steps = [*steps, Step("observers", observers.start), *afterwards]
        self._observers = observers
        self._delay = delay
        self._outcome = RegistrationOutcome()
        self._has_run = asyncio.Event()
        self._last_error: Exception | None = None
        self._waits_for = "a connection"

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
                f"{self._store} was not registered within {timeout.total_seconds():g} s: it was still "
                f"waiting for {self._waits_for}. Is the kernel running? "
                f"ChronicleOptions.registration_timeout sets a longer wait.{reason}"
            ) from self._last_error or error
        return self._outcome

    async def _run(self, connection_id: str) -> bool:
        await self._observers.stop(0)  # those of a run that failed
        registered: list[str] = []
        for step in self._steps:
            self._waits_for = step.what
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


def registration_steps(
    store: StoreAccess, models: Sequence[KeptReadModel], migrations: Migrations | None = None
) -> list[Step]:
    """What is registered before the observers, in order. What there is none of is passed over."""
    event_stores = EventStores(store.channel, store.calls)
    namespaces = Namespaces(store.channel, store.calls, store.event_store)

    async def ensure_event_store(_: str) -> None:
        await event_stores.ensure(store.event_store)

    async def ensure_namespace(_: str) -> None:
        await namespaces.ensure(store.namespace)

    async def register_event_types(_: str) -> None:
        register = Call(EventTypesStub(store.channel).Register, "EventTypes/Register", store.calls)
        request = register_event_types_request(
            store.event_types, store.event_store, migrations, store.serializer
        )
        await register(request)

    async def register_read_models(_: str) -> None:
        register = Call(ReadModelsStub(store.channel).RegisterMany, "ReadModels/RegisterMany", store.calls)
        request = register_many_request(
            models, event_store=store.event_store, naming=store.serializer.naming, sink=_SINK
        )
        await register(request)

    async def register_constraints(_: str) -> None:
        register = Call(ConstraintsStub(store.channel).Register, "Constraints/Register", store.calls)
        await register(
            RegisterConstraintsRequest(
                EventStore=store.event_store, Constraints=store.constraints.to_messages()
            )
        )

    steps = [Step("event store", ensure_event_store)]
    if store.namespace != DEFAULT_NAMESPACE:
        steps.append(Step("namespace", ensure_namespace))
    if len(store.event_types):
        steps.append(Step("event types", register_event_types))
    if models:
        steps.append(Step("read models", register_read_models))
    if len(store.constraints):
        steps.append(Step("constraints", register_constraints))
    return steps


def subscription_steps(subscriptions: Subscriptions, declared: Sequence[type]) -> list[Step]:
    """What comes after the observers: the kernel may forward events from then on."""

    async def subscribe(_: str) -> None:
        await subscriptions.register_discovered()

    return [Step("subscriptions", subscribe)] if declared else []


def seeding_steps(seeding: Seeding, seeders: Sequence[Seeder]) -> list[Step]:
    """What comes after the observers, so that they see the events that are seeded."""

    async def seed(_: str) -> None:
        await seeding.register()

    return [Step("seeds", seed)] if seeders else []


def register_event_types_request(
    event_types: EventTypes,
    event_store: str,
    migrations: Migrations | None = None,
    serializer: Serializer | None = None,
) -> pb.RegisterEventTypesRequest:
    """All event types with all their generations and migrations (events.md 3.2)."""
    migrations, serializer = migrations or Migrations(), serializer or Serializer()
    return pb.RegisterEventTypesRequest(
        EventStore=event_store,
        Types=[
            _event_type_registration(event_types, type_id, migrations.of(type_id), serializer)
            for type_id in dict.fromkeys((*event_types.ids, *migrations.ids))
            if type_id not in KERNEL_EVENT_TYPES
        ],
        # The kernel refuses a changed schema: events that are stored would not fit it.
        DisableValidation=False,
    )


def _event_type_registration(
    event_types: EventTypes,
    type_id: str,
    migrations: Sequence[MigrationDeclaration],
    serializer: Serializer,
) -> pb.EventTypeRegistration:
    # Of a generation that only migrations name, nothing is said.
    schemas = dict.fromkeys(
        (step for one in migrations for step in (one.from_generation, one.to_generation)), _NO_SCHEMA
    )
    for declaration in event_types.generations(type_id):
        # Titled by the id: the kernel refuses any change of a schema, and a class may be renamed.
        schema = {**event_types.schema_of(declaration.type), "title": type_id}
        schemas[declaration.generation] = json.dumps(schema)
    latest = max(schemas)
    return pb.EventTypeRegistration(
        Type=pb.EventType(Id=type_id, Generation=latest),
        Schema=schemas[latest],
        Generations=[
            pb.EventTypeGenerationDefinition(Generation=generation, Schema=schemas[generation])
            for generation in sorted(schemas)
        ],
        Migrations=[_migration_definition(event_types, one, serializer) for one in migrations],
    )


def _migration_definition(
    event_types: EventTypes, migration: MigrationDeclaration, serializer: Serializer
) -> pb.EventTypeMigrationDefinition:
    lower, upper = (
        None if declaration is None else declaration.type
        for declaration in (
            event_types.find(migration.event_type_id, migration.from_generation),
            event_types.find(migration.event_type_id, migration.to_generation),
        )
    )
    return pb.EventTypeMigrationDefinition(
        FromGeneration=migration.from_generation,
        ToGeneration=migration.to_generation,
        UpcastJmesPath=migration.upcast.to_json(serializer, source=lower, target=upper),
        DowncastJmesPath=migration.downcast.to_json(serializer, source=upper, target=lower),
    )
