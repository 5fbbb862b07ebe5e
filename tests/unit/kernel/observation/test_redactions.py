"""Which redacted events an observer gets (observation.md 3.2)."""

import json

from chronicle.kernel.observation.redactions import without_foreign
from chronicle.kernel.storage.events import StoredEvent
from tests.unit.kernel.observation.events import stored_event

REDACTED = "EventRedacted"


def redacted(number: int, original: str) -> StoredEvent:
    content = json.dumps({"reason": "gone", "originalEventType": original})
    return stored_event(number)._replace(event_type=REDACTED, content=content)


MINE, OTHER, PLAIN = redacted(0, "mine"), redacted(1, "other"), stored_event(2)._replace(event_type="mine")


def test_those_of_a_type_that_is_observed_too_are_let_through() -> None:
    assert without_foreign([MINE, OTHER, PLAIN], frozenset({"mine", REDACTED})) == [MINE, PLAIN]


def test_who_observes_nothing_else_gets_all() -> None:
    assert without_foreign([MINE, OTHER], frozenset({REDACTED})) == [MINE, OTHER]


def test_who_does_not_observe_them_has_none_to_leave_out() -> None:
    events = [PLAIN]
    assert without_foreign(events, frozenset({"mine"})) is events


def test_one_that_does_not_say_what_it_was_is_nobodys() -> None:
    unknown = stored_event(3)._replace(event_type=REDACTED, content="{}")
    assert without_foreign([unknown], frozenset({"mine", REDACTED})) == []
