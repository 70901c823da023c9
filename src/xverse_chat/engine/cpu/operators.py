"""Which of torch's own operators multiply quantized weights fast on this machine: it is measured.

No attribute tells. Microsoft's compiler gets none of the operators' vector code, ARM processors no
GEMM of whole numbers, old ones neither; what is there and what is slow differ by ten times.
"""

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from xverse_chat.engine.cpu.threads import one_thread
from xverse_chat.engine.quant import GROUP_SIZE, Codes, QuantizedLinear

# Of a token's activations so many are rounded together where they become whole numbers. Fewer
# would lie closer, but cost a pass over the results each: 512 are a quarter slower than 1024.
PIECE_COLUMNS = 1024
# Rows of codes that become floats at once: they stay in the cache until they are multiplied.
_BLOCK_VALUES = 2**19
# From here on a prompt's tokens are worth what rounding them costs.
MANY_TOKENS = 16
# How many times as long the preferred way may take: what is fast here and what is not are 2.5 to 50
# times apart, and noise should not decide.
_PATIENCE = 2.0
_PATIENCE_MANY = 1.5
_TRIALS = 5
_TRIAL_SHAPE = (8192, 2048)  # more than the caches hold
_PLENTY_S = 0.02  # what takes longer needs no third trial

_ARM = ("arm64", "aarch64")

Way = TypeVar("Way")
# (T, K) float32 times codes (N, K) int8 with scales (N, 1) float32: (T, N) float32.
ByteWay = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Operators:
    """The ways to multiply 8-bit codes with few tokens and with many, and to logits.

    ``packs_nibbles``: the operator for packed 4-bit codes is faster than making floats of them.
    """

    few: ByteWay
    many: ByteWay
    logits: ByteWay
    packs_nibbles: bool


def in_operator(x: Tensor, values: Tensor, scales: Tensor) -> Tensor:
    """Multiply codes by torch's operator for them, in the type that it has vector code for.

    That is float32 on ARM processors, and elsewhere bfloat16: activations and results.
    """
    dtype = torch.float32 if platform.machine().lower() in _ARM else torch.bfloat16
    # Scales of one there, and the real ones here: bfloat16 would keep them to 8 bits.
    ones = torch.ones(len(values), dtype=dtype)
    product = torch._weight_int8pack_mm(x.to(dtype), values, ones)
    return product.float().mul_(scales.t())


def in_floats(x: Tensor, values: Tensor, scales: Tensor) -> Tensor:
    """Multiply codes that become floats, block by block, of the type that is faster."""
    dtype = torch.bfloat16 if multiplies_bfloat16() else torch.float32
    rows = max(1, _BLOCK_VALUES // values.shape[1])
    blocks = torch.split(values, rows)
    x = x.to(dtype)
    product = torch.cat([functional.linear(x, block.to(dtype)) for block in blocks], dim=1)
    return product.float().mul_(scales.t())


def in_whole_numbers(x: Tensor, values: Tensor, scales: Tensor) -> Tensor:
    """Multiply codes with activations that are rounded to 8 bits, piece by piece of each token."""
    out = torch.zeros(len(x), len(values))
    pieces, parts = (torch.split(matrix, PIECE_COLUMNS, dim=1) for matrix in (x, values))
    for piece, codes in zip(pieces, parts, strict=True):
        steps = piece.abs().amax(dim=1, keepdim=True).div_(127)
        whole = (piece / steps.clamp_min(torch.finfo(torch.float32).tiny)).round_().to(torch.int8)
        out += torch._int_mm(whole, codes.t()) * steps
    return out.mul_(scales.t())


@cache
def choose_operators() -> Operators:
    """Return what is fast here. Takes a tenth of a second, once."""
    values = torch.ones(_TRIAL_SHAPE, dtype=torch.int8)
    scales = torch.ones(len(values), 1)

    def choose(ways: Sequence[ByteWay]) -> ByteWay:
        x = torch.ones(1, values.shape[1])
        return first_fast(ways, lambda way: way(x, values, scales))

    def choose_many(ways: Sequence[ByteWay]) -> ByteWay:
        x, rows = torch.ones(8 * MANY_TOKENS, values.shape[1]), slice(len(values) // 8)
        return first_fast(ways, lambda way: way(x, values[rows], scales[rows]), _PATIENCE_MANY)

    exact: list[ByteWay] = [in_operator, in_floats]
    # Where bfloat16 is multiplied fast whole numbers are hardly faster, and less exact.
    many = exact if multiplies_bfloat16() else [*exact, in_whole_numbers]
    return Operators(
        few=choose([*exact, in_whole_numbers]),
        many=choose_many(many),
        # Logits rounded to bfloat16 lie 0.03 apart: most of what 8 bits lose would come from that.
        logits=choose([in_whole_numbers, *exact]),
        packs_nibbles=_packs_nibbles(),
    )


@cache
def multiplies_bfloat16() -> bool:
    """Tell whether many rows are multiplied faster in bfloat16 than in float32.

    Some processors have instructions for it; on others oneDNN does it all the same, slowly.
    """
    weight, x = torch.ones(1024, 1024), torch.ones(128, 1024)
    pairs = [(x, weight), (x.bfloat16(), weight.bfloat16())]
    return first_fast(pairs, lambda pair: functional.linear(*pair))[0].dtype == torch.bfloat16


def first_fast(
    ways: Sequence[Way], work: Callable[[Way], object], patience: float = _PATIENCE
) -> Way:
    """Return the first of ``ways`` that takes at most ``patience`` times as long as any."""
    with one_thread():
        seconds = [_seconds(partial(work, way)) for way in ways]
    return next(
        way for way, own in zip(ways, seconds, strict=True) if own <= patience * min(seconds)
    )


def _packs_nibbles() -> bool:
    rows, columns = 1024, 1024
    groups = rows, columns // GROUP_SIZE
    values = torch.zeros(rows, columns // 2, dtype=torch.uint8)
    zeros = torch.zeros(groups, dtype=torch.uint8)
    plain = QuantizedLinear(Codes(values, torch.ones(groups), zeros))
    x = torch.ones(1, columns)

    def packed(x: Tensor) -> Tensor:
        return multiply_nibbles(x, *trial)

    trial = values, torch.zeros(groups[1], rows, 2, dtype=torch.bfloat16)
    ways: list[Callable[[Tensor], Tensor]] = [plain, packed]
    return first_fast(ways, lambda way: way(x)) is packed


def multiply_nibbles(x: Tensor, packed: Tensor, scales_zeros: Tensor) -> Tensor:
    """Return (T, N) float32 of ``x`` (T, K) and 4-bit codes in the order of torch's operator.

    ``packed`` (N, K/2) uint8, N a multiple of 16; ``scales_zeros`` (K/64, N, 2) bfloat16.
    """
    product: Tensor = torch.ops.aten._weight_int4pack_mm_for_cpu(
        x.bfloat16(), packed, GROUP_SIZE, scales_zeros
    )
    return product.float()


def _seconds(work: Callable[[], object]) -> float:
    """Return the least time that ``work`` takes; for ever where this build of torch lacks it."""
    best = float("inf")
    for trial in range(_TRIALS):
        began = time.perf_counter()
        try:
            work()
        except (RuntimeError, AttributeError):  # NotImplementedError is a RuntimeError
            return float("inf")
        best = min(best, time.perf_counter() - began)
        if trial and best > _PLENTY_S:
            break
    return best
