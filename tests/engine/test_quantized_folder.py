"""A folder of codes: read into the model as it is, by this program and by others."""

import json
import math
import shutil
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from compressed_tensors.compressors.pack_quantized.base import PackedQuantizationCompressor
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from tests.hub.conftest import Recorder
from tests.quantized_folder import MODEL_ID, build_plain_folder, build_quantized_folder
from xverse_chat.checkpoint.record import RECORD_FILE_NAME
from xverse_chat.config import model_folder_path
from xverse_chat.engine import quant
from xverse_chat.engine.folders import inspect_folder, loaded_bits
from xverse_chat.engine.local import LocalBackend
from xverse_chat.engine.memory import check_fits
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.quant import QuantizedLinear
from xverse_chat.errors import DataError, UsageError
from xverse_chat.progress import NoProgress, Stage

IDS = torch.tensor([[5, 17, 300, 42, 130, 3]])
SCALE = "model.layers.1.mlp.up_proj.weight_scale"


@pytest.fixture(scope="module")
def cache(upstream: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with a small model in 16 (here 32), 8 and 4 bits. Tests that change it copy it."""
    cache = tmp_path_factory.mktemp("cache")
    build_plain_folder(upstream, cache)
    for bits in (4, 8):
        build_quantized_folder(cache, bits)
    return cache


@pytest.fixture
def unrecorded(cache: Path, tmp_path: Path) -> Path:
    """The folder of 4 bits without a record, as somebody else may have made it."""
    folder = shutil.copytree(model_folder_path(cache, MODEL_ID, 4), tmp_path / "copy")
    (folder / RECORD_FILE_NAME).unlink()
    return folder


@pytest.fixture
def whole_meta_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give compressed-tensors the shape of packed zero points that it forgets on meta tensors.

    Up to 0.20 transformers therefore refuses every asymmetric folder in this layout, of any maker.
    """
    compress = PackedQuantizationCompressor.compress

    def with_zero_points(state: dict[str, torch.Tensor], scheme: Any) -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = compress(state, scheme)
        if not scheme.weights.symmetric and found["weight_packed"].is_meta:
            rows, groups = found["weight_scale"].shape
            words = math.ceil(rows * scheme.weights.num_bits / 32)
            zeros = torch.empty((words, groups), dtype=torch.int32, device="meta")
            found["weight_zero_point"] = zeros
        return found

    monkeypatch.setattr(PackedQuantizationCompressor, "compress", with_zero_points)


def load(folder: Path, bits: int | None = None, progress: Any = None) -> XverseForCausalLM:
    return XverseForCausalLM.load(
        inspect_folder(folder),
        device=torch.device("cpu"),
        dtype=torch.float32,
        bits=bits,
        progress=progress or NoProgress(),
    )


def codes(model: XverseForCausalLM) -> Iterator[tuple[str, QuantizedLinear]]:
    for name, module in model.named_modules():
        if isinstance(module, QuantizedLinear):
            yield name, module


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    found: torch.Tensor = model(input_ids=IDS).logits
    return found


@pytest.mark.parametrize("bits", [4, 8])
def test_the_codes_are_those_of_quantizing_on_load(cache: Path, bits: int) -> None:
    stored = dict(codes(load(model_folder_path(cache, MODEL_ID, bits))))
    made = dict(codes(load(model_folder_path(cache, MODEL_ID), bits)))
    assert stored.keys() == made.keys()
    assert len(stored) == 3 * 7 + 1
    for name, linear in made.items():
        found = stored[name]
        assert torch.equal(found.values, linear.values)
        torch.testing.assert_close(found.scales, linear.scales, rtol=2**-11, atol=0)
        assert found.bits == (8 if name == "lm_head" else bits)
        if linear.zeros is None or found.zeros is None:
            assert found.zeros is linear.zeros
        else:
            assert torch.equal(found.zeros, linear.zeros)


def test_nothing_is_quantized_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quant, "best_scales", None)
    model = load(model_folder_path(cache, MODEL_ID, 4))
    assert model.quantization_bits == 4
    with pytest.raises(UsageError, match="quantized to 4 bits already"):
        model.quantize(4)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.usefixtures("whole_meta_shapes")
def test_transformers_gives_the_same_logits(cache: Path, bits: int) -> None:
    folder = model_folder_path(cache, MODEL_ID, bits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    torch.testing.assert_close(logits(load(folder)), logits(theirs), rtol=0, atol=1e-5)


def test_transformers_refuses_4_bits_for_a_shape_that_the_library_forgets(cache: Path) -> None:
    """When this fails, ``whole_meta_shapes`` and a sentence in the documents can go."""
    with pytest.raises(RuntimeError, match="ignore_mismatched_sizes"):
        AutoModelForCausalLM.from_pretrained(model_folder_path(cache, MODEL_ID, 4))


@pytest.mark.parametrize("bits", [4, 8])
def test_from_pretrained_loads_codes(cache: Path, bits: int) -> None:
    folder = model_folder_path(cache, MODEL_ID, bits)
    model = XverseForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert model.quantization_bits == bits
    assert torch.equal(logits(model), logits(load(folder)))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"attn_implementation": "eager"}, "is not loaded with attn_implementation"),
        ({"dtype": "auto"}, "dtype='auto' is none"),
        ({"device_map": "auto"}, "device_map='auto' is none"),
        ({"device_map": {"": "cpu"}}, "goes to one device"),
    ],
)
def test_options_that_mean_nothing_for_codes_are_refused(
    options: dict[str, Any], told: str, cache: Path
) -> None:
    with pytest.raises(UsageError, match=told):
        XverseForCausalLM.from_pretrained(model_folder_path(cache, MODEL_ID, 4), **options)


def test_loading_shows_its_progress_as_loading(cache: Path) -> None:
    progress, folder = Recorder(), model_folder_path(cache, MODEL_ID, 4)
    load(folder, progress=progress)
    (stage, total_bytes), *more = progress.stages
    assert (stage, more) == (Stage.LOAD, [])
    assert 0.9 * total_bytes < progress.done["weights"] <= total_bytes


def test_the_folders_precision_counts_and_no_other_can_be_made_of_it(cache: Path) -> None:
    files = inspect_folder(model_folder_path(cache, MODEL_ID, 4))
    assert (files.quantization_bits, loaded_bits(files, None), loaded_bits(files, 4)) == (4, 4, 4)
    with pytest.raises(UsageError, match=r"in 4 bits; --quant 8 cannot"):
        loaded_bits(files, 8)
    plain = inspect_folder(model_folder_path(cache, MODEL_ID))
    assert [loaded_bits(plain, quant) for quant in (None, 4, 8)] == [None, 4, 8]
    with pytest.raises(UsageError, match="--quant 8 cannot"):
        check_fits(files.folder, device="cpu", dtype=None, quant=8)


def test_the_backend_names_the_folders_precision(cache: Path) -> None:
    folder = model_folder_path(cache, MODEL_ID, 8)
    backend = LocalBackend.load(folder, model_id="x", device="cpu", progress=NoProgress())
    assert backend.description.precision == "int8"


def change(folder: Path, **changes: torch.Tensor | None) -> None:
    for path in folder.glob("*.safetensors"):
        tensors: dict[str, torch.Tensor | None] = dict(load_file(path))
        tensors |= {name: value for name, value in changes.items() if name in tensors}
        save_file({name: t for name, t in tensors.items() if t is not None}, path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({SCALE: None}, "incomplete: 1 of"),
        ({SCALE: torch.full((192, 2), torch.nan)}, "scales that are not finite"),
        ({SCALE: torch.ones(192, 3)}, "has the shape"),
        ({SCALE: torch.ones(192, 2, dtype=torch.int32)}, "has the type int32"),
        ({SCALE.replace("scale", "packed"): torch.ones(192, 16)}, "has the type float32"),
        ({SCALE.replace("scale", "zero_point"): None}, "incomplete"),
        ({"model.norm.weight": torch.full((128,), torch.inf)}, "not finite"),
    ],
)
def test_codes_that_cannot_be_are_refused(
    unrecorded: Path, changes: dict[str, torch.Tensor | None], told: str
) -> None:
    change(unrecorded, **changes)
    with pytest.raises(DataError, match=told):
        load(unrecorded)


def test_a_folder_without_a_record_is_read_all_the_same(cache: Path, unrecorded: Path) -> None:
    folder = model_folder_path(cache, MODEL_ID, 4)
    assert torch.equal(logits(load(unrecorded)), logits(load(folder)))


def test_a_config_that_tells_another_precision_than_the_record_is_refused(
    cache: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(model_folder_path(cache, MODEL_ID, 4), tmp_path / "copy")
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["quantization_config"]
    text = json.dumps(config)
    path.write_text(text + " " * (path.stat().st_size - len(text.encode())), encoding="utf-8")
    with pytest.raises(DataError, match="different precisions"):
        inspect_folder(folder)


def test_quantized_pickles_are_refused(upstream: Path, unrecorded: Path) -> None:
    for path in unrecorded.glob("model*safetensors*"):
        path.unlink()
    for path in upstream.glob("pytorch_model*"):
        shutil.copy(path, unrecorded)
    with pytest.raises(DataError, match="pickled files"):
        inspect_folder(unrecorded)


def test_an_interrupt_while_loading_ends_the_readers(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xverse_chat.engine import reader, weights

    def staged(places: Any, device: torch.device) -> Any:
        return reader.read_staged(places, device)

    class Interrupting(NoProgress):
        def advance(self, name: str, size_bytes: int) -> None:
            assert any("weights-reader" in thread.name for thread in threading.enumerate())
            raise KeyboardInterrupt

    monkeypatch.setattr(weights, "read_tensors", staged)
    with pytest.raises(KeyboardInterrupt) as caught:
        load(model_folder_path(cache, MODEL_ID, 4), progress=Interrupting())
    assert not any("weights-reader" in thread.name for thread in threading.enumerate())
    assert caught.value is not None
