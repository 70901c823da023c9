"""Torch's threads, put aside for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[int]:
    """Let torch compute on one thread; yield how many it has otherwise.

    Several wait for each other after each operation, for as long as other programs keep one of
    them from running: short operations then take ten times as long.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)
