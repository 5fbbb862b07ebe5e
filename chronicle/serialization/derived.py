"""Derived types: classes that stand in the place of a class that they derive from (events.md 3.4)."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from chronicle.errors import UnsupportedTypeError

T = TypeVar("T", bound=type)

DISCRIMINATOR: Final = "_derivedTypeId"
"""The member of content that says which class a value is of."""

_DECLARATION: Final = "__chronicle_derived_type__"


def derived_type(id: str) -> Callable[[T], T]:  # noqa: A002 - as `event_type` calls it
    """Marks a class as one that content may hold where it declares a class above it.

        class Payment(BaseModel): ...

        @derived_type("ce6f6b3e-6a3b-4f4e-9b0f-1f4f0a3d7c11")
        class CardPayment(Payment):
            card: str

        class OrderPaid(BaseModel):
            payment: Payment        # any class below Payment that has an id

    Content says with the id which class a value is of, so the id must never change; the class may be renamed.
    Derived types must be declared before the class that holds them is first registered, written or read.
    """
    if not id:
        raise ValueError("A derived type needs an id that is not empty.")

    def mark(type_: T) -> T:
        setattr(type_, _DECLARATION, id)
        return type_

    return mark


def derived_types_of(base: type) -> dict[str, type]:
    """The classes that may stand in the place of a class, by id; none unless a class below it has one.

    Raises `UnsupportedTypeError` when two of them have the same id.
    """
    found: dict[str, type] = {}
    for type_ in _below(base):
        id_ = type_.__dict__.get(_DECLARATION)
        if id_ is None:
            continue
        other = found.setdefault(id_, type_)
        if other is type_:
            continue
        if (other.__module__, other.__qualname__) != (type_.__module__, type_.__qualname__):
            raise UnsupportedTypeError(
                f"{other.__qualname__} and {type_.__qualname__} are both the derived type '{id_}' of "
                f"{base.__qualname__}. Give each an id of its own."
            )
        # The same class again: made anew by a decorator, or defined again. The latest counts.
        found[id_] = type_
    if found and _DECLARATION in base.__dict__:
        found.setdefault(base.__dict__[_DECLARATION], base)
    return found


def _below(base: type) -> Iterator[type]:
    subclasses: list[type] = type.__subclasses__(base)
    for type_ in subclasses:
        yield type_
        yield from _below(type_)
