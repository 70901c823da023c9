"""How the kernels divide their work on a GPU: figures that were measured, not searched at start."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Tuning:
    """``teams`` of 8 warps in a block of a matrix-vector product; ``sharing`` blocks that must
    have room on a multiprocessor together; ``gemv_blocks`` in all; ``attention_splits`` of a head.
    """

    teams: int
    sharing: int
    gemv_blocks: int
    attention_splits: int


def choose_tuning(
    capability: tuple[int, int], multiprocessors: int, *, heads: int, bits: int
) -> Tuning:
    """Return what was measured to be good, or nearly so, for a GPU of this kind."""
    return Tuning(
        teams=1,
        sharing=3,
        gemv_blocks=2 * multiprocessors,
        attention_splits=max(1, min(32, 3 * multiprocessors // heads)),
    )


def tuning_for(device: torch.device, *, heads: int, bits: int) -> Tuning:
    """Return the tuning for a GPU that is there."""
    properties = torch.cuda.get_device_properties(device)
    return choose_tuning(
        (properties.major, properties.minor),
        properties.multi_processor_count,
        heads=heads,
        bits=bits,
    )
