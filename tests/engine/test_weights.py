import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from xverse_chat.checkpoint.shards import read_bin_shard
from xverse_chat.checkpoint.weights import expected_tensors
from xverse_chat.engine.folders import inspect_folder
from xverse_chat.engine.weights import read_weights
from xverse_chat.errors import DataError

NAME = "model.layers.1.mlp.up_proj.weight"


@pytest.fixture
def folder(upstream: Path, tmp_path: Path) -> Path:
    """An upstream folder whose weights are plain safetensors without a record."""
    folder = shutil.copytree(upstream, tmp_path / "copy")
    tensors: dict[str, torch.Tensor] = {}
    for path in sorted(folder.glob("*.bin")):
        tensors |= read_bin_shard(path)
    keep = {name: tensor.contiguous() for name, tensor in tensors.items() if "inv_freq" not in name}
    save_file(keep, folder / "model.safetensors")
    for path in folder.glob("pytorch_model*"):
        path.unlink()
    return folder


def rewrite(folder: Path, **changes: torch.Tensor | None) -> None:
    tensors = {**load_file(folder / "model.safetensors"), **changes}
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    save_file(kept, folder / "model.safetensors")


def read(folder: Path) -> dict[str, torch.Tensor]:
    weights = dict(read_weights(inspect_folder(folder)))
    assert list(weights) == list(expected_tensors(inspect_folder(folder).config))
    return {name: weight for name, weight in weights.items() if isinstance(weight, torch.Tensor)}


def test_safetensors_and_pickles_give_the_same_weights(upstream: Path, folder: Path) -> None:
    ours, theirs = read(folder), read(upstream)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (None, "incomplete: 1 of 30"),
        (torch.full((192, 128), torch.nan), "not finite"),
        (torch.zeros(192, 128), "zeros"),
        (torch.randn(128, 192), "shape"),
    ],
)
def test_weights_that_cannot_be_are_refused(
    change: torch.Tensor | None, told: str, folder: Path
) -> None:
    rewrite(folder, **{NAME: change})
    with pytest.raises(DataError, match=told):
        read(folder)


def test_a_tensor_too_many_is_refused(folder: Path) -> None:
    rewrite(folder, **{"model.layers.7.mlp.up_proj.weight": torch.randn(192, 128)})
    with pytest.raises(DataError, match="no tensor of this model"):
        read(folder)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff" * 64])
def test_a_foreign_file_is_named(content: bytes, folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(DataError, match=r"model\.safetensors is damaged"):
        read(folder)


def test_a_truncated_file_is_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DataError, match=r"model\.safetensors is damaged"):
        read(folder)


def test_an_index_that_names_a_shard_that_is_missing_is_refused(
    upstream: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(upstream, tmp_path / "other")
    next(iter(folder.glob("*-00002-*.bin"))).unlink()
    with pytest.raises(DataError, match=r"00002-of-00003\.bin is missing"):
        read(folder)


def test_an_index_that_names_absent_tensors_is_refused(upstream: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(upstream, tmp_path / "other")
    path = next(iter(folder.glob("*-00002-*.bin")))
    tensors = torch.load(path, weights_only=True)
    tensors.popitem()
    torch.save({name: t for name, t in tensors.items() if "norm" not in name}, path)
    with pytest.raises(DataError, match="incomplete"):
        read(folder)
