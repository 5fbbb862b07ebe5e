"""Any appends, against a model in which a source holds one value, as the specification says (events.md 7)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from chronicle.kernel.constraints import UniqueConstraint, UniqueProperties
from chronicle.kernel.kernel import Kernel
from tests.integration.kernel.constraints.events import Event, Log, open_store

PROPERTIES = (UniqueProperties("registered", ("email",)), UniqueProperties("moved", ("email",)))
EXACT = UniqueConstraint("email", PROPERTIES, removed_with=("left",))
IGNORING = UniqueConstraint("email", PROPERTIES, removed_with=("left",), ignore_casing=True)

Step: TypeAlias = list[Event] | UniqueConstraint

sources = st.sampled_from("abc")
emails = st.sampled_from(["x", "X", "y", "z", None])
events = st.one_of(
    st.builds(
        lambda source, kind, email: Event(source, kind, {"email": email}),
        sources,
        st.sampled_from(["registered", "moved"]),
        emails,
    ),
    st.builds(lambda source: Event(source, "left"), sources),
    st.builds(lambda source: Event(source, "noted"), sources),
)
steps = st.lists(st.lists(events, min_size=1, max_size=4), max_size=25)


@dataclass
class Model:
    """Who holds what, and since which event."""

    ignores_casing: bool
    held: dict[str, tuple[str, int]] = field(default_factory=dict)
    next_number: int = 0

    def append(self, batch: Sequence[Event]) -> list[tuple[str, int | None]]:
        """The values that are refused, with the numbers of their holders."""
        refused: list[tuple[str, int | None]] = []
        claimed: dict[str, str] = {}
        for event in batch:
            email = event.content.get("email")
            if email is None:
                continue
            value = self._value(email)
            holder = next(((who, n) for who, (what, n) in self.held.items() if what == value), None)
            if holder is not None and holder[0] != event.source:
                refused.append((email, holder[1]))
            elif claimed.setdefault(value, event.source) != event.source:
                refused.append((email, None if holder is None else holder[1]))
        if not refused:
            for event in batch:
                self._apply(event)
        return refused

    def _apply(self, event: Event) -> None:
        email = event.content.get("email")
        if event.type != "noted":
            self.held.pop(event.source, None)
        if email is not None:
            self.held[event.source] = (self._value(email), self.next_number)
        self.next_number += 1

    def _value(self, email: str) -> str:
        return email.lower() if self.ignores_casing else email


@settings(max_examples=150, deadline=None)
@given(before=steps, after=steps, ignores_casing=st.booleans(), at_once=st.booleans())
def test_the_kernel_refuses_what_the_model_refuses(
    before: list[list[Event]], after: list[list[Event]], ignores_casing: bool, at_once: bool
) -> None:
    asyncio.run(_compare(before, after, ignores_casing, at_once))


async def _compare(
    before: list[list[Event]], after: list[list[Event]], ignores_casing: bool, at_once: bool
) -> None:
    constraint = IGNORING if ignores_casing else EXACT
    model = Model(ignores_casing)
    async with await Kernel.open(None) as kernel:
        log = Log(await open_store(kernel, constraint))
        for batches in (before, after):
            appends = [log.append_many(*batch) for batch in batches]
            # Together they share write jobs; one by one each has its own.
            found = await asyncio.gather(*appends) if at_once else [await one for one in appends]
            for batch, refused in zip(batches, found, strict=True):
                told = [(one.details["PropertyValue"], one.number) for one in refused]
                assert told == model.append(batch)
            # From another definition with the same meaning the index is built anew.
            await log.store.constraints.register(
                [UniqueConstraint("email", PROPERTIES[::-1], constraint.ignore_casing, ("left",))]
            )
        for value, number in model.held.values():
            assert [one.number for one in await log.append("nobody", "registered", email=value)] == [number]
