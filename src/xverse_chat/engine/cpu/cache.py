"""The KV cache of the CPU's forward: keys and values in the layout that its kernels read."""

import torch
from torch import Tensor

from xverse_chat.engine.capacity import capacity_for
from xverse_chat.engine.cpu.library import KINDS, CacheAddress


class CpuCache:
    """Keys and values of one conversation, for each layer (H, capacity, D).

    ``length`` is how many tokens every layer holds; what lies behind them is not in use.
    """

    def __init__(self, layers: int, heads: int, size: int, dtype: torch.dtype) -> None:
        empty = torch.empty(heads, 0, size, dtype=dtype)
        self.length = 0
        self.keys: list[Tensor] = [empty] * layers
        self.values: list[Tensor] = [empty] * layers
        self.addresses: list[CacheAddress] = []

    @property
    def size_bytes(self) -> int:
        """The memory taken, in use or not."""
        return sum(tensor.nbytes for tensor in (*self.keys, *self.values))

    def reserve(self, tokens: int) -> None:
        """Make room for so many tokens in all; ``addresses`` change."""
        if tokens <= self.keys[0].shape[1]:
            return
        capacity = capacity_for(tokens, length=self.length)
        for tensors in (self.keys, self.values):
            for layer in range(len(tensors)):  # one by one, so that little is there twice
                tensors[layer] = self._grown(tensors[layer], capacity)
        self.addresses = [
            CacheAddress(
                KINDS[keys.dtype],
                keys.data_ptr(),
                values.data_ptr(),
                keys.shape[0],
                capacity,
                keys.shape[2],
            )
            for keys, values in zip(self.keys, self.values, strict=True)
        ]

    def truncate(self, length: int) -> None:
        """Keep the first ``length`` tokens. Frees nothing: the room will be used again."""
        self.length = min(self.length, length)

    def _grown(self, old: Tensor, capacity: int) -> Tensor:
        new = old.new_empty(old.shape[0], capacity, old.shape[2])
        new[:, : self.length] = old[:, : self.length]
        return new
