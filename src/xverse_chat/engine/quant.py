"""Weight-only quantization in plain PyTorch, the same on CPU and GPU.

8 bits: symmetric, one scale for each output channel. 4 bits: groups of 64 along the input, each
with a scale and an integer zero point, both ends clipped to where the squared error is least.
Pure functions from weights to codes, a Linear that holds the codes, and the replacement.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from xverse_chat.errors import EngineError

GROUP_SIZE = 64
# Clipping both ends to c times their distance, c in 24 steps, gains a quarter of the error of
# rounding to nearest, as much as methods that need calibration data.
_CLIPS = torch.linspace(1.0, 0.6, 24).tolist()
# Weights are treated in blocks of rows, so that no copy of a whole matrix is ever made. The clip
# search goes over a block 200 times: on a CPU it should stay in the cache.
_BLOCK_VALUES = 2**23
_SEARCH_VALUES = {"cpu": 2**18}
LM_HEAD_BITS = 8


@dataclass(frozen=True, slots=True)
class Codes:
    """A quantized matrix (N, K): ``weight = (values - zeros) * scales``.

    8 bits: ``values`` (N, K) int8, ``scales`` (N, 1), no zeros. 4 bits: ``values`` (N, K/2) uint8,
    the even column in the low half; ``scales`` (N, K/64), ``zeros`` (N, K/64) uint8, 0 to 15.
    """

    values: Tensor
    scales: Tensor
    zeros: Tensor | None


def quantize_int8(weight: Tensor) -> Codes:
    """Quantize (N, K) per output channel; the error is at most half a scale."""
    values = torch.empty(weight.shape, dtype=torch.int8, device=weight.device)
    scales = torch.empty((len(weight), 1), dtype=torch.float32, device=weight.device)
    for rows in _blocks(weight, _BLOCK_VALUES):
        block = weight[rows].float()
        scale = block.abs().amax(dim=1, keepdim=True).clamp_min(1e-30) / 127
        values[rows] = (block / scale).round().clamp(-127, 127).to(torch.int8)
        scales[rows] = scale
    return Codes(values, scales, None)


def quantize_int4(weight: Tensor) -> Codes:
    """Quantize (N, K) in groups of 64. Raises EngineError when K is no multiple of 64.

    Inside the clipped range the error is at most half a scale.
    """
    rows_count, columns = weight.shape
    if columns % GROUP_SIZE:
        raise EngineError(
            f"A matrix of {columns} columns cannot be quantized to 4 bits: "
            f"it must be a multiple of {GROUP_SIZE}."
        )
    groups = columns // GROUP_SIZE
    device = weight.device
    values = torch.empty((rows_count, columns // 2), dtype=torch.uint8, device=device)
    scales = torch.empty((rows_count, groups), dtype=torch.float32, device=device)
    zeros = torch.empty((rows_count, groups), dtype=torch.uint8, device=device)
    for rows in _blocks(weight, _SEARCH_VALUES.get(device.type, _BLOCK_VALUES)):
        block = weight[rows].float().view(-1, groups, GROUP_SIZE)
        scale, zero = _best_clip(block)
        scales[rows], zeros[rows] = scale.squeeze(-1), zero.squeeze(-1).to(torch.uint8)
        codes = _round(block, scale, zero).to(torch.uint8).view(-1, columns)
        values[rows] = codes[:, 0::2] | codes[:, 1::2] << 4
    return Codes(values, scales, zeros)


def dequantize(codes: Codes, dtype: torch.dtype) -> Tensor:
    """Return the matrix (N, K) that the codes stand for."""
    scales = codes.scales.to(dtype)
    if codes.zeros is None:
        return codes.values.to(dtype) * scales
    rows = len(codes.values)
    # Codes and zero points are small whole numbers: their difference is exact in 16 bits.
    whole = torch.stack((codes.values & 15, codes.values >> 4), dim=-1)
    shifted = whole.view(rows, -1, GROUP_SIZE).to(dtype) - codes.zeros.to(dtype).unsqueeze(-1)
    return (shifted * scales.unsqueeze(-1)).view(rows, -1)


def _best_clip(block: Tensor) -> tuple[Tensor, Tensor]:
    """Return scale and zero point (N, G, 1) of the clip with the least squared error."""
    low = block.amin(dim=-1, keepdim=True).clamp_max(0)
    high = block.amax(dim=-1, keepdim=True).clamp_min(0)
    best_scale = best_zero = least = None
    for clip in _CLIPS:
        scale = ((high - low) * clip / 15).clamp_min(1e-30)
        zero = (-low * clip / scale).round().clamp(0, 15)
        restored = (_round(block, scale, zero) - zero) * scale
        error = (restored - block).square().sum(dim=-1, keepdim=True)
        if best_scale is None or best_zero is None or least is None:
            best_scale, best_zero, least = scale, zero, error
            continue
        is_better = error < least
        best_scale = torch.where(is_better, scale, best_scale)
        best_zero = torch.where(is_better, zero, best_zero)
        least = torch.minimum(least, error)
    assert best_scale is not None
    assert best_zero is not None
    return best_scale, best_zero


def _round(block: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    return (block / scale + zero).round_().clamp_(0, 15)


def _blocks(weight: Tensor, values: int) -> Iterator[slice]:
    rows = max(1, values // weight.shape[1])
    return (slice(first, first + rows) for first in range(0, len(weight), rows))


class QuantizedLinear(nn.Module):
    """A Linear without bias that holds codes and makes weights of them, block by block."""

    values: Tensor
    scales: Tensor
    zeros: Tensor | None

    def __init__(self, codes: Codes) -> None:
        super().__init__()
        self.out_features = len(codes.values)
        self.in_features = codes.values.shape[1] * (1 if codes.zeros is None else 2)
        self.register_buffer("values", codes.values)
        self.register_buffer("scales", codes.scales)
        self.register_buffer("zeros", codes.zeros)

    @property
    def bits(self) -> int:
        """Bits of one weight: 4 or 8."""
        return 8 if self.zeros is None else 4

    def forward(self, hidden: Tensor) -> Tensor:
        """Return (…, N) for ``hidden`` (…, K), in its dtype."""
        rows = max(1, _BLOCK_VALUES // self.in_features)
        parts = [
            functional.linear(hidden, dequantize(self._block(first, first + rows), hidden.dtype))
            for first in range(0, self.out_features, rows)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)

    def extra_repr(self) -> str:
        """Say what it is in the printout of a model."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bits={self.bits}"

    def _block(self, first: int, end: int) -> Codes:
        zeros = None if self.zeros is None else self.zeros[first:end]
        return Codes(self.values[first:end], self.scales[first:end], zeros)


def quantize_linear(weight: Tensor, *, bits: int) -> QuantizedLinear:
    """Return the Linear that computes with ``weight`` (N, K) in 4 or 8 bits, on its device."""
    return QuantizedLinear(quantize_int4(weight) if bits == 4 else quantize_int8(weight))


def linears(model: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    """Yield name and module of every Linear that quantization replaces, lm_head last."""
    found = [(name, part) for name, part in model.named_modules() if isinstance(part, nn.Linear)]
    yield from sorted(found, key=lambda item: item[0] == "lm_head")


def bits_of(name: str, bits: int) -> int:
    """Return the bits of the Linear ``name`` in a model of ``bits``: lm_head keeps 8.

    It is read for every token and decides between 100,534 of them; 4 bits there cost most.
    """
    return LM_HEAD_BITS if name == "lm_head" else bits
