"""The members of a class that content is made of: of pydantic models, dataclasses and msgspec Structs.

Pydantic is never imported here: a class can only be a model if its application has imported it already.
"""

import dataclasses
import sys
from collections.abc import Iterator
from typing import Annotated, Any, get_type_hints

import msgspec

from chronicle.errors import UnsupportedTypeError
from chronicle.serialization.naming import NamingPolicy, camel_case


class Member(msgspec.Struct, frozen=True):
    """One member of a class, under its three names."""

    name: str
    """The attribute that holds the value."""
    argument: str
    """What the constructor calls it; other than `name` for a pydantic field with an alias."""
    content_name: str
    """What content and schema call it."""
    annotation: Any
    has_default: bool


def is_record(type_: type) -> bool:
    """Whether values of this class are objects in content: a pydantic model, a dataclass, a Struct."""
    return dataclasses.is_dataclass(type_) or issubclass(type_, msgspec.Struct) or is_pydantic_model(type_)


def is_pydantic_model(type_: type) -> bool:
    """Whether this is a pydantic `BaseModel` with fields; a `RootModel` has none."""
    pydantic = sys.modules.get("pydantic.main")
    if pydantic is None or not issubclass(type_, pydantic.BaseModel):
        return False
    return not getattr(type_, "__pydantic_root_model__", False)


def members_of(type_: type, naming: NamingPolicy) -> tuple[Member, ...]:
    """The members of a record class in the order of declaration.

    A name that the class itself gives (a pydantic alias, `rename` or `name` of a Struct) wins over the
    policy. Not members: fields that pydantic excludes, that a constructor does not take, that are computed.

    A class of the contract's own, with `__chronicle_wire_names__`, keeps its names whatever the policy.

    Raises `UnsupportedTypeError` when annotations cannot be resolved, or when two members would share a name.
    """
    if getattr(type_, "__chronicle_wire_names__", False):
        naming = camel_case
    try:
        members = tuple(_read_members(type_, naming))
    except NameError as error:
        raise UnsupportedTypeError(
            f"The annotations of {type_.__qualname__} cannot be resolved: {error}. "
            "Declare the classes that they name at module level, before the class is used."
        ) from error
    _check_names(type_, members)
    return members


def _read_members(type_: type, naming: NamingPolicy) -> Iterator[Member]:
    if is_pydantic_model(type_) or hasattr(type_, "__pydantic_fields__"):
        return _pydantic_members(type_, naming)
    if issubclass(type_, msgspec.Struct):
        return _struct_members(type_, naming)
    return _dataclass_members(type_, naming)


def _pydantic_members(type_: Any, naming: NamingPolicy) -> Iterator[Member]:
    """The fields of a pydantic model, or of a pydantic dataclass."""
    config: dict[str, Any]
    if is_pydantic_model(type_):
        if not type_.__pydantic_complete__:
            type_.model_rebuild()
        fields, config = type_.model_fields, type_.model_config
    else:
        fields, config = type_.__pydantic_fields__, type_.__pydantic_config__
    by_alias = config.get("validate_by_alias", True)
    for name, field in fields.items():
        if field.exclude or field.init is False:
            continue
        yield Member(
            name=name,
            argument=_validation_name(type_, name, field) if by_alias else name,
            content_name=field.serialization_alias or naming(name),
            # Pydantic takes the outermost Annotated apart.
            annotation=Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation,
            has_default=not field.is_required(),
        )


def _validation_name(type_: type, name: str, field: Any) -> str:
    """The key under which pydantic expects a field: its alias, or the first that is a plain name."""
    alias = field.validation_alias
    if alias is None:
        return name
    choices = alias.choices if hasattr(alias, "choices") else (alias,)
    for choice in choices:
        if isinstance(choice, str):
            return choice
    raise UnsupportedTypeError(
        f"{type_.__qualname__}.{name} can only be validated from a path inside other values ({alias!r}). "
        "Give it a plain alias as one of its AliasChoices."
    )


def _struct_members(type_: type[msgspec.Struct], naming: NamingPolicy) -> Iterator[Member]:
    for field in msgspec.structs.fields(type_):
        renamed = field.encode_name != field.name
        yield Member(
            name=field.name,
            argument=field.name,
            content_name=field.encode_name if renamed else naming(field.name),
            annotation=field.type,
            has_default=not field.required,
        )


def _dataclass_members(type_: Any, naming: NamingPolicy) -> Iterator[Member]:
    # A class defined inside a function is not among its module's names, yet it may well name itself.
    hints = get_type_hints(type_, localns={type_.__name__: type_}, include_extras=True)
    for field in dataclasses.fields(type_):
        if not field.init:
            continue
        given = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        yield Member(
            name=field.name,
            argument=field.name,
            content_name=naming(field.name),
            annotation=hints[field.name],
            has_default=given,
        )


def _check_names(type_: type, members: tuple[Member, ...]) -> None:
    by_content_name: dict[str, str] = {}
    for member in members:
        other = by_content_name.setdefault(member.content_name, member.name)
        if other != member.name:
            raise UnsupportedTypeError(
                f"{type_.__qualname__}.{other} and {type_.__qualname__}.{member.name} would both be called "
                f"'{member.content_name}' in content. Rename one of them."
            )
