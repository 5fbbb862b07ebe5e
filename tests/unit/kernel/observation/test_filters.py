"""Filters, one by one (observation.md 5.1)."""

import pytest

from chronicle.kernel.observation.filters import NO_FILTERS, ObserverFilters
from tests.unit.kernel.observation.events import stored_event


def test_nothing_given_lets_everything_pass() -> None:
    assert NO_FILTERS.is_open
    assert ObserverFilters() == NO_FILTERS
    assert NO_FILTERS.let_pass(stored_event(0, tags='["red"]', source_type="Account", stream_type="Monthly"))


@pytest.mark.row("O28", "O156")
@pytest.mark.parametrize(
    ("tags", "passes"),
    [('["red"]', True), ('["green","blue"]', True), ('["green"]', False), ('["Red"]', False), (None, False)],
)
def test_one_of_the_tags_will_do(tags: str | None, passes: bool) -> None:
    assert ObserverFilters(tags=frozenset({"red", "blue"})).let_pass(stored_event(0, tags=tags)) is passes


@pytest.mark.row("O29")
@pytest.mark.parametrize(
    ("source_type", "passes"), [("Account", True), ("account", False), ("Default", False)]
)
def test_the_event_source_type_is_compared_exactly(source_type: str, passes: bool) -> None:
    filters = ObserverFilters(event_source_type="Account")
    assert filters.let_pass(stored_event(0, source_type=source_type)) is passes


@pytest.mark.row("O30")
@pytest.mark.parametrize(
    ("wanted", "stream_type", "passes"),
    [
        ("All", "Monthly", True),
        ("Monthly", "Monthly", True),
        ("Monthly", "All", False),
        # An empty text that was sent is one that no event has.
        ("", "All", False),
    ],
)
def test_the_event_stream_type_is_compared_exactly(wanted: str, stream_type: str, passes: bool) -> None:
    filters = ObserverFilters(event_stream_type=wanted)
    assert filters.let_pass(stored_event(0, stream_type=stream_type)) is passes
