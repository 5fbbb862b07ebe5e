"""Requests that once did harm: each is refused by name or answered, and what is stored can be read."""

from typing import Any, Final

import grpc.aio
import pytest

from chronicle.contracts import event_sequences_pb2 as pb
from chronicle.contracts import events_pb2, seeding_pb2
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.contracts.events_pb2_grpc import EventTypesStub
from chronicle.contracts.seeding_pb2_grpc import EventSeedingStub
from chronicle.kernel.services.events import MOST_IDENTITIES
from chronicle.values import UNAVAILABLE

PLACE: Final[dict[str, Any]] = {"EventStore": "bank", "Namespace": "Default", "EventSequenceId": "event-log"}
SECONDS: Final = 10


def chain_of(length: int) -> pb.Identity:
    """A chain of identities, each on behalf of the next."""
    chain = pb.Identity(Subject="0", UserName="0")
    for number in range(1, length):
        before, chain = chain, pb.Identity(Subject=str(number), UserName=str(number))
        chain.OnBehalfOf.CopyFrom(before)
    return chain


def length_of(chain: pb.Identity) -> int:
    return 1 + (length_of(chain.OnBehalfOf) if chain.HasField("OnBehalfOf") else 0)


async def register(channel: grpc.aio.Channel, *types: events_pb2.EventTypeRegistration) -> None:
    request = events_pb2.RegisterEventTypesRequest(EventStore="bank", Types=types)
    await EventTypesStub(channel).Register(request, timeout=SECONDS)


def event_type(id_: str = "opened", generation: int = 1, **fields: Any) -> events_pb2.EventTypeRegistration:
    return events_pb2.EventTypeRegistration(
        Type=events_pb2.EventType(Id=id_, Generation=generation), **fields
    )


async def append(channel: grpc.aio.Channel, **fields: Any) -> pb.AppendResponse:
    demanded: dict[str, Any] = {
        "EventSourceId": "a",
        "EventType": pb.EventType(Id="opened", Generation=1),
        "Content": "{}",
        "Causation": [pb.Causation(Type="test")],
        "CausedBy": pb.Identity(UserName="somebody"),
        "ConcurrencyScope": pb.ConcurrencyScope(SequenceNumber=UNAVAILABLE),
    }
    request = pb.AppendRequest(**PLACE, **(demanded | fields))
    return await EventSequencesStub(channel).Append(request, timeout=SECONDS)


async def read(channel: grpc.aio.Channel) -> list[pb.AppendedEvent]:
    request = pb.GetFromEventSequenceNumberRequest(**PLACE)
    answer = await EventSequencesStub(channel).GetEventsFromEventSequenceNumber(request, timeout=SECONDS)
    return list(answer.Events)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"Occurred": pb.SerializableDateTimeOffset(Value="0001-01-01T00:00:00+14:00")}, "Occurred"),
        ({"Occurred": pb.SerializableDateTimeOffset(Value="9999-12-31T23:59:59-14:00")}, "Occurred"),
        ({"EventType": pb.EventType(Id="opened", Generation=2**32 - 1)}, "Generation is 4294967295"),
        ({"CausedBy": chain_of(MOST_IDENTITIES + 1)}, "more than 64 identities"),
    ],
)
async def test_an_event_that_nobody_could_read_is_refused(
    channel: grpc.aio.Channel, fields: dict[str, Any], named: str
) -> None:
    await register(channel, event_type())
    await append(channel)
    with pytest.raises(grpc.aio.AioRpcError, match=rf"InvalidRequest: .*{named}"):
        await append(channel, **fields)
    (event,) = await read(channel)
    assert event.Context.SequenceNumber == 0


async def test_the_longest_chain_of_identities_and_the_first_and_last_moment_can_be_read(
    channel: grpc.aio.Channel,
) -> None:
    moments = ["0001-01-01T00:00:00.0000000+00:00", "9999-12-31T23:59:59.0000000+00:00"]
    await register(channel, event_type())
    for moment in moments:
        occurred = pb.SerializableDateTimeOffset(Value=moment)
        assert not (await append(channel, CausedBy=chain_of(MOST_IDENTITIES), Occurred=occurred)).Errors
    events = await read(channel)
    assert [event.Context.Occurred.Value for event in events] == moments
    assert [length_of(event.Context.CausedBy) for event in events] == [MOST_IDENTITIES] * 2


@pytest.mark.parametrize("letter", ["x", "\U0001d518"])
async def test_a_refusal_that_quotes_much_arrives_under_its_name(
    channel: grpc.aio.Channel, letter: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await register(channel, event_type(letter * 1_000_000, 2))
    assert refused.value.code() is grpc.StatusCode.UNKNOWN
    details = refused.value.details() or ""
    assert details.startswith(
        f"Exception was thrown by handler. MissingEventTypeMigrators: Event type '{letter}"
    )
    assert details.endswith(f"{letter}...")


@pytest.mark.parametrize(
    "refused",
    [
        event_type(Schema='{"maximum": NaN}'),
        event_type(Schema='{"items": ' * 2_000 + "{}" + "}" * 2_000),
        event_type(generation=2**32 - 1),
        event_type(
            generation=2,
            Migrations=[events_pb2.EventTypeMigrationDefinition(FromGeneration=1, ToGeneration=2)] * 2,
        ),
    ],
)
async def test_an_event_type_that_nobody_could_append_is_refused(
    channel: grpc.aio.Channel, refused: events_pb2.EventTypeRegistration
) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=r"handler\. InvalidEventType: "):
        await register(channel, refused)


async def test_properties_that_are_no_object_are_none_for_migrations(channel: grpc.aio.Channel) -> None:
    generations = [
        events_pb2.EventTypeGenerationDefinition(Generation=number, Schema='{"properties": [["a"]]}')
        for number in (1, 2)
    ]
    step = events_pb2.EventTypeMigrationDefinition(
        FromGeneration=1, ToGeneration=2, UpcastJmesPath='{"b": {"$rename": "a"}}'
    )
    await register(channel, event_type(generation=2, Generations=generations, Migrations=[step]))
    assert not (await append(channel, Content='{"a": 1}')).Errors


@pytest.mark.parametrize(
    "content", ['{"a": ' * 5_000 + "1" + "}" * 5_000, '{"a": ' * 70 + "1" + "}" * 70, "[]"]
)
async def test_a_seed_that_nobody_could_append_is_refused(channel: grpc.aio.Channel, content: str) -> None:
    await register(channel, event_type())
    entry = seeding_pb2.SeedingEntry(EventSourceId="a", EventTypeId="opened", Content=content)
    group = seeding_pb2.EventSourceSeedEntries(EventSourceId="a", Entries=[entry])
    request = seeding_pb2.SeedRequest(EventStore="bank", GlobalByEventSource=[group])
    with pytest.raises(grpc.aio.AioRpcError, match=r"handler\. InvalidSeed: "):
        await EventSeedingStub(channel).Seed(request, timeout=SECONDS)
    assert await read(channel) == []
