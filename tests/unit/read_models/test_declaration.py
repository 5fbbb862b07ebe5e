"""Which classes are read models, under which identifiers, and what the kernel is told of them."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from chronicle.contracts import read_models_pb2 as pb
from chronicle.errors import DeclarationError
from chronicle.events.event_types import event_type
from chronicle.observation.declarations import ReducerDeclaration, reducer, reducer_of
from chronicle.read_models.declaration import (
    is_read_model,
    kept_read_models,
    read_model,
    read_model_of,
)
from chronicle.read_models.definitions import register_many_request
from chronicle.serialization import camel_case


@event_type("opened")
@dataclass
class Opened:
    owner: str


@dataclass
class Account:
    owner_name: str


@read_model("ledger")
@dataclass
class Ledger:
    total: int


def _reducer(model: type, name: str, *, active: bool = True) -> ReducerDeclaration:
    @reducer(model=model, id=name, active=active)
    class Accounts:
        def opened(self, event: Opened, current: Any) -> Any: ...

    return reducer_of(Accounts)


def test_the_identifier_is_the_class_name_unless_another_is_given() -> None:
    @read_model
    class Plain: ...

    class Derived(Ledger): ...

    assert read_model_of(Account).identifier == "Account"
    assert read_model_of(Ledger).identifier == "ledger"
    assert read_model_of(Plain).identifier == "Plain"
    assert read_model_of(Derived).identifier == "Derived"
    assert [is_read_model(each) for each in (Ledger, Plain, Account, Derived, None)] == [
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_identifier_is_refused(blank: str) -> None:
    with pytest.raises(DeclarationError, match="is no identifier"):
        read_model(blank)(type("Model", (), {}))


def test_only_a_class_is_a_read_model() -> None:
    with pytest.raises(DeclarationError, match="belongs above a class"):
        read_model("name")(print)  # type: ignore[arg-type]


def test_two_reducers_cannot_keep_one_model() -> None:
    with pytest.raises(DeclarationError, match="one and two both keep instances of the read model 'Account'"):
        kept_read_models([_reducer(Account, "one"), _reducer(Account, "two")])


def test_two_models_cannot_share_an_identifier() -> None:
    @read_model("Account")
    class Other: ...

    with pytest.raises(DeclarationError, match="Give one of the models"):
        kept_read_models([_reducer(Account, "one"), _reducer(Other, "two")])


def test_a_registration_says_everything_explicitly() -> None:
    kept = kept_read_models([_reducer(Account, "accounts")])

    request = register_many_request(kept.values(), event_store="bank", naming=camel_case, sink="MongoDB")

    assert (request.EventStore, request.Owner) == ("bank", pb.READ_MODEL_OWNER_Client)
    assert request.HasField("Source")
    assert request.Source == pb.READ_MODEL_SOURCE_Code
    [definition] = request.ReadModels
    assert (definition.Type.Identifier, definition.Type.Generation) == ("Account", 1)
    assert (definition.ContainerName, definition.DisplayName) == ("Account", "Account")
    assert (definition.Sink.TypeId, definition.Sink.HasField("ConfigurationId")) == ("MongoDB", True)
    assert (definition.ObserverType, definition.ObserverIdentifier) == (
        pb.READ_MODEL_OBSERVER_TYPE_Reducer,
        "accounts",
    )
    assert json.loads(definition.Schema)["properties"] == {"ownerName": {"type": "string"}}


def test_a_passive_model_has_no_sink() -> None:
    kept = kept_read_models([_reducer(Ledger, "ledgers", active=False)])

    request = register_many_request(kept.values(), event_store="bank", naming=camel_case, sink="MongoDB")

    assert [(each.Type.Identifier, each.Sink.TypeId) for each in request.ReadModels] == [("ledger", "None")]
