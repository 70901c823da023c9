"""Products of torch's own operators, for machines where the kernels cannot be compiled."""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor, nn

from xverse_chat.engine.cpu.nibbles import pack_nibbles, shared_matrix
from xverse_chat.engine.cpu.operators import MANY_TOKENS, ByteWay, Operators, first_fast
from xverse_chat.engine.cpu.products import Product, known_linears, multiply_many
from xverse_chat.engine.packed_linear import put_packed
from xverse_chat.engine.quant import QuantizedLinear, joined_codes

# The operator for 8-bit codes reads vectors of so many bytes from where they must begin.
_ALIGNED_BYTES = 32


class FloatProduct:
    """A ``Product`` of floats, where they lie. In 16 bits activations are rounded to their type."""

    def __init__(self, linears: Sequence[nn.Linear]) -> None:
        self._weights = [linear.weight.detach() for linear in linears]
        self._rows = sum(map(len, self._weights))

    def __call__(self, x: Tensor) -> Tensor:
        """Return (T, sum of N) float32 for ``x`` (T, K), contiguous float32."""
        if len(x) == 1:
            row = x[0].to(self._weights[0].dtype)
            return torch.cat([_multiply_one(weight, row) for weight in self._weights]).float()[None]
        out = torch.empty(len(x), self._rows)
        first = 0
        for weight in self._weights:
            multiply_many(x, weight, out[:, first : first + len(weight)])
            first += len(weight)
        return out


class ByteProduct:
    """A ``Product`` of 8-bit codes, where they lie, with ways for few tokens and for many."""

    def __init__(self, linears: Sequence[QuantizedLinear], few: ByteWay, many: ByteWay) -> None:
        self._linears = linears
        self._few = few
        self._many = many

    def __call__(self, x: Tensor) -> Tensor:
        """Return (T, sum of N) float32 for ``x`` (T, K), contiguous float32."""
        multiply = self._many if len(x) >= MANY_TOKENS else self._few
        parts = [multiply(x, linear.values, linear.scales) for linear in self._linears]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


class ModuleProduct:
    """A ``Product`` of modules as they are."""

    def __init__(self, linears: Sequence[nn.Module]) -> None:
        self._linears = linears

    def __call__(self, x: Tensor) -> Tensor:
        """Return (T, sum of N) float32 for ``x`` (T, K), contiguous float32."""
        return torch.cat([linear(x) for linear in self._linears], dim=1)


def make_torch_product(
    model: nn.Module, names: Sequence[str], operators: Operators
) -> Product | None:
    """Return the product for the linears ``names`` of one kind and width, or None for others.

    Codes of 4 bits are packed, and the modules replaced by such as share the packed ones.
    """
    linears = [model.get_submodule(name) for name in names]
    if (matrix := shared_matrix(linears)) is not None:
        return matrix
    known = known_linears(linears)
    if known is None:
        return None
    plain = [linear for linear in known if isinstance(linear, nn.Linear)]
    if plain:
        return FloatProduct(plain)
    quantized = [linear for linear in known if isinstance(linear, QuantizedLinear)]
    if quantized[0].bits == 8:
        if not all(_is_aligned(linear.values) for linear in quantized):
            return ModuleProduct(quantized)
        few = operators.logits if names == ["lm_head"] else operators.few
        return ByteProduct(quantized, few, operators.many)
    if not operators.packs_nibbles:
        return ModuleProduct(quantized)
    matrix = pack_nibbles(joined_codes(quantized))
    if matrix is None:
        return ModuleProduct(quantized)
    put_packed(model, names, matrix)
    return matrix


def _is_aligned(values: Tensor) -> bool:
    return values.data_ptr() % _ALIGNED_BYTES == 0 and values.shape[1] % _ALIGNED_BYTES == 0


def _multiply_one(weight: Tensor, row: Tensor) -> Tensor:
    """Return (N,) of ``weight`` (N, K) and ``row`` (K,), of one type."""
    if weight.dtype == torch.bfloat16 and _is_faster_without_onednn():
        return _multiply_without_onednn(weight, row)
    return torch.mv(weight, row)


def _multiply_without_onednn(weight: Tensor, row: Tensor) -> Tensor:
    is_enabled = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        return torch.mv(weight, row)
    finally:
        torch._C._set_mkldnn_enabled(is_enabled)


@cache
def _is_faster_without_onednn() -> bool:
    """Tell whether torch's own product with one row of bfloat16 is the faster one.

    Where oneDNN has instructions for bfloat16 torch leaves it that product too, and it takes 1.6
    times as long: it is made for many rows.
    """
    weight, row = torch.ones(2048, 1024).bfloat16(), torch.ones(1024).bfloat16()
    ways: list[Callable[[Tensor, Tensor], Tensor]] = [torch.mv, _multiply_without_onednn]
    return first_fast(ways, lambda way: way(weight, row)) is _multiply_without_onednn
