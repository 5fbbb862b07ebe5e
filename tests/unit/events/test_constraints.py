"""Constraints, declared by marks and by functions (client-surface.md 1.8, events.md 7.6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import pytest
from pydantic import BaseModel

from chronicle.contracts import events_constraints_pb2 as pb
from chronicle.errors import DeclarationError, UnknownEventTypeError
from chronicle.events.constraints import (
    ConstraintBuilder,
    ConstraintScope,
    Unique,
    constraint,
    removes_constraint,
    unique_event_type,
)
from chronicle.events.declared_constraints import DeclaredConstraints
from chronicle.events.event_types import EventTypes, event_type
from chronicle.serialization.naming import as_declared
from chronicle.violations import ConstraintType, ConstraintViolation

Email = Annotated[str, Unique("email", ignore_casing=True)]


class Address(BaseModel):
    street: str
    house_number: int


@event_type("registered")
class Registered(BaseModel):
    email_address: Email
    address: Address
    home: Address | None = None
    notes: list[str] = []


@event_type("moved")
@dataclass
class Moved:
    new_email: Annotated[str | None, Unique("email", message="{PropertyValue} is taken.")] = None
    to: Address | None = None


@event_type("left")
@removes_constraint("email")
@dataclass
class Left:
    reason: str


class Undeclared(BaseModel):
    email: str


def messages(*types: type, functions: Any = (), **options: Any) -> list[pb.Constraint]:
    naming = options.get("naming")
    event_types = EventTypes(types) if naming is None else EventTypes(types, naming=naming)
    return DeclaredConstraints(event_types, functions, **options).to_messages()


def properties(message: pb.Constraint) -> dict[str, list[str]]:
    return {one.EventTypeId: list(one.Properties) for one in message.Definition.Value0.EventDefinitions}


class TestMarkedMembers:
    def test_one_name_on_several_event_types_is_one_constraint(self) -> None:
        (email,) = messages(Registered, Moved, Left)
        assert (email.Name, email.Type) == ("email", pb.CONSTRAINT_TYPE_Unique)
        assert properties(email) == {"moved": ["newEmail"], "registered": ["emailAddress"]}
        assert email.Definition.Value0.IgnoreCasing
        assert email.RemovedWith == ["left"]
        assert email.HasField("Scope")
        assert email.Scope == pb.ConstraintScope()

    def test_the_order_of_the_artifacts_makes_no_difference(self) -> None:
        assert messages(Registered, Moved, Left) == messages(Left, Moved, Registered)

    def test_names_of_members_go_through_the_naming_policy(self) -> None:
        (email,) = messages(Registered, naming=as_declared)
        assert properties(email) == {"registered": ["email_address"]}

    def test_without_a_name_it_has_that_of_the_member(self) -> None:
        @event_type("opened")
        class Opened(msgspec.Struct):
            account_number: Annotated[int, Unique()]

        (message,) = messages(Opened)
        assert message.Name == "account_number"
        assert properties(message) == {"opened": ["accountNumber"]}

    def test_scopes_are_joined_and_have_the_text_that_other_clients_send(self) -> None:
        @event_type("a")
        @dataclass
        class A:
            code: Annotated[str, Unique(scope=ConstraintScope.EVENT_SOURCE_TYPE)]

        @event_type("b")
        @dataclass
        class B:
            code: Annotated[str, Unique(scope=ConstraintScope.EVENT_STREAM_ID)]

        (message,) = messages(A, B)
        assert message.Scope == pb.ConstraintScope(EventSourceType="_scoped_", EventStreamId="_scoped_")

    def test_a_mark_is_found_wherever_the_type_comes_from(self) -> None:
        @event_type("opened")
        class Opened(BaseModel):
            first: Email | None = None
            second: Annotated[Annotated[str, Unique()], "something else"]

        names = [message.Name for message in messages(Opened)]
        assert names == ["email", "second"]

    def test_the_marks_of_the_latest_generation_count(self) -> None:
        @event_type("opened")
        @dataclass
        class First:
            owner: Annotated[str, Unique("owner")]

        @event_type("opened", generation=2)
        @dataclass
        class Second:
            holder: Annotated[str, Unique("owner")]

        (message,) = messages(First, Second)
        assert properties(message) == {"opened": ["holder"]}

    def test_two_members_under_one_name_are_refused(self) -> None:
        @event_type("opened")
        @dataclass
        class Opened:
            first: Email
            second: Email

        with pytest.raises(DeclarationError, match=r"Two members of .*Opened .* 'email'.*@constraint"):
            messages(Opened)

    def test_only_single_values_can_be_unique(self) -> None:
        @event_type("opened")
        class Opened(BaseModel):
            address: Annotated[Address, Unique()]

        with pytest.raises(DeclarationError, match=r"Opened\.address cannot be unique"):
            messages(Opened)

    def test_a_mark_inside_a_nested_class_is_refused_as_it_would_do_nothing(self) -> None:
        @dataclass
        class Contact:
            email: Annotated[str, Unique()]
            next: "Contact | None" = None

        @event_type("opened")
        @dataclass
        class Opened:
            contacts: list[Contact]

        with pytest.raises(DeclarationError, match=r"Opened\.contacts\.email is marked as unique"):
            messages(Opened)

    @pytest.mark.parametrize("name", ["", "  "])
    def test_a_blank_name_is_refused(self, name: str) -> None:
        with pytest.raises(DeclarationError, match="Unique has no name"):
            Unique(name)


class TestUniqueEventTypes:
    def test_it_has_the_id_of_the_event_type_unless_it_is_named(self) -> None:
        @unique_event_type
        @event_type("opened")
        @dataclass
        class Opened:
            owner: str

        (message,) = messages(Opened)
        assert (message.Name, message.Type) == ("opened", pb.CONSTRAINT_TYPE_UniqueEventType)
        assert message.Definition.Value1.EventTypeIds == ["opened"]

    def test_those_under_one_name_are_one_constraint_and_subclasses_inherit_nothing(self) -> None:
        @event_type("opened")
        @unique_event_type("birth", message="There can be only one.")
        @dataclass
        class Opened:
            owner: str

        @event_type("imported")
        @unique_event_type("birth")
        @dataclass
        class Imported:
            owner: str

        @event_type("reopened")
        @dataclass
        class Reopened(Opened):
            pass

        @event_type("closed")
        @removes_constraint("birth")
        @dataclass
        class Closed:
            reason: str

        (message,) = messages(Opened, Imported, Reopened, Closed)
        assert message.Name == "birth"
        assert message.Definition.Value1.EventTypeIds == ["imported", "opened"]
        assert message.RemovedWith == ["closed"]

    def test_it_may_not_share_its_name_with_a_constraint_of_another_kind(self) -> None:
        @event_type("opened")
        @unique_event_type("email")
        @dataclass
        class Opened:
            owner: str

        with pytest.raises(DeclarationError, match="two constraints 'email'"):
            messages(Registered, Opened)

    def test_marks_belong_above_classes(self) -> None:
        for mark in (unique_event_type("x"), removes_constraint("x")):
            with pytest.raises(DeclarationError, match="above a class"):
                mark(print)  # type: ignore[arg-type]


class TestRemovals:
    def test_several_are_added_up(self) -> None:
        @event_type("gone")
        @removes_constraint("email", "street")
        @removes_constraint("owner")
        @dataclass
        class Gone:
            reason: str

        @constraint
        def street(c: ConstraintBuilder) -> None:
            c.unique().on(Registered, "address.street").removed_with(Left)

        @event_type("owned")
        @dataclass
        class Owned:
            owner: Annotated[str, Unique()]

        found = messages(Registered, Gone, Owned, functions=[street])
        assert {one.Name: list(one.RemovedWith) for one in found} == {
            "email": ["gone"],
            "owner": ["gone"],
            "street": ["gone", "left"],
        }

    def test_of_a_constraint_that_nothing_declares_they_are_refused(self) -> None:
        with pytest.raises(DeclarationError, match=r"Left removes the constraint 'email'.*There are: none"):
            messages(Left)


class TestBuilder:
    def test_it_declares_several_members_together_and_members_of_nested_classes(self) -> None:
        @constraint
        def place(c: ConstraintBuilder) -> None:
            c.unique(ignore_casing=True, scope=ConstraintScope.EVENT_STREAM_TYPE).on(
                Registered, "address.street", "address.house_number"
            ).on(Moved, "to.street", "to.house_number").removed_with(Left)

        (message,) = DeclaredConstraints(functions=[place]).to_messages()
        assert message.Name == "place"
        assert properties(message) == {
            "moved": ["to.street", "to.houseNumber"],
            "registered": ["address.street", "address.houseNumber"],
        }
        assert message.Definition.Value0.IgnoreCasing
        assert message.RemovedWith == ["left"]
        assert message.Scope == pb.ConstraintScope(EventStreamType="_scoped_")

    def test_it_declares_event_types_that_exclude_each_other(self) -> None:
        @constraint
        def birth(c: ConstraintBuilder) -> None:
            c.unique_event_type(Registered, Moved).removed_with(Left)

        (message,) = DeclaredConstraints(functions=[birth]).to_messages()
        assert (message.Name, message.Type) == ("birth", pb.CONSTRAINT_TYPE_UniqueEventType)
        assert message.Definition.Value1.EventTypeIds == ["moved", "registered"]
        assert message.RemovedWith == ["left"]

    def test_several_in_one_function_come_by_name(self) -> None:
        @constraint
        def several(c: ConstraintBuilder) -> None:
            c.unique("second").on(Registered, "email_address")
            c.unique_event_type(Registered, name="first")

        found = DeclaredConstraints(functions=[several]).to_messages()
        assert [message.Name for message in found] == ["first", "second"]

    @pytest.mark.row("E76")
    @pytest.mark.parametrize(
        ("define", "reason"),
        [
            (lambda c: c.unique().on(Registered, "phone"), "Registered has no member 'phone'"),
            (lambda c: c.unique().on(Registered, "address.town"), r"no member 'address\.town'"),
            (lambda c: c.unique().on(Registered, "email_address.x"), "no member"),
            (lambda c: c.unique().on(Registered, "address"), "cannot be unique: it is not a single value"),
            (lambda c: c.unique().on(Registered, "notes"), "not a single value"),
            (
                lambda c: c.unique().on(Registered, "email_address").on(Registered, "address.street"),
                "has the event type 'registered' twice",
            ),
            (lambda c: c.unique(), "covers no event type"),
            (lambda c: c.unique().on(Registered), "names no member of Registered"),
            (lambda c: c.unique_event_type(), "covers no event type"),
            (lambda c: None, "covers no event type"),
            (lambda c: c.unique("  ").on(Registered, "email_address"), "has no name"),
            (
                lambda c: [c.unique().on(Registered, "email_address") for _ in range(2)],
                "two constraints 'unnamed'",
            ),
        ],
    )
    def test_what_cannot_be_is_refused_where_it_is_declared(
        self, define: Callable[[ConstraintBuilder], object], reason: str
    ) -> None:
        def unnamed(c: ConstraintBuilder) -> None:
            define(c)

        with pytest.raises(DeclarationError, match=reason):
            constraint(unnamed)

    @pytest.mark.parametrize(
        "define",
        [
            lambda c: c.unique().on(Undeclared, "email"),
            lambda c: c.unique_event_type(Undeclared),
            lambda c: c.unique_event_type(Registered).removed_with(Undeclared),
            lambda c: c.unique().on(Registered, "email_address").removed_with(Undeclared),
        ],
    )
    def test_so_is_a_class_that_is_no_event_type(self, define: Callable[[ConstraintBuilder], object]) -> None:
        with pytest.raises(UnknownEventTypeError):
            constraint(define)

    def test_it_belongs_above_a_function_of_one_parameter(self) -> None:
        def two(c: ConstraintBuilder, more: int) -> None: ...

        for target in (two, Registered, print):
            with pytest.raises(DeclarationError, match="@constraint belongs above a function"):
                constraint(target)  # type: ignore[type-var]

    def test_names_are_taken_once_among_functions_and_marks(self) -> None:
        @constraint
        def email(c: ConstraintBuilder) -> None:
            c.unique().on(Registered, "email_address")

        with pytest.raises(DeclarationError, match="two constraints 'email'"):
            messages(Registered, functions=[email])

    def test_a_function_that_is_not_decorated_declares_nothing(self) -> None:
        with pytest.raises(DeclarationError, match="Put @constraint above the function"):
            DeclaredConstraints(functions=[print])


TAKEN = ConstraintViolation(
    ConstraintType.UNIQUE,
    "email",
    "moved",
    "the kernel's words",
    3,
    {"PropertyName": "newEmail", "PropertyValue": "{PropertyName}"},
)


def worded(message: Any, violation: ConstraintViolation = TAKEN) -> str:
    @constraint
    def email(c: ConstraintBuilder) -> None:
        c.unique(message=message).on(Moved, "new_email")

    (found,) = DeclaredConstraints(functions=[email]).worded([violation])
    return found.message


@pytest.mark.row("E75", "S42")
class TestMessages:
    def test_details_are_put_in_place_of_their_names(self) -> None:
        text = worded("{PropertyValue} of {PropertyName} is taken, {not this}.")
        assert text == "{PropertyName} of newEmail is taken, {not this}."

    def test_a_function_makes_a_message_of_the_violation(self) -> None:
        assert worded(lambda violation: f"{violation.message}: {{PropertyName}}") == (
            "the kernel's words: newEmail"
        )

    @pytest.mark.parametrize(
        "message", ["", lambda violation: "", lambda violation: 1 / 0, lambda violation: 7]
    )
    def test_the_kernels_words_stay_when_there_is_no_message(self, message: Any) -> None:
        assert worded(message) == "the kernel's words"

    def test_those_of_a_constraint_that_is_not_known_stay(self) -> None:
        other = ConstraintViolation(
            ConstraintType.SCHEMA, "SchemaValidation", "moved", "not valid", None, {"path": "a"}
        )
        assert worded("{path}", other) == "not valid"

    def test_the_first_message_among_marks_counts(self) -> None:
        (found,) = DeclaredConstraints(EventTypes([Registered, Moved])).worded([TAKEN])
        assert found.message == "{PropertyName} is taken."
