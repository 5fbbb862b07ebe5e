"""Shaping of content by its schema, at append and in migrations (events.md 16).

Declared properties stay, in the schema's spelling; each value must be readable from its format; what is
absent and cannot be null becomes its type's default. Where the schema says nothing, everything stays.
"""

from decimal import Decimal
from typing import Any, Final

from chronicle.kernel.schemas.documents import Place, SchemaDocument, has_compliance
from chronicle.kernel.schemas.errors import ShapingError
from chronicle.kernel.schemas.formats import FORMATS, OPAQUE_FORMATS, TYPES, Convert, Format, Misfit

_UNDECLARED: Final[Any] = object()

_OBJECT: Final = frozenset({"object"})
_ARRAY: Final = frozenset({"array"})
_PYTHON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "integer": (int, float, Decimal),
    "number": (int, float, Decimal),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}


class _Object:
    __slots__ = ("_converters", "_count", "_defaults", "_spelling")

    def __init__(self) -> None:
        # Filled after it was made: a type may hold itself.
        self._converters: dict[str, Convert | None] = {}
        self._defaults: list[tuple[str, Any]] = []
        self._spelling: dict[str, str] = {}
        self._count = 0

    def fill(self, converters: dict[str, Convert | None], defaults: dict[str, Any]) -> None:
        self._converters = converters
        self._defaults = list(defaults.items())
        self._count = len(converters)
        for name in converters:
            self._spelling.setdefault(name.lower(), name)

    def shape(self, value: Any) -> Any:
        if type(value) is not dict:
            raise Misfit("object", value)
        converters, shaped, has_strays = self._converters, {}, False
        name = ""
        try:
            for name, item in value.items():
                convert = converters.get(name, _UNDECLARED)
                if convert is None:
                    if item is not None:
                        shaped[name] = item
                elif convert is _UNDECLARED:
                    has_strays = True
                # Null and absent are the same to everyone who reads it.
                elif item is not None:
                    shaped[name] = convert(item)
            if has_strays:
                for given, item in value.items():
                    name = self._spelling.get(given.lower(), "") if given not in converters else ""
                    if name and name not in shaped and item is not None:
                        convert = converters[name]
                        shaped[name] = item if convert is None else convert(item)
        except Misfit as misfit:
            raise misfit.inside(name) from None
        if len(shaped) != self._count:
            for name, default in self._defaults:
                if name not in shaped:
                    shaped[name] = default
        return shaped


class _Array:
    __slots__ = ("_convert",)

    def __init__(self) -> None:
        self._convert: Convert | None = None

    def fill(self, convert: Convert | None) -> None:
        self._convert = convert

    def shape(self, value: Any) -> Any:
        if type(value) is not list:
            raise Misfit("array", value)
        convert = self._convert
        if convert is None:
            return value
        shaped = []
        try:
            for item in value:
                # Validation has let nulls through only where items may be null.
                shaped.append(None if item is None else convert(item))
        except Misfit as misfit:
            raise misfit.inside(f"[{len(shaped)}]") from None
        return shaped


class Shaper:
    """Shapes the contents of one schema."""

    def __init__(self, document: SchemaDocument) -> None:
        self._shape = _Compiler(document).compile(document.root, is_protected=False)

    def shape(self, content: dict[str, Any]) -> dict[str, Any]:
        """A new content, as it is stored. Raises `ShapingError`."""
        if self._shape is None:
            return dict(content)
        try:
            shaped: dict[str, Any] = self._shape(content)
        except Misfit as misfit:
            raise ShapingError(misfit.path, misfit.reason) from None
        return shaped


class _Compiler:
    """Makes converters of schemas; `None` where a value stays as it is."""

    def __init__(self, document: SchemaDocument) -> None:
        self._document = document
        self._converters: dict[tuple[int, bool], Convert | None] = {}

    def compile(self, schema: Any, *, is_protected: bool) -> Convert | None:
        """The converter of a schema, inside an object that is protected as a whole or not."""
        key = (id(schema), is_protected)
        if key in self._converters:
            return self._converters[key]
        place = self._document.place(schema)
        is_protected = is_protected or has_compliance(place.schema)
        properties = {} if place.format in OPAQUE_FORMATS else self._document.properties(place)
        if properties:
            return self._object(key, place, properties, is_protected)
        # What is protected holds ciphertext, whatever its type.
        if is_protected or place.choices or place.format in OPAQUE_FORMATS:
            return None
        if isinstance(place.items, dict):
            return self._array(key, place)
        format_ = _format_of(place)
        if format_ is None or format_.convert is None:
            return None
        return _only(format_.types, place, format_.convert) if place.types else format_.convert

    def _object(
        self, key: tuple[int, bool], place: Place, properties: dict[str, Any], is_protected: bool
    ) -> Convert:
        shaper = _Object()
        shape = self._converters[key] = _only(_OBJECT, place, shaper.shape)
        shaper.fill(
            {name: self.compile(one, is_protected=is_protected) for name, one in properties.items()},
            {
                name: default
                for name, one in properties.items()
                if (default := _default_of(self._document.place(one))) is not None
            },
        )
        return shape

    def _array(self, key: tuple[int, bool], place: Place) -> Convert | None:
        shaper = _Array()
        # A type that holds itself finds the converter here.
        self._converters[key] = _only(_ARRAY, place, shaper.shape)
        convert = self.compile(place.items, is_protected=False)
        if convert is None:
            self._converters[key] = None
        else:
            shaper.fill(convert)
        return self._converters[key]


def _format_of(place: Place) -> Format | None:
    """How values of a place are read; `None` when they are taken as they are."""
    format_ = FORMATS.get(place.format)
    if format_ is not None:
        return format_ if not place.types or place.types & format_.types else None
    kinds = place.types - {"null"}
    # An enumeration is an integer too: membership is not checked (docs/deviations.md).
    return TYPES.get(next(iter(kinds))) if len(kinds) == 1 else None


def _default_of(place: Place) -> Any:
    """What stands for a value that is absent; `None` for nothing."""
    if place.is_nullable or place.choices or place.format in OPAQUE_FORMATS:
        return None
    format_ = _format_of(place)
    numbers = place.schema.get("enum")
    if format_ is None or (isinstance(numbers, list) and 0 not in numbers and format_.default == 0):
        return None
    return format_.default


def _only(types: frozenset[str], place: Place, convert: Convert) -> Convert:
    """A converter for the values of some types; if a place may have others, those stay as they are."""
    if place.types and place.types <= types | {"null"}:
        return convert
    mine = frozenset(kind for name in types for kind in _PYTHON_TYPES[name])

    def convert_mine(value: Any) -> Any:
        return convert(value) if type(value) in mine else value

    return convert_mine
