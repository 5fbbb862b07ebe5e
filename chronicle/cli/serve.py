"""`chronicle serve`: the embedded kernel on a port."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from chronicle.errors import ChronicleError
from chronicle.kernel import serve as serve_kernel


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes one that is free.")] = 35000,
    memory: Annotated[bool, typer.Option("--memory", help="Keep everything in memory.")] = False,
    file: Annotated[Path | None, typer.Option(help="The database file; it is made if need be.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Serve without TLS and authentication, on loopback only.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not print where the kernel is.")] = False,
) -> None:
    """Serve the embedded kernel over gRPC until it is interrupted."""
    if memory == (file is not None):
        _refuse("Say where events are kept: either --file FILE or --memory.")
    if not insecure:
        _refuse(
            "TLS and authentication are not built yet. With --insecure the kernel is served without them, "
            "to this machine only."
        )
    try:
        asyncio.run(_serve(file, port, quiet))
    except ChronicleError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error


def _refuse(message: str) -> None:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(2)


async def _serve(file: Path | None, port: int, quiet: bool) -> None:
    interrupted = _interruption()
    async with serve_kernel(file, port=port) as kernel:
        if not quiet:
            typer.echo(str(kernel))
        await interrupted.wait()


def _interruption() -> asyncio.Event:
    """Set by the first SIGINT or SIGTERM; a second one ends the process at once."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        interrupted.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        # Not `loop.add_signal_handler`: Windows has none.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(interrupt))
    return interrupted
