"""What constraints look at in an event, besides its content."""

from typing import Protocol


class Event(Protocol):
    """An event that is to be appended, or one that is stored."""

    @property
    def event_source_id(self) -> str: ...
    @property
    def event_source_type(self) -> str: ...
    @property
    def event_stream_type(self) -> str: ...
    @property
    def event_stream_id(self) -> str: ...
    @property
    def event_type(self) -> str: ...
