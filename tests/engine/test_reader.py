import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from xverse_chat.checkpoint.safetensors_file import StoredTensor, read_header
from xverse_chat.engine import reader
from xverse_chat.engine.reader import Place, read_mapped, read_staged, read_tensors
from xverse_chat.errors import DataError

CPU = torch.device("cpu")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
Read = Callable[[Sequence[Place]], Iterator[torch.Tensor]]


def staged(places: Sequence[Place]) -> Iterator[torch.Tensor]:
    return read_staged(places, CPU)


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    return {
        "half": torch.randn(40, 30).half(),
        "brain": torch.randn(7, 11, dtype=torch.bfloat16),
        "full": torch.randn(300),
        "word": torch.randint(-9, 9, (5, 6), dtype=torch.int32),
        "long": torch.tensor([5, 6]),
    }


@pytest.fixture
def places(tensors: dict[str, torch.Tensor], tmp_path: Path) -> list[Place]:
    """The tensors in two files, asked for in an order that is no file's."""
    names = list(tensors)
    places: dict[str, Place] = {}
    for file, part in (("a", names[:2]), ("b", names[2:])):
        path = tmp_path / f"{file}.safetensors"
        save_file({name: tensors[name] for name in part}, path)
        places |= {tensor.name: Place(path, tensor) for tensor in read_header(path)}
    return [places[name] for name in ("long", "half", "full", "brain", "word")]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "CHUNK_BYTES", 256)


@pytest.mark.parametrize("read", [read_mapped, staged])
def test_tensors_come_as_they_were_written_in_the_order_asked_for(
    read: Read, places: list[Place], tensors: dict[str, torch.Tensor]
) -> None:
    found = list(read(places))
    for place, tensor in zip(places, found, strict=True):
        assert tensor.dtype == tensors[place.tensor.name].dtype
        assert torch.equal(tensor, tensors[place.tensor.name])


def test_on_a_cpu_nothing_is_copied(places: list[Place]) -> None:
    first, second = (next(iter(read_tensors(places, CPU))) for _ in range(2))
    first.zero_()  # the mapping is private: neither the file nor another mapping changes
    assert bool(second.any())
    assert torch.equal(next(iter(read_tensors(places, CPU))), second)


def test_a_tensor_at_an_odd_place_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "odd"
    values = torch.randn(4)
    path.write_bytes(b"abc" + values.numpy().tobytes())
    place = Place(path, StoredTensor("x", "float32", (4,), 3, 16))
    assert torch.equal(next(read_mapped([place])), values)
    assert torch.equal(next(staged([place])), values)


def test_closing_early_ends_the_readers(places: list[Place]) -> None:
    with closing(read_staged(places, CPU)) as tensors:
        next(tensors)
        assert any("weights-reader" in thread.name for thread in threading.enumerate())
    assert not any("weights-reader" in thread.name for thread in threading.enumerate())


def test_a_file_that_became_shorter_is_damaged(places: list[Place]) -> None:
    path = places[1].path
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="became shorter"):
        list(staged(places))
    assert not any("weights-reader" in thread.name for thread in threading.enumerate())


@pytest.mark.gpu
@needs_gpu
def test_a_gpu_gets_what_is_in_the_files(
    places: list[Place], tensors: dict[str, torch.Tensor]
) -> None:
    device = torch.device("cuda")
    for place, tensor in zip(places, read_tensors(places, device), strict=True):
        assert tensor.device.type == "cuda"
        assert torch.equal(tensor.cpu(), tensors[place.tensor.name])


@pytest.mark.gpu
@needs_gpu
def test_work_on_a_gpu_that_lags_behind_meets_no_later_tensor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is given free by the host long before the GPU has worked on it."""
    monkeypatch.setattr(reader, "_AHEAD_BYTES", 2**24)
    tensors = {f"{number:03}": torch.full((2**20,), float(number)) for number in range(64)}
    save_file(tensors, tmp_path / "a.safetensors")
    stored = read_header(tmp_path / "a.safetensors")
    sums, ballast = [], torch.randn(4096, 4096, device="cuda")
    for tensor in read_staged(
        [Place(tmp_path / "a.safetensors", each) for each in stored], torch.device("cuda")
    ):
        ballast = ballast @ ballast
        sums.append(tensor.double().mean())
        del tensor
    assert [float(mean) for mean in sums] == [float(each.name) for each in stored]
