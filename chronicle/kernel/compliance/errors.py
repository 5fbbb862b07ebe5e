"""What the kernel refuses of personal data, by the names that the real kernel gives it."""

from collections.abc import Sequence

from chronicle.errors import ChronicleError


class ComplianceFailed(ChronicleError):
    """Content cannot be stored as its schema demands of personal data."""


class CompliancePropertyNotFoundInSchema(ComplianceFailed):
    """Content with personal data has a property that its schema does not declare, in this casing."""

    def __init__(self, path: str, identifier: str) -> None:
        super().__init__(
            f"Could not apply compliance metadata for property '{path}' of '{identifier}'. The schema does "
            "not declare the property, so it is not known whether it is personal. Declare it, in the same "
            "casing, or mark what it is part of as personal as a whole."
        )
        self.path = path
        self.identifier = identifier


class PersonalDataErased(ComplianceFailed):
    """A personal value for a subject whose key was deleted."""

    def __init__(self, path: str, identifier: str) -> None:
        super().__init__(
            f"Failed to apply compliance metadata for property '{path}' of '{identifier}'. The encryption "
            "key of the subject was deleted: call Compliance/AllowNewEncryptionKey before it may have "
            "personal data again."
        )
        self.identifier = identifier


class EncryptionKeyErased(ChronicleError):
    """A key cannot be stored: it, or its revision, was deleted, or no new one is allowed."""

    def __init__(self, identifier: str, reason: str) -> None:
        super().__init__(f"The encryption key of '{identifier}' was erased: {reason}")
        self.identifier = identifier


class EncryptionKeyErasureIncomplete(ChronicleError):
    """The key could not be deleted everywhere."""

    def __init__(self, identifier: str, namespace: str, event_stores: Sequence[str]) -> None:
        super().__init__(
            f"The encryption key of '{identifier}' could not be deleted from namespace '{namespace}' of "
            f"{', '.join(event_stores)}: it is still there. Try again."
        )


class EncryptionKeyLifecycleIncomplete(ChronicleError):
    """A new key could not be allowed everywhere."""

    def __init__(self, identifier: str, namespace: str, event_stores: Sequence[str]) -> None:
        super().__init__(
            f"A new encryption key of '{identifier}' could not be allowed in namespace '{namespace}' of "
            f"{', '.join(event_stores)}: nothing has changed. Try again."
        )
