from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from tests.engine.cpu.matrices import exact, largest_error, plain, weight
from tests.engine.cpu.rounded import heavy_tailed
from xverse_chat.engine.cpu import torch_products
from xverse_chat.engine.cpu.nibbles import NibbleMatrix, pack_nibbles
from xverse_chat.engine.cpu.operators import (
    ByteWay,
    Operators,
    in_floats,
    in_operator,
    in_whole_numbers,
)
from xverse_chat.engine.cpu.products import Product
from xverse_chat.engine.cpu.torch_products import ByteProduct, ModuleProduct, make_torch_product
from xverse_chat.engine.packed_linear import PackedLinear
from xverse_chat.engine.quant import QuantizedLinear, joined_codes, quantize_linear
from xverse_chat.errors import UsageError

OPERATORS = Operators(in_operator, in_floats, in_whole_numbers, packs_nibbles=True)
BFLOAT16 = torch.finfo(torch.bfloat16).eps


def holder(linears: Sequence[nn.Module]) -> tuple[nn.Module, list[str]]:
    """Return a module that holds the linears, and their names in it."""
    model = nn.Module()
    names = [f"part{number}" for number in range(len(linears))]
    for name, linear in zip(names, linears, strict=True):
        model.add_module(name, linear)
    return model, names


def product_of(linears: Sequence[nn.Module], operators: Operators = OPERATORS) -> Product | None:
    return make_torch_product(*holder(linears), operators)


def codes(bits: int, *rows: int, columns: int = 192) -> list[QuantizedLinear]:
    return [quantize_linear(weight(count, columns, count), bits=bits) for count in rows]


@pytest.mark.parametrize("without_onednn", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("tokens", [1, 7])
def test_floats_are_multiplied_as_exactly_as_their_type(
    tokens: int, dtype: torch.dtype, without_onednn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_products, "_is_faster_without_onednn", lambda: without_onednn)
    linears = [plain(rows, 200, dtype, rows) for rows in (1, 70, 33)]
    product = product_of(linears)
    assert product is not None
    x = torch.randn(tokens, 200, generator=torch.Generator().manual_seed(1))
    got = product(x)
    assert (got.shape, got.dtype) == ((tokens, 104), torch.float32)
    matrix = torch.cat([linear.weight for linear in linears])
    eps = 8 * torch.finfo(torch.float32).eps if dtype == torch.float32 else torch.finfo(dtype).eps
    assert largest_error(got, x, matrix) < eps
    assert torch.backends.mkldnn.enabled


@pytest.mark.parametrize("tokens", [1, 15, 16, 40])
def test_bytes_are_multiplied_where_they_lie(tokens: int) -> None:
    linears = codes(8, 1, 37, 64)
    product = product_of(linears)
    assert isinstance(product, ByteProduct)
    x = heavy_tailed(tokens, 192, seed=tokens)
    assert largest_error(product(x), x, exact(linears)) < 1.5 * BFLOAT16
    linears[1].scales.zero_()
    assert not product(x)[:, 1:38].any()


def test_few_tokens_many_and_logits_have_ways_of_their_own() -> None:
    def failing(name: str) -> ByteWay:
        def fail(x: Tensor, values: Tensor, scales: Tensor) -> Tensor:
            raise AssertionError(name)

        return fail

    without_few = replace(OPERATORS, few=failing("few"))
    without_many = replace(OPERATORS, many=failing("many"))
    without_logits = replace(OPERATORS, logits=failing("logits"))

    (linear,) = codes(8, 32)
    model, names = nn.Module(), ["lm_head"]
    model.lm_head = linear
    few, many, logits = torch.ones(15, 192), torch.ones(16, 192), torch.ones(1, 192)
    for operators, name, fine, failed in (
        (without_few, "few", many, few),
        (without_many, "many", few, many),
    ):
        product = product_of([linear], operators)
        assert product is not None
        product(fine)
        with pytest.raises(AssertionError, match=name):
            product(failed)
    head = make_torch_product(model, names, without_logits)
    assert head is not None
    with pytest.raises(AssertionError, match="logits"):
        head(logits)


def test_nibbles_are_packed_once_and_shared_with_the_modules() -> None:
    linears = codes(4, 64, 32, 80)
    alone = [pack_nibbles(joined_codes([linear])) for linear in linears]
    model, names = holder(linears)
    product = make_torch_product(model, names, OPERATORS)
    assert isinstance(product, NibbleMatrix)
    x = heavy_tailed(3, 192, seed=0)
    assert torch.equal(product(x), torch.cat([part(x) for part in alone if part], dim=1))
    parts = [model.get_submodule(name) for name in names]
    assert all(isinstance(part, PackedLinear) and part.bits == 4 for part in parts)
    assert torch.equal(torch.cat([part(x) for part in parts], dim=1), product(x))
    assert parts[1](x.bfloat16().view(1, 3, 192)).shape == (1, 3, 32)
    assert parts[1](x.bfloat16()).dtype == torch.bfloat16
    assert list(model.buffers()) == []  # the codes are held by nobody now
    assert make_torch_product(model, names, OPERATORS) is product


def test_parts_of_a_packed_matrix_are_no_product() -> None:
    model, names = holder(codes(4, 64, 32))
    make_torch_product(model, names, OPERATORS)
    assert make_torch_product(model, names[:1], OPERATORS) is None


def test_packed_weights_stay_on_their_device_and_follow_no_type() -> None:
    model, names = holder(codes(4, 64))
    make_torch_product(model, names, OPERATORS)
    model.to(torch.bfloat16)
    with pytest.raises(UsageError, match="stays where it is"):
        model.to("meta")


@pytest.mark.parametrize("tokens", [1, 20])
def test_what_no_operator_takes_is_computed_by_the_modules(tokens: int) -> None:
    unaligned = codes(8, 24)
    moved = torch.empty(7 + 24 * 192, dtype=torch.int8)[7:].view(24, 192)
    unaligned[0].values = moved.copy_(unaligned[0].values)
    odd = [
        (codes(8, 24, columns=40), OPERATORS),
        (unaligned, OPERATORS),
        (codes(4, 40), OPERATORS),
        (codes(4, 64), replace(OPERATORS, packs_nibbles=False)),
    ]
    for linears, operators in odd:
        product = product_of(linears, operators)
        assert isinstance(product, ModuleProduct)
        x = heavy_tailed(tokens, linears[0].in_features, seed=tokens)
        assert largest_error(product(x), x, exact(linears)) < 1e-6


def test_what_is_no_plain_linear_is_left_to_the_plain_way() -> None:
    strided = plain(8, 128, torch.float32, 0)
    strided.weight = nn.Parameter(weight(128, 8, 0).T)
    odd: list[list[nn.Module]] = [
        [nn.Linear(128, 8)],  # has a bias
        [plain(8, 128, torch.float64, 0)],
        [strided],
        [plain(8, 128, torch.float32, 0).to("meta")],
        [plain(8, 128, torch.float32, 0), plain(8, 128, torch.float16, 0)],
        [*codes(4, 16), *codes(8, 16)],
        [*codes(4, 16), plain(16, 192, torch.float32, 0)],
        [nn.Sequential(plain(8, 128, torch.float32, 0))],
    ]
    assert [product_of(linears) for linears in odd] == [None] * len(odd)
