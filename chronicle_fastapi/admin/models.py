"""What all models of the admin API have in common."""

from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from chronicle.contracts.bcl_pb2 import Guid
from chronicle.values import NO_GUID, NOT_SET, guid_from_halves

LARGEST_NAME: Final = 500


class AdminModel(BaseModel):
    """What the admin API answers. The docstrings below the members are their descriptions in OpenAPI."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class AdminRequest(AdminModel):
    """What the admin API is asked for. A member that it does not know is a mistake, and refused."""

    model_config = ConfigDict(extra="forbid")


class ContractEnum(StrEnum):
    """An enumeration of the contract: the members are in the order of its numbers, from 0 on."""

    @classmethod
    def of(cls, number: int) -> Self:
        """The member with a number; the first one for a number that only a later version knows."""
        members = list(cls)
        return members[number if 0 <= number < len(members) else 0]


class EventTypeReference(AdminModel):
    """An event type in one generation."""

    id: Annotated[str, Field(min_length=1, max_length=LARGEST_NAME)]
    generation: Annotated[int, Field(ge=0, le=2**32 - 1)] = 1


def guid_or_none(message: Guid) -> UUID | None:
    """The id that a message stands for; None for the one that stands for none."""
    value = guid_from_halves(message.lo, message.hi)
    return None if value == NO_GUID else value


def _not_blank(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise ValueError("must hold more than blanks, and no NUL")
    return text


Name = Annotated[str, Field(min_length=1, max_length=LARGEST_NAME), AfterValidator(_not_blank)]
"""A name or an id in the body of a request."""


def _not_reserved(name: str) -> str:
    if name == NOT_SET:
        raise ValueError("is reserved for a name that is not set")
    return name


NewName = Annotated[Name, Field(pattern="^[^/]+$"), AfterValidator(_not_reserved)]
"""The name of something to add that is part of addresses from then on, and so has no slash."""

FreeText = Annotated[str, Field(max_length=10_000)]
"""A text that people write, such as a reason."""
