"""From shards that are as they should be, or are not, to a model folder."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.hub.conftest import Recorder, contents
from tests.hub.upstream_folder import Shape, build_upstream_folder
from tests.program import ROOT, environment
from xverse_chat.checkpoint.record import damaged_files, read_record
from xverse_chat.errors import CannotCreateError, DataError, UnavailableError
from xverse_chat.hub.convert import convert_folder
from xverse_chat.hub.licence import Licence

LICENCE = Licence("CC0", "Do as you like.\n")
SHARD = "pytorch_model-00002-of-00003.bin"
MATRIX = "model.layers.1.mlp.up_proj.weight"
Tensors = dict[str, torch.Tensor]


def convert(source: Path, target: Path) -> Path:
    return convert_folder(
        source,
        target,
        source_id="local/test",
        revision="1",
        licence=LICENCE,
        progress=Recorder(),
    )


def upstream_tensors(folder: Path) -> Tensors:
    return {
        name: tensor
        for file in sorted(folder.glob("*.bin"))
        for name, tensor in torch.load(file, weights_only=True).items()
    }


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_every_weight_arrives_bit_by_bit_and_only_the_weights(tmp_path: Path, dtype: str) -> None:
    source = build_upstream_folder(tmp_path / "source", dtype=dtype, shards=2)
    before = contents(source)
    target = convert(source, tmp_path / "out" / "model")
    given = upstream_tensors(source)
    made: Tensors = {}
    index = json.loads((target / "model.safetensors.index.json").read_text())
    for file in sorted(target.glob("*.safetensors")):
        tensors = load_file(file)
        assert {name for name, holder in index["weight_map"].items() if holder == file.name} == set(
            tensors
        )
        made |= tensors
    weights = {name for name in given if not name.endswith("inv_freq")}
    assert made.keys() == weights
    assert len(given) == len(weights) + 3, "the fixture has rotary buffers to leave out"
    for name, tensor in made.items():
        assert tensor.dtype == given[name].dtype
        assert torch.equal(tensor, given[name])
    assert index["metadata"]["total_size"] == sum(tensor.nbytes for tensor in made.values())
    assert json.loads((target / "config.json").read_text())["torch_dtype"] == dtype
    assert contents(source) == before, "the source stays as it is"


def test_the_folder_says_where_it_is_from(pristine: Path, tmp_path: Path) -> None:
    target = convert(pristine, tmp_path / "model")
    record = read_record(target)
    assert (record.source_id, record.revision, record.licence) == ("local/test", "1", "CC0")
    assert (target / "NOTICE.txt").read_text() == "Do as you like.\n"
    assert damaged_files(target, record.files) == []


def test_converting_again_replaces_the_folder_and_gives_the_same(
    pristine: Path, tmp_path: Path
) -> None:
    first = contents(convert(pristine, tmp_path / "model"))
    assert contents(convert(pristine, tmp_path / "model")) == first
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_one_shard_without_an_index_is_a_model_too(pristine: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(pristine, source, ignore=shutil.ignore_patterns("*.bin", "*.bin.index.json"))
    torch.save(upstream_tensors(pristine), source / "pytorch_model.bin")
    target = convert(source, tmp_path / "model")
    assert (target / "model-00001-of-00001.safetensors").is_file()


def test_safetensors_are_taken_as_they_are(pristine: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(pristine, source, ignore=shutil.ignore_patterns("*.bin", "*.bin.index.json"))
    given = {k: v for k, v in upstream_tensors(pristine).items() if "inv_freq" not in k}
    save_file(given, source / "model.safetensors")
    target = convert(source, tmp_path / "model")
    made = load_file(target / "model-00001-of-00001.safetensors")
    assert all(torch.equal(made[name], given[name]) for name in given)


def test_a_folder_of_someone_else_is_refused(pristine: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.txt").touch()
    with pytest.raises(CannotCreateError):
        convert(pristine, tmp_path / "model")


def test_a_folder_without_weights_is_unavailable(pristine: Path, tmp_path: Path) -> None:
    shutil.copytree(pristine, tmp_path / "source", ignore=shutil.ignore_patterns("*.bin"))
    with pytest.raises(UnavailableError):
        convert(tmp_path / "source", tmp_path / "model")


def with_nan(tensors: Tensors) -> None:
    tensors[MATRIX][3, 5] = float("nan")


def with_infinity(tensors: Tensors) -> None:
    tensors[MATRIX][3, 5] = float("inf")


def blank(tensors: Tensors) -> None:
    tensors[MATRIX].zero_()


def with_blank_block(tensors: Tensors) -> None:
    tensors[MATRIX].view(-1)[1000:3048] = 0  # 4 KiB


def incomplete(tensors: Tensors) -> None:
    del tensors[MATRIX]


def with_stranger(tensors: Tensors) -> None:
    tensors["model.layers.1.mlp.bias"] = torch.ones(4)


def misshapen(tensors: Tensors) -> None:
    tensors[MATRIX] = tensors[MATRIX].T.contiguous()


def sparse(tensors: Tensors) -> None:
    tensors[MATRIX] = tensors[MATRIX].to_sparse()


def of_integers(tensors: Tensors) -> None:
    tensors[MATRIX] = tensors[MATRIX].to(torch.int8)


@pytest.mark.parametrize(
    "spoil",
    [
        with_nan,
        with_infinity,
        blank,
        with_blank_block,
        incomplete,
        with_stranger,
        misshapen,
        sparse,
        of_integers,
    ],
)
def test_weights_that_cannot_be_are_named_and_refused(
    upstream: Path, tmp_path: Path, spoil: Callable[[Tensors], None]
) -> None:
    tensors = torch.load(upstream / SHARD, weights_only=True)
    assert MATRIX in tensors
    spoil(tensors)
    torch.save(tensors, upstream / SHARD)
    with pytest.raises(DataError) as caught:
        convert(upstream, tmp_path / "model")
    assert SHARD in caught.value.message
    assert not (tmp_path / "model").exists()


def test_tensors_that_share_memory_or_are_views_are_written_whole(
    upstream: Path, tmp_path: Path
) -> None:
    tensors = torch.load(upstream / SHARD, weights_only=True)
    twin = MATRIX.replace("up_proj", "gate_proj")
    tensors[twin] = tensors[MATRIX]
    q_proj = "model.layers.1.self_attn.q_proj.weight"
    tensors[q_proj] = tensors[q_proj].T  # the same shape, another order
    torch.save(tensors, upstream / SHARD)
    made = load_file(convert(upstream, tmp_path / "model") / "model-00002-of-00003.safetensors")
    assert torch.equal(made[MATRIX], tensors[MATRIX])
    assert torch.equal(made[twin], tensors[twin])
    assert torch.equal(made[q_proj], tensors[q_proj])


class Malicious:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def test_a_malicious_pickle_does_not_run(upstream: Path, tmp_path: Path) -> None:
    torch.save({MATRIX: Malicious(tmp_path / "marker")}, upstream / SHARD)
    with pytest.raises(DataError, match="not loaded") as caught:
        convert(upstream, tmp_path / "model")
    assert "weights_only" not in caught.value.message + caught.value.hint
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("content", [b"", b"<html>Log in</html>", b"PK\x03\x04", None])
def test_a_shard_that_is_none_is_named(
    upstream: Path, tmp_path: Path, content: bytes | None
) -> None:
    whole = (upstream / SHARD).read_bytes()
    (upstream / SHARD).write_bytes(whole[:-5000] if content is None else content)
    with pytest.raises(DataError) as caught:
        convert(upstream, tmp_path / "model")
    assert SHARD in caught.value.message


MEASURE = """
import re, sys, threading, time
from pathlib import Path
import safetensors.torch, torch
from xverse_chat.hub.convert import convert_folder
from xverse_chat.hub.licence import Licence
from xverse_chat.progress import NoProgress

def anonymous_bytes():
    text = Path("/proc/self/status").read_text()
    return 1024 * sum(int(size) for size in re.findall(r"Rss(?:Anon|Shmem):\\s+(\\d+)", text))

def watch():
    global most
    while True:
        most = max(most, anonymous_bytes())
        time.sleep(0.002)

torch.ones(1).sum()
before = most = anonymous_bytes()
threading.Thread(target=watch, daemon=True).start()
convert_folder(Path(sys.argv[1]), Path(sys.argv[2]), source_id="a/b", revision="1",
               licence=Licence("x", "x"), progress=NoProgress())
print(most - before)
"""


def test_conversion_takes_the_memory_of_one_shard_at_most(tmp_path: Path) -> None:
    shape = Shape(8000, 1024, 2816, 8, 8, 512)
    source = build_upstream_folder(tmp_path / "source", shape=shape, shards=4, dtype="float16")
    shards = [path.stat().st_size for path in source.glob("*.bin")]
    assert min(shards) > 50e6
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(source), str(tmp_path / "model")],
        env=environment(tmp_path, PYTHONPATH=f"{ROOT}/src", OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert int(done.stdout) < 1.2 * max(shards), f"{int(done.stdout) / 1e6:.0f} MB"
