"""Entity tags as requests list them, in `If-Match` and `If-None-Match` (RFC 9110, 8.8.3 and 13.1)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from starlette.datastructures import Headers

# An element of a list may be empty. What a header carries has been decoded as Latin-1.
_ELEMENT: Final = re.compile(r'[ \t]*(?:(W/)?"([\x21\x23-\x7e\x80-\xff]*)")?[ \t]*(?:,|$)')


@dataclass(frozen=True, slots=True)
class EntityTags:
    """The tags that a request names, without their quotes."""

    is_any: bool = False
    """`*`: whatever there is."""
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()

    @classmethod
    def of(cls, headers: Headers, name: str) -> Self | None:
        """What a header lists, all of its lines together; None without it.

        Raises `ValueError` for anything but `*` or a list of quoted tags.
        """
        lines = headers.getlist(name)
        return cls.parse(lines) if lines else None

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Self:
        """What the lines of a header list. Raises `ValueError` as `of` does."""
        text = ",".join(lines)
        if text.strip(" \t") == "*":
            return cls(is_any=True)
        tags: dict[bool, set[str]] = {False: set(), True: set()}
        position = 0
        while position < len(text):
            element = _ELEMENT.match(text, position)
            if element is None:
                raise ValueError('it must be *, or a list of entity tags in quotes, such as "42"')
            if element[2] is not None:
                tags[element[1] is not None].add(element[2])
            position = element.end()
        if not any(tags.values()):
            raise ValueError("it names no entity tag")
        return cls(strong=frozenset(tags[False]), weak=frozenset(tags[True]))

    def match_strongly(self, tag: str | None) -> bool:
        """Whether the present tag, None when there is nothing, is among these: for `If-Match`."""
        return tag is not None and (self.is_any or tag in self.strong)

    def match_weakly(self, tag: str | None) -> bool:
        """The same without regard to weakness: for `If-None-Match`."""
        return tag is not None and (self.is_any or tag in self.strong or tag in self.weak)
