"""Personal data through the client: marks, subjects, erasure (events.md 13, client-surface.md 1.22)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, Field

from chronicle import (
    AppendError,
    Artifacts,
    ChronicleClient,
    ConstraintViolationError,
    EventFor,
    EventStore,
    Pii,
    SerializationError,
    Subject,
    Unique,
    event_type,
    reducer,
)
from tests.conformance.raw import RawStore, Stubs
from tests.waiting import eventually

NationalId = Annotated[str, Pii("identifies the patient")]


@dataclass
class Address:
    street: Annotated[str, Pii("to visit")]
    city: str


@event_type("patient-registered")
class PatientRegistered(BaseModel):
    name: Annotated[str, Pii("to greet"), Field(min_length=1)]
    national_id: Annotated[NationalId, Unique("national-id")]
    born: Annotated[date, Pii()]
    owes: Annotated[Decimal, Pii()] = Decimal(0)
    notes: Annotated[list[str], Pii()] = []
    phones: list[Annotated[str, Pii()]] = []
    address: Address | None = None
    ward: str = ""


@event_type("patient-admitted")
class PatientAdmitted(BaseModel):
    patient: Annotated[UUID | None, Subject()] = None
    reason: Annotated[str, Pii()] = ""


class Patient(BaseModel):
    name: Annotated[str, Pii(), Field(min_length=1)]
    wards: int = 0


@reducer(model=Patient)
class PatientReducer:
    def registered(self, event: PatientRegistered, current: Patient | None) -> Patient:
        return Patient(name=event.name, wards=1)


HOSPITAL = Artifacts(event_types=[PatientRegistered, PatientAdmitted], reducers=[PatientReducer])


def alice(**changes: object) -> PatientRegistered:
    return PatientRegistered.model_validate(
        {
            "name": "Alice",
            "national_id": f"id-{uuid4().hex}",
            "born": date(1984, 2, 29),
            "owes": Decimal("12.50"),
            "notes": ["a", "b"],
            "phones": ["1", "2"],
            "address": Address("Main Street", "Oslo"),
            "ward": "A",
            **changes,
        }
    )


@pytest.fixture
async def hospital(client: ChronicleClient, store_name: str) -> EventStore:
    return await client.event_store(store_name, artifacts=HOSPITAL)


@pytest.fixture
def subject() -> str:
    return f"alice-{uuid4().hex}"


@pytest.mark.row("E105", "E107")
async def test_marked_members_are_encrypted_and_come_back(
    hospital: EventStore, stubs: Stubs, subject: str
) -> None:
    event = alice()
    await hospital.event_log.append(subject, event)

    (appended,) = await hospital.event_log.events_for(subject)

    assert appended.event == event
    (stored,) = await RawStore(stubs, hospital.name).read()
    kept = stored.GenerationalContent[1]
    for secret in ("Alice", event.national_id, "1984", "12.50", '"b"', '"2"', "Main Street"):
        assert secret not in kept
    assert "Oslo" in kept


@pytest.mark.row("E111", "E166")
async def test_an_erased_subject_reads_empty_with_its_types_and_its_models_rules_notwithstanding(
    hospital: EventStore, subject: str
) -> None:
    await hospital.event_log.append(subject, alice())

    await hospital.compliance.delete_key(subject)

    (appended,) = await hospital.event_log.events_for(subject)
    event = appended.event
    assert (event.name, event.national_id, event.born, event.owes) == ("", "", date.min, Decimal(0))
    assert (event.notes, event.phones, event.ward) == ([], ["", ""], "A")
    assert event.address == Address("", "Oslo")
    with pytest.raises(AppendError, match="encryption key"):
        await hospital.event_log.append(subject, alice())


@pytest.mark.row("E114")
async def test_a_new_key_can_be_allowed(hospital: EventStore, subject: str) -> None:
    await hospital.event_log.append(subject, alice(name="before"))
    await hospital.compliance.delete_key(subject)
    await hospital.compliance.allow_new_key(subject)

    await hospital.event_log.append(subject, alice(name="after"))

    names = [appended.event.name for appended in await hospital.event_log.events_for(subject)]
    assert names == ["", "after"]


@pytest.mark.row("S166", "E185")
async def test_a_member_marked_as_subject_says_whom_an_event_is_about(
    hospital: EventStore, stubs: Stubs
) -> None:
    patient, log = uuid4(), hospital.event_log
    await log.append("admission", PatientAdmitted(patient=patient, reason="one"))
    await log.append("admission", PatientAdmitted(patient=patient, reason="two"), subject=f"other-{patient}")
    await log.append("admission", PatientAdmitted(reason="three"))
    await log.append_many([EventFor("admission", PatientAdmitted(patient=patient, reason="four"))])
    async with hospital.unit_of_work() as unit:
        unit.append("admission", PatientAdmitted(patient=patient, reason="five"))

    await hospital.compliance.delete_key(str(patient))

    reasons = [appended.event.reason for appended in await log.events_for("admission")]
    assert reasons == ["", "two", "three", "", ""]


@pytest.mark.row("E74")
async def test_a_unique_value_is_unique_whoever_it_is_about(hospital: EventStore, subject: str) -> None:
    event = alice()
    await hospital.event_log.append(subject, event, subject=f"a-{subject}")

    with pytest.raises(ConstraintViolationError):
        await hospital.event_log.append(f"other-{subject}", event, subject=f"b-{subject}")


@pytest.mark.row("S129")
async def test_a_read_model_is_readable_until_its_subject_is_erased(
    hospital: EventStore, subject: str
) -> None:
    await hospital.wait_for_registration()
    await hospital.event_log.append(subject, alice())
    found = await eventually(lambda: hospital.read_models.get(Patient, subject))
    assert found == Patient(name="Alice", wards=1)

    await hospital.compliance.delete_key(subject)

    erased = await hospital.read_models.get(Patient, subject)
    assert erased is not None
    assert (erased.name, erased.wards) == ("", 1)
    assert [one.name for one in await hospital.read_models.all(Patient)] == [""]


async def test_content_from_elsewhere_can_be_released(
    hospital: EventStore, stubs: Stubs, subject: str
) -> None:
    event = alice()
    await hospital.event_log.append(subject, event)
    (stored,) = await RawStore(stubs, hospital.name).read()

    released = await hospital.compliance.release(PatientRegistered, subject, stored.GenerationalContent[1])

    assert released == event
    with pytest.raises(SerializationError):
        await hospital.compliance.release(PatientRegistered, subject, "[]")
