"""Instances as the kernel returns them (projections-and-read-models.md 3.7), made objects of their class."""

from typing import Final, TypeVar

import msgspec

from chronicle.serialization import Serializer
from chronicle.serialization.members import is_record, members_of
from chronicle.serialization.shapes import Entries, Items, Personal, shape_of

_Model = TypeVar("_Model")

_ABSENT: Final = ("", "null")
_EMPTY_ARRAY: Final = msgspec.Raw(b"[]")
_EMPTY_OBJECT: Final = msgspec.Raw(b"{}")
_decode_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode_members: Final = msgspec.json.Encoder().encode


class InstanceReader:
    """Reads instances.

    The forms of single values (names of enum members, dates with a noon) are the serializer's; this knows
    what is left out: an instance that is not there, and collections that were never written to.
    """

    def __init__(self, serializer: Serializer) -> None:
        self._serializer = serializer
        self._collections: dict[type, dict[str, msgspec.Raw]] = {}

    def read(self, model: type[_Model], text: str) -> _Model | None:
        """The instance, or `None` for one that is not there.

        Raises `SerializationError` for one that does not fit its class.
        """
        if text in _ABSENT:
            return None
        collections = self._collections.get(model)
        if collections is None:
            collections = self._collections[model] = self._needed_collections(model)
        return self._serializer.from_json(model, _with_empty(text, collections) if collections else text)

    def _needed_collections(self, model: type) -> dict[str, msgspec.Raw]:
        """The collections without a default that may not be null, each with what it is when it is absent."""
        empty = {}
        for member in members_of(model, self._serializer.naming) if is_record(model) else ():
            shape = shape_of(member.annotation, member.name)
            shape = shape.of if isinstance(shape, Personal) else shape
            if not member.has_default and isinstance(shape, Items | Entries):
                empty[member.content_name] = _EMPTY_ARRAY if isinstance(shape, Items) else _EMPTY_OBJECT
        return empty


def _with_empty(text: str, collections: dict[str, msgspec.Raw]) -> str | bytes:
    try:
        members = _decode_members(text)
    except msgspec.DecodeError:
        return text  # the serializer says what is wrong with it
    return text if collections.keys() <= members.keys() else _encode_members(collections | members)
