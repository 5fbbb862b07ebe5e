"""Members of event types that are unique: found by their marks, and named as content names them."""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, NewType, TypeVar, Union, get_args, get_origin

from chronicle.compliance.markers import marks_of
from chronicle.errors import DeclarationError
from chronicle.serialization.members import Member, members_of
from chronicle.serialization.naming import NamingPolicy
from chronicle.serialization.shapes import (
    Entries,
    Enumeration,
    Items,
    Nullable,
    Personal,
    Record,
    Scalar,
    Shape,
    Words,
    shape_of,
)

M = TypeVar("M")


def content_path(type_: type, path: str, naming: NamingPolicy) -> str:
    """A path of members, `address.street`, in the names that content has.

    Raises `DeclarationError` when it leads nowhere, or to something that is not a single value.
    """
    names = []
    shape: Shape = Record(type_)
    for name in path.split("."):
        member = _member(shape, name, naming)
        if member is None:
            raise DeclarationError(
                f"{type_.__qualname__} has no member '{path}' that could be unique. Name a member as the "
                "class does; dots lead into the members of nested classes."
            )
        names.append(member.content_name)
        shape = bare_shape(member.annotation, f"{type_.__qualname__}.{path}")
    _check_single(shape, f"{type_.__qualname__}.{path}")
    return ".".join(names)


def marked_members(type_: type, kind: type[M], naming: NamingPolicy) -> Iterator[tuple[Member, M]]:
    """The members of an event type that have a mark of this class, with their marks.

    Raises `DeclarationError` for a mark on what is not a single value, and for one inside nested classes:
    there it would have no effect.
    """
    for member in members_of(type_, naming):
        place = f"{type_.__qualname__}.{member.name}"
        shape = bare_shape(member.annotation, place)
        mark = _mark_in(member.annotation, kind)
        if mark is not None:
            _check_single(shape, place)
            yield member, mark
        _check_unmarked(shape, kind, naming, place, (type_,))


def _member(shape: Shape, name: str, naming: NamingPolicy) -> Member | None:
    if not isinstance(shape, Record):
        return None
    return next((member for member in members_of(shape.type, naming) if member.name == name), None)


def bare_shape(annotation: Any, place: str) -> Shape:
    """A shape without what is said about it: that it may be null, that it is personal."""
    shape = shape_of(annotation, place)
    while isinstance(shape, Nullable | Personal):
        shape = shape.of
    return shape


def _check_single(shape: Shape, place: str) -> None:
    if not isinstance(shape, Scalar | Enumeration | Words):
        raise DeclarationError(
            f"{place} cannot be unique: it is not a single value. For a nested class name the members in it, "
            'with @constraint: .on(UserMoved, "address.street", "address.number").'
        )


def _check_unmarked(
    shape: Shape, kind: type, naming: NamingPolicy, place: str, around: tuple[type, ...]
) -> None:
    match shape:
        case Items(item=inner) | Entries(value=inner) | Nullable(of=inner) | Personal(of=inner):
            _check_unmarked(inner, kind, naming, place, around)
        case Record(type=type_) if type_ not in around:
            for member in members_of(type_, naming):
                inside = f"{place}.{member.name}"
                if _mark_in(member.annotation, kind) is not None:
                    raise DeclarationError(
                        f"{inside} is marked as unique, but only members of the event type itself can be. "
                        "Take the mark away, and use @constraint with the path of the member."
                    )
                inner = bare_shape(member.annotation, inside)
                _check_unmarked(inner, kind, naming, inside, (*around, type_))


def _mark_in(annotation: Any, kind: type[M]) -> M | None:
    """The outermost mark of this class that stands beside a type, wherever the type comes from."""
    for mark in marks_of(annotation):
        if isinstance(mark, kind):
            return mark
    for inner in _inside(annotation):
        found = _mark_in(inner, kind)
        if found is not None:
            return found
    return None


def _inside(annotation: Any) -> tuple[Any, ...]:
    """The type that an annotation is about: without Annotated, aliases, and what says that it may be None."""
    if marks_of(annotation):
        return get_args(annotation)[:1]
    if isinstance(annotation, NewType):
        return (annotation.__supertype__,)
    if type(annotation).__name__ == "TypeAliasType":
        return (annotation.__value__,)
    if get_origin(annotation) in (Union, UnionType):
        return tuple(one for one in get_args(annotation) if one is not NoneType)
    return ()
