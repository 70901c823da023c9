"""Linears of every kind, and how far a product is from them in float64."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tests.engine.cpu.rounded import heavy_tailed
from xverse_chat.engine.quant import Codes, QuantizedLinear, dequantize


def weight(rows: int, columns: int, seed: int) -> Tensor:
    return heavy_tailed(rows, columns, seed=seed) * 0.02


def plain(rows: int, columns: int, dtype: torch.dtype, seed: int) -> nn.Linear:
    linear = nn.Linear(columns, rows, bias=False)
    linear.weight = nn.Parameter(weight(rows, columns, seed).to(dtype), requires_grad=False)
    return linear


def exact(linears: Sequence[QuantizedLinear]) -> Tensor:
    codes = [Codes(linear.values, linear.scales, linear.zeros) for linear in linears]
    return torch.cat([dequantize(part, torch.float64) for part in codes])


def largest_error(got: Tensor, x: Tensor, matrix: Tensor) -> float:
    """Return the largest error in units of the sum of what was added up, whatever its signs."""
    scale = x.double().abs() @ matrix.double().abs().T
    return float(((got - x.double() @ matrix.double().T).abs() / scale.clamp_min(1e-30)).max())
