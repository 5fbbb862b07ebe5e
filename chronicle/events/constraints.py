"""Constraints: what the events of an event store may not do together, declared (client-surface.md 1.8).

    @event_type("user-registered")
    class UserRegistered(BaseModel):
        email: Annotated[str, Unique("email", message="{PropertyValue} is taken.")]

    @event_type("user-left")
    @removes_constraint("email")
    class UserLeft(BaseModel): ...

    @event_type("account-opened")
    @unique_event_type
    class AccountOpened(BaseModel): ...

What marks on one class cannot say, a function does:

    @constraint
    def address(c: ConstraintBuilder) -> None:
        c.unique().on(UserRegistered, "city", "street").on(UserMoved, "to.city", "to.street")

Members are named as their class does; the naming policy makes the names in content of that. The kernel
enforces constraints inside each append; what it refuses is in the result, or raised as
`ConstraintViolationError`.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Flag
from types import FunctionType
from typing import Any, Final, Self, TypeAlias, TypeVar, overload

from chronicle.errors import DeclarationError
from chronicle.events.event_types import EventTypeDeclaration, event_type_of
from chronicle.events.unique_members import content_path
from chronicle.serialization.naming import as_declared
from chronicle.violations import ConstraintViolation

_DECLARATIONS: Final = "__chronicle_constraints__"
_UNIQUE_EVENT_TYPE: Final = "__chronicle_unique_event_type__"
_REMOVES: Final = "__chronicle_removes_constraints__"

T = TypeVar("T")

Message: TypeAlias = str | Callable[[ConstraintViolation], str]
"""What a violation says: a text, or a function that makes one.

`{PropertyName}`, `{PropertyValue}` and the names of other details stand for their values. The kernel's own
words stay when it is empty.
"""


class ConstraintScope(Flag):
    """Within what values are unique. Without any of these: within the event sequence, in one namespace."""

    EVENT_SOURCE_TYPE = 1
    EVENT_STREAM_TYPE = 2
    EVENT_STREAM_ID = 4


EVERYWHERE: Final = ConstraintScope(0)
"""Values are unique in the whole event sequence."""


@dataclass(frozen=True, slots=True)
class Unique:
    """Marks a member of an event type: one event source at a time has its value.

        email: Annotated[str, Unique(ignore_casing=True)]

    The name of the constraint is that of the member unless one is given. Members of *different* event types
    under one name are one constraint: then the first message counts, casing is ignored if any says so, and
    the scopes are joined. A source that takes another value gives up its former one; None is no value.

    Raises `DeclarationError` for a blank name.
    """

    name: str | None = None
    message: Message = field(default="", kw_only=True)
    ignore_casing: bool = field(default=False, kw_only=True)
    scope: ConstraintScope = field(default=EVERYWHERE, kw_only=True)

    def __post_init__(self) -> None:
        if self.name is not None:
            _check_name("Unique", self.name)


@dataclass(frozen=True, slots=True)
class UniqueEventType:
    """What `@unique_event_type` says about a class."""

    name: str | None = None
    message: Message = ""


@overload
def unique_event_type(target: type[T], /) -> type[T]: ...


@overload
def unique_event_type(name: str | None = None, *, message: Message = "") -> Callable[[type[T]], type[T]]: ...


def unique_event_type(name: Any = None, *, message: Message = "") -> Any:
    """Declares that an event source has at most one event of this type. Used bare or with arguments.

    The name of the constraint is the event type's id unless one is given; of the event types that share a
    name a source has one event altogether. A subclass inherits nothing of it.

    Raises `DeclarationError` for a blank name, and for what is no class.
    """
    if isinstance(name, type):
        return _mark(name, _UNIQUE_EVENT_TYPE, UniqueEventType())
    if name is not None:
        _check_name("@unique_event_type", name)
    return lambda target: _mark(target, _UNIQUE_EVENT_TYPE, UniqueEventType(name, message))


def removes_constraint(name: str, *more: str) -> Callable[[type[T]], type[T]]:
    """Declares that events of this type release what their event source holds under the constraints named.

    After one another event source may have the value, or the source another event of the unique type.

    Raises `DeclarationError` for a blank name, and for what is no class.
    """
    for one in (name, *more):
        _check_name("@removes_constraint", one)

    def declare(target: type[T]) -> type[T]:
        _check_class(target)
        # The decorator that stands below was here before.
        marked: type[T] = _mark(target, _REMOVES, (name, *more, *removed_by(target)))
        return marked

    return declare


def unique_event_type_of(target: type) -> UniqueEventType | None:
    """What `@unique_event_type` says about a class itself."""
    found = vars(target).get(_UNIQUE_EVENT_TYPE)
    return found if isinstance(found, UniqueEventType) else None


def removed_by(target: type) -> tuple[str, ...]:
    """The constraints that `@removes_constraint` names for a class itself."""
    found: tuple[str, ...] = vars(target).get(_REMOVES, ())
    return found


@dataclass(slots=True, eq=False)
class UniqueBuilder:
    """A constraint on values, in the making."""

    name: str
    message: Message
    ignore_casing: bool
    scope: ConstraintScope
    members: dict[type, tuple[str, ...]] = field(default_factory=dict)
    """Paths of members by event type, in the names of the classes."""
    removals: list[EventTypeDeclaration] = field(default_factory=list)

    def on(self, event_type: type, *members: str) -> Self:
        """Adds an event type and its members whose values are unique together; dots lead into nested classes.

        Raises `DeclarationError` for an event type that was added before, for no members and unknown ones,
        `UnknownEventTypeError` for a class that is no event type.
        """
        declaration = event_type_of(event_type)
        if not members:
            raise DeclarationError(
                f"The constraint '{self.name}' names no member of {event_type.__qualname__}. "
                f'Name those whose values are unique: .on({event_type.__name__}, "email").'
            )
        if any(event_type_of(known).id == declaration.id for known in self.members):
            raise DeclarationError(
                f"The constraint '{self.name}' has the event type '{declaration.id}' twice. "
                f"Name all its members at once; declare another constraint for others."
            )
        for member in members:
            content_path(event_type, member, as_declared)
        self.members[event_type] = members
        return self

    def removed_with(self, *event_types: type) -> Self:
        """Adds event types whose events release what their source holds.

        Raises `UnknownEventTypeError` for a class that is no event type.
        """
        self.removals += map(event_type_of, event_types)
        return self


@dataclass(slots=True, eq=False)
class UniqueEventTypeBuilder:
    """A constraint on event types, in the making."""

    name: str
    message: Message
    covered: list[EventTypeDeclaration]
    removals: list[EventTypeDeclaration] = field(default_factory=list)

    def removed_with(self, *event_types: type) -> Self:
        """Adds event types after whose events there may be one again.

        Raises `UnknownEventTypeError` for a class that is no event type.
        """
        self.removals += map(event_type_of, event_types)
        return self


class ConstraintBuilder:
    """What a function under `@constraint` is given. Each constraint needs a name of its own.

    The first one without a name has that of the function.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.constraints: Final[list[UniqueBuilder | UniqueEventTypeBuilder]] = []

    def unique(
        self,
        name: str | None = None,
        *,
        message: Message = "",
        ignore_casing: bool = False,
        scope: ConstraintScope = EVERYWHERE,
    ) -> UniqueBuilder:
        """Begins a constraint on values: add event types with `on`.

        Raises `DeclarationError` for a blank name or one that was given before.
        """
        unique = UniqueBuilder(self._named(name), message, ignore_casing, scope)
        self.constraints.append(unique)
        return unique

    def unique_event_type(
        self, *event_types: type, name: str | None = None, message: Message = ""
    ) -> UniqueEventTypeBuilder:
        """Declares that an event source has at most one event of these types altogether.

        Raises `DeclarationError` for no event type, for a blank name or one that was given before,
        `UnknownEventTypeError` for a class that is no event type.
        """
        unique = UniqueEventTypeBuilder(self._named(name), message, list(map(event_type_of, event_types)))
        _check_not_empty(unique.name, unique.covered, ".unique_event_type(AccountOpened)")
        self.constraints.append(unique)
        return unique

    def finish(self) -> tuple[UniqueBuilder | UniqueEventTypeBuilder, ...]:
        """What was declared. Raises `DeclarationError` when that is nothing, or lacks event types."""
        _check_not_empty(self._name, self.constraints, 'c.unique().on(UserRegistered, "email")')
        for one in self.constraints:
            if isinstance(one, UniqueBuilder):
                _check_not_empty(one.name, one.members, '.on(UserRegistered, "email")')
        return tuple(self.constraints)

    def _named(self, given: str | None) -> str:
        name = self._name if given is None else given
        _check_name("A constraint", name)
        if any(one.name == name for one in self.constraints):
            raise DeclarationError(f"There are two constraints '{name}' here. Give one of them another name.")
        return name


_Function = TypeVar("_Function", bound="Callable[[ConstraintBuilder], object]")


def constraint(function: _Function) -> _Function:
    """Declares constraints by a function, which is called at once.

    The decorator registers nothing: it leaves what the function declares for `Artifacts`.

    Raises `DeclarationError` for anything but a function that takes the builder, and what the builder raises.
    """
    builder = ConstraintBuilder(_name_of_function(function))
    function(builder)
    setattr(function, _DECLARATIONS, builder.finish())
    return function


def _name_of_function(function: object) -> str:
    if not isinstance(function, FunctionType) or len(inspect.signature(function).parameters) != 1:
        raise DeclarationError(
            f"@constraint belongs above a function that takes the builder and nothing else: {function!r} "
            "does not. Write `def unique_email(c: ConstraintBuilder) -> None:`."
        )
    return function.__name__


def is_constraint(target: object) -> bool:
    """Whether a function was decorated with `@constraint`."""
    return isinstance(target, FunctionType) and hasattr(target, _DECLARATIONS)


def constraints_of(function: Any) -> tuple[UniqueBuilder | UniqueEventTypeBuilder, ...]:
    """What a function under `@constraint` has declared. Raises `DeclarationError` for anything else."""
    if not is_constraint(function):
        raise DeclarationError(f"{function!r} declares no constraints. Put @constraint above the function.")
    declared: tuple[UniqueBuilder | UniqueEventTypeBuilder, ...] = getattr(function, _DECLARATIONS)
    return declared


def event_types_of(function: Any) -> list[type]:
    """The event types that a function under `@constraint` names, each once."""
    found: list[type] = []
    for one in constraints_of(function):
        covered = one.members if isinstance(one, UniqueBuilder) else (known.type for known in one.covered)
        found += (*covered, *(removal.type for removal in one.removals))
    return list(dict.fromkeys(found))


def _mark(target: Any, name: str, value: object) -> Any:
    _check_class(target)
    setattr(target, name, value)
    return target


def _check_class(target: object) -> None:
    if not isinstance(target, type):
        raise DeclarationError(f"Constraints of event types belong above a class, and {target!r} is none.")


def _check_name(what: str, name: object) -> None:
    if not (isinstance(name, str) and name.strip()):
        raise DeclarationError(f"{what} has no name: {name!r}. Give it a text, or leave it out.")


def _check_not_empty(name: str, declared: object, example: str) -> None:
    if not declared:
        raise DeclarationError(f"The constraint '{name}' covers no event type. Add one: {example}.")
