"""Linears that share their input, multiplied where their weights lie: nothing is copied or packed.

So the transformers modules go on computing with the same memory, and mapped files stay mapped.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from xverse_chat.engine.cpu.library import CodesMatrix, FloatsMatrix, Kernels
from xverse_chat.engine.quant import GROUP_SIZE, QuantizedLinear

_LANES = 8
# Rows that are made float32 at once: they stay in the cache until they are multiplied.
_BLOCK_ROWS = 256


class Product(Protocol):
    """One or more matrices (N, K) side by side."""

    def __call__(self, x: Tensor) -> Tensor:
        """Return (T, sum of N) float32 for ``x`` (T, K), contiguous float32."""


def make_product(kernels: Kernels, linears: Sequence[nn.Module]) -> Product | None:
    """Return the product for linears of one kind and width, or None where the kernels cannot."""
    quantized = [linear for linear in linears if type(linear) is QuantizedLinear]
    plain = [linear for linear in linears if type(linear) is nn.Linear and linear.bias is None]
    if len(quantized) == len(linears) and CodesProduct.fits(quantized):
        return CodesProduct(kernels, quantized)
    if len(plain) == len(linears) and FloatsProduct.fits(plain):
        return FloatsProduct(kernels, plain)
    return None


class CodesProduct:
    """Of matrices in 8 or 4 bits, with activations rounded to 8 bits in groups of 64."""

    def __init__(self, kernels: Kernels, linears: Sequence[QuantizedLinear]) -> None:
        self._kernels = kernels
        self._linears = linears  # own the memory
        self._bits = linears[0].bits
        self._rows = sum(linear.out_features for linear in linears)
        self._matrices = (CodesMatrix * len(linears))(
            *(
                CodesMatrix(
                    linear.values.data_ptr(),
                    linear.scales.data_ptr(),
                    None if linear.zeros is None else linear.zeros.data_ptr(),
                    linear.out_features,
                )
                for linear in linears
            )
        )

    @staticmethod
    def fits(linears: Sequence[QuantizedLinear]) -> bool:
        """Tell whether the kernel takes these matrices."""
        return (
            len({(linear.bits, linear.in_features) for linear in linears}) == 1
            and linears[0].in_features % GROUP_SIZE == 0
            and all(_lies_here(part) for linear in linears for part in linear.buffers())
            and all(linear.scales.dtype == torch.float32 for linear in linears)
        )

    def __call__(self, x: Tensor) -> Tensor:
        """Return (T, sum of N) float32."""
        return self._kernels.multiply_codes(self._matrices, x, bits=self._bits, rows=self._rows)


class FloatsProduct:
    """Of matrices in 16 or 32 bits. One row is the kernel's, many are a library's GEMM."""

    def __init__(self, kernels: Kernels, linears: Sequence[nn.Linear]) -> None:
        self._kernels = kernels
        self._weights = [linear.weight.detach() for linear in linears]
        self._dtype = self._weights[0].dtype
        self._rows = sum(map(len, self._weights))
        self._matrices = (FloatsMatrix * len(linears))(
            *(FloatsMatrix(weight.data_ptr(), len(weight)) for weight in self._weights)
        )

    @staticmethod
    def fits(linears: Sequence[nn.Linear]) -> bool:
        """Tell whether the kernel takes these matrices."""
        weights = [linear.weight for linear in linears]
        return (
            len({(weight.dtype, weight.shape[1]) for weight in weights}) == 1
            and weights[0].dtype in (torch.float32, torch.float16, torch.bfloat16)
            and weights[0].shape[1] % _LANES == 0
            and all(_lies_here(weight) for weight in weights)
        )

    def __call__(self, x: Tensor) -> Tensor:
        """Return (T, sum of N) float32."""
        if len(x) == 1:
            return self._kernels.multiply_floats(
                self._matrices, x, dtype=self._dtype, rows=self._rows
            )
        out = torch.empty(len(x), self._rows)
        first = 0
        for weight in self._weights:
            end = first + len(weight)
            _multiply_many(x, weight, out[:, first:end])
            first = end
        return out


def _multiply_many(x: Tensor, weight: Tensor, out: Tensor) -> None:
    """Write ``x`` (T, K) times ``weight`` (N, K) to ``out`` (T, N)."""
    if weight.dtype == torch.float32:
        torch.mm(x, weight.t(), out=out)
    elif weight.dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        out.copy_(functional.linear(x.bfloat16(), weight))
    else:
        # In float16, and in bfloat16 without instructions for it, torch is 3 to 10 times slower
        # than in float32.
        blocks = zip(weight.split(_BLOCK_ROWS), out.split(_BLOCK_ROWS, dim=1), strict=True)
        for block, part in blocks:
            torch.mm(x, block.float().t(), out=part)


def _lies_here(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and tensor.is_contiguous()
