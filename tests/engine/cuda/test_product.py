"""Matrices times vectors against float64, at every width of the models, in every precision."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.engine.cuda.emulator import Emulator
from xverse_chat.engine.cuda.layout import UNIT_COLUMNS, DeviceMatrix, pack, plain_matrix, unpack
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.quant import quantize_int4, quantize_int8

# hidden and intermediate size of the demo model, 7B, 13B and 65B.
WIDTHS = [384, 1024, 4096, 11008, 5120, 13824, 8192, 22016]
# The rows of a real matrix are all alike: 48 stand for them.
ROWS = 48


def shape_of(width: int, bits: int, dtype: torch.dtype = torch.float16) -> Shape:
    return Shape(64, width, 1, 1, 16, 1e-6, bits, bits, dtype == torch.bfloat16)


def make_matrix(width: int, bits: int, dtype: torch.dtype) -> DeviceMatrix:
    """Return random weights with heavy tails."""
    generator = torch.Generator().manual_seed(width)
    weight = torch.randn(ROWS, width, generator=generator) * 0.02
    weight /= torch.rand(ROWS, width, generator=generator).clamp_min(0.02).sqrt()
    if bits == 16:
        return plain_matrix(weight.to(dtype))
    return pack((quantize_int8 if bits == 8 else quantize_int4)(weight))


def inputs(width: int) -> Tensor:
    """Return activations as models have them: a few are a hundred times as large as the rest."""
    generator = torch.Generator().manual_seed(width + 1)
    x = torch.randn(width, generator=generator)
    x[torch.randint(0, width, (3,), generator=generator)] *= 100
    return x


def multiply(emulator: Emulator, matrix: DeviceMatrix, x: Tensor) -> Tensor:
    out = torch.full((ROWS,), torch.nan)
    emulator.launch(
        "product_alone",
        blocks=1,
        threads=256,
        arguments=[matrix.weights, x, out, ROWS],
        shared_bytes=600_000,
    )
    return out if matrix.scales is None else out * matrix.scales


def largest_error(result: Tensor, matrix: DeviceMatrix, x: Tensor, bits: int = 0) -> float:
    """Return the largest error of a row, in standard deviations of what rounding ``x`` may do.

    8 and 4 bits: each unit is rounded to 1 / 32639 of its largest value. Else to ``bits`` bits.
    """
    weight, exact = unpack(matrix, torch.float64), x.double()
    if matrix.bits == 16:
        steps = exact.abs() * 2.0**-bits
    else:
        unit = UNIT_COLUMNS[matrix.bits]
        steps = (exact.view(-1, unit).abs().amax(1) / 32639).repeat_interleave(unit)
    deviation = (weight.square() @ steps.square() / 12).sqrt() + 1e-12
    return float(((result.double() - weight @ exact).abs() / deviation).max())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("bits", "dtype", "kept_bits"),
    [
        (16, torch.float16, 10),
        (16, torch.bfloat16, 7),
        (8, torch.float16, 0),
        (4, torch.float16, 0),
    ],
)
def test_a_product_is_exact_but_for_the_rounding_of_its_inputs(
    width: int,
    bits: int,
    dtype: torch.dtype,
    kept_bits: int,
    emulate_products: Callable[[Shape], Emulator],
) -> None:
    matrix, x = make_matrix(width, bits, dtype), inputs(width)
    result = multiply(emulate_products(shape_of(width, bits, dtype)), matrix, x)
    assert largest_error(result, matrix, x, kept_bits) < 6


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e8])
def test_inputs_of_any_size_lose_nothing(
    size: float, bits: int, emulate_products: Callable[[Shape], Emulator]
) -> None:
    matrix, x = make_matrix(1024, bits, torch.float16), inputs(1024) * size
    result = multiply(emulate_products(shape_of(1024, bits)), matrix, x)
    assert largest_error(result, matrix, x) < 6


@pytest.mark.parametrize("bits", [8, 4])
def test_a_product_of_zeros_is_zero(
    bits: int, emulate_products: Callable[[Shape], Emulator]
) -> None:
    matrix = make_matrix(1024, bits, torch.float16)
    result = multiply(emulate_products(shape_of(1024, bits)), matrix, torch.zeros(1024))
    assert result.eq(0).all()


def test_the_reference_of_the_test_can_fail(
    emulate_products: Callable[[Shape], Emulator],
) -> None:
    matrix, x = make_matrix(1024, 4, torch.float16), inputs(1024)
    matrix.weights[0, 0] ^= 8
    result = multiply(emulate_products(shape_of(1024, 4)), matrix, x)
    matrix.weights[0, 0] ^= 8
    assert largest_error(result, matrix, x) > 6
