"""Contestants measured in interleaved rounds, and goals as comparisons inside each round.

Absolute figures move with the machine's other guests; ratios taken within one round do not. So every
contestant of an area runs once per round, the order rotates from round to round, and a goal is the median of
its rounds' ratios.
"""

import gc
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

EVENTS_PER_SECOND = "events/s"
CALLS_PER_SECOND = "calls/s"
REQUESTS_PER_SECOND = "requests/s"
MICROSECONDS = "µs"
SECONDS = "s"
MEBIBYTES = "MiB"
COUNT = ""

Figures = Mapping[str, float]
"""The name of a figure to its value in one round."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How long and where. `scale` multiplies durations and sizes; `folder` is on a real disk."""

    rounds: int
    scale: float
    folder: Path

    @property
    def seconds(self) -> float:
        """How long one timed window lasts."""
        return 0.6 * self.scale

    def events(self, count: int) -> int:
        """So many events at scale 1, in whole hundreds."""
        return max(100, round(count * self.scale / 100) * 100)


@dataclass(frozen=True, slots=True)
class Contestant:
    """One thing measured. `units` declares the figures that a call of `measure` gives."""

    name: str
    units: Mapping[str, str]
    measure: Callable[[], Awaitable[Figures]]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure compared with its peers: their ratio, or what it has beyond their sum, against a limit."""

    figure: str
    peers: tuple[str, ...]
    comparison: Literal["ratio", "excess"]
    bound: Literal["at least", "at most"]
    limit: float

    def value(self, round_: Figures) -> float | None:
        """The comparison in one round, or None when a figure is missing from it."""
        if self.figure not in round_ or any(peer not in round_ for peer in self.peers):
            return None
        figure, beside = round_[self.figure], sum(round_[peer] for peer in self.peers)
        return figure - beside if self.comparison == "excess" else figure / beside

    def is_reached_by(self, value: float) -> bool:
        """Whether the value keeps the bound."""
        return value >= self.limit if self.bound == "at least" else value <= self.limit


def ratio_at_least(limit: float, figure: str, peer: str) -> Goal:
    """The figure is at least `limit` times its peer's."""
    return Goal(figure, (peer,), "ratio", "at least", limit)


def excess_at_most(limit: float, figure: str, *peers: str) -> Goal:
    """The figure is at most `limit`, in its own unit, beyond the sum of the peers' (0 without peers)."""
    return Goal(figure, peers, "excess", "at most", limit)


@dataclass(frozen=True, slots=True)
class Area:
    """Contestants that run together. `open` starts what they need and stops it again."""

    name: str
    open: Callable[[Settings], AbstractAsyncContextManager[Sequence[Contestant]]]
    goals: tuple[Goal, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What one area measured: the figures of each round, their units, and what failed with which words."""

    area: Area
    rounds: list[dict[str, float]] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def values(self, figure: str) -> list[float]:
        """The figure in every round that has it."""
        return [round_[figure] for round_ in self.rounds if figure in round_]

    def median(self, figure: str) -> float | None:
        """The figure's median, or None when no round has it."""
        values = self.values(figure)
        return statistics.median(values) if values else None

    def comparison(self, goal: Goal) -> float | None:
        """The median of the goal's comparison over the rounds, or None when no round has all it needs."""
        values = [value for round_ in self.rounds if (value := goal.value(round_)) is not None]
        return statistics.median(values) if values else None


async def run(area: Area, settings: Settings, progress: Callable[[str], None]) -> Outcome:
    """Run the area's contestants in interleaved rounds.

    A contestant that fails is left out from then on and its failure kept: one missing peer must not cost the
    rest. `progress` is told each step.
    """
    outcome = Outcome(area)
    # Areas may name their files alike.
    settings = replace(settings, folder=settings.folder / area.name)
    settings.folder.mkdir()
    try:
        async with area.open(settings) as contestants:
            for contestant in contestants:
                outcome.units.update(contestant.units)
            for number in range(settings.rounds):
                figures: dict[str, float] = {}
                for contestant in _rotated(contestants, number):
                    if contestant.name in outcome.failures:
                        continue
                    progress(f"{area.name}, round {number + 1} of {settings.rounds}: {contestant.name}")
                    await _measure(contestant, figures, outcome)
                outcome.rounds.append(figures)
    except Exception as error:
        outcome.failures[f"{area.name} (set-up)"] = _told(error)
    return outcome


async def _measure(contestant: Contestant, figures: dict[str, float], outcome: Outcome) -> None:
    # What the one before left behind is not this one's to clean up.
    gc.collect()
    try:
        figures.update(await contestant.measure())
    except Exception as error:
        outcome.failures[contestant.name] = _told(error)


def _rotated(contestants: Sequence[Contestant], by: int) -> Sequence[Contestant]:
    by %= max(1, len(contestants))
    return [*contestants[by:], *contestants[:by]]


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
