"""Events between their stored form and the contract's messages.

The contract repeats `AppendedEvent`, `EventContext` and their parts in every package that uses them, alike
on the wire but each a class of its own: whoever converts says for which package.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec

from chronicle.contracts.event_sequences_pb2 import Causation, EventContext
from chronicle.kernel.compliance import Readable
from chronicle.kernel.event_types.definitions import HIGHEST_GENERATION
from chronicle.kernel.identities import Identities, Identity, IdentityChain
from chronicle.kernel.services.faults import InvalidRequest
from chronicle.kernel.storage.events import GenerationalEvent, RevisedEvent, StoredEvent
from chronicle.values import format_ticks, halves_from_guid_bytes

MOST_IDENTITIES: Final = 64
"""How long a chain of identities may be: messages that are nested deeper than 100 levels reach no reader."""

# Kinds of events, in the sense of all that they share, that are converted once and kept.
_KEPT: Final = 1024

_encode_tags = msgspec.json.Encoder().encode
_decode_tags = msgspec.json.Decoder(list[str]).decode


def encode_causation(chain: Iterable[Causation]) -> bytes:
    """A causation chain as it is stored: the bytes of an `EventContext` that has nothing else.

    Kept so, it costs an event next to nothing to carry it from the caller to the reader.
    """
    return EventContext(Causation=chain).SerializeToString()


def tags_json(tags: Sequence[str]) -> str | None:
    """Tags as the JSON that is stored with an event; `None` when there are none."""
    return _encode_tags(list(tags)).decode() if tags else None


def identity_chain(message: Any) -> IdentityChain:
    """The chain of an `Identity` message, the acting one first.

    Raises `InvalidRequest` for more than `MOST_IDENTITIES`.
    """
    chain: list[Identity] = []
    while True:
        if len(chain) == MOST_IDENTITIES:
            raise InvalidRequest(f"CausedBy has more than {MOST_IDENTITIES} identities. Send fewer.")
        chain.append(Identity(message.Subject, message.Name, message.UserName))
        if not message.HasField("OnBehalfOf"):
            return tuple(chain)
        message = message.OnBehalfOf


def check_generation(event_type: Any) -> None:
    """Raises `InvalidRequest` for an `EventType` with a generation that no event can have."""
    if event_type.Generation > HIGHEST_GENERATION:
        raise InvalidRequest(
            f"EventType.Generation is {event_type.Generation}, and can be {HIGHEST_GENERATION} at most. "
            "The first generation is 1."
        )


class AppendedEvents:
    """Turns stored events of one namespace into the `AppendedEvent` messages of one contract package.

    `messages` is the module of that package. Reading is where speed counts most: what events of one kind
    share is encoded once, and an event's context is read from those bytes and the stored causation in one go,
    rather than put together from a dozen messages.
    """

    def __init__(self, messages: Any, *, event_store: str, namespace: str, identities: Identities) -> None:
        self._messages = messages
        self._event_store = event_store
        self._namespace = namespace
        self._identities = identities
        self._shared = lru_cache(_KEPT)(self._encode_shared)
        self._renames = identities.renames

    def add_to(
        self,
        field: Any,
        readable: Readable,
        observation_state: int = 1,
    ) -> None:
        """Adds events to a message's field of `AppendedEvent`; the state as in the contract, 1 for Initial.

        They are made where they stay: messages that are handed over to a field are copied.
        """
        events, contents = readable
        if self._renames != self._identities.renames:
            self._renames = self._identities.renames
            self._shared.cache_clear()
        if contents is None:
            for event in events:
                self._fill(field.add(Content=event.content), event, observation_state)
        else:
            for event, content in zip(events, contents, strict=True):
                self._fill(field.add(Content=content), event, observation_state)

    def _fill(self, message: Any, event: StoredEvent, observation_state: int) -> None:
        if type(event) is RevisedEvent:
            self._add_revisions(message, event)
        else:
            # Setting one entry is several times as fast as handing over a dictionary.
            message.GenerationalContent[event.generation] = event.content
        if isinstance(event, GenerationalEvent):
            for other in event.others:
                message.GenerationalContent[other.generation] = other.content
        context = message.Context
        shared = self._shared(
            event.event_type,
            event.generation,
            event.event_source_type,
            event.event_stream_type,
            event.event_stream_id,
            event.caused_by,
            event.tags,
            observation_state,
        )
        context.MergeFromString(shared + event.causation)
        context.EventSourceId = event.event_source_id
        context.SequenceNumber = event.number
        context.Occurred.Value = format_ticks(event.occurred)
        correlation_id = context.CorrelationId
        correlation_id.lo, correlation_id.hi = halves_from_guid_bytes(event.correlation_id)
        context.Hash = event.hash

    def _add_revisions(self, message: Any, event: RevisedEvent) -> None:
        message.OriginalContent = event.original_content
        for revision in event.revisions:
            added = message.Revisions.add(
                Generation=revision.generation,
                CorrelationId=str(UUID(bytes=revision.correlation_id)),
                CausedBy=self._identity(revision.caused_by),
                Content=revision.content,
            )
            added.Occurred.Value = format_ticks(revision.occurred)

    def _encode_shared(
        self,
        event_type: str,
        generation: int,
        event_source_type: str,
        event_stream_type: str,
        event_stream_id: str,
        caused_by: str,
        tags: str | None,
        observation_state: int,
    ) -> bytes:
        messages = self._messages
        context = messages.EventContext(
            EventType=messages.EventType(Id=event_type, Generation=generation),
            EventSourceType=event_source_type,
            EventStreamType=event_stream_type,
            EventStreamId=event_stream_id,
            EventStore=self._event_store,
            Namespace=self._namespace,
            CausedBy=self._identity(caused_by),
            ObservationState=observation_state,
            Tags=() if tags is None else _decode_tags(tags),
        )
        encoded: bytes = context.SerializeToString()
        return encoded

    def _identity(self, caused_by: str) -> Any:
        message = None
        for identity in reversed(self._identities.chain_of(caused_by)):
            message = self._messages.Identity(
                Subject=identity.subject, Name=identity.name, UserName=identity.user_name, OnBehalfOf=message
            )
        return message
