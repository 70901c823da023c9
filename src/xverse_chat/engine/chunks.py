"""Parts of files read by a few threads, in order, a few buffers ahead of whoever takes them."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from xverse_chat.checkpoint.json_file import REPAIR_HINT
from xverse_chat.errors import DataError, DiskError
from xverse_chat.wording import say, system_reason

CHUNK_BYTES = 16 * 2**20
# One thread copies some 5 GB/s out of the page cache, and one request at a time leaves a fast disk
# idle. The buffers are page-locked, which costs time for each: 128 MB are enough to stay ahead.
READERS = 4
BUFFERS = 8


@dataclass(frozen=True, slots=True)
class Chunk:
    """At most ``CHUNK_BYTES`` of a file."""

    path: Path
    offset: int
    size_bytes: int


class ChunkReader:
    """Hands out the contents of ``chunks``, each in a buffer that is to be given back.

    ``with`` starts the threads and ends them, also when it is left early.
    """

    def __init__(self, chunks: Sequence[Chunk], *, is_pinned: bool) -> None:
        self._chunks = chunks
        self._read: list[Future[Tensor]] = [Future() for _ in chunks]
        self._taken = 0
        self._begun = 0
        self._lock = threading.Lock()
        self._free: SimpleQueue[tuple[Tensor, torch.cuda.Event | None] | None] = SimpleQueue()
        buffers = torch.empty(
            min(BUFFERS, len(chunks)), CHUNK_BYTES, dtype=torch.uint8, pin_memory=is_pinned
        )
        for buffer in buffers:
            self._free.put((buffer, None))
        self._threads = [
            threading.Thread(target=self._work, name=f"weights-reader-{number}", daemon=True)
            for number in range(min(READERS, len(chunks)))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with self._lock:
            self._begun = len(self._chunks)
        for _thread in self._threads:
            self._free.put(None)
        for thread in self._threads:
            thread.join()

    def take(self) -> Tensor:
        """Return a buffer, uint8, that begins with the next chunk.

        Raises DataError for a file that ended early, DiskError for one that cannot be read.
        """
        buffer = self._read[self._taken].result()
        self._taken += 1
        return buffer

    def give_back(self, buffer: Tensor, copied: torch.cuda.Event | None) -> None:
        """Let a buffer be filled again, once the event ``copied`` has happened."""
        self._free.put((buffer, copied))

    def _work(self) -> None:
        # A buffer first, then a chunk: so the earliest chunk that is not read always has a buffer.
        while (free := self._free.get()) is not None:
            buffer, copied = free
            if copied is not None:
                copied.synchronize()
            with self._lock:
                number = self._begun
                self._begun += 1
            if number >= len(self._chunks):
                return
            try:
                _fill(buffer, self._chunks[number])
            except BaseException as error:
                self._read[number].set_exception(error)
                return
            self._read[number].set_result(buffer)


def _fill(buffer: Tensor, chunk: Chunk) -> None:
    array: Any = buffer.numpy()
    view = memoryview(array)[: chunk.size_bytes]
    try:
        with chunk.path.open("rb", buffering=0) as file:
            file.seek(chunk.offset)
            while view:
                count = file.readinto(view)
                if not count:
                    raise DataError(
                        say("{path} is damaged: it became shorter.", path=chunk.path),
                        hint=REPAIR_HINT,
                    )
                view = view[count:]
    except OSError as error:
        raise DiskError(
            say("{path} cannot be read: {reason}.", path=chunk.path, reason=system_reason(error))
        ) from error
