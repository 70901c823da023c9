"""How a matrix lies in GPU memory for the kernels, in plain PyTorch; the reference for both ways.

Rows go into tiles of 16; the columns of a tile into units, which eight warps share. What a warp
loads at once, a piece, is one run of bytes. ``kernels/plan.cuh`` is the other half of this.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from xverse_chat.engine.quant import GROUP_SIZE, Codes
from xverse_chat.errors import EngineError
from xverse_chat.wording import say

TILE_ROWS = 16
WARPS = 8
UNIT_COLUMNS = {4: 64, 8: 32, 16: 32}
UNIT_BYTES = 512  # of codes
PIECE_UNITS = 8
# Behind the codes of a piece of 4 bits: four float16 scales for each lane, then four zero points.
_SCALE_BYTES, _ZERO_BYTES = 256, 64
# Groups whose scale is smaller are all zeros: quantization gives them a scale that is no zero.
_NEGLIGIBLE = 1e-20


@dataclass(frozen=True, slots=True)
class DeviceMatrix:
    """A matrix (rows, columns) as the kernels read it.

    16 bits: ``weights`` (rows, columns) of the model's type. Else ``weights`` (tiles, bytes) uint8,
    and for 8 bits ``scales`` (rows,) float32; those of 4 bits lie among the weights.
    ``is_gated``: rows r + 8 of a tile are taken from the second half of the rows, so that a gate
    and its partner meet in one tile.
    """

    rows: int
    columns: int
    bits: int
    weights: Tensor
    scales: Tensor | None
    is_gated: bool = False

    @property
    def tiles(self) -> int:
        """Number of tiles, the last one perhaps not full."""
        return -(-self.rows // TILE_ROWS)

    @property
    def size_bytes(self) -> int:
        """What is read for one token."""
        return self.weights.nbytes + (0 if self.scales is None else self.scales.nbytes)


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive units of a tile, and where in it they begin."""

    first_unit: int
    units: int
    offset_bytes: int


def pieces(columns: int, bits: int) -> Iterator[Piece]:
    """Yield the pieces of a tile of quantized weights, as they lie in memory."""
    units = columns // UNIT_COLUMNS[bits]
    offset = 0
    for warp in range(WARPS):
        first, end = units * warp // WARPS, units * (warp + 1) // WARPS
        while first < end:
            count = min(PIECE_UNITS, end - first)
            yield Piece(first, count, offset)
            offset += count * UNIT_BYTES + (_SCALE_BYTES + _ZERO_BYTES if bits == 4 else 0)
            first += count


def plain_matrix(weight: Tensor, *, is_gated: bool = False) -> DeviceMatrix:
    """Return (N, K) of a 16-bit type as it is. Raises EngineError for a shape no kernel takes."""
    rows, columns = weight.shape
    _check_shape(rows, columns, bits=16, is_gated=is_gated)
    return DeviceMatrix(rows, columns, 16, weight.contiguous(), None, is_gated)


def pack(codes: Codes, *, is_gated: bool = False) -> DeviceMatrix:
    """Return the codes (N, K) in the kernels' order, on their device.

    Raises EngineError for a shape that no kernel takes, and for 4-bit scales that float16 cannot
    keep.
    """
    bits = 8 if codes.zeros is None else 4
    rows = len(codes.values)
    columns = codes.values.shape[1] * (1 if bits == 8 else 2)
    _check_shape(rows, columns, bits=bits, is_gated=is_gated)
    values = _tiled(codes.values, is_gated=is_gated)
    if bits == 8:
        weights = _pack_bytes(values).view(len(values), -1)
        return DeviceMatrix(rows, columns, 8, weights, codes.scales.flatten().float(), is_gated)
    assert codes.zeros is not None
    scales = _tiled(_to_half(codes.scales), is_gated=is_gated)
    zeros = _tiled(codes.zeros, is_gated=is_gated)
    units = _pack_nibbles(values)
    parts = []
    for piece in pieces(columns, 4):
        own = slice(piece.first_unit, piece.first_unit + piece.units)
        parts += [units[:, own].flatten(1), _lane_scales(scales[..., own])]
        parts.append(_lane_zeros(zeros[..., own]))
    return DeviceMatrix(rows, columns, 4, torch.cat(parts, dim=1), None, is_gated)


def unpack(matrix: DeviceMatrix, dtype: torch.dtype) -> Tensor:
    """Return the matrix (N, K) that a DeviceMatrix stands for."""
    if matrix.bits == 16:
        return matrix.weights.to(dtype)
    if matrix.bits == 8:
        assert matrix.scales is not None
        raw = matrix.weights.view(len(matrix.weights), -1, 8, 4, 2, 2, 4)
        ordered = raw.permute(0, 5, 2, 1, 3, 4, 6).flatten(3)
        whole = _untiled(ordered.view(torch.int8), matrix).to(dtype)
        return whole * matrix.scales.to(dtype).unsqueeze(1)
    codes, scales, zeros = [], [], []
    for piece in pieces(matrix.columns, 4):
        end = piece.offset_bytes + piece.units * UNIT_BYTES
        codes.append(_nibbles(matrix.weights[:, piece.offset_bytes : end]))
        behind = matrix.weights[:, end : end + _SCALE_BYTES + _ZERO_BYTES]
        scales.append(_scales_of(behind[:, :_SCALE_BYTES])[..., : piece.units])
        zeros.append(_zeros_of(behind[:, _SCALE_BYTES:])[..., : piece.units])
    whole, scale, zero = (
        _untiled(torch.cat(parts, dim=-1), matrix).to(dtype) for parts in (codes, scales, zeros)
    )
    shifted = whole.view(matrix.rows, -1, GROUP_SIZE) - zero.unsqueeze(-1)
    return (shifted * scale.unsqueeze(-1)).view(matrix.rows, matrix.columns)


def _check_shape(rows: int, columns: int, *, bits: int, is_gated: bool) -> None:
    step = UNIT_COLUMNS[bits]
    if columns % step:
        raise EngineError(
            say(
                "A matrix of {columns} columns is nothing for the {bits}-bit kernel: it must "
                "be a multiple of {step}.",
                columns=columns,
                bits=bits,
                step=step,
            )
        )
    if is_gated and rows % TILE_ROWS:
        raise EngineError(
            say("Gate and up of {rows} rows together: it must be a multiple of 16.", rows=rows)
        )


def _to_half(scales: Tensor) -> Tensor:
    limits = torch.finfo(torch.float16)
    used = scales[scales > _NEGLIGIBLE]
    if used.numel() and (bool((used > limits.max).any()) or bool((used < limits.tiny).any())):
        raise EngineError(
            say(
                "The scales of these weights are too large or too small for the 4-bit "
                "kernel: they must lie between {least:.1e} and {most:.0f}.",
                least=limits.tiny,
                most=limits.max,
            )
        )
    return scales.to(torch.float16)


def _tiled(rows: Tensor, *, is_gated: bool) -> Tensor:
    """Return (N, X) as (tiles, 2, 8, X): half of the tile, row r of the half. Pads with zeros."""
    missing = -len(rows) % TILE_ROWS
    if missing:
        rows = torch.cat([rows, rows.new_zeros(missing, *rows.shape[1:])])
    if is_gated:
        return rows.view(2, -1, 8, *rows.shape[1:]).transpose(0, 1)
    return rows.view(-1, 2, 8, *rows.shape[1:])


def _untiled(tiled: Tensor, matrix: DeviceMatrix) -> Tensor:
    """Return (tiles, 2, 8, X) as (N, X)."""
    ordered = tiled.transpose(0, 1) if matrix.is_gated else tiled
    return ordered.reshape(-1, tiled.shape[-1])[: matrix.rows]


def _pack_bytes(values: Tensor) -> Tensor:
    """Return the codes (tiles, 2, 8, K) int8 in the kernels' order, as bytes."""
    # (tiles, half, r, units, q, step, column): a word is 4 consecutive columns.
    raw = values.reshape(len(values), 2, 8, -1, 4, 2, 4).view(torch.uint8)
    return raw.permute(0, 3, 2, 4, 5, 1, 6).contiguous()


def _pack_nibbles(values: Tensor) -> Tensor:
    """Return (tiles, units, 512) uint8 for bytes (tiles, 2, 8, K/2), even columns low.

    A byte is one column of row r, low, and of row r + 8.
    """
    codes = torch.stack((values & 15, values >> 4), dim=-1).flatten(3)
    both = (codes[:, 0] | codes[:, 1] << 4).view(len(values), 8, -1, 64)
    return both.transpose(1, 2).reshape(len(values), -1, UNIT_BYTES)


def _nibbles(packed: Tensor) -> Tensor:
    """Return the codes (tiles, 2, 8, columns) of a piece (tiles, bytes)."""
    both = packed.reshape(len(packed), -1, 8, 64).transpose(1, 2)
    return torch.stack((both & 15, both >> 4), dim=1).flatten(3)


def _by_lane(values: Tensor) -> Tensor:
    """Return (tiles, 2, 8, units up to 8) as (tiles, r, q, half, unit 2q or 2q + 1)."""
    missing = PIECE_UNITS - values.shape[-1]
    padded = torch.nn.functional.pad(values, (0, missing))
    return padded.reshape(len(values), 2, 8, 4, 2).permute(0, 2, 3, 1, 4).contiguous()


def _lane_scales(scales: Tensor) -> Tensor:
    return _by_lane(scales).view(torch.uint8).view(len(scales), _SCALE_BYTES)


def _scales_of(packed: Tensor) -> Tensor:
    lanes = packed.contiguous().view(torch.float16).view(len(packed), 8, 4, 2, 2)
    return lanes.permute(0, 3, 1, 2, 4).flatten(3)


def _lane_zeros(zeros: Tensor) -> Tensor:
    lanes = _by_lane(zeros)
    return (lanes[..., 0] | lanes[..., 1] << 4).view(len(zeros), _ZERO_BYTES)


def _zeros_of(packed: Tensor) -> Tensor:
    lanes = packed.view(len(packed), 8, 4, 2)
    both = torch.stack((lanes & 15, lanes >> 4), dim=-1)
    return both.permute(0, 3, 1, 2, 4).flatten(3)
