"""Matrix-vector kernels against float64, at every width of the models."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.engine.cuda.emulator import Emulator
from xverse_chat.engine.cuda.layout import DeviceMatrix, pack, plain_matrix, unpack
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.quant import quantize_int4, quantize_int8

EPS = 1e-6
WIDTHS = {"demo": (384, 1024), "7B": (4096, 11008), "13B": (5120, 13824), "65B": (8192, 22016)}
THREADS = 256
DTYPES = [torch.float16, torch.bfloat16]


def shape_of(
    hidden: int, intermediate: int, bits: int, dtype: torch.dtype, vocab: int = 40
) -> Shape:
    heads = hidden // (64 if hidden < 1024 else 128)
    head_bits = 16 if bits == 16 else 8
    return Shape(
        hidden, intermediate, 2, heads, vocab, EPS, bits, head_bits, dtype == torch.bfloat16
    )


def make_weight(rows: int, columns: int, dtype: torch.dtype, *, heavy: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(rows * columns)
    weight = torch.randn(rows, columns, generator=generator) * 0.02
    if heavy:
        weight = weight / torch.rand(rows, columns, generator=generator).clamp_min(0.02).sqrt()
    return weight.to(dtype)


def make_matrix(weight: Tensor, bits: int, *, is_gated: bool = False) -> DeviceMatrix:
    if bits == 16:
        return plain_matrix(weight, is_gated=is_gated)
    quantize = quantize_int8 if bits == 8 else quantize_int4
    return pack(quantize(weight), is_gated=is_gated)


def normed(hidden: Tensor, gain: Tensor) -> Tensor:
    x = hidden.double()
    return x * torch.rsqrt(x.square().mean() + EPS) * gain.double()


def rows_of(matrix: DeviceMatrix) -> Tensor:
    return unpack(matrix, torch.float64)


def close(result: Tensor, expected: Tensor, x: Tensor, weight: Tensor, dtype: torch.dtype) -> None:
    """Rounding x to 11 bits (8 for bfloat16 weights) is the only loss: bound it by |W| |x|."""
    bits = 8 if dtype == torch.bfloat16 else 11
    bound = (weight.abs() @ x.abs()) * 2.0**-bits / x.numel() ** 0.5 * 4 + 1e-6
    assert ((result.double() - expected).abs() <= bound).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", [16, 8, 4])
@pytest.mark.parametrize("model", WIDTHS)
def test_down_adds_its_product_to_hidden(
    model: str, bits: int, dtype: torch.dtype, emulate: Callable[[Shape], Emulator]
) -> None:
    _, columns = WIDTHS[model]
    # The rows of a real matrix are all alike: 64 stand for them.
    weight = make_weight(64, columns, dtype, heavy=True)
    shape = shape_of(64, columns, bits, dtype)
    matrix = make_matrix(weight, bits)
    x = torch.randn(columns, generator=torch.Generator().manual_seed(1)).to(dtype)
    hidden = torch.randn(64)
    before = hidden.clone()
    emulate(shape).launch("down_gemv", grid=(2, 1), threads=THREADS, arguments=[matrix, x, hidden])
    weight64 = rows_of(matrix)
    expected = before.double() + weight64 @ x.double()
    close(hidden, expected, x.double(), weight64, dtype if bits == 16 else torch.float16)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", [16, 8, 4])
@pytest.mark.parametrize("model", ["demo"])
def test_qkv_multiplies_the_normalised_hidden(
    model: str, bits: int, dtype: torch.dtype, emulate: Callable[[Shape], Emulator]
) -> None:
    size, intermediate = WIDTHS[model]
    shape = shape_of(size, intermediate, bits, dtype)
    matrix = make_matrix(make_weight(3 * size, size, dtype), bits)
    hidden, gain = torch.randn(size) * 3, torch.rand(size).to(dtype)
    out = torch.full((3 * size,), torch.nan)
    emulate(shape).launch(
        "qkv_gemv", grid=(5, 1), threads=THREADS, arguments=[matrix, hidden, gain, out]
    )
    x, weight = normed(hidden, gain), rows_of(matrix)
    close(out, weight @ x, x, weight, dtype if bits == 16 else torch.float16)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", [16, 8, 4])
def test_gate_and_up_meet_in_one_lane(
    bits: int, dtype: torch.dtype, emulate: Callable[[Shape], Emulator]
) -> None:
    size, intermediate = WIDTHS["demo"]
    shape = shape_of(size, intermediate, bits, dtype)
    weight = make_weight(2 * intermediate, size, dtype)
    matrix = make_matrix(weight, bits, is_gated=True)
    hidden, gain = torch.randn(size), torch.rand(size).to(dtype)
    out = torch.full((intermediate,), torch.nan, dtype=dtype)
    emulate(shape).launch(
        "gate_up_gemv", grid=(3, 1), threads=THREADS, arguments=[matrix, hidden, gain, out]
    )
    x = normed(hidden, gain)
    gate, up = (rows_of(matrix) @ x).chunk(2)
    expected = gate * torch.sigmoid(gate) * up
    tolerance = 2e-2 if dtype == torch.bfloat16 else 3e-3
    torch.testing.assert_close(out.double(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("bits", [16, 8])
def test_a_vocabulary_that_fills_no_tile_is_written_to_its_end_and_no_further(
    bits: int, emulate: Callable[[Shape], Emulator]
) -> None:
    vocab, size = 100_534 % 1000, 384  # 534 rows: the last tile has 6, as with 100,534
    shape = shape_of(size, 1024, bits, torch.float16, vocab)
    matrix = make_matrix(make_weight(vocab, size, torch.float16), bits)
    hidden, gain = torch.randn(size), torch.ones(size, dtype=torch.float16)
    logits = torch.full((vocab + 16,), torch.nan)
    emulate(shape).launch(
        "head_gemv", grid=(4, 1), threads=THREADS, arguments=[matrix, hidden, gain, logits]
    )
    x, weight = normed(hidden, gain), rows_of(matrix)
    close(logits[:vocab], weight @ x, x, weight, torch.float16)
    assert logits[vocab:].isnan().all()


def test_activations_beyond_float16_do_not_overflow(emulate: Callable[[Shape], Emulator]) -> None:
    shape = shape_of(64, 1024, 4, torch.bfloat16)
    matrix = make_matrix(make_weight(64, 1024, torch.bfloat16), 4)
    x = (torch.randn(1024) * 1e6).to(torch.bfloat16)
    hidden = torch.zeros(64)
    emulate(shape).launch("down_gemv", grid=(1, 1), threads=THREADS, arguments=[matrix, x, hidden])
    weight = rows_of(matrix)
    close(hidden, weight @ x.double(), x.double(), weight, torch.float16)
