"""How the kernels divide their work on a GPU: figures that were measured, not searched at start."""

from dataclasses import dataclass

import torch

# Bytes of shared memory that one block may have, by compute capability (CUDA C++ Programming
# Guide, table of technical specifications): 163, 99, 99, 227 and 99 KiB.
SHARED_LIMITS = {
    (8, 0): 166_912,
    (8, 6): 101_376,
    (8, 9): 101_376,
    (9, 0): 232_448,
    (12, 0): 101_376,
}

# Where no more than this is there, rows come in smaller pieces: a ring must hold several.
_LITTLE_SHARED_BYTES = 120_000


@dataclass(frozen=True, slots=True)
class Tuning:
    """``blocks`` at work at once, each with ``teams`` of 8 warps and ``shared_limit_bytes``.

    The tokens of a head go to up to ``splits`` of them. Rows of 16-bit weights come in pieces of
    ``row_piece`` columns.
    """

    blocks: int
    teams: int
    splits: int
    row_piece: int
    shared_limit_bytes: int

    def defines(self) -> list[str]:
        """Return the compiler's options that say this."""
        return [
            f"-DBLOCKS={self.blocks}",
            f"-DTEAMS={self.teams}",
            f"-DSPLITS={self.splits}",
            f"-DROW_PIECE={self.row_piece}",
            f"-DSHARED_LIMIT={self.shared_limit_bytes}",
        ]


def choose_tuning(capability: tuple[int, int], multiprocessors: int, *, heads: int) -> Tuning:
    """Return the tuning for a GPU of this kind. Raises KeyError for an unknown capability."""
    shared_limit = SHARED_LIMITS[capability]
    return Tuning(
        blocks=multiprocessors,
        teams=1,
        splits=max(1, min(8, multiprocessors // heads)),
        row_piece=4096 if shared_limit > _LITTLE_SHARED_BYTES else 1024,
        shared_limit_bytes=shared_limit,
    )


def tuning_for(device: torch.device, *, heads: int) -> Tuning:
    """Return the tuning for a GPU that is there."""
    properties = torch.cuda.get_device_properties(device)
    capability = (properties.major, properties.minor)
    return choose_tuning(capability, properties.multi_processor_count, heads=heads)
