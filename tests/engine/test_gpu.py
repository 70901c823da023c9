"""What only a GPU can show. Run with ``pytest -m gpu`` on a machine that has one."""

import threading
from pathlib import Path

import pytest
import torch

from xverse_chat.chat.backend import Finish, Message
from xverse_chat.config import GenerationSettings
from xverse_chat.engine.local import LocalBackend
from xverse_chat.engine.memory import check_fits, find_gpu, resolve_device
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.quant import quantize_int4, quantize_int8
from xverse_chat.errors import MemoryShortageError
from xverse_chat.progress import NoProgress

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
]

GREEDY = GenerationSettings(max_new_tokens=40)
TALK = [Message("user", "hello, what is your name?")]


def answer(backend: LocalBackend) -> str:
    events = backend.stream(TALK, GREEDY, threading.Event())
    return "".join(event for event in events if isinstance(event, str))


def load(folder: Path, device: str, *, dtype: str, quant: int | None = None) -> LocalBackend:
    return LocalBackend.load(
        folder, model_id="x/y", device=device, dtype=dtype, quant=quant, progress=NoProgress()
    )


def test_a_gpu_says_what_a_cpu_says(upstream: Path) -> None:
    on_gpu = answer(load(upstream, "cuda", dtype="float32"))
    assert on_gpu == answer(load(upstream, "cpu", dtype="float32"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("quant", [None, 8, 4])
def test_every_precision_answers(quant: int | None, dtype: str, upstream: Path) -> None:
    backend = load(upstream, "cuda:0", dtype=dtype, quant=quant)
    *_, finish = backend.stream(TALK, GREEDY, threading.Event())
    assert isinstance(finish, Finish)
    assert finish.usage.completion_tokens > 0
    assert backend.description.device.startswith("cuda:0 (NVIDIA")


def test_codes_are_the_same_on_both() -> None:
    weight = torch.randn(300, 512, generator=torch.Generator().manual_seed(0)) * 0.02
    for quantize in (quantize_int8, quantize_int4):
        here, there = quantize(weight), quantize(weight.cuda())
        same = (here.values == there.values.cpu()).float().mean()
        assert float(same) > 0.999  # a rounding of the last bit may fall either way


def test_a_model_can_be_quantized_where_it_is(upstream: Path) -> None:
    model = XverseForCausalLM.from_pretrained(upstream, dtype=torch.float16).cuda()
    quantized = model.quantize(4).cuda()
    assert quantized is model
    assert all(part.is_cuda for part in model.buffers())
    assert model(torch.tensor([[5, 6]]).cuda()).logits.isfinite().all()


def test_memory_that_runs_out_is_told_and_given_back(upstream: Path) -> None:
    backend = load(upstream, "cuda:0", dtype="float16")
    expected = answer(backend)
    layer = backend._model.model.layers[0]
    hook = layer.register_forward_hook(lambda *_: torch.empty(2**40, device="cuda") and None)
    with pytest.raises(MemoryShortageError):
        answer(backend)
    hook.remove()
    assert answer(backend) == expected


def test_a_full_gpu_is_told_before_loading(upstream: Path) -> None:
    gpu = find_gpu(0)
    assert gpu is not None
    taken = torch.empty(gpu.free_bytes - 800_000_000, dtype=torch.uint8, device="cuda")
    with pytest.raises(MemoryShortageError, match=r"GPU \(NVIDIA .* GB free") as caught:
        check_fits(upstream, device="auto", dtype=None, quant=None)
    assert "--device cpu" in caught.value.hint
    del taken
    torch.cuda.empty_cache()
    check_fits(upstream, device="auto", dtype=None, quant=None)


def test_the_driver_and_torch_mean_the_same_gpu() -> None:
    assert resolve_device("auto") == "cuda:0"
    gpu = find_gpu(0)
    assert gpu is not None
    assert gpu.name == torch.cuda.get_device_name(0)
