"""The `chronicle` command."""

import sys


def main() -> None:
    """Runs the command; without the extra it needs, says how to get it."""
    try:
        import typer  # noqa: F401
    except ImportError:
        sys.exit("The chronicle command needs the extra 'cli': pip install 'chronicle-fastapi[cli]'")
    from chronicle.cli.application import application

    application()()
