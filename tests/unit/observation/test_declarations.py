"""What `@reactor` and `@reducer` accept, and what they say when they do not (client-surface.md 5.1)."""

# Handlers that are only declared have no body.
# mypy: disable-error-code="empty-body"

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from chronicle.errors import DeclarationError, HandlerSignatureError
from chronicle.event_sequences.event_for import EventFor
from chronicle.events.event_context import EventContext
from chronicle.events.event_types import event_type
from chronicle.observation.declarations import (
    is_reactor,
    is_reducer,
    reactor,
    reactor_of,
    reducer,
    reducer_of,
)


@event_type("opened")
@dataclass
class Opened:
    owner: str


@event_type("closed")
@dataclass
class Closed:
    reason: str


@dataclass
class NoEvent:
    text: str


@dataclass
class Account:
    owner: str


@pytest.mark.row("S89")
def test_a_reactor_class_has_a_handler_per_event_type() -> None:
    @reactor
    class Welcome:
        async def opened(self, event: Opened) -> None: ...
        def closed(self, event: Closed, context: EventContext) -> None: ...

    handlers = reactor_of(Welcome).handlers
    assert set(handlers) == {"opened", "closed"}
    assert (handlers["opened"].name, handlers["opened"].asks_for, handlers["opened"].is_async) == (
        "opened",
        (),
        True,
    )
    assert (handlers["closed"].asks_for, handlers["closed"].is_async) == ((EventContext,), False)


def test_a_function_is_a_reactor_and_stays_a_function() -> None:
    @reactor
    async def welcome(event: Opened, context: EventContext) -> None: ...

    assert is_reactor(welcome)
    assert reactor_of(welcome).target is welcome
    assert reactor_of(welcome).handlers["opened"].asks_for == (EventContext,)


@pytest.mark.row("O139")
def test_the_default_id_is_the_full_dotted_name_and_an_explicit_one_wins() -> None:
    @reactor
    async def plain(event: Opened) -> None: ...

    @reactor("by-position")
    async def named(event: Opened) -> None: ...

    @reactor(id="by-name", event_sequence="inbox")
    async def elsewhere(event: Opened) -> None: ...

    assert reactor_of(plain).id == f"{__name__}.{plain.__qualname__}"
    assert reactor_of(plain).event_sequence == "event-log"
    assert reactor_of(named).id == "by-position"
    assert (reactor_of(elsewhere).id, reactor_of(elsewhere).event_sequence) == ("by-name", "inbox")


def test_a_union_makes_one_handler_for_several_event_types() -> None:
    @reactor
    async def either(event: Opened | Closed) -> None: ...

    assert set(reactor_of(either).handlers) == {"opened", "closed"}


def test_helpers_are_no_handlers() -> None:
    @reactor
    class Welcome:
        async def opened(self, event: Opened) -> None: ...
        def _helper(self, text: str) -> str: ...
        @staticmethod
        def shout(text: str) -> str: ...
        @classmethod
        def make(cls, text: str) -> "Welcome": ...
        @property
        def mood(self) -> str: ...

    assert set(reactor_of(Welcome).handlers) == {"opened"}


def test_inherited_methods_are_handlers_and_overridden_ones_are_replaced() -> None:
    class Base:
        async def opened(self, event: Opened) -> None: ...
        async def either(self, event: Opened) -> None: ...

    @reactor
    class Derived(Base):
        async def either(self, event: Closed) -> None: ...  # type: ignore[override]

    assert {each.name for each in reactor_of(Derived).handlers.values()} == {"opened", "either"}


def test_a_subclass_of_a_reactor_is_none_itself() -> None:
    @reactor
    class Welcome:
        async def opened(self, event: Opened) -> None: ...

    class Warmer(Welcome): ...

    assert is_reactor(Welcome)
    assert not is_reactor(Warmer)
    with pytest.raises(DeclarationError, match="is no reactor"):
        reactor_of(Warmer)


def test_annotations_may_be_texts_that_name_locals() -> None:
    @event_type("moved")
    @dataclass
    class Moved:
        to: str

    @reactor
    class Welcome:
        async def moved(self, event: "Moved", context: "EventContext") -> None: ...

    @reactor
    async def function(event: "Moved") -> None: ...

    assert set(reactor_of(Welcome).handlers) == set(reactor_of(function).handlers) == {"moved"}


def test_annotations_may_name_classes_of_the_handlers_own_class() -> None:
    @reactor
    class Welcome:
        @event_type("moved")
        @dataclass
        class Moved:
            to: str

        async def moved(self, event: "Moved") -> None: ...

    assert set(reactor_of(Welcome).handlers) == {"moved"}


def test_an_annotation_that_cannot_be_resolved_is_refused_by_name() -> None:
    with pytest.raises(HandlerSignatureError, match=r"'Elsewhere' cannot be resolved.*TYPE_CHECKING"):

        @reactor
        async def welcome(event: "Elsewhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


def _returns(returns: Any) -> Any:
    async def handler(event: Opened) -> None: ...

    handler.__annotations__["return"] = returns
    return handler


@pytest.mark.parametrize(
    "returns",
    [
        None,
        Any,
        object,
        Opened,
        Opened | None,
        EventFor,
        list,
        list[Opened],
        list[Opened | EventFor],
        Sequence[Closed] | None,
        tuple[Opened, Closed],
        tuple[Opened, ...],
        list[Any],
        Annotated[list[Opened], "why not"],
        Awaitable[Opened],
    ],
    ids=str,
)
def test_what_a_reactor_may_return(returns: Any) -> None:
    assert is_reactor(reactor(_returns(returns)))


@pytest.mark.row("S92", "S109")
@pytest.mark.parametrize("returns", [int, NoEvent, list[NoEvent], Opened | str, dict[str, Opened]], ids=str)
def test_what_it_may_not_return_is_refused_when_it_is_declared(returns: Any) -> None:
    with pytest.raises(HandlerSignatureError, match="cannot be appended"):
        reactor(_returns(returns))


@pytest.mark.row("S92")
def test_a_parameter_that_nobody_fills_is_refused_beside_the_line_that_was_meant() -> None:
    with pytest.raises(HandlerSignatureError) as refused:

        @reactor
        class Welcome:
            async def opened(self, event: Opened, mailer: str) -> None: ...

    assert "Welcome.opened: 'mailer: str' cannot be filled" in str(refused.value)
    assert "can ask for EventContext, EventStore, EventLog, ReadModels, UnitOfWork" in str(refused.value)
    assert "written:        async def opened(self, event: Opened, mailer: str) -> None: ..." in str(
        refused.value
    )
    assert "probably meant: async def opened(self, event: Opened, mailer: EventContext) -> None: ..." in str(
        refused.value
    )


@pytest.mark.row("S92")
@pytest.mark.parametrize(
    "annotation", [Closed, int, list[str], NoEvent | Account, None, Any, "missing"], ids=str
)
def test_what_can_be_no_service_is_refused_whatever_is_registered(annotation: Any) -> None:
    async def welcome(event: Opened, mailer: NoEvent, other: Any) -> None: ...

    welcome.__annotations__["other"] = annotation
    with pytest.raises(HandlerSignatureError, match="welcome"):
        reactor(welcome)


def test_services_are_asked_for_in_any_order_with_the_context_among_them() -> None:
    @reactor
    async def welcome(event: Opened, mailer: NoEvent, context: EventContext, account: Account) -> None: ...

    assert reactor_of(welcome).handlers["opened"].asks_for == (NoEvent, EventContext, Account)

    @reducer(model=Account)
    class Accounts:
        def opened(self, event: Opened, current: Account | None, mailer: NoEvent) -> Account: ...

    assert reducer_of(Accounts).handlers["opened"].asks_for == (NoEvent,)

    @reactor
    async def perhaps(event: Opened, account: Account | None) -> None: ...

    assert reactor_of(perhaps).handlers["opened"].asks_for == (Account | None,)


@pytest.mark.row("S92")
def test_parameters_of_a_kind_that_cannot_be_passed_are_refused() -> None:
    async def no_event() -> None: ...
    async def unannotated(event) -> None: ...  # type: ignore[no-untyped-def]
    async def keyword_only(*, event: Opened) -> None: ...
    async def stars(*event: Opened) -> None: ...
    async def keyword_context(event: Opened, *, context: EventContext) -> None: ...
    async def two_contexts(event: Opened, context: EventContext, again: EventContext) -> None: ...
    async def unannotated_context(event: Opened, context) -> None: ...  # type: ignore[no-untyped-def]
    async def generator(event: Opened):  # type: ignore[no-untyped-def]
        yield event

    for handler in (
        no_event,
        unannotated,
        keyword_only,
        stars,
        keyword_context,
        two_contexts,
        unannotated_context,
        generator,
    ):
        with pytest.raises(HandlerSignatureError, match=handler.__name__):
            reactor(handler)


@pytest.mark.row("S92")
def test_an_argument_that_is_no_event_type_is_refused_with_the_remedy() -> None:
    with pytest.raises(
        HandlerSignatureError, match=r"NoEvent is no event type\. Put @event_type above the class"
    ):

        @reactor
        class Welcome:
            def opened(self, event: NoEvent) -> None: ...


@pytest.mark.row("S93")
def test_a_reactor_without_handlers_is_refused() -> None:
    with pytest.raises(HandlerSignatureError, match="has no handlers"):

        @reactor
        class Welcome:
            def _opened(self, event: Opened) -> None: ...


def test_two_handlers_for_one_event_type_are_refused() -> None:
    with pytest.raises(
        HandlerSignatureError, match="two handlers for the event type 'opened': first and second"
    ):

        @reactor
        class Welcome:
            def first(self, event: Opened) -> None: ...
            def second(self, event: Opened | Closed) -> None: ...


def test_a_constructor_that_wants_arguments_is_refused() -> None:
    with pytest.raises(
        HandlerSignatureError, match=r"missing a required argument: 'mailer'.*without arguments"
    ):

        @reactor
        class Welcome:
            def __init__(self, mailer: NoEvent) -> None: ...
            def opened(self, event: Opened) -> None: ...


@pytest.mark.parametrize("blank", ["", "  ", 5])
def test_what_is_no_id_is_refused(blank: Any) -> None:
    async def handler(event: Opened) -> None: ...

    with pytest.raises(DeclarationError, match="is no id"):
        reactor(blank)(handler)


def test_what_is_neither_class_nor_function_is_refused() -> None:
    with pytest.raises(DeclarationError, match="neither a class nor a function"):
        reactor(print)


def test_a_reducer_keeps_a_model() -> None:
    @reducer(model=Account)
    class Accounts:
        def opened(self, event: Opened, current: Account | None) -> Account: ...
        async def closed(self, event: Closed, current: Account, context: EventContext) -> Account | None: ...

    declaration = reducer_of(Accounts)
    assert is_reducer(Accounts)
    assert (declaration.model, declaration.is_active) == (Account, True)
    assert declaration.id == f"{__name__}.{Accounts.__qualname__}"
    assert declaration.handlers["opened"].asks_for == ()
    assert declaration.handlers["closed"].asks_for == (EventContext,)


def test_a_passive_reducer_says_so() -> None:
    @reducer(model=Account, id="accounts", active=False)
    class Accounts:
        def opened(self, event: Opened, current) -> Account: ...  # type: ignore[no-untyped-def]

    assert (reducer_of(Accounts).id, reducer_of(Accounts).is_active) == ("accounts", False)


@pytest.mark.row("S192")
def test_a_reducer_method_that_cannot_work_is_refused_beside_the_line_that_was_meant() -> None:
    def no_state(self, event: Opened) -> Account: ...  # type: ignore[no-untyped-def]
    def wrong_state(self, event: Opened, current: Opened | None) -> Account: ...  # type: ignore[no-untyped-def]
    def wrong_context(self, event: Opened, current: Account, context: str) -> Account: ...  # type: ignore[no-untyped-def]
    def fourth(self, event: Opened, current: Account, context: EventContext, more: int) -> Account: ...  # type: ignore[no-untyped-def]
    def wrong_result(self, event: Opened, current: Account | None) -> Opened: ...  # type: ignore[no-untyped-def]

    for method in (no_state, wrong_state, wrong_context, fourth, wrong_result):
        with pytest.raises(HandlerSignatureError) as refused:
            reducer(model=Account)(type("Accounts", (), {method.__name__: method}))
        assert "probably meant:" in str(refused.value)
        assert "current: Account | None" in str(refused.value)


def test_a_reducer_belongs_above_a_class_and_keeps_a_class() -> None:
    with pytest.raises(DeclarationError, match="belongs above a class"):
        reducer(model=Account)(lambda event: None)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="is no class"):
        reducer(model="Account")(Account)  # type: ignore[arg-type]
