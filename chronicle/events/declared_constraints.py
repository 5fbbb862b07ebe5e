"""The constraints of an event store: collected from marks and functions, registered, and worded."""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from chronicle.contracts import events_constraints_pb2 as pb
from chronicle.errors import DeclarationError
from chronicle.events.constraints import (
    EVERYWHERE,
    ConstraintScope,
    Message,
    Unique,
    UniqueBuilder,
    UniqueEventTypeBuilder,
    constraints_of,
    removed_by,
    unique_event_type_of,
)
from chronicle.events.event_types import EventTypeDeclaration, EventTypes, event_type_of
from chronicle.events.unique_members import content_path, marked_members
from chronicle.serialization.naming import NamingPolicy, camel_case
from chronicle.violations import ConstraintViolation

_log: Final = logging.getLogger(__name__)

# The kernel asks only whether a text is there; this is the one that other clients send.
_SCOPED: Final = "_scoped_"

_DETAIL: Final = re.compile(r"\{(\w+)\}")


@dataclass(slots=True)
class UniqueValues:
    """A constraint on values."""

    name: str
    message: Message = ""
    ignore_casing: bool = False
    scope: ConstraintScope = EVERYWHERE
    properties: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Paths in content by event type id."""
    removed_with: set[str] = field(default_factory=set)

    def to_message(self) -> pb.Constraint:
        """As it is registered. The order is always the same, for the kernel compares definitions."""
        definitions = [
            pb.UniqueConstraintEventDefinition(EventTypeId=event_type, Properties=self.properties[event_type])
            for event_type in sorted(self.properties)
        ]
        unique = pb.UniqueConstraintDefinition(EventDefinitions=definitions, IgnoreCasing=self.ignore_casing)
        return pb.Constraint(
            Name=self.name,
            Type=pb.CONSTRAINT_TYPE_Unique,
            RemovedWith=sorted(self.removed_with),
            Definition=_Definition(Value0=unique),
            Scope=_scope(self.scope),
        )


@dataclass(slots=True)
class UniqueTypes:
    """A constraint on event types."""

    name: str
    message: Message = ""
    event_types: set[str] = field(default_factory=set)
    removed_with: set[str] = field(default_factory=set)

    def to_message(self) -> pb.Constraint:
        """As it is registered."""
        unique = pb.UniqueEventTypeConstraintDefinition(EventTypeIds=sorted(self.event_types))
        return pb.Constraint(
            Name=self.name,
            Type=pb.CONSTRAINT_TYPE_UniqueEventType,
            RemovedWith=sorted(self.removed_with),
            Definition=_Definition(Value1=unique),
            Scope=_scope(EVERYWHERE),
        )


_Definition: Final = pb.OneOf_UniqueConstraintDefinition_UniqueEventTypeConstraintDefinition
_Constraint: TypeAlias = UniqueValues | UniqueTypes


class DeclaredConstraints:
    """The constraints that the marks of event types and functions under `@constraint` declare.

    Of an event type with several generations the latest one's marks count.

    Raises `DeclarationError` for two constraints of one name that cannot be joined, for two members of one
    event type under one name, and for an event type that removes a constraint which is not there.
    """

    def __init__(
        self,
        event_types: EventTypes | None = None,
        functions: Iterable[Any] = (),
        *,
        naming: NamingPolicy = camel_case,
    ) -> None:
        self._naming = naming
        self._by_name: dict[str, _Constraint] = {}
        types = event_types or EventTypes()
        declarations = [latest for one in types.ids if (latest := types.latest(one)) is not None]
        for declaration in declarations:
            self._add_marked_members(declaration)
            self._add_marked_type(declaration)
        for function in functions:
            for built in constraints_of(function):
                self._add_built(built)
        for declaration in declarations:
            self._add_removals(declaration)

    def __len__(self) -> int:
        return len(self._by_name)

    def to_messages(self) -> list[pb.Constraint]:
        """The constraints as they are registered, by name (Constraints/Register)."""
        return [self._by_name[name].to_message() for name in sorted(self._by_name)]

    def worded(self, violations: Sequence[ConstraintViolation]) -> tuple[ConstraintViolation, ...]:
        """Violations with the messages that were declared; those of other constraints as they are."""
        return tuple(map(self._worded, violations))

    def _worded(self, violation: ConstraintViolation) -> ConstraintViolation:
        found = self._by_name.get(violation.constraint_name)
        if found is None or not found.message:
            return violation
        details = violation.details
        try:
            words = found.message if isinstance(found.message, str) else found.message(violation)
            message = _DETAIL.sub(lambda detail: details.get(detail[1], detail[0]), words)
        except Exception:
            # The append was refused already; its reason must not be lost.
            _log.exception("The message of the constraint '%s' has failed.", found.name)
            return violation
        return replace(violation, message=message) if message else violation

    def _add_marked_members(self, declaration: EventTypeDeclaration) -> None:
        for member, mark in marked_members(declaration.type, Unique, self._naming):
            name = mark.name or member.name
            known = self._by_name.setdefault(name, UniqueValues(name))
            if not isinstance(known, UniqueValues):
                raise _two(name)
            if declaration.id in known.properties:
                raise DeclarationError(
                    f"Two members of {declaration.type.__qualname__} are marked as unique under the name "
                    f"'{name}'. Give one of them another name; if it is the two together that are unique, "
                    f'use @constraint: c.unique("{name}").on({declaration.type.__name__}, ...).'
                )
            known.properties[declaration.id] = (member.content_name,)
            known.message = known.message or mark.message
            known.ignore_casing |= mark.ignore_casing
            known.scope |= mark.scope

    def _add_marked_type(self, declaration: EventTypeDeclaration) -> None:
        mark = unique_event_type_of(declaration.type)
        if mark is None:
            return
        name = mark.name or declaration.id
        known = self._by_name.setdefault(name, UniqueTypes(name))
        if not isinstance(known, UniqueTypes):
            raise _two(name)
        known.event_types.add(declaration.id)
        known.message = known.message or mark.message

    def _add_built(self, built: UniqueBuilder | UniqueEventTypeBuilder) -> None:
        if built.name in self._by_name:
            raise _two(built.name)
        removed_with = {removal.id for removal in built.removals}
        if isinstance(built, UniqueEventTypeBuilder):
            covered = {declaration.id for declaration in built.covered}
            self._by_name[built.name] = UniqueTypes(built.name, built.message, covered, removed_with)
            return
        properties = {
            event_type_of(type_).id: tuple(content_path(type_, path, self._naming) for path in paths)
            for type_, paths in built.members.items()
        }
        self._by_name[built.name] = UniqueValues(
            built.name, built.message, built.ignore_casing, built.scope, properties, removed_with
        )

    def _add_removals(self, declaration: EventTypeDeclaration) -> None:
        for name in removed_by(declaration.type):
            known = self._by_name.get(name)
            if known is None:
                raise DeclarationError(
                    f"{declaration.type.__qualname__} removes the constraint '{name}', which nothing here "
                    f"declares. There are: {', '.join(sorted(self._by_name)) or 'none'}."
                )
            known.removed_with.add(declaration.id)


NO_CONSTRAINTS: Final = DeclaredConstraints()


def _scope(scope: ConstraintScope) -> pb.ConstraintScope:
    def text(dimension: ConstraintScope) -> str:
        return _SCOPED if dimension in scope else ""

    return pb.ConstraintScope(
        EventSourceType=text(ConstraintScope.EVENT_SOURCE_TYPE),
        EventStreamType=text(ConstraintScope.EVENT_STREAM_TYPE),
        EventStreamId=text(ConstraintScope.EVENT_STREAM_ID),
    )


def _two(name: str) -> DeclarationError:
    return DeclarationError(
        f"There are two constraints '{name}' that are not one: only marks of the same kind are joined. "
        "Give one of them another name."
    )
