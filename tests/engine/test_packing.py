import pytest
import torch
from compressed_tensors.compressors.pack_quantized.base import PackedQuantizationCompressor
from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checkpoint.test_quantization import config_of
from xverse_chat.checkpoint.quantization import quantization_config
from xverse_chat.engine import packing
from xverse_chat.engine.packing import pack, quantized_parts, scale_dtype, unpack
from xverse_chat.engine.quant import Codes, dequantize, quantize_int4, quantize_int8
from xverse_chat.errors import EngineError

NAME = "model.layers.0.mlp.up_proj.weight"
# A row count that is no multiple of 8 leaves a word of zero points half full.
SHAPES = [(5120, 384), (384, 1024), (100, 128), (3, 64), (9, 192)]


def codes_of(shape: tuple[int, int], bits: int) -> Codes:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(shape[0])) * 0.05
    return quantize_int4(weight) if bits == 4 else quantize_int8(weight)


def unpacked(parts: dict[str, torch.Tensor]) -> Codes:
    return unpack(parts[NAME + "_packed"], parts[NAME + "_scale"], parts.get(NAME + "_zero_point"))


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("shape", SHAPES)
def test_codes_come_back_as_they_were(shape: tuple[int, int], bits: int) -> None:
    codes = codes_of(shape, bits)
    found = unpacked(pack(NAME, codes))
    assert torch.equal(found.values, codes.values)
    assert found.values.dtype == codes.values.dtype
    if codes.zeros is None:
        assert found.zeros is None
    else:
        assert found.zeros is not None
        assert torch.equal(found.zeros, codes.zeros)
        assert found.zeros.dtype == torch.uint8
    assert found.scales.dtype == torch.float32
    assert torch.equal(found.scales, codes.scales)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("shape", SHAPES)
def test_compressed_tensors_reads_the_same_weights(shape: tuple[int, int], bits: int) -> None:
    parts = pack(NAME, codes_of(shape, bits))
    groups = quantization_config(config_of(), bits)["config_groups"]
    arguments = list(groups.values())[-1]["weights"]
    scheme = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(**arguments))
    local = {name.removeprefix(NAME.removesuffix("weight")): part for name, part in parts.items()}
    local["weight_scale"] = local["weight_scale"].float()
    theirs = PackedQuantizationCompressor.decompress(local, scheme)["weight"]
    assert torch.equal(theirs, dequantize(unpacked(parts), torch.float32))


def test_zero_points_are_packed_along_the_rows() -> None:
    codes = codes_of((100, 128), 4)
    assert codes.zeros is not None
    packed = pack(NAME, codes)[NAME + "_zero_point"]
    theirs = unpack_from_int32(packed, 4, torch.Size((100, 2)), packed_dim=0)
    assert torch.equal(theirs + 8, codes.zeros.to(torch.int8))


@settings(deadline=None, max_examples=30)
@given(rows=st.integers(1, 40), groups=st.integers(1, 3), seed=st.integers(0, 99))
def test_any_code_and_zero_point_survives(rows: int, groups: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(0, 256, (rows, groups * 32), generator=generator, dtype=torch.uint8)
    zeros = torch.randint(0, 16, (rows, groups), generator=generator, dtype=torch.uint8)
    found = unpacked(pack(NAME, Codes(values, torch.ones(rows, groups), zeros)))
    assert found.zeros is not None
    assert torch.equal(found.values, values)
    assert torch.equal(found.zeros, zeros)


def test_scales_are_float16_where_it_reaches_and_bfloat16_elsewhere() -> None:
    assert scale_dtype(torch.tensor([0.001, 0.02])) == torch.float16
    assert scale_dtype(torch.tensor([1e-30, 0.02])) == torch.float16  # the small ones do not count
    assert scale_dtype(torch.tensor([1e-30, 1e-6])) == torch.bfloat16
    assert scale_dtype(torch.tensor([1e6, 0.02])) == torch.bfloat16


@pytest.mark.parametrize("bits", [4, 8])
def test_a_row_of_tiny_weights_spoils_no_other(bits: int) -> None:
    weight = torch.randn(16, 128)
    weight[5] *= 1e-9
    codes = quantize_int4(weight) if bits == 4 else quantize_int8(weight)
    found = dequantize(unpacked(pack(NAME, codes)), torch.float32)
    assert torch.allclose(found, dequantize(codes, torch.float32), rtol=0, atol=1e-6)


def test_rows_that_do_not_fill_words_are_refused() -> None:
    with pytest.raises(EngineError, match="6 columns: a quantized folder needs a multiple of 4"):
        pack(NAME, quantize_int8(torch.randn(8, 6)))


def test_only_linears_are_quantized() -> None:
    weight = torch.randn(512, 128)
    for name in ("model.embed_tokens.weight", "model.norm.weight"):
        assert quantized_parts(name, weight, config_of(), bits=4)[name] is weight
    head = quantized_parts("lm_head.weight", weight, config_of(), bits=4)
    assert head["lm_head.weight_packed"].shape == (512, 32)


def test_a_gpu_without_room_leaves_the_work_to_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    quantize, calls = packing._quantize, [0]

    def full_once(weight: torch.Tensor, bits: int) -> Codes:
        calls[0] += 1
        if calls[0] == 1:
            raise torch.OutOfMemoryError
        return quantize(weight, bits)

    monkeypatch.setattr(packing, "_quantize", full_once)
    assert quantized_parts(NAME, torch.randn(8, 64), config_of(), bits=4)
    assert calls == [2]
