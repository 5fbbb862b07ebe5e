"""Jobs: long-running work of the kernel, such as replays (observation.md 8)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from chronicle.contracts import jobs_pb2 as pb
from chronicle.contracts.jobs_pb2_grpc import JobsStub
from chronicle.envelopes import open_envelope
from chronicle.events.wire import to_moment, to_uuid
from chronicle_fastapi.admin.calls import ask, guid
from chronicle_fastapi.admin.events import moment_or_none
from chronicle_fastapi.admin.models import AdminModel, ContractEnum
from chronicle_fastapi.admin.numbers import Count
from chronicle_fastapi.admin.routes import ACCEPTED, resource_router
from chronicle_fastapi.admin.scopes import InNamespace, NamespaceScope, with_id


class JobStatus(ContractEnum):
    """Where a job stands. One that is completed successfully is gone at once."""

    NONE = "none"
    PREPARING_JOB = "preparing_job"
    PREPARING_STEPS = "preparing_steps"
    STARTING_STEPS = "starting_steps"
    RUNNING = "running"
    COMPLETED_SUCCESSFULLY = "completed_successfully"
    COMPLETED_WITH_FAILURES = "completed_with_failures"
    STOPPED = "stopped"
    FAILED = "failed"
    REMOVING = "removing"


class JobStepStatus(ContractEnum):
    """Where a step of a job stands."""

    UNKNOWN = "unknown"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    COMPLETED_SUCCESSFULLY = "completed_successfully"
    COMPLETED_WITH_FAILURE = "completed_with_failure"
    STOPPED = "stopped"
    FAILED = "failed"
    REMOVING = "removing"


class JobStatusChange(AdminModel):
    """When a job came to a status, and why if it failed."""

    status: JobStatus
    occurred: datetime | None
    messages: list[str]
    stack_trace: str


class JobProgress(AdminModel):
    """How many steps a job has, and what became of them so far."""

    total_steps: Count
    successful_steps: Count
    failed_steps: Count
    stopped_steps: Count
    is_completed: bool
    is_stopped: bool
    message: str


class JobSummary(AdminModel):
    """A job with its progress."""

    id: UUID
    type: str
    """What it does, such as `ReplayObserver`."""
    details: str
    """What it does that to, such as the id of an observer."""
    status: JobStatus
    created: datetime | None
    status_changes: list[JobStatusChange]
    """The oldest first."""
    progress: JobProgress


class JobStepStatusChange(AdminModel):
    """When a step came to a status, and why if it failed."""

    status: JobStepStatus
    occurred: datetime | None
    messages: list[str]
    stack_trace: str


class JobStepSummary(AdminModel):
    """A step of a job."""

    id: UUID
    type: str
    name: str
    status: JobStepStatus
    status_changes: list[JobStepStatusChange]
    """The oldest first."""
    percentage: int
    """How far it is; not all kinds of steps tell."""
    message: str


async def list_jobs(scope: NamespaceScope) -> list[JobSummary]:
    """The jobs of the namespace that run, wait or failed, the newest first.

    Raises `CallError`. (Jobs/AllJobs)
    """
    response = await ask(
        scope.client,
        JobsStub(scope.client.channel).AllJobs,
        "Jobs/AllJobs",
        pb.AllJobsRequest(EventStore=scope.event_store, Namespace=scope.namespace),
    )
    open_envelope(response, "Jobs/AllJobs")
    newest_first = sorted(response.Data, key=lambda job: to_moment(job.Created), reverse=True)
    return [_job(message) for message in newest_first]


async def find_job(scope: NamespaceScope, job_id: UUID) -> JobSummary:
    """A job. Raises `NotThereError` for one that is unknown, or completed and gone; `CallError`.

    (Jobs/AllJobs)
    """
    return with_id(await list_jobs(scope), "job", job_id)


async def list_job_steps(scope: NamespaceScope, job_id: UUID) -> list[JobStepSummary]:
    """The steps of a job, as far as they are kept. Raises as `find_job`.

    (Jobs/AllJobs, GetJobSteps)
    """
    await find_job(scope, job_id)
    response = await ask(
        scope.client,
        JobsStub(scope.client.channel).GetJobSteps,
        "Jobs/GetJobSteps",
        pb.GetJobStepsRequest(**_place(scope, job_id)),
    )
    open_envelope(response, "Jobs/GetJobSteps")
    return [_step(message) for message in response.Data]


async def stop_job(scope: NamespaceScope, job_id: UUID) -> None:
    """Asks a job to stop; one that does not run stays as it is. Raises as `find_job`.

    (Jobs/StopJob)
    """
    await find_job(scope, job_id)
    method = JobsStub(scope.client.channel).StopJob
    response = await ask(scope.client, method, "Jobs/StopJob", pb.StopJobRequest(**_place(scope, job_id)))
    open_envelope(response, "Jobs/StopJob")


async def resume_job(scope: NamespaceScope, job_id: UUID) -> None:
    """Asks a stopped job to go on; any other stays as it is. Raises as `find_job`.

    (Jobs/ResumeJob)
    """
    await find_job(scope, job_id)
    method = JobsStub(scope.client.channel).ResumeJob
    response = await ask(scope.client, method, "Jobs/ResumeJob", pb.ResumeJobRequest(**_place(scope, job_id)))
    open_envelope(response, "Jobs/ResumeJob")


async def delete_job(scope: NamespaceScope, job_id: UUID) -> None:
    """Asks for a job to be given up and forgotten. A kernel may keep one that has failed.

    Raises as `find_job`. (Jobs/DeleteJob)
    """
    await find_job(scope, job_id)
    method = JobsStub(scope.client.channel).DeleteJob
    response = await ask(scope.client, method, "Jobs/DeleteJob", pb.DeleteJobRequest(**_place(scope, job_id)))
    open_envelope(response, "Jobs/DeleteJob")


def _place(scope: NamespaceScope, job_id: UUID) -> dict[str, Any]:
    return {"EventStore": scope.event_store, "Namespace": scope.namespace, "JobId": guid(job_id)}


def _job(message: pb.JobSummaryResponse) -> JobSummary:
    progress = message.Progress
    return JobSummary(
        id=to_uuid(message.Id),
        type=message.Type,
        details=message.Details,
        status=JobStatus.of(message.Status),
        created=moment_or_none(to_moment(message.Created)),
        status_changes=[
            JobStatusChange(
                status=JobStatus.of(change.Status),
                occurred=moment_or_none(to_moment(change.Occurred)),
                messages=list(change.ExceptionMessages),
                stack_trace=change.ExceptionStackTrace,
            )
            for change in message.StatusChanges
        ],
        progress=JobProgress(
            total_steps=progress.TotalSteps,
            successful_steps=progress.SuccessfulSteps,
            failed_steps=progress.FailedSteps,
            stopped_steps=progress.StoppedSteps,
            is_completed=progress.IsCompleted,
            is_stopped=progress.IsStopped,
            message=progress.Message,
        ),
    )


def _step(message: pb.JobStepSummaryResponse) -> JobStepSummary:
    return JobStepSummary(
        id=to_uuid(message.Id),
        type=message.Type,
        name=message.Name,
        status=JobStepStatus.of(message.Status),
        status_changes=[
            JobStepStatusChange(
                status=JobStepStatus.of(change.Status),
                occurred=moment_or_none(to_moment(change.Occurred)),
                messages=list(change.ExceptionMessages),
                stack_trace=change.ExceptionStackTrace,
            )
            for change in message.StatusChanges
        ],
        percentage=message.Progress.Percentage,
        message=message.Progress.Message,
    )


router = resource_router("jobs", "/event-stores/{event_store}/namespaces/{namespace}/jobs")


@router.get("")
async def get_jobs(scope: InNamespace) -> list[JobSummary]:
    """List the jobs of a namespace."""
    return await list_jobs(scope)


@router.get("/{job_id}")
async def get_job(scope: InNamespace, job_id: UUID) -> JobSummary:
    """Get one job."""
    return await find_job(scope, job_id)


@router.get("/{job_id}/steps")
async def get_job_steps(scope: InNamespace, job_id: UUID) -> list[JobStepSummary]:
    """List the steps of a job."""
    return await list_job_steps(scope, job_id)


@router.post("/{job_id}/stop", name="stop_job", **ACCEPTED)
async def _stop(scope: InNamespace, job_id: UUID) -> None:
    """Stop a job that runs."""
    await stop_job(scope, job_id)


@router.post("/{job_id}/resume", name="resume_job", **ACCEPTED)
async def _resume(scope: InNamespace, job_id: UUID) -> None:
    """Have a stopped job go on."""
    await resume_job(scope, job_id)


@router.delete("/{job_id}", name="delete_job", **ACCEPTED)
async def _delete(scope: InNamespace, job_id: UUID) -> None:
    """Give up a job, and forget it."""
    await delete_job(scope, job_id)
