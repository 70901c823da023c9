"""Weight-only quantization in plain PyTorch, the same on CPU and GPU.

8 bits: symmetric, one scale for each output channel. 4 bits: groups of 64 along the input, each
with a scale and an integer zero point, chosen by ``scale_search``.
Pure functions from weights to codes, a Linear that holds the codes, and the replacement.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from xverse_chat.engine.scale_search import best_scales, round_to_codes
from xverse_chat.errors import EngineError
from xverse_chat.wording import say

GROUP_SIZE = 64
# Weights are treated in blocks of rows, so that no copy of a whole matrix is ever made. The search
# for scales goes over a block 70 times: on a CPU it should stay in the cache.
_BLOCK_VALUES = 2**23
_SEARCH_VALUES = {"cpu": 2**19}
_LEAST_SCALE = 1e-30  # below 1e-38 float32 has too few digits for 127 steps
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
        largest = block.abs().amax(dim=1, keepdim=True)
        scale = _stored(torch.where(largest > 0, (largest / 127).clamp_min(_LEAST_SCALE), 1))
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
            say(
                "A matrix of {columns} columns cannot be quantized to 4 bits: it must be a "
                "multiple of {step}.",
                columns=columns,
                step=GROUP_SIZE,
            )
        )
    groups = columns // GROUP_SIZE
    device = weight.device
    values = torch.empty((rows_count, columns // 2), dtype=torch.uint8, device=device)
    scales = torch.empty((rows_count, groups), dtype=torch.float32, device=device)
    zeros = torch.empty((rows_count, groups), dtype=torch.uint8, device=device)
    for rows in _blocks(weight, _SEARCH_VALUES.get(device.type, _BLOCK_VALUES)):
        by_group = weight[rows].reshape(-1, GROUP_SIZE).t().float().contiguous()
        scale, zero = best_scales(by_group)
        scale = _stored(scale)
        codes = round_to_codes(by_group, scale, zero).to(torch.uint8)
        pairs = codes[0::2] | codes[1::2] << 4
        values[rows] = pairs.t().reshape(-1, columns // 2)
        scales[rows], zeros[rows] = scale.view(-1, groups), zero.view(-1, groups)
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


def _stored(scale: Tensor) -> Tensor:
    """Return float32 scales as float16 keeps them, unless bfloat16 would keep them better.

    Folders and kernels do the same; codes made for the rounded scale lose nothing by it.
    """
    rounded = scale.half().float()
    return torch.where((rounded - scale).abs() <= scale * 2**-9, rounded, scale)


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


def joined_codes(linears: Sequence[QuantizedLinear]) -> Codes:
    """Return the codes of matrices of one kind and width, one below the other."""
    if len(linears) == 1:
        return Codes(linears[0].values, linears[0].scales, linears[0].zeros)
    zeros = [linear.zeros for linear in linears if linear.zeros is not None]
    return Codes(
        torch.cat([linear.values for linear in linears]),
        torch.cat([linear.scales for linear in linears]),
        torch.cat(zeros) if zeros else None,
    )


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
