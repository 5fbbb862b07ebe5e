"""Validation of content against a schema, as the kernel does it (events.md 3.5).

Only types are checked: formats and enumerations come into play when the content is shaped. A schema becomes
nodes that know by the Python type of a value whether it is right, so that scalars cost one look each.
"""

from decimal import Decimal
from enum import StrEnum
from types import NoneType
from typing import Any, Final, NamedTuple

from chronicle.kernel.schemas.documents import TYPES, Place, SchemaDocument

_PYTHON_TYPES: Final[dict[str, frozenset[type]]] = {
    "array": frozenset({list}),
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "null": frozenset({NoneType}),
    "number": frozenset({int, float, Decimal}),
    "object": frozenset({dict}),
    "string": frozenset({str}),
}
_KINDS: Final[dict[type, str]] = {
    list: "array",
    bool: "boolean",
    NoneType: "null",
    int: "number",
    float: "number",
    Decimal: "number",
    dict: "object",
    str: "string",
}
_EVERY_TYPE: Final = frozenset(_KINDS)


class ViolationKind(StrEnum):
    """What is wrong; the value is what the wire carries as `kind`."""

    PROPERTY_REQUIRED = "PropertyRequired"
    WRONG_PROPERTY_TYPE = "WrongPropertyType"


class SchemaViolation(NamedTuple):
    """One thing that is wrong with a content."""

    path: str
    """Where, as in `a.b[0].c`; empty at the root."""
    kind: ViolationKind
    message: str


class Node:
    """One place in a schema, and what may stand there."""

    __slots__ = (
        "accepted",
        "branches",
        "is_whole",
        "items",
        "members",
        "shallow",
        "shallow_members",
        "types",
    )

    def __init__(self) -> None:
        # Filled after it was made: a type may hold itself. Until then it counts as one to be looked into.
        self.types: list[str] = []
        self.accepted: frozenset[type] = _EVERY_TYPE
        self.shallow: frozenset[type] = frozenset()
        self.is_whole = False
        self.members: dict[str, Node] = {}
        self.shallow_members: dict[str, frozenset[type]] = {}
        self.items: Node | None = None
        self.branches: tuple[Node, ...] = ()

    def fill(
        self, place: Place, *, members: dict[str, "Node"], items: "Node | None", branches: tuple["Node", ...]
    ) -> None:
        """Takes over what a place says."""
        if place.types:
            self.types = [name for name in TYPES if name in place.types]
            self.accepted = frozenset().union(*(_PYTHON_TYPES[name] for name in self.types))
            self.is_whole = "integer" in place.types and "number" not in place.types
        self.members = {name: node for name, node in members.items() if not node.accepts_all}
        self.items = None if items is None or items.accepts_all else items
        self.branches = branches
        looked_into: set[type] = set(_EVERY_TYPE) if branches else set()
        if self.members:
            looked_into.add(dict)
        if self.items is not None:
            looked_into.add(list)
        self.shallow = self.accepted - looked_into

    @property
    def accepts_all(self) -> bool:
        """Whether nothing can be wrong here."""
        return self.shallow == _EVERY_TYPE

    def fits(self, value: Any) -> bool:
        """Whether the type of the value itself is right, whatever is inside."""
        return type(value) in self.accepted or (self.is_whole and _is_whole(value))

    def check(self, value: Any, path: str, found: list[SchemaViolation]) -> None:
        """Adds what is wrong with a value and inside it."""
        kind = type(value)
        if kind not in self.accepted and not (self.is_whole and _is_whole(value)):
            found.append(_wrong_type(path, self.types, value))
            return
        if kind is dict and self.members:
            shallow = self.shallow_members or self._shallow_members()
            for name, item in value.items():
                types = shallow.get(name)
                if types is not None and type(item) not in types:
                    self.members[name].check(item, f"{path}.{name}" if path else name, found)
        elif kind is list and self.items is not None:
            for index, item in enumerate(value):
                if type(item) not in self.items.shallow:
                    self.items.check(item, f"{path}[{index}]", found)
        if self.branches:
            self._choose(value, path, found)

    def _shallow_members(self) -> dict[str, frozenset[type]]:
        # Only now every member is filled, also one that holds this node.
        self.shallow_members = {name: node.shallow for name, node in self.members.items()}
        return self.shallow_members

    def _choose(self, value: Any, path: str, found: list[SchemaViolation]) -> None:
        fitting = [branch for branch in self.branches if branch.fits(value)]
        if not fitting:
            types = {name for branch in self.branches for name in branch.types}
            found.append(_wrong_type(path, [name for name in TYPES if name in types], value))
        elif len(fitting) == 1:
            # Which of several was meant is not known: they are not looked into.
            fitting[0].check(value, path, found)


class Validator:
    """Checks the contents of one schema."""

    def __init__(self, document: SchemaDocument) -> None:
        self._root = _Compiler(document).compile(document.root)
        self._required = _required(document, document.place(document.root))
        self._are_required = frozenset(self._required)

    def validate(self, content: dict[str, Any]) -> list[SchemaViolation]:
        """Everything that is wrong with a content; empty when it is right."""
        found: list[SchemaViolation] = []
        if not self._are_required <= content.keys():
            for name in self._required:
                if name not in content:
                    found.append(_missing(name))
        self._root.check(content, "", found)
        return found


class _Compiler:
    """Makes nodes of schemas."""

    def __init__(self, document: SchemaDocument) -> None:
        self._document = document
        # By the identity of parts of the document, which live as long as it does.
        self._nodes: dict[int, Node] = {}

    def compile(self, schema: Any) -> Node:
        known = self._nodes.get(id(schema))
        if known is not None:
            return known
        node = self._nodes[id(schema)] = Node()
        place = self._document.place(schema)
        node.fill(
            place,
            members={n: self.compile(s) for n, s in self._document.properties(place).items()},
            items=self.compile(place.items) if isinstance(place.items, dict) else None,
            branches=tuple(self.compile(branch) for branch in self._branches(place)),
        )
        return node

    def _branches(self, place: Place) -> list[Any]:
        """The schemas to choose from; choices among choices are choices of their own."""
        branches: list[Any] = []
        seen: set[int] = set()
        waiting = list(reversed(place.choices))
        while waiting:
            choice = waiting.pop()
            if id(choice) in seen:
                continue
            seen.add(id(choice))
            inner = self._document.place(choice).choices
            if inner:
                waiting += reversed(inner)
            else:
                branches.append(choice)
        return branches


def _required(document: SchemaDocument, root: Place) -> tuple[str, ...]:
    """The properties that a content must have: those that cannot be null."""
    names = root.schema.get("required")
    properties = document.properties(root)
    return tuple(
        name
        for name in (names if isinstance(names, list) else ())
        if isinstance(name, str) and not document.place(properties.get(name)).is_nullable
    )


def _is_whole(value: Any) -> bool:
    """Whether a number has no fraction, however it is written."""
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return isinstance(value, float) and value.is_integer()


def _missing(name: str) -> SchemaViolation:
    return SchemaViolation(name, ViolationKind.PROPERTY_REQUIRED, f"Property '{name}' is required.")


def _wrong_type(path: str, types: list[str], value: Any) -> SchemaViolation:
    kind = _KINDS.get(type(value), type(value).__name__)
    subject = f"Property '{path}' expected" if path else "Expected"
    message = f"{subject} {' or '.join(types)} but got {kind}."
    return SchemaViolation(path, ViolationKind.WRONG_PROPERTY_TYPE, message)
