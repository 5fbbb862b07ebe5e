"""Serves the bank on http://127.0.0.1:8000, its events in example.db; HOST, PORT, CHRONICLE_* change that."""

import os
import socket
import sys
from contextlib import suppress

import uvicorn

CONNECTION_STRING = "chronicle+embedded:///example.db"

WALK = """
  {url}/docs      the API, to be tried in the browser

  curl {url}/accounts -H 'content-type: application/json' \\
       -d '{{"account_id": "alice", "owner": "Alice", "initial_balance": "1000"}}'
  curl {url}/accounts/alice/deposits -H 'content-type: application/json' -d '{{"amount": "250"}}'
  curl {url}/accounts/alice
  curl {url}/accounts/alice/statement

  Stop with Ctrl+C and start again: the balance is still there.
"""


class Server(uvicorn.Server):
    """Prints what to try once everything has started, and not when it could not."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = (sockets or self.servers[0].sockets)[0].getsockname()[:2]
            print(WALK.format(url=f"http://{host}:{port}"), flush=True)


def main() -> None:
    os.environ.setdefault("CHRONICLE_CONNECTION_STRING", CONNECTION_STRING)
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
    try:
        # Bound before the application starts: a port in use is then found out before the database is opened.
        listener = socket.create_server((host, int(port)), backlog=2048)
    except (OSError, OverflowError, ValueError) as error:
        sys.exit(
            f"Cannot listen on {host}:{port}: {error}. To use another port: PORT=8001 python -m example_app"
        )
    server = Server(uvicorn.Config("example_app.main:app"))
    with listener, suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    if not server.started:
        sys.exit(3)  # the reason was logged


if __name__ == "__main__":
    main()
