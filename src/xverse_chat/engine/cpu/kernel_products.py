"""Products of the compiled kernels, where the weights lie: nothing is copied or packed.

So the transformers modules go on computing with the same memory, and mapped files stay mapped.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xverse_chat.engine.cpu.library import KINDS, Kernels, MatrixAddress, ProductAddress
from xverse_chat.engine.cpu.products import Multiplied, kind_of, known_linears, multiply_many
from xverse_chat.engine.quant import GROUP_SIZE, QuantizedLinear

_LANES = 8


class KernelProduct:
    """A ``Product`` of codes or of floats.

    Codes are multiplied with activations rounded to 8 bits in groups of 64, one token or many
    alike. Floats with one token are the kernel's, with many a library's GEMM.
    """

    def __init__(self, kernels: Kernels, linears: Sequence[Multiplied]) -> None:
        self._kernels = kernels
        self._linears = linears  # they own the memory
        kind = kind_of(linears[0])
        kind = KINDS[kind] if isinstance(kind, torch.dtype) else kind
        self.address = ProductAddress(kind, len(linears), linears[0].in_features)
        for number, linear in enumerate(linears):
            self.address.matrices[number] = _address(linear)

    def __call__(self, x: Tensor) -> Tensor:
        """Return (T, sum of N) float32 for ``x`` (T, K), contiguous float32."""
        plain = [linear for linear in self._linears if isinstance(linear, nn.Linear)]
        if len(x) == 1 or not plain:
            return self._kernels.multiply(self.address, x)
        out = torch.empty(len(x), self.address.rows)
        first = 0
        for linear in plain:
            end = first + linear.out_features
            multiply_many(x, linear.weight.detach(), out[:, first:end])
            first = end
        return out


def make_kernel_product(kernels: Kernels, linears: Sequence[nn.Module]) -> KernelProduct | None:
    """Return the product for linears of one kind and width, or None where the kernels cannot."""
    known = known_linears(linears)
    if known is None:
        return None
    step = GROUP_SIZE if isinstance(known[0], QuantizedLinear) else _LANES
    return None if known[0].in_features % step else KernelProduct(kernels, known)


def _address(linear: Multiplied) -> MatrixAddress:
    if isinstance(linear, nn.Linear):
        return MatrixAddress(linear.weight.data_ptr(), None, None, linear.out_features)
    zeros = None if linear.zeros is None else linear.zeros.data_ptr()
    values, scales = linear.values.data_ptr(), linear.scales.data_ptr()
    return MatrixAddress(values, scales, zeros, linear.out_features)
