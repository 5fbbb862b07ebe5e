"""Marks for personal data, and for whom it is about (events.md 13.1).

@event_type("patient-registered")
class PatientRegistered(BaseModel):
    national_id: Annotated[str, Subject()]
    name: Annotated[str, Pii("to address the patient")]
"""

from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

T = TypeVar("T", bound=type)

_DECLARATION: Final = "__chronicle_pii__"


@dataclass(frozen=True, slots=True)
class Pii:
    """Marks personal data: the kernel encrypts it under a key of its subject, who can be erased.

        name: Annotated[str, Pii("why it is kept")]
        notes: Annotated[list[str], Pii()]     # encrypted as one value
        phones: list[Annotated[str, Pii()]]    # each by itself

        @Pii("identifies the patient")         # wherever the class is used
        class NationalId(str): ...

    A class with members has all of them marked. Values keep their type; what was erased reads as an empty
    text, `None` if the member may be None, its default if it has one, else as zero, false or empty.
    Constraints of a pydantic model are not checked against erased values.
    """

    details: str = ""
    """Why the data is kept; part of the schema that the kernel has."""

    def __call__(self, target: T) -> T:
        """Marks a class, and with it everything that is of this class or of one derived from it."""
        setattr(target, _DECLARATION, self)
        return target


@dataclass(frozen=True, slots=True)
class Subject:
    """Marks the member that says whom an event is about: its value is the event's subject when appended.

        patient_id: Annotated[str, Subject()]

    A subject given to the append itself wins; a member that is None names nobody.
    """


def pii_of(annotation: Any) -> Pii | None:
    """The mark that an annotation has itself, or else the class that it names."""
    found = next((mark for mark in marks_of(annotation) if isinstance(mark, Pii)), None)
    declared = getattr(_bare(annotation), _DECLARATION, None)
    on_class = declared if isinstance(declared, Pii) else None
    if found is None or (on_class is not None and not found.details):
        return on_class or found
    return found


def names_subject(annotation: Any) -> bool:
    """Whether an annotation is marked as the subject, itself or inside a union with None."""
    if get_origin(annotation) is Annotated:
        return any(isinstance(mark, Subject) for mark in marks_of(annotation)) or names_subject(
            _bare(annotation)
        )
    if get_origin(annotation) is Union or isinstance(annotation, UnionType):
        return any(map(names_subject, get_args(annotation)))
    return False


def marks_of(annotation: Any) -> tuple[Any, ...]:
    """What stands beside the type in `Annotated`."""
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
