"""What happens to events on the event loop, before they are put to the writer (events.md 4.2).

All of it needs nothing but the event and its type. Whatever depends on other events waits for the write job.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from chronicle.kernel.compliance import Compliance, ComplianceFailed, Plan, plan_of
from chronicle.kernel.constraints import ConstraintType, ConstraintViolation
from chronicle.kernel.errors import CannotMigrate
from chronicle.kernel.event_types import EventTypeDefinition, EventTypes
from chronicle.kernel.event_types.migrating import Generations
from chronicle.kernel.schemas import (
    Schema,
    SchemaViolation,
    ShapingError,
    content_of,
    event_hash,
    hash_of_canonical,
    repeats_names,
    text_of,
)
from chronicle.kernel.schemas.plain import PlainContent
from chronicle.kernel.sequences.events import EventToAppend
from chronicle.kernel.storage.generations import GenerationContent

_SCHEMA_CONSTRAINT: Final = "SchemaValidation"


class PreparedEvent(NamedTuple):
    """An event as it will be stored, and what constraints will look at."""

    event: EventToAppend
    content: Mapping[str, Any] | None
    """Its content as values, in the clear; `None` when nobody had to look at them."""
    hash: str
    others: tuple[GenerationContent, ...] = ()
    """Its content in the other generations of its type."""
    failure: str = ""
    """Why there are none where there should be; whatever is in the log comes first (events.md 4.2)."""

    @property
    def readable(self) -> Mapping[str, Any]:
        """Its content as values, for those who look."""
        return content_of(self.event.content) if self.content is None else self.content


class Refusal(NamedTuple):
    """Why an event cannot be appended, whatever else is in the log."""

    violations: Sequence[ConstraintViolation] = ()
    errors: Sequence[str] = ()


Prepared: TypeAlias = PreparedEvent | Refusal


class _Generation(NamedTuple):
    """One generation of an event type, compiled."""

    definition: EventTypeDefinition
    """What it was compiled from; another one takes its place when anything about the type changes."""
    schema: Schema
    plan: Plan | None
    """Where content has personal data, if it has any."""
    is_marked: bool
    """Whether this generation says so itself, rather than another one of its type."""
    generations: Generations | None
    """All of them, when there are others."""
    plain: PlainContent | None
    """The short way, when there is neither personal data nor another generation."""


class Unprotected(NamedTuple):
    """An event with personal data: it needs the key of its subject before it can be stored."""

    event: EventToAppend
    content: dict[str, Any]
    """As it will be stored, but in the clear."""
    compiled: _Generation


class Preparation:
    """Prepares the events of one event store."""

    def __init__(self, event_store: str, event_types: EventTypes) -> None:
        self._event_store = event_store
        self._event_types = event_types
        self._compiled: dict[tuple[str, int], _Generation] = {}

    @property
    def revision(self) -> int:
        """What differs once event types were registered: an event prepared before is to be prepared again."""
        return self._event_types.changes.revision

    def prepare(self, event: EventToAppend) -> Prepared | Unprotected:
        """Checks an event against its schema and brings it into the form that is stored.

        Raises `InvalidContent` for a content that is no JSON object.
        """
        definition = self._event_types.find(event.event_type)
        if definition is None:
            content_of(event.content)
            message = f"Event type '{event.event_type}' is unknown in the event store '{self._event_store}'"
            return Refusal(errors=[message])
        compiled = self._generation(definition, event.generation)
        plain = None if compiled.plain is None else compiled.plain.canonical(event.content)
        if plain is not None:
            return PreparedEvent(
                event, None, hash_of_canonical(event.event_type, event.event_source_id, plain)
            )
        content = content_of(event.content)
        if found := compiled.schema.validate(content):
            return Refusal(violations=[_violation(event.event_type, violation) for violation in found])
        try:
            # Before shaping, which would drop what the schema does not declare.
            # A mark that came with another generation makes nothing fail in this one.
            is_personal = compiled.plan is not None and compiled.plan.has_personal(
                content, _owner(event), is_strict=compiled.is_marked
            )
            shaped = compiled.schema.shape(content)
        except (ComplianceFailed, ShapingError) as error:
            return Refusal(errors=[str(error)])
        if is_personal:
            return Unprotected(event, shaped, compiled)
        text = text_of(shaped)
        # What arrives in shape is stored byte for byte, unless it says more than was looked at.
        if text != event.content and (shaped != content or repeats_names(event.content, content)):
            event = event._replace(content=text)
        return self._completed(compiled, event, shaped, shaped)

    async def protect(self, unprotected: Unprotected, compliance: Compliance) -> Prepared:
        """Encrypts what is personal in an event; its subject's key is made if it has none."""
        event, content, compiled = unprotected
        assert compiled.plan is not None, "only a plan finds personal data"
        try:
            sealed = await compliance.seal(compiled.plan, _owner(event), content)
        except ComplianceFailed as error:
            return Refusal(errors=[str(error)])
        return self._completed(compiled, event._replace(content=text_of(sealed)), content, sealed)

    def _completed(
        self, compiled: _Generation, event: EventToAppend, readable: dict[str, Any], stored: dict[str, Any]
    ) -> PreparedEvent:
        others: tuple[GenerationContent, ...] = ()
        failure = ""
        try:
            others = self._others(compiled, event, stored)
        except CannotMigrate as error:
            failure = str(error)
        return PreparedEvent(event, readable, _hash(event, stored), others, failure)

    def _others(
        self, compiled: _Generation, event: EventToAppend, content: dict[str, Any]
    ) -> tuple[GenerationContent, ...]:
        if compiled.generations is None:
            return ()
        return compiled.generations.others(event.generation, content, lambda other: _hash(event, other))

    def _generation(self, definition: EventTypeDefinition, generation: int) -> _Generation:
        key = (definition.id, definition.described(generation))
        compiled = self._compiled.get(key)
        if compiled is None or compiled.definition is not definition:
            protecting = self._event_types.protecting(definition.id)
            compiled = self._compiled[key] = _compiled(definition, protecting, generation)
        return compiled


def _compiled(
    definition: EventTypeDefinition, protecting: EventTypeDefinition, generation: int
) -> _Generation:
    schema = protecting.schema(generation)
    plan = plan_of(schema)
    is_marked = plan is not None and plan_of(definition.schema(generation)) is not None
    generations = Generations(protecting) if len(definition.schemas) > 1 else None
    compiled = Schema.of(schema)
    plain = compiled.plain if plan is None and generations is None else None
    return _Generation(definition, compiled, plan, is_marked, generations, plain)


def _owner(event: EventToAppend) -> str:
    """Whose key protects an event's personal data."""
    return event.subject or event.event_source_id


def _hash(event: EventToAppend, content: dict[str, Any]) -> str:
    return event_hash(event.event_type, event.event_source_id, content)


def _violation(event_type: str, violation: SchemaViolation) -> ConstraintViolation:
    return ConstraintViolation(
        event_type,
        ConstraintType.SCHEMA,
        _SCHEMA_CONSTRAINT,
        violation.message,
        details={"path": violation.path, "kind": violation.kind},
    )
