"""Many tokens at once: cuBLAS, flash attention, and small kernels for the rest.

Leaves keys and values in the cache that the decode step reads, and the last token's hidden state
where the step looks for it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from xverse_chat.engine.cuda.arguments import Argument, Launcher
from xverse_chat.engine.cuda.prefill_attention import attend
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.step import LayerWeights, ModelWeights, StepBuffers
from xverse_chat.engine.cuda.unpacking import ROW_THREADS, Unpacker
from xverse_chat.engine.forward import CheckStop


@dataclass(frozen=True, slots=True)
class _Rows:
    """What a chunk of T tokens needs on the way, used again by every layer.

    ``hidden`` (T, hidden) float32: sums stay in 32 bits. Of the model's type: ``rows`` and
    ``added`` (T, hidden), ``wide`` for queries, keys and values or for gate and up, ``gated`` (T,
    intermediate).
    """

    hidden: Tensor
    rows: Tensor
    added: Tensor
    wide: Tensor
    gated: Tensor

    @classmethod
    def of(cls, shape: Shape, tokens: int, like: Tensor) -> "_Rows":
        wide = max(3 * shape.hidden, 2 * shape.intermediate)
        return cls(
            hidden=like.new_empty((tokens, shape.hidden), dtype=torch.float32),
            rows=like.new_empty((tokens, shape.hidden)),
            added=like.new_empty((tokens, shape.hidden)),
            wide=like.new_empty(tokens * wide),
            gated=like.new_empty((tokens, shape.intermediate)),
        )

    def first(self, tokens: int) -> "_Rows":
        """Return views for fewer tokens."""
        return _Rows(
            hidden=self.hidden[:tokens],
            rows=self.rows[:tokens],
            added=self.added[:tokens],
            wide=self.wide,
            gated=self.gated[:tokens],
        )

    def wide_rows(self, columns: int) -> Tensor:
        """Return ``wide`` as (T, columns)."""
        return self.wide[: len(self.rows) * columns].view(-1, columns)


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
        self._space = _Rows.of(shape, 0, weights.embedding)

    @torch.inference_mode()
    def run(self, ids: Tensor, first: int, check_stop: CheckStop) -> None:
        """Append the tokens ``ids`` (T,) int64 at position ``first`` of the cache.

        ``check_stop`` is called before each layer and may raise.
        """
        if len(self._space.rows) < len(ids):
            self.forget()
            self._space = _Rows.of(self._shape, len(ids), self._weights.embedding)
        space = self._space.first(len(ids))
        space.hidden.copy_(self._weights.embedding[ids])
        for number, layer in enumerate(self._weights.layers):
            check_stop()
            self._attend(space, layer, self._buffers.cache[number], first)
            self._feed_forward(space, layer)
        self._launch(
            "hand_over",
            -(-self._shape.hidden // ROW_THREADS),
            [space.hidden[-1], self._buffers.hidden, self._buffers.state],
        )

    def forget(self) -> None:
        """Give the memory back that chunks need on the way."""
        self._space = _Rows.of(self._shape, 0, self._weights.embedding)

    def _attend(self, space: _Rows, layer: LayerWeights, cache: Tensor, first: int) -> None:
        """Add attention to ``hidden``; ``cache`` (2, heads, capacity, head_dim)."""
        shape, tokens = self._shape, len(space.rows)
        self._normalise(space, layer.input_norm)
        qkv = space.wide_rows(3 * shape.hidden)
        self._unpacker.linear("qkv", layer.qkv, space.rows, qkv)
        buffers = self._buffers
        places: list[Argument] = [qkv, cache[0], cache[1], buffers.angles, first, buffers.capacity]
        self._launch("rotate_many", tokens, places)
        query = qkv[:, : shape.hidden].view(tokens, shape.heads, shape.head_dim).transpose(0, 1)
        keys, values = cache[:, :, : first + tokens]
        mixed = attend(query, keys, values)
        rows = mixed.transpose(0, 1).reshape(tokens, shape.hidden)
        self._unpacker.linear("output", layer.output, rows, space.added)
        space.hidden.add_(space.added)

    def _feed_forward(self, space: _Rows, layer: LayerWeights) -> None:
        self._normalise(space, layer.post_norm)
        gate_up = space.wide_rows(2 * self._shape.intermediate)
        self._unpacker.linear("gate_up", layer.gate_up, space.rows, gate_up)
        self._launch("gate_many", len(space.rows), [gate_up, space.gated])
        self._unpacker.linear("down", layer.down, space.gated, space.added)
        space.hidden.add_(space.added)

    def _normalise(self, space: _Rows, weight: Tensor) -> None:
        self._launch("norm_many", len(space.rows), [space.hidden, weight, space.rows])

    def _launch(self, kernel: str, blocks: int, arguments: list[Argument]) -> None:
        self._launcher.launch(kernel, blocks=blocks, threads=ROW_THREADS, arguments=arguments)
