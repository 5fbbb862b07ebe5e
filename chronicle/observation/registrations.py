"""What reactors and reducers say alike when they register (observation.md 4 and 5).

The contract has these messages once in the package of each, alike but each a class of its own.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from chronicle.observation.declarations import Handler
from chronicle.values import EVENT_SOURCE_ID_KEY

_Observed = TypeVar("_Observed")
_Observed_co = TypeVar("_Observed_co", covariant=True)


class _Package(Protocol[_Observed_co]):
    """A module of the contract with messages for observers, such as `observation_reactors_pb2`."""

    @property
    def EventType(self) -> Callable[..., Any]: ...
    @property
    def EventTypeWithKeyExpression(self) -> Callable[..., _Observed_co]: ...


def observed_event_types(handlers: Iterable[Handler], package: _Package[_Observed]) -> list[_Observed]:
    """The event types that are handled, as messages of a package: partitioned by event source."""
    return [
        package.EventTypeWithKeyExpression(
            EventType=package.EventType(Id=handler.event_type.id, Generation=handler.event_type.generation),
            Key=EVENT_SOURCE_ID_KEY,
        )
        for handler in handlers
    ]
