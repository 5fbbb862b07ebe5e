"""Outcomes as a table on the terminal, as Markdown for the README, and as JSON."""

import json
import os
import platform
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.harness import Goal, Outcome, Settings

_DISTRIBUTIONS = ("eventsourcing", "umadb", "grpcio", "protobuf", "pydantic", "fastapi", "uvicorn", "uvloop")
_NOT_MEASURED = "-"


class GoalRow(NamedTuple):
    """One goal as text; `reached` is yes, no or not measured."""

    figure: str
    measured: str
    beside: str
    comparison: str
    goal: str
    reached: str


def goal_rows(outcomes: Sequence[Outcome]) -> Iterator[GoalRow]:
    """All goals, in the order of the areas."""
    for outcome in outcomes:
        for goal in outcome.area.goals:
            unit = outcome.units.get(goal.figure, "")
            value = outcome.comparison(goal)
            beside = " + ".join(f"{peer} {_amount(outcome, peer)}" for peer in goal.peers)
            yield GoalRow(
                goal.figure,
                _amount(outcome, goal.figure),
                beside,
                _NOT_MEASURED if value is None else _compared(goal, value, unit),
                f"{goal.bound} {_compared(goal, goal.limit, unit)}",
                _NOT_MEASURED if value is None else "yes" if goal.is_reached_by(value) else "NO",
            )


def print_tables(outcomes: Sequence[Outcome], console: Console) -> None:
    """Every figure with its spread, every goal with its verdict, every failure."""
    figures = Table("figure", "unit", title="Figures: median of the rounds", title_justify="left")
    for column in ("median", "min", "max"):
        figures.add_column(column, justify="right")
    for outcome in outcomes:
        for name, unit in outcome.units.items():
            if values := outcome.values(name):
                figures.add_row(
                    name, unit, *map(_number, (outcome.median(name) or 0.0, min(values), max(values)))
                )
        figures.add_section()
    goals = Table(*GoalRow._fields, title="Goals: median of the rounds' comparisons", title_justify="left")
    for row in goal_rows(outcomes):
        goals.add_row(*row, style="red" if row.reached == "NO" else None)
    console.print(figures)
    console.print(goals)
    for outcome in outcomes:
        for name, failure in outcome.failures.items():
            console.print(f"failed: {name}: {failure}", style="red", highlight=False, markup=False)


def markdown(outcomes: Sequence[Outcome]) -> str:
    """The goals and the figures as Markdown tables, under one line with date and machine."""
    facts = machine()
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {facts['processors']} processors ({facts['machine']}), "
        f"{facts['system']}, Python {facts['python']}, SQLite {facts['sqlite']}.",
        "",
        *_markdown_table(GoalRow._fields, goal_rows(outcomes)),
        "",
        *_markdown_table(("figure", "median", "unit"), _figure_rows(outcomes)),
    ]
    return "\n".join(lines)


def as_json(outcomes: Sequence[Outcome], settings: Settings) -> dict[str, Any]:
    """Everything measured, each round of it."""
    return {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": dict(_versions()),
        "rounds": settings.rounds,
        "scale": settings.scale,
        "areas": [_area_as_json(outcome) for outcome in outcomes],
    }


def write_json(path: Path, outcomes: Sequence[Outcome], settings: Settings) -> None:
    """Write `as_json` to a file."""
    path.write_text(json.dumps(as_json(outcomes, settings), indent=2, ensure_ascii=False) + "\n", "utf-8")


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    return {
        "processors": str(os.cpu_count()),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def _area_as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.area.name,
        "figures": {
            name: {"unit": unit, "median": outcome.median(name), "rounds": outcome.values(name)}
            for name, unit in outcome.units.items()
        },
        "goals": [
            {
                "figure": goal.figure,
                "peers": list(goal.peers),
                "comparison": goal.comparison,
                "bound": goal.bound,
                "limit": goal.limit,
                "value": value,
                "reached": None if value is None else goal.is_reached_by(value),
            }
            for goal in outcome.area.goals
            for value in [outcome.comparison(goal)]
        ],
        "failures": outcome.failures,
    }


def _figure_rows(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, str, str]]:
    for outcome in outcomes:
        for name, unit in outcome.units.items():
            if (median := outcome.median(name)) is not None:
                yield name, _number(median), unit


def _markdown_table(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _versions() -> Iterator[tuple[str, str]]:
    for name in _DISTRIBUTIONS:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _amount(outcome: Outcome, figure: str) -> str:
    median = outcome.median(figure)
    return _NOT_MEASURED if median is None else f"{_number(median)} {outcome.units[figure]}".rstrip()


def _compared(goal: Goal, value: float, unit: str) -> str:
    return f"{value:.2f}x" if goal.comparison == "ratio" else f"{_number(value)} {unit}".rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
