"""Migrations: how an event type's content leads from one generation to the next (events.md 3.6).

    @event_type("person-named")
    class PersonNamedBefore(BaseModel):
        name: str

    @event_type("person-named", generation=2)
    class PersonNamed(BaseModel):
        first_name: str
        last_name: str

    @migration(PersonNamed, from_=1, to=2)
    class SplitName:
        def upcast(self, to: MigrationBuilder) -> None:
            to.split("name", "first_name", separator=" ", part=0)
            to.split("name", "last_name", separator=" ", part=1)

        def downcast(self, to: MigrationBuilder) -> None:
            to.combine(["first_name", "last_name"], "name", separator=" ")

The kernel stores each event in all generations of its type. A handler is given the one of the class that it
takes, so applications of before and of after can run side by side.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self, TypeVar

import msgspec

from chronicle.errors import DeclarationError
from chronicle.events.event_types import event_type_of
from chronicle.serialization import Serializer
from chronicle.serialization.members import members_of

T = TypeVar("T")

_DECLARATION: Final = "__chronicle_migration__"


class _Operation(NamedTuple):
    """What makes a property."""

    name: str
    sources: tuple[str, ...] = ()
    separator: str = ""
    part: int = 0
    value: Any = None

    def on_the_wire(self, serializer: Serializer, content_name: Callable[[str], str]) -> Any:
        sources = [content_name(source) for source in self.sources]
        argument: Any
        match self.name:
            case "$rename":
                argument = sources[0]
            case "$split":
                argument = {"source": sources[0], "separator": self.separator, "part": self.part}
            case "$combine":
                argument = {"sources": sources, "separator": self.separator}
            case "$defaultValue":
                text = "null" if self.value is None else serializer.to_json(self.value)
                argument = msgspec.Raw(text.encode())
            case _:
                return self.value
        return {self.name: argument}


class MigrationBuilder:
    """Says how the properties of one generation are made of those of the one next to it.

    Names are those of members in Python, in snake_case; content gets them as the naming policy has them.
    What is not mentioned stays, as far as the generation that is led to has it. All methods raise
    `DeclarationError` for a property that is made twice, and return the builder.
    """

    def __init__(self) -> None:
        self._operations: dict[str, _Operation] = {}

    def rename(self, source: str, target: str) -> Self:
        """`target` is what was called `source`."""
        return self._make(target, _Operation("$rename", (source,)))

    def default(self, target: str, value: object) -> Self:
        """`target` is `value` in events that have none."""
        return self._make(target, _Operation("$defaultValue", value=value))

    def split(self, source: str, target: str, *, separator: str, part: int) -> Self:
        """`target` is one part of the text `source`, counted from 0; empty when there is none."""
        if type(part) is not int or part < 0:
            raise DeclarationError(f"'{target}': {part!r} is no part of a text. Parts are counted from 0.")
        return self._make(target, _Operation("$split", (source,), separator, part))

    def combine(self, sources: Iterable[str], target: str, *, separator: str) -> Self:
        """`target` is the texts `sources` with the separator in between; absent ones are passed over."""
        if isinstance(sources, str):
            raise DeclarationError(f"'{target}': combine several properties, such as [{sources!r}, ...].")
        return self._make(target, _Operation("$combine", tuple(sources), separator))

    def expression(self, target: str, value: object) -> Self:
        """`target` is what JMESPath makes of `value`: a text is a property's name in content, as it is.

        Lists and dictionaries of such texts make lists and objects. With expressions in it, a migration
        drops all that it does not mention.
        """
        return self._make(target, _Operation("", value=value))

    def to_json(
        self, serializer: Serializer, *, source: type | None = None, target: type | None = None
    ) -> str:
        """What the kernel is told: a JSON object with the names that content has.

        Those names are the ones of the classes, where they are known, which may have names of their own.
        Raises `SerializationError` for a default that cannot be written.
        """
        target_name, source_name = _content_names(target, serializer), _content_names(source, serializer)
        content = {
            target_name(name): operation.on_the_wire(serializer, source_name)
            for name, operation in self._operations.items()
        }
        return msgspec.json.encode(content).decode()

    def _make(self, target: str, operation: _Operation) -> Self:
        names: tuple[Any, ...] = (target, *operation.sources)
        for name in names:
            if not (isinstance(name, str) and name.strip()):
                raise DeclarationError(f"{name!r} is no name of a property. Give it a text.")
        if target in self._operations:
            raise DeclarationError(f"The property '{target}' is made twice. Say it once.")
        self._operations[target] = operation
        return self


@dataclass(frozen=True, slots=True)
class MigrationDeclaration:
    """What `@migration` says about a class."""

    event_type_id: str
    from_generation: int
    to_generation: int
    upcast: MigrationBuilder
    downcast: MigrationBuilder
    target: type
    event_types: tuple[type, ...]
    """The classes that it was declared with."""

    def __str__(self) -> str:
        return f"{self.event_type_id} {self.from_generation} to {self.to_generation}"


def migration(
    event_type: type | str, /, *, from_: int | type = 1, to: int | type | None = None
) -> Callable[[type[T]], type[T]]:
    """Declares a class with the methods `upcast` and `downcast` as the way between two generations.

    Each of the two is given a `MigrationBuilder`; one that is left out changes nothing. The class is made
    without arguments, at once, so that mistakes are found where they stand. `event_type` is a class of any
    of the generations, or the id; `from_` and `to` are generations, or the classes of them, and one apart:
    `to` is the one after `from_` if it is not given. The decorator registers nothing; it marks the class for
    `Artifacts`.

    Raises `DeclarationError` for generations that are not neighbours, or of different event types, and for a
    class without either method; `UnknownEventTypeError` for a class that is no event type.
    """

    def declare(target: type[T]) -> type[T]:
        setattr(target, _DECLARATION, _declaration(target, event_type, from_, to))
        return target

    return declare


def is_migration(target: object) -> bool:
    """Whether a class was decorated with `@migration`."""
    return isinstance(target, type) and isinstance(target.__dict__.get(_DECLARATION), MigrationDeclaration)


def migration_of(target: Any) -> MigrationDeclaration:
    """The declaration of a class; raises `DeclarationError` for one that was not decorated itself."""
    declaration = target.__dict__.get(_DECLARATION) if isinstance(target, type) else None
    if isinstance(declaration, MigrationDeclaration):
        return declaration
    raise DeclarationError(f"{target!r} is no migration. Put @migration above the class.")


class Migrations:
    """The migrations of an application, by event type.

    Raises `DeclarationError` when two lead from one generation of an event type.
    """

    def __init__(self, targets: Iterable[type] = ()) -> None:
        self._by_step: dict[tuple[str, int], MigrationDeclaration] = {}
        for declaration in map(migration_of, targets):
            step = (declaration.event_type_id, declaration.from_generation)
            other = self._by_step.setdefault(step, declaration)
            if other.target is not declaration.target:
                raise DeclarationError(
                    f"{_name_of(other.target)} and {_name_of(declaration.target)} both lead from generation "
                    f"{declaration.from_generation} of the event type '{declaration.event_type_id}' to the "
                    "next. Keep one of them."
                )

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the event types that there are migrations for, each once."""
        return tuple(dict.fromkeys(event_type_id for event_type_id, _ in self._by_step))

    def of(self, event_type_id: str) -> tuple[MigrationDeclaration, ...]:
        """Those of an event type, the lowest first."""
        return tuple(self._by_step[step] for step in sorted(self._by_step) if step[0] == event_type_id)


def _declaration(
    target: Any, event_type: type | str, from_: int | type, to: int | type | None
) -> MigrationDeclaration:
    if not isinstance(target, type):
        raise DeclarationError(f"@migration belongs above a class, and {target!r} is none.")
    name = _name_of(target)
    event_type_id = event_type if isinstance(event_type, str) else event_type_of(event_type).id
    lower = _generation(from_, event_type_id, name)
    upper = lower + 1 if to is None else _generation(to, event_type_id, name)
    if upper != lower + 1:
        raise DeclarationError(
            f"{name} leads from generation {lower} to {upper} of the event type '{event_type_id}'. "
            "A migration leads to the next generation: write one for each step."
        )
    methods = [getattr(target, method, None) for method in ("upcast", "downcast")]
    if not any(map(callable, methods)):
        raise DeclarationError(f"{name} has neither upcast nor downcast. Write at least one of them.")
    upcast, downcast = (_built(target, method, name) for method in ("upcast", "downcast"))
    known = tuple(given for given in (event_type, from_, to) if isinstance(given, type))
    return MigrationDeclaration(event_type_id, lower, upper, upcast, downcast, target, known)


def _generation(given: Any, event_type_id: str, name: str) -> int:
    if isinstance(given, type):
        declaration = event_type_of(given)
        if declaration.id != event_type_id:
            raise DeclarationError(
                f"{name} belongs to the event type '{event_type_id}', and {_name_of(given)} is one of "
                f"'{declaration.id}'. A migration stays within one event type: give both classes the same id."
            )
        return declaration.generation
    if type(given) is not int or given < 1:
        raise DeclarationError(f"{name}: {given!r} is no generation. Generations are integers from 1 on.")
    return given


def _built(target: type, method: str, name: str) -> MigrationBuilder:
    builder = MigrationBuilder()
    if getattr(target, method, None) is not None:
        try:
            getattr(target(), method)(builder)
        except DeclarationError as error:
            raise DeclarationError(f"{name}.{method}: {error}") from error
        except TypeError as error:
            raise DeclarationError(
                f"{name}.{method} could not be called: {error}. The class is made without arguments, and the "
                "method takes the builder."
            ) from error
    return builder


def _content_names(type_: type | None, serializer: Serializer) -> Callable[[str], str]:
    if type_ is None:
        return serializer.naming
    names = {member.name: member.content_name for member in members_of(type_, serializer.naming)}
    return lambda name: names.get(name) or serializer.naming(name)


def _name_of(target: type) -> str:
    return f"{target.__module__}.{target.__qualname__}"
