"""`python -m benchmarks.first_append FILE`: an application that starts from nothing and appends one event.

It prints the seconds to the acknowledged append: from its first line, and from when its imports are done.
"""

import sys
import time

_STARTED = time.perf_counter()

import asyncio  # noqa: E402  (imports are part of what is measured)
from dataclasses import dataclass  # noqa: E402

from chronicle import Artifacts, ChronicleClient, event_type  # noqa: E402


@event_type("order-placed")
@dataclass
class OrderPlaced:
    order_id: str
    quantity: int


async def main(file: str) -> None:
    """Open a kernel on a file that does not exist yet, append once, and tell how long it took."""
    imported = time.perf_counter()
    async with ChronicleClient(f"chronicle+embedded:///{file}") as client:
        store = await client.event_store("shop", artifacts=Artifacts(event_types=[OrderPlaced]))
        await store.event_log.append("order-1", OrderPlaced(order_id="1", quantity=1))
        appended = time.perf_counter()
    sys.stdout.write(f"{appended - _STARTED:.4f} {appended - imported:.4f}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
