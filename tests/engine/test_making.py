"""Which decoder a model gets where something is missing. What only a GPU shows: ``test_gpu``."""

from collections.abc import Callable

import pytest
import torch

from xverse_chat.engine import making
from xverse_chat.engine.cpu.forward import CpuForward
from xverse_chat.engine.decoder import HostDecoder
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.transformers_forward import TransformersForward
from xverse_chat.engine.unavailable import KernelsUnavailableError
from xverse_chat.errors import MemoryShortageError
from xverse_chat.wording import Sentence, say


def decoder_of(model: XverseForCausalLM, note: Callable[[Sentence], None]) -> HostDecoder:
    decoder = making.make_decoder(model, quantization_bits=None, note=note)
    assert isinstance(decoder, HostDecoder)
    return decoder


@pytest.fixture
def on_gpu(model: XverseForCausalLM, monkeypatch: pytest.MonkeyPatch) -> XverseForCausalLM:
    """A model that says it lies on a GPU: all that is asked before anything is computed."""
    monkeypatch.setattr(XverseForCausalLM, "device", torch.device("cuda", 0))
    return model


def test_a_gpu_without_kernels_gets_the_plain_way_and_it_is_told_once(
    on_gpu: XverseForCausalLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(model: XverseForCausalLM, *, quantization_bits: int | None) -> None:
        raise KernelsUnavailableError(say("it is made of wood"))

    monkeypatch.setattr(making, "make_cuda_decoder", refuse)
    told: list[str] = []
    decoder = decoder_of(on_gpu, told.append)
    assert isinstance(decoder._forward, TransformersForward)
    assert decoder.capacity == on_gpu.config.max_position_embeddings
    assert told == ["Answers will be slower than they could be: it is made of wood."]


def test_a_gpu_without_memory_is_no_reason_for_the_plain_way(
    on_gpu: XverseForCausalLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs as much, and would fail later."""

    def refuse(model: XverseForCausalLM, *, quantization_bits: int | None) -> None:
        raise MemoryShortageError(say("full"))

    monkeypatch.setattr(making, "make_cuda_decoder", refuse)
    with pytest.raises(MemoryShortageError):
        decoder_of(on_gpu, lambda note: None)


def test_a_cpu_gets_the_kernels_without_a_word(model: XverseForCausalLM) -> None:
    told: list[str] = []
    assert isinstance(decoder_of(model, told.append)._forward, CpuForward)
    assert told == []


def test_a_model_with_hooks_on_a_cpu_gets_the_plain_way(model: XverseForCausalLM) -> None:
    model.model.layers[0].register_forward_hook(lambda *_: None)
    assert isinstance(decoder_of(model, lambda note: None)._forward, TransformersForward)
