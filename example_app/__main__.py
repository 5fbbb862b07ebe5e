"""Serves the bank on http://127.0.0.1:8000, its events in example.db; HOST, PORT, CHRONICLE_* change that."""

import os
import secrets
import socket
import sys
from contextlib import suppress

import uvicorn

CONNECTION_STRING = "chronicle+embedded:///example.db"
TOKEN = "CHRONICLE_ADMIN_TOKEN"

WHAT_TO_TRY = """
  {url}/docs
      the API, to be tried in the browser
  {url}/chronicle/{admin}
  {url}/health/ready
      whether all is well

  example_app/README.md walks through everything in ten minutes.
  Stop with Ctrl+C and start again: what happened is still there.
"""


class Server(uvicorn.Server):
    """Prints what to try once everything has started, and not when it could not."""

    def __init__(self, config: uvicorn.Config, admin: str) -> None:
        super().__init__(config)
        self.admin = admin

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = (sockets or self.servers[0].sockets)[0].getsockname()[:2]
            print(WHAT_TO_TRY.format(url=f"http://{host}:{port}", admin=self.admin), flush=True)


def sign_in() -> str:
    """How to get into the admin page. The page would make a token itself, but knows no address to print."""
    if os.environ.get(TOKEN):
        return f"\n      the admin page; {TOKEN} is what you sign in with"
    os.environ[TOKEN] = token = secrets.token_urlsafe(32)
    return f"login#token={token}\n      the admin page; this run's token is behind the #"


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
    server = Server(uvicorn.Config("example_app.main:app"), sign_in())
    with listener, suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    if not server.started:
        sys.exit(3)  # the reason was logged


if __name__ == "__main__":
    main()
