import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from xverse_chat.engine.quant import (
    GROUP_SIZE,
    Codes,
    QuantizedLinear,
    dequantize,
    quantize_int4,
    quantize_int8,
    quantize_linear,
)
from xverse_chat.errors import EngineError


def matrix(rows: int = 48, columns: int = 256, seed: int = 0, scale: float = 0.02) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * scale


def unpack(codes: Codes) -> torch.Tensor:
    """Return the 4-bit codes (N, K), read nibble by nibble."""
    rows = [
        [part for byte in row for part in (byte & 15, byte >> 4)] for row in codes.values.tolist()
    ]
    return torch.tensor(rows, dtype=torch.float64)


def restored(codes: Codes) -> torch.Tensor:
    """Return the matrix in float64, computed from the description of the format."""
    if codes.zeros is None:
        return codes.values.double() * codes.scales.double()
    zeros = codes.zeros.double().repeat_interleave(GROUP_SIZE, dim=1)
    scales = codes.scales.double().repeat_interleave(GROUP_SIZE, dim=1)
    return (unpack(codes) - zeros) * scales


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1e-6, 0.02, 1.0, 1e4]))
def test_int8_is_at_most_half_a_scale_away(seed: int, scale: float) -> None:
    weight = matrix(8, 128, seed, scale)
    codes = quantize_int8(weight)
    error = (restored(codes) - weight.double()).abs()
    assert bool((error <= codes.scales.double() * 0.5001).all())
    assert torch.equal(codes.scales[:, 0], weight.abs().amax(dim=1) / 127)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1e-6, 0.02, 1.0, 1e4]))
def test_int4_is_at_most_half_a_scale_away_inside_the_clip(seed: int, scale: float) -> None:
    weight = matrix(8, 128, seed, scale)
    codes = quantize_int4(weight)
    assert codes.zeros is not None
    scales = codes.scales.double().repeat_interleave(GROUP_SIZE, dim=1)
    zeros = codes.zeros.double().repeat_interleave(GROUP_SIZE, dim=1)
    low, high = -zeros * scales, (15 - zeros) * scales
    clipped = weight.double().clamp(low, high)
    assert bool(((restored(codes) - clipped).abs() <= scales * 0.5001).all())


def test_the_clip_search_beats_rounding_to_nearest() -> None:
    weight = matrix(64, 512)
    groups = weight.double().view(64, -1, GROUP_SIZE)
    low = groups.amin(-1, keepdim=True).clamp_max(0)
    high = groups.amax(-1, keepdim=True).clamp_min(0)
    scale = (high - low) / 15
    zero = (-low / scale).round()
    nearest = ((groups / scale + zero).round().clamp(0, 15) - zero) * scale
    plain = (nearest - groups).square().sum()
    searched = (restored(quantize_int4(weight)) - weight.double()).square().sum()
    assert float(searched / plain) < 0.97


def test_no_clip_of_the_24_would_have_been_better() -> None:
    weight = matrix(4, 64, seed=3)
    got = (restored(quantize_int4(weight)) - weight.double()).square().sum(dim=1)
    block = weight.double()
    low, high = block.amin(1, keepdim=True), block.amax(1, keepdim=True)
    for step in range(24):
        clip = 1.0 - 0.4 * step / 23
        scale = (high - low) * clip / 15
        zero = (-low * clip / scale).round().clamp(0, 15)
        other = ((block / scale + zero).round().clamp(0, 15) - zero) * scale
        assert bool((got <= (other - block).square().sum(dim=1) * 1.0001).all())


@pytest.mark.parametrize("quantize", [quantize_int8, quantize_int4])
@pytest.mark.parametrize("value", [0.0, 1.5, -2.0])
def test_a_matrix_of_one_value_is_kept(quantize: object, value: float) -> None:
    weight = torch.full((4, 64), value)
    codes = quantize(weight)  # type: ignore[operator]
    assert torch.allclose(restored(codes).float(), weight, rtol=0.01)


@pytest.mark.parametrize("quantize", [quantize_int8, quantize_int4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_dequantizing_gives_what_the_format_describes(quantize: object, dtype: torch.dtype) -> None:
    codes = quantize(matrix())  # type: ignore[operator]
    expected = restored(codes)
    error = (dequantize(codes, dtype).double() - expected).abs()
    assert bool((error <= expected.abs() * 2 * torch.finfo(dtype).eps + 1e-7).all())


@pytest.mark.parametrize("bits", [4, 8])
def test_the_linear_computes_with_the_restored_weights(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight, hidden = matrix(100, 256), matrix(3, 256, seed=9, scale=1.0)
    linear = quantize_linear(weight, bits=bits)
    codes = Codes(linear.values, linear.scales, linear.zeros)
    expected = functional.linear(hidden.double(), restored(codes))
    assert torch.allclose(linear(hidden).double(), expected, atol=1e-5)
    monkeypatch.setattr("xverse_chat.engine.quant._BLOCK_VALUES", 256 * 7)
    in_blocks = quantize_linear(weight, bits=bits)
    assert torch.equal(in_blocks.values, linear.values)
    assert torch.allclose(in_blocks(hidden).double(), expected, atol=1e-5)


def test_what_a_linear_holds_is_as_small_as_said() -> None:
    def size_bytes(linear: QuantizedLinear) -> int:
        return sum(part.numel() * part.element_size() for part in linear.buffers())

    weight = matrix(256, 1024)
    assert size_bytes(quantize_linear(weight, bits=8)) == 256 * 1024 + 256 * 4
    assert size_bytes(quantize_linear(weight, bits=4)) == 256 * 1024 // 2 + 256 * 16 * 5


def test_a_matrix_that_cannot_be_grouped_is_refused() -> None:
    with pytest.raises(EngineError, match="multiple of 64"):
        quantize_int4(matrix(4, 100))
