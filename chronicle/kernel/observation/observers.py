"""The observers of one namespace."""

import asyncio
from collections.abc import Callable, Sequence

from chronicle.errors import NotRunningError
from chronicle.kernel.observation.observer import Observer
from chronicle.kernel.observation.settings import DEFAULT_SETTINGS, ObservationSettings
from chronicle.kernel.observation.state import ObserverState
from chronicle.kernel.sequences import EventSequence
from chronicle.kernel.storage.database import Database


class Observers:
    """Makes and keeps the observers of one namespace. Where one stood is read when it is first asked for."""

    def __init__(
        self,
        database: Database,
        *,
        namespace_id: int,
        event_sequence: Callable[[str], EventSequence],
        settings: ObservationSettings = DEFAULT_SETTINGS,
    ) -> None:
        self._database = database
        self._namespace_id = namespace_id
        self._event_sequence = event_sequence
        self._settings = settings
        self._observers: dict[str, Observer] = {}
        self._loading = asyncio.Lock()
        self._is_closed = False

    async def get(self, observer_id: str, settings: ObservationSettings | None = None) -> Observer:
        """The observer with this id; one that never ran stands at 0.

        `settings` are its own, for one that is not known yet. Raises `NotRunningError` once closed.
        """
        observer = self._observers.get(observer_id)
        if observer is not None:
            return observer
        async with self._loading:
            if self._is_closed:
                raise NotRunningError("The embedded kernel is closed. Open a new client to go on.")
            if observer_id not in self._observers:
                settings = settings or self._settings
                state = ObserverState(
                    observer_id, self._database, namespace_id=self._namespace_id, settings=settings
                )
                await state.load()
                self._observers[observer_id] = Observer(state, self._event_sequence, settings)
        return self._observers[observer_id]

    def all(self) -> Sequence[Observer]:
        """The observers that were asked for since the kernel has started."""
        return list(self._observers.values())

    async def close(self) -> None:
        """Stops all observers, each within its time, and stores where they are."""
        async with self._loading:
            self._is_closed = True
        await asyncio.gather(*(observer.close() for observer in self._observers.values()))
