"""Artifacts: held, joined, and discovered in packages."""

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from chronicle.artifacts import Artifacts, discover
from chronicle.errors import DeclarationError, DuplicateEventTypeError, UnknownEventTypeError
from chronicle.events.event_types import event_type
from chronicle.events.migrations import MigrationBuilder, migration
from chronicle.observation.declarations import reactor, reducer
from chronicle.read_models.declaration import read_model


@event_type
@dataclass
class Opened:
    owner: str


@event_type
@dataclass
class Closed:
    reason: str


@event_type("Closed")
@dataclass
class ClosedAgain:
    reason: str


@read_model
@dataclass
class Account:
    owner: str


@reactor("welcome")
async def welcome(event: Opened) -> None: ...


@reducer(model=Account, id="accounts")
class AccountReducer:
    def opened(self, event: Opened, current: Account | None) -> Account | None:
        return current

    def closed(self, event: Closed, current: Account | None) -> Account | None:
        return current


def test_what_is_given_is_kept_in_order_each_once() -> None:
    artifacts = Artifacts(event_types=[Closed, Opened, Closed], read_models=[Account])

    assert artifacts.event_types == (Closed, Opened)
    assert artifacts.read_models == (Account,)


def test_event_types_that_are_handled_need_not_be_named() -> None:
    artifacts = Artifacts(reactors=[welcome], reducers=[AccountReducer])

    assert artifacts.event_types == (Opened, Closed)


def test_artifacts_are_joined_with_plus() -> None:
    joined = Artifacts(event_types=[Closed]) + Artifacts(event_types=[Opened, Closed], reactors=[welcome])

    assert joined.event_types == (Closed, Opened)
    assert joined.reactors == (welcome,)
    with pytest.raises(TypeError):
        _ = joined + "more"  # type: ignore[operator]


def test_event_types_that_migrations_name_need_not_be_named() -> None:
    @migration(Opened)
    class Grown:
        def upcast(self, to: MigrationBuilder) -> None: ...

    assert Artifacts(migrations=[Grown]).event_types == (Opened,)


def test_two_migrations_from_one_generation_are_refused() -> None:
    def grown() -> type:
        @migration(Opened)
        class Grown:
            def upcast(self, to: MigrationBuilder) -> None: ...

        return Grown

    with pytest.raises(DeclarationError, match="both lead from generation 1"):
        Artifacts(migrations=[grown(), grown()])


def test_two_classes_of_one_event_type_are_refused_also_when_joined() -> None:
    with pytest.raises(DuplicateEventTypeError, match=r"\.Closed and .*\.ClosedAgain .*'Closed'"):
        Artifacts(event_types=[Closed, ClosedAgain])
    with pytest.raises(DuplicateEventTypeError):
        Artifacts(event_types=[Closed]) + Artifacts(event_types=[ClosedAgain])
    with pytest.raises(DuplicateEventTypeError):
        Artifacts(event_types=[ClosedAgain], reducers=[AccountReducer])


def test_two_observers_with_one_id_are_refused() -> None:
    @reactor("accounts")
    async def other(event: Opened) -> None: ...

    with pytest.raises(DeclarationError, match=r"other and .*AccountReducer both have the id 'accounts'"):
        Artifacts(reactors=[other], reducers=[AccountReducer])


def test_what_is_no_artifact_is_refused() -> None:
    with pytest.raises(UnknownEventTypeError, match="Account is no event type"):
        Artifacts(event_types=[Account])
    with pytest.raises(DeclarationError, match="no reactor"):
        Artifacts(reactors=[AccountReducer])
    with pytest.raises(DeclarationError, match="no reducer"):
        Artifacts(reducers=[Account])
    with pytest.raises(DeclarationError, match="'Account' cannot be a read model"):
        Artifacts(read_models=["Account"])  # type: ignore[list-item]


WritePackage = Callable[[str, dict[str, str]], str]


@pytest.fixture
def write_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritePackage]:
    """Writes modules below a new importable package."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names: list[str] = []

    def write(name: str, modules: dict[str, str]) -> str:
        names.append(name)
        for path, text in modules.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text), encoding="utf-8")
        importlib.invalidate_caches()
        return name

    yield write
    for module in [one for one in sys.modules if one.split(".")[0] in names]:
        del sys.modules[module]


BANK = {
    "__init__.py": "from bank.events import Opened",
    "__main__.py": "raise SystemExit('the application was run')",
    "events.py": """
        from dataclasses import dataclass
        from chronicle.events.event_types import event_type
        from chronicle.events.migrations import migration

        @event_type
        @dataclass
        class Opened:
            owner: str

        @migration(Opened)
        class Grown:
            def upcast(self, to): ...

        class NotDecorated(Opened): ...
        """,
    "deep/__init__.py": "",
    "deep/reactions.py": """
        from bank.events import Opened
        from chronicle.observation.declarations import reactor, reducer
        from chronicle.read_models.declaration import read_model
        from elsewhere.events import Foreign, unrelated

        Again = Opened

        class Suspicious:
            def __getattr__(self, name):
                raise RuntimeError("not ready yet")

        proxy = Suspicious()

        @reactor
        async def welcome(event: Opened) -> None: ...

        @read_model
        class Account: ...

        @reducer(model=Account)
        class Accounts:
            def foreign(self, event: Foreign, current: Account | None) -> Account | None: ...
        """,
}
ELSEWHERE = {
    "__init__.py": "",
    "events.py": """
        from dataclasses import dataclass
        from chronicle.events.event_types import event_type
        from chronicle.observation.declarations import reactor

        @event_type
        @dataclass
        class Foreign:
            name: str

        @reactor
        async def unrelated(event: Foreign) -> None: ...
        """,
}


def names_of(artifacts: Iterable[Any]) -> list[str]:
    return [one.__name__ for one in artifacts]


def test_everything_that_a_package_declares_is_discovered_each_once(write_package: WritePackage) -> None:
    write_package("elsewhere", ELSEWHERE)

    found = discover(write_package("bank", BANK))

    assert names_of(found.event_types) == ["Opened", "Foreign"]
    assert names_of(found.reactors) == ["welcome"]
    assert names_of(found.reducers) == ["Accounts"]
    assert names_of(found.read_models) == ["Account"]
    assert names_of(found.migrations) == ["Grown"]


def test_what_a_package_only_imports_is_not_its_own(write_package: WritePackage) -> None:
    write_package("elsewhere", ELSEWHERE)
    write_package("importer", {"__init__.py": "from elsewhere.events import Foreign, unrelated"})

    assert discover("importer") == Artifacts()


def test_a_single_module_can_be_discovered(write_package: WritePackage) -> None:
    write_package("bank", {name: text for name, text in BANK.items() if not name.startswith("deep")})

    assert names_of(discover("bank.events").event_types) == ["Opened"]


def test_nothing_is_imported_before_it_is_asked_for(write_package: WritePackage) -> None:
    write_package("lazy", {"__init__.py": "", "part.py": ""})
    assert "lazy.part" not in sys.modules

    discover("lazy")
    assert "lazy.part" in sys.modules


@pytest.mark.parametrize(
    ("name", "module", "reason"),
    [
        ("no_such_package", "no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("broken", "broken.part", "ZeroDivisionError: division by zero"),
        ("", "", "ValueError"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named(
    write_package: WritePackage, name: str, module: str, reason: str
) -> None:
    write_package("broken", {"__init__.py": "", "part.py": "1 / 0"})

    with pytest.raises(DeclarationError, match=rf"importing the module '{module}' failed with {reason}"):
        discover(name)


def test_duplicates_are_found_on_discovery(write_package: WritePackage) -> None:
    events = dedent(BANK["events.py"])
    write_package("twice", {"__init__.py": "", "one.py": events, "two.py": events})

    with pytest.raises(DuplicateEventTypeError, match=r"twice\.one\.Opened and twice\.two\.Opened"):
        discover("twice")
