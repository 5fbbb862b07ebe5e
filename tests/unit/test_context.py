"""Correlation, identity and causation of the running task (client-surface.md 1.13 and 7.3)."""

import asyncio
import contextvars
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from chronicle.context import (
    Causation,
    Identity,
    causation,
    clear_correlation_id,
    clear_identity,
    correlation,
    current_causation,
    current_correlation_id,
    current_identity,
    identity,
    root_causation,
    set_correlation_id,
    set_identity,
)

ID = UUID("00112233-4455-6677-8899-aabbccddeeff")
ALICE = Identity("1", "Alice", "alice")


@pytest.fixture(autouse=True)
def clean_context() -> Iterator[None]:
    clear_correlation_id()
    clear_identity()
    yield
    clear_correlation_id()
    clear_identity()


@pytest.mark.row("S82")
def test_with_nothing_set_there_is_a_correlation_id_the_system_and_the_root() -> None:
    assert current_correlation_id().version == 7
    assert current_identity() is Identity.SYSTEM
    assert [entry.type for entry in current_causation()] == ["Root"]


def test_a_correlation_id_that_was_made_is_kept_until_cleared() -> None:
    first = current_correlation_id()
    assert current_correlation_id() == first

    clear_correlation_id()
    assert current_correlation_id() != first


@pytest.mark.row("S83")
@pytest.mark.parametrize("given", [ID, str(ID), "00112233445566778899AABBCCDDEEFF"], ids=repr)
def test_a_correlation_id_that_was_set_stays(given: UUID | str) -> None:
    set_correlation_id(given)

    assert current_correlation_id() == ID
    assert current_correlation_id() == ID


def test_a_text_that_is_no_uuid_is_refused_and_changes_nothing() -> None:
    set_correlation_id(ID)

    with pytest.raises(ValueError, match="'no-uuid' is no correlation id"):
        set_correlation_id("no-uuid")
    with pytest.raises(ValueError, match="'no-uuid'"), correlation("no-uuid"):
        pass
    assert current_correlation_id() == ID


def test_a_block_has_a_correlation_id_of_its_own() -> None:
    before = current_correlation_id()

    with correlation(str(ID)) as given:
        assert given == current_correlation_id() == ID
        with correlation() as made:
            assert made == current_correlation_id() != ID
        assert current_correlation_id() == ID
    assert current_correlation_id() == before


@pytest.mark.row("S84")
def test_the_system_acts_again_after_an_identity_is_cleared() -> None:
    set_identity(ALICE)
    assert current_identity() is ALICE

    clear_identity()
    assert current_identity() is Identity.SYSTEM


@pytest.mark.row("S178")
@pytest.mark.parametrize("fails", [False, True])
def test_after_a_block_everything_is_as_before_whether_it_failed_or_not(fails: bool) -> None:
    set_identity(ALICE)
    set_correlation_id(ID)
    before = current_causation()

    try:
        with identity(Identity.SYSTEM), correlation(), causation("Handling", number=1):
            assert current_identity() is Identity.SYSTEM
            if fails:
                raise RuntimeError("handler failed")
    except RuntimeError:
        assert fails

    assert (current_identity(), current_correlation_id(), current_causation()) == (ALICE, ID, before)


@pytest.mark.row("S85")
def test_without_duplicates_the_first_of_each_subject_is_kept() -> None:
    chain = Identity("1", "A", "", Identity("2", "B", "b", Identity("1", "C", "", Identity("3", "D"))))

    assert chain.without_duplicates() == Identity("1", "A", "", Identity("2", "B", "b", Identity("3", "D")))
    assert ALICE.without_duplicates() == ALICE
    assert Identity("", "A", "", Identity("", "B")).without_duplicates() == Identity("", "A")


def test_well_known_identities_have_their_subjects() -> None:
    assert (Identity.SYSTEM.subject, Identity.SYSTEM.name, Identity.SYSTEM.user_name) == (
        "5d032c92-9d5e-41eb-947a-ee5314ed0032",
        "[System]",
        "[System]",
    )
    assert (Identity.NOT_SET.subject, Identity.NOT_SET.name) == (
        "1efc9b81-0612-4466-962c-86acc4e9a028",
        "[Not Set]",
    )
    assert (Identity.UNKNOWN.subject, Identity.UNKNOWN.name) == (
        "3321cf62-db16-425e-8173-99fcfefe11dd",
        "[Unknown]",
    )


@pytest.mark.row("S86")
def test_the_chain_is_the_root_then_each_block_from_the_outside_in() -> None:
    with causation("First", step=1), causation("Second", **{"with-dash": True}) as second:
        chain = current_causation()

    assert [entry.type for entry in chain] == ["Root", "First", "Second"]
    assert chain[1].properties == {"step": "1"}
    assert chain[2] is second
    assert second.properties == {"with-dash": "True"}
    assert second.occurred.tzinfo is UTC


@pytest.mark.row("S179")
def test_an_entry_added_for_one_append_is_not_in_the_next_chain() -> None:
    chain = (*current_causation(), Causation("Append"))

    assert [entry.type for entry in chain] == ["Root", "Append"]
    assert [entry.type for entry in current_causation()] == ["Root"]


def test_a_property_may_have_the_name_of_a_parameter() -> None:
    with causation("Request", causation_type="x", type="y") as entry:
        assert entry.properties == {"causation_type": "x", "type": "y"}


def test_the_root_tells_about_the_process_and_is_made_once() -> None:
    root = root_causation()

    assert root is current_causation()[0]
    assert set(root.properties) == {"softwareVersion", "programIdentifier", "os", "machineName", "process"}
    assert all(root.properties.values())


def test_properties_become_texts() -> None:
    entry = Causation("x", {"n": 1, 2: None}, datetime(2024, 1, 1, tzinfo=UTC))  # type: ignore[dict-item]

    assert entry.properties == {"n": "1", "2": "None"}


@pytest.mark.row("S87")
async def test_what_a_task_changes_it_changes_for_itself() -> None:
    set_correlation_id(ID)
    set_identity(ALICE)

    async def child() -> tuple[UUID, Identity, int]:
        inherited = current_correlation_id(), current_identity(), len(current_causation())
        set_correlation_id(UUID(int=1))
        set_identity(Identity.UNKNOWN)
        return inherited

    with causation("Parent"):
        inherited = await asyncio.create_task(child())

    assert inherited == (ID, ALICE, 2)
    assert (current_correlation_id(), current_identity()) == (ID, ALICE)


def test_a_new_context_has_nothing_of_this_one() -> None:
    set_correlation_id(ID)

    def elsewhere() -> UUID:
        return current_correlation_id()

    assert contextvars.Context().run(elsewhere) != ID
