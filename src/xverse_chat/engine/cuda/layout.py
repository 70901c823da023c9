"""How a matrix lies in GPU memory for the kernels, in plain PyTorch; the reference for both ways.

Rows go into tiles of 16; columns into units of 64 (4 bits) or 32 (8 bits). ``kernels/weights.cuh``
is the other half of this: what one lane of a warp finds in its 16 bytes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from xverse_chat.engine.quant import GROUP_SIZE, Codes
from xverse_chat.errors import EngineError

TILE_ROWS = 16
UNIT_COLUMNS = {4: 64, 8: 32, 16: 32}


@dataclass(frozen=True, slots=True)
class DeviceMatrix:
    """A matrix (rows, columns) as the kernels read it.

    16 bits: ``weights`` (rows, columns) of the model's type. Else ``weights`` (tiles, units, 32, 4)
    int32. ``scales``: 8 bits (rows,) float32; 4 bits (tiles, units, 8) int32, each the float16
    scales of rows r and r + 8. ``zeros``, 4 bits only: (tiles, units, 8) uint8, likewise.
    ``is_gated``: rows r + 8 of a tile are taken from the second half of the rows, so that a gate
    and its partner meet in one lane.
    """

    rows: int
    columns: int
    bits: int
    weights: Tensor
    scales: Tensor | None
    zeros: Tensor | None
    is_gated: bool = False

    @property
    def tile_step(self) -> int:
        """Rows from one tile to the next."""
        return TILE_ROWS // 2 if self.is_gated else TILE_ROWS

    @property
    def second_row(self) -> int:
        """Rows from row r of a tile to what is its row r + 8."""
        return self.rows // 2 if self.is_gated else TILE_ROWS // 2

    @property
    def tiles(self) -> int:
        """Number of tiles, the last one perhaps not full."""
        return -(-self.rows // TILE_ROWS)

    @property
    def size_bytes(self) -> int:
        """What is read for one token."""
        parts = (self.weights, self.scales, self.zeros)
        return sum(part.numel() * part.element_size() for part in parts if part is not None)


def plain_matrix(weight: Tensor, *, is_gated: bool = False) -> DeviceMatrix:
    """Return (N, K) of a 16-bit type as it is. Raises EngineError for a shape no kernel takes."""
    _check_shape(*weight.shape, bits=16, is_gated=is_gated)
    return DeviceMatrix(*weight.shape, 16, weight.contiguous(), None, None, is_gated)


def pack(codes: Codes, *, is_gated: bool = False) -> DeviceMatrix:
    """Return the codes (N, K) in the kernels' order, on their device.

    Raises EngineError for a shape that no kernel takes.
    """
    bits = 8 if codes.zeros is None else 4
    rows = len(codes.values)
    columns = codes.values.shape[1] * (1 if bits == 8 else 2)
    _check_shape(rows, columns, bits=bits, is_gated=is_gated)
    values = _tiled(codes.values, is_gated=is_gated)
    tiles = len(values)
    if bits == 8:
        # (tiles, half, r, units, q, step, pair and element): a word is 4 consecutive columns.
        raw = values.view(tiles, 2, 8, columns // 32, 4, 2, 4).view(torch.uint8) ^ 128
        words = raw.permute(0, 3, 2, 4, 5, 1, 6).contiguous()
        weights = words.view(torch.int32).view(tiles, columns // 32, 32, 4)
        return DeviceMatrix(
            rows, columns, 8, weights, codes.scales.flatten().contiguous(), None, is_gated
        )
    assert codes.zeros is not None
    weights = _pack_nibbles(values, columns)
    scales = _tiled(codes.scales.to(torch.float16).view(torch.int16), is_gated=is_gated)
    zeros = _tiled(codes.zeros, is_gated=is_gated)  # (tiles, half, r, units)
    pairs = scales.permute(0, 3, 2, 1).contiguous().view(torch.int32).squeeze(-1)
    both = (zeros[:, 0] | zeros[:, 1] << 4).permute(0, 2, 1).contiguous()
    return DeviceMatrix(rows, columns, 4, weights, pairs, both, is_gated)


def unpack(matrix: DeviceMatrix, dtype: torch.dtype) -> Tensor:
    """Return the matrix (N, K) that a DeviceMatrix stands for."""
    if matrix.bits == 16:
        return matrix.weights.to(dtype)
    tiles, columns = matrix.tiles, matrix.columns
    assert matrix.scales is not None
    if matrix.bits == 8:
        raw = matrix.weights.view(torch.uint8).view(tiles, columns // 32, 8, 4, 2, 2, 4)
        ordered = raw.permute(0, 5, 2, 1, 3, 4, 6).reshape(tiles, 2, 8, columns)
        whole = _untiled(ordered, matrix).to(dtype) - 128
        return whole * matrix.scales.to(dtype).unsqueeze(1)
    assert matrix.zeros is not None
    words = matrix.weights.view(tiles, columns // 64, 8, 4, 4)  # (…, r, q, step)
    halves = []
    for half in range(2):
        parts = [
            words >> 4 * (2 * pair + half) + 16 * element & 15
            for pair in range(2)
            for element in range(2)
        ]
        halves.append(torch.stack(parts, dim=-1))
    codes = torch.stack(halves, dim=1).permute(0, 1, 3, 2, 4, 5, 6)
    whole = _untiled(codes.reshape(tiles, 2, 8, columns), matrix)
    pairs = matrix.scales.view(torch.float16).view(tiles, -1, 8, 2).permute(0, 3, 2, 1)
    scales = _untiled(pairs, matrix).to(dtype)
    both = torch.stack((matrix.zeros & 15, matrix.zeros >> 4), dim=1).permute(0, 1, 3, 2)
    zeros = _untiled(both, matrix).to(dtype)
    groups = whole.view(matrix.rows, -1, GROUP_SIZE).to(dtype)
    return ((groups - zeros.unsqueeze(-1)) * scales.unsqueeze(-1)).view(matrix.rows, columns)


def _check_shape(rows: int, columns: int, *, bits: int, is_gated: bool) -> None:
    step = UNIT_COLUMNS[bits]
    if columns % step:
        raise EngineError(
            f"A matrix of {columns} columns is nothing for the {bits}-bit kernel: "
            f"it must be a multiple of {step}."
        )
    if is_gated and rows % TILE_ROWS:
        raise EngineError(f"Gate and up of {rows} rows together: it must be a multiple of 16.")


def _tiled(rows: Tensor, *, is_gated: bool) -> Tensor:
    """Return (N, …) as (tiles, 2, 8, …): half of the tile, row r of the half. Pads with zeros."""
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


def _pack_nibbles(values: Tensor, columns: int) -> Tensor:
    """Return words (tiles, units, 32, 4) for bytes (tiles, 2, 8, K/2), even columns low.

    Of a word, nibble ``2 * pair + half`` is the even column of a pair, four above it the odd one.
    """
    tiles = len(values)
    # (tiles, half, r, units, q, step, pair): a byte is both elements of a pair.
    parts = values.reshape(tiles, 2, 8, columns // 64, 4, 4, 2)
    words = torch.zeros(tiles, columns // 64, 8, 4, 4, dtype=torch.int32, device=values.device)
    for half in range(2):
        for pair in range(2):
            byte = parts[:, half, ..., pair].permute(0, 2, 1, 3, 4).to(torch.int32)
            words |= (byte & 15 | (byte >> 4) << 16) << 4 * (2 * pair + half)
    return words.view(tiles, columns // 64, 32, 4)
