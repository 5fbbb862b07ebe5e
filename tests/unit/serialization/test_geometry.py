"""Places on the earth, GeoJSON in content (events.md 3.4)."""

import json
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from chronicle.errors import SerializationError
from chronicle.serialization import Serializer, json_schema
from chronicle.serialization.geometry import LineString, Point, Polygon

OSLO, BERGEN, TROMSO = Point(10.75, 59.91), Point(5.32, 60.39), Point(18.96, 69.65)
SHELL = (OSLO, BERGEN, TROMSO, OSLO)


def holder(annotation: Any) -> Any:
    return msgspec.defstruct("Holder", [("member", annotation)], eq=True)


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (OSLO, {"type": "Point", "coordinates": [10.75, 59.91]}),
        (LineString((OSLO, BERGEN)), {"type": "LineString", "coordinates": [[10.75, 59.91], [5.32, 60.39]]}),
        (
            Polygon(SHELL, holes=(SHELL,)),
            {"type": "Polygon", "coordinates": [[[p.longitude, p.latitude] for p in SHELL]] * 2},
        ),
    ],
    ids=["point", "line", "polygon"],
)
def test_a_geometry_is_geojson_and_comes_back(value: Any, wire: dict[str, Any]) -> None:
    serializer = Serializer()
    type_ = holder(type(value))

    text = serializer.to_json(type_(value))

    assert json.loads(text) == {"member": wire}
    assert serializer.from_json(type_, text) == type_(value)


def test_the_schema_names_the_format_and_no_properties() -> None:
    @dataclass
    class Trip:
        start: Point
        way: LineString | None
        areas: list[Polygon]

    assert json_schema(Trip)["properties"] == {
        "start": {"type": "object", "format": "point"},
        "way": {"type": ["object", "null"], "format": "linestring?"},
        "areas": {"type": "array", "items": {"type": "object", "format": "polygon"}},
    }


def test_a_pydantic_model_holds_geometries() -> None:
    class Trip(BaseModel):
        start: Point
        way: LineString | None = None
        stops: list[Point] = []

    serializer = Serializer()
    trip = Trip(start=OSLO, way=LineString((OSLO, BERGEN)), stops=[TROMSO])

    assert serializer.from_json(Trip, serializer.to_json(trip)) == trip
    assert serializer.from_json(Trip, serializer.to_json(Trip(start=OSLO))) == Trip(start=OSLO)


def test_an_altitude_that_another_client_has_sent_is_not_read() -> None:
    text = '{"member":{"type":"Point","coordinates":[10.75,59.91,120]}}'

    assert Serializer().from_json(holder(Point), text).member == OSLO


@pytest.mark.parametrize(
    ("type_", "text", "reason"),
    [
        (Point, '{"type":"Point","coordinates":[1]}', "length >= 2"),
        (Point, '{"type":"Polygon","coordinates":[1,2]}', "Polygon"),
        (Point, "[1,2]", "Expected `object`"),
        (LineString, '{"type":"LineString","coordinates":[[1,2]]}', "at least two points"),
        (Polygon, '{"type":"Polygon","coordinates":[]}', "length >= 1"),
        (Polygon, '{"type":"Polygon","coordinates":[[[1,2],[2,3],[3,4],[4,5]]]}', "its first again"),
    ],
)
def test_what_is_no_such_geometry_is_refused_naming_the_place(type_: Any, text: str, reason: str) -> None:
    with pytest.raises(SerializationError, match=rf"Holder: .*{reason}.* - at `\$\.member"):
        Serializer().from_json(holder(type_), f'{{"member":{text}}}')


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(SerializationError, match="nan cannot be written"):
        Serializer().to_json(holder(Point)(Point(float("nan"), 0)))


def test_points_may_come_in_any_collection() -> None:
    assert LineString([OSLO, BERGEN]) == LineString((OSLO, BERGEN))  # type: ignore[arg-type]  # a list will do
    with pytest.raises(ValueError, match="at least two points"):
        LineString((OSLO,))
