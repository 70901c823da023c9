"""Products with many rows of inputs: quantized weights become 16-bit ones, part by part.

The parts go through one scratch space, so there is never a second copy of a matrix.
"""

import torch
from torch import Tensor

from xverse_chat.engine.cuda.arguments import Launcher
from xverse_chat.engine.cuda.layout import TILE_ROWS, DeviceMatrix

ROW_THREADS = 256
# Little enough to stay in the cache of a data-centre GPU until cuBLAS reads it.
SCRATCH_BYTES = 48 * 2**20


class Unpacker:
    """Multiplies by a model's matrices; ``dtype`` is the model's, of 16 bits.

    ``kind`` names a matrix as the kernels do: qkv, output, gate_up, down or head.
    """

    def __init__(self, launcher: Launcher, dtype: torch.dtype, device: torch.device) -> None:
        self._launcher = launcher
        self._scratch = torch.empty(0, dtype=dtype, device=device)

    def linear(self, kind: str, matrix: DeviceMatrix, hidden: Tensor, out: Tensor) -> None:
        """Write the product of ``hidden`` (T, columns) into ``out`` (T, rows), of its dtype."""
        if matrix.bits == 16:
            torch.mm(hidden, matrix.weights.t(), out=out)
            return
        tile_rows = TILE_ROWS // 2 if matrix.is_gated else TILE_ROWS
        tiles_at_once = max(1, SCRATCH_BYTES // (TILE_ROWS * matrix.columns * hidden.itemsize))
        for first in range(0, matrix.tiles, tiles_at_once):
            tiles = min(tiles_at_once, matrix.tiles - first)
            rows = tiles * tile_rows
            weights = self._unpack(kind, matrix, first, tiles, rows)
            begin, end = first * tile_rows, min(first * tile_rows + rows, matrix.rows)
            torch.mm(hidden, weights[: end - begin].t(), out=out[:, begin:end])
            if matrix.is_gated:
                half = matrix.rows // 2
                torch.mm(hidden, weights[rows:].t(), out=out[:, half + begin : half + end])

    def forget(self) -> None:
        """Give the scratch space back."""
        self._scratch = self._scratch.new_empty(0)

    def _unpack(self, kind: str, matrix: DeviceMatrix, first: int, tiles: int, rows: int) -> Tensor:
        """Return tiles as rows; of gate and up those of the gate, then their partners."""
        all_rows = tiles * TILE_ROWS
        if self._scratch.numel() < all_rows * matrix.columns:
            self._scratch = self._scratch.new_empty(all_rows * matrix.columns)
        weights = self._scratch[: all_rows * matrix.columns].view(all_rows, matrix.columns)
        self._launcher.launch(
            f"unpack_{kind}",
            blocks=tiles,
            threads=ROW_THREADS,
            arguments=[matrix, weights, first, rows if matrix.is_gated else TILE_ROWS // 2],
        )
        return weights
