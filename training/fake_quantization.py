"""Weights rounded as 8 and 4 bits would round them, kept in floating point.

For training, which learns to bear it, and for measuring what it costs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

GROUP = 64
# Shares of a group's range that are tried for its 4-bit scale: 24 steps from 0.6 to 1.
CLIP_SEARCH = tuple(0.6 + 0.4 * step / 23 for step in range(24))


def round_to_8_bits(weight: Tensor) -> Tensor:
    """Round symmetrically, one scale per output row. ``weight`` is (rows, columns)."""
    scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
    return (weight / scale).round().clamp(-127, 127) * scale


def round_to_4_bits(weight: Tensor, clips: Sequence[float] = (1.0,)) -> Tensor:
    """Round with a scale and an integer zero point per 64 columns, the best of ``clips``."""
    groups = weight.reshape(weight.shape[0], -1, GROUP)  # (rows, groups, 64)
    low = groups.amin(dim=2, keepdim=True).clamp(max=0)
    high = groups.amax(dim=2, keepdim=True).clamp(min=0)
    best = _round_groups(groups, low, high, clips[0])
    error = (best - groups).square().sum(dim=2, keepdim=True)
    for clip in clips[1:]:
        rounded = _round_groups(groups, low, high, clip)
        found = (rounded - groups).square().sum(dim=2, keepdim=True)
        best = torch.where(found < error, rounded, best)
        error = torch.minimum(found, error)
    return best.reshape(weight.shape)


def _round_groups(groups: Tensor, low: Tensor, high: Tensor, clip: float) -> Tensor:
    scale = ((high - low) * clip / 15).clamp(min=1e-8)
    zero = (-low * clip / scale).round().clamp(0, 15)
    return ((groups / scale + zero).round().clamp(0, 15) - zero) * scale


@torch.no_grad()
def quantize_weights(model: nn.Module, bits: int, clips: Sequence[float] = CLIP_SEARCH) -> None:
    """Round every linear layer for good; ``lm_head`` never to fewer than 8 bits."""
    for name, layer in _linears(model):
        layer.weight.copy_(_rounded(name, layer.weight, bits, clips))


@contextmanager
def quantized_for_a_step(model: nn.Module) -> Iterator[None]:
    """Compute with 4-bit weights inside; gradients go to the exact ones, which come back after."""
    exact = []
    for name, layer in _linears(model):
        exact.append((layer, layer.weight.data))
        layer.weight.data = _rounded(name, layer.weight.data, 4, (1.0,))
    try:
        yield
    finally:
        for layer, weight in exact:
            layer.weight.data = weight


def _rounded(name: str, weight: Tensor, bits: int, clips: Sequence[float]) -> Tensor:
    if bits == 8 or name == "lm_head":
        return round_to_8_bits(weight)
    return round_to_4_bits(weight, clips)


def _linears(model: nn.Module) -> list[tuple[str, nn.Linear]]:
    return [(name, part) for name, part in model.named_modules() if isinstance(part, nn.Linear)]
