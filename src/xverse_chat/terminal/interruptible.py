"""Reading lines that Ctrl-C always ends. Standard library only."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

INTERVAL_S = 0.1


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside, Ctrl-C raises KeyboardInterrupt, out of ``input`` too; to be used in the main thread.

    ``input`` looks for signals only when one ends its wait for a key. One that came just before,
    as the line was still being drawn, would count with the next key alone: a second signal, that
    does nothing, ends the wait at intervals.
    """
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    handler_of_intervals = signal.signal(signal.SIGALRM, lambda number, frame: None)
    signal.setitimer(signal.ITIMER_REAL, INTERVAL_S, INTERVAL_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler_of_intervals)
        signal.signal(signal.SIGINT, handler)
