"""Any requests: each has an answer, or a failure with a name, and the kernel goes on as before."""

import builtins
import importlib
import logging
import re
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chronicle.connections.embedded import EmbeddedChannel, EmbeddedServices
from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.errors import ChronicleError
from chronicle.kernel.constraints import UniqueConstraint, UniqueProperties
from chronicle.kernel.event_types import EventTypeRegistration
from chronicle.kernel.kernel import Kernel
from chronicle.kernel.services.registration import register_services
from tests.integration.kernel.arbitrary import EVENT_STORE, EVENT_TYPE, Arbitrary
from tests.integration.kernel.conftest import OpenKernel

SECONDS: Final = 20
A_MOMENT: Final = 0.05
"""For the first answer of a stream; some have none until something happens."""
REQUESTS: Final = 120

PACKAGES: Final = (
    *("event_stores", "namespaces", "events", "events_constraints", "event_sequences", "sequence_queries"),
    *("identities", "seeding", "compliance", "read_models"),
)
# What they leave behind is what the others have to cope with.
WRITERS: Final = re.compile(r"\.(Register\w*|Append\w*|Seed|Redact\w*|Revise)$")

OURS: Final = re.compile(r"Exception was thrown by handler\. (\w+): .", re.DOTALL)
INTERNAL: Final = tuple(
    f"{name}: "
    for module in (builtins, sqlite3)
    for name, one in vars(module).items()
    if isinstance(one, type) and issubclass(one, Exception)
)


def methods_of(kernel: Kernel) -> list[MethodDescriptor]:
    """The methods that are built, of which writers come up more often."""
    built = set(register_services(kernel, EmbeddedServices()))
    methods: list[MethodDescriptor] = [
        method
        for package in PACKAGES
        for service in importlib.import_module(
            f"chronicle.contracts.{package}_pb2"
        ).DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if f"/{service.full_name}/{method.name}" in built
    ]
    return methods + 2 * [method for method in methods if WRITERS.search(method.full_name)]


def names_of_errors(error: type[ChronicleError] = ChronicleError) -> Iterator[str]:
    """The names of all failures that are meant."""
    yield error.__name__
    for one in error.__subclasses__():
        yield from names_of_errors(one)


async def ask(channel: grpc.aio.Channel, method: MethodDescriptor, request: Message) -> Any:
    """The answer to a request, the first one of several; the failure of the call in place of an answer."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    call: Any = (channel.unary_stream if method.server_streaming else channel.unary_unary)(
        path,
        request_serializer=type(request).SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )(request, timeout=A_MOMENT if method.server_streaming else SECONDS)
    try:
        if not method.server_streaming:
            return await call
        answer = await call.read()
        call.cancel()
    except grpc.aio.AioRpcError as failure:
        return failure
    return answer


def check_answer(method: MethodDescriptor, answer: Any, said: str) -> None:
    """An answer is a message that others could read, too, or a failure of ours; `said` is what it is to."""
    if isinstance(answer, Message):
        # Embedded it was not serialised.
        answer.SerializeToString()
        errors = [*getattr(answer, "Errors", ()), *getattr(answer, "ExceptionMessages", ())]
        assert not [one for one in errors if one.startswith(INTERNAL)], said
        return
    assert isinstance(answer, grpc.aio.AioRpcError), said
    if method.server_streaming and answer.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return
    name = OURS.match(answer.details() or "")
    assert answer.code() is grpc.StatusCode.UNKNOWN, f"{answer}: {said}"
    assert name, f"{answer}: {said}"
    assert name[1] in set(names_of_errors()), f"{answer}: {said}"


async def send_any(
    channel: grpc.aio.Channel, kernel: Kernel, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Sends arbitrary requests to an event store in which there is something to meet."""
    store = await kernel.event_stores.ensure(EVENT_STORE)
    await store.register_event_types([EventTypeRegistration(EVENT_TYPE, 1)])
    await store.constraints.register(
        [UniqueConstraint("unique", (UniqueProperties(EVENT_TYPE, ("value",)),), ignore_casing=True)]
    )
    methods, arbitrary = methods_of(kernel), Arbitrary(seed)
    for _ in range(REQUESTS):
        method = arbitrary.choice(methods)
        request = arbitrary.request(method.input_type)
        said = f"{method.full_name} with {str(request)[:2_000]}"
        check_answer(method, await ask(channel, method, request), said)
        assert unexpected(caplog) == [], said


def unexpected(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the kernel has logged of errors that it did not see coming."""
    return [
        f"{record.getMessage()}: {record.exc_info[1]!r}"
        for record in caplog.records
        if record.exc_info and not isinstance(record.exc_info[1], ChronicleError)
    ]


async def check_goes_on(channel: grpc.aio.Channel, kernel: Kernel) -> None:
    """Every event can be read, there are no holes, and another one can be appended."""
    service = EventSequencesStub(channel)
    for namespace in (await kernel.event_stores.get(EVENT_STORE)).namespaces():
        names = await service.GetEventSequences(
            pb.GetEventSequencesRequest(EventStore=EVENT_STORE, Namespace=namespace), timeout=SECONDS
        )
        for name in names.EventSequenceIds:
            await check_can_be_read(
                service, {"EventStore": EVENT_STORE, "Namespace": namespace, "EventSequenceId": name}
            )
    place: dict[str, Any] = {"EventStore": "another", "Namespace": "Default", "EventSequenceId": "event-log"}
    await (await kernel.event_stores.ensure("another")).register_event_types(
        [EventTypeRegistration("noted", 1)]
    )
    appended = await service.Append(
        pb.AppendRequest(
            **place,
            EventSourceId="a",
            EventType=pb.EventType(Id="noted", Generation=1),
            Content="{}",
            Causation=[pb.Causation(Type="test")],
            CausedBy=pb.Identity(UserName="somebody"),
            ConcurrencyScope=pb.ConcurrencyScope(ExpectsNoMatchingEvent=True),
        ),
        timeout=SECONDS,
    )
    assert not appended.Errors
    assert await check_can_be_read(service, place) == 1


async def check_can_be_read(service: EventSequencesStub, place: dict[str, Any]) -> int:
    """How many events there are; one at a time, as they may be large."""
    tail = await service.GetTailSequenceNumber(pb.GetTailSequenceNumberRequest(**place), timeout=SECONDS)
    count = (tail.SequenceNumber + 1) % 2**64
    for number in range(count):
        request = pb.GetFromEventSequenceNumberRequest(
            **place, FromEventSequenceNumber=number, ToEventSequenceNumber=number
        )
        (event,) = (await service.GetEventsFromEventSequenceNumber(request, timeout=SECONDS)).Events
        assert event.Context.SequenceNumber == number
        event.SerializeToString()
    return count


@pytest.mark.parametrize(
    ("channel", "seed"),
    [*(("embedded", seed) for seed in range(16)), *(("remote", seed) for seed in range(16, 20))],
    indirect=["channel"],
)
async def test_any_request_has_an_answer_and_harms_nothing(
    channel: grpc.aio.Channel, kernel: Kernel, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    await send_any(channel, kernel, seed, caplog)
    await check_goes_on(channel, kernel)
    assert unexpected(caplog) == []


@pytest.mark.parametrize("seed", range(20, 24))
async def test_after_any_requests_a_kernel_can_be_opened_again(
    open_kernel: OpenKernel, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    kernel = await open_kernel()
    async with embedded(kernel) as channel:
        await send_any(channel, kernel, seed, caplog)
    kernel = await open_kernel()
    async with embedded(kernel) as channel:
        await check_goes_on(channel, kernel)
    assert unexpected(caplog) == []


def embedded(kernel: Kernel) -> EmbeddedChannel:
    services = EmbeddedServices()
    register_services(kernel, services)
    return EmbeddedChannel(services, _nothing)


async def _nothing() -> None: ...
