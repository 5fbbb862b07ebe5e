"""`python -m benchmarks`: run areas, print their tables, write JSON. Progress goes to stderr."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from benchmarks import admin, append, growth, http, long, observe, plugin, read, rules, startup
from benchmarks.harness import Area, Outcome, Settings, run
from benchmarks.processes import ROOT
from benchmarks.report import markdown, print_tables, write_json

AREAS: tuple[Area, ...] = (
    append.EMBEDDED,
    append.REMOTE,
    rules.AREA,
    read.AREA,
    long.AREA,
    growth.AREA,
    observe.AREA,
    http.AREA,
    plugin.AREA,
    admin.AREA,
    startup.AREA,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen areas; 1 when something failed or a goal was missed."""
    options = _parser().parse_args(arguments)
    areas = [area for area in AREAS if not options.only or area.name in options.only]
    with _scratch(options.folder) as folder:
        settings = Settings(options.rounds, options.scale, folder)
        outcomes = asyncio.run(_run(areas, settings))
        if options.json:
            write_json(options.json, outcomes, settings)
    if options.markdown:
        sys.stdout.write(markdown(outcomes) + "\n")
    else:
        print_tables(outcomes, _console())
    return 0 if all(map(_is_good, outcomes)) else 1


def _console() -> Console:
    console = Console()
    # Where there is no terminal to fit into, rows are better kept whole.
    return console if console.is_terminal else Console(width=160)


async def _run(areas: Sequence[Area], settings: Settings) -> list[Outcome]:
    console = Console(stderr=True)
    with console.status("starting") as status:
        return [await run(area, settings, status.update) for area in areas]


def _is_good(outcome: Outcome) -> bool:
    values = ((goal, outcome.comparison(goal)) for goal in outcome.area.goals)
    return not outcome.failures and all(
        value is not None and goal.is_reached_by(value) for goal, value in values
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Chronicle beside its peers and limits."
    )
    names = [area.name for area in AREAS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"areas: {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: %(default)s)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="0.2 for a quick look (default: %(default)s)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write every figure of every round to a file"
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown in place of the tables")
    parser.add_argument(
        "--folder",
        type=Path,
        help="where the databases go, on a real disk (default: .bench in the repository)",
    )
    return parser


@contextmanager
def _scratch(parent: Path | None) -> Iterator[Path]:
    # Not the system's temporary folder: it may be in memory, where a flush to disk costs nothing.
    parent = parent or ROOT / ".bench"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix="run-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main())
