"""What a type annotation means to the value contract (events.md 3.4 and 16).

`shape_of` is the one place that knows Python's types. Schemas and converters are made from shapes,
so a type that is understood here is understood by both.

Shapes are Structs rather than dataclasses: making eight dataclasses would be a third of this package's
import time.
"""

import types
from collections import abc
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from typing import Annotated, Any, Final, Literal, NewType, TypeAlias, Union, get_args, get_origin
from uuid import UUID

from msgspec import Struct

from chronicle.compliance.markers import Pii, pii_of
from chronicle.errors import UnsupportedTypeError
from chronicle.serialization.concepts import Concept, held_by
from chronicle.serialization.derived import derived_types_of
from chronicle.serialization.members import is_record


class Anything(Struct, frozen=True):
    """Any JSON value, null included."""


class Scalar(Struct, frozen=True):
    """A single value of the type `base`, wrapped in `concept` if there is one (`class AccountId(str)`)."""

    base: type
    concept: Callable[[Any], Any] | None = None


class Enumeration(Struct, frozen=True):
    """An `Enum` whose values are integers of 32 bits; an integer in content."""

    type: type[Enum]


class Words(Struct, frozen=True):
    """One of a few texts or integers that msgspec checks by itself: a `Literal`, or an `Enum` of texts."""

    base: type
    type: Any


class Items(Struct, frozen=True):
    """An array that becomes a list, tuple, set or frozenset."""

    container: type
    item: "Shape"


class Entries(Struct, frozen=True):
    """An object whose names are data: a dictionary."""

    key: "Shape"
    value: "Shape"


class Record(Struct, frozen=True):
    """An object with declared members. They are looked up when needed, for a class may name itself."""

    type: type


class Geometry(Struct, frozen=True):
    """An object that is one value: a `Point`, `LineString` or `Polygon`."""

    type: type


class Family(Struct, frozen=True):
    """An object of any class derived from `base` that has an id as a derived type."""

    base: type


class Personal(Struct, frozen=True):
    """Personal data (events.md 13.1): any of the others but Anything and Nullable."""

    of: "Shape"
    details: str


class Nullable(Struct, frozen=True):
    """Any of the others, or null."""

    of: "Shape"


Leaf: TypeAlias = Anything | Scalar | Enumeration | Words | Items | Entries | Geometry | Family
"""What is encrypted as one value when it is personal."""

Shape: TypeAlias = Leaf | Record | Personal | Nullable

SCALARS: Final = frozenset({bool, int, float, Decimal, str, UUID, bytes, datetime, date, time, timedelta})
_CONCEPT_BASES: Final = (str, int, float, Decimal, UUID, bytes)
_KEY_BASES: Final = (str, int, UUID)

# Known by name, for most applications need no geometries.
_GEOMETRIES: Final = "chronicle.serialization.geometry"

_CONTAINERS: Final[dict[Any, type]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    abc.Iterable: list,
    abc.Collection: list,
    abc.Sequence: list,
    abc.MutableSequence: list,
    abc.Set: frozenset,
    abc.MutableSet: set,
}
_DICTIONARIES: Final = frozenset({dict, abc.Mapping, abc.MutableMapping})

# Pydantic's named types that are no subclasses of what they hold.
_PYDANTIC_TYPES: Final[dict[str, type]] = {
    "EmailStr": str,
    "AwareDatetime": datetime,
    "PastDatetime": datetime,
    "FutureDatetime": datetime,
    "PastDate": date,
    "FutureDate": date,
}

_INT32: Final = range(-(2**31), 2**31)


def shape_of(annotation: Any, place: str) -> Shape:
    """The shape that values of a type have in content.

    `place` says where the annotation stands (`Order.lines[].price`), for the error.
    Raises `UnsupportedTypeError` for a type that has no place in the value contract.
    """
    annotation, mark = _unwrap(annotation)
    shape = _unmarked(annotation, place)
    return shape if mark is None else _personal(shape, mark.details, place)


def _unmarked(annotation: Any, place: str) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any or annotation is object:
        return Anything()
    if origin is Union or origin is types.UnionType:
        return _union(annotation, place)
    if origin is Literal:
        return _literal(annotation, place)
    generic = origin or annotation
    if generic in _CONTAINERS:
        return _items(_CONTAINERS[generic], annotation, arguments, place)
    if generic in _DICTIONARIES:
        return _entries(arguments, place)
    if isinstance(annotation, type):
        return _class(annotation, place)
    raise _refusal(annotation, place)


def _unwrap(annotation: Any) -> tuple[Any, Pii | None]:
    """What stands inside `Annotated`, `Final`, a `NewType` or a type alias; and the outermost mark found."""
    mark: Pii | None = None
    while True:
        found = pii_of(annotation)
        mark = found if mark is None or (found is not None and not mark.details) else mark
        if get_origin(annotation) is Annotated or get_origin(annotation) is Final:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":  # of typing from 3.12, or of typing_extensions
            annotation = annotation.__value__
        else:
            return annotation, mark


def _personal(shape: Shape, details: str, place: str) -> Shape:
    """The shape as personal data. Whether a value is there is not personal: so null stays outermost."""
    match shape:
        case Anything():
            raise _refusal(Any, place, "personal data needs a type, to be read as what it was")
        case Nullable(of=inner):
            return Nullable(_personal(inner, details, place))
        case Personal(of=inner, details=known):
            return Personal(inner, details or known)
        case _:
            return Personal(shape, details)


def _union(annotation: Any, place: str) -> Shape:
    options = [option for option in get_args(annotation) if option is not types.NoneType]
    if len(options) != 1 or len(options) == len(get_args(annotation)):
        raise _refusal(annotation, place, "only a union with None can be read back; use one type, or Any")
    inner = shape_of(options[0], place)
    return inner if isinstance(inner, Anything | Nullable) else Nullable(inner)


def _literal(annotation: Any, place: str) -> Shape:
    values = [value for value in get_args(annotation) if value is not None]
    for base in (str, int):
        if values and all(type(value) is base for value in values):
            words = Words(base, Literal[tuple(values)])
            return words if len(values) == len(get_args(annotation)) else Nullable(words)
    raise _refusal(annotation, place, "a Literal must hold only texts or only integers")


def _items(container: type, annotation: Any, arguments: tuple[Any, ...], place: str) -> Shape:
    if container is tuple and arguments:
        if len(set(arguments) - {Ellipsis}) != 1:
            raise _refusal(annotation, place, "a tuple must have items of one type, as in tuple[int, ...]")
        arguments = arguments[:1]
    return Items(container, shape_of(arguments[0] if arguments else Any, f"{place}[]"))


def _entries(arguments: tuple[Any, ...], place: str) -> Shape:
    key, value = arguments or (str, Any)
    key_shape = shape_of(key, f"{place}{{key}}")
    match key_shape:
        case Scalar(base=base) | Words(base=base) if base in _KEY_BASES:
            return Entries(key_shape, shape_of(value, f"{place}{{}}"))
    raise _refusal(key, f"{place}{{key}}", "the names of a dictionary must be texts, integers or UUIDs")


def _class(type_: type, place: str) -> Shape:
    if type_ in SCALARS:
        return Scalar(type_)
    if issubclass(type_, Enum):
        return _enum(type_, place)
    if issubclass(type_, Concept):
        return _concept(type_, place)
    if type_.__module__ == _GEOMETRIES:
        return Geometry(type_)
    if derived_types_of(type_):
        return Family(type_)
    if is_record(type_):
        return Record(type_)
    for base in _CONCEPT_BASES:
        if issubclass(type_, base):
            return Scalar(base, concept=type_)
    if type_.__module__.partition(".")[0] in ("pydantic", "pydantic_core"):
        if type_.__name__ in _PYDANTIC_TYPES:
            return Scalar(_PYDANTIC_TYPES[type_.__name__])
        if type_.__name__.endswith(("Url", "Dsn")):
            return Scalar(str, concept=type_)
    raise _refusal(type_, place)


def _concept(type_: type, place: str) -> Shape:
    held = shape_of(held_by(type_), place)
    if isinstance(held, Scalar) and held.concept is None:
        return Scalar(held.base, concept=type_)
    raise _refusal(type_, place, "a Concept holds a single value, as in Concept[str]")


def _enum(type_: type[Enum], place: str) -> Shape:
    values = [member.value for member in type_]
    if all(type(value) is int for value in values):
        # Flags combine to values that are no members; beyond 32 bits there are no enums on the wire.
        if issubclass(type_, Flag) or not all(value in _INT32 for value in values):
            return Scalar(int, concept=type_)
        return Enumeration(type_)
    if all(isinstance(value, str) for value in values):
        return Words(str, type_)
    raise _refusal(type_, place, "the values of an Enum must be all integers or all texts")


def _refusal(
    annotation: Any, place: str, reason: str = "it has no place in the value contract"
) -> UnsupportedTypeError:
    name = annotation.__qualname__ if isinstance(annotation, type) else str(annotation)
    return UnsupportedTypeError(f"{place} is of type {name}, which content cannot hold: {reason}.")
