"""The registry of connected clients, on a clock of its own (connection.md 5.2)."""

from dataclasses import dataclass

import pytest

from chronicle.kernel.clients import Client, ConnectedClients


@dataclass
class Clock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def ticks(self) -> int:
        return int(self.seconds * 10_000_000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def clients(clock: Clock) -> ConnectedClients:
    return ConnectedClients(steady_clock=clock, ticks=clock.ticks)


def test_nobody_is_connected_at_first(clients: ConnectedClients) -> None:
    assert clients.all() == ()
    assert not clients.is_connected("a")


def test_a_client_is_listed_as_it_introduced_itself(clients: ConnectedClients, clock: Clock) -> None:
    client = Client("a", "1.2.3", False, 42, "/usr/bin/python", "machine", "Python")
    clients.connect(client)
    (connected,) = clients.all()
    assert connected.client == client
    assert connected.last_seen == clock.ticks()


def test_an_answer_moves_last_seen(clients: ConnectedClients, clock: Clock) -> None:
    clients.connect(Client("a"))
    clock.seconds += 1
    clients.keep_alive("a")
    assert clients.all()[0].last_seen == clock.ticks()


def test_five_seconds_of_silence_are_not_yet_too_long(clients: ConnectedClients, clock: Clock) -> None:
    clients.connect(Client("a"))
    clock.seconds += 5
    clients.evict_stale()
    assert clients.is_connected("a")


def test_more_than_five_seconds_of_silence_evict(clients: ConnectedClients, clock: Clock) -> None:
    clients.connect(Client("a"))
    clients.connect(Client("b"))
    clock.seconds += 3
    clients.keep_alive("b")
    clock.seconds += 3
    clients.evict_stale()
    assert not clients.is_connected("a")
    assert clients.is_connected("b")


def test_an_evicted_client_has_to_connect_again(clients: ConnectedClients, clock: Clock) -> None:
    clients.connect(Client("a"))
    clock.seconds += 6
    clients.evict_stale()
    clients.keep_alive("a")
    assert not clients.is_connected("a")
    clients.connect(Client("a"))
    assert clients.is_connected("a")


def test_a_client_in_a_debugger_may_be_silent(clients: ConnectedClients, clock: Clock) -> None:
    clients.connect(Client("a", is_running_with_debugger=True))
    clock.seconds += 3600
    clients.evict_stale()
    assert clients.is_connected("a")


def test_the_same_connection_id_replaces_the_earlier_client(clients: ConnectedClients) -> None:
    clients.connect(Client("a", version="1"))
    clients.connect(Client("a", version="2"))
    assert [connected.client.version for connected in clients.all()] == ["2"]


def test_a_late_goodbye_does_not_take_the_next_client_along(clients: ConnectedClients) -> None:
    first, second = Client("a"), Client("a")
    clients.connect(first)
    clients.connect(second)
    clients.disconnect(first)
    assert clients.is_connected("a")
    clients.disconnect(second)
    assert not clients.is_connected("a")


def test_ids_are_compared_exactly_and_may_be_empty(clients: ConnectedClients) -> None:
    clients.connect(Client(""))
    clients.connect(Client("A"))
    assert clients.is_connected("")
    assert not clients.is_connected("a")


def test_coming_and_going_are_changes_and_answers_are_not(clients: ConnectedClients, clock: Clock) -> None:
    client = Client("a")
    clients.connect(client)
    assert clients.changes.revision == 1
    clients.keep_alive("a")
    clients.evict_stale()
    assert clients.changes.revision == 1
    clients.disconnect(client)
    assert clients.changes.revision == 2
    clients.connect(client)
    clock.seconds += 6
    clients.evict_stale()
    assert clients.changes.revision == 4
