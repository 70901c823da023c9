"""Products with matrices that share their input: what is common to all ways of computing them."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from xverse_chat.engine.cpu.operators import multiplies_bfloat16
from xverse_chat.engine.quant import QuantizedLinear

# Rows that are made float32 at once: they stay in the cache until they are multiplied.
_BLOCK_ROWS = 256
_FLOATS = (torch.float32, torch.float16, torch.bfloat16)

Multiplied = nn.Linear | QuantizedLinear


class Product(Protocol):
    """One to three matrices (N, K), their outputs side by side."""

    def __call__(self, x: Tensor) -> Tensor:
        """Return (T, sum of N) float32 for ``x`` (T, K), contiguous float32."""


def known_linears(linears: Sequence[nn.Module]) -> list[Multiplied] | None:
    """Return the linears when all are what they seem, of one kind and width, on the CPU, else None.

    A subclass may compute something else.
    """
    known = [linear for linear in linears if isinstance(linear, Multiplied) and _is_known(linear)]
    kinds = {(kind_of(linear), linear.in_features) for linear in known}
    return known if len(known) == len(linears) and len(kinds) == 1 else None


def kind_of(linear: Multiplied) -> int | torch.dtype:
    """Return the bits of codes, or the type of floats."""
    return linear.bits if isinstance(linear, QuantizedLinear) else linear.weight.dtype


def multiply_many(x: Tensor, weight: Tensor, out: Tensor) -> None:
    """Write ``x`` (T, K) float32 times ``weight`` (N, K) of any float type to ``out`` (T, N)."""
    if weight.dtype == torch.float32:
        torch.mm(x, weight.t(), out=out)
    elif weight.dtype == torch.bfloat16 and multiplies_bfloat16():
        out.copy_(functional.linear(x.bfloat16(), weight))
    else:
        # In float16, and in bfloat16 without instructions for it, torch is 3 to 10 times slower
        # than in float32.
        for first in range(0, len(weight), _BLOCK_ROWS):
            rows = slice(first, first + _BLOCK_ROWS)
            torch.mm(x, weight[rows].float().t(), out=out[:, rows])


def _is_known(linear: Multiplied) -> bool:
    if isinstance(linear, QuantizedLinear):
        parts = list(linear.buffers())
        is_plain = type(linear) is QuantizedLinear and linear.scales.dtype == torch.float32
    else:
        parts = [linear.weight]
        is_plain = type(linear) is nn.Linear and linear.weight.dtype in _FLOATS
        is_plain = is_plain and linear.bias is None
    return is_plain and all(part.is_cpu and part.is_contiguous() for part in parts)
