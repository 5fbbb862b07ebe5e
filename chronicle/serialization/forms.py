"""Forms of shapes: how values of every type are read from JSON and written to it."""

from collections.abc import Callable
from enum import Enum
from functools import partial
from types import GenericAlias
from typing import Annotated, Any, Protocol

import msgspec

from chronicle.compliance.markers import Pii
from chronicle.serialization.concepts import Concept
from chronicle.serialization.derived import derived_types_of
from chronicle.serialization.members import Member, members_of
from chronicle.serialization.naming import NamingPolicy
from chronicle.serialization.personal import personal_form, zero_of
from chronicle.serialization.records import (
    Part,
    family_form,
    make_mirror,
    or_null,
    record_dumper,
    record_loader,
)
from chronicle.serialization.scalars import FORMS, Convert, Form, maker
from chronicle.serialization.shapes import (
    Anything,
    Entries,
    Enumeration,
    Family,
    Geometry,
    Items,
    Leaf,
    Nullable,
    Personal,
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

    def form(self, shape: Shape, place: str, around: tuple[type, ...], *, personal: bool = False) -> Form:
        """The form of a shape at a place inside the classes `around`; `personal` when all of it is."""
        match shape:
            case Personal(of=inner):
                return self.form(inner, place, around, personal=True)
            case Nullable(of=inner):
                return _nullable(self.form(inner, place, around, personal=personal))
            case Record(type=type_) if type_ in around:
                return self._recursion(type_, personal)
            case Record(type=type_):
                return self._record(type_, place, around, personal)
            case _ if personal:
                return personal_form(self._leaf(shape, place, around), partial(zero_of, shape))
            case _:
                return self._leaf(shape, place, around)

    def _leaf(
        self,
        shape: Leaf,
        place: str,
        around: tuple[type, ...],
    ) -> Form:
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
            case Geometry(type=type_):
                # Only those who use geometries pay for their forms.
                from chronicle.serialization.geojson import GEOMETRY_FORMS

                return GEOMETRY_FORMS[type_]
            case Family(base=base):
                return self._family(base, place, around)

    def _family(self, base: type, place: str, around: tuple[type, ...]) -> Form:
        derived = derived_types_of(base)
        if not {base, *derived.values()}.isdisjoint(around):
            return self._recursion(base, personal=False)
        around = (*around, base)
        return family_form(
            base,
            {
                type_: self._record(type_, f"{place}({type_.__name__})", around, personal=False, tag=id_)
                for id_, type_ in derived.items()
            },
        )

    def _recursion(self, type_: Any, personal: bool) -> Form:
        """A class inside itself: its text is kept raw and read by the class's own decoder."""
        content_of = self._contents.content_of
        if personal:
            type_ = Annotated[type_, Pii()]

        def load(raw: msgspec.Raw) -> Any:
            if bytes(raw) == b"null":
                return None
            content = content_of(type_)
            return content.load(content.decode(raw))

        return Form(msgspec.Raw, load=load, dump=lambda value: content_of(type_).dump(value))

    def _record(
        self,
        type_: type,
        place: str,
        around: tuple[type, ...],
        personal: bool,
        *,
        tag: str | None = None,
    ) -> Form:
        """`tag` is the id of a derived type, where others may stand as well."""
        around = (*around, type_)
        parts = []
        for member in members_of(type_, self._contents.naming):
            member_place = f"{place}.{member.name}"
            shape = shape_of(member.annotation, member_place)
            form = self._member(member, shape, member_place, around, personal)
            is_nullable = isinstance(shape, Nullable | Anything)
            parts.append(Part(member, form, nullable=is_nullable))
        # The order of a Struct: members without a default stand first.
        parts.sort(key=lambda part: not part.required)
        mirror = make_mirror(type_.__name__, parts, tag)
        return Form(mirror, load=record_loader(type_, parts), dump=record_dumper(mirror, parts))

    def _member(
        self, member: Member, shape: Shape, place: str, around: tuple[type, ...], personal: bool
    ) -> Form:
        # Records look after None themselves: they see it at every member that may hold it.
        inner = shape.of if isinstance(shape, Nullable) else shape
        if isinstance(inner, Personal):
            inner, personal = inner.of, True
        if not personal or isinstance(inner, Record | Personal | Nullable):
            return self.form(inner, place, around, personal=personal)
        erased: Callable[[], Any] = partial(zero_of, inner)
        if isinstance(shape, Nullable):
            erased = _none
        elif member.has_default:
            erased = _unset
        return personal_form(self._leaf(inner, place, around), erased)


def _none() -> None:
    return None


def _unset() -> Any:
    return msgspec.UNSET


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
    make, read, write = maker(concept), form.load, form.dump
    load = make if read is None else lambda value: make(read(value))
    if not isinstance(concept, type) or not issubclass(concept, Concept | base):
        # Unknown to msgspec and to `bare`, such as pydantic's URLs.
        return Form(form.wire, load=load, dump=base)
    if issubclass(concept, Concept):
        return Form(form.wire, load, _held if write is None else lambda held: write(held.value))
    return Form(form.wire, load=load, dump=write)


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
    load_name, load = key.load or _same, value.load or _same
    dump_name, dump = key.dump or _same, value.dump or _same
    loads = key.load is not None or value.load is not None
    dumps = key.dump is not None or value.dump is not None
    return Form(
        GenericAlias(dict, (key.wire, value.wire)),
        load=(lambda entries: {load_name(k): load(v) for k, v in entries.items()}) if loads else None,
        dump=(lambda entries: {dump_name(k): dump(v) for k, v in entries.items()}) if dumps else None,
    )


def _nullable(inner: Form) -> Form:
    load, dump = inner.load, inner.dump
    return Form(
        or_null(inner.wire),
        load=None if load is None else lambda value: None if value is None else load(value),
        dump=None if dump is None else lambda value: None if value is None else dump(value),
    )


def _held(concept: Concept[Any]) -> Any:
    return concept.value


def _same(value: Any) -> Any:
    return value
