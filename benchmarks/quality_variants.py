"""Other ways to choose 4-bit scales, to see what ours leaves on the table.

Each returns the restored matrix. Written for clearness; the one in the engine is the fast one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from xverse_chat.engine.scale_search import best_scales, round_to_codes

_EPSILON = 1e-30
# The values of llama.cpp's IQ4_NL (ggml-common.h, kvalues_iq4nl).
_TABLE = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)
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
        parts = torch.split(weight.float(), _ROWS)
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


def _float_zero(block: Tensor) -> Tensor:
    """Clip as well, with a zero point that is any number; then fit both to the codes, twice."""
    low, high = block.amin(-1, keepdim=True), block.amax(-1, keepdim=True)
    middle = (low + high) / 2
    scales = [((high - low) * clip / 15).clamp_min(_EPSILON) for clip in _clips(0.6, 24)]
    scale, zero = _least(block, ((scale, 7.5 - middle / scale) for scale in scales))
    for _ in range(2):  # the line of regression through (code, weight)
        codes = (block / scale + zero).round_().clamp_(0, 15)
        code_mean, mean = codes.mean(-1, keepdim=True), block.mean(-1, keepdim=True)
        apart = codes - code_mean
        slope = (apart * (block - mean)).sum(-1, keepdim=True) / apart.square().sum(
            -1, keepdim=True
        ).clamp_min(_EPSILON)
        scale = torch.where(slope > 0, slope, scale)
        zero = code_mean - mean / scale
    return _restore(block, scale, zero)


def _by_table(block: Tensor) -> Tensor:
    """Take the nearest of 16 values that lie closer around zero, with the best of 32 scales."""
    table = torch.tensor(_TABLE, dtype=torch.float32)
    borders = (table[1:] + table[:-1]) / 2
    top = block.abs().amax(-1, keepdim=True).clamp_min(_EPSILON)
    best, least = torch.zeros_like(block), torch.full_like(top, torch.inf)
    for share, sign in product(torch.linspace(1.0, 0.6, 16).tolist(), (1, -1)):
        scale = top * (sign * share / 127)
        values = table[torch.bucketize(block / scale, borders)]
        fitted = (block * values).sum(-1, keepdim=True) / values.square().sum(-1, keepdim=True)
        error = (values * fitted - block).square().sum(-1, keepdim=True)
        best = torch.where(error < least, values * fitted, best)
        least = torch.minimum(error, least)
    return best


def _of_the_engine(block: Tensor) -> Tensor:
    by_group = block.view(-1, block.shape[-1]).t().contiguous()
    scale, zero = best_scales(by_group)
    codes = round_to_codes(by_group, scale, zero)
    return ((codes - zero) * scale).t().contiguous().view(block.shape)


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
_OURS = 4 + 20 / 64
VARIANTS = (
    Variant("rounding to nearest", _OURS, _by_rows(_clipped([1.0], 0), 64)),
    Variant("24 clips", _OURS, _by_rows(_clipped(_clips(0.6, 24), 0), 64)),
    Variant("24 clips, 1 refit", _OURS, _by_rows(_clipped(_clips(0.6, 24), 1), 64)),
    Variant("the engine's: 7 fits", _OURS, _by_rows(_of_the_engine, 64)),
    Variant("5 × 5 clips, each end, 2 refits", _OURS, _by_rows(_ends_apart, 64)),
    Variant("every zero point × 48 scales", _OURS, _by_rows(_hardest, 64)),
    Variant("a table of 16 values, no zero point", 4 + 16 / 64, _by_rows(_by_table, 64)),
    Variant("zero point of 16 bits", 4 + 32 / 64, _by_rows(_float_zero, 64)),
    Variant("groups of 32", 4 + 20 / 32, _by_rows(_of_the_engine, 32)),
    Variant("groups of 32, a table of 16 values", 4 + 16 / 32, _by_rows(_by_table, 32)),
)
