"""The model's forward on a CPU, in the compiled kernels: a token costs the reading of its weights.

The residual stream is float32 whatever the weights are in; the KV cache is float32 beside weights
in float32, else float16.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from xverse_chat.engine.cpu.cache import CpuCache
from xverse_chat.engine.cpu.library import Kernels, LayerAddress
from xverse_chat.engine.cpu.products import Product
from xverse_chat.engine.forward import CheckStop

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


class CpuLayer:
    """The weights of a layer, where the model has them."""

    def __init__(
        self,
        layer: nn.Module,
        *,
        qkv: Product,
        output: Product,
        gate_up: Product,
        down: Product,
    ) -> None:
        self.attention_norm = float32_copy(layer.get_parameter("input_layernorm.weight"))
        self.mlp_norm = float32_copy(layer.get_parameter("post_attention_layernorm.weight"))
        self.qkv, self.output, self.gate_up, self.down = qkv, output, gate_up, down
        self.address = LayerAddress(
            self.attention_norm.data_ptr(),
            self.mlp_norm.data_ptr(),
            *(product.address for product in (qkv, output, gate_up, down)),
        )


class CpuForward:
    """A ``Forward``. ``make_cpu_forward`` makes it, where it can be."""

    def __init__(
        self, model: "LlamaForCausalLM", kernels: Kernels, layers: list[CpuLayer], head: Product
    ) -> None:
        config = model.config
        self._kernels = kernels
        self._layers = layers
        self._head = head
        self._epsilon: float = config.rms_norm_eps
        self._embedding = model.model.embed_tokens.weight.detach()
        self._norm = float32_copy(model.model.norm.weight)
        self._frequencies = float32_copy(model.model.rotary_emb.inv_freq)
        self._room = torch.empty(5 * config.hidden_size + 3 * config.intermediate_size)
        self._heads: int = config.num_attention_heads
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
        dtype = torch.float32 if self._head.is_float32 else torch.float16
        size = self._embedding.shape[1] // self._heads
        self._cache = CpuCache(len(self._layers), self._heads, size, dtype)

    @torch.inference_mode()
    def run(self, ids: Sequence[int], check_stop: CheckStop) -> Tensor:
        """Append ``ids``; return the logits (V,) of the last one, float32."""
        first, end = self._cache.length, self._cache.length + len(ids)
        self._cache.reserve(end)
        hidden = functional.embedding(torch.tensor(ids), self._embedding).float()  # (T, K)
        positions = torch.arange(first, end, dtype=torch.float32)
        turned = torch.outer(positions, self._frequencies)  # (T, D/2)
        angles = turned.cos(), turned.sin()
        if len(ids) == 1:
            self._pass_one(hidden, angles, check_stop)
        else:
            hidden = self._pass_many(hidden, angles, check_stop)
        # Only now: whatever ended the work before this line left the cache as it was.
        self._cache.length = end
        return self._head(self._kernels.norm(hidden, self._norm, self._epsilon))[0]

    def _pass_one(
        self, hidden: Tensor, angles: tuple[Tensor, Tensor], check_stop: CheckStop
    ) -> None:
        """Let ``hidden`` (1, K) pass through all layers, in place."""
        for layer, cache in zip(self._layers, self._cache.addresses, strict=True):
            check_stop()
            self._kernels.pass_layer(
                layer.address,
                cache,
                self._cache.length,
                angles,
                self._epsilon,
                hidden,
                self._room,
            )

    def _pass_many(
        self, hidden: Tensor, angles: tuple[Tensor, Tensor], check_stop: CheckStop
    ) -> Tensor:
        """Return what becomes of the last row of ``hidden`` (T, K) behind all layers, (1, K)."""
        mask = _causal_mask(self._cache.length, len(hidden)) if self._cache.length else None
        for number, layer in enumerate(self._layers):
            check_stop()
            normed = self._kernels.norm(hidden, layer.attention_norm, self._epsilon)
            mixed = self._attend(number, layer.qkv(normed), angles, mask)
            if number == len(self._layers) - 1:  # nobody asks for the others' logits
                hidden, mixed = hidden[-1:], mixed[-1:]
            hidden = layer.output(mixed).add_(hidden)
            normed = self._kernels.norm(hidden, layer.mlp_norm, self._epsilon)
            hidden = layer.down(self._kernels.gate(layer.gate_up(normed))).add_(hidden)
        return hidden

    def _attend(
        self, number: int, qkv: Tensor, angles: tuple[Tensor, Tensor], mask: Tensor | None
    ) -> Tensor:
        """Return (T, HD) for ``qkv`` (T, 3HD) of new tokens, whose k and v go to the cache."""
        first, tokens = self._cache.length, len(qkv)
        self._kernels.rotate(self._cache.addresses[number], qkv, angles, first)
        keys, values = self._cache.keys[number], self._cache.values[number]
        heads, _, size = keys.shape
        mixed = functional.scaled_dot_product_attention(
            qkv[:, : heads * size].view(1, tokens, heads, size).transpose(1, 2),
            keys[None, :, : first + tokens].float(),
            values[None, :, : first + tokens].float(),
            attn_mask=mask,
            is_causal=mask is None,
        )
        return mixed.transpose(1, 2).reshape(tokens, heads * size)


def float32_copy(tensor: Tensor) -> Tensor:
    """Return a contiguous float32 form of a small tensor."""
    return tensor.detach().float().contiguous()


def _causal_mask(first: int, tokens: int) -> Tensor:
    """Return (T, first + T): 0 where a new token may look, -inf at those that come after it."""
    return torch.full((tokens, first + tokens), -torch.inf).triu(first + 1)
