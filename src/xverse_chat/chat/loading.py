"""Loading a model in the background, so that the prompt is there at once. Standard library only."""

import threading
from collections.abc import Callable

from xverse_chat.chat.backend import Backend
from xverse_chat.chat.failure import as_failure
from xverse_chat.errors import XverseChatError
from xverse_chat.progress import Progress


class Loading:
    """A model on its way. The thread is a daemon: whoever leaves early does not wait for it."""

    def __init__(self, load: Callable[[Progress], Backend], progress: Progress) -> None:
        self._load = load
        self._progress = progress
        self._over = threading.Event()
        self._backend: Backend | None = None
        self._failure: XverseChatError | None = None
        self._thread = threading.Thread(target=self._run, name="load model", daemon=True)

    def start(self) -> None:
        """Begin to load. Returns at once."""
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Tell whether loading has ended, well or not."""
        return self._over.is_set()

    @property
    def backend(self) -> Backend | None:
        """The model, once it is there."""
        return self._backend

    @property
    def failure(self) -> XverseChatError | None:
        """What went wrong, once it has."""
        return self._failure

    def wait(self, timeout_s: float) -> Backend | None:
        """Return the backend, or None if it is not there within ``timeout_s``.

        Raises the XverseChatError that loading ended with.
        """
        self._over.wait(timeout_s)
        if self._failure is not None:
            raise self._failure
        return self._backend

    def _run(self) -> None:
        try:
            self._backend = self._load(self._progress)
        except BaseException as error:  # handed over: a dead thread must never look like a slow one
            self._failure = as_failure(error)
        finally:
            self._over.set()
