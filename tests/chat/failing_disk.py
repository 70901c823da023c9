"""A real disk of which one call fails, or every call from one on."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xverse_chat.chat.disk import Disk

CALLS = [name for name in vars(Disk) if not name.startswith("_")]


class FailingDisk(Disk):
    """Counts the calls. ``fails`` is given each one's number and tells whether it fails.

    A failing ``write`` takes half of what it is given first, as a disk that gets full does; a
    descriptor is gone whatever ``close`` says; with EIO a file has its new name when ``rename``
    fails, as where its folder cannot be brought onto the disk.
    """

    def __init__(self, fails: Callable[[int], bool], number: int = errno.ENOSPC) -> None:
        self.fails = fails
        self.number = number
        self.calls = 0

    def _sync_folder(self, path: Path) -> None:
        pass


def _counting(name: str) -> Callable[..., Any]:
    method = getattr(Disk, name)

    def call(self: FailingDisk, *arguments: Any, **options: Any) -> Any:
        self.calls += 1
        if not self.fails(self.calls):
            # To wait for a disk takes time, and no test could see it.
            return None if name == "sync" else method(self, *arguments, **options)
        if name == "write":
            descriptor, content, offset = arguments
            method(self, descriptor, content[: len(content) // 2], offset)
        if name == "close" or (name == "rename" and self.number == errno.EIO):
            method(self, *arguments)
        raise OSError(self.number, os.strerror(self.number))

    return call


for _name in CALLS:
    setattr(FailingDisk, _name, _counting(_name))
