"""Forms of shapes: how values of every type are read from JSON and written to it."""

from collections.abc import Callable
from enum import Enum
from types import GenericAlias
from typing import Any, Protocol
from uuid import UUID

import msgspec

from chronicle.serialization.members import members_of
from chronicle.serialization.naming import NamingPolicy
from chronicle.serialization.records import Part, make_mirror, or_null, record_dumper, record_loader
from chronicle.serialization.scalars import FORMS, Convert, Form
from chronicle.serialization.shapes import (
    Anything,
    Entries,
    Enumeration,
    Items,
    Nullable,
    Record,
    Scalar,
    Shape,
    Words,
    shape_of,
)


class Content:
    """A class at the root of a JSON text: its decoder and its converters."""

    __slots__ = ("decode", "dump", "load")

    def __init__(self, form: Form) -> None:
        self.decode = msgspec.json.Decoder(form.wire).decode
        self.load: Convert = form.load or _same
        self.dump: Convert = form.dump or _same


class Contents(Protocol):
    """What has been compiled so far, and compiles what it does not have yet."""

    naming: NamingPolicy

    def content_of(self, type_: Any) -> Content:
        """The compiled form of a class."""
        ...

    def dump_anything(self, value: object) -> object:
        """What msgspec writes for a value whose class is only known when it is there."""
        ...


class Compiler:
    """Makes forms of shapes."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    def form(self, shape: Shape, place: str, around: tuple[type, ...]) -> Form:
        """The form of a shape at a place inside the classes `around`."""
        match shape:
            case Anything():
                return Form(Any, dump=self._contents.dump_anything)
            case Scalar(base=base, concept=concept):
                return _scalar(base, concept)
            case Enumeration(type=type_):
                return Form(int | str, load=_enum_member(type_))
            case Words(type=type_):
                return Form(type_)
            case Items(container=container, item=item):
                return _items(container, self.form(item, f"{place}[]", around))
            case Entries(key=key, value=value):
                return _entries(self.form(key, place, around), self.form(value, f"{place}{{}}", around))
            case Nullable(of=inner):
                return _nullable(self.form(inner, place, around))
            case Record(type=type_) if type_ in around:
                return self._recursion(type_)
            case Record(type=type_):
                return self._record(type_, place, around)

    def _recursion(self, type_: type) -> Form:
        """A class inside itself: its text is kept raw and read by the class's own decoder."""
        content_of = self._contents.content_of

        def load(raw: msgspec.Raw) -> Any:
            if bytes(raw) == b"null":
                return None
            content = content_of(type_)
            return content.load(content.decode(raw))

        return Form(msgspec.Raw, load=load, dump=lambda value: content_of(type_).dump(value))

    def _record(self, type_: type, place: str, around: tuple[type, ...]) -> Form:
        around = (*around, type_)
        parts = []
        for member in members_of(type_, self._contents.naming):
            member_place = f"{place}.{member.name}"
            shape = shape_of(member.annotation, member_place)
            # Records look after None themselves: they see it at every member that may hold it.
            form = self.form(shape.of if isinstance(shape, Nullable) else shape, member_place, around)
            parts.append(Part(member, form, nullable=isinstance(shape, Nullable | Anything)))
        # The order of a Struct: members without a default stand first.
        parts.sort(key=lambda part: not part.required)
        mirror = make_mirror(type_.__name__, parts)
        return Form(mirror, load=record_loader(type_, parts), dump=record_dumper(mirror, parts))


def _enum_member(type_: type[Enum]) -> Convert:
    """Finds a member by number, as in events, or by name, as read models arrive."""

    def load(value: int | str) -> Enum:
        if isinstance(value, str) and value in type_.__members__:
            return type_[value]
        return type_(value)

    return load


def _scalar(base: type, concept: Callable[[Any], Any] | None) -> Form:
    form = FORMS[base]
    if concept is None:
        return form
    # UUID's own constructor takes a text, not another UUID. No base of concepts has a `load` of its own.
    load = concept if base is not UUID else lambda value: concept(str(value))
    # A concept that is no subclass, such as pydantic's URLs, is unknown to msgspec and to `bare`.
    inherits = isinstance(concept, type) and issubclass(concept, base)
    return Form(form.wire, load=load, dump=form.dump if inherits else base)


def _items(container: type, item: Form) -> Form:
    load, dump = item.load, item.dump
    if load is not None:
        wire = GenericAlias(list, (item.wire,))  # mirrors cannot be hashed, so they are not read into a set
    else:
        wire = GenericAlias(container, (item.wire, ...) if container is tuple else (item.wire,))
    return Form(
        wire,
        load=None if load is None else lambda values: container([load(value) for value in values]),
        dump=None if dump is None else lambda values: [dump(value) for value in values],
    )


def _entries(key: Form, value: Form) -> Form:
    load_name, load, dump = key.load or _same, value.load or _same, value.dump
    converts = key.load is not None or value.load is not None
    return Form(
        GenericAlias(dict, (key.wire, value.wire)),
        load=(lambda entries: {load_name(k): load(v) for k, v in entries.items()}) if converts else None,
        dump=None if dump is None else lambda entries: {k: dump(v) for k, v in entries.items()},
    )


def _nullable(inner: Form) -> Form:
    load, dump = inner.load, inner.dump
    return Form(
        or_null(inner.wire),
        load=None if load is None else lambda value: None if value is None else load(value),
        dump=None if dump is None else lambda value: None if value is None else dump(value),
    )


def _same(value: Any) -> Any:
    return value
