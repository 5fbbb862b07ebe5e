"""A small load generator: `python -m benchmarks.http_load URL CONNECTIONS SECONDS` posts orders, prints JSON.

It runs in a process of its own, so that the server's loop is not also the clients'. Each connection is kept
alive and sends its next request when the answer to the last one is complete.
"""

import asyncio
import json
import statistics
import sys
import time
from functools import partial
from urllib.parse import urlsplit

from benchmarks.workload import order


class _Connection(asyncio.Protocol):
    """Sends one request after the other until its time is over."""

    def __init__(self, request: bytes, until: float, done: asyncio.Future[list[float]]) -> None:
        self._request = request
        self._until = until
        self._done = done
        self._durations: list[float] = []
        self._received = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < _content_length(head):
            return
        now = time.perf_counter()
        if not head.startswith(b"HTTP/1.1 2"):
            self._fail(ConnectionError(f"the server answered {head.splitlines()[0].decode()}: {body!r}"))
            return
        self._durations.append(now - self._sent)
        self._received = b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()
            self._done.set_result(self._durations)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def _fail(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)
        self._transport.close()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def load(url: str, connections: int, seconds: float) -> dict[str, float]:
    """Keep so many connections busy for so long: requests per second and the median duration in
    microseconds.
    """
    target = urlsplit(url)
    body = order(1).model_dump_json().encode()
    request = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    futures: list[asyncio.Future[list[float]]] = [loop.create_future() for _ in range(connections)]
    for future in futures:
        await loop.create_connection(
            partial(_Connection, request, started + seconds, future), target.hostname or "", target.port or 80
        )
    durations = [duration for each in await asyncio.gather(*futures) for duration in each]
    elapsed = time.perf_counter() - started
    return {"rate": len(durations) / elapsed, "median": statistics.median(durations) * 1e6}


if __name__ == "__main__":
    figures = asyncio.run(load(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
    sys.stdout.write(json.dumps(figures))
