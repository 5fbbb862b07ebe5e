"""Content in all generations of its event type (events.md 3.6)."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from chronicle.kernel.errors import GenerationNotRegistered, MigrationFailed
from chronicle.kernel.event_types.definitions import EventTypeDefinition
from chronicle.kernel.event_types.operations import Content, OperationFailed, Operations
from chronicle.kernel.schemas import Schema, ShapingError, text_of
from chronicle.kernel.storage.generations import GenerationContent


class _Step(NamedTuple):
    leads_to: int
    operations: Operations


class Generations:
    """All generations of one event type, and the ways between them.

    Contents are values as `schemas.content_of` reads them; what is encrypted in one stays so in all.
    """

    def __init__(self, definition: EventTypeDefinition) -> None:
        self._event_type: Final = definition.id
        self._shapes: Final = {
            generation: Schema.of(text).shape for generation, text in definition.schemas.items()
        }
        self._up: Final[dict[int, _Step]] = {}
        self._down: Final[dict[int, _Step]] = {}
        for one in sorted(definition.migrations):
            if one.to_generation > one.from_generation:
                up = _Step(one.to_generation, Operations.of(one.upcast))
                self._up.setdefault(one.from_generation, up)
                self._down[one.to_generation] = _Step(one.from_generation, Operations.of(one.downcast))

    def contents(self, generation: int, content: Content) -> dict[int, Content]:
        """The content in its own generation, as it is, and in all others that migrations lead to.

        Raises `CannotMigrate`: `GenerationNotRegistered`, or `MigrationFailed` for a content that an
        operation or a schema does not take.
        """
        if generation not in self._shapes:
            raise GenerationNotRegistered(self._event_type, generation, self._shapes)
        contents = {generation: content}
        self._follow(self._up, generation, content, contents)
        self._follow(self._down, generation, content, contents)
        return contents

    def others(
        self, generation: int, content: Content, hash_of: Callable[[Content], str]
    ) -> tuple[GenerationContent, ...]:
        """What is stored beside the content in its own generation. Raises `CannotMigrate`."""
        return tuple(
            GenerationContent(other, text_of(migrated), hash_of(migrated))
            for other, migrated in sorted(self.contents(generation, content).items())
            if other != generation
        )

    def _follow(
        self, steps: Mapping[int, _Step], generation: int, content: Content, contents: dict[int, Any]
    ) -> None:
        while (step := steps.get(generation)) is not None:
            try:
                content = step.operations.apply(content)
                # The next step goes on with what this one has made, before the schema cuts it.
                shape = self._shapes.get(step.leads_to)
                if shape is not None:
                    contents[step.leads_to] = shape(content)
            except (OperationFailed, ShapingError) as error:
                raise MigrationFailed(self._event_type, generation, step.leads_to, str(error)) from error
            generation = step.leads_to
