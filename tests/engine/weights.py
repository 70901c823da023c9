"""Matrices to quantize, and what the format's description and plain rounding make of them."""

import torch

from xverse_chat.engine.quant import GROUP_SIZE, Codes

KINDS = ("Gaussian", "Student t", "outliers", "uniform", "one-sided", "sparse")


def matrix(
    rows: int = 48, columns: int = 256, seed: int = 0, scale: float = 0.02, kind: str = "Gaussian"
) -> torch.Tensor:
    """Return a float32 matrix (rows, columns), the same every time."""
    draw = torch.Generator().manual_seed(seed)
    weight = torch.randn(rows, columns, generator=draw)
    if kind == "Student t":  # of 4 degrees
        squares = torch.randn(4, rows, columns, generator=draw).square().mean(dim=0)
        weight /= squares.sqrt().clamp_min(1e-3)
    elif kind == "outliers":
        weight[:, ::GROUP_SIZE] *= 6
    elif kind == "uniform":
        weight = torch.rand(rows, columns, generator=draw) - 0.5
    elif kind == "one-sided":
        weight = weight.abs()
    elif kind == "sparse":
        weight *= torch.rand(rows, columns, generator=draw) < 0.02
    return weight * scale


def groups_of(weight: torch.Tensor) -> torch.Tensor:
    """Return (N, K) as float64 (N, K/64, 64)."""
    return weight.double().view(len(weight), -1, GROUP_SIZE)


def restored(codes: Codes) -> torch.Tensor:
    """Return the matrix in float64, computed from the description of the format."""
    if codes.zeros is None:
        return codes.values.double() * codes.scales.double()
    zeros = codes.zeros.double().repeat_interleave(GROUP_SIZE, dim=1)
    scales = codes.scales.double().repeat_interleave(GROUP_SIZE, dim=1)
    return (_nibbles(codes) - zeros) * scales


def round_to_nearest(weight: torch.Tensor) -> torch.Tensor:
    """Return (N, K/64, 64) float64: every group over its whole range, with a whole zero point."""
    groups = groups_of(weight)
    low = groups.amin(-1, keepdim=True).clamp_max(0)
    high = groups.amax(-1, keepdim=True).clamp_min(0)
    scale = ((high - low) / 15).clamp_min(1e-60)
    zero = (-low / scale).round()
    return ((groups / scale + zero).round().clamp(0, 15) - zero) * scale


def _nibbles(codes: Codes) -> torch.Tensor:
    """Return the 4-bit codes (N, K), read nibble by nibble."""
    rows = [
        [part for byte in row for part in (byte & 15, byte >> 4)] for row in codes.values.tolist()
    ]
    return torch.tensor(rows, dtype=torch.float64)
