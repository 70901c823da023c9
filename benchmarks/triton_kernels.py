"""Matrix-vector products in Triton for one row of activations: 16, 8 and 4 bit weights.

They are comparators: how near to a copy does Triton come. Sums are float32. The layouts are made
for 16-byte loads and for unpacking without integer-to-float conversions, which run at a quarter
of the rate: the code is put into the mantissa of 2**23, and 2**23 is taken off again.
"""

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from xverse_chat.engine.quant import GROUP_SIZE, Codes

# The float32 2**23, whose last mantissa bit is worth 1.
_MAGIC = tl.constexpr(0x4B000000)
_MAGIC_VALUE = tl.constexpr(8388608.0)
_WORDS_PER_GROUP = GROUP_SIZE // 8


@triton.jit(do_not_specialize=["rows"])  # type: ignore[untyped-decorator]
def gemv16_kernel(
    x_at: tl.tensor,
    weight_at: tl.tensor,
    out_at: tl.tensor,
    rows: int,
    K: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """out (N) = weight (N, K) @ x (K)."""
    row = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)[:, None]
    total = tl.zeros((BLOCK_N, BLOCK), tl.float32)
    for first in tl.static_range(0, K, BLOCK):
        column = first + tl.arange(0, BLOCK)
        inside = column < K
        x = tl.load(x_at + column, mask=inside, other=0.0).to(tl.float32)
        weight = tl.load(
            weight_at + row.to(tl.int64) * K + column[None, :],
            mask=(row < rows) & inside[None, :],
            other=0.0,
            eviction_policy="evict_first",
        )
        total += weight.to(tl.float32) * x[None, :]
    _store(out_at, total, rows, BLOCK_N)


@triton.jit(do_not_specialize=["rows"])  # type: ignore[untyped-decorator]
def gemv8_kernel(
    x_at: tl.tensor,
    words_at: tl.tensor,
    scales_at: tl.tensor,
    out_at: tl.tensor,
    rows: int,
    K: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """out (N) = scales (N) * (codes (N, K) @ x (K)); ``words`` as `pack8` makes them."""
    W: tl.constexpr = K // 4
    row = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)[:, None]
    total = tl.zeros((BLOCK_N, BLOCK), tl.float32)
    for first in tl.range(0, W, BLOCK, loop_unroll_factor=2):
        column = first + tl.arange(0, BLOCK)
        inside = column < W
        word = tl.load(
            words_at + row.to(tl.int64) * W + column[None, :],
            mask=(row < rows) & inside[None, :],
            other=0,
            eviction_policy="evict_first",
        )
        for part in tl.static_range(4):
            x = tl.load(x_at + part * W + column, mask=inside, other=0.0).to(tl.float32)
            code = ((word >> (8 * part)) & 0xFF) | _MAGIC
            value = code.to(tl.float32, bitcast=True) - (_MAGIC_VALUE + 128.0)
            total += value * x[None, :]
    row_once = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    scale = tl.load(scales_at + row_once, mask=row_once < rows, other=0.0)
    tl.store(out_at + row_once, tl.sum(total, axis=1) * scale, mask=row_once < rows)


@triton.jit(do_not_specialize=["rows"])  # type: ignore[untyped-decorator]
def gemv4_kernel(
    x_at: tl.tensor,
    sums_at: tl.tensor,
    words_at: tl.tensor,
    groups_at: tl.tensor,
    out_at: tl.tensor,
    rows: int,
    K: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """out (N): a lane holds whole groups, whose sum is scaled once; `pack4`, `prepare4`."""
    G: tl.constexpr = K // 64
    row = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)[:, None]
    total = tl.zeros((BLOCK_N, BLOCK), tl.float32)
    for first in tl.range(0, G, BLOCK):
        group = first + tl.arange(0, BLOCK)
        inside = group < G
        both = (row < rows) & inside[None, :]
        row_at = words_at + row.to(tl.int64) * (8 * G) + group[None, :]
        dot = tl.zeros((BLOCK_N, BLOCK), tl.float32)
        for plane in tl.static_range(8):
            word = tl.load(row_at + plane * G, mask=both, other=0, eviction_policy="evict_first")
            for half in tl.static_range(2):
                bits = word >> (16 * half)
                for part in tl.static_range(4):
                    # The nibble stays where it is: x was divided by 16**part beforehand.
                    code = (bits & (0xF << (4 * part))) | _MAGIC
                    value = code.to(tl.float32, bitcast=True) - _MAGIC_VALUE
                    element = plane * 8 + half * 4 + part
                    x = tl.load(x_at + element * G + group, mask=inside, other=0.0)
                    dot += value * x[None, :]
        packed = tl.load(groups_at + row.to(tl.int64) * G + group[None, :], mask=both, other=0)
        scale = (packed & -16).to(tl.float32, bitcast=True)
        zero = ((packed & 15) | _MAGIC).to(tl.float32, bitcast=True) - _MAGIC_VALUE
        group_sum = tl.load(sums_at + group, mask=inside, other=0.0)
        total += scale * (dot - zero * group_sum[None, :])
    _store(out_at, total, rows, BLOCK_N)


@triton.jit  # type: ignore[untyped-decorator]
def _store(out_at: tl.tensor, total: tl.tensor, rows: int, BLOCK_N: tl.constexpr) -> None:
    row = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    tl.store(out_at + row, tl.sum(total, axis=1), mask=row < rows)


@dataclass(frozen=True, slots=True)
class Tile:
    """What one program of a kernel covers: rows, columns of a step (in loads), and its warps."""

    rows: int
    columns: int
    warps: int


def pack8(codes: Codes) -> tuple[Tensor, Tensor]:
    """Return words (N, K/4) int32 and scales (N) float32 of int8 codes.

    Byte b of word j is the code of column b * K/4 + j, plus 128: x is then read in its own order.
    """
    planes = (codes.values.to(torch.int16) + 128).to(torch.uint8).view(len(codes.values), 4, -1)
    return _words(planes.transpose(1, 2)), codes.scales.view(-1).float().contiguous()


def pack4(codes: Codes) -> tuple[Tensor, Tensor]:
    """Return words (N, 8, K/64) int32 and group constants (N, K/64) int32 of int4 codes.

    Nibble i of word (n, j, g) is element 8 j + i of group g. A group constant is the float32
    scale whose last four mantissa bits are replaced by the zero point.
    """
    assert codes.zeros is not None
    rows = len(codes.values)
    # Two nibbles of a byte are neighbours already, and so are four bytes of a word.
    by_group = codes.values.view(rows, -1, _WORDS_PER_GROUP, 4)
    words = _words(by_group.transpose(1, 2))
    bits = codes.scales.float().contiguous().view(torch.int32) & -16
    return words, bits | codes.zeros.to(torch.int32)


def prepare4(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return x (K) in the order of `pack4`, (64, K/64) float32, and the groups' sums (K/64).

    Element e is divided by 16**(e % 4). An engine would let the kernel before do this.
    """
    groups = x.float().view(-1, GROUP_SIZE)
    shifts = torch.arange(GROUP_SIZE, device=x.device) % 4
    return (groups * 16.0**-shifts).t().contiguous(), groups.sum(dim=1)


def gemv16(x: Tensor, weight: Tensor, out: Tensor, tile: Tile) -> None:
    """Write weight (N, K) @ x (K) into ``out`` (N)."""
    rows, columns = weight.shape
    grid = (triton.cdiv(rows, tile.rows),)
    gemv16_kernel[grid](
        x, weight, out, rows, columns, tile.rows, tile.columns, num_warps=tile.warps
    )


def gemv8(x: Tensor, words: Tensor, scales: Tensor, out: Tensor, tile: Tile) -> None:
    """Write the product of what `pack8` packed with x (K) into ``out`` (N)."""
    rows, columns = words.shape
    grid = (triton.cdiv(rows, tile.rows),)
    gemv8_kernel[grid](
        x, words, scales, out, rows, columns * 4, tile.rows, tile.columns, num_warps=tile.warps
    )


def gemv4(x: Tensor, sums: Tensor, words: Tensor, groups: Tensor, out: Tensor, tile: Tile) -> None:
    """Write the product of what `pack4` packed with the x of `prepare4` into ``out`` (N)."""
    rows, columns = groups.shape
    grid = (triton.cdiv(rows, tile.rows),)
    gemv4_kernel[grid](
        x,
        sums,
        words,
        groups,
        out,
        rows,
        columns * GROUP_SIZE,
        tile.rows,
        tile.columns,
        num_warps=tile.warps,
    )


def _words(quartets: Tensor) -> Tensor:
    """Return (…) int32 of bytes (…, 4) uint8, the first one lowest."""
    return quartets.contiguous().view(torch.int32).squeeze(-1)
