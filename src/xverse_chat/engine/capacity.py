"""How much room a KV cache that grows takes at a time."""

GROWTH_TOKENS = 256


def capacity_for(tokens: int, *, length: int) -> int:
    """Return the tokens to make room for when ``length`` are in use and ``tokens`` will be.

    An eighth and at least some hundred more: copies stay rare, little room is idle.
    """
    wanted = max(tokens, length + length // 8)
    return -(-wanted // GROWTH_TOKENS) * GROWTH_TOKENS
