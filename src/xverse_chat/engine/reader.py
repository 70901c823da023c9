"""Tensors of safetensors files, on their way to a device.

To a GPU: threads read into page-locked buffers, a stream of its own copies them over, and the
caller's work goes on beside both. To a CPU: mapped, not read at all.
"""

import mmap
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from xverse_chat.checkpoint.json_file import REPAIR_HINT
from xverse_chat.checkpoint.safetensors_file import StoredTensor
from xverse_chat.engine.chunks import CHUNK_BYTES, Chunk, ChunkReader
from xverse_chat.errors import DataError, DiskError
from xverse_chat.wording import say

# What may lie on the GPU as read while the work on it is not done: about a layer of 7B.
_AHEAD_BYTES = 384 * 2**20


@dataclass(frozen=True, slots=True)
class Place:
    """A tensor and the file that holds it."""

    path: Path
    tensor: StoredTensor


def read_tensors(places: Sequence[Place], device: torch.device) -> Generator[Tensor]:
    """Yield the tensor of each place, in this order, on ``device``, in the file's dtype.

    On a CPU a tensor is the file itself, mapped, and private: writing to it changes no file.
    Raises DataError for a file that ends too early, DiskError for one that cannot be read.
    """
    return read_mapped(places) if device.type == "cpu" else read_staged(places, device)


def read_mapped(places: Sequence[Place]) -> Generator[Tensor]:
    """Yield tensors that are the files' own bytes, read when they are used."""
    files: dict[Path, Tensor] = {}
    for place in places:
        if place.path not in files:
            files[place.path] = _mapped_file(place.path)
        end = place.tensor.offset + place.tensor.size_bytes
        part = files[place.path][place.tensor.offset : end]
        if len(part) < place.tensor.size_bytes:
            raise DataError(
                say("{path} is damaged: it became shorter.", path=place.path), hint=REPAIR_HINT
            )
        dtype = getattr(torch, place.tensor.dtype)
        if place.tensor.offset % dtype.itemsize:
            part = part.clone()
        yield part.view(dtype).view(place.tensor.shape)


def read_staged(places: Sequence[Place], device: torch.device) -> Generator[Tensor]:
    """Yield tensors that were read into buffers and copied from there to ``device``.

    The host runs ahead of the GPU: what is not worked off there is kept to ``_AHEAD_BYTES``.
    """
    is_cuda = device.type == "cuda"
    copying = torch.cuda.Stream(device) if is_cuda else None  # type: ignore[no-untyped-call]
    behind: deque[tuple[torch.cuda.Event, int]] = deque()
    chunks = [chunk for place in places for chunk in _chunks(place)]
    with ChunkReader(chunks, is_pinned=is_cuda) as reader:
        for place in places:
            # Memory from the stream that fills it: none that an earlier tensor's work still reads.
            with torch.cuda.stream(copying):
                raw = torch.empty(place.tensor.size_bytes, dtype=torch.uint8, device=device)
                _fill(raw, reader, copying)
            if copying is not None:
                computing = torch.cuda.current_stream(device)
                computing.wait_stream(copying)
                raw.record_stream(computing)
            dtype = getattr(torch, place.tensor.dtype)
            yield raw.view(dtype).view(place.tensor.shape)
            del raw
            if copying is not None:
                behind.append((_event(computing), place.tensor.size_bytes))
                while sum(size_bytes for _, size_bytes in behind) > _AHEAD_BYTES:
                    behind.popleft()[0].synchronize()


def _fill(raw: Tensor, reader: ChunkReader, copying: torch.cuda.Stream | None) -> None:
    for part in torch.split(raw, CHUNK_BYTES):
        buffer = reader.take()
        part.copy_(buffer[: len(part)], non_blocking=True)
        reader.give_back(buffer, None if copying is None else _event(copying))


def _event(stream: torch.cuda.Stream) -> torch.cuda.Event:
    """Return what happens when all that ``stream`` was given is done; waiting for it sleeps."""
    event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    event.record(stream)
    return event


def _chunks(place: Place) -> Iterator[Chunk]:
    end = place.tensor.offset + place.tensor.size_bytes
    for offset in range(place.tensor.offset, end, CHUNK_BYTES):
        yield Chunk(place.path, offset, min(CHUNK_BYTES, end - offset))


def _mapped_file(path: Path) -> Tensor:
    try:
        with path.open("rb") as file:
            # Private and writable, because torch has no tensors that cannot be written.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except (OSError, ValueError) as error:
        raise DiskError(say("{path} cannot be read: {reason}.", path=path, reason=error)) from error
    return torch.frombuffer(mapped, dtype=torch.uint8)
