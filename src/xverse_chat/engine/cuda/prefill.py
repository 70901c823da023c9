"""Many tokens at once: cuBLAS, flash attention, and small kernels for the rest.

Leaves keys and values in the cache that the decode step reads, and the last token's hidden state
where the step looks for it.
"""

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention.bias import causal_lower_right

from xverse_chat.engine.cuda.arguments import Launcher
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.step import LayerWeights, ModelWeights, StepBuffers
from xverse_chat.engine.cuda.unpacking import ROW_THREADS, Unpacker
from xverse_chat.engine.forward import CheckStop


class Prefill:
    """Computes chunks of a prompt with a step's weights and buffers."""

    def __init__(
        self,
        launcher: Launcher,
        shape: Shape,
        weights: ModelWeights,
        buffers: StepBuffers,
        unpacker: Unpacker,
    ) -> None:
        self._launcher = launcher
        self._shape = shape
        self._weights = weights
        self._buffers = buffers
        self._unpacker = unpacker

    @torch.inference_mode()
    def run(self, ids: Tensor, first: int, check_stop: CheckStop) -> None:
        """Append the tokens ``ids`` (T,) int64 at position ``first`` of the cache.

        ``check_stop`` is called before each layer and may raise.
        """
        hidden = self._weights.embedding[ids].float()  # (T, hidden): sums stay in 32 bits
        for number, layer in enumerate(self._weights.layers):
            check_stop()
            hidden += self._attention(hidden, layer, self._buffers.cache[number], first)
            hidden += self._mlp(hidden, layer)
        self._launcher.launch(
            "hand_over",
            blocks=-(-self._shape.hidden // ROW_THREADS),
            threads=ROW_THREADS,
            arguments=[hidden[-1], self._buffers.hidden, self._buffers.state],
        )

    def _attention(self, hidden: Tensor, layer: LayerWeights, cache: Tensor, first: int) -> Tensor:
        """Return what attention adds to ``hidden``; ``cache`` (2, heads, capacity, head_dim)."""
        shape, tokens = self._shape, len(hidden)
        qkv = self._unpacker.linear("qkv", layer.qkv, self._normed(hidden, layer.input_norm))
        self._launcher.launch(
            "rotate_many",
            blocks=tokens,
            threads=ROW_THREADS,
            arguments=[
                qkv,
                cache[0],
                cache[1],
                self._buffers.angles,
                first,
                self._buffers.capacity,
            ],
        )
        query = qkv[:, : shape.hidden].view(tokens, shape.heads, shape.head_dim).transpose(0, 1)
        keys, values = cache[:, :, : first + tokens]
        mixed = functional.scaled_dot_product_attention(
            query.unsqueeze(0),
            keys.unsqueeze(0),
            values.unsqueeze(0),
            attn_mask=causal_lower_right(tokens, first + tokens),
        )
        rows = mixed.squeeze(0).transpose(0, 1).reshape(tokens, shape.hidden)
        return self._unpacker.linear("output", layer.output, rows)

    def _mlp(self, hidden: Tensor, layer: LayerWeights) -> Tensor:
        rows = self._normed(hidden, layer.post_norm)
        gate_up = self._unpacker.linear("gate_up", layer.gate_up, rows)
        gated = gate_up.new_empty((len(hidden), self._shape.intermediate))
        self._launcher.launch(
            "gate_many", blocks=len(hidden), threads=ROW_THREADS, arguments=[gate_up, gated]
        )
        return self._unpacker.linear("down", layer.down, gated)

    def _normed(self, hidden: Tensor, weight: Tensor) -> Tensor:
        out = torch.empty_like(hidden, dtype=weight.dtype)
        self._launcher.launch(
            "norm_many",
            blocks=len(hidden),
            threads=ROW_THREADS,
            arguments=[hidden, weight, out],
        )
        return out
