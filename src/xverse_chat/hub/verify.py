"""Hashing many files at once. Standard library only."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from xverse_chat.checkpoint.record import FileRecord, sha256_of
from xverse_chat.errors import DiskError
from xverse_chat.hub.listing import ListedFile
from xverse_chat.progress import Progress, Stage
from xverse_chat.wording import say, system_reason

_MOST_THREADS = 4  # beyond that the disk is the limit


def hash_files(
    folder: Path, files: Sequence[ListedFile], progress: Progress
) -> tuple[dict[str, FileRecord], list[str]]:
    """Return the records of those files that are as listed, and the paths of the others.

    A file that is not there is among the others. One listed without a sha256 has only its size
    compared; its record has its hash all the same.
    """
    if not files:
        return {}, []
    progress.begin(Stage.VERIFY, sum(file.size_bytes for file in files))
    stop = threading.Event()

    def record_of(file: ListedFile) -> FileRecord | None:
        progress.start(file.path, file.size_bytes)
        try:
            return _record_if_as_listed(folder, file, stop, progress)
        finally:
            progress.finish(file.path)

    good: dict[str, FileRecord] = {}
    bad: list[str] = []
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        work = {pool.submit(record_of, file): file for file in files}
        try:
            for done in as_completed(work):
                record, path = done.result(), work[done].path
                if record is None:
                    bad.append(path)
                else:
                    good[path] = record
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return good, sorted(bad)


class _StoppedError(Exception):
    """Another file failed or the user interrupted: the rest need not be hashed."""


def _record_if_as_listed(
    folder: Path, file: ListedFile, stop: threading.Event, progress: Progress
) -> FileRecord | None:
    def advance(size_bytes: int) -> None:
        if stop.is_set():
            raise _StoppedError
        progress.advance(file.path, size_bytes)

    path = folder / file.path
    try:
        if path.stat().st_size != file.size_bytes:
            return None
        sha256 = sha256_of(path, advance)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DiskError(
            say("{path} cannot be read: {reason}.", path=path, reason=system_reason(error))
        ) from error
    if file.sha256 not in (None, sha256):
        return None
    return FileRecord.of(folder, file.path, sha256)
