"""When a GPU gets no kernels, or a smaller cache: asked of a GPU that is only described."""

import pytest
import torch

from tests.engine.cuda.small import VOCAB, small_model
from xverse_chat.engine.cuda import making
from xverse_chat.engine.cuda.making import PREFILL_BYTES, kernel_fault, make_cuda_decoder
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.tuning import SHARED_LIMITS
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.unavailable import KernelsUnavailableError
from xverse_chat.errors import MemoryShortageError


def put_gpu(
    monkeypatch: pytest.MonkeyPatch, *, capability: tuple[int, int] = (9, 0), free: int = 2**34
) -> None:
    """Describe the GPU on which the model would lie."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 2 * free))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)


def shape_of(model: XverseForCausalLM, bits: int = 16) -> Shape:
    return Shape.of(model.config, bits=bits, head_bits=min(bits, 8), is_bfloat16=False)


def fault_of(model: XverseForCausalLM, bits: int = 16) -> str:
    return str(kernel_fault(model, shape_of(model, bits)))


@pytest.mark.parametrize("capability", SHARED_LIMITS)
def test_known_gpus_have_kernels(
    capability: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_gpu(monkeypatch, capability=capability)
    model = small_model()
    assert kernel_fault(model, shape_of(model)) is None


@pytest.mark.parametrize("capability", [(7, 5), (10, 0), (13, 0)])
def test_an_unknown_gpu_is_told_by_its_number(
    capability: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_gpu(monkeypatch, capability=capability)
    with pytest.raises(KernelsUnavailableError) as caught:
        make_cuda_decoder(small_model(), quantization_bits=None)
    assert "compute capability {}.{}".format(*capability) in caught.value.message


def test_models_that_the_kernels_are_not_made_for_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    put_gpu(monkeypatch)
    assert "not torch.float32" in fault_of(small_model(dtype=torch.float32))
    model = small_model()
    model.model.layers[1].mlp.up_proj.to("meta")
    assert "several devices" in fault_of(model)
    for name, value, told in (
        ("num_key_value_heads", 1, "grouped queries"),
        ("hidden_act", "gelu", "SiLU"),
        ("intermediate_size", 190, "widths of 128 and 190"),
        ("num_attention_heads", 4, "grouped queries"),
    ):
        model = small_model()
        setattr(model.config, name, value)
        assert told in fault_of(model)
    model = small_model()
    model.config.tie_word_embeddings = True
    assert "lm_head" in fault_of(model, bits=4)
    assert kernel_fault(model, shape_of(model)) is None
    model.model.rotary_emb.rope_type = "yarn"
    assert "of type yarn" in fault_of(model)


def test_a_gpu_that_starts_no_blocks_together_is_told_before_weights_are_packed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Alone:
        def __init__(self, code: bytes, device: torch.device) -> None:
            assert code == b"code"

        def starts_together(self) -> bool:
            return False

    put_gpu(monkeypatch)
    monkeypatch.setattr(making, "tuning_for", lambda device, *, heads: _Tuning())
    monkeypatch.setattr(making, "load_or_compile", lambda capability, defines: b"code")
    monkeypatch.setattr(making, "Program", Alone)
    model = small_model(bits=4)
    before = [type(part) for part in model.modules()]
    with pytest.raises(KernelsUnavailableError, match="cooperative launch"):
        make_cuda_decoder(model, quantization_bits=4)
    assert [type(part) for part in model.modules()] == before


class _Tuning:
    def defines(self) -> list[str]:
        return []


def test_the_cache_is_as_large_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model()
    assert model.config.vocab_size == VOCAB
    model.config.max_position_embeddings = 8192
    token_bytes = 2 * 2 * 128 * 2
    for tokens, expected in ((100_000, 8192), (8192, 8192), (8191, 7936), (2048, 2048)):
        put_gpu(monkeypatch, free=PREFILL_BYTES + tokens * token_bytes)
        assert making._fitting_capacity(model, shape_of(model)) == expected


@pytest.mark.parametrize("free", [0, PREFILL_BYTES, PREFILL_BYTES + 2047 * 1024])
def test_without_room_for_a_useful_context_it_is_told_what_to_do(
    free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_gpu(monkeypatch, free=free)
    model = small_model()
    model.config.max_position_embeddings = 8192
    with pytest.raises(MemoryShortageError, match=r"2048 tokens needs 0\.4 GB") as caught:
        making._fitting_capacity(model, shape_of(model))
    assert "--quant 4" in caught.value.hint
