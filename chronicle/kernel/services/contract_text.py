"""The contract as proto3 source text, as `GetDescriptorSet` gives it (connection.md 6).

The .NET client compares its own text with this one, line by line: the names of services, and `rpc` lines
character for character. So types are written without their package, except those of `google.protobuf`.
"""

import importlib
import pkgutil
from collections.abc import Iterator

from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    FileDescriptor,
    ServiceDescriptor,
)

import chronicle.contracts

_INDENT = "   "

_SCALARS = {
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_FIXED64: "fixed64",
    FieldDescriptor.TYPE_FIXED32: "fixed32",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_SFIXED32: "sfixed32",
    FieldDescriptor.TYPE_SFIXED64: "sfixed64",
    FieldDescriptor.TYPE_SINT32: "sint32",
    FieldDescriptor.TYPE_SINT64: "sint64",
}


def contract_text() -> str:
    """The schemas of all packages, one after another."""
    modules = sorted(
        module.name
        for module in pkgutil.iter_modules(chronicle.contracts.__path__)
        if module.name.endswith("_pb2")
    )
    files = [importlib.import_module(f"{chronicle.contracts.__name__}.{name}").DESCRIPTOR for name in modules]
    return "\n".join(line for file in files if file.package != "bcl" for line in _file(file))


def _file(file: FileDescriptor) -> Iterator[str]:
    yield 'syntax = "proto3";'
    yield f"package {file.package};"
    for dependency in file.dependencies:
        yield f'import "{dependency.name}";'
    for message in sorted(file.message_types_by_name.values(), key=lambda one: one.name):
        yield ""
        yield from _message(message)
    for enum in sorted(file.enum_types_by_name.values(), key=lambda one: one.name):
        yield ""
        yield from _enum(enum)
    for service in file.services_by_name.values():
        yield ""
        yield from _service(service)
    yield ""


def _message(message: Descriptor) -> Iterator[str]:
    yield f"message {message.name} {{"
    for field in message.fields:
        yield f"{_INDENT}{_field(field)};"
    yield "}"


def _field(field: FieldDescriptor) -> str:
    if _is_map(field):
        assert field.message_type is not None
        key, value = (_type(field.message_type.fields_by_name[name]) for name in ("key", "value"))
        return f"map<{key},{value}> {field.name} = {field.number}"
    label = "repeated " if field.is_repeated else "optional " if _is_optional(field) else ""
    return f"{label}{_type(field)} {field.name} = {field.number}"


def _type(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        return _name(field.message_type)
    if field.enum_type is not None:
        return field.enum_type.name
    return _SCALARS[field.type]


def _name(message: Descriptor) -> str:
    is_foreign = message.file.package.startswith("google.") or message.file.package == "bcl"
    return f".{message.full_name}" if is_foreign else message.name


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _is_optional(field: FieldDescriptor) -> bool:
    return field.message_type is None and field.has_presence


def _enum(enum: EnumDescriptor) -> Iterator[str]:
    yield f"enum {enum.name} {{"
    for value in enum.values:
        yield f"{_INDENT}{value.name} = {value.number};"
    yield "}"


def _service(service: ServiceDescriptor) -> Iterator[str]:
    yield f"service {service.name} {{"
    for method in service.methods:
        request = f"{'stream ' * method.client_streaming}{_name(method.input_type)}"
        response = f"{'stream ' * method.server_streaming}{_name(method.output_type)}"
        yield f"{_INDENT}rpc {method.name} ({request}) returns ({response});"
    yield "}"
