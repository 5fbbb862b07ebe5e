"""What conformance tests talk to: a kernel, chosen by `--kernel`, through the client and through raw stubs.

Without the option every test runs twice: with a kernel in this process, and with one on a port of this
machine. Each test has an event store of its own, so that they may all share one kernel.
"""

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import grpc.aio
import pytest

from chronicle import ChronicleClient, EventStore
from tests.conformance.bank import BANK
from tests.conformance.kernels import EMBEDDED, SERVED, KernelUnderTest, running
from tests.conformance.raw import RawStore, Stubs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kernel",
        metavar="CONNECTION_STRING",
        help="the kernel that conformance tests run against, such as chronicle://localhost:35000"
        " (default: an embedded one, in process and on a port)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kernel" in metafunc.fixturenames:
        given = metafunc.config.getoption("--kernel", default=None)
        metafunc.parametrize("kernel", [given] if given else [EMBEDDED, SERVED], indirect=True)


@pytest.fixture
async def kernel(request: pytest.FixtureRequest) -> AsyncIterator[KernelUnderTest]:
    """The kernel under test."""
    async with running(request.param) as under_test:
        yield under_test


@pytest.fixture
async def client(kernel: KernelUnderTest) -> AsyncIterator[ChronicleClient]:
    """A client of the kernel under test."""
    if kernel.client is not None:
        yield kernel.client
    else:
        async with ChronicleClient(kernel.connection_string) as client:
            yield client


@pytest.fixture
def channel(kernel: KernelUnderTest) -> grpc.aio.Channel:
    """A channel to the kernel under test."""
    return kernel.channel


@pytest.fixture
def stubs(channel: grpc.aio.Channel) -> Stubs:
    """The contract's stubs on that channel."""
    return Stubs(channel)


@pytest.fixture
def store_name(request: pytest.FixtureRequest) -> str:
    """A name that no event store has yet, and that tells which test it was for."""
    # Databases of real kernels take few characters in few places.
    test = re.sub(r"[^a-z0-9]+", "-", request.node.originalname.removeprefix("test_").lower())
    return f"{test[:30].strip('-')}-{uuid4().hex[:12]}"


@pytest.fixture
async def raw(stubs: Stubs, store_name: str) -> RawStore:
    """An event store of the test's own, ensured, with the event types `happened`, `other` and `third`."""
    store = RawStore(stubs, store_name)
    await store.ensure()
    await store.register("happened", "other", "third")
    return store


@pytest.fixture
async def bank(client: ChronicleClient, store_name: str) -> EventStore:
    """An event store of the test's own, through the client, with the event types of a bank."""
    return await client.event_store(store_name, artifacts=BANK)


@pytest.fixture
def raw_bank(stubs: Stubs, bank: EventStore) -> RawStore:
    """The same event store through raw stubs."""
    return RawStore(stubs, bank.name)
