"""One process at a time works on a model folder; the others wait, and say so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xverse_chat.hub.writing import make_folder, write_error
from xverse_chat.progress import Progress
from xverse_chat.wording import say

_POLL_S = 0.2


@contextmanager
def folder_lock(target: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock of ``target``, which need not exist. It ends with the process, however."""
    from filelock import FileLock, Timeout

    make_folder(target.parent)
    path = target.parent / f".{target.name}.lock"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress.note(
            say(
                "Another process is downloading or converting {name}; waiting until it is done.",
                name=target.name,
            )
        )
        lock.acquire(poll_interval=_POLL_S)
    except NotImplementedError:
        # Some network file systems have no locks. Hashes still catch what two writers mix up.
        progress.note(say("This file system has no locks: do not start a second download here."))
        yield
        return
    except OSError as error:
        raise write_error(path, error) from error
    try:
        yield
    finally:
        lock.release()
