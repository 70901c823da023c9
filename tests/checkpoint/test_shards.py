import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from xverse_chat.checkpoint.shards import read_bin_shard, read_index
from xverse_chat.errors import DataError


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.marker,))


def write_index(folder: Path, weight_map: object) -> None:
    content = json.dumps({"weight_map": weight_map})
    (folder / "pytorch_model.bin.index.json").write_text(content, encoding="utf-8")


def test_the_index_names_the_shards_in_order(tmp_path: Path) -> None:
    write_index(tmp_path, {"b": "m-2.bin", "a": "m-1.bin", "c": "m-2.bin"})
    index = read_index(tmp_path)
    assert (index.files, index.is_safetensors) == (("m-1.bin", "m-2.bin"), False)
    assert index.weight_map["c"] == "m-2.bin"


def test_safetensors_win_over_pickles(tmp_path: Path) -> None:
    write_index(tmp_path, {"a": "m-1.bin"})
    (tmp_path / "model.safetensors").touch()
    assert read_index(tmp_path).files == ("model.safetensors",)


def test_a_single_file_needs_no_index(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").touch()
    assert read_index(tmp_path).files == ("pytorch_model.bin",)


@pytest.mark.parametrize(
    "file", ["../../etc/x.bin", "/etc/x.bin", "a/b.bin", "a\\b.bin", "x.py", "x..bin", "\n.bin", 3]
)
def test_an_index_that_points_elsewhere_is_refused(file: object, tmp_path: Path) -> None:
    write_index(tmp_path, {"a": file})
    with pytest.raises(DataError, match="refused"):
        read_index(tmp_path)


@pytest.mark.parametrize("weight_map", [None, [], {}, "x"])
def test_an_index_without_a_map_is_damaged(weight_map: object, tmp_path: Path) -> None:
    write_index(tmp_path, weight_map)
    with pytest.raises(DataError, match="weight_map"):
        read_index(tmp_path)


def test_a_folder_without_weights_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no weights"):
        read_index(tmp_path)


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_shard_of_tensors_is_read(is_zip: bool, tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    tensor = torch.randn(4, 3).bfloat16()
    torch.save({"a": tensor}, path, _use_new_zipfile_serialization=is_zip)
    assert torch.equal(read_bin_shard(path)["a"], tensor)


def test_a_hostile_pickle_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    torch.save({"a": Hostile(marker)}, tmp_path / "zip.bin")
    (tmp_path / "raw.bin").write_bytes(pickle.dumps({"a": Hostile(marker)}))
    for name in ("zip.bin", "raw.bin"):
        with pytest.raises(DataError, match=name) as caught:
            read_bin_shard(tmp_path / name)
        assert "weights_only" not in caught.value.message + caught.value.hint
    assert not marker.exists()


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 and no more"])
def test_a_foreign_shard_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"m\.bin"):
        read_bin_shard(path)


def test_a_truncated_shard_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    torch.save({"a": torch.randn(100, 100)}, path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match=r"m\.bin"):
        read_bin_shard(path)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"m\.bin is missing"):
        read_bin_shard(tmp_path / "m.bin")


def test_a_shard_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    torch.save({"a": [1, 2]}, tmp_path / "m.bin")
    with pytest.raises(DataError, match="other than tensors"):
        read_bin_shard(tmp_path / "m.bin")
