"""The forms of geometries in content."""

from collections.abc import Iterable
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from chronicle.serialization.geometry import LineString, Point, Polygon
from chronicle.serialization.scalars import Form, finite

# A position may have an altitude, which is not read.
Position: TypeAlias = Annotated[list[float], Meta(min_length=2)]


class _Point(Struct, tag_field="type", tag="Point"):
    coordinates: Position


class _LineString(Struct, tag_field="type", tag="LineString"):
    coordinates: list[Position]


class _Polygon(Struct, tag_field="type", tag="Polygon"):
    coordinates: Annotated[list[list[Position]], Meta(min_length=1)]


def _position(point: Point) -> Position:
    return [finite(point.longitude), finite(point.latitude)]


def _positions(points: Iterable[Point]) -> list[Position]:
    return [_position(point) for point in points]


def _points(positions: list[Position]) -> tuple[Point, ...]:
    return tuple(Point(position[0], position[1]) for position in positions)


def _load_polygon(wire: _Polygon) -> Polygon:
    shell, *holes = wire.coordinates
    return Polygon(_points(shell), tuple(_points(hole) for hole in holes))


def _dump_polygon(polygon: Polygon) -> _Polygon:
    return _Polygon([_positions(ring) for ring in (polygon.shell, *polygon.holes)])


GEOMETRY_FORMS: Final[dict[type, Form]] = {
    Point: Form(_Point, lambda wire: Point(*wire.coordinates[:2]), lambda point: _Point(_position(point))),
    LineString: Form(
        _LineString,
        lambda wire: LineString(_points(wire.coordinates)),
        lambda line: _LineString(_positions(line.points)),
    ),
    Polygon: Form(_Polygon, _load_polygon, _dump_polygon),
}
