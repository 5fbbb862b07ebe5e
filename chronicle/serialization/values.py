"""Python values to JSON content and back (events.md 16).

Every class is compiled once, to a *mirror*: a msgspec Struct with the names and the plain types of the wire.
Writing fills a mirror and lets msgspec encode it; reading lets msgspec decode a mirror, names checked and
plain types made in C, and gives its values to the class's own constructor, so that a pydantic model's
validation runs, and so that strict models work: they are given values, not texts.
"""

from types import NoneType
from typing import Any, Final, TypeVar

import msgspec

from chronicle.errors import SerializationError
from chronicle.serialization.forms import Compiler, Content
from chronicle.serialization.naming import NamingPolicy, camel_case
from chronicle.serialization.scalars import bare
from chronicle.serialization.shapes import shape_of

T = TypeVar("T")

_PLAIN: Final = frozenset({str, int, bool, NoneType})


class Serializer:
    """Writes and reads content; `naming` decides how members are called in it.

    A Serializer keeps what it has compiled: make one and hold it.
    """

    def __init__(self, naming: NamingPolicy = camel_case) -> None:
        self.naming = naming
        self._encode = msgspec.json.Encoder(decimal_format="number", enc_hook=bare).encode
        self._contents: dict[Any, Content] = {}

    def to_json(self, value: object) -> str:
        """The JSON text of a model, dataclass, Struct or plain value; members that are None are left out.

        Raises `SerializationError` for a value that cannot be written, `UnsupportedTypeError` for a class
        that content cannot hold.
        """
        type_ = type(value)
        content = self._contents.get(type_) or self.content_of(type_)
        try:
            return self._encode(content.dump(value)).decode()
        except Exception as error:
            raise SerializationError(f"{type_.__qualname__} cannot be written as JSON: {error}") from error

    def from_json(self, type_: type[T], text: str | bytes) -> T:
        """The value of class `type_` that a JSON text stands for.

        Unknown members are ignored, an absent member that may be None is None, any other takes its default.
        Raises `SerializationError`, naming the class and the place, for a text that does not fit.
        """
        content = self._contents.get(type_) or self.content_of(type_)
        try:
            value: T = content.load(content.decode(text))
            return value
        except Exception as error:
            name = getattr(type_, "__qualname__", str(type_))
            raise SerializationError(f"Content does not fit {name}: {error}") from error

    def content_of(self, type_: Any) -> Content:
        """The compiled form of a class; made now, if it is not known yet."""
        content = self._contents.get(type_)
        if content is None:
            name = getattr(type_, "__name__", str(type_))
            content = Content(Compiler(self).form(shape_of(type_, name), name, ()))
            self._contents[type_] = content
        return content

    def dump_anything(self, value: object) -> object:
        """What msgspec writes for a value whose class is only known now."""
        type_ = type(value)
        return value if type_ in _PLAIN else self.content_of(type_).dump(value)
