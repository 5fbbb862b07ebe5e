"""Event source ids as callers give them.

On the wire an empty id selects every event source: a call that got one by mistake would answer for all.
"""


def checked_source(event_source_id: object, refused_with: type[Exception] = ValueError) -> str:
    """An id that one event source can have. Raises for a blank text, and for what is no text."""
    if isinstance(event_source_id, str) and event_source_id.strip():
        return event_source_id
    raise refused_with(
        f"{event_source_id!r} is no event source id. Give a text that is not blank, such as 'account-42'; "
        "write str(...) around an id of another type."
    )


def source_filter(event_source_id: str | None) -> str:
    """An id as a filter carries it; None selects all. Raises `ValueError` as `checked_source` does."""
    return "" if event_source_id is None else checked_source(event_source_id)
