"""The operations that lead from one generation's content to the next one's (events.md 3.6).

They arrive as the text of a JSON object, keyed by the property that each of them makes. What is none of the
built-in ones is left to JMESPath: read as it is, the text of a JSON object is a multi-select hash.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from chronicle.kernel.schemas import content_of, text_of

Content: TypeAlias = dict[str, Any]

_JMESPATH_PROPERTY: Final = "@."


class OperationFailed(ValueError):
    """An operation cannot be applied to this content; the text says why, and never quotes a value."""


class Split(NamedTuple):
    """A part of a text, counted from 0; empty when there is none."""

    source: str
    separator: str
    part: int

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)

    def value(self, content: Content) -> str:
        text = _text(content, self.source, "split")
        if text is None:
            return ""
        # An empty separator separates nothing.
        parts = text.split(self.separator) if self.separator else [text]
        return parts[self.part] if 0 <= self.part < len(parts) else ""


class Combine(NamedTuple):
    """Texts with a separator between them; those that are absent are passed over."""

    sources: tuple[str, ...]
    separator: str

    def value(self, content: Content) -> str:
        texts = [_text(content, source, "combined") for source in self.sources]
        return self.separator.join(text for text in texts if text is not None)


class Rename(NamedTuple):
    """The value of another property, null when it is absent."""

    source: str

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)

    def value(self, content: Content) -> Any:
        return content.get(self.source)


@dataclass(frozen=True, slots=True)
class Operations:
    """All operations of one direction, by the property that each of them makes."""

    made: Mapping[str, Split | Combine | Rename]
    defaults: Mapping[str, Any]
    """Values for properties that are still absent at the end."""
    expressions: Mapping[str, Any]
    """What is left to JMESPath, as it arrived."""
    _search: Callable[[Content], Content] = dict
    """Gives the content that the operations go on with, as a new one."""

    @classmethod
    def of(cls, text: str) -> "Operations":
        """Reads the text of a JSON object.

        Raises `ValueError` for a text that is none, and for a built-in operation that no content could go
        through.
        """
        made: dict[str, Split | Combine | Rename] = {}
        defaults: Content = {}
        expressions: Content = {}
        for target, value in content_of(text).items():
            match value:
                case {"$split": argument} if len(value) == 1:
                    made[target] = _split(target, argument)
                case {"$combine": argument} if len(value) == 1:
                    made[target] = _combine(target, argument)
                case {"$rename": argument} if len(value) == 1:
                    made[target] = Rename(_name(target, "$rename", argument))
                case {"$defaultValue": argument} if len(value) == 1:
                    defaults[target] = argument
                case _:
                    expressions[target] = value
        return cls(made, defaults, expressions, _search_of(expressions))

    @property
    def targets(self) -> list[str]:
        """The properties that the generation led to has to have; defaults may be for any."""
        return [*self.made, *self.expressions]

    @property
    def sources(self) -> list[str]:
        """The properties that the generation led from has to have."""
        named = [source for operation in self.made.values() for source in operation.sources]
        for value in self.expressions.values():
            if isinstance(value, str) and value.startswith(_JMESPATH_PROPERTY):
                named.append(value.removeprefix(_JMESPATH_PROPERTY))
        return named

    def apply(self, content: Content) -> Content:
        """The content led on, not shaped yet; a new one unless there is nothing to do.

        Raises `OperationFailed`.
        """
        if not (self.made or self.defaults or self.expressions):
            return content
        result = self._search(content)
        for target, operation in self.made.items():
            result[target] = operation.value(content)
        for target, default in self.defaults.items():
            result.setdefault(target, default)
        return result


def _search_of(expressions: Content) -> Callable[[Content], Content]:
    """What JMESPath makes of a content; a copy of it when there is nothing that it understands."""
    if not expressions:
        return dict
    # Few event types need it, and every kernel would wait for it.
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        compiled = jmespath.compile(text_of(expressions))
    except (JMESPathError, RecursionError):
        return dict

    def search(content: Content) -> Content:
        try:
            return dict(compiled.search(content))
        except JMESPathError:
            return dict(content)

    return search


def _text(content: Content, name: str, done: str) -> str | None:
    value = content.get(name)
    if value is None or isinstance(value, str):
        return value
    raise OperationFailed(f"property '{name}' is to be {done}, and is not a text")


def _split(target: str, argument: Any) -> Split:
    match argument:
        case {"source": str(source)}:
            separator, part = argument.get("separator", ""), argument.get("part", 0)
            if isinstance(separator, str) and type(part) is int:
                return Split(source, separator, part)
    raise ValueError(f"$split of '{target}' needs a source, a separator and the number of a part")


def _combine(target: str, argument: Any) -> Combine:
    match argument:
        case {"sources": list(sources)} if all(isinstance(source, str) for source in sources):
            separator = argument.get("separator", "")
            if isinstance(separator, str):
                return Combine(tuple(sources), separator)
    raise ValueError(f"$combine of '{target}' needs a list of sources and a separator")


def _name(target: str, operation: str, argument: Any) -> str:
    if isinstance(argument, str):
        return argument
    raise ValueError(f"{operation} of '{target}' needs the name of a property")
