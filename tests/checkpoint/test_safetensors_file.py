import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from xverse_chat.checkpoint.safetensors_file import StoredTensor, read_header
from xverse_chat.errors import DataError, DiskError


def entry(dtype: str = "F16", shape: object = (2, 2), start: object = 0, end: object = 8) -> Any:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def write(path: Path, header: object, *, data: int = 8, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    told = len(text) if length is None else length
    path.write_bytes(struct.pack("<Q", told) + text + bytes(data))
    return path


def test_what_the_library_writes_is_read(tmp_path: Path) -> None:
    tensors = {
        "a": torch.randn(3, 5, dtype=torch.bfloat16),
        "b": torch.arange(4, dtype=torch.int32),
        "c": torch.randn(7),
    }
    path = tmp_path / "model.safetensors"
    save_file(tensors, path, metadata={"format": "pt"})
    found = {tensor.name: tensor for tensor in read_header(path)}
    content = path.read_bytes()
    for name, tensor in tensors.items():
        stored = found[name]
        assert (stored.shape, stored.dtype) == (tensor.shape, str(tensor.dtype)[6:])
        part = content[stored.offset : stored.offset + stored.size_bytes]
        assert torch.equal(torch.frombuffer(bytearray(part), dtype=tensor.dtype), tensor.view(-1))


def test_tensors_come_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    header = {"late": entry(start=8, end=16), "early": entry()}
    path = write(tmp_path / "x.safetensors", header, data=16)
    first = 8 + len(json.dumps(header))
    assert read_header(path) == (
        StoredTensor("early", "float16", (2, 2), first, 8),
        StoredTensor("late", "float16", (2, 2), first + 8, 8),
    )


HOSTILE = {
    "a range beyond the end": {"a": entry(shape=[2, 4], end=16)},
    "bytes that nobody owns": {"a": entry(shape=[2], end=4)},
    "two tensors in one place": {"a": entry(), "b": entry()},
    "a gap": {"a": entry(shape=[1], end=2), "b": entry(shape=[2], start=4, end=8)},
    "a shape of another size": {"a": entry(shape=[3, 2])},
    "a negative size": {"a": entry(shape=[-2, -2])},
    "a size that is no number": {"a": entry(shape=[True, 4])},
    "a size beyond all memory": {"a": entry(shape=[2**60, 0])},
    "a range that runs backwards": {"a": entry(start=8, end=0)},
    "a tensor of no size": {"a": entry(shape=[0], end=0)},
    "an unknown type": {"a": entry(dtype="U4")},
    "a type that is none": {"a": entry(dtype=["F16"])},  # type: ignore[arg-type]
    "a shape that is none": {"a": entry(shape=4)},
    "an entry that is none": {"a": 5},
    "too many dimensions": {"a": entry(shape=[1] * 9 + [4])},
    "no object": [1, 2],
    "a name that stands twice": b'{"a": {"dtype": "F16", "shape": [4], "data_offsets": [0, 8]}, '
    b'"a": {"dtype": "F16", "shape": [4], "data_offsets": [0, 8]}}',
    "no JSON": b"\xff\xfe",
    "nesting without end": b"[" * 100_000,
}


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE)
def test_a_header_that_cannot_be_is_refused(header: object, tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", header)
    with pytest.raises(DataError, match=r"x\.safetensors is damaged"):
        read_header(path)


@pytest.mark.parametrize("length", [2**63, 2**27, 1000])
def test_a_header_longer_than_the_file_is_not_read(length: int, tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", {"a": entry()}, length=length)
    with pytest.raises(DataError, match="damaged"):
        read_header(path)


@pytest.mark.parametrize("size_bytes", [0, 5, 60])
def test_a_truncated_file_is_refused(size_bytes: int, tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", {"a": entry()})
    path.write_bytes(path.read_bytes()[:size_bytes])
    with pytest.raises(DataError, match="damaged"):
        read_header(path)


def test_a_missing_file_and_an_unreadable_one_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        read_header(tmp_path / "x.safetensors")
    with pytest.raises(DiskError, match="cannot be read"):
        read_header(tmp_path)
