"""Rules: the constraints of an event store, by the event types that they look at.

They are compiled when constraints change, so that an event of a type without constraints costs one look into
a dictionary.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from chronicle.kernel.constraints.claims import Claim, Claims
from chronicle.kernel.constraints.definitions import Constraint, UniqueConstraint
from chronicle.kernel.constraints.event_types import UniqueEventTypes
from chronicle.kernel.constraints.events import Event
from chronicle.kernel.constraints.values import UniqueValues


class KnownConstraint(NamedTuple):
    """A constraint and its row in the database."""

    id: int
    definition: Constraint


Rule: TypeAlias = Callable[[Event, Mapping[str, Any]], Claim | None]
Rules: TypeAlias = Mapping[str, tuple[Rule, ...]]
"""What events claim, by the id of their type."""


def compile_rules(constraints: Iterable[KnownConstraint]) -> Rules:
    """The rules of constraints, in the order given."""
    rules: dict[str, tuple[Rule, ...]] = {}
    for known in constraints:
        definition = known.definition
        unique = (
            UniqueValues(known.id, definition)
            if isinstance(definition, UniqueConstraint)
            else UniqueEventTypes(definition)
        )
        for event_type in unique.event_types:
            rules[event_type] = (*rules.get(event_type, ()), unique.claim)
    return rules


def claims_of(rules: Rules, event: Event, content: Mapping[str, Any]) -> Claims:
    """What one event claims."""
    of_type = rules.get(event.event_type)
    if of_type is None:
        return ()
    return [claim for rule in of_type if (claim := rule(event, content)) is not None]
