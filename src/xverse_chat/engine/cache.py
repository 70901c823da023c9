"""The KV cache: room that grows in steps and can be cut back to a prefix.

A subclass of transformers' cache, so that the model's own forward fills it. The one it replaces
copies every key and value of the conversation for each new token.
"""

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from xverse_chat.engine.capacity import capacity_for


class _Layer(DynamicLayer):
    """Keys and values of one layer, each (1, H, capacity, D), of which ``length`` are in use."""

    def __init__(self) -> None:
        super().__init__()
        self.length = 0

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Append keys and values (1, H, T, D); return all in use, as views."""
        end = self.length + key_states.shape[-2]
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys = key_states.new_empty((*key_states.shape[:-2], 0, key_states.shape[-1]))
            self.values = torch.empty_like(self.keys)
        if end > self.keys.shape[-2]:
            self._grow(end)
        self.keys[:, :, self.length : end] = key_states
        self.values[:, :, self.length : end] = value_states
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_seq_length(self) -> int:
        """Return the number of tokens in use."""
        return self.length

    def _grow(self, tokens: int) -> None:
        capacity = capacity_for(tokens, length=self.length)
        for name in ("keys", "values"):
            old = getattr(self, name)
            new = old.new_empty((*old.shape[:-2], capacity, old.shape[-1]))
            new[:, :, : self.length] = old[:, :, : self.length]
            setattr(self, name, new)


class KVCache(Cache):
    """Keys and values of one conversation, for all layers."""

    def __init__(self, layer_count: int) -> None:
        super().__init__(layers=[_Layer() for _ in range(layer_count)])

    @property
    def length(self) -> int:
        """The tokens that every layer holds; fewer than some hold after an interrupted step."""
        return int(min(layer.length for layer in self.layers))

    @property
    def size_bytes(self) -> int:
        """The memory taken, in use or not."""
        return sum(
            tensor.numel() * tensor.element_size()
            for layer in self.layers
            if layer.is_initialized
            for tensor in (layer.keys, layer.values)
        )

    def truncate(self, length: int) -> None:
        """Keep the first ``length`` tokens. Frees nothing: the room will be used again."""
        for layer in self.layers:
            layer.length = min(layer.length, length)
