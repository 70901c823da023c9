"""The KV cache of the CPU's forward: keys and values in the layout that its kernels read."""

import torch
from torch import Tensor

from xverse_chat.engine.cache import capacity_for


class CpuCache:
    """Keys and values of one conversation, for each layer (H, capacity, D).

    ``length`` is how many tokens every layer holds; what lies behind them is not in use.
    """

    def __init__(self, layers: int, heads: int, size: int, dtype: torch.dtype) -> None:
        empty = torch.empty(heads, 0, size, dtype=dtype)
        self.length = 0
        self.keys: list[Tensor] = [empty] * layers
        self.values: list[Tensor] = [empty] * layers

    @property
    def size_bytes(self) -> int:
        """The memory taken, in use or not."""
        return sum(tensor.nbytes for tensor in (*self.keys, *self.values))

    def reserve(self, tokens: int) -> None:
        """Make room for so many tokens in all."""
        if tokens <= self.keys[0].shape[1]:
            return
        capacity = capacity_for(tokens, length=self.length)
        for tensors in (self.keys, self.values):
            for layer, old in enumerate(tensors):
                tensors[layer] = old.new_empty(old.shape[0], capacity, old.shape[2])
                tensors[layer][:, : self.length] = old[:, : self.length]
                del old  # before the next layer takes its room

    def truncate(self, length: int) -> None:
        """Keep the first ``length`` tokens. Frees nothing: the room will be used again."""
        self.length = min(self.length, length)
