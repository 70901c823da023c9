"""The calls to the operating system that saving makes. Standard library only.

They stand in one place so that a test can hand in a disk that is full, broken or slow.
"""

import errno
import fcntl
import os
import stat
from pathlib import Path

_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
_OPTIONS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # nothing but a plain file, at once


class Disk:
    """The disk of this machine. Every method raises OSError."""

    def make_folder(self, path: Path) -> None:
        """Create a folder that only the user can read, or make it one."""
        os.makedirs(path, mode=0o700, exist_ok=True)
        if stat.S_IMODE(os.stat(path).st_mode) & 0o077:
            os.chmod(path, 0o700)

    def create(self, path: Path) -> int:
        """Create a file that only the user can read; fail where there is one."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _OPTIONS, 0o600)

    def open(self, path: Path, *, to_write: bool) -> int:
        """Open a file, no link and no device."""
        descriptor = os.open(path, (os.O_RDWR if to_write else os.O_RDONLY) | _OPTIONS)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        return descriptor

    def lock(self, descriptor: int) -> bool:
        """Take the file's lock, which ends with the process; False where another has it.

        A file system without locks gives it to everybody.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS_HERE:
                raise
        return True

    def status(self, descriptor: int) -> os.stat_result:
        """Return the size of an open file, and how many names it has."""
        return os.fstat(descriptor)

    def read(self, descriptor: int, size_bytes: int, offset: int) -> bytes:
        """Read at an offset; empty at the end."""
        return os.pread(descriptor, size_bytes, offset)

    def write(self, descriptor: int, content: bytes, offset: int) -> int:
        """Write at an offset; return how many bytes were taken."""
        return os.pwrite(descriptor, content, offset)

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        """Cut a file off."""
        os.ftruncate(descriptor, size_bytes)

    def sync(self, descriptor: int) -> None:
        """See what was written onto the disk itself."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a file and give its lock back."""
        os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, and see that onto the disk."""
        os.rename(source, target)
        self._sync_folder(target.parent)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        os.unlink(path)

    def names(self, folder: Path) -> list[str]:
        """Return the names in a folder."""
        return os.listdir(folder)

    def _sync_folder(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_all(disk: Disk, descriptor: int, content: bytes, offset: int) -> None:
    """Write all of ``content`` at an offset, however many calls that takes."""
    done = 0
    while done < len(content):
        done += disk.write(descriptor, content[done:], offset + done)


def read_all(disk: Disk, descriptor: int, *, most_bytes: int, offset: int = 0) -> bytes:
    """Read an open file from an offset to its end, but not more than ``most_bytes``."""
    parts, done = [], 0
    while part := disk.read(descriptor, min(most_bytes - done, 2**20), offset + done):
        parts.append(part)
        done += len(part)
    return b"".join(parts)
