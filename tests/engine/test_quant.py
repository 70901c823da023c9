import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from tests.engine.weights import KINDS, groups_of, matrix, restored, round_to_nearest
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

SCALES = [1e-44, 1e-42, 1e-25, 1e-6, 0.02, 1.0, 1e4, 1e30]
seeds = st.integers(0, 10**6)


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from(KINDS), st.sampled_from(SCALES))
def test_int8_is_at_most_half_a_scale_away(seed: int, kind: str, scale: float) -> None:
    weight = matrix(8, 128, seed, scale, kind)
    codes = quantize_int8(weight)
    error = (restored(codes) - weight.double()).abs()
    assert bool((error <= codes.scales.double() * 0.5001).all())
    is_spread = codes.values.int().abs().amax(dim=1) == 127
    assert bool(is_spread[weight.abs().amax(dim=1) > 1e-27].all())


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from(KINDS), st.sampled_from(SCALES))
def test_int4_is_at_most_half_a_scale_away_inside_the_clip(
    seed: int, kind: str, scale: float
) -> None:
    weight = matrix(8, 128, seed, scale, kind)
    codes = quantize_int4(weight)
    assert codes.zeros is not None
    assert int(codes.zeros.max()) <= 15
    scales = codes.scales.double().repeat_interleave(GROUP_SIZE, dim=1)
    zeros = codes.zeros.double().repeat_interleave(GROUP_SIZE, dim=1)
    clipped = weight.double().clamp(-zeros * scales, (15 - zeros) * scales)
    assert bool(((restored(codes) - clipped).abs() <= scales * 0.5001).all())


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from(KINDS), st.sampled_from([1e-12, 0.02, 1e12]))
def test_no_group_is_worse_than_rounded_to_nearest(seed: int, kind: str, scale: float) -> None:
    weight = matrix(16, 256, seed, scale, kind)
    exact = groups_of(weight)
    searched = (groups_of(restored(quantize_int4(weight))) - exact).square().sum(dim=-1)
    plain = (round_to_nearest(weight) - exact).square().sum(dim=-1)
    # A scale of float16 may be 2**-11 off the best one, which costs the square of that; sums of
    # float32, by which the search compares, add as much.
    allowed = exact.square().sum(dim=-1) * 2**-18
    assert bool((searched <= plain + allowed).all())


@pytest.mark.parametrize(
    ("kind", "most"),
    [("Gaussian", 0.915), ("Student t", 0.932), ("outliers", 0.936), ("one-sided", 0.922)],
)
def test_the_search_beats_rounding_to_nearest(kind: str, most: float) -> None:
    weight = matrix(512, 1024, kind=kind)
    exact = groups_of(weight)
    restored_weight = dequantize(quantize_int4(weight), torch.float64)
    searched = (groups_of(restored_weight) - exact).square().sum()
    plain = (round_to_nearest(weight) - exact).square().sum()
    assert float(searched / plain) < most


@pytest.mark.parametrize("kind", ["Gaussian", "Student t"])
def test_hardly_anything_is_left_to_gain(kind: str) -> None:
    weight = matrix(32, 512, kind=kind)
    exact = groups_of(weight)
    least = torch.full(exact.shape[:-1], torch.inf, dtype=torch.float64)
    for zero in range(16):
        for share in torch.linspace(0.05, 0.25, 60).tolist():
            scale = exact.abs().amax(dim=-1, keepdim=True) * share
            whole = (exact / scale).round().clamp(-zero, 15 - zero)
            products = (whole * exact).sum(dim=-1)
            gain = products.square() / whole.square().sum(dim=-1).clamp_min(1)
            least = torch.minimum(least, exact.square().sum(dim=-1) - gain)
    searched = (groups_of(restored(quantize_int4(weight))) - exact).square().sum()
    assert float(searched / least.sum()) < 1.008


@pytest.mark.parametrize("quantize", [quantize_int8, quantize_int4])
@pytest.mark.parametrize("value", [0.0, 1.5, -2.0, 1e-20, -1e20])
def test_a_matrix_of_one_value_is_kept(quantize: object, value: float) -> None:
    weight = torch.full((4, 64), value)
    codes = quantize(weight)  # type: ignore[operator]
    assert torch.allclose(restored(codes).float(), weight, rtol=2**-10, atol=0)
    assert bool((codes.scales > 0).all())


def test_a_range_wider_than_float32_is_bridged() -> None:
    weight = torch.tensor([3e38, -3e38]).repeat(4, 32)
    for codes in (quantize_int4(weight), quantize_int8(weight)):
        assert torch.allclose(restored(codes), weight.double(), rtol=0.08)


def test_groups_of_zeros_beside_others_are_kept() -> None:
    weight = matrix(8, 256)
    weight[:, :64] = 0
    weight[3] = 0
    for codes in (quantize_int4(weight), quantize_int8(weight)):
        assert bool((restored(codes)[weight == 0] == 0).all())
        assert bool(((codes.scales >= 2**-14) & (codes.scales <= 1)).all())


@pytest.mark.parametrize(("sign", "zero"), [(1, 0), (-1, 15)])
def test_a_group_on_one_side_spends_every_code_there(sign: int, zero: int) -> None:
    # Far from nothing: a zero point of -1 or 16 would be better, and is none.
    codes = quantize_int4(sign * (matrix(8, 64).abs() + 0.05))
    assert codes.zeros is not None
    assert bool((codes.zeros == zero).all())


@pytest.mark.parametrize("quantize", [quantize_int8, quantize_int4])
def test_scales_are_those_that_are_stored(quantize: object) -> None:
    scales = quantize(matrix(64, 512)).scales  # type: ignore[operator]
    assert torch.equal(scales, scales.half().float())


@pytest.mark.parametrize("quantize", [quantize_int8, quantize_int4])
@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_scales_outside_of_float16_keep_float32(quantize: object, scale: float) -> None:
    weight = matrix(64, 512)
    near, far = quantize(weight), quantize(weight * scale)  # type: ignore[operator]
    assert bool((far.scales > 0).all())
    assert bool(far.scales.isfinite().all())
    torch.testing.assert_close(far.scales, near.scales * scale, rtol=2**-10, atol=0)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(1, 40),
    st.sampled_from([64, 128, 320]),
    st.integers(1, 5000),
    st.sampled_from(KINDS),
)
@example(999, 320, 700, "Student t")  # torch.sum adds in another order there
def test_codes_do_not_depend_on_the_blocks(rows: int, columns: int, block: int, kind: str) -> None:
    weight = matrix(rows, columns, kind=kind)
    whole = [quantize_int8(weight), quantize_int4(weight)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xverse_chat.engine.quant._BLOCK_VALUES", block)
        patch.setattr("xverse_chat.engine.quant._SEARCH_VALUES", {})
        in_blocks = [quantize_int8(weight), quantize_int4(weight)]
    for one, other in zip(whole, in_blocks, strict=True):
        assert torch.equal(one.values, other.values)
        assert torch.equal(one.scales, other.scales)
        assert one.zeros is None or torch.equal(one.zeros, other.zeros)  # type: ignore[arg-type]


@pytest.mark.parametrize("quantize", [quantize_int8, quantize_int4])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_of_16_bits_give_the_codes_of_their_values(
    quantize: object, dtype: torch.dtype
) -> None:
    weight = matrix().to(dtype)
    one, other = quantize(weight), quantize(weight.float())  # type: ignore[operator]
    assert torch.equal(one.values, other.values)
    assert torch.equal(one.scales, other.scales)


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
    assert torch.allclose(linear(hidden).double(), expected, atol=1e-5)


def test_what_a_linear_holds_is_as_small_as_said() -> None:
    def size_bytes(linear: QuantizedLinear) -> int:
        return sum(part.numel() * part.element_size() for part in linear.buffers())

    weight = matrix(256, 1024)
    assert size_bytes(quantize_linear(weight, bits=8)) == 256 * 1024 + 256 * 4
    assert size_bytes(quantize_linear(weight, bits=4)) == 256 * 1024 // 2 + 256 * 16 * 5


def test_a_matrix_that_cannot_be_grouped_is_refused() -> None:
    with pytest.raises(EngineError, match="multiple of 64"):
        quantize_int4(matrix(4, 100))
