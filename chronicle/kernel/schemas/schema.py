"""The schema of an event type's generation, compiled once."""

from functools import cached_property
from typing import Final

from chronicle.kernel.schemas.documents import SchemaDocument
from chronicle.kernel.schemas.errors import InvalidSchema
from chronicle.kernel.schemas.plain import PlainContent
from chronicle.kernel.schemas.shaping import Shaper
from chronicle.kernel.schemas.validation import Validator


class Schema:
    """Checks and shapes content; contents are values as `content_of` reads them."""

    def __init__(self, document: SchemaDocument) -> None:
        self.document: Final = document
        # The methods themselves rather than others that call them: they run for every event.
        self.validate: Final = Validator(document).validate
        """`validate(content) -> list[SchemaViolation]`: everything that is wrong with a content."""
        self.shape: Final = Shaper(document).shape
        """`shape(content) -> dict`: a new content, as it is stored; raises `ShapingError`."""

    @cached_property
    def plain(self) -> PlainContent | None:
        """The short way for content of simple members; `None` where the schema has others."""
        return PlainContent.of(self.document)

    @classmethod
    def of(cls, text: str) -> "Schema":
        """Compiles the text of a JSON schema; an empty one takes everything. Raises `InvalidSchema`."""
        document = SchemaDocument(text)
        try:
            return cls(document)
        except RecursionError as error:
            raise InvalidSchema("The schema is nested too deep.") from error
