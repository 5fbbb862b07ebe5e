"""The command with its subcommands."""

import typer

from chronicle.cli.serve import serve


def application() -> typer.Typer:
    """The application that `chronicle` runs."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    # With a callback `serve` stays a subcommand although it is the only one.
    @app.callback(help="Event sourcing with Cratis Chronicle.")
    def chronicle() -> None: ...

    app.command()(serve)
    return app
