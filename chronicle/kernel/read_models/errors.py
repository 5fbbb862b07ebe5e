"""What the kernel refuses of read models, by the names that the caller sees."""

from chronicle.errors import ChronicleError


class ReadModelNotFound(ChronicleError):
    """No read model is registered under the identifier."""

    def __init__(self, identifier: str) -> None:
        super().__init__(
            f"Read model with identifier '{identifier}' not found. Register it before it is used."
        )
        self.identifier = identifier


class InvalidReadModel(ChronicleError):
    """A read model that cannot be registered: it has no identifier, or a schema that is no JSON object."""


class InvalidReadModelState(ChronicleError):
    """A state that is not the text of a JSON object."""


class UnknownSinkType(ChronicleError):
    """A read model asks to be kept where this kernel keeps nothing."""

    def __init__(self, sink_type: str, identifier: str) -> None:
        super().__init__(
            f"Projection sink type of '{sink_type}' is unknown. The read model '{identifier}' asks for it: "
            "leave it out, or use 'MongoDB', 'SQL' or 'InMemory', all of which this kernel keeps itself."
        )
        self.sink_type = sink_type


class NotMaterialized(ChronicleError):
    """A read that needs the events of a model to be folded on demand, which is not built yet."""
