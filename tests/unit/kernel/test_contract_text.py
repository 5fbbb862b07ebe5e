"""The contract as text, as a client that compares it line by line reads it (connection.md 6)."""

import re
from collections.abc import Mapping

import pytest

from chronicle.kernel.services.contract_text import contract_text
from chronicle.kernel.services.server import split_version


@pytest.fixture(scope="module")
def text() -> str:
    return contract_text()


def services_of(text: str) -> Mapping[str, Mapping[str, str]]:
    """The methods' lines by service and method: what the .NET client makes of a text."""
    services: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if service := re.match(r"^\s*service\s+(\w+)\s*\{?", line):
            services[service[1]] = current = {}
        elif method := re.match(r"^\s*rpc\s+(\w+)\s*\(", line):
            current[method[1]] = line.strip().rstrip("; ")
    return services


def test_it_is_proto3_and_names_every_service(text: str) -> None:
    services = services_of(text)
    assert text.startswith('syntax = "proto3";')
    assert len(services) == 26
    assert sum(map(len, services.values())) == 125


@pytest.mark.parametrize(
    ("service", "method", "line"),
    [
        (
            "ConnectionService",
            "ConnectionKeepAlive",
            "rpc ConnectionKeepAlive (ConnectionKeepAlive) returns (.google.protobuf.Empty)",
        ),
        ("ConnectionService", "Connect", "rpc Connect (ConnectRequest) returns (stream ConnectionKeepAlive)"),
        (
            "ConnectionService",
            "GetDescriptorSet",
            "rpc GetDescriptorSet (.google.protobuf.Empty) returns (DescriptorSetResponse)",
        ),
        ("EventSequences", "Append", "rpc Append (AppendRequest) returns (AppendResponse)"),
        (
            "Reactors",
            "Observe",
            "rpc Observe (stream ReactorMessage) returns (stream EventsToObserve)",
        ),
    ],
)
def test_methods_are_written_as_the_client_writes_them(
    text: str, service: str, method: str, line: str
) -> None:
    assert services_of(text)[service][method] == line


def test_no_method_names_a_type_with_its_package(text: str) -> None:
    lines = [line for methods in services_of(text).values() for line in methods.values()]
    assert [line for line in lines if "Cratis" in line] == []


def test_presence_maps_and_guids_are_as_on_the_wire(text: str) -> None:
    assert "   optional bool IsAuthorized = 2;" in text
    assert "   .bcl.Guid CorrelationId = 1;" in text
    assert re.search(r"   map<string,\w+> \w+ = \d+;", text)


@pytest.mark.parametrize(
    ("text", "version", "commit"),
    [
        ("15.9.0+abc123", "15.9.0", "abc123"),
        ("15.9.0-beta.1+abc", "15.9.0-beta.1", "abc"),
        ("16.37.1", "16.37.1", ""),
    ],
)
def test_a_version_is_split_from_its_commit(text: str, version: str, commit: str) -> None:
    assert split_version(text) == (version, commit)
