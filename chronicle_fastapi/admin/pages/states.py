"""The states of observers and jobs in words and colours; `kind` is a class of the style sheet."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from chronicle_fastapi.admin.resources.jobs import JobStatus, JobStepStatus
from chronicle_fastapi.admin.resources.observers import ObserverState, ObserverSummary


class State(NamedTuple):
    """What something is doing."""

    name: str
    kind: str = ""


_OBSERVERS: Final[Mapping[ObserverState, State]] = {
    ObserverState.UNKNOWN: State("Not begun"),
    ObserverState.ACTIVE: State("Active", "good"),
    ObserverState.SUSPENDED: State("Suspended", "warn"),
    ObserverState.REPLAYING: State("Replaying", "busy"),
    ObserverState.DISCONNECTED: State("Disconnected", "warn"),
    ObserverState.QUARANTINED: State("Quarantined", "bad"),
}
_CATCHING_UP: Final = State("Catching up", "busy")

_JOBS: Final[Mapping[JobStatus, State]] = {
    JobStatus.NONE: State("Not begun"),
    JobStatus.PREPARING_JOB: State("Preparing", "busy"),
    JobStatus.PREPARING_STEPS: State("Preparing steps", "busy"),
    JobStatus.STARTING_STEPS: State("Starting", "busy"),
    JobStatus.RUNNING: State("Running", "busy"),
    JobStatus.COMPLETED_SUCCESSFULLY: State("Completed", "good"),
    JobStatus.COMPLETED_WITH_FAILURES: State("Completed with failures", "bad"),
    JobStatus.STOPPED: State("Stopped", "warn"),
    JobStatus.FAILED: State("Failed", "bad"),
    JobStatus.REMOVING: State("Removing"),
}
_STEPS: Final[Mapping[JobStepStatus, State]] = {
    JobStepStatus.UNKNOWN: State("Unknown"),
    JobStepStatus.SCHEDULED: State("Scheduled"),
    JobStepStatus.RUNNING: State("Running", "busy"),
    JobStepStatus.COMPLETED_SUCCESSFULLY: State("Completed", "good"),
    JobStepStatus.COMPLETED_WITH_FAILURE: State("Completed with a failure", "bad"),
    JobStepStatus.STOPPED: State("Stopped", "warn"),
    JobStepStatus.FAILED: State("Failed", "bad"),
    JobStepStatus.REMOVING: State("Removing"),
}


def state_of_observer(observer: ObserverSummary) -> State:
    """The state of an observer; the kernel calls one that catches up active."""
    if observer.state is ObserverState.ACTIVE and observer.behind:
        return _CATCHING_UP
    return _OBSERVERS[observer.state]


def state_of_job(status: JobStatus) -> State:
    """The state of a job."""
    return _JOBS[status]


def state_of_step(status: JobStepStatus) -> State:
    """The state of a step of a job."""
    return _STEPS[status]
