"""What an application declares: event types, reactors, reducers, read models.

Decorators only mark. `Artifacts` holds what one event store is to know, named by hand or found by `discover`.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from types import FunctionType, ModuleType
from typing import Any, Final

from chronicle.errors import DeclarationError
from chronicle.events.constraints import ConstraintBuilder, event_types_of, is_constraint
from chronicle.events.event_types import check_unique, is_event_type
from chronicle.events.migrations import Migrations, is_migration, migration_of
from chronicle.observation.declarations import (
    ReactorDeclaration,
    ReducerDeclaration,
    is_reactor,
    is_reducer,
    reactor_of,
    reducer_of,
)
from chronicle.read_models.declaration import is_read_model
from chronicle.seeding import Seeder, is_seeder
from chronicle.subscriptions import SubscriptionDeclaration, is_subscription, subscription_of


@dataclass(frozen=True)
class Artifacts:
    """What an event store is told about, in the order given, each once.

    The event types that reactors and reducers handle, and those that migrations, constraints and
    subscriptions name, belong to it without being named. Two `Artifacts` are joined with `+`.

    Raises `DuplicateEventTypeError` when two event types have one id and generation,
    `UnknownEventTypeError` for a class that is no event type, `DeclarationError` for a reactor, reducer, read
    model, migration, constraint or subscription that is none, for two observers or two subscriptions with
    one id, and for two migrations from one generation.
    """

    event_types: Sequence[type] = ()
    reactors: Sequence[Any] = ()
    reducers: Sequence[type] = ()
    read_models: Sequence[type] = ()
    seeders: Sequence[Seeder] = ()
    migrations: Sequence[type] = ()
    constraints: Sequence[Callable[[ConstraintBuilder], object]] = ()
    subscriptions: Sequence[type] = ()

    def __post_init__(self) -> None:
        for kind in fields(self):
            object.__setattr__(self, kind.name, _each_once(getattr(self, kind.name)))
        observers: list[ReactorDeclaration | ReducerDeclaration] = [
            *map(reactor_of, self.reactors),
            *map(reducer_of, self.reducers),
        ]
        _check_observer_ids(observers)
        _check_read_models(self.read_models)
        _check_seeders(self.seeders)
        subscriptions = [subscription_of(one) for one in self.subscriptions]
        _check_subscription_ids(subscriptions)
        handled = (handler.event_type.type for one in observers for handler in one.handlers.values())
        migrated = (type_ for one in self.migrations for type_ in migration_of(one).event_types)
        named = (type_ for one in self.constraints for type_ in event_types_of(one))
        wanted = (type_ for one in subscriptions for type_ in one.event_types)
        types = _each_once((*self.event_types, *handled, *migrated, *named, *wanted))
        object.__setattr__(self, "event_types", types)
        check_unique(self.event_types)
        Migrations(self.migrations)

    def __add__(self, other: "Artifacts") -> "Artifacts":
        if not isinstance(other, Artifacts):
            return NotImplemented
        return Artifacts(
            **{kind.name: (*getattr(self, kind.name), *getattr(other, kind.name)) for kind in fields(self)}
        )


_KINDS: Final[dict[str, Callable[[Any], bool]]] = {
    "event_types": is_event_type,
    "reactors": is_reactor,
    "reducers": is_reducer,
    "read_models": is_read_model,
    "seeders": is_seeder,
    "migrations": is_migration,
    "constraints": is_constraint,
    "subscriptions": is_subscription,
}


def discover(package_name: str) -> Artifacts:
    """Everything that a package declares: all its modules are imported, what decorators marked is collected.

    Found is what stands at module level and is defined in the package itself, not what it imports from
    elsewhere; module by module, by name. `__main__` modules are left alone: to import one is to run it.

    Raises `DeclarationError` naming the module that cannot be imported, and what `Artifacts` raises.
    """
    found: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
    for module in _modules(package_name):
        for candidate in _defined_below(package_name, module):
            for kind, is_one in _KINDS.items():
                if is_one(candidate):
                    found[kind].append(candidate)
    return Artifacts(**found)


def _modules(name: str) -> Iterator[ModuleType]:
    """A module and, if it is a package, everything below it."""
    module = _import(name)
    yield module
    for below in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        if not below.name.endswith(".__main__"):
            yield from _modules(below.name)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise DeclarationError(
            f"Artifacts cannot be discovered: importing the module '{name}' failed with "
            f"{type(error).__name__}: {error}. Mend it, or the name given to discover()."
        ) from error


def _defined_below(package_name: str, module: ModuleType) -> Iterator[Any]:
    """The classes and functions in a module that are defined in the package, there or elsewhere in it."""
    for candidate in list(vars(module).values()):
        # By the real type: a proxy for something that is not there yet may not like being asked.
        if issubclass(type(candidate), type | FunctionType):
            home = candidate.__module__
            if home == package_name or home.startswith(f"{package_name}."):
                yield candidate


def _each_once(artifacts: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(artifacts))


def _check_observer_ids(observers: Iterable[ReactorDeclaration | ReducerDeclaration]) -> None:
    by_id: dict[str, ReactorDeclaration | ReducerDeclaration] = {}
    for observer in observers:
        other = by_id.setdefault(observer.id, observer)
        if other is not observer:
            raise DeclarationError(
                f"{_name_of(other.target)} and {_name_of(observer.target)} both have the id '{observer.id}'. "
                "The kernel keeps an observer's position under its id: give one of them another."
            )


def _check_read_models(models: Iterable[Any]) -> None:
    for model in models:
        if not isinstance(model, type):
            raise DeclarationError(f"{model!r} cannot be a read model: it is no class.")


def _check_seeders(seeders: Iterable[Any]) -> None:
    for seeder in seeders:
        if not is_seeder(seeder):
            raise DeclarationError(f"{seeder!r} is no seeder. Put @seeder above the function.")


def _check_subscription_ids(subscriptions: Iterable[SubscriptionDeclaration]) -> None:
    ids = [subscription.id for subscription in subscriptions]
    for id_ in ids:
        if ids.count(id_) > 1:
            raise DeclarationError(
                f"Two subscriptions have the id '{id_}'. The kernel keeps a subscription under its id: "
                "give one of them another."
            )


def _name_of(target: Any) -> str:
    return f"{target.__module__}.{target.__qualname__}"
