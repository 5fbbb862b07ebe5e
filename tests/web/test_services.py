"""What reactors and reducers ask for, which run in the application and outside of its requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from chronicle import (
    Artifacts,
    ChronicleOptions,
    EventContext,
    EventLog,
    EventStore,
    HandlerSignatureError,
    ReadModels,
    Services,
    UnitOfWork,
    event_type,
    reactor,
)
from chronicle_fastapi import Chronicle, EventStoreDep
from tests.waiting import eventually, in_good_time
from tests.web.asgi import running, serving
from tests.web.bank import ARTIFACTS, Balance, Deposited


@event_type("withdrawn")
class Withdrawn(BaseModel):
    amount: int


class Mailer:
    """Notes what it sends, and whether it is open."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.is_open = False


async def test_a_reactor_gets_what_belongs_to_the_store_and_namespace_of_its_event(
    options: ChronicleOptions,
) -> None:
    handled: asyncio.Queue[tuple[EventStore, EventLog, ReadModels, EventContext]] = asyncio.Queue()

    @reactor("watch")
    async def watch(
        event: Deposited, store: EventStore, log: EventLog, models: ReadModels, context: EventContext
    ) -> None:
        await handled.put((store, log, models, context))

    chronicle = Chronicle("bank", ARTIFACTS + Artifacts(reactors=[watch]), options=options)
    app = FastAPI(lifespan=chronicle.lifespan)

    @app.post("/")
    async def deposit(store: EventStoreDep) -> None:
        await store.event_log.append("a", Deposited(amount=1))

    async with serving(app) as client, in_good_time():
        for namespace in ("Default", "acme"):
            await client.post("/", headers={"x-cratis-tenant-id": namespace})
            store, log, models, context = await handled.get()
            assert (store.name, store.namespace, context.namespace) == ("bank", namespace, namespace)
            assert log is store.event_log
            assert models is store.read_models
            assert isinstance(await models.all(Balance), list)


@pytest.mark.row("S111")
async def test_it_gets_the_read_model_of_its_events_source_or_is_tried_again_until_there_is_one(
    options: ChronicleOptions,
) -> None:
    handled: asyncio.Queue[tuple[str, Balance | None]] = asyncio.Queue()

    @reactor("tell")
    async def tell(event: Deposited, balance: Balance, context: EventContext) -> None:
        await handled.put((context.event_source_id, balance))

    @reactor("look")
    async def look(event: Withdrawn, balance: Balance | None, context: EventContext) -> None:
        await handled.put((context.event_source_id, balance))

    artifacts = ARTIFACTS + Artifacts(reactors=[tell, look])
    async with Chronicle("bank", artifacts, options=options) as store, in_good_time():
        await store.event_log.append("a", Deposited(amount=5))
        assert await handled.get() == ("a", Balance(amount=5))
        await store.event_log.append("b", Withdrawn(amount=5))
        assert await handled.get() == ("b", None)
        await store.event_log.append("a", Withdrawn(amount=5))
        assert await handled.get() == ("a", Balance(amount=5))


async def test_its_unit_of_work_is_committed_after_it_and_not_when_it_fails(
    options: ChronicleOptions,
) -> None:
    attempts = []

    @reactor("double")
    async def double(event: Deposited, unit_of_work: UnitOfWork, context: EventContext) -> None:
        if context.event_source_id != "a":
            return
        attempts.append(event)
        unit_of_work.append("b", Deposited(amount=event.amount))
        unit_of_work.append("c", Deposited(amount=event.amount))
        if len(attempts) == 1:
            raise RuntimeError("once")

    artifacts = ARTIFACTS + Artifacts(reactors=[double])
    async with Chronicle("bank", artifacts, options=options) as store:
        await store.event_log.append("a", Deposited(amount=1))

        async def sources() -> list[str]:
            return [event.event_source_id for event in await store.event_log.events_from(0)]

        assert await eventually(sources, lambda found: "c" in found) == ["a", "b", "c"]
    assert len(attempts) == 2


async def test_what_the_application_registers_is_opened_for_each_event_and_closed_after_it(
    options: ChronicleOptions,
) -> None:
    mailer = Mailer()

    @asynccontextmanager
    async def open_mailer(store: EventStore) -> AsyncIterator[Mailer]:
        mailer.is_open = True
        mailer.sent.append(f"for {store.name}")
        yield mailer
        mailer.is_open = False

    @reactor("notify")
    async def notify(event: Deposited, mailer: Mailer) -> None:
        mailer.sent.append(f"{event.amount}, {'open' if mailer.is_open else 'closed'}")

    services = Services().add_factory(Mailer, open_mailer)
    artifacts = ARTIFACTS + Artifacts(reactors=[notify])
    async with Chronicle("bank", artifacts, options=options, services=services) as store:
        await store.event_log.append("a", Deposited(amount=5))

        async def is_closed() -> bool:
            return bool(mailer.sent) and not mailer.is_open

        await eventually(is_closed)
    assert mailer.sent == ["for bank", "5, open"]


async def test_what_nobody_registered_stops_the_start_and_names_who_asks_and_what_there_is(
    options: ChronicleOptions,
) -> None:
    @reactor("notify")
    async def notify(event: Deposited, mailer: Mailer) -> None: ...

    services = Services().add(Balance, Balance())
    chronicle = Chronicle("bank", Artifacts(reactors=[notify]), options=options, services=services)
    with pytest.raises(HandlerSignatureError) as raised:
        async with running(FastAPI(lifespan=chronicle.lifespan)):
            pass
    message = str(raised.value)
    assert message.startswith("notify.notify asks for Mailer, which nobody has registered.")
    assert "EventContext, EventStore, EventSequence, ReadModels, UnitOfWork" in message
    assert "what the application registers: Balance." in message
