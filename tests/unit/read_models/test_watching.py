"""A client's watch that is interrupted, refused, or outlived by its client."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from chronicle import ChangeKind, KernelError, NotConnectedError, NotRunningError
from chronicle.connections.calls import CallSettings
from chronicle.contracts import read_models_pb2 as pb
from chronicle.read_models import watching
from chronicle.read_models.watching import Watch
from tests.waiting import in_good_time

STANDS = pb.ReadModelChangeset(Subscribed=True)


def failure(code: grpc.StatusCode) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), "no")


def changed(key: str, namespace: str = "Default") -> pb.ReadModelChangeset:
    return pb.ReadModelChangeset(Namespace=namespace, ModelKey=key, ReadModel=f'"{key}"')


class ScriptedCall:
    """A call that gives out what it was made with, and then nothing."""

    def __init__(self, *script: Any) -> None:
        self._script = list(script)
        self.is_cancelled = False

    async def read(self) -> Any:
        if not self._script:
            await asyncio.Event().wait()
        step = self._script.pop(0)
        if isinstance(step, BaseException | type):
            raise step
        return step

    def cancel(self) -> None:
        self.is_cancelled = True


class Kernel:
    """Answers each call with the next script; one that is an exception is raised by the call itself."""

    def __init__(self, *scripts: Any) -> None:
        self._scripts = list(scripts)
        self.calls: list[ScriptedCall] = []

    def __call__(self, request: pb.WatchRequest) -> ScriptedCall:
        script = self._scripts.pop(0)
        if isinstance(script, BaseException):
            raise script
        assert isinstance(script, ScriptedCall)
        self.calls.append(script)
        return script


@pytest.fixture(autouse=True)
def without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "REOPEN_AFTER", 0)


def watch(method: Callable[..., Any], key: str | None = None) -> Watch[str]:
    request = pb.WatchRequest(EventStore="bank", Namespace="Default", ReadModelIdentifier="Account")
    return Watch(method, request, CallSettings(5), lambda text: text, key=key)


@pytest.mark.row("S161")
@pytest.mark.parametrize(
    "end",
    [
        failure(grpc.StatusCode.UNAVAILABLE),
        failure(grpc.StatusCode.RESOURCE_EXHAUSTED),
        grpc.aio.EOF,
    ],
    ids=["lost", "behind", "ended"],
)
async def test_a_watch_that_is_interrupted_begins_again_and_says_so(end: Any) -> None:
    kernel = Kernel(
        ScriptedCall(STANDS, changed("a"), end),
        ScriptedCall(failure(grpc.StatusCode.UNAVAILABLE)),
        ScriptedCall(STANDS, changed("b")),
    )
    async with in_good_time(), watch(kernel) as changes:
        told = [await anext(changes) for _ in range(3)]
    assert [(change.kind, change.key) for change in told] == [
        (ChangeKind.ADDED, "a"),
        (ChangeKind.RESUMED, ""),
        (ChangeKind.ADDED, "b"),
    ]
    assert kernel.calls[-1].is_cancelled


async def test_what_the_kernel_refuses_is_raised() -> None:
    kernel = Kernel(ScriptedCall(STANDS, failure(grpc.StatusCode.UNKNOWN)))
    async with watch(kernel) as changes:
        with pytest.raises(KernelError):
            await anext(changes)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (ScriptedCall(failure(grpc.StatusCode.UNAVAILABLE)), NotConnectedError),
        (ScriptedCall(failure(grpc.StatusCode.UNKNOWN)), KernelError),
        (ScriptedCall(grpc.aio.EOF), KernelError),
        (ScriptedCall(changed("a")), KernelError),
        (grpc.aio.UsageError("Channel is closed."), NotRunningError),
    ],
    ids=["unreachable", "refused", "ended", "silent about standing", "closed"],
)
async def test_a_watch_that_does_not_begin_is_an_error(script: Any, error: type[Exception]) -> None:
    kernel = Kernel(script)
    with pytest.raises(error):
        async with watch(kernel):
            pass
    assert all(call.is_cancelled for call in kernel.calls)


async def test_a_watch_ends_with_its_client() -> None:
    # Closing a channel cancels its calls.
    kernel = Kernel(ScriptedCall(STANDS, asyncio.CancelledError))
    async with watch(kernel) as changes:
        assert [change async for change in changes] == []


async def test_a_watch_that_is_to_begin_again_ends_with_its_client() -> None:
    kernel = Kernel(ScriptedCall(STANDS, grpc.aio.EOF), grpc.aio.UsageError("Channel is closed."))
    async with watch(kernel) as changes:
        assert [change async for change in changes] == []


async def test_whoever_iterates_can_be_cancelled() -> None:
    async with watch(Kernel(ScriptedCall(STANDS))) as changes:
        waiting = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_other_namespaces_and_other_keys_are_left_out() -> None:
    kernel = Kernel(ScriptedCall(STANDS, changed("a", "elsewhere"), changed("b"), changed("a", "default")))
    async with in_good_time(), watch(kernel, key="a") as changes:
        change = await anext(changes)
    assert (change.key, change.model) == ("a", '"a"')
