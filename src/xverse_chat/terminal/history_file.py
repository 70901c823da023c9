"""What was typed in earlier runs: a private file that never grows large. Standard library only.

Each line is a JSON string, so that a message of several lines stays one. Several programs may
write it at once. It is a convenience: where the disk refuses, nothing is remembered, and nobody
is kept from talking.
"""

import fcntl
import json
import os
import stat
from contextlib import suppress
from pathlib import Path

from xverse_chat.chat.clean import clean_text

MAX_FILE_BYTES = 2**20
# A larger message is remembered by the conversation, and by the line editor until it leaves.
MAX_ENTRY_BYTES = 2**16
# Of the file, what is kept when it has become too large.
KEPT_SHARE = 0.5
_OPTIONS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # nothing but a plain file, at once


class HistoryFile:
    """A file of messages; it and its folder are made when the first one is added."""

    def __init__(self, path: Path, *, most_bytes: int = MAX_FILE_BYTES) -> None:
        self._path = path
        self._most_bytes = most_bytes

    def read(self) -> list[str]:
        """Return the messages, oldest first; none where the file cannot be read.

        Lines that are damaged are left out.
        """
        with suppress(OSError):
            descriptor = _open(self._path, os.O_RDONLY)
            try:
                return _parse(_read_end(descriptor, self._most_bytes))
            finally:
                os.close(descriptor)
        return []

    def add(self, text: str) -> None:
        """Remember a message, unless it is very large or the disk refuses."""
        line = (json.dumps(clean_text(text), ensure_ascii=False) + "\n").encode()
        if len(line) > min(MAX_ENTRY_BYTES, self._most_bytes):
            return
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = self._open_locked()
            try:
                if os.fstat(descriptor).st_size + len(line) > self._most_bytes:
                    self._shorten(descriptor, line)
                else:
                    _write(descriptor, line)
            finally:
                os.close(descriptor)

    def _open_locked(self) -> int:
        """Open the file that has the name now, with its lock: another program may replace it."""
        while True:
            descriptor = _open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if os.path.samestat(os.fstat(descriptor), os.stat(self._path)):
                    return descriptor
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _shorten(self, descriptor: int, line: bytes) -> None:
        """Put a file with the newest messages in its place, there whole or not at all."""
        room = int(self._most_bytes * KEPT_SHARE) - len(line)
        kept = _read_end(descriptor, room) if room > 0 else b""
        new = self._path.with_name(f".{self._path.name}.new")
        with suppress(FileNotFoundError):  # of a program that was killed here
            os.unlink(new)
        written = _open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            _write(written, kept + line)
            os.rename(new, self._path)
        finally:
            os.close(written)


def _open(path: Path, flags: int) -> int:
    """Open a plain file that nobody but the user can read."""
    descriptor = os.open(path, flags | _OPTIONS, 0o600)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no plain file")
    if status.st_mode & 0o077:
        with suppress(OSError):
            os.fchmod(descriptor, 0o600)
    return descriptor


def _read_end(descriptor: int, most_bytes: int) -> bytes:
    """Return the whole lines at the end of a file."""
    start = max(0, os.fstat(descriptor).st_size - most_bytes)
    # One byte more tells whether a line begins just there.
    content = os.pread(descriptor, most_bytes + 1, max(0, start - 1))
    return content.partition(b"\n")[2] if start else content


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _parse(content: bytes) -> list[str]:
    messages = []
    for line in content.split(b"\n"):
        with suppress(ValueError, RecursionError):
            message = json.loads(line)
            if isinstance(message, str) and message:
                messages.append(clean_text(message))
    return messages
