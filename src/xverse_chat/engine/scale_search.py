"""The scale and the zero point of every 4-bit group with the least squared error, without data.

Plain PyTorch, the same on CPU and GPU. A group is a column here: then each operation runs along
memory, also where it meets one value of each group.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

HIGHEST_CODE = 15
# Shares of a group's range that its codes are spread over, both ends clipped alike. They need not
# reach down to the best one, nor lie close: fitting the scale to the codes goes on from there.
# 24 clips down to 0.6 without fitting have more error than these four with it.
_CLIPS = torch.linspace(1.0, 0.9, 4).tolist()
_ZERO_SHIFTS = (-1, 1)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Scales and zero points (G,), and by how much they lessen the error of all zeros."""

    scale: Tensor
    zero: Tensor
    gain: Tensor

    def better_of(self, other: "_Choice") -> "_Choice":
        is_better = other.gain > self.gain
        return _Choice(
            torch.where(is_better, other.scale, self.scale),
            torch.where(is_better, other.zero, self.zero),
            torch.where(is_better, other.gain, self.gain),
        )


def best_scales(groups: Tensor) -> tuple[Tensor, Tensor]:
    """Return scales and zero points (G,) for ``groups`` (N, G), all float32, N a power of two.

    Zero points are whole, 0 to 15; a group of zeros has the scale 1. The error is never above that
    of rounding to nearest over the whole range, but for what float32 rounds.
    """
    low, high = groups.amin(dim=0).clamp_max_(0), groups.amax(dim=0).clamp_min_(0)
    # The scale without any clipping. Ends apart, because their distance may be no float32.
    unit = high / HIGHEST_CODE - low / HIGHEST_CODE
    unit = torch.where(unit > 0, unit, 1)
    shares = groups / unit  # no square of these over- or underflows
    zero = (low / -unit).round_().clamp_(0, HIGHEST_CODE)  # the same for every clip of both ends
    best = _Choice(torch.ones_like(unit), zero, torch.zeros_like(unit))
    for clip in _CLIPS:
        best = best.better_of(_fitted(shares, torch.full_like(unit, clip), zero))
    # One step to the side clips one end more and the other less, which long tails want.
    for shift in _ZERO_SHIFTS:
        shifted = (zero + shift).clamp_(0, HIGHEST_CODE)
        best = best.better_of(_fitted(shares, best.scale, shifted))
    best = best.better_of(_fitted(shares, best.scale, best.zero))
    return best.scale * unit, best.zero


def round_to_codes(groups: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    """Return float codes (N, G), 0 to 15, of the values nearest to ``groups`` (N, G)."""
    return (groups / scale).round_().add_(zero).clamp_(0, HIGHEST_CODE)


def _fitted(shares: Tensor, scale: Tensor, zero: Tensor) -> _Choice:
    """Return the scale that fits best to the codes that ``scale`` and ``zero`` give.

    Least squares: of all multiples of the whole numbers c, ``s = w·c / c·c`` is the nearest to w,
    and leaves the error ``w·w - (w·c)² / c·c``.
    """
    whole = (shares / scale).round_()
    torch.clamp(whole, -zero, HIGHEST_CODE - zero, out=whole)
    # Not vector_norm: along columns it takes twenty times as long.
    squares = whole.square().sum(dim=0)
    products = _sum_in_order(whole.mul_(shares))
    fitted = products / squares  # 0 / 0 for a group of zeros: no gain
    return _Choice(fitted, zero, products * fitted)


def _sum_in_order(terms: Tensor) -> Tensor:
    """Return the sums (G,) of ``terms`` (N, G), N a power of two; ``terms`` are used up.

    ``sum`` adds in an order that depends on the place of a column in memory and on the device:
    a matrix would get other codes in other blocks. Sums of squared whole numbers have no order.
    """
    rows = len(terms)
    while rows > 1:
        rows //= 2
        terms[:rows] += terms[rows : 2 * rows]
    return terms[0]
