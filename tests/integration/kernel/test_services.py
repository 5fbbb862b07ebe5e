"""The services for event stores, namespaces, event types and constraints, over either channel."""

import json
from typing import Any

import grpc.aio
import pytest
from google.protobuf.empty_pb2 import Empty

from chronicle.contracts import event_stores_pb2, events_constraints_pb2, events_pb2, namespaces_pb2
from chronicle.contracts.event_stores_pb2_grpc import EventStoresStub
from chronicle.contracts.events_constraints_pb2_grpc import ConstraintsStub
from chronicle.contracts.events_pb2_grpc import EventTypesStub
from chronicle.contracts.host_pb2_grpc import ServerStub
from chronicle.contracts.namespaces_pb2_grpc import NamespacesStub
from chronicle.kernel.kernel import Kernel

SECONDS = 10


def is_well_formed(envelope: Any) -> bool:
    """A fresh correlation id, and the permission said aloud."""
    return bool(
        envelope.CorrelationId.lo
        and envelope.CorrelationId.hi
        and envelope.HasField("IsAuthorized")
        and envelope.IsAuthorized
    )


class TestEventStores:
    @pytest.fixture
    def service(self, channel: grpc.aio.Channel) -> EventStoresStub:
        return EventStoresStub(channel)

    async def ensure(self, service: EventStoresStub, name: str) -> event_stores_pb2.CommandResult:
        request = event_stores_pb2.EnsureEventStoreRequest(Name=name)
        return await service.EnsureEventStore(request, timeout=SECONDS)

    async def test_ensure_and_list(self, service: EventStoresStub) -> None:
        first, second = [await self.ensure(service, "bank") for _ in range(2)]
        assert is_well_formed(first)
        assert not first.ValidationResults
        assert not first.ExceptionMessages
        assert first.CorrelationId != second.CorrelationId
        all_stores = await service.AllEventStores(Empty(), timeout=SECONDS)
        assert is_well_formed(all_stores)
        assert all_stores.Data == ["System", "bank"]

    @pytest.mark.parametrize("name", ["", "  "])
    async def test_a_blank_name_is_invalid(self, service: EventStoresStub, kernel: Kernel, name: str) -> None:
        result = await self.ensure(service, name)
        (invalid,) = result.ValidationResults
        assert invalid.Severity == event_stores_pb2.VALIDATION_RESULT_SEVERITY_Error
        assert invalid.Message == "Event store name is required."
        assert invalid.Members == ["Name"]
        assert not result.ExceptionMessages
        assert kernel.event_stores.names() == ["System"]

    async def test_a_reserved_name_fails_inside_the_envelope(self, service: EventStoresStub) -> None:
        result = await self.ensure(service, "[NotSet]")
        assert is_well_formed(result)
        assert result.ExceptionMessages[0].startswith("Invalid event store name '[NotSet]': ")
        assert result.ExceptionStackTrace == ""

    async def test_a_watch_gives_the_list_at_once_and_after_each_addition(
        self, service: EventStoresStub
    ) -> None:
        watch = aiter(service.ObserveEventStores(Empty(), timeout=SECONDS))
        first = await anext(watch)
        assert first.Data == ["System"]
        await self.ensure(service, "bank")
        second = await anext(watch)
        assert second.Data == ["System", "bank"]
        assert is_well_formed(second)
        assert second.CorrelationId == first.CorrelationId


class TestNamespaces:
    @pytest.fixture
    def service(self, channel: grpc.aio.Channel) -> NamespacesStub:
        return NamespacesStub(channel)

    async def ensure(
        self, service: NamespacesStub, event_store: str, namespace: str
    ) -> namespaces_pb2.CommandResult:
        request = namespaces_pb2.EnsureNamespaceRequest(EventStore=event_store, Namespace=namespace)
        return await service.EnsureNamespace(request, timeout=SECONDS)

    async def names(self, service: NamespacesStub, event_store: str) -> Any:
        request = namespaces_pb2.AllNamespacesRequest(EventStore=event_store)
        return await service.AllNamespaces(request, timeout=SECONDS)

    async def test_the_first_casing_stays(self, service: NamespacesStub) -> None:
        for name in ("Oslo", "OSLO"):
            assert not (await self.ensure(service, "bank", name)).ExceptionMessages
        result = await self.names(service, "bank")
        assert is_well_formed(result)
        assert result.Data == ["Oslo"]

    async def test_asking_creates_no_namespace(self, service: NamespacesStub) -> None:
        assert (await self.names(service, "bank")).Data == []

    async def test_what_is_missing_is_named(self, service: NamespacesStub) -> None:
        result = await self.ensure(service, "", " ")
        assert [(one.Message, list(one.Members)) for one in result.ValidationResults] == [
            ("Event store name is required.", ["EventStore"]),
            ("Namespace name is required.", ["Namespace"]),
        ]

    async def test_a_watch_gives_the_list_at_once_and_after_each_addition(
        self, service: NamespacesStub
    ) -> None:
        request = namespaces_pb2.ObserveNamespacesRequest(EventStore="bank")
        watch = aiter(service.ObserveNamespaces(request, timeout=SECONDS))
        assert (await anext(watch)).Data == []
        await self.ensure(service, "bank", "Oslo")
        assert (await anext(watch)).Data == ["Oslo"]

    async def test_a_failing_watch_says_so_and_ends(self, service: NamespacesStub) -> None:
        request = namespaces_pb2.ObserveNamespacesRequest(EventStore="")
        answers = [answer async for answer in service.ObserveNamespaces(request, timeout=SECONDS)]
        assert len(answers) == 1
        assert is_well_formed(answers[0])
        assert answers[0].ExceptionMessages[0].startswith("Invalid event store name ''")
        failed = await self.names(service, "")
        assert failed.ExceptionMessages == answers[0].ExceptionMessages


def event_type(
    id_: str, generation: int = 1, schema: str = "{}", **more: Any
) -> events_pb2.EventTypeRegistration:
    return events_pb2.EventTypeRegistration(
        Type=events_pb2.EventType(Id=id_, Generation=generation), Schema=schema, **more
    )


def generation(number: int, schema: str) -> events_pb2.EventTypeGenerationDefinition:
    return events_pb2.EventTypeGenerationDefinition(Generation=number, Schema=schema)


def migration(lower: int, upper: int, upcast: str = "", downcast: str = "") -> Any:
    return events_pb2.EventTypeMigrationDefinition(
        FromGeneration=lower, ToGeneration=upper, UpcastJmesPath=upcast, DowncastJmesPath=downcast
    )


NAMED = json.dumps({"type": "object", "properties": {"name": {"type": "string"}}})
TITLED = json.dumps({"type": "object", "properties": {"title": {"type": "string"}}})


class TestEventTypes:
    @pytest.fixture
    def service(self, channel: grpc.aio.Channel) -> EventTypesStub:
        return EventTypesStub(channel)

    async def register(
        self,
        service: EventTypesStub,
        *types: events_pb2.EventTypeRegistration,
        disable_validation: bool = False,
    ) -> None:
        request = events_pb2.RegisterEventTypesRequest(
            EventStore="bank", Types=types, DisableValidation=disable_validation
        )
        await service.Register(request, timeout=SECONDS)

    async def refused(self, service: EventTypesStub, *types: events_pb2.EventTypeRegistration) -> str:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await self.register(service, *types)
        assert failure.value.code() == grpc.StatusCode.UNKNOWN
        details = failure.value.details() or ""
        assert details.startswith("Exception was thrown by handler. ")
        return details.removeprefix("Exception was thrown by handler. ")

    async def registrations(self, service: EventTypesStub) -> list[tuple[str, int, str]]:
        request = events_pb2.GetAllEventTypesRequest(EventStore="bank")
        items = (await service.GetAllRegistrations(request, timeout=SECONDS)).items
        return [(one.Type.Id, one.Type.Generation, one.Schema) for one in items]

    async def test_registered_types_are_listed_with_their_latest_generation(
        self, service: EventTypesStub
    ) -> None:
        later = event_type(
            "named",
            2,
            TITLED,
            Generations=[generation(1, NAMED), generation(2, TITLED)],
            Migrations=[migration(1, 2, '{"title":{"$rename":"name"}}', '{"name":{"$rename":"title"}}')],
        )
        await self.register(service, later, event_type("closed"))
        assert await self.registrations(service) == [("closed", 1, "{}"), ("named", 2, TITLED)]
        request = events_pb2.GetAllEventTypesRequest(EventStore="bank")
        ids = (await service.GetAll(request, timeout=SECONDS)).items
        assert [(one.Id, one.Generation) for one in ids] == [("closed", 1), ("named", 2)]

    async def test_all_generations_of_an_event_type(self, service: EventTypesStub) -> None:
        await self.register(
            service,
            event_type(
                "named",
                2,
                Generations=[generation(2, TITLED), generation(1, NAMED)],
                Migrations=[migration(1, 2)],
            ),
        )
        for id_, expected in {"named": [(1, NAMED), (2, TITLED)], "unknown": []}.items():
            request = events_pb2.GetEventTypeGenerationsRequest(EventStore="bank", EventTypeId=id_)
            items = (await service.GetAllGenerationsForEventType(request, timeout=SECONDS)).items
            assert [(one.Type.Generation, one.Schema) for one in items] == expected

    async def test_a_tombstone_is_told(self, service: EventTypesStub) -> None:
        registration = event_type("erased")
        registration.Type.Tombstone = True
        await self.register(service, registration)
        request = events_pb2.GetAllEventTypesRequest(EventStore="bank")
        (told,) = (await service.GetAll(request, timeout=SECONDS)).items
        assert told.Tombstone

    async def test_broken_chains_are_refused_by_name(self, service: EventTypesStub) -> None:
        refused = {
            "MissingEventTypeMigrators: ": [],
            "MissingFirstGenerationForEventType: ": [migration(2, 3)],
            "MissingMigrationForEventTypeGeneration: ": [migration(1, 2)],
        }
        for error, migrations in refused.items():
            details = await self.refused(service, event_type("named", 3, Migrations=migrations))
            assert details.startswith(error)
        assert await self.registrations(service) == []

    async def test_a_migration_to_itself_is_none(self, service: EventTypesStub) -> None:
        only = event_type("named", 2, Migrations=[migration(1, 1)])
        assert (await self.refused(service, only)).startswith("MissingEventTypeMigrators: ")
        await self.register(service, event_type("named", 2, Migrations=[migration(1, 1), migration(1, 2)]))

    async def test_a_changed_schema_is_refused_unless_nobody_looks(self, service: EventTypesStub) -> None:
        await self.register(service, event_type("named", Generations=[generation(1, NAMED)]))
        changed = event_type("named", Generations=[generation(1, TITLED)])
        assert (await self.refused(service, changed)).startswith("EventTypeSchemaChanged: ")
        await self.register(service, changed, disable_validation=True)
        assert await self.registrations(service) == [("named", 1, TITLED)]

    async def test_unknown_properties_in_migrations_are_refused(self, service: EventTypesStub) -> None:
        wrong = event_type(
            "named",
            2,
            Generations=[generation(1, NAMED), generation(2, TITLED)],
            Migrations=[migration(1, 2, '{"title":{"$rename":"label"}}')],
        )
        assert (await self.refused(service, wrong)).startswith("InvalidMigrationPropertyForEventType: ")

    async def test_a_schema_that_is_no_json_is_refused(self, service: EventTypesStub) -> None:
        assert (await self.refused(service, event_type("named", schema="{"))).startswith("InvalidEventType: ")

    async def test_a_single_registration_replaces_one_generation_unchecked(
        self, service: EventTypesStub, kernel: Kernel
    ) -> None:
        await self.register(service, event_type("named", schema=NAMED))
        for single in (event_type("named", schema=TITLED), event_type("named", 3)):
            request = events_pb2.RegisterSingleEventTypeRequest(EventStore="bank", Type=single)
            await service.RegisterSingle(request, timeout=SECONDS)
        definition = (await kernel.event_stores.get("bank")).event_types.get("named")
        assert definition.schemas == {1: TITLED, 3: "{}"}

    async def test_a_watch_gives_all_registrations_at_once_and_after_each_change(
        self, service: EventTypesStub
    ) -> None:
        request = events_pb2.GetAllEventTypesRequest(EventStore="bank")
        watch = aiter(service.ObserveAllRegistrations(request, timeout=SECONDS))
        assert (await anext(watch)).items == []
        await self.register(service, event_type("named"))
        assert [one.Type.Id for one in (await anext(watch)).items] == ["named"]

    async def test_an_impossible_store_is_refused(self, service: EventTypesStub) -> None:
        with pytest.raises(grpc.aio.AioRpcError, match="InvalidEventStoreName: Invalid event store name ''"):
            await service.GetAll(events_pb2.GetAllEventTypesRequest(), timeout=SECONDS)


class TestConstraints:
    @pytest.fixture
    def service(self, channel: grpc.aio.Channel) -> ConstraintsStub:
        return ConstraintsStub(channel)

    async def register(self, service: ConstraintsStub, *constraints: Any) -> None:
        request = events_constraints_pb2.RegisterConstraintsRequest(
            EventStore="bank", Constraints=constraints
        )
        await service.Register(request, timeout=SECONDS)

    def unique(self, name: str = "email", kind: int = 1) -> Any:
        pb = events_constraints_pb2
        definition = pb.UniqueConstraintDefinition(
            EventDefinitions=[
                pb.UniqueConstraintEventDefinition(EventTypeId="registered", Properties=["email"])
            ],
            IgnoreCasing=True,
        )
        return pb.Constraint(
            Name=name,
            Type=kind,  # type: ignore[arg-type]  # a number that is no constraint type is a case to show
            RemovedWith=["left"],
            Definition={"Value0": definition},  # type: ignore[arg-type]  # as a dictionary it is shorter
            Scope=pb.ConstraintScope(EventStreamId="_scoped_"),
        )

    def unique_event_type(self, name: str) -> Any:
        pb = events_constraints_pb2
        definition = pb.UniqueEventTypeConstraintDefinition(EventTypeIds=["registered"])
        return pb.Constraint(
            Name=name,
            Type=pb.CONSTRAINT_TYPE_UniqueEventType,
            Definition={"Value1": definition},  # type: ignore[arg-type]  # as a dictionary it is shorter
        )

    async def test_both_kinds_are_registered(self, service: ConstraintsStub, kernel: Kernel) -> None:
        await self.register(service, self.unique(), self.unique_event_type("once"))
        constraints = (await kernel.event_stores.get("bank")).constraints.all()
        assert [(one.name, one.removed_with) for one in constraints] == [("email", ("left",)), ("once", ())]
        assert constraints[0].scope.event_stream_id == "_scoped_"

    async def test_one_wrong_constraint_keeps_all_out(self, service: ConstraintsStub, kernel: Kernel) -> None:
        nothing = events_constraints_pb2.Constraint(Name="email", Type=1)  # type: ignore[arg-type]  # Unique
        for wrong in (self.unique(kind=7), self.unique(kind=2), self.unique(name=""), nothing):
            with pytest.raises(grpc.aio.AioRpcError, match=r"thrown by handler\. InvalidConstraint: "):
                await self.register(service, self.unique_event_type("once"), wrong)
        assert (await kernel.event_stores.get("bank")).constraints.all() == []


class TestServer:
    async def test_the_version_is_that_of_the_contract(self, channel: grpc.aio.Channel) -> None:
        version = await ServerStub(channel).GetVersionInfo(Empty(), timeout=SECONDS)
        assert (version.Version, version.CommitSha) == ("16.37.1", "")

    async def test_a_reset_is_refused(self, channel: grpc.aio.Channel) -> None:
        with pytest.raises(grpc.aio.AioRpcError, match="NotSupported: ResetKernelState is not available"):
            await ServerStub(channel).ResetKernelState(Empty(), timeout=SECONDS)
