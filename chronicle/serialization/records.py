"""Records in content: models, dataclasses and Structs, by way of their mirrors."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import attrgetter, or_
from typing import Any

import msgspec

from chronicle.serialization.derived import DISCRIMINATOR
from chronicle.serialization.members import Member, is_pydantic_model
from chronicle.serialization.personal import ERASED
from chronicle.serialization.scalars import Convert, Form


class Part:
    """A member of a record with its form.

    An absent member that may be None is None, whatever its default: None is what was left out on writing.
    """

    def __init__(self, member: Member, form: Form, *, nullable: bool) -> None:
        self.member = member
        self.form = form
        self.nullable = nullable
        self.defaulted = member.has_default and not self.nullable
        self.required = not self.nullable and not self.defaulted

    def field(self) -> tuple[str, Any] | tuple[str, Any, Any]:
        """The field of the mirror."""
        name, wire = self.member.name, self.form.wire
        if self.nullable:
            return name, or_null(wire), None
        return (name, wire, msgspec.UNSET) if self.defaulted else (name, wire)


def or_null(wire: Any) -> Any:
    """What msgspec reads where a null may stand; `Raw` takes anything, and no part in a union."""
    return wire if wire is Any or wire is msgspec.Raw else wire | None


def make_mirror(name: str, parts: Sequence[Part], tag: str | None) -> type[msgspec.Struct]:
    """The Struct with the names and the plain types of the wire; it is written without what is None.

    With a `tag`, the id of a derived type, it says which it is.
    """
    return msgspec.defstruct(
        name,
        [part.field() for part in parts],
        rename={part.member.name: part.member.content_name for part in parts},
        omit_defaults=True,
        gc=False,
        tag_field=None if tag is None else DISCRIMINATOR,
        tag=tag,
    )


def record_loader(type_: Any, parts: Sequence[Part]) -> Convert:
    """Makes a record of its mirror, through the constructor of its class."""
    arguments_of = _argument_reader([part.member for part in parts])
    loads = [
        (part.member.argument, part.member.content_name, part.form.load) for part in parts if part.form.load
    ]
    defaulted = [part.member.argument for part in parts if part.defaulted]
    personal = [part.member.argument for part in parts if part.form.is_personal]
    is_model = is_pydantic_model(type_)
    build = type_.model_validate if is_model else lambda arguments: type_(**arguments)
    unset = msgspec.UNSET

    def load(mirror: msgspec.Struct) -> Any:
        arguments = arguments_of(mirror)
        for argument, name, convert in loads:
            value = arguments[argument]
            if value is not None and value is not unset:
                try:
                    arguments[argument] = convert(value)
                except Exception as error:
                    raise Misfit.at(name, error) from error
        for argument in defaulted:
            if arguments[argument] is unset:
                del arguments[argument]
        try:
            return build(arguments)
        except ValueError as error:
            if is_model and _are_erased(arguments_of(mirror), personal):
                # What its validators demand, an erased value cannot give; the rest of it stays readable.
                return type_.model_construct(**arguments)
            raise Misfit.of_model(error) from error

    return load


def _are_erased(arguments: dict[str, Any], personal: Sequence[str]) -> bool:
    """Whether any personal value of a mirror was erased."""
    return any(
        isinstance(raw := arguments[argument], msgspec.Raw) and bytes(raw) in ERASED for argument in personal
    )


def record_dumper(mirror: type[msgspec.Struct], parts: Sequence[Part]) -> Convert:
    """Fills the mirror of a record."""
    values_of = _attributes([part.member.name for part in parts])
    dumps = [(i, part.member.content_name, part.form.dump) for i, part in enumerate(parts) if part.form.dump]

    def dump(record: Any) -> msgspec.Struct:
        values = values_of(record)
        if dumps:
            values = list(values)
            for index, name, convert in dumps:
                value = values[index]
                if value is not None:
                    try:
                        values[index] = convert(value)
                    except Exception as error:
                        raise Misfit.at(name, error) from error
        return mirror(*values)

    return dump


def family_form(base: type, forms: Mapping[type, Form]) -> Form:
    """The form of values of any of several derived types, whose mirrors have tags."""
    loads = {form.wire: form.load or _same for form in forms.values()}
    dumps = {type_: form.dump or _same for type_, form in forms.items()}

    def dump(value: Any) -> Any:
        for type_ in type(value).__mro__:
            if type_ in dumps:
                return dumps[type_](value)
        name = type(value).__qualname__
        raise TypeError(f"{name} is no derived type of {base.__qualname__}: mark it with @derived_type")

    return Form(reduce(or_, loads), load=lambda mirror: loads[type(mirror)](mirror), dump=dump)


def _argument_reader(members: Sequence[Member]) -> Callable[[msgspec.Struct], dict[str, Any]]:
    """Reads a mirror as keyword arguments for the constructor."""
    if all(member.argument == member.name for member in members):
        return msgspec.structs.asdict
    arguments = [member.argument for member in members]
    return lambda mirror: dict(zip(arguments, msgspec.structs.astuple(mirror), strict=True))


def _attributes(names: list[str]) -> Callable[[Any], Sequence[Any]]:
    """Reads several attributes at once, as a sequence whatever their number."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda record: [getattr(record, name) for name in names]


def _same(value: Any) -> Any:
    return value


class Misfit(ValueError):
    """A value that does not fit; its text ends with the place as msgspec's do: "... - at `$.line.price`"."""

    @classmethod
    def at(cls, name: str, error: Exception) -> "Misfit":
        """An error at the member called `name`, or somewhere inside it."""
        reason, _, inside = str(error).partition(" - at `$")
        return cls(f"{reason} - at `$.{name}{inside.removesuffix('`')}`")

    @classmethod
    def of_model(cls, error: Any) -> "Misfit":
        """What a constructor refuses; of pydantic's list, a paragraph for each member, the first entry."""
        pydantic = sys.modules.get("pydantic_core")
        if pydantic is None or not isinstance(error, pydantic.ValidationError):
            return cls(str(error))
        details = error.errors(include_url=False, include_context=False, include_input=False)
        more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
        place = "".join(f".{part}" for part in details[0]["loc"])
        return cls(f"{details[0]['msg']}{more}" + (f" - at `${place}`" if place else ""))
