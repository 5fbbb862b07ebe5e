"""Concepts: values of one kind as types of their own; in content they are what they hold."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args, get_origin

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Concept(Generic[T]):
    """A value that is not to be mixed up with others of its type.

        class AccountId(Concept[str]): ...
        class Birthday(Concept[date]): ...

        AccountId("a-1").value

    Subclasses of `str`, `int` and the like, and `NewType`s, are concepts too. This one also holds what has no
    subclasses of use, such as dates, and pydantic models take it and what it holds alike.
    """

    value: T

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """How pydantic validates a member of this type: as itself, or made of what it holds."""
        from pydantic_core import core_schema

        held = core_schema.no_info_after_validator_function(cls, handler.generate_schema(held_by(cls)))
        return core_schema.union_schema(
            [core_schema.is_instance_schema(cls), held],
            serialization=core_schema.plain_serializer_function_ser_schema(lambda concept: concept.value),
        )


def held_by(concept: type) -> Any:
    """What a class derived from `Concept[...]` holds; `None` when it does not say."""
    for class_ in concept.__mro__:
        for base in class_.__dict__.get("__orig_bases__", ()):
            if get_origin(base) is Concept and not isinstance(get_args(base)[0], TypeVar):
                return get_args(base)[0]
    return None
