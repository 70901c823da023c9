import threading
from pathlib import Path

import pytest

from xverse_chat.engine import chunks
from xverse_chat.engine.chunks import BUFFERS, CHUNK_BYTES, READERS, Chunk, ChunkReader
from xverse_chat.errors import DataError, DiskError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(bytes(number % 251 for number in range(10_000)))
    return path


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "weights-reader" in thread.name]


def test_chunks_come_in_order_whatever_thread_reads_them(file: Path) -> None:
    parts = [Chunk(file, offset, 100) for offset in range(0, 10_000, 100)]
    content = b""
    with ChunkReader(parts, is_pinned=False) as reader:
        assert len(readers()) == READERS
        for part in parts:
            buffer = reader.take()
            content += bytes(buffer[: part.size_bytes].tolist())
            reader.give_back(buffer, None)
    assert content == file.read_bytes()
    assert readers() == []


def test_no_more_is_read_ahead_than_there_are_buffers(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    are_full = threading.Event()
    fill = chunks._fill

    def count(buffer: object, chunk: Chunk) -> None:
        fill(buffer, chunk)  # type: ignore[arg-type]
        read.append(chunk.offset)
        if len(read) == BUFFERS:
            are_full.set()

    monkeypatch.setattr(chunks, "_fill", count)
    with ChunkReader([Chunk(file, n, 1) for n in range(100)], is_pinned=False) as reader:
        assert are_full.wait(10)
        buffer = reader.take()
        assert sorted(read) == list(range(BUFFERS))
        reader.give_back(buffer, None)
    assert max(read) <= BUFFERS


def test_leaving_early_ends_the_threads(file: Path) -> None:
    with ChunkReader([Chunk(file, n, 1) for n in range(100)], is_pinned=False) as reader:
        reader.take()
    assert readers() == []


def test_a_file_that_became_shorter_is_damaged(file: Path) -> None:
    with (
        ChunkReader([Chunk(file, 9_000, 1001)], is_pinned=False) as reader,
        pytest.raises(DataError, match="became shorter"),
    ):
        reader.take()
    assert readers() == []


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    parts = [Chunk(tmp_path / "gone", 0, 1)] * 20
    with (
        ChunkReader(parts, is_pinned=False) as reader,
        pytest.raises(DiskError, match="gone cannot be read"),
    ):
        reader.take()
    assert readers() == []


def test_nothing_to_read_needs_no_thread() -> None:
    with ChunkReader([], is_pinned=False):
        assert readers() == []


def test_the_buffers_are_a_small_part_of_the_memory() -> None:
    assert BUFFERS * CHUNK_BYTES <= 256 * 2**20
