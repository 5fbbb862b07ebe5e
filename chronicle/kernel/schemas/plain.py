"""Plain content: what msgspec reads and writes by itself, in a third of the time of the long way.

Most event types have members of simple types and nothing else. Where content of such a type is written just
as we would write it, there is nothing to find fault with and nothing to shape. Whatever differs in any way
takes the long way, which knows what is wrong or how it has to look.
"""

from typing import Any, Final

import msgspec

from chronicle.kernel.schemas.documents import SchemaDocument, has_compliance
from chronicle.kernel.schemas.formats import FORMATS, TYPES, Convert, Format, Misfit
from chronicle.kernel.schemas.hashing import as_written, is_canonical

_MOST_MEMBERS: Final = 64

_PYTHON_TYPES: Final[dict[str, type]] = {"string": str, "boolean": bool, "integer": int, "number": float}
_TEXTS: Final = {"type": "string"}

_encode: Final = msgspec.json.Encoder().encode
_encode_sorted: Final = msgspec.json.Encoder(order="sorted").encode


class PlainContent:
    """The contents of one schema, all of whose members are simple."""

    def __init__(self, members: dict[str, tuple[type, Convert | None]]) -> None:
        names = {f"m{index}": name for index, name in enumerate(members)}
        struct = msgspec.defstruct(
            "PlainContent",
            [(field, members[name][0]) for field, name in names.items()],
            rename=names,
            gc=False,
        )
        self._decode = msgspec.json.Decoder(struct).decode
        self._checks = [
            (field, convert, members[name][0] is float)
            for field, name in names.items()
            if (convert := members[name][1]) is not None
        ]

    @classmethod
    def of(cls, document: SchemaDocument) -> "PlainContent | None":
        """Compiles a schema; `None` when its contents may have more than simple members."""
        root = document.place(document.root)
        properties = document.properties(root)
        if root.types != {"object"} or root.choices or has_compliance(root.schema):
            return None
        # Beyond ASCII the order of names is another one in .NET.
        if not 0 < len(properties) <= _MOST_MEMBERS or not "".join(properties).isascii():
            return None
        members = {name: _member(document, schema) for name, schema in properties.items()}
        known = {name: member for name, member in members.items() if member is not None}
        return cls(known) if len(known) == len(members) else None

    def canonical(self, text: str) -> str | None:
        """The canonical form (events.md 11) of a content that is stored as it is; `None` for the long way."""
        try:
            content = self._decode(text)
            # Nothing undeclared, absent, repeated, or written in another way.
            if _encode(content) != text.encode():
                return None
            for field, convert, is_double in self._checks:
                value = getattr(content, field)
                if convert(value) != value:
                    return None
                if is_double:
                    setattr(content, field, as_written(value))
        except (msgspec.MsgspecError, ValueError, Misfit):
            return None
        canonical: str = _encode_sorted(content).decode()
        return canonical if is_canonical(canonical) else None


def _member(document: SchemaDocument, schema: Any) -> tuple[type, Convert | None] | None:
    """The Python type of a simple member, and what checks its values."""
    place = document.place(schema)
    kinds = place.types - {"null"}
    if len(kinds) != 1 or place.choices or has_compliance(place.schema):
        return None
    (kind,) = kinds
    if kind == "array" and not place.format and place.items == _TEXTS:
        return list[str], None
    python_type = _PYTHON_TYPES.get(kind)
    # Decimals keep digits that a double would lose.
    if python_type is None or place.format == "decimal":
        return None
    format_: Format | None = FORMATS.get(place.format) or TYPES.get(kind)
    if format_ is not None and not kinds <= format_.types:
        return None
    return python_type, None if format_ is None else format_.convert
