"""What a safetensors file says it holds, believed only where it can be. Standard library only.

The format: the length of a header in 8 bytes, little-endian; the header, JSON, naming dtype, shape
and byte range of each tensor; then the tensors without gaps.
"""

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xverse_chat.checkpoint.json_file import REPAIR_HINT
from xverse_chat.errors import DataError, DiskError
from xverse_chat.wording import say, system_reason

_MAX_HEADER_BYTES = 64 * 2**20
_MAX_DIMENSIONS = 8
# Name in the file: name in torch, bytes of one value. Others are in no folder that is read here.
_DTYPES = {
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "F32": ("float32", 4),
    "I32": ("int32", 4),
    "I64": ("int64", 8),
}
# What a header that is none leads to, wherever it is wrong.
_FAULTS = (ValueError, TypeError, LookupError, AttributeError, RecursionError, struct.error)


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor in a file. ``dtype`` is torch's name; ``offset`` counts from the file's start."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    size_bytes: int


def read_header(path: Path) -> tuple[StoredTensor, ...]:
    """Return the tensors of a safetensors file in the order of their bytes.

    Raises DataError when the header does not describe exactly the bytes of the file: when it is
    truncated, ranges overlap or leave the file, or a shape does not fit its range. DiskError when
    the file cannot be read.
    """
    try:
        file_bytes = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(_MAX_HEADER_BYTES, file_bytes - 8):
                raise ValueError(f"a header of {length} bytes")
            header = json.loads(file.read(length), object_pairs_hook=_object_without_twins)
        return _tensors(header, first=8 + length, end=file_bytes)
    except FileNotFoundError as error:
        raise DataError(say("{path} is missing.", path=path), hint=REPAIR_HINT) from error
    except OSError as error:
        raise DiskError(
            say("{path} cannot be read: {reason}.", path=path, reason=system_reason(error))
        ) from error
    except _FAULTS as error:
        raise DataError(
            say("{path} is damaged: it is no safetensors file.", path=path), hint=REPAIR_HINT
        ) from error


def _tensors(header: dict[str, Any], *, first: int, end: int) -> tuple[StoredTensor, ...]:
    header.pop("__metadata__", None)
    tensors = [_tensor(name, entry, first) for name, entry in header.items()]
    tensors.sort(key=lambda tensor: tensor.offset)
    position = first
    for tensor in tensors:
        if tensor.offset != position:
            raise ValueError(f"{tensor.name} does not begin where the one before ends")
        position += tensor.size_bytes
    if position != end:
        raise ValueError(f"{end - position} bytes more than the header tells of")
    return tuple(tensors)


def _tensor(name: str, entry: dict[str, Any], first: int) -> StoredTensor:
    dtype, width = _DTYPES[entry["dtype"]]
    shape = tuple(_natural(size) for size in entry["shape"])
    start, end = (_natural(offset) for offset in entry["data_offsets"])
    size_bytes = end - start
    if len(shape) > _MAX_DIMENSIONS or size_bytes <= 0 or math.prod(shape) * width != size_bytes:
        raise ValueError(f"{name} of shape {shape} cannot have {size_bytes} bytes")
    return StoredTensor(name, dtype, shape, first + start, size_bytes)


def _natural(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**50:
        raise ValueError(f"{value!r} is no size")
    return value


def _object_without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
