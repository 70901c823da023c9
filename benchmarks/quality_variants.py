"""Other ways to choose 4-bit scales, to see what ours leaves on the table.

Each returns the restored matrix. Written for clearness; the one in the engine is the fast one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

_EPSILON = 1e-30
_ROWS = 32  # at once, so that the search stays in the processor's cache


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to choose scales, and the ``bits`` of one weight when its values are stored."""

    name: str
    bits: float
    restored: Callable[[Tensor], Tensor]


def _by_rows(search: Callable[[Tensor], Tensor], group: int) -> Callable[[Tensor], Tensor]:
    """Let ``search``, (rows, groups, group) to restored values, see a whole matrix (N, K)."""

    def restored(weight: Tensor) -> Tensor:
        parts = weight.float().split(_ROWS)
        return torch.cat([search(part.view(len(part), -1, group)).view_as(part) for part in parts])

    return restored


def _restore(block: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    return ((block / scale + zero).round_().clamp_(0, 15) - zero) * scale


def _least(block: Tensor, candidates: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return the scale and zero point with the least squared error of each group."""
    best: tuple[Tensor, Tensor, Tensor] | None = None
    for scale, zero in candidates:
        error = (_restore(block, scale, zero) - block).square().sum(-1, keepdim=True)
        if best is None:
            best = scale, zero, error
            continue
        is_better = error < best[2]
        best = (
            torch.where(is_better, scale, best[0]),
            torch.where(is_better, zero, best[1]),
            torch.minimum(error, best[2]),
        )
    assert best is not None
    return best[:2]


def _ends(block: Tensor) -> tuple[Tensor, Tensor]:
    return (
        block.amin(-1, keepdim=True).clamp_max(0),
        block.amax(-1, keepdim=True).clamp_min(0),
    )


def _both_ends_alike(block: Tensor, clips: Iterable[float]) -> Iterable[tuple[Tensor, Tensor]]:
    low, high = _ends(block)
    for clip in clips:
        scale = ((high - low) * clip / 15).clamp_min(_EPSILON)
        yield scale, (-low * clip / scale).round().clamp(0, 15)


def _each_end(block: Tensor, clips: Iterable[float]) -> Iterable[tuple[Tensor, Tensor]]:
    low, high = _ends(block)
    for below, above in product(clips, repeat=2):
        scale = ((high * above - low * below) / 15).clamp_min(_EPSILON)
        yield scale, (-low * below / scale).round().clamp(0, 15)


def _refitted(block: Tensor, scale: Tensor, zero: Tensor, times: int) -> tuple[Tensor, Tensor]:
    """Replace the scale by the least-squares one for the codes that it gives, ``times`` over."""
    for _ in range(times):
        codes = (block / scale + zero).round_().clamp_(0, 15) - zero
        fitted = (block * codes).sum(-1, keepdim=True) / codes.square().sum(-1, keepdim=True)
        scale = torch.where(fitted > 0, fitted, scale)  # False for a group of zeros, 0 / 0
    return scale, zero


def _float_zero(block: Tensor, clips: Iterable[float], refits: int) -> Tensor:
    low, high = block.amin(-1, keepdim=True), block.amax(-1, keepdim=True)
    middle = (low + high) / 2
    scales = [((high - low) * clip / 15).clamp_min(_EPSILON) for clip in clips]
    scale, zero = _least(block, ((scale, 7.5 - middle / scale) for scale in scales))
    for _ in range(refits):  # the line of regression through (code, weight)
        codes = (block / scale + zero).round_().clamp_(0, 15)
        code_mean, mean = codes.mean(-1, keepdim=True), block.mean(-1, keepdim=True)
        apart = codes - code_mean
        slope = (apart * (block - mean)).sum(-1, keepdim=True) / apart.square().sum(
            -1, keepdim=True
        ).clamp_min(_EPSILON)
        scale = torch.where(slope > 0, slope, scale)
        zero = code_mean - mean / scale
    return _restore(block, scale, zero)


def _clips(least: float, count: int) -> list[float]:
    values: list[float] = torch.linspace(1.0, least, count).tolist()
    return values


def _clipped(clips: list[float], refits: int) -> Callable[[Tensor], Tensor]:
    def search(block: Tensor) -> Tensor:
        found = _least(block, _both_ends_alike(block, clips))
        return _restore(block, *_refitted(block, *found, refits))

    return search


def _ends_apart(block: Tensor) -> Tensor:
    found = _least(block, _each_end(block, _clips(0.65, 5)))
    return _restore(block, *_refitted(block, *found, 2))


def _hardest(block: Tensor) -> Tensor:
    """Try every zero point with 48 scales, each refitted: about the least error there is."""
    top = block.abs().amax(-1, keepdim=True).clamp_min(_EPSILON)
    candidates = (
        _refitted(block, top * share, torch.full_like(top, zero), 1)
        for zero, share in product(range(16), torch.linspace(0.05, 0.25, 48).tolist())
    )
    return _restore(block, *_least(block, candidates))


# A scale of 16 bits and a zero point of 4, or of 16 where it is no whole number.
VARIANTS = (
    Variant("rounding to nearest", 4 + 20 / 64, _by_rows(_clipped([1.0], 0), 64)),
    Variant("24 clips", 4 + 20 / 64, _by_rows(_clipped(_clips(0.6, 24), 0), 64)),
    Variant("24 clips, 1 refit", 4 + 20 / 64, _by_rows(_clipped(_clips(0.6, 24), 1), 64)),
    Variant("12 clips, 2 refits", 4 + 20 / 64, _by_rows(_clipped(_clips(0.65, 12), 2), 64)),
    Variant("8 clips, 2 refits", 4 + 20 / 64, _by_rows(_clipped(_clips(0.7, 8), 2), 64)),
    Variant("5 × 5 clips, each end, 2 refits", 4 + 20 / 64, _by_rows(_ends_apart, 64)),
    Variant("every zero point × 48 scales", 4 + 20 / 64, _by_rows(_hardest, 64)),
    Variant(
        "zero point of 16 bits, 24 clips",
        4 + 32 / 64,
        _by_rows(lambda block: _float_zero(block, _clips(0.6, 24), 0), 64),
    ),
    Variant(
        "zero point of 16 bits, 24 clips, 2 refits",
        4 + 32 / 64,
        _by_rows(lambda block: _float_zero(block, _clips(0.6, 24), 2), 64),
    ),
    Variant(
        "groups of 32, 12 clips, 2 refits", 4 + 20 / 32, _by_rows(_clipped(_clips(0.65, 12), 2), 32)
    ),
)
