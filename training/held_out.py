"""The rule that keeps some names, values, numbers and topic orders away from training.

A checksum of the text decides, so the rule needs no list and holds on every machine.
"""

import zlib
from collections.abc import Sequence

# One in ten is kept for measuring.
HELD_OUT_SHARE = 10
# An order of fewer topics is too common to keep away: greeting, then question, is everyone's.
SHORTEST_HELD_OUT_ORDER = 4


def is_held_out(text: str) -> bool:
    """Tell whether a name, value or number is kept away from training. Case does not matter."""
    key = " ".join(text.casefold().split())
    return zlib.crc32(b"value " + key.encode()) // 7 % HELD_OUT_SHARE == 0


def is_order_held_out(topics: Sequence[str]) -> bool:
    """Tell whether this order of topics is kept away from training."""
    if len(topics) < SHORTEST_HELD_OUT_ORDER:
        return False
    return zlib.crc32(b"order " + " ".join(topics).encode()) // 7 % HELD_OUT_SHARE == 0
