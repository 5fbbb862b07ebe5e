"""How observers are driven: sizes, retries, and what the real kernel calls its `Observers` options."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ObservationSettings:
    """The values of observation.md 2.7, and sizes of our own; durations are in seconds."""

    page_size: int = 4000
    """Most events that are taken from the sequence at once; while catching up, also those that are delivered
    side by side: the more there are, the more of one partition come in one batch."""
    behind_from: int = 1000
    """Events before a live observer with which it counts as behind, and catches up."""
    batch_size: int = 100
    """Most events of one partition in a batch while catching up or recovering."""
    concurrent_recoveries: int = 32
    """Failed partitions that are tried again side by side."""
    max_retry_attempts: int = 10
    """Failures of a partition after which it is not tried again by itself; 0 is no limit."""
    backoff_delay: float = 1.0
    backoff_factor: float = 2.0
    maximum_backoff_delay: float = 600.0
    guard_on_watermark: bool = True
    """Whether events that a read model instance already contains are kept from its reducer."""
    stop_timeout: float = 5.0
    """How long a stopping observer may take to save where it is."""

    def retry_delay(self, attempts: int) -> float:
        """Seconds until a partition that failed this many times is tried again (observation.md 6.3)."""
        # The power is bounded before it is taken: attempts without limit would leave the floats.
        delay = self.backoff_delay * self.backoff_factor ** min(attempts, 64)
        return min(delay, self.maximum_backoff_delay) or self.backoff_delay

    def may_retry(self, attempts: int) -> bool:
        """Whether a partition that failed this many times is tried again by itself."""
        return self.max_retry_attempts == 0 or attempts <= self.max_retry_attempts


DEFAULT_SETTINGS: Final = ObservationSettings()
