"""Read models as the kernel is told of them (projections-and-read-models.md 3.1 to 3.4)."""

import json
from collections.abc import Iterable
from typing import Final

from chronicle.contracts import bcl_pb2
from chronicle.contracts import read_models_pb2 as pb
from chronicle.read_models.declaration import KeptReadModel
from chronicle.serialization import NamingPolicy, json_schema

# The only generation that read models have so far: unlike events they are made anew, not migrated.
_GENERATION: Final = 1
_NOWHERE: Final = "None"
"""The sink of models that are not kept but computed when they are asked for."""


def register_many_request(
    models: Iterable[KeptReadModel], *, event_store: str, naming: NamingPolicy, sink: str
) -> pb.RegisterManyRequest:
    """The request that registers read models; `sink` is where the kernel keeps instances ("MongoDB", "SQL").

    Raises `UnsupportedTypeError` for a model that no schema can be made for. (ReadModels/RegisterMany)
    """
    return pb.RegisterManyRequest(
        EventStore=event_store,
        Owner=pb.READ_MODEL_OWNER_Client,
        ReadModels=[definition(model, naming=naming, sink=sink) for model in models],
        Source=pb.READ_MODEL_SOURCE_Code,
    )


def definition(model: KeptReadModel, *, naming: NamingPolicy, sink: str) -> pb.ReadModelDefinition:
    """The definition of one read model."""
    reducer = model.kept_by
    return pb.ReadModelDefinition(
        Type=pb.ReadModelType(Identifier=model.identifier, Generation=_GENERATION),
        ContainerName=model.identifier,
        DisplayName=model.identifier,
        # The reference server takes a missing configuration for a null one; the zero guid is what it means.
        Sink=pb.SinkDefinition(
            ConfigurationId=bcl_pb2.Guid(), TypeId=sink if reducer.is_active else _NOWHERE
        ),
        Schema=json.dumps(json_schema(model.type, naming)),
        ObserverType=pb.READ_MODEL_OBSERVER_TYPE_Reducer,
        ObserverIdentifier=reducer.id,
        Owner=pb.READ_MODEL_OWNER_Client,
        Source=pb.READ_MODEL_SOURCE_Code,
    )
