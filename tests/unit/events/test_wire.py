"""Identities and causation as messages of every package that has them."""

from datetime import UTC, datetime, timedelta, timezone
from types import ModuleType
from typing import Any, cast

import pytest

from chronicle.context import Causation, Identity
from chronicle.contracts import (
    event_sequences_pb2,
    observation_reactors_pb2,
    observation_reducers_pb2,
    read_models_pb2,
)
from chronicle.events.wire import causation_messages, identity_message, to_causation, to_identity

PACKAGES = [event_sequences_pb2, observation_reactors_pb2, observation_reducers_pb2, read_models_pb2]
WHEN = datetime(2024, 1, 15, 12, 30, 0, 123_456, timezone(timedelta(hours=2)))

every_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)


@every_package
def test_an_identity_comes_back_with_those_behind_it(package: ModuleType) -> None:
    identity = Identity("1", "Reactor", "reactor", Identity("2", "Alice", "alice", Identity.SYSTEM))

    message = identity_message(identity, cast(Any, package))

    assert isinstance(message, package.Identity)
    assert to_identity(message) == identity


@every_package
def test_a_causation_chain_comes_back(package: ModuleType) -> None:
    chain = (Causation("Root", {"process": "test"}, WHEN), Causation("Request", {}, WHEN))

    messages = causation_messages(chain, cast(Any, package))

    assert messages[0].Occurred.Value == "2024-01-15T12:30:00.1234560+02:00"
    assert to_causation(messages) == chain


@pytest.mark.parametrize(
    ("identity", "name", "user_name"),
    [
        (Identity("1", "Alice"), "Alice", "Alice"),
        (Identity("1", "", "alice"), "alice", "alice"),
        (Identity("1", ""), "1", "1"),
        (Identity("1", "Alice", "alice"), "Alice", "alice"),
    ],
    ids=repr,
)
def test_no_name_is_sent_empty(identity: Identity, name: str, user_name: str) -> None:
    message = identity_message(identity, event_sequences_pb2)

    assert (message.Name, message.UserName) == (name, user_name)


@pytest.mark.row("S85")
def test_repeated_subjects_are_not_sent() -> None:
    identity = Identity("1", "A", "a", Identity("2", "B", "b", Identity("1", "Again", "again")))

    message = identity_message(identity, event_sequences_pb2)

    assert to_identity(message) == Identity("1", "A", "a", Identity("2", "B", "b"))


def test_the_moment_of_a_cause_is_sent_as_utc_when_naive() -> None:
    naive = Causation("x", {}, datetime(2024, 1, 1))

    (message,) = causation_messages([naive], event_sequences_pb2)

    assert to_causation([message])[0].occurred == datetime(2024, 1, 1, tzinfo=UTC)
