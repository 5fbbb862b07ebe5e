"""What a kernel says that has observers at work, some failed, and jobs."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from google.protobuf.message import Message

from chronicle.contracts import jobs_pb2 as jobs
from chronicle.contracts import observation_event_store_subscriptions_pb2 as subscriptions
from chronicle.contracts import observation_pb2 as observation
from chronicle.contracts import observation_webhooks_pb2 as webhooks
from chronicle.contracts import recommendations_pb2 as recommendations
from chronicle.contracts.bcl_pb2 import Guid
from chronicle.values import format_ticks, guid_halves, to_ticks

NOW: Final = datetime(2026, 5, 4, 9, 41, tzinfo=UTC)
JOB: Final = UUID("0198c1d2-3a4b-7c5d-8e6f-0123456789ab")
FAILURE: Final = "ValueError: the bank's mail server refused <b>'owner@example.com'</b>"

_State: TypeAlias = observation.ObserverRunningState.ValueType
_Type: TypeAlias = observation.ObserverType.ValueType


def answers(*, done_steps: int = 14) -> Mapping[str, Message]:
    """Answers by `Service/Method`; the job has come as far as the test says."""
    return {
        "Observers/GetObservers": observation.IEnumerable_ObserverInformation(items=_observers()),
        "Observers/GetObserverInformation": _observers()[3],
        "Observers/GetConnectedClientsForObserver": observation.IEnumerable_ConnectedClient(),
        "Observers/Replay": observation.ReplayResponse(JobId=str(JOB)),
        "FailedPartitions/GetFailedPartitions": observation.IEnumerable_FailedPartition(items=_failures()),
        "Jobs/AllJobs": jobs.QueryResult_IEnumerable_JobSummaryResponse(
            IsAuthorized=True, Data=_jobs(done_steps)
        ),
        "Jobs/GetJobSteps": jobs.QueryResult_IEnumerable_JobStepSummaryResponse(
            IsAuthorized=True, Data=[_step(number) for number in range(3)]
        ),
        "Jobs/StopJob": jobs.CommandResult(IsAuthorized=True),
        "Webhooks/GetWebhooks": webhooks.IEnumerable_WebhookDefinition(items=[_webhook()]),
        "EventStoreSubscriptions/GetSubscriptions": (
            subscriptions.IEnumerable_EventStoreSubscriptionDefinition(
                items=[
                    subscriptions.EventStoreSubscriptionDefinition(
                        Identifier="orders-to-bank",
                        SourceEventStore="orders",
                        EventTypes=[subscriptions.EventType(Id="order-paid", Generation=1)],
                    )
                ]
            )
        ),
        "Recommendations/GetRecommendations": recommendations.IEnumerable_Recommendation(
            items=[
                recommendations.Recommendation(
                    Id=_guid(UUID(int=7)),
                    Name="Replay BalanceReducer",
                    Description="Its definition has changed since it handled its events.",
                    Type="ReplayCandidate",
                    Occurred=recommendations.SerializableDateTimeOffset(Value=_text(hours=2)),
                )
            ]
        ),
    }


def _observers() -> list[observation.ObserverInformation]:
    def observer(
        name: str, type_: _Type, state: _State, next_: int, *, tail: int = 130
    ) -> observation.ObserverInformation:
        return observation.ObserverInformation(
            Id=name,
            EventSequenceId="event-log",
            Type=type_,
            Owner=observation.OBSERVER_OWNER_Client,
            EventTypes=[observation.EventType(Id="deposited", Generation=1)],
            NextEventSequenceNumber=next_,
            LastHandledEventSequenceNumber=next_ - 1,
            RunningState=state,
            IsSubscribed=state != observation.OBSERVER_RUNNING_STATE_Disconnected,
            TailEventSequenceNumber=tail - 1,
            HandledEventCount=next_,
        )

    return [
        observer(
            "AuditTrail", observation.OBSERVER_TYPE_External, observation.OBSERVER_RUNNING_STATE_Active, 130
        ),
        observer(
            "BalanceReducer",
            observation.OBSERVER_TYPE_Reducer,
            observation.OBSERVER_RUNNING_STATE_Active,
            130,
        ),
        observer(
            "MonthlyStatements",
            observation.OBSERVER_TYPE_Projection,
            observation.OBSERVER_RUNNING_STATE_Replaying,
            44,
        ),
        observer(
            "NotifyOwner",
            observation.OBSERVER_TYPE_Reactor,
            observation.OBSERVER_RUNNING_STATE_Active,
            118,
        ),
        observer(
            "PartnerFeed",
            observation.OBSERVER_TYPE_Reactor,
            observation.OBSERVER_RUNNING_STATE_Disconnected,
            97,
        ),
    ]


def _failures() -> list[observation.FailedPartition]:
    return [
        observation.FailedPartition(
            Id=_guid(UUID(int=1)),
            ObserverId="NotifyOwner",
            Partition="account-4",
            Attempts=[
                observation.FailedPartitionAttempt(
                    Occurred=observation.SerializableDateTimeOffset(Value=_text(minutes=30 - number)),
                    SequenceNumber=117,
                    Messages=[FAILURE],
                    StackTrace='Traceback (most recent call last):\n  File "bank/notify.py", line 41\n'
                    + FAILURE,
                )
                for number in range(3)
            ],
        )
    ]


def _jobs(done_steps: int) -> list[jobs.JobSummaryResponse]:
    return [
        jobs.JobSummaryResponse(
            Id=_guid(JOB),
            Type="ReplayObserver",
            Details="MonthlyStatements",
            Status=jobs.JOB_STATUS_Running,
            Created=jobs.SerializableDateTimeOffset(Value=_text(minutes=4)),
            StatusChanges=[
                jobs.JobStatusChanged(
                    Status=status,
                    Occurred=jobs.SerializableDateTimeOffset(Value=_text(minutes=4)),
                )
                for status in (jobs.JOB_STATUS_PreparingSteps, jobs.JOB_STATUS_Running)
            ],
            Progress=jobs.JobProgress(TotalSteps=40, SuccessfulSteps=done_steps),
        ),
        jobs.JobSummaryResponse(
            Id=_guid(UUID(int=3)),
            Type="ReplayObserverPartition",
            Details="NotifyOwner, account-4",
            Status=jobs.JOB_STATUS_CompletedWithFailures,
            Created=jobs.SerializableDateTimeOffset(Value=_text(hours=5)),
            Progress=jobs.JobProgress(TotalSteps=4, SuccessfulSteps=3, FailedSteps=1, IsCompleted=True),
        ),
    ]


def _step(number: int) -> jobs.JobStepSummaryResponse:
    return jobs.JobStepSummaryResponse(
        Id=_guid(UUID(int=10 + number)),
        Type="HandleEventsForPartition",
        Name=f"account-{number}",
        Status=jobs.JOB_STEP_STATUS_Running if number else jobs.JOB_STEP_STATUS_Scheduled,
        Progress=jobs.JobStepProgress(Percentage=35 * number, Message="events handled" if number else ""),
    )


def _webhook() -> webhooks.WebhookDefinition:
    return webhooks.WebhookDefinition(
        EventSequenceId="event-log",
        Identifier="ledger",
        EventTypes=[webhooks.EventType(Id="deposited", Generation=1)],
        Target=webhooks.WebhookTarget(
            Url="https://ledger.example.com/events",
            Authorization=webhooks.OneOf_BasicAuthorization_BearerTokenAuthorization_OAuthAuthorization(
                Value1=webhooks.BearerTokenAuthorization(Token="a token that no page shows")
            ),
        ),
        IsReplayable=True,
        IsActive=True,
    )


def _guid(value: UUID) -> Guid:
    lo, hi = guid_halves(value)
    return Guid(lo=lo, hi=hi)


def _text(**ago: int) -> str:
    return format_ticks(to_ticks(NOW - timedelta(**ago)))
