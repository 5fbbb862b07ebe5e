"""What a handler's parameters and return type may be, found out when it is declared.

A handler that cannot work is refused where it stands in the code, beside the line that was probably meant;
otherwise it would fail its first event, in another process, on another day (client-surface.md 5.1, S92,
S192).
"""

import inspect
import re
import types
import typing
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Any, Final, NoReturn

from chronicle.errors import HandlerSignatureError, UnknownEventTypeError
from chronicle.event_sequences.event_for import EventFor
from chronicle.events.event_context import EventContext
from chronicle.events.event_types import EventTypeDeclaration, event_type_of, is_event_type

_POSITIONAL: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_UNKNOWN: Final = (Parameter.empty, Any, object)
_NOTHING: Final = (None, types.NoneType, NoReturn, typing.Never)
_LISTS: Final = (list, tuple, Sequence)
_UNIONS: Final = (typing.Union, types.UnionType)
_ASKABLE: Final = (
    "Beside the event a handler can ask for EventContext, EventStore, EventLog, ReadModels, UnitOfWork, a "
    "read model, and for the classes that the application registers with Services."
)
_STARS: Final[Mapping[Any, str]] = {
    Parameter.VAR_POSITIONAL: "*",
    Parameter.VAR_KEYWORD: "**",
    Parameter.KEYWORD_ONLY: "*, ",
}


@dataclass(frozen=True, slots=True)
class Signature:
    """A handler as it was written, with its annotations resolved and `self` left out."""

    name: str
    """Where to find it: `Welcome.opened`, or `welcome` for a function."""
    function: Callable[..., Any]
    is_method: bool
    is_async: bool
    parameters: tuple[Parameter, ...]
    returns: Any

    def refuse(self, problem: str, *, meant: Sequence[str] = (), returns: str | None = None) -> NoReturn:
        """Raises the error for this handler.

        `meant` are the parameters of the line that was probably meant, `returns` its return type if the one
        that was written is not it; without `meant` there is no such line to show.
        """
        written = [_written(parameter) for parameter in self.parameters]
        returned = name_of(self.returns)
        lines = [f"{self.name}: {problem}", f"    written:        {self._line(written, returned)}"]
        if meant:
            lines.append(f"    probably meant: {self._line(meant, returns or returned)}")
        raise HandlerSignatureError("\n".join(lines))

    def _line(self, parameters: Sequence[str], returns: str) -> str:
        start = "async def" if self.is_async else "def"
        everything = ["self", *parameters] if self.is_method else parameters
        arrow = f" -> {returns}" if returns else ""
        return f"{start} {self.function.__name__}({', '.join(everything)}){arrow}: ..."


def read_signature(
    function: Callable[..., Any], *, owner: type | None = None, names: Mapping[str, Any] | None = None
) -> Signature:
    """The signature of a handler, a method of `owner` or a function of its own.

    `names` are what its annotations may refer to besides the globals of its module: a function's locals,
    when it is declared inside one.

    Raises `HandlerSignatureError` for annotations that cannot be resolved and for generators.
    """
    name = f"{owner.__qualname__}.{function.__name__}" if owner else function.__qualname__
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise HandlerSignatureError(
            f"{name} is a generator. Return the events, as a list, rather than yielding them."
        )
    hints = _hints(function, name, names)
    parameters = [
        each.replace(annotation=hints.get(each.name, each.annotation))
        for each in inspect.signature(function).parameters.values()
    ]
    if owner:
        parameters = parameters[1:]
    return Signature(
        name=name,
        function=function,
        is_method=owner is not None,
        is_async=inspect.iscoroutinefunction(function),
        parameters=tuple(parameters),
        returns=_awaited(hints.get("return", Parameter.empty)),
    )


def event_types(signature: Signature) -> tuple[EventTypeDeclaration, ...]:
    """The event types that a handler is for: its first parameter's annotation, one or a union.

    Raises `HandlerSignatureError` when there is no such parameter or a type is not declared as an event.
    """
    if not signature.parameters:
        signature.refuse(
            "takes no event. Its first parameter says which one it handles.", meant=["event: TheEvent"]
        )
    first, *others = signature.parameters
    rest = [_written(each) for each in others]
    if first.kind not in _POSITIONAL:
        signature.refuse(
            f"the event is passed by position, and '{_written(first)}' cannot take it.",
            meant=[_written(first.replace(kind=Parameter.POSITIONAL_OR_KEYWORD)), *rest],
        )
    if first.annotation in _UNKNOWN:
        signature.refuse(
            f"'{first.name}' does not say which event it is.", meant=[f"{first.name}: TheEvent", *rest]
        )
    found = []
    for member in alternatives(first.annotation):
        try:
            found.append(event_type_of(member))
        except UnknownEventTypeError:
            helper = " A method that is no handler begins with an underscore." if signature.is_method else ""
            signature.refuse(f"{name_of(member)} is no event type. Put @event_type above the class.{helper}")
    return tuple(found)


def check_reactor(signature: Signature) -> tuple[Any, ...]:
    """What a reactor's handler asks for beside the event, in order.

    Raises `HandlerSignatureError` for parameters that nobody fills and for what cannot be returned.
    """
    event, *further = signature.parameters
    asked = _asked_for(signature, further, meant=[_written(event)])
    _check_side_effects(signature, [_written(each) for each in signature.parameters], signature.returns)
    return asked


def check_reducer(signature: Signature, model: type) -> tuple[Any, ...]:
    """What a reducer's handler asks for beside the event and the current state, in order.

    Raises `HandlerSignatureError` for other parameters and for a result that is neither the model nor
    `None`.
    """
    event, *others = signature.parameters
    state = f"{others[0].name if others else 'current'}: {model.__name__} | None"
    meant = [_written(event), state]
    returns = f"{model.__name__} | None"

    if not others or others[0].kind not in _POSITIONAL:
        signature.refuse(
            "a reducer's handler takes the event and the current state, then what else it asks for.",
            meant=[*meant, *map(_written, others[1:])],
            returns=returns,
        )
    if not _is_state(others[0].annotation, model):
        signature.refuse(
            f"'{_written(others[0])}' is not the state of {model.__name__}, None before the first event.",
            meant=[*meant, *map(_written, others[1:])],
        )
    further = others[1:]
    if len(further) == 1 and further[0].annotation is Parameter.empty:
        further = [further[0].replace(annotation=EventContext)]
    asked = _asked_for(signature, further, meant=meant)
    if not _is_state(signature.returns, model):
        signature.refuse(
            f"returns {name_of(signature.returns)}. The new state is {model.__name__}, or None to remove it.",
            meant=[*meant, *map(_written, further)],
            returns=returns,
        )
    return asked


def _asked_for(
    signature: Signature, further: Sequence[Parameter], *, meant: Sequence[str]
) -> tuple[Any, ...]:
    """What these parameters are annotated with; `meant` are those that come before them."""
    good: list[Parameter] = []
    for parameter in further:
        annotation = parameter.annotation
        is_second_context = annotation is EventContext and any(each.annotation is annotation for each in good)
        if parameter.kind not in _POSITIONAL or not _can_be_asked_for(annotation) or is_second_context:
            problem = "comes twice" if is_second_context else "cannot be filled"
            # What is no service was perhaps meant to be the context, unless there is one.
            instead = parameter.replace(kind=Parameter.POSITIONAL_OR_KEYWORD, annotation=EventContext)
            repaired = [*good] if any(each.annotation is EventContext for each in good) else [*good, instead]
            signature.refuse(
                f"'{_written(parameter)}' {problem}. {_ASKABLE}", meant=[*meant, *map(_written, repaired)]
            )
        good.append(parameter)
    return tuple(each.annotation for each in good)


def _can_be_asked_for(annotation: Any) -> bool:
    """Whether this may be a service; whether it is one shows when the event store is opened."""
    kinds = [each for each in alternatives(annotation) if each not in _NOTHING]
    if len(kinds) != 1:
        return False
    kind = typing.get_origin(kinds[0]) or kinds[0]
    if isinstance(kind, typing.NewType):
        return True
    if not isinstance(kind, type) or kind in _UNKNOWN:
        return False
    return kind.__module__ != "builtins" and not is_event_type(kind)


def alternatives(annotation: Any) -> Iterator[Any]:
    """The members of a union, or the annotation itself."""
    if typing.get_origin(annotation) in _UNIONS:
        for member in typing.get_args(annotation):
            yield from alternatives(member)
    else:
        yield annotation


def _hints(function: Callable[..., Any], name: str, names: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, localns=dict(names) if names else None)
    except NameError as error:
        raise HandlerSignatureError(
            f"{name}: the annotation '{error.name}' cannot be resolved. Import or define it before the "
            "handler is declared, and not under TYPE_CHECKING only: handlers are found by their annotations."
        ) from error
    except Exception as error:
        raise HandlerSignatureError(f"{name}: its annotations cannot be evaluated: {error}") from error


def _awaited(annotation: Any) -> Any:
    """What a return annotation comes to when it is awaited, for functions that hand on a coroutine."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    return arguments[-1] if origin in (Awaitable, Coroutine) and arguments else annotation


def _is_state(annotation: Any, model: type) -> bool:
    return all(member in (*_UNKNOWN, *_NOTHING, model) for member in alternatives(annotation))


def _check_side_effects(signature: Signature, parameters: Sequence[str], returns: Any) -> None:
    for member in _members(returns):
        if not _is_side_effect(member):
            signature.refuse(
                f"returns {name_of(member)}, which cannot be appended. A handler returns nothing, an event, "
                "an EventFor, or a list of these.",
                meant=parameters,
                returns="None",
            )


def _members(returns: Any) -> Iterator[Any]:
    """What a return annotation consists of: the members of a union, the items of a list."""
    for member in alternatives(returns):
        if typing.get_origin(member) in _LISTS:
            for item in typing.get_args(member):
                yield from alternatives(item)
        else:
            yield member


def _is_side_effect(annotation: Any) -> bool:
    if annotation in (*_UNKNOWN, *_NOTHING, *_LISTS, EventFor, ...):
        return True
    try:
        event_type_of(annotation)
    except UnknownEventTypeError:
        return False
    return True


def _written(parameter: Parameter) -> str:
    annotation = name_of(parameter.annotation)
    return f"{_STARS.get(parameter.kind, '')}{parameter.name}{f': {annotation}' if annotation else ''}"


def name_of(annotation: Any) -> str:
    """An annotation as it is written in code, without the modules."""
    if annotation is Parameter.empty:
        return ""
    if annotation is types.NoneType:
        return "None"
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__
    if typing.get_origin(annotation) in _UNIONS:
        return " | ".join(name_of(member) for member in typing.get_args(annotation))
    # What is left are generics: their modules only make the line longer.
    return re.sub(r"[\w.<>]+\.(\w+)", r"\1", repr(annotation))
