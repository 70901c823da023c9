"""One turn in a thread of its own, so that a slow model never holds the prompt. Standard library.

The thread always hands over how it ended, and whoever reads never waits without a limit.
"""

import queue
import threading
from collections.abc import Callable, Generator
from contextlib import closing

from xverse_chat.chat.backend import Finish
from xverse_chat.chat.failure import as_failure
from xverse_chat.errors import XverseChatError

Turn = Callable[[threading.Event], Generator[str | Finish, None, None]]


class Answering:
    """A turn that is being answered: started on creation, read by ``poll``, ended by ``stop``."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._stop = threading.Event()
        self._abandoned = threading.Event()
        self._events: queue.SimpleQueue[str | Finish | XverseChatError] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="answer", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Tell whether the thread has ended and everything it said was polled."""
        return not self._thread.is_alive() and self._events.empty()

    @property
    def is_stopping(self) -> bool:
        """Tell whether it was asked to end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the model to end. Returns at once; may be called from a signal handler."""
        self._stop.set()

    def abandon(self) -> None:
        """Stop, and read no more of the answer than has come."""
        self._stop.set()
        self._abandoned.set()

    def poll(self, timeout_s: float) -> str | Finish | None:
        """Return the next piece or the Finish, or None if none comes within ``timeout_s``.

        Raises the XverseChatError that the turn ended with.
        """
        try:
            event = self._events.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(event, XverseChatError):
            raise event
        return event

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; tell whether it has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with closing(self._turn(self._stop)) as events:
                for event in events:
                    self._events.put(event)
                    if self._abandoned.is_set():
                        break
        except BaseException as error:  # handed over: a dead thread must never look like a slow one
            self._events.put(as_failure(error))
