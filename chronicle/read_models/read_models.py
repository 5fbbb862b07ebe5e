"""`ReadModels`: the instances that reducers keep, by key and all of them."""

from collections.abc import Mapping
from typing import TypeVar

from chronicle.connections.calls import Call
from chronicle.contracts import read_models_pb2 as pb
from chronicle.contracts.read_models_pb2_grpc import ReadModelsStub
from chronicle.errors import DeclarationError
from chronicle.read_models.declaration import KeptReadModel
from chronicle.read_models.reading import InstanceReader
from chronicle.store_access import StoreAccess
from chronicle.values import UNAVAILABLE

_Model = TypeVar("_Model")


class ReadModels:
    """The read models of one event store in one namespace.

    Reading is eventually consistent: an event shows once its reducer has handled it.
    """

    def __init__(self, store: StoreAccess, models: Mapping[type, KeptReadModel]) -> None:
        """`models` are those that something keeps, by class, as `kept_read_models` finds them."""
        stub = ReadModelsStub(store.channel)
        self._get = Call(stub.GetInstanceByKey, "ReadModels/GetInstanceByKey", store.calls)
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
        kept = self._kept(model)
        response = await self._get(
            pb.GetInstanceByKeyRequest(
                EventStore=self._store.event_store,
                Namespace=self._store.namespace,
                ReadModelIdentifier=kept.identifier,
                EventSequenceId=kept.kept_by.event_sequence,
                ReadModelKey=key,
            )
        )
        return self._reader.read(model, response.ReadModel)

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

    def _kept(self, model: type) -> KeptReadModel:
        kept = self._models.get(model)
        if kept is None:
            name = getattr(model, "__qualname__", repr(model))
            raise DeclarationError(
                f"Nothing keeps the read model {name}. Declare a reducer for it, @reducer(model={name}), "
                "among the artifacts of this event store."
            )
        return kept
