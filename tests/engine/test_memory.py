from pathlib import Path

import pytest
import torch

from tests.checkpoint.test_config_file import UPSTREAM
from xverse_chat.checkpoint.config_file import llama_config
from xverse_chat.engine import memory
from xverse_chat.engine.cpu.selection import make_cpu_forward
from xverse_chat.engine.folders import inspect_folder
from xverse_chat.engine.memory import (
    Gpu,
    cache_bytes,
    cache_dtype,
    check_fits,
    fitting_context,
    needed_bytes,
    precision_name,
    resolve_device,
    weight_bytes,
)
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.errors import MemoryShortageError, UnavailableError, UsageError
from xverse_chat.progress import NoProgress

CONFIG = llama_config(UPSTREAM)
RTX_3090 = Gpu("NVIDIA GeForce RTX 3090", 25_769_803_776, 25_300_000_000)


def put_gpu(monkeypatch: pytest.MonkeyPatch, gpu: Gpu | None) -> None:
    """Pretend that the machine has this GPU: there is no other way to test for one."""
    monkeypatch.setattr(memory, "find_gpu", lambda number: gpu if number == 0 else None)
    monkeypatch.setattr(memory, "_torch_has_cuda", lambda: True)


def test_the_figures_are_those_of_the_7b_model() -> None:
    assert weight_bytes(CONFIG, dtype="float16", quant=None) == 14_599_692_288
    assert cache_bytes(CONFIG, dtype="float16", tokens=8192) == 4 * 2**30
    assert weight_bytes(CONFIG, dtype="float16", quant=8) == pytest.approx(7.71e9, rel=0.01)
    assert weight_bytes(CONFIG, dtype="float16", quant=4) == pytest.approx(4.98e9, rel=0.01)


@pytest.mark.parametrize(
    ("device", "dtype", "quant", "kept"),
    [
        ("cuda:0", "bfloat16", None, "bfloat16"),
        ("cuda:0", "float32", 8, "float32"),
        ("cpu", "float32", None, "float32"),
        ("cpu", "bfloat16", None, "float16"),
        ("cpu", "float32", 4, "float16"),
    ],
)
def test_keys_and_values_are_counted_as_they_are_kept(
    device: str, dtype: str, quant: int | None, kept: str
) -> None:
    assert cache_dtype(device, dtype, quant) == kept
    sizes = [
        needed_bytes(CONFIG, device=device, dtype=dtype, quant=quant, tokens=tokens)
        for tokens in (0, 100)
    ]
    assert sizes[1] - sizes[0] == cache_bytes(CONFIG, dtype=kept, tokens=100)


@pytest.mark.parametrize(("dtype", "quant"), [("float32", None), ("bfloat16", None), (None, 8)])
def test_the_cache_of_a_cpu_takes_what_was_estimated(
    dtype: str | None, quant: int | None, upstream: Path
) -> None:
    files = inspect_folder(upstream)
    model = XverseForCausalLM.load(
        files,
        device=torch.device("cpu"),
        dtype=getattr(torch, dtype or "float32"),
        bits=quant,
        progress=NoProgress(),
    )
    forward = make_cpu_forward(model, lambda note: None)
    assert forward is not None
    forward.run([5] * 256, lambda: None)  # so many fill the room that is made at once
    kept = cache_dtype("cpu", dtype or "float32", quant)
    assert forward.size_bytes == cache_bytes(files.config, dtype=kept, tokens=256)


@pytest.mark.parametrize(
    ("free", "tokens"), [(100e9, 8192), (11e9, 5120), (10.6e9, 4352), (9e9, 2048), (0, 2048)]
)
def test_as_much_of_the_context_as_has_room_is_given(
    free: float, tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: int(free))
    assert fitting_context(CONFIG, device="cpu", dtype="bfloat16", quant=8) == tokens


@pytest.mark.parametrize("quant", [None, 8, 4])
def test_the_estimate_is_what_a_loaded_model_takes(
    quant: int | None, model: XverseForCausalLM, upstream: Path
) -> None:
    if quant is not None:
        model.quantize(quant)
    tensors = [*model.parameters(), *(b for n, b in model.named_buffers() if "rotary" not in n)]
    taken = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    estimate = weight_bytes(inspect_folder(upstream).config, dtype="float32", quant=quant)
    assert estimate == pytest.approx(taken, rel=0.02)


def test_a_device_is_found_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    put_gpu(monkeypatch, None)
    assert resolve_device("auto") == resolve_device("cpu") == "cpu"
    with pytest.raises(UnavailableError, match="CUDA finds none"):
        resolve_device("cuda")
    for name in ("tpu", "cuda:", "cuda:-1", "CPU", ""):
        with pytest.raises(UsageError):
            resolve_device(name)
    put_gpu(monkeypatch, RTX_3090)
    assert resolve_device("auto") == resolve_device("cuda") == "cuda:0"
    with pytest.raises(UnavailableError, match="number 3"):
        resolve_device("cuda:3")


def test_a_torch_without_cuda_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_torch_has_cuda", lambda: False)
    assert resolve_device("auto") == "cpu"
    with pytest.raises(UnavailableError, match="built without"):
        resolve_device("cuda")


@pytest.mark.parametrize(
    ("free", "quant", "told", "advice"),
    [
        (11e9, None, r"float16 it needs 16\.7 GB .* 11\.0 GB", "--quant 8 it needs 9.8 GB and"),
        (8e9, None, "float16", "With --quant 4 it needs 7"),
        (8e9, 8, "int8 it needs 9", "With --quant 4 it needs 7"),
        (4e9, 4, "int4 it needs 7", "use --device cpu"),
    ],
)
def test_what_will_not_fit_is_told_with_the_option_that_fits(
    free: float,
    quant: int | None,
    told: str,
    advice: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_gpu(monkeypatch, Gpu("NVIDIA GeForce RTX 2080", 11 * 10**9, int(free)))
    monkeypatch.setattr(memory, "inspect_folder", lambda folder: _Files())
    with pytest.raises(MemoryShortageError, match=told) as caught:
        check_fits(tmp_path, device="auto", dtype=None, quant=quant)
    assert "RTX 2080" in caught.value.message
    assert advice in caught.value.hint


class _Files:
    config = CONFIG
    quantization_bits = None


def test_the_7b_model_fits_a_24_gb_card_in_every_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_gpu(monkeypatch, RTX_3090)
    monkeypatch.setattr(memory, "inspect_folder", lambda folder: _Files())
    for quant in (None, 8, 4):
        check_fits(tmp_path, device="auto", dtype=None, quant=quant)


def test_on_a_cpu_the_memory_of_the_machine_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 18 * 10**9)
    monkeypatch.setattr(memory, "inspect_folder", lambda folder: _Files())
    with pytest.raises(MemoryShortageError, match=r"this machine has 18\.0 GB free") as caught:
        check_fits(tmp_path, device="cpu", dtype=None, quant=None)
    assert "--dtype bfloat16" in caught.value.hint


def test_a_small_model_fits_this_machine(upstream: Path) -> None:
    check_fits(upstream, device="cpu", dtype=None, quant=None)


def test_the_visible_gpus_are_counted_as_cuda_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert memory.find_gpu(0) is None


@pytest.mark.parametrize(
    ("device", "dtype", "quant", "name"),
    [
        ("cpu", None, None, "float32"),
        ("cuda:0", None, None, "float16"),
        ("cpu", "bfloat16", None, "bfloat16"),
        ("cuda:0", None, 4, "int4"),
    ],
)
def test_the_precision_has_a_name(
    device: str, dtype: str | None, quant: int | None, name: str
) -> None:
    assert precision_name(device, dtype, quant) == name
