"""What handlers ask for beside the event: services, made for each event and closed after it."""

# Handlers that are only declared have no body.
# mypy: disable-error-code="empty-body"

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Annotated, Any, Generic, NewType, TypeVar

import pytest

from chronicle.contracts import observation_reactors_pb2 as pb
from chronicle.contracts import observation_reducers_pb2 as reducers_pb
from chronicle.errors import DeclarationError, HandlerSignatureError
from chronicle.event_sequences.event_for import EventFor
from chronicle.event_sequences.results import AppendManyResult
from chronicle.events.event_context import EventContext
from chronicle.events.event_types import event_type
from chronicle.observation.arguments import HandlerArguments
from chronicle.observation.declarations import reactor, reactor_of, reducer, reducer_of
from chronicle.observation.reactors import Reactor
from chronicle.observation.reducers import Reducer
from chronicle.observation.services import Services
from chronicle.serialization import Serializer
from tests.unit.observation.messages import (
    CORRELATION_ID,
    reactor_event,
    reducer_event,
    to_observe,
    to_reduce,
)

OPENED = '{"owner":"Ann"}'

T = TypeVar("T")
Greeting = NewType("Greeting", str)


@event_type("opened")
@dataclass
class Opened:
    owner: str


@dataclass
class Account:
    owner: str


@dataclass
class Mailer:
    host: str = "localhost"


class Session:
    """Notes how it is used; what is awaited when it is not entered shows in a failing test."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def __aenter__(self) -> "Session":
        self.log.append("opened")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.log.append(f"closed after {error!r}" if error else "closed")


class Repository(Generic[T]):
    def __init__(self, session: Session, context: EventContext) -> None:
        self.session = session
        self.context = context


async def append(events: Sequence[EventFor]) -> AppendManyResult:
    return AppendManyResult(CORRELATION_ID)


async def handle(function: Any, services: Services, *, times: int = 1) -> pb.ReactorResult:
    """Has a reactor handle events, the way an event store does."""
    arguments = HandlerArguments(services=services)
    declaration = reactor_of(reactor(function))
    arguments.check([declaration])
    worker = Reactor(declaration, serializer=Serializer(), append=append, arguments=arguments)
    answer = await worker.handle(
        to_observe(*(reactor_event("opened", OPENED, number=n) for n in range(times)))
    )
    assert answer is not None
    return answer.Content.Value1


async def test_values_are_handed_over_as_they_are_by_whatever_they_are_registered_under() -> None:
    got: list[Any] = []

    def welcome(event: Opened, greeting: Greeting, mailer: Mailer, account: Repository[Account]) -> None:
        got.extend((greeting, mailer, account))

    mailer, repository = Mailer(), object()
    services = Services().add(Greeting, "Hello").add(Mailer, mailer).add(Repository[Account], repository)
    result = await handle(welcome, services)
    assert result.State == pb.OBSERVATION_STATE_Success
    assert got == ["Hello", mailer, repository]
    assert got[1] is mailer


async def test_the_context_comes_where_it_is_asked_for() -> None:
    got: list[Any] = []

    async def welcome(event: Opened, mailer: Mailer, context: EventContext) -> None:
        got.extend((event, mailer, context.sequence_number))

    await handle(welcome, Services().add(Mailer, Mailer()))
    assert got == [Opened("Ann"), Mailer(), 0]


def make() -> Mailer:
    return Mailer("made later")


async def make_async() -> Mailer:
    return Mailer("made later")


@pytest.mark.parametrize("factory", [make, make_async])
async def test_factories_make_one_for_each_event(factory: Callable[[], Any]) -> None:
    got: list[Mailer] = []

    async def welcome(event: Opened, mailer: Mailer) -> None:
        got.append(mailer)

    await handle(welcome, Services().add_factory(Mailer, factory), times=2)
    assert got == [Mailer("made later"), Mailer("made later")]
    assert got[0] is not got[1]


async def test_what_can_be_entered_is_open_while_the_event_is_handled_and_closed_after_it() -> None:
    log: list[str] = []

    async def welcome(event: Opened, session: Session) -> None:
        session.log.append("handled")

    await handle(welcome, Services().add_factory(Session, lambda: Session(log)), times=2)
    assert log == ["opened", "handled", "closed"] * 2


async def test_a_handler_that_fails_closes_it_with_its_exception() -> None:
    log: list[str] = []

    async def welcome(event: Opened, session: Session) -> None:
        raise RuntimeError("broken")

    result = await handle(welcome, Services().add_factory(Session, lambda: Session(log)))
    assert log == ["opened", "closed after RuntimeError('broken')"]
    assert (result.State, list(result.ExceptionMessages)) == (pb.OBSERVATION_STATE_Failed, ["broken"])


async def test_closing_that_fails_fails_the_event() -> None:
    @asynccontextmanager
    async def commits_badly() -> AsyncIterator[Session]:
        yield Session([])
        raise RuntimeError("not committed")

    async def welcome(event: Opened, session: Session) -> None: ...

    result = await handle(welcome, Services().add_factory(Session, commits_badly))
    assert list(result.ExceptionMessages) == ["not committed"]


async def test_a_factory_that_fails_fails_the_event_and_what_was_opened_before_is_closed() -> None:
    log: list[str] = []

    def fail() -> Mailer:
        raise RuntimeError("no mailer")

    async def welcome(event: Opened, session: Session, mailer: Mailer) -> None: ...

    services = Services().add_factory(Session, lambda: Session(log)).add_factory(Mailer, fail)
    result = await handle(welcome, services)
    assert list(result.ExceptionMessages) == ["no mailer"]
    assert log == ["opened", "closed after RuntimeError('no mailer')"]


async def test_factories_ask_for_services_too_and_what_several_ask_for_is_made_once() -> None:
    log: list[str] = []
    got: list[Any] = []

    async def welcome(event: Opened, repository: Repository[Account], session: Session) -> None:
        got.extend((repository.session is session, repository.context.sequence_number))

    services = Services().add_factory(Session, lambda: Session(log))
    await handle(welcome, services.add_factory(Repository[Account], Repository))
    assert got == [True, 0]
    assert log == ["opened", "closed"]


async def test_a_blocking_handler_and_a_reducer_get_them_too() -> None:
    log: list[str] = []
    services = Services().add_factory(Session, lambda: Session(log))

    def welcome(event: Opened, session: Session) -> None:
        session.log.append("blocking")

    @reducer(model=Account)
    class Accounts:
        def opened(self, event: Opened, current: Account | None, session: Session) -> Account:
            session.log.append("reduced")
            return Account(event.owner)

    await handle(welcome, services)
    worker = Reducer(
        reducer_of(Accounts),
        read_model="Account",
        serializer=Serializer(),
        arguments=HandlerArguments(services=services),
    )
    answer = await worker.handle(to_reduce(reducer_event("opened", OPENED)))
    assert answer is not None
    assert answer.Content.Value1.State == reducers_pb.OBSERVATION_STATE_Success
    assert log == ["opened", "blocking", "closed", "opened", "reduced", "closed"]


class Scope:
    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def get(self, kind: Any, /) -> Any:
        self.log.append(f"get {kind.__name__}")
        return kind()


async def test_a_container_is_asked_for_what_is_not_registered_in_a_scope_for_each_event() -> None:
    log: list[str] = []

    @asynccontextmanager
    async def open_scope() -> AsyncIterator[Scope]:
        log.append("open")
        yield Scope(log)
        log.append("close")

    container: Callable[[], AbstractAsyncContextManager[Scope]] = open_scope

    async def welcome(event: Opened, greeting: Greeting, mailer: Mailer, again: Mailer) -> None:
        assert mailer is again
        log.append(f"{greeting} {mailer.host}")

    await handle(welcome, Services(container=container).add(Greeting, "Hello"), times=2)
    assert log == ["open", "get Mailer", "Hello localhost", "close"] * 2


def test_what_is_not_known_is_refused_and_what_can_be_asked_for_is_named() -> None:
    @reactor("welcome")
    class Welcome:
        async def opened(self, event: Opened, mailer: Mailer) -> None: ...

    arguments = HandlerArguments(Services().add(Account, None), Services().add(Greeting, "Hello"))
    with pytest.raises(HandlerSignatureError) as refused:
        arguments.check([reactor_of(Welcome)])
    message = str(refused.value)
    assert message.startswith("welcome.opened asks for Mailer, which nobody has registered.")
    assert "can ask for EventContext, Account, and for what the application registers: Greeting." in message
    assert "services.add(Mailer, ...)" in message


def test_what_a_factory_asks_for_has_to_be_known_as_well() -> None:
    @reactor("welcome")
    async def welcome(event: Opened, repository: Repository[Account]) -> None: ...

    arguments = HandlerArguments(services=Services().add_factory(Repository[Account], Repository))
    with pytest.raises(HandlerSignatureError, match=r"Session, through Repository\[Account\], which"):
        arguments.check([reactor_of(welcome)])


def test_factories_that_go_in_a_circle_are_refused() -> None:
    @reactor("welcome")
    async def welcome(event: Opened, mailer: Mailer) -> None: ...

    def make_mailer(account: Account) -> Mailer: ...
    def make_account(mailer: Mailer) -> Account: ...

    services = Services().add_factory(Mailer, make_mailer).add_factory(Account, make_account)
    with pytest.raises(HandlerSignatureError, match="making Mailer -> Account -> Mailer goes"):
        HandlerArguments(services=services).check([reactor_of(welcome)])


async def test_what_is_registered_again_replaces_what_was_there() -> None:
    got: list[Mailer] = []

    async def welcome(event: Opened, mailer: Mailer) -> None:
        got.append(mailer)

    services = Services().add_factory(Mailer, Mailer).add(Mailer, Mailer("a double"))
    await handle(welcome, services)
    assert got == [Mailer("a double")]


def test_a_factory_that_cannot_be_called_or_filled_is_refused() -> None:
    def unannotated(mailer) -> Mailer: ...  # type: ignore[no-untyped-def]
    def unresolved(mailer: "Missing") -> Mailer: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(DeclarationError, match="is no factory"):
        Services().add_factory(Mailer, Mailer())  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="'mailer' cannot be filled"):
        Services().add_factory(Mailer, unannotated)
    with pytest.raises(DeclarationError, match=r"unresolved: its annotations cannot be evaluated: .*Missing"):
        Services().add_factory(Mailer, unresolved)


async def test_a_factorys_defaults_stay_and_annotated_counts_as_what_it_annotates() -> None:
    def make(greeting: Annotated[str, "plain"], host: str = "default", *more: str, **named: str) -> Mailer:
        return Mailer(f"{greeting} {host}")

    got: list[Mailer] = []

    async def welcome(event: Opened, mailer: Annotated[Mailer, "from somewhere"]) -> None:
        got.append(mailer)

    await handle(welcome, Services().add(str, "Hello").add_factory(Mailer, make))
    assert got == [Mailer("Hello default")]
