import torch

from xverse_chat.engine.cache import KVCache
from xverse_chat.engine.capacity import GROWTH_TOKENS


def states(tokens: int, seed: int) -> torch.Tensor:
    return torch.randn(1, 2, tokens, 8, generator=torch.Generator().manual_seed(seed))


def test_what_is_appended_comes_back_in_order_over_every_growth() -> None:
    cache = KVCache(1)
    parts = [states(tokens, tokens) for tokens in (5, 1, GROWTH_TOKENS, 700, 1)]
    for part in parts:
        keys, values = cache.update(part, -part, 0)
    assert torch.equal(keys, torch.cat(parts, dim=2))
    assert torch.equal(values, -torch.cat(parts, dim=2))
    assert cache.length == cache.get_seq_length() == sum(part.shape[2] for part in parts)


def test_truncating_keeps_the_prefix_and_what_follows_overwrites_the_rest() -> None:
    cache = KVCache(1)
    cache.update(states(10, 0), states(10, 0), 0)
    cache.truncate(4)
    keys, _ = cache.update(states(3, 1), states(3, 1), 0)
    assert torch.equal(keys, torch.cat([states(10, 0)[:, :, :4], states(3, 1)], dim=2))


def test_the_length_is_what_every_layer_holds() -> None:
    cache = KVCache(2)
    cache.update(states(6, 0), states(6, 0), 0)
    assert cache.length == 0
    cache.truncate(0)
    assert cache.get_seq_length(0) == 0


def test_little_room_is_idle() -> None:
    cache = KVCache(1)
    cache.update(states(3000, 0), states(3000, 0), 0)
    cache.update(states(100, 0), states(100, 0), 0)
    used = 3100 * 2 * 8 * 4 * 2
    assert used <= cache.size_bytes <= used * 1.2
