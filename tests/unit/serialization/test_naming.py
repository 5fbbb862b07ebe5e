"""Naming policies, and the names that win over them."""

from dataclasses import dataclass

import msgspec
import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from chronicle.errors import UnsupportedTypeError
from chronicle.serialization import Serializer, as_declared, camel_case, json_schema


@pytest.mark.parametrize(
    ("declared", "in_content"),
    [
        ("owner", "owner"),
        ("initial_balance", "initialBalance"),
        ("a_b_c", "aBC"),
        ("alreadyCamel", "alreadyCamel"),
        ("Pascal", "pascal"),
        ("from_", "from"),
        ("_private_name", "_privateName"),
        ("line_2", "line2"),
        ("double__underscore", "doubleUnderscore"),
        ("_", "_"),
    ],
)
def test_camel_case_joins_words(declared: str, in_content: str) -> None:
    assert camel_case(declared) == in_content


def test_as_declared_changes_nothing() -> None:
    assert as_declared("initial_balance") == "initial_balance"


@dataclass
class Opened:
    initial_balance: int


class Renamed(BaseModel):
    by_policy: int
    with_alias: int = Field(alias="given-alias")
    written_as: int = Field(serialization_alias="writtenSo")
    read_as: int = Field(validation_alias=AliasChoices(AliasPath("deep", "er"), "read_so"))  # type: ignore[pydantic-alias]


class AllRenamed(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal)

    initial_balance: int  # type: ignore[pydantic-alias]


class RenamedStruct(msgspec.Struct):
    initial_balance: int
    kept_short: int = msgspec.field(name="k")


def names_in_schema(type_: type, **options: object) -> set[str]:
    return set(json_schema(type_, **options)["properties"])  # type: ignore[arg-type]


def names_in_content(value: object, **options: object) -> set[str]:
    return set(msgspec.json.decode(Serializer(**options).to_json(value)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "options", "names"),
    [
        (Opened(1), {}, {"initialBalance"}),
        (Opened(1), {"naming": as_declared}, {"initial_balance"}),
        (
            Renamed.model_validate({"by_policy": 1, "given-alias": 2, "written_as": 3, "read_so": 4}),
            {},
            {"byPolicy", "given-alias", "writtenSo", "readAs"},
        ),
        (AllRenamed.model_validate({"InitialBalance": 1}), {}, {"InitialBalance"}),
        (RenamedStruct(1, 2), {}, {"initialBalance", "k"}),
    ],
    ids=["camel case", "as declared", "aliases", "alias generator", "struct"],
)
def test_schema_content_and_reading_use_the_same_names(
    value: object, options: dict[str, object], names: set[str]
) -> None:
    serializer = Serializer(**options)  # type: ignore[arg-type]

    assert names_in_schema(type(value), **options) == names
    assert names_in_content(value, **options) == names
    assert serializer.from_json(type(value), serializer.to_json(value)) == value


def test_two_members_with_one_name_are_refused() -> None:
    @dataclass
    class Twice:
        user_id: int
        userId: int

    with pytest.raises(UnsupportedTypeError, match=r"Twice\.user_id and .*Twice\.userId .*'userId'"):
        json_schema(Twice)


def test_a_field_that_can_only_be_read_from_a_path_is_refused() -> None:
    class Deep(BaseModel):
        value: int = Field(validation_alias=AliasPath("a", "b"))  # type: ignore[pydantic-alias]

    with pytest.raises(UnsupportedTypeError, match=r"Deep\.value .* path"):
        json_schema(Deep)
