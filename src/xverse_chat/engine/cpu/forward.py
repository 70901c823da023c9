"""The model's forward on a CPU: a token costs the reading of its weights.

Products and the steps between them are handed in: the compiled kernels', or torch's own. The
residual stream is float32 whatever the weights are in; the KV cache is float32 beside weights in
float32, else float16.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from xverse_chat.engine.cpu.attention import Attention, causal_mask
from xverse_chat.engine.cpu.cache import CpuCache
from xverse_chat.engine.cpu.products import Product
from xverse_chat.engine.forward import CheckStop

if TYPE_CHECKING:
    from xverse_chat.engine.llama import LlamaModel

AnyProduct = TypeVar("AnyProduct", bound=Product, covariant=True)


@dataclass(frozen=True, slots=True)
class CpuLayer(Generic[AnyProduct]):
    """The weights of a layer. Norms (K,) are float32."""

    attention_norm: Tensor
    mlp_norm: Tensor
    qkv: AnyProduct
    output: AnyProduct
    gate_up: AnyProduct
    down: AnyProduct


class Steps(Protocol):
    """What a layer computes beside products and attention, on contiguous float32 tensors."""

    def norm(self, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        """Return the RMS norm of ``x`` (T, K) with ``weight`` (K,)."""

    def gate(self, x: Tensor) -> Tensor:
        """Return (T, K) of ``x`` (T, 2K): SiLU of the first half times the second."""

    def rotate(
        self, cache: CpuCache, layer: int, qkv: Tensor, angles: tuple[Tensor, Tensor]
    ) -> None:
        """Rotate q in ``qkv`` (T, 3HD); write k, rotated, and v to the end of the cache."""


class OneToken(Protocol):
    """A faster way through all layers for one token."""

    def run(
        self,
        hidden: Tensor,
        cache: CpuCache,
        angles: tuple[Tensor, Tensor],
        check_stop: CheckStop,
    ) -> None:
        """Let ``hidden`` (1, K) pass through all layers, in place; ``cache`` has room."""


class CpuForward:
    """A ``Forward``. ``make_cpu_forward`` makes it, where it can be."""

    def __init__(
        self,
        model: "LlamaModel",
        steps: Steps,
        layers: Sequence[CpuLayer[Product]],
        head: Product,
        one_token: OneToken | None = None,
    ) -> None:
        config = model.config
        self._steps = steps
        self._layers = layers
        self._head = head
        self._one_token = one_token
        self._epsilon: float = config.rms_norm_eps
        self._embedding = model.model.embed_tokens.weight.detach()
        self._norm = float32_copy(model.model.norm.weight)
        self._frequencies = float32_copy(model.model.rotary_emb.inv_freq)
        self._heads: int = config.num_attention_heads
        self._cache_dtype = torch.float32 if _is_float32(model.lm_head) else torch.float16
        self.forget()

    @property
    def length(self) -> int:
        """The tokens in the KV cache."""
        return self._cache.length

    @property
    def size_bytes(self) -> int:
        """The memory that the KV cache takes, in use or not."""
        return self._cache.size_bytes

    def truncate(self, length: int) -> None:
        """Keep the first ``length`` tokens."""
        self._cache.truncate(length)

    def forget(self) -> None:
        """Keep no token, and give the memory back."""
        size = self._embedding.shape[1] // self._heads
        self._cache = CpuCache(len(self._layers), self._heads, size, self._cache_dtype)
        self._attention = Attention()

    @torch.inference_mode()
    def run(self, ids: Sequence[int], check_stop: CheckStop) -> Tensor:
        """Append ``ids``; return the logits (V,) of the last one, float32."""
        first, end = self._cache.length, self._cache.length + len(ids)
        self._cache.reserve(end)
        hidden = functional.embedding(torch.tensor(ids), self._embedding).float()  # (T, K)
        positions = torch.arange(first, end, dtype=torch.float32)
        turned = torch.outer(positions, self._frequencies)  # (T, D/2)
        angles = turned.cos(), turned.sin()
        if len(ids) == 1 and self._one_token is not None:
            self._one_token.run(hidden, self._cache, angles, check_stop)
        else:
            hidden = self._pass(hidden, angles, check_stop)
        # Only now: whatever ended the work before this line left the cache as it was.
        self._cache.length = end
        return self._head(self._steps.norm(hidden, self._norm, self._epsilon))[0]

    def _pass(self, hidden: Tensor, angles: tuple[Tensor, Tensor], check_stop: CheckStop) -> Tensor:
        """Return what becomes of the last row of ``hidden`` (T, K) behind all layers, (1, K)."""
        mask = causal_mask(self._cache.length, len(hidden)) if self._cache.length else None
        for number, layer in enumerate(self._layers):
            check_stop()
            normed = self._steps.norm(hidden, layer.attention_norm, self._epsilon)
            mixed = self._attend(number, layer.qkv(normed), angles, mask)
            if number == len(self._layers) - 1:  # nobody asks for the others' logits
                hidden, mixed = hidden[-1:], mixed[-1:]
            hidden = layer.output(mixed).add_(hidden)
            normed = self._steps.norm(hidden, layer.mlp_norm, self._epsilon)
            hidden = layer.down(self._steps.gate(layer.gate_up(normed))).add_(hidden)
        return hidden

    def _attend(
        self, number: int, qkv: Tensor, angles: tuple[Tensor, Tensor], mask: Tensor | None
    ) -> Tensor:
        """Return (T, HD) for ``qkv`` (T, 3HD) of new tokens, whose k and v go to the cache."""
        end = self._cache.length + len(qkv)
        self._steps.rotate(self._cache, number, qkv, angles)
        keys, values = self._cache.keys[number][:, :end], self._cache.values[number][:, :end]
        queries = qkv.view(len(qkv), 3, self._heads, -1)[:, 0]
        if len(qkv) == 1:
            return self._attention.of_one(queries[0], keys, values)
        return self._attention.of_many(queries, keys, values, mask)


def float32_copy(tensor: Tensor) -> Tensor:
    """Return a contiguous float32 form of a small tensor."""
    return tensor.detach().float().contiguous()


def _is_float32(head: nn.Module) -> bool:
    return isinstance(head, nn.Linear) and head.weight.dtype == torch.float32
