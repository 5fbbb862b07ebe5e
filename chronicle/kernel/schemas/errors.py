"""What does not fit: schemas, contents, and values of contents."""

from chronicle.errors import ChronicleError


class InvalidSchema(ChronicleError, ValueError):
    """A schema that is not the text of a JSON object, or one that is nested too deep."""


class InvalidContent(ChronicleError, ValueError):
    """A content that is not the text of a JSON object, or that no kernel can hold."""


class ShapingError(ChronicleError, ValueError):
    """A value that its place's format cannot be read from (events.md 16); reported in `Errors`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"Property '{path}' {reason}" if path else f"The content {reason}")
        self.path = path
        self.reason = reason
