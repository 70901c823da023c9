"""How much room a download and its conversion need together, and whether it is there.

Standard library only.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xverse_chat.errors import DiskError
from xverse_chat.wording import say

# For the small files, the journal and the file system's own needs.
MARGIN_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True)
class ShardSpace:
    """A shard still to be converted; ``is_freed`` tells that its ``.bin`` is deleted then."""

    size_bytes: int
    is_freed: bool


def needed_bytes(
    missing_bytes: int, shards: Iterable[ShardSpace], *, quantized_bytes: int = 0
) -> int:
    """Return the most that will be taken of the disk, beyond what is taken now.

    First everything that is missing arrives; then each shard is written once more, and its
    source is deleted if it may be. So it is one copy plus one shard, or two copies; after that
    come the quantized weights, if there are to be any.
    """
    taken = most = missing_bytes
    for shard in shards:
        taken += shard.size_bytes
        most = max(most, taken)
        if shard.is_freed:
            taken -= shard.size_bytes
    return max(most, taken + quantized_bytes)


def check_space(folder: Path, needed: int) -> None:
    """Raise DiskError when the disk of ``folder`` has less than ``needed`` bytes and a margin."""
    if needed == 0:
        return
    free = shutil.disk_usage(folder).free
    if free < needed + MARGIN_BYTES:
        raise DiskError(
            say(
                "Too little room on the disk of {folder}: what is to be made there needs "
                "{needed}, and {free} are free.",
                folder=folder,
                needed=size_text(needed + MARGIN_BYTES),
                free=size_text(free),
            ),
            hint=say("Make room, or choose another disk with --cache-dir."),
        )


def size_text(size_bytes: int) -> str:
    """Return a size for reading, such as ``14.6 GB``."""
    if size_bytes >= 10**9:
        return f"{size_bytes / 10**9:.1f} GB"
    return f"{size_bytes / 10**6:.1f} MB"
