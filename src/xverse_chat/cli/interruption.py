"""Ctrl-C in long work that a library does: its threads get a moment to end, and no more."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from xverse_chat.errors import INTERRUPTED_EXIT_CODE

PATIENCE_S = 1.0


@contextmanager
def leaving_soon(leave: Callable[[], None], *, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Inside, Ctrl-C raises KeyboardInterrupt; ``patience_s`` later the process ends in any case.

    A thread may wait for a server's answer, and the library, or Python at its end, for the thread.
    ``leave`` is called before the process ends that way. To be used in the main thread, around
    work that may be killed at any moment: files are written whole, or in parts that are resumed.
    """

    def end() -> None:
        leave()
        os._exit(INTERRUPTED_EXIT_CODE)

    def interrupt(number: int, frame: FrameType | None) -> None:
        timer = threading.Timer(patience_s, end)
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
