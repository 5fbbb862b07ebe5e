"""Read model classes: how they are named, and which reducer keeps each.

Any class that content can be made of is a read model as soon as a reducer keeps it; `@read_model` only
gives it another identifier than its own name.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, overload

from chronicle.errors import DeclarationError
from chronicle.observation.declarations import ReducerDeclaration

_DECLARATION: Final = "__chronicle_read_model__"

_Model = TypeVar("_Model")


@dataclass(frozen=True, slots=True, eq=False)
class ReadModelDeclaration:
    """A read model class and the identifier under which the kernel keeps its instances."""

    identifier: str
    type: type


@dataclass(frozen=True, slots=True, eq=False)
class KeptReadModel:
    """A read model, and the reducer that keeps it."""

    identifier: str
    type: type
    kept_by: ReducerDeclaration


@overload
def read_model(id: str | None = None) -> Callable[[type[_Model]], type[_Model]]: ...


@overload
def read_model(target: type[_Model], /) -> type[_Model]: ...


def read_model(id: Any = None) -> Any:  # noqa: A002 - what it is
    """Declares a class as a read model, under `id` or, without one, its own name.

    Only needed to give it another identifier, or to have it found by `discover` before anything keeps it.

    Raises `DeclarationError` for a blank id or for anything but a class.
    """
    if inspect.isclass(id):
        return _declare(id, None)
    return lambda target: _declare(target, id)


def read_model_of(target: type) -> ReadModelDeclaration:
    """The declaration of a read model: what `@read_model` said, or the class's own name."""
    declaration = vars(target).get(_DECLARATION)
    return declaration if isinstance(declaration, ReadModelDeclaration) else _declaration(target, None)


def is_read_model(target: Any) -> bool:
    """Whether a class was declared with `@read_model`; a subclass of such a class was not."""
    return inspect.isclass(target) and isinstance(vars(target).get(_DECLARATION), ReadModelDeclaration)


def kept_read_models(reducers: Iterable[ReducerDeclaration]) -> Mapping[type, KeptReadModel]:
    """The read models that reducers keep, by class.

    Raises `DeclarationError` when two reducers keep one model, or two models share an identifier: the
    kernel would mix their instances.
    """
    kept: dict[type, KeptReadModel] = {}
    by_identifier: dict[str, KeptReadModel] = {}
    for reducer in reducers:
        identifier = read_model_of(reducer.model).identifier
        model = KeptReadModel(identifier, reducer.model, reducer)
        other = by_identifier.setdefault(identifier, model)
        if other is not model:
            same = other.type is model.type
            remedy = "Make them one." if same else 'Give one of the models @read_model("another name").'
            raise DeclarationError(
                f"The reducers {other.kept_by.id} and {reducer.id} both keep instances of the read model"
                f" '{identifier}'. {remedy}"
            )
        kept[reducer.model] = model
    return kept


def _declare(target: type[_Model], identifier: Any) -> type[_Model]:
    if not inspect.isclass(target):
        raise DeclarationError(f"@read_model belongs above a class, and {target!r} is none.")
    setattr(target, _DECLARATION, _declaration(target, identifier))
    return target


def _declaration(target: type, identifier: Any) -> ReadModelDeclaration:
    if identifier is None:
        return ReadModelDeclaration(target.__name__, target)
    if not isinstance(identifier, str) or not identifier.strip():
        raise DeclarationError(
            f"{target.__qualname__}: {identifier!r} is no identifier. Give it a text, or leave it out."
        )
    return ReadModelDeclaration(identifier, target)
