"""The model's forward on a CPU, in the compiled kernels: a token costs the reading of its weights.

The residual stream is float32 whatever the weights are in; the KV cache is float32 beside weights
in float32, else float16.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from xverse_chat.engine.cpu.cache import CpuCache
from xverse_chat.engine.cpu.compiler import NoKernelsError, load_library
from xverse_chat.engine.cpu.library import Kernels
from xverse_chat.engine.cpu.products import Product, make_product
from xverse_chat.engine.forward import CheckStop

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

_LANES = 8


@dataclass(frozen=True, slots=True)
class _Layer:
    attention_norm: Tensor
    qkv: Product
    output: Product
    mlp_norm: Tensor
    gate_up: Product
    down: Product


class CpuForward:
    """Computes with the weights where ``model`` has them. Make it with ``make_cpu_forward``."""

    def __init__(
        self, model: "LlamaForCausalLM", kernels: Kernels, layers: list[_Layer], head: Product
    ) -> None:
        config = model.config
        self._kernels = kernels
        self._layers = layers
        self._head = head
        self._epsilon = config.rms_norm_eps
        self._embedding = model.model.embed_tokens.weight.detach()
        self._norm = _float32(model.model.norm.weight)
        self._frequencies = _float32(model.model.rotary_emb.inv_freq)
        heads = config.num_attention_heads
        is_exact = type(model.lm_head) is nn.Linear and self._embedding.dtype == torch.float32
        dtype = torch.float32 if is_exact else torch.float16
        self._cache = CpuCache(len(layers), heads, config.hidden_size // heads, dtype)

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

    @torch.inference_mode()
    def run(self, ids: Sequence[int], check_stop: CheckStop) -> Tensor:
        """Append ``ids``; return the logits (V,) of the last one, float32."""
        first, end = self._cache.length, self._cache.length + len(ids)
        self._cache.reserve(end)
        hidden = functional.embedding(torch.tensor(ids), self._embedding).float()  # (T, K)
        positions = torch.arange(first, end, dtype=torch.float32)
        turned = torch.outer(positions, self._frequencies)  # (T, D/2)
        angles = turned.cos(), turned.sin()
        mask = None if first == 0 or len(ids) == 1 else _causal_mask(first, end)
        for number, layer in enumerate(self._layers):
            check_stop()
            normed = self._kernels.norm(hidden, layer.attention_norm, self._epsilon)
            mixed = self._attend(number, layer.qkv(normed), angles, mask)
            if number == len(self._layers) - 1:  # nobody asks for the others' logits
                hidden, mixed = hidden[-1:], mixed[-1:]
            hidden = layer.output(mixed).add_(hidden)
            normed = self._kernels.norm(hidden, layer.mlp_norm, self._epsilon)
            gated = self._kernels.gate(layer.gate_up(normed))
            hidden = layer.down(gated).add_(hidden)
        # Only now: whatever ended the work before this line left the cache as it was.
        self._cache.length = end
        return self._head(self._kernels.norm(hidden, self._norm, self._epsilon))[0]

    def _attend(
        self, number: int, qkv: Tensor, angles: tuple[Tensor, Tensor], mask: Tensor | None
    ) -> Tensor:
        """Return (T, HD) for ``qkv`` (T, 3HD) of new tokens, whose k and v go to the cache."""
        first, tokens = self._cache.length, len(qkv)
        keys, values = self._cache.keys[number], self._cache.values[number]
        self._kernels.rotate(qkv, angles, keys, values, first)
        if tokens == 1:
            return self._kernels.attend(qkv, keys, values, first + 1)
        heads, _, size = keys.shape
        mixed = functional.scaled_dot_product_attention(
            qkv[:, : heads * size].view(1, tokens, heads, size).transpose(1, 2),
            keys[None, :, : first + tokens].float(),
            values[None, :, : first + tokens].float(),
            attn_mask=mask,
            is_causal=mask is None,
        )
        return mixed.transpose(1, 2).reshape(tokens, heads * size)


def make_cpu_forward(model: "LlamaForCausalLM") -> CpuForward | None:
    """Return the fast forward for ``model`` as it is now, or None where only the plain one can.

    That is so without a C++ compiler or AVX2, for weights elsewhere than on the CPU, odd widths,
    parts that are no plain linear (adapters), and where hooks wait to be called.
    """
    if not _has_known_shape(model):
        return None
    try:
        kernels = _load_kernels()
    except NoKernelsError:
        return None
    layers = [_make_layer(kernels, layer) for layer in model.model.layers]
    head = make_product(kernels, [model.lm_head])
    if head is None or any(layer is None for layer in layers):
        return None
    return CpuForward(model, kernels, [layer for layer in layers if layer is not None], head)


@cache
def _load_kernels() -> Kernels:
    return Kernels(load_library())


def _has_known_shape(model: "LlamaForCausalLM") -> bool:
    config = model.config
    heads, hidden = config.num_attention_heads, config.hidden_size
    size = hidden // heads
    return (
        model.device.type == "cpu"
        and config.hidden_act == "silu"
        and config.num_key_value_heads == heads
        and model.model.rotary_emb.rope_type == "default"
        and model.model.rotary_emb.inv_freq.shape == (size // 2,)
        and size % (2 * _LANES) == 0
        and config.intermediate_size % _LANES == 0
        and not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
    )


def _make_layer(kernels: Kernels, layer: nn.Module) -> _Layer | None:
    attention, mlp = layer.self_attn, layer.mlp
    products = [
        make_product(kernels, linears)
        for linears in (
            [attention.q_proj, attention.k_proj, attention.v_proj],
            [attention.o_proj],
            [mlp.gate_proj, mlp.up_proj],
            [mlp.down_proj],
        )
    ]
    qkv, output, gate_up, down = products
    if qkv is None or output is None or gate_up is None or down is None:
        return None
    norms = _float32(layer.input_layernorm.weight), _float32(layer.post_attention_layernorm.weight)
    return _Layer(norms[0], qkv, output, norms[1], gate_up, down)


def _causal_mask(first: int, end: int) -> Tensor:
    """Return (T, ``end``): 0 where a token from ``first`` on may look, -inf behind itself."""
    return torch.full((end - first, end), -torch.inf).triu(first + 1)


def _float32(tensor: Tensor) -> Tensor:
    return tensor.detach().float().contiguous()
