"""The example application as a newcomer meets it: started, and called with every command of its README."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
README = ROOT / "example_app" / "README.md"
TOKEN = "a-token-for-the-tests"

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.M)
ASSIGNMENT = re.compile(r"(\w+)='?([^']*)'?")


@dataclass(frozen=True)
class Step:
    """A command of the README, and what the README says that comes of it."""

    command: str
    output: str

    @property
    def only_looks(self) -> bool:
        return " -d " not in self.command and " -X " not in self.command

    @property
    def never_ends(self) -> bool:
        return self.command.startswith("curl -N ")

    def is_met_by(self, output: str) -> bool:
        """Whether this came, whatever its line breaks and indentation; `...` stands for anything."""
        pieces = "".join(self.output.split()).split("...")
        return re.fullmatch(".*".join(map(re.escape, pieces)), "".join(output.split())) is not None


BLOCKS = [
    [Step(command, output) for command, output in COMMAND.findall(block)]
    for block in CONSOLE.findall(README.read_text("utf-8"))
]


class Terminal:
    """A shell in which the README is followed; what depends on the server is as it is, not as it reads."""

    def __init__(self, **known: str) -> None:
        self.known = known
        self.variables: dict[str, str] = {}

    async def follow(self, step: Step) -> None:
        assignment = ASSIGNMENT.fullmatch(step.command)
        if assignment is not None:
            name, value = assignment.groups()
            self.variables[name] = self.known.get(name, value)
        elif step.only_looks:
            # A read model follows its events; a reader looks again as well.
            await eventually(lambda: self.output_of(step), step.is_met_by)
        else:
            output = await self.output_of(step)
            assert step.is_met_by(output), f"{step.command}\n{output}"

    async def output_of(self, step: Step) -> str:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", f"exec {step.command}"),
            env=os.environ | self.variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE):
                if not step.never_ends:
                    return (await process.stdout.read()).decode()
                lines = [await process.stdout.readline() for _ in step.output.splitlines()]
                return b"".join(lines).decode()
        finally:
            if process.returncode is None and step.never_ends:
                process.terminate()
            await process.communicate()


@contextmanager
def started(directory: Path, **variables: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`python -m example_app` in a directory, with what it prints once it serves."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHRONICLE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "example_app"],
        cwd=directory,
        env=environment | {"PORT": "0", "PYTHONPATH": str(ROOT)} | variables,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    printed = ""
    try:
        while "Ctrl+C" not in printed:
            line = process.stdout.readline()
            assert line, f"it ended, and had printed: {printed}"
            printed += line
        yield printed, process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def address_in(printed: str) -> str:
    found = re.search(r"http://[\d.:]+", printed)
    assert found is not None
    return found[0]


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("bash")), reason="there is no curl, or no bash"
)
async def test_the_readme_can_be_followed_to_its_end_and_over_a_restart(tmp_path: Path) -> None:
    *walk, after_restart = BLOCKS
    with started(tmp_path, CHRONICLE_ADMIN_TOKEN=TOKEN) as (printed, process):
        terminal = Terminal(bank=address_in(printed), CHRONICLE_ADMIN_TOKEN=TOKEN)
        for step in (step for block in walk for step in block):
            await terminal.follow(step)
    assert process.returncode == 0
    assert (tmp_path / "example.db").exists()
    with started(tmp_path) as (printed, process):
        terminal.variables["bank"] = address_in(printed)
        for step in after_restart:
            await terminal.follow(step)
    assert process.returncode == 0


def test_the_readme_has_commands() -> None:
    """Else a change of its form would make the test above pass by finding nothing."""
    steps = [step for block in BLOCKS for step in block]
    assert len(steps) > 25
    assert all(step.output for step in steps if step.command.startswith("curl "))


def test_the_printed_link_has_a_token_that_opens_the_admin_api(tmp_path: Path) -> None:
    with started(tmp_path) as (printed, _):
        link = re.search(r"(http://.*/chronicle/)login#token=(\S+)", printed)
        assert link is not None
        bearer = {"authorization": f"Bearer {link[2]}"}
        httpx2.get(f"{link[1]}api/event-stores", headers=bearer).raise_for_status()


def test_a_token_that_is_given_is_not_printed(tmp_path: Path) -> None:
    with started(tmp_path, CHRONICLE_ADMIN_TOKEN=TOKEN) as (printed, _):
        assert TOKEN not in printed
        assert "/chronicle/" in printed


def test_the_demonstration_is_there_once_when_it_is_asked_for(tmp_path: Path) -> None:
    for _ in range(2):
        with started(tmp_path, BANK_DEMO="1") as (printed, _):
            statement = httpx2.get(f"{address_in(printed)}/accounts/a-100/statement").raise_for_status()
        assert [entry["balance"] for entry in statement.json()] == ["1000", "1250", "1210"]


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = subprocess.run(
            [sys.executable, "-m", "example_app"],
            cwd=tmp_path,
            env=os.environ | {"PORT": str(taken.getsockname()[1]), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            encoding="utf-8",
            timeout=30,
        )
    assert ran.returncode == 1
    assert "To use another port" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
