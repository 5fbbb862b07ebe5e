"""Chains of identities (events.md 14)."""

from chronicle.kernel.identities import Identity, without_duplicates


def test_each_subject_stays_at_its_first_place() -> None:
    anna, ben = Identity("1", "Anna", "anna"), Identity("2", "Ben", "ben")
    assert without_duplicates((anna, ben, Identity("1", "Anna again", "other"))) == (anna, ben)


def test_links_without_a_subject_are_the_same() -> None:
    first = Identity("", "First", "first")
    assert without_duplicates((first, Identity("", "Second", "second"))) == (first,)
