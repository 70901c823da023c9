"""Linears that share their input, multiplied where their weights lie: nothing is copied or packed.

So the transformers modules go on computing with the same memory, and mapped files stay mapped.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from xverse_chat.engine.cpu.library import KINDS, Kernels, MatrixAddress, ProductAddress
from xverse_chat.engine.quant import GROUP_SIZE, QuantizedLinear

_LANES = 8
# Rows that are made float32 at once: they stay in the cache until they are multiplied.
_BLOCK_ROWS = 256


Multiplied = nn.Linear | QuantizedLinear


class Product:
    """One to three matrices (N, K) side by side, of codes or of floats.

    Codes are multiplied with activations rounded to 8 bits in groups of 64, one token or many
    alike. Floats with one token are the kernel's, with many a library's GEMM.
    """

    def __init__(self, kernels: Kernels, linears: Sequence[Multiplied]) -> None:
        self._kernels = kernels
        self._linears = linears  # they own the memory
        self.address = ProductAddress(_kind(linears[0]), len(linears), linears[0].in_features)
        for number, linear in enumerate(linears):
            self.address.matrices[number] = _address(linear)

    @property
    def is_float32(self) -> bool:
        """Whether the weights are in full precision."""
        return bool(self.address.kind == KINDS[torch.float32])

    def __call__(self, x: Tensor) -> Tensor:
        """Return (T, sum of N) float32 for ``x`` (T, K), contiguous float32."""
        plain = [linear for linear in self._linears if isinstance(linear, nn.Linear)]
        if len(x) == 1 or not plain:
            return self._kernels.multiply(self.address, x)
        out = torch.empty(len(x), self.address.rows)
        first = 0
        for linear in plain:
            end = first + linear.out_features
            _multiply_many(x, linear.weight.detach(), out[:, first:end])
            first = end
        return out


def make_product(kernels: Kernels, linears: Sequence[nn.Module]) -> Product | None:
    """Return the product for linears of one kind and width, or None where the kernels cannot."""
    fitting = [linear for linear in linears if isinstance(linear, Multiplied) and _fits(linear)]
    kinds = {(_kind(linear), linear.in_features) for linear in fitting}
    return Product(kernels, fitting) if len(fitting) == len(linears) and len(kinds) == 1 else None


def _fits(linear: Multiplied) -> bool:
    """Tell whether the kernels can multiply it. A subclass may compute something else."""
    if isinstance(linear, QuantizedLinear):
        parts = list(linear.buffers())
        is_known = type(linear) is QuantizedLinear and linear.scales.dtype == torch.float32
        fits = linear.in_features % GROUP_SIZE == 0
    else:
        parts = [linear.weight]
        is_known = type(linear) is nn.Linear and linear.weight.dtype in KINDS
        fits = linear.bias is None and linear.in_features % _LANES == 0
    return is_known and fits and all(part.is_cpu and part.is_contiguous() for part in parts)


def _kind(linear: Multiplied) -> int:
    return linear.bits if isinstance(linear, QuantizedLinear) else KINDS[linear.weight.dtype]


def _address(linear: Multiplied) -> MatrixAddress:
    if isinstance(linear, nn.Linear):
        return MatrixAddress(linear.weight.data_ptr(), None, None, linear.out_features)
    zeros = None if linear.zeros is None else linear.zeros.data_ptr()
    values, scales = linear.values.data_ptr(), linear.scales.data_ptr()
    return MatrixAddress(values, scales, zeros, linear.out_features)


def _multiply_many(x: Tensor, weight: Tensor, out: Tensor) -> None:
    """Write ``x`` (T, K) times ``weight`` (N, K) to ``out`` (T, N)."""
    if weight.dtype == torch.float32:
        torch.mm(x, weight.t(), out=out)
    elif weight.dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        out.copy_(functional.linear(x.bfloat16(), weight))
    else:
        # In float16, and in bfloat16 without instructions for it, torch is 3 to 10 times slower
        # than in float32.
        for first in range(0, len(weight), _BLOCK_ROWS):
            rows = slice(first, first + _BLOCK_ROWS)
            torch.mm(x, weight[rows].float().t(), out=out[:, rows])
