"""What only a GPU can show. Run with ``pytest -m gpu`` on a machine that has one."""

import sys
import threading
from pathlib import Path

import pytest
import torch

from tests.hub.upstream_folder import Shape, build_upstream_folder
from tests.questions import demo_questions
from xverse_chat.chat.backend import Finish, Message
from xverse_chat.config import GenerationSettings, demo_folder
from xverse_chat.engine.cuda.decoder import CudaDecoder
from xverse_chat.engine.cuda.making import PREFILL_BYTES
from xverse_chat.engine.decoder import HostDecoder
from xverse_chat.engine.folders import inspect_folder
from xverse_chat.engine.generate import Engine
from xverse_chat.engine.local import LocalBackend
from xverse_chat.engine.memory import check_fits, find_gpu, resolve_device
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.quant import quantize_int4, quantize_int8
from xverse_chat.engine.transformers_forward import TransformersForward
from xverse_chat.errors import MemoryShortageError
from xverse_chat.progress import NoProgress
from xverse_chat.wording import Sentence

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
]

GREEDY = GenerationSettings(max_new_tokens=40)
# Heads of 64, as the kernels want them; those of the other tests' model have 32.
SHAPE = Shape(hidden_size=128, intermediate_size=192, num_attention_heads=2)
TALK = [Message("user", "hello, what is your name?")]


@pytest.fixture(scope="module")
def fitting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An upstream folder of a model that the kernels can compute."""
    folder = tmp_path_factory.mktemp("fitting")
    return build_upstream_folder(folder, shape=SHAPE, dtype="float32", seed=3)


def answer(backend: LocalBackend, question: str = TALK[0].content) -> str:
    events = backend.stream([Message("user", question)], GREEDY, threading.Event())
    return "".join(event for event in events if isinstance(event, str))


def is_fast(backend: LocalBackend) -> bool:
    return isinstance(backend._engine._decoder, CudaDecoder)


def fail(note: Sentence) -> None:
    raise AssertionError(note)


def load(folder: Path, device: str, *, dtype: str, quant: int | None = None) -> LocalBackend:
    return LocalBackend.load(
        folder, model_id="x/y", device=device, dtype=dtype, quant=quant, progress=NoProgress()
    )


def test_a_gpu_says_what_a_cpu_says(upstream: Path) -> None:
    on_gpu = answer(load(upstream, "cuda", dtype="float32"))
    assert on_gpu == answer(load(upstream, "cpu", dtype="float32"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("quant", [None, 8, 4])
def test_every_precision_answers(quant: int | None, dtype: str, fitting: Path) -> None:
    backend = load(fitting, "cuda:0", dtype=dtype, quant=quant)
    *_, finish = backend.stream(TALK, GREEDY, threading.Event())
    assert isinstance(finish, Finish)
    assert finish.usage.completion_tokens > 0
    assert backend.description.device.startswith("cuda:0 (NVIDIA")
    assert is_fast(backend)


@pytest.mark.parametrize("quant", [None, 8, 4])
def test_the_demo_model_answers_200_questions_as_on_the_plain_path(quant: int | None) -> None:
    fast = load(demo_folder(), "cuda:0", dtype="float16", quant=quant)
    assert is_fast(fast)
    plain = load(demo_folder(), "cpu", dtype="float32", quant=quant)
    # Not by the CPU's kernels, which round as well.
    model = XverseForCausalLM.load(
        inspect_folder(demo_folder()),
        device=torch.device("cpu"),
        dtype=torch.float32,
        bits=quant,
        progress=NoProgress(),
    )
    plain._engine = Engine(HostDecoder(TransformersForward(model), fast.description.context_tokens))
    questions = demo_questions(200)
    different = [q for q in questions if answer(fast, q) != answer(plain, q)]
    assert different == []


def test_modules_share_the_weights_of_the_fast_path(fitting: Path) -> None:
    for quant in (None, 8, 4):
        model = XverseForCausalLM.load(
            inspect_folder(fitting),
            device=torch.device("cuda:0"),
            dtype=torch.float16,
            bits=quant,
            progress=NoProgress(),
        )
        model.prepare_engine(fail)
        ids = torch.tensor([[5, 6, 7, 300, 12]], device="cuda")
        model(ids)  # takes cuBLAS's workspace
        before = torch.cuda.memory_allocated()
        logits = model(ids).logits[0, -1].float()
        decoder = model.engine._decoder
        assert isinstance(decoder, CudaDecoder)
        decoder.truncate(0)
        decoder.prefill(ids[0].tolist(), lambda: None)
        tokens = decoder.decode(GREEDY, [], 1, lambda: None)
        next(tokens)
        fast = decoder._buffers.logits
        assert (fast - logits).norm() / logits.norm() < 5e-3
        assert torch.cuda.memory_allocated() - before < 2**20


def test_without_a_compiler_the_plain_path_answers_and_says_so(
    fitting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.warns(RuntimeWarning, match="there is no compiler"):
        backend = XverseForCausalLM.from_pretrained(fitting, dtype=torch.float16).cuda().engine
    assert not isinstance(backend._decoder, CudaDecoder)


def test_without_a_recorded_graph_the_answer_is_the_same(fitting: Path) -> None:
    recorded, unrecorded = (load(fitting, "cuda:0", dtype="float16") for _ in range(2))
    decoder = unrecorded._engine._decoder
    assert isinstance(decoder, CudaDecoder)
    decoder._can_record = False
    assert answer(unrecorded) == answer(recorded)
    assert decoder._graph is None


def test_a_gpu_without_room_for_the_context_gets_a_smaller_cache(
    fitting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xverse_chat.engine.cuda.making.LEAST_CONTEXT_TOKENS", 128)
    token_bytes = 2 * 3 * 128 * 2
    room = PREFILL_BYTES + 300 * token_bytes
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (room, 2 * room))
    backend = load(fitting, "cuda:0", dtype="float16")
    assert backend.description.context_tokens == 256
    assert answer(backend)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (PREFILL_BYTES, room))
    with pytest.raises(MemoryShortageError, match="128 tokens needs"):
        load(fitting, "cuda:0", dtype="float16")


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


def test_memory_that_runs_out_is_told_and_given_back(
    fitting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = load(fitting, "cuda:0", dtype="float16")
    expected = answer(backend)

    def fail(*_: object) -> None:
        torch.empty(2**42, device="cuda")

    monkeypatch.setattr("xverse_chat.engine.cuda.prefill.Prefill._normalise", fail)
    with pytest.raises(MemoryShortageError):
        answer(backend, "something else")
    monkeypatch.undo()
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
