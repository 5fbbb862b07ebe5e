"""What the embedded kernel refuses, by the names that the real kernel gives it.

The name of the class is part of what a caller sees: `Exception was thrown by handler. <name>: <message>`.
"""

from collections.abc import Iterable

from chronicle.errors import ChronicleError


class InvalidEventStoreName(ChronicleError):
    """A name that no event store can have."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"Invalid event store name '{name}': {reason}")
        self.name = name


class InvalidNamespaceName(ChronicleError):
    """A name that no namespace can have."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"Invalid namespace name '{name}': {reason}")
        self.name = name


class UnknownEventType(ChronicleError):
    """An event type id that the event store does not know."""

    def __init__(self, event_type: str, event_store: str) -> None:
        super().__init__(f"Event type '{event_type}' is unknown in the event store '{event_store}'")
        self.event_type = event_type
        self.event_store = event_store


class InvalidEventType(ChronicleError):
    """An event type that cannot be registered: it has no id, an unusable schema, or a migration twice."""


class MissingEventTypeMigrators(ChronicleError):
    """A later generation without a way from the ones before it."""

    def __init__(self, event_type: str, generation: int) -> None:
        super().__init__(
            f"Event type '{event_type}' with generation {generation} has no migrators defined. "
            f"Define one for each step from generation 1 to {generation}."
        )


class MissingFirstGenerationForEventType(ChronicleError):
    """The chain of migrations does not begin at generation 1."""

    def __init__(self, event_type: str, generation: int) -> None:
        super().__init__(
            f"Event type '{event_type}' with generation {generation} has no migration from its first "
            "generation. Define the one from generation 1 to 2."
        )


class MissingMigrationForEventTypeGeneration(ChronicleError):
    """The chain of migrations has a hole."""

    def __init__(self, event_type: str, step_from: int) -> None:
        super().__init__(
            f"Event type '{event_type}' is missing the migration from generation {step_from} "
            f"to {step_from + 1}."
        )


class EventTypeSchemaChanged(ChronicleError):
    """A generation that is stored already came with another schema."""

    def __init__(self, event_type: str, generation: int) -> None:
        super().__init__(
            f"The schema of event type '{event_type}' with generation {generation} has changed. Events of it "
            "may be stored already: leave the generation as it was, and add a new one with a migration."
        )


class InvalidMigrationPropertyForEventType(ChronicleError):
    """A migration names a property that the schema of its generation does not have."""

    def __init__(self, event_type: str, property_name: str, generation: int, direction: str) -> None:
        super().__init__(
            f"Property '{property_name}' in the {direction} of event type '{event_type}' does not exist in "
            f"generation {generation}."
        )


class InvalidMigrationForEventType(ChronicleError):
    """A migration whose expression is not the text of a JSON object, or has an operation that is none."""

    def __init__(self, event_type: str, step_from: int, step_to: int, direction: str, reason: str) -> None:
        super().__init__(
            f"The {direction} of event type '{event_type}' between generations {step_from} and {step_to} "
            f"cannot be read: {reason}"
        )


class CannotMigrate(ChronicleError):
    """An event's content cannot be brought into all generations of its type."""


class GenerationNotRegistered(CannotMigrate):
    """A generation that an event type with several others does not have."""

    def __init__(self, event_type: str, generation: int, registered: Iterable[int]) -> None:
        super().__init__(
            f"Event type '{event_type}' has no generation {generation}. Register it with its migrations, or "
            f"append one of these: {', '.join(map(str, sorted(registered)))}."
        )


class MigrationFailed(CannotMigrate):
    """A content does not go through a migration, or what comes out does not fit the schema it leads to."""

    def __init__(self, event_type: str, step_from: int, step_to: int, reason: str) -> None:
        super().__init__(
            f"An event of type '{event_type}' cannot be migrated from generation {step_from} to {step_to}: "
            f"{reason}. Change the migration, or what is appended."
        )


class InvalidConstraint(ChronicleError):
    """A constraint without a name, of an unknown type, or without the definition that its type needs."""


class InvalidSeed(ChronicleError):
    """An event to be seeded whose content is no JSON object."""


class InvalidSequenceQuery(ChronicleError):
    """A query or a folder to be saved that has no id."""


class InvalidSubscription(ChronicleError):
    """A subscription to another event store that has no identifier, or is for an event store without any."""


class MissingUserName(ChronicleError, ValueError):
    """An identity without a user name cannot be stored (events.md 4.1)."""

    def __init__(self, subject: str, name: str) -> None:
        super().__init__(
            f"The identity with subject '{subject}' and name '{name}' has no user name. "
            "Every link of CausedBy needs one."
        )


class NotSupported(ChronicleError):
    """A call that this kernel knows and does not offer."""


class PortUnavailable(ChronicleError):
    """The kernel cannot listen on the port that it was given."""

    def __init__(self, address: str) -> None:
        super().__init__(f"The kernel cannot listen on {address}: is something else using the port?")
        self.address = address
