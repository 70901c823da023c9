from collections.abc import Sequence

import pytest
import torch
from torch import nn

from tests.engine.cpu.matrices import exact, largest_error, plain, weight
from tests.engine.cpu.rounded import heavy_tailed, rounded
from xverse_chat.engine.cpu.compiler import load_library
from xverse_chat.engine.cpu.kernel_products import KernelProduct, make_kernel_product
from xverse_chat.engine.cpu.library import Kernels
from xverse_chat.engine.quant import Codes, QuantizedLinear, quantize_linear


@pytest.fixture(scope="module", params=["-march=native", "-mavx2 -mfma -mf16c"])
def kernels(request: pytest.FixtureRequest) -> Kernels:
    """For this processor, and for one that has AVX2 and nothing newer."""
    return Kernels(load_library(request.param.split()))


def product_of(kernels: Kernels, linears: Sequence[nn.Module]) -> KernelProduct:
    product = make_kernel_product(kernels, linears)
    assert product is not None
    return product


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("tokens", [1, 2, 5, 33])
def test_codes_are_multiplied_with_rounded_activations(
    bits: int, tokens: int, kernels: Kernels
) -> None:
    linears = [quantize_linear(weight(rows, 192, rows), bits=bits) for rows in (1, 37, 64)]
    x = heavy_tailed(tokens, 192, seed=tokens)
    x[0, :64] = 0
    got = product_of(kernels, linears)(x)
    # Sums of three groups in float32, of scales and steps that are float32 as well.
    assert largest_error(got, rounded(x), exact(linears)) < 5 * torch.finfo(torch.float32).eps


@pytest.mark.parametrize("bits", [4, 8])
def test_rounding_the_activations_costs_little(bits: int, kernels: Kernels) -> None:
    linears = [quantize_linear(weight(256, 1024, 0), bits=bits)]
    x = torch.randn(9, 1024, generator=torch.Generator().manual_seed(0))
    expected = x.double() @ exact(linears).T
    error = (product_of(kernels, linears)(x) - expected).square().sum()
    # Half a step of a 127th of the largest of 64 Gaussian values, evenly spread: (2.8/127)²/12.
    assert float(error / expected.square().sum()) < 5e-5


@pytest.mark.parametrize("bits", [4, 8])
def test_a_token_gets_the_same_bits_alone_and_among_others(bits: int, kernels: Kernels) -> None:
    linears = [quantize_linear(weight(rows, 256, rows), bits=bits) for rows in (61, 24)]
    product = product_of(kernels, linears)
    x = heavy_tailed(11, 256, seed=4)
    together = product(x)
    for token in range(len(x)):
        assert torch.equal(product(x[token : token + 1]), together[token : token + 1])


def test_the_largest_codes_and_activations_do_not_overflow(kernels: Kernels) -> None:
    for value, zeros in ((-128, None), (127, None), (255, 0), (255, 15), (0, 15)):
        rows, columns = 9, 11008
        if zeros is None:
            values = torch.full((rows, columns), value, dtype=torch.int8)
            codes = Codes(values, torch.ones(rows, 1), None)
        else:
            values = torch.full((rows, columns // 2), value, dtype=torch.uint8)
            groups = rows, columns // 64
            codes = Codes(values, torch.ones(groups), torch.full(groups, zeros).to(torch.uint8))
        linears = [QuantizedLinear(codes)]
        for x in (torch.full((1, columns), -3.0), torch.full((5, columns), 3.0)):
            got = product_of(kernels, linears)(x)
            assert largest_error(got, x, exact(linears)) < 1e-5


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("place", [0, 70, 127])
@pytest.mark.parametrize("tokens", [1, 3])
@pytest.mark.parametrize("bits", [4, 8])
def test_what_is_no_number_does_not_vanish_in_the_rounding(
    bits: int, tokens: int, place: int, value: float, kernels: Kernels
) -> None:
    product = product_of(kernels, [quantize_linear(weight(8, 128, 0), bits=bits)])
    x = torch.ones(tokens, 128)
    x[-1, place] = value
    got = product(x)
    assert not got[-1].isfinite().any()
    assert got[:-1].isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_one_row_of_plain_weights_is_multiplied_in_float32(
    dtype: torch.dtype, kernels: Kernels
) -> None:
    linears = [plain(rows, 200, dtype, rows) for rows in (1, 70, 33)]
    x = heavy_tailed(1, 200, seed=1)
    got = product_of(kernels, linears)(x)
    matrix = torch.cat([linear.weight for linear in linears])
    assert largest_error(got, x, matrix) < 200 / 32 * torch.finfo(torch.float32).eps


@pytest.mark.parametrize("has_bf16", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_many_rows_of_plain_weights_are_as_exact_as_their_type(
    dtype: torch.dtype, has_bf16: bool, kernels: Kernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xverse_chat.engine.cpu.products.multiplies_bfloat16", lambda: has_bf16)
    linears = [plain(rows, 72, dtype, rows) for rows in (300, 33)]
    x = heavy_tailed(7, 72, seed=1)
    got = product_of(kernels, linears)(x)
    matrix = torch.cat([linear.weight for linear in linears])
    # Activations and results in bfloat16 where the processor multiplies those.
    is_rounded = dtype == torch.bfloat16 and has_bf16
    eps = torch.finfo(torch.bfloat16 if is_rounded else torch.float32).eps
    assert largest_error(got, x, matrix) < (1 if is_rounded else 72) * eps


def test_what_the_kernels_cannot_take_is_left_to_the_plain_way(kernels: Kernels) -> None:
    quantized = quantize_linear(weight(8, 128, 0), bits=4)
    strided = plain(8, 128, torch.float32, 0)
    strided.weight = nn.Parameter(weight(128, 8, 0).T)
    odd: list[list[nn.Module]] = [
        [nn.Linear(128, 8)],  # has a bias
        [plain(8, 100, torch.float32, 0)],
        [plain(8, 128, torch.float64, 0)],
        [strided],
        [plain(8, 128, torch.float32, 0).to("meta")],
        [plain(8, 128, torch.float32, 0), plain(8, 128, torch.float16, 0)],
        [quantize_linear(weight(8, 96, 0), bits=8)],
        [quantized, quantize_linear(weight(8, 128, 0), bits=8)],
        [quantized, plain(8, 128, torch.float32, 0)],
        [nn.Sequential(plain(8, 128, torch.float32, 0))],
    ]
    assert [make_kernel_product(kernels, linears) for linears in odd] == [None] * len(odd)
