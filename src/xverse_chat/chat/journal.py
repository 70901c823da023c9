"""Writing a conversation into its file as it happens. Standard library only.

Each event is on the disk before ``save`` returns. Nothing here ever raises: where saving fails,
the conversation goes on, ``failure`` says why, and the next ``save`` tries all of it again.
"""

import errno
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from xverse_chat.chat.disk import Disk, write_all
from xverse_chat.chat.events import Event, Said
from xverse_chat.chat.leftovers import new_path, sweep
from xverse_chat.chat.log import MAX_LOG_BYTES, Header, Log, event_line, header_line

# Longer than one event takes to be written to a disk that is alive.
_PATIENCE_S = 5.0

LOG_SUFFIX = ".jsonl"


class Journal:
    """The file of one conversation, held under its lock from its first event to ``close``."""

    def __init__(
        self,
        folder: Path,
        disk: Disk,
        make_header: Callable[[], Header],
        written: Callable[[str], None],
    ) -> None:
        """Write a file of its own, as soon as something is said.

        ``make_header`` makes another identity each time; ``written`` is told after each event of
        which conversation it was.
        """
        self._folder = folder
        self._disk = disk
        self._make_header = make_header
        self._tell_written = written
        self._header: Header | None = None
        self._descriptor: int | None = None
        self._written = 0
        self._size = 0
        self._is_dirty = False  # there may be more in the file than _size, and it is ours
        self._lock = threading.Lock()
        self.failure: OSError | None = None

    def resume(self, descriptor: int, log: Log) -> None:
        """Go on with a file that is open and locked."""
        self._descriptor = descriptor
        self._header = log.header
        self._written, self._size = log.written, log.size_bytes
        self._is_dirty = log.is_torn or len(log.events) > log.written

    @property
    def header(self) -> Header | None:
        """What its first line says; None until something was written."""
        return self._header

    @property
    def identity(self) -> str | None:
        """Which conversation it is; None until something was written."""
        return self._header.identity if self._header is not None else None

    @property
    def path(self) -> Path:
        """The file, or the folder that it will be in."""
        return log_path(self._folder, self.identity) if self.identity else self._folder

    def save(self, events: Sequence[Event]) -> None:
        """Write what of ``events`` is not written yet. From any thread, also a signal handler's."""
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return  # a signal came in the middle of saving; the events wait for the next time
        try:
            with suppress(InterruptedError):
                self._save(events)
            self._save(events)  # what an interrupted call left; nothing where it left nothing
            self.failure = None
        except OSError as error:
            self.failure = error
        finally:
            self._lock.release()

    def close(self) -> None:
        """Let others have the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                self._disk.close(descriptor)

    def _save(self, events: Sequence[Event]) -> None:
        if self._descriptor is not None and self._written == len(events):
            return
        if self._descriptor is not None and self._is_lost(self._descriptor):
            self.close()
            self._written = 0
        if self._descriptor is None:
            if not any(isinstance(event, Said) for event in events):
                return
            self._create(list(events))
        else:
            for event in list(events[self._written :]):
                self._append(self._descriptor, event)
        if self._header is not None:
            self._tell_written(self._header.identity)

    def _is_lost(self, descriptor: int) -> bool:
        """Tell whether the file was deleted, or changed by a program that minds no lock."""
        status = self._disk.status(descriptor)
        return status.st_nlink == 0 or (status.st_size != self._size and not self._is_dirty)

    def _create(self, events: Sequence[Event]) -> None:
        """Write a new file, there whole or not at all."""
        header = self._make_header()
        lines = [event_line(event, number) for number, event in enumerate(events, start=1)]
        content = header_line(header) + b"".join(lines)
        _check_size(len(content))
        self._disk.make_folder(self._folder)
        new = new_path(self._folder, header.identity)
        descriptor = self._disk.create(new)
        try:
            self._disk.lock(descriptor)
            write_all(self._disk, descriptor, content, 0)
            self._disk.sync(descriptor)
            self._disk.rename(new, log_path(self._folder, header.identity))
        except OSError:
            for path in (new, log_path(self._folder, header.identity)):
                with suppress(OSError):
                    self._disk.remove(path)
            with suppress(OSError):
                self._disk.close(descriptor)
            raise
        self._header, self._descriptor = header, descriptor
        self._written, self._size, self._is_dirty = len(events), len(content), False
        sweep(self._folder, self._disk)

    def _append(self, descriptor: int, event: Event) -> None:
        line = event_line(event, self._written + 1)
        _check_size(self._size + len(line))
        if self._is_dirty:
            self._disk.truncate(descriptor, self._size)
        self._is_dirty = True
        write_all(self._disk, descriptor, line, self._size)
        self._disk.sync(descriptor)
        self._is_dirty = False
        self._size += len(line)
        self._written += 1


def log_path(folder: Path, identity: str) -> Path:
    """Return the file of a conversation."""
    return folder / f"{identity}{LOG_SUFFIX}"


def _check_size(size_bytes: int) -> None:
    """Write nothing that is too large to be read again."""
    if size_bytes > MAX_LOG_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
