"""In which order conversations were last talked in. Standard library only.

A list of identities that only grows: the last one was talked in last, whatever the clocks and the
times of the files say. Losing it loses nothing else.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from xverse_chat.chat.disk import Disk, read_all, write_all

NAME = "order"
# Room for 40,000 changes from one conversation to another; what is older no longer counts.
_MOST_BYTES = 2**20
_END_BYTES = 256


class Order:
    """The file ``order`` beside the conversations."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._path = folder / NAME
        self._disk = disk

    def identities(self) -> list[str]:
        """Return every identity once, the one talked in last first. Empty where it is lost."""
        with suppress(OSError):
            descriptor = self._disk.open(self._path, to_write=False)
            try:
                lines = self._read(descriptor, _MOST_BYTES).decode("ascii", "replace").split("\n")
            finally:
                self._disk.close(descriptor)
            return list(dict.fromkeys(line for line in reversed(lines) if line))
        return []

    def put_first(self, identity: str) -> None:
        """Note that this conversation was talked in.

        A disk that refuses, or another program that does so now, is asked again the next time.
        """
        with suppress(OSError):
            try:
                descriptor = self._disk.create(self._path)
            except FileExistsError:
                descriptor = self._disk.open(self._path, to_write=True)
            try:
                if self._disk.lock(descriptor):
                    self._append(descriptor, identity.encode("ascii"))
            finally:
                self._disk.close(descriptor)

    def sorted(self, identities: Iterable[str]) -> list[str]:
        """Return these identities: those talked in last, then the ones never noted, by age."""
        there = set(identities)
        known = [identity for identity in self.identities() if identity in there]
        return known + sorted(there - set(known), reverse=True)

    def _append(self, descriptor: int, line: bytes) -> None:
        end = self._read(descriptor, _END_BYTES)
        if end.endswith(b"\n") and end[:-1].rpartition(b"\n")[2] == line:
            return
        torn = b"\n" if end and not end.endswith(b"\n") else b""
        size = self._disk.status(descriptor).st_size
        write_all(self._disk, descriptor, torn + line + b"\n", size)
        self._disk.sync(descriptor)

    def _read(self, descriptor: int, size_bytes: int) -> bytes:
        """Return the end of the file."""
        start = max(0, self._disk.status(descriptor).st_size - size_bytes)
        return read_all(self._disk, descriptor, most_bytes=size_bytes, offset=start)
