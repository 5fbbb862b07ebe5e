"""Event types: classes that say what happened, known to the kernel by id and generation (events.md 3)."""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar, overload

from chronicle.compliance.markers import names_subject
from chronicle.errors import DeclarationError, DuplicateEventTypeError, UnknownEventTypeError
from chronicle.serialization.members import is_record, members_of
from chronicle.serialization.naming import NamingPolicy, camel_case
from chronicle.serialization.schema import Schema, json_schema

T = TypeVar("T")

_DECLARATION: Final = "__chronicle_event_type__"

# 2**32 - 1 means "no generation given" on the wire.
_GENERATIONS: Final = range(1, 2**32 - 1)


@dataclass(frozen=True, slots=True)
class EventTypeDeclaration:
    """What `@event_type` says about a class."""

    id: str
    generation: int
    type: type
    tags: tuple[str, ...] = ()
    """Given to every event of this type, besides those of the append itself."""

    def __str__(self) -> str:
        return f"{self.id}+{self.generation}"


@overload
def event_type(target: type[T], /) -> type[T]: ...


@overload
def event_type(
    id: str | None = None, *, generation: int = 1, tags: Iterable[str] = ()
) -> Callable[[type[T]], type[T]]: ...


def event_type(
    id: Any = None,  # noqa: A002 - what it is
    *,
    generation: int = 1,
    tags: Iterable[str] = (),
) -> Any:
    """Declares a pydantic model, a dataclass or a msgspec Struct as an event type.

    Used bare or with arguments. `id` is how the kernel knows the type, the class's name if none is given;
    it can stay when the class is renamed. `generation` counts from 1. `tags` are given to every event of
    the type. Beside another decorator this one stands on top:

        @event_type("account-opened")
        @dataclass
        class AccountOpened: ...

    A subclass of an event type is none unless it is decorated itself. Nothing is registered here: an
    application names its event types to the event store, or has them found by `discover`.

    Raises `DeclarationError` when the class or an argument cannot be one.
    """
    if callable(id):
        return _declare(id, None, generation, tags)

    def declare(target: type[T]) -> type[T]:
        declared: type[T] = _declare(target, id, generation, tags)
        return declared

    return declare


def event_type_of(event: object) -> EventTypeDeclaration:
    """The declaration of an event or of its class.

    Raises `UnknownEventTypeError` for anything that was not decorated with `@event_type` itself.
    """
    type_ = event if isinstance(event, type) else type(event)
    declaration = type_.__dict__.get(_DECLARATION)
    if isinstance(declaration, EventTypeDeclaration):
        return declaration
    name = _name_of(type_)
    inherited = getattr(type_, _DECLARATION, None)
    if isinstance(inherited, EventTypeDeclaration):
        raise UnknownEventTypeError(
            f"{name} is no event type, although its base {_name_of(inherited.type)} is one. "
            f"Put @event_type above {type_.__name__} as well."
        )
    raise UnknownEventTypeError(f"{name} is no event type. Put @event_type above the class.")


def is_event_type(target: object) -> bool:
    """Whether a class was decorated with `@event_type`; a subclass of such a class was not."""
    return isinstance(target, type) and isinstance(target.__dict__.get(_DECLARATION), EventTypeDeclaration)


class EventTypes:
    """The event types of an application, looked up by class, by id, or by id and generation.

    A class given twice counts once. Schemas are made at once, so that a class that has none is found out
    early.

    Raises `DuplicateEventTypeError` when two classes have one id and generation, `UnknownEventTypeError`
    for a class that is no event type, `UnsupportedTypeError` for one with a member that content cannot
    hold.
    """

    def __init__(self, types: Iterable[type] = (), *, naming: NamingPolicy = camel_case) -> None:
        self._by_generation = MappingProxyType(_by_generation(types))
        self._schemas = {
            declaration.type: json_schema(declaration.type, naming)
            for declaration in self._by_generation.values()
        }
        self._subjects = {type_: subject_member(type_, naming) for type_ in self._schemas}
        self._latest: dict[str, EventTypeDeclaration] = {}
        for declaration in sorted(self, key=lambda declaration: declaration.generation):
            self._latest[declaration.id] = declaration

    def __iter__(self) -> Iterator[EventTypeDeclaration]:
        return iter(self._by_generation.values())

    def __len__(self) -> int:
        return len(self._by_generation)

    def __contains__(self, type_: object) -> bool:
        return type_ in self._schemas

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all event types, each once, in the order given."""
        return tuple(dict.fromkeys(declaration.id for declaration in self))

    def of(self, event: object) -> EventTypeDeclaration:
        """The declaration of an event or of its class.

        Raises `UnknownEventTypeError` for what is no event type, and for one that is not among these.
        """
        declaration = event_type_of(event)
        if declaration.type not in self._schemas:
            raise UnknownEventTypeError(
                f"The event type {_name_of(declaration.type)} ('{declaration}') is not among the artifacts "
                "of this event store. Add it to them, or have the module that it stands in discovered."
            )
        return declaration

    def latest(self, event_type_id: str) -> EventTypeDeclaration | None:
        """The highest generation of an event type; None for an id that is not known here."""
        return self._latest.get(event_type_id)

    def find(self, event_type_id: str, generation: int) -> EventTypeDeclaration | None:
        """One generation of an event type; None for one that is not known here."""
        return self._by_generation.get((event_type_id, generation))

    def generations(self, event_type_id: str) -> tuple[EventTypeDeclaration, ...]:
        """All generations of an event type that are known here, the lowest first."""
        found = [declaration for declaration in self if declaration.id == event_type_id]
        return tuple(sorted(found, key=lambda declaration: declaration.generation))

    def subject_of(self, event: object) -> str | None:
        """Whom an event says that it is about: the value of the member marked as `Subject`, as text.

        None when no member is marked, or when it is None. For events of this event store.
        """
        name = self._subjects.get(type(event))
        if name is None:
            return None
        value = getattr(event, name)
        return None if value is None else str(value)

    def schema_of(self, event: object) -> Schema:
        """The JSON schema of an event's class (events.md 3.4). Raises as `of` does. Not to be changed."""
        return self._schemas[self.of(event).type]


def subject_member(type_: type, naming: NamingPolicy = camel_case) -> str | None:
    """The member of a class that is marked as the subject; None for none.

    Raises `DeclarationError` for more than one.
    """
    names = [member.name for member in members_of(type_, naming) if names_subject(member.annotation)]
    if len(names) > 1:
        raise DeclarationError(
            f"{_name_of(type_)} marks {' and '.join(names)} as its subject. An event has one: keep one mark."
        )
    return names[0] if names else None


def check_unique(types: Iterable[type]) -> None:
    """Raises `DuplicateEventTypeError` when two classes have one id and generation."""
    _by_generation(types)


def _by_generation(types: Iterable[type]) -> dict[tuple[str, int], EventTypeDeclaration]:
    found: dict[tuple[str, int], EventTypeDeclaration] = {}
    for type_ in types:
        declaration = event_type_of(type_)
        other = found.setdefault((declaration.id, declaration.generation), declaration)
        if other.type is not declaration.type:
            raise DuplicateEventTypeError(
                f"{_name_of(other.type)} and {_name_of(declaration.type)} are both generation "
                f"{declaration.generation} of the event type '{declaration.id}'. Give one of them another "
                "id or, if it is to follow the other, another generation."
            )
    return found


def _declare(target: Any, given_id: Any, generation: Any, tags: Any) -> Any:
    if not isinstance(target, type):
        raise DeclarationError(f"@event_type belongs above a class, and {target!r} is none.")
    name = _name_of(target)
    _check_class(target, name)
    if given_id is not None and not (isinstance(given_id, str) and given_id.strip()):
        raise DeclarationError(f"{name}: {given_id!r} is no event type id. Give it a text, or leave it out.")
    if type(generation) is not int or generation not in _GENERATIONS:
        raise DeclarationError(
            f"{name}: {generation!r} is no generation. Generations are integers from 1 on."
        )
    declaration = EventTypeDeclaration(
        given_id or target.__name__, generation, target, _checked_tags(tags, name)
    )
    setattr(target, _DECLARATION, declaration)
    return target


def _check_class(target: type, name: str) -> None:
    if is_event_type(target):
        raise DeclarationError(f"{name} is an event type already. Keep one @event_type.")
    # A dataclass's subclass inherits what makes it one, but its own members are not among them.
    forgotten = (
        dataclasses.is_dataclass(target)
        and "__dataclass_fields__" not in target.__dict__
        and bool(inspect.get_annotations(target))
    )
    if forgotten or not is_record(target):
        raise DeclarationError(
            f"{name} cannot be an event type: it is no pydantic model with fields, no dataclass, no msgspec "
            "Struct. If it is to be a dataclass, write @event_type above @dataclass, not below it."
        )


def _checked_tags(tags: Any, name: str) -> tuple[str, ...]:
    checked = () if isinstance(tags, str) else tuple(tags)
    if isinstance(tags, str) or not all(isinstance(tag, str) and tag.strip() for tag in checked):
        raise DeclarationError(f'{name}: {tags!r} are no tags. Give a sequence of texts, such as ("audit",).')
    return checked


def _name_of(type_: type) -> str:
    return f"{type_.__module__}.{type_.__qualname__}"
