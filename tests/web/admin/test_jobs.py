"""Jobs over the admin API: what the contract's messages become, and what is asked of the kernel."""

from uuid import UUID

import httpx2
import pytest

from chronicle.contracts import jobs_pb2 as pb
from chronicle.contracts.bcl_pb2 import Guid
from chronicle.events.wire import to_uuid
from chronicle.values import guid_halves
from tests.web.admin.scripted import Script
from tests.web.admin.test_event_stores import assert_problem

JOBS = "event-stores/bank/namespaces/Default/jobs"
OLD = UUID("00112233-4455-6677-8899-aabbccddeeff")
NEW = UUID("10112233-4455-6677-8899-aabbccddeeff")


def guid(value: UUID) -> Guid:
    lo, hi = guid_halves(value)
    return Guid(lo=lo, hi=hi)


def moment(text: str) -> pb.SerializableDateTimeOffset:
    return pb.SerializableDateTimeOffset(Value=text)


@pytest.fixture(autouse=True)
def jobs(script: Script) -> None:
    old = pb.JobSummaryResponse(
        Id=guid(OLD),
        Type="ReplayObserver",
        Details="balances",
        Status=pb.JOB_STATUS_CompletedWithFailures,
        Created=moment("2024-01-15T12:30:00.0000000+02:00"),
        StatusChanges=[
            pb.JobStatusChanged(
                Status=pb.JOB_STATUS_Failed,
                Occurred=moment("2024-01-15T12:31:00.5000000+02:00"),
                ExceptionMessages=["outer", "inner"],
                ExceptionStackTrace="at X",
            )
        ],
        Progress=pb.JobProgress(
            TotalSteps=5, SuccessfulSteps=2, FailedSteps=1, StoppedSteps=2, IsStopped=True, Message="halfway"
        ),
    )
    new = pb.JobSummaryResponse(
        Id=guid(NEW), Status=pb.JobStatus.ValueType(99), Created=moment("2024-01-16T00:00:00.0000000+00:00")
    )
    step = pb.JobStepSummaryResponse(
        Id=guid(NEW),
        Type="Some.Type, Some.Assembly",
        Name="HandleEventsForPartition",
        Status=pb.JOB_STEP_STATUS_CompletedWithFailure,
        StatusChanges=[
            pb.JobStepStatusChanged(Status=pb.JOB_STEP_STATUS_Failed, ExceptionMessages=["broken"])
        ],
        Progress=pb.JobStepProgress(Percentage=40, Message="at it"),
    )
    script.script(
        {
            "Jobs/AllJobs": pb.QueryResult_IEnumerable_JobSummaryResponse(Data=[old, new]),
            "Jobs/GetJobSteps": pb.QueryResult_IEnumerable_JobStepSummaryResponse(Data=[step]),
            "Jobs/StopJob": pb.CommandResult(),
            "Jobs/ResumeJob": pb.CommandResult(),
            "Jobs/DeleteJob": pb.CommandResult(),
        }
    )


async def test_jobs_are_listed_the_newest_first(api: httpx2.AsyncClient, script: Script) -> None:
    found = (await api.get(JOBS)).json()
    assert [job["id"] for job in found] == [str(NEW), str(OLD)]
    assert script.asked("Jobs/AllJobs") == pb.AllJobsRequest(EventStore="bank", Namespace="Default")


async def test_a_job_has_its_history_and_its_progress(api: httpx2.AsyncClient) -> None:
    assert (await api.get(f"{JOBS}/{OLD}")).json() == {
        "id": str(OLD),
        "type": "ReplayObserver",
        "details": "balances",
        "status": "completed_with_failures",
        "created": "2024-01-15T12:30:00+02:00",
        "status_changes": [
            {
                "status": "failed",
                "occurred": "2024-01-15T12:31:00.500000+02:00",
                "messages": ["outer", "inner"],
                "stack_trace": "at X",
            }
        ],
        "progress": {
            "total_steps": 5,
            "successful_steps": 2,
            "failed_steps": 1,
            "stopped_steps": 2,
            "is_completed": False,
            "is_stopped": True,
            "message": "halfway",
        },
    }


async def test_a_status_of_a_later_version_is_none(api: httpx2.AsyncClient) -> None:
    assert (await api.get(f"{JOBS}/{NEW}")).json()["status"] == "none"


async def test_a_job_has_steps(api: httpx2.AsyncClient, script: Script) -> None:
    (step,) = (await api.get(f"{JOBS}/{OLD}/steps")).json()
    assert step == {
        "id": str(NEW),
        "type": "Some.Type, Some.Assembly",
        "name": "HandleEventsForPartition",
        "status": "completed_with_failure",
        "status_changes": [{"status": "failed", "occurred": None, "messages": ["broken"], "stack_trace": ""}],
        "percentage": 40,
        "message": "at it",
    }
    assert to_uuid(script.asked("Jobs/GetJobSteps").JobId) == OLD


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("POST", f"{JOBS}/{OLD}/stop", "Jobs/StopJob"),
        ("POST", f"{JOBS}/{OLD}/resume", "Jobs/ResumeJob"),
        ("DELETE", f"{JOBS}/{OLD}", "Jobs/DeleteJob"),
    ],
)
async def test_a_job_is_stopped_resumed_and_deleted(
    api: httpx2.AsyncClient, script: Script, method: str, path: str, call: str
) -> None:
    response = await api.request(method, path)
    assert (response.status_code, response.content) == (202, b"")
    request = script.asked(call)
    assert (request.EventStore, request.Namespace, to_uuid(request.JobId)) == ("bank", "Default", OLD)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/steps"), ("POST", "/stop"), ("POST", "/resume"), ("DELETE", "")],
)
async def test_an_unknown_job_is_not_found_and_nothing_is_asked_about_it(
    api: httpx2.AsyncClient, script: Script, method: str, path: str
) -> None:
    unknown = UUID(int=1)
    assert_problem(await api.request(method, f"{JOBS}/{unknown}{path}"), 404, f"There is no job '{unknown}'.")
    assert {name for name, _ in script.requests} == {"Jobs/AllJobs"}


@pytest.mark.parametrize("answer", [{"IsAuthorized": False}, {"ExceptionMessages": ["out of order"]}])
async def test_a_failure_inside_of_the_answer_is_told(
    api: httpx2.AsyncClient, script: Script, answer: dict[str, object]
) -> None:
    script.script({"Jobs/StopJob": pb.CommandResult(**answer)})  # type: ignore[arg-type]
    assert_problem(await api.post(f"{JOBS}/{OLD}/stop"), 502, "Jobs/StopJob failed")
