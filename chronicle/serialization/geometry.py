"""Places on the earth as members of events and read models; GeoJSON (RFC 7946) in content."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A position in degrees."""

    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class LineString:
    """A way along two points or more."""

    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", tuple(self.points))
        if len(self.points) < 2:
            raise ValueError("a LineString has at least two points")


@dataclass(frozen=True, slots=True)
class Polygon:
    """An area: what is inside the `shell` and in none of the `holes`.

    Both are rings: at least four points, of which the last is the first again.
    """

    shell: tuple[Point, ...]
    holes: tuple[tuple[Point, ...], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "shell", _ring(self.shell))
        object.__setattr__(self, "holes", tuple(_ring(hole) for hole in self.holes))


def _ring(points: Iterable[Point]) -> tuple[Point, ...]:
    ring = tuple(points)
    if len(ring) < 4 or ring[0] != ring[-1]:
        raise ValueError("a ring of a Polygon has at least four points, and its last is its first again")
    return ring
