"""The plain way of computing logits: through transformers' own forward."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from xverse_chat.engine.cache import KVCache
from xverse_chat.engine.forward import CheckStop

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


class TransformersForward:
    """The model's own forward: every shape, every device, every precision."""

    def __init__(self, model: "LlamaForCausalLM") -> None:
        self._model = model
        self.forget()

    @property
    def length(self) -> int:
        """The tokens in the KV cache."""
        return self._cache.length

    @property
    def size_bytes(self) -> int:
        """The memory that the KV cache takes, in use or not."""
        return self._cache.size_bytes

    @torch.inference_mode()
    def run(self, ids: Sequence[int], check_stop: CheckStop) -> Tensor:
        """Append ``ids``; return the logits (V,) of the last one, float32."""
        length = self._cache.length
        self._cache.check_stop = check_stop
        inputs = torch.tensor([list(ids)], device=self._model.device)
        try:
            output = self._model(
                input_ids=inputs, past_key_values=self._cache, use_cache=True, logits_to_keep=1
            )
        except BaseException:
            self._cache.truncate(length)
            raise
        logits: Tensor = output.logits[0, -1].float()
        return logits

    def truncate(self, length: int) -> None:
        """Keep the first ``length`` tokens."""
        self._cache.truncate(length)

    def forget(self) -> None:
        """Keep no token, and give the memory back."""
        self._cache = _StoppableCache(self._model.config.num_hidden_layers)


def _go_on() -> None:
    pass


class _StoppableCache(KVCache):
    """Asks before each layer's keys are kept: attention is what all of transformers' layers call.

    Hooks on the layers would be asked by everybody else who computes with the model as well.
    """

    check_stop: CheckStop = staticmethod(_go_on)

    def update(self, *args: Any, **options: Any) -> tuple[Tensor, Tensor]:
        """Append keys and values of a layer; return all of them."""
        self.check_stop()
        states: tuple[Tensor, Tensor] = super().update(*args, **options)
        return states
