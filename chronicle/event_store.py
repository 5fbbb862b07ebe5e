"""An event store in one namespace: the doors to everything that it holds."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from chronicle.artifacts import Artifacts
from chronicle.compliance.compliance import Compliance
from chronicle.connections.calls import Call
from chronicle.connections.session import Session
from chronicle.contracts.event_sequences_pb2 import GetEventSequencesRequest
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.event_sequences.event_sequence import EventSequence
from chronicle.event_sequences.unit_of_work import UnitOfWork
from chronicle.event_stores import Namespaces
from chronicle.events.migrations import Migrations
from chronicle.identities import Identities
from chronicle.observation.arguments import HandlerArguments
from chronicle.observation.declarations import reactor_of, reducer_of
from chronicle.observation.runtime import Observers, ObserverStatus
from chronicle.observation.services import Services
from chronicle.read_models.declaration import kept_read_models
from chronicle.read_models.instances import add_instances
from chronicle.read_models.read_models import ReadModels
from chronicle.registration import (
    Registration,
    RegistrationOutcome,
    registration_steps,
    seeding_steps,
    subscription_steps,
)
from chronicle.seeding import Seeder, Seeding
from chronicle.store_access import StoreAccess
from chronicle.subscriptions import Subscriptions
from chronicle.values import EVENT_LOG, OUTBOX, inbox_of


class EventStore:
    """An event store in one namespace. Get one from `ChronicleClient.event_store`.

    store = await client.event_store("bank", artifacts=discover("bank"))
    await store.event_log.append("account-42", AccountOpened(owner="Alice"))
    """

    def __init__(
        self,
        access: StoreAccess,
        artifacts: Artifacts,
        session: Session,
        registration_timeout: timedelta,
        services: Services | None = None,
    ) -> None:
        """Raises `DeclarationError` for read models that two reducers keep, and for handlers that ask for
        something unknown.
        """
        self.artifacts: Final = artifacts
        """What the application declares for this event store."""
        self._access = access
        self._session = session
        self._registration_timeout = registration_timeout
        self._sequences: dict[str, EventSequence] = {}
        self._get_event_sequences = Call(
            EventSequencesStub(access.channel).GetEventSequences,
            "EventSequences/GetEventSequences",
            access.calls,
        )
        reducers = [reducer_of(reducer) for reducer in artifacts.reducers]
        models = kept_read_models(reducers)
        self.read_models: Final = ReadModels(access, models)
        """The instances that reducers keep."""
        self.namespaces: Final = Namespaces(access.channel, access.calls, access.event_store)
        """The namespaces of the event store."""
        self.identities: Final = Identities(access)
        """Who has caused events here."""
        self.compliance: Final = Compliance(access)
        """Personal data: erasing those whom it is about."""
        self.subscriptions: Final = Subscriptions(access, artifacts.subscriptions)
        """What comes from other event stores."""
        self._seeding = Seeding(access, artifacts.seeders)
        self._observers = Observers(
            access,
            reactors=[reactor_of(reactor) for reactor in artifacts.reactors],
            reducers=reducers,
            append=self.event_log.try_append_many,
            arguments=HandlerArguments(self._own_services(models), services),
        )
        self._registration = Registration(
            f"Event store '{self.name}' in namespace '{self.namespace}'",
            registration_steps(access, list(models.values()), Migrations(artifacts.migrations)),
            self._observers,
            afterwards=[
                *subscription_steps(self.subscriptions, artifacts.subscriptions),
                *seeding_steps(self._seeding, artifacts.seeders),
            ],
        )

    @property
    def name(self) -> str:
        """The event store's name."""
        return self._access.event_store

    @property
    def namespace(self) -> str:
        """The namespace that everything here is about."""
        return self._access.namespace

    @property
    def event_log(self) -> EventSequence:
        """The sequence that events go to unless another one is named."""
        return self.event_sequence(EVENT_LOG)

    @property
    def outbox(self) -> EventSequence:
        """The sequence for events that are meant for other event stores."""
        return self.event_sequence(OUTBOX)

    def inbox(self, event_store: str) -> EventSequence:
        """The sequence of events that came from another event store."""
        return self.event_sequence(inbox_of(event_store))

    @property
    def registration(self) -> RegistrationOutcome:
        """What became of registering the artifacts with the kernel; done anew after every reconnect."""
        return self._registration.outcome

    def event_sequence(self, sequence_id: str) -> EventSequence:
        """The event sequence with this name, the same object each time; it begins with its first event.

        Raises `ValueError` for a blank name.
        """
        sequence = self._sequences.get(sequence_id)
        if sequence is None:
            if not sequence_id.strip():
                raise ValueError(
                    f"An event sequence cannot be named {sequence_id!r}. Give the name of one, such as "
                    "'audit'; that of the event log is 'event-log'."
                )
            sequence = self._sequences[sequence_id] = EventSequence(self._access, sequence_id)
        return sequence

    async def event_sequence_ids(self) -> list[str]:
        """The names of the event log, the outbox, the `system` sequence and all that were used, in order.

        Raises `CallError`. (EventSequences/GetEventSequences)
        """
        response = await self._get_event_sequences(
            GetEventSequencesRequest(EventStore=self.name, Namespace=self.namespace)
        )
        return list(response.EventSequenceIds)

    def unit_of_work(self, correlation_id: UUID | None = None) -> UnitOfWork:
        """A unit of work, current within `async with`: committed at its end, rolled back when it raises.

            async with store.unit_of_work() as unit:
                unit.append("account-42", FundsWithdrawn(amount=10))

        Its events carry the correlation id, the ambient one if none is given.
        """
        return self.event_log.transactional.unit_of_work(correlation_id)

    def begin_unit_of_work(self, correlation_id: UUID | None = None) -> UnitOfWork:
        """A unit of work that is current from here on, until its `commit` or `rollback` is called."""
        unit = self.unit_of_work(correlation_id)
        unit.make_current()
        return unit

    async def seed(self, *seeders: Seeder) -> None:
        """Runs functions that fill `Seeds`, now, and has the kernel append what it was not given before.

            await store.seed(lambda seeds: seeds.for_source("account-42", [AccountOpened(owner="Alice")]))

        For functions that are not among the artifacts; those run by themselves. What the kernel refuses is
        logged there, and not reported. Raises what they raise, and `CallError`. (EventSeeding/Seed)
        """
        await self._seeding.seed(seeders)

    async def wait_for_registration(self, timeout: timedelta | None = None) -> RegistrationOutcome:
        """Waits until everything was told to the kernel once, and returns what it said, a refusal included.

        Returns at once if that is over. Raises `RegistrationError` when it takes longer than the timeout,
        `ChronicleOptions.registration_timeout` if none is given.
        """
        return await self._registration.wait(timeout or self._registration_timeout)

    def observer_statuses(self) -> tuple[ObserverStatus, ...]:
        """How the reactors and reducers of this process fare."""
        return self._observers.statuses()

    def _own_services(self, models: Iterable[type]) -> Services:
        """What handlers can ask for without anybody registering it."""
        services = Services().add(EventStore, self).add(EventSequence, self.event_log)
        services.add(ReadModels, self.read_models).add_factory(UnitOfWork, self.unit_of_work)
        add_instances(services, self.read_models, models)
        return services

    def open(self) -> None:
        """Begins to register, now or as soon as there is a connection. For the client."""
        self._session.listen(self._registration)

    async def close(self, timeout: timedelta) -> None:
        """Stops the reactors and reducers, which may finish the event at hand. For the client."""
        await self._session.unlisten(self._registration)
        await self._observers.stop(timeout.total_seconds())
