"""`ReadModels`: the instances that reducers keep, by key and all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from chronicle.connections.calls import Call
from chronicle.contracts import event_sequences_pb2
from chronicle.contracts import read_models_pb2 as pb
from chronicle.contracts.event_sequences_pb2_grpc import EventSequencesStub
from chronicle.contracts.read_models_pb2_grpc import ReadModelsStub
from chronicle.errors import DeclarationError
from chronicle.event_sequences.concurrency import ConcurrencyScope, write_event_types
from chronicle.read_models.declaration import KeptReadModel
from chronicle.read_models.reading import InstanceReader
from chronicle.read_models.watching import Watch
from chronicle.store_access import StoreAccess
from chronicle.values import UNAVAILABLE, is_actual

_Model = TypeVar("_Model")


@dataclass(frozen=True, slots=True)
class ReadModelInstance(Generic[_Model]):
    """An instance of a read model, and how far it goes."""

    key: str
    model: _Model
    sequence_number: int
    """The number of the last event that it contains."""


class ReadModels:
    """The read models of one event store in one namespace.

    Reading is eventually consistent: an event shows once its reducer has handled it.
    """

    def __init__(self, store: StoreAccess, models: Mapping[type, KeptReadModel]) -> None:
        """`models` are those that something keeps, by class, as `kept_read_models` finds them."""
        stub = ReadModelsStub(store.channel)
        self._get = Call(stub.GetInstanceByKey, "ReadModels/GetInstanceByKey", store.calls)
        self._get_tail = Call(
            EventSequencesStub(store.channel).GetTailSequenceNumber,
            "EventSequences/GetTailSequenceNumber",
            store.calls,
        )
        self._get_all = Call(stub.GetAllInstances, "ReadModels/GetAllInstances", store.calls)
        self._store = store
        self._models = models
        self._reader = InstanceReader(store.serializer)

    async def get(self, model: type[_Model], key: str) -> _Model | None:
        """The instance under a key, for a reducer's model the event source id; `None` if there is none.

        Raises `DeclarationError`, before any call, for a class that nothing keeps; `SerializationError`
        when what is stored does not fit the class; `CallError` when the kernel does not answer.
        (ReadModels/GetInstanceByKey)
        """
        return self._reader.read(model, (await self._by_key(model, key)).ReadModel)

    async def instance(self, model: type[_Model], key: str) -> ReadModelInstance[_Model] | None:
        """The same with the number of the last event that it contains.

        Whoever appends on the ground of what is read here makes sure with `scope` that it still holds.

        Raises as `get` does. (ReadModels/GetInstanceByKey)
        """
        response = await self._by_key(model, key)
        found = self._reader.read(model, response.ReadModel)
        if found is None:
            return None
        return ReadModelInstance(key, found, response.LastHandledEventSequenceNumber)

    def scope(self, model: type, key: str, sequence_number: int | None) -> ConcurrencyScope:
        """What to append with, for the append to be refused when an instance is out of date.

            account = await store.read_models.instance(Account, "account-42")
            scope = store.read_models.scope(Account, "account-42", account.sequence_number)
            await store.event_log.append("account-42", FundsWithdrawn(amount=10), concurrency=scope)

        It holds as long as there is no newer event that the model's reducer handles; with None, as long as
        there is none at all. An event that has left the instance as it was counts too.

        Raises `DeclarationError` for a class that nothing keeps, `ValueError` for what is no number.
        """
        handlers = self._kept(model).kept_by.handlers.values()
        scope = ConcurrencyScope.at(sequence_number).for_source(key)
        return replace(scope, event_types=tuple(handler.event_type for handler in handlers))

    async def newest_event(self, model: type) -> int | None:
        """The number of the newest event that the model's reducer handles; None when there is none.

        Raises as `get` does. (EventSequences/GetTailSequenceNumber)
        """
        reducer = self._kept(model).kept_by
        response = await self._get_tail(
            event_sequences_pb2.GetTailSequenceNumberRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                EventSequenceId=reducer.event_sequence,
                EventTypes=write_event_types(handler.event_type for handler in reducer.handlers.values()),
            )
        )
        return response.SequenceNumber if is_actual(response.SequenceNumber) else None

    def watch(self, model: type[_Model], key: str | None = None) -> Watch[_Model]:
        """The instances as they change from now on, in every process: an iterator over changes.

            async with store.read_models.watch(Account) as changes:
                async for change in changes:
                    ...

        With a key only those of the instance under it. Entering returns once the kernel has begun to watch,
        and raises as `get` does. (ReadModels/Watch)
        """
        kept = self._kept(model)
        request = pb.WatchRequest(
            EventStore=self._store.event_store,
            Namespace=self._store.namespace,
            ReadModelIdentifier=kept.identifier,
            EventSequenceId=kept.kept_by.event_sequence,
        )
        read = partial(self._reader.read, model)
        return Watch(ReadModelsStub(self._store.channel).Watch, request, self._store.calls, read, key=key)

    async def all(self, model: type[_Model]) -> list[_Model]:
        """All instances, in no particular order.

        Raises as `get` does. (ReadModels/GetAllInstances)
        """
        kept = self._kept(model)
        response = await self._get_all(
            pb.GetAllInstancesRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                ReadModelIdentifier=kept.identifier,
                EventSequenceId=kept.kept_by.event_sequence,
                EventCount=UNAVAILABLE,
            )
        )
        instances = (self._reader.read(model, text) for text in response.Instances)
        return [instance for instance in instances if instance is not None]

    async def _by_key(self, model: type, key: str) -> pb.GetInstanceByKeyResponse:
        kept = self._kept(model)
        return await self._get(
            pb.GetInstanceByKeyRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                ReadModelIdentifier=kept.identifier,
                EventSequenceId=kept.kept_by.event_sequence,
                ReadModelKey=key,
            )
        )

    def _kept(self, model: type) -> KeptReadModel:
        kept = self._models.get(model)
        if kept is None:
            name = getattr(model, "__qualname__", repr(model))
            raise DeclarationError(
                f"Nothing keeps the read model {name}. Declare a reducer for it, @reducer(model={name}), "
                "among the artifacts of this event store."
            )
        return kept
