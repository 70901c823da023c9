"""A loaded model's weights as the kernels read them, and its modules as views of those.

Layer by layer: what a layer was before is freed before the next one is fused.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

import torch
from torch import Tensor, nn

from xverse_chat.engine.cuda.layout import DeviceMatrix, pack, plain_matrix
from xverse_chat.engine.cuda.step import LayerWeights, ModelWeights
from xverse_chat.engine.cuda.unpacking import Unpacker
from xverse_chat.engine.quant import Codes, QuantizedLinear
from xverse_chat.errors import UsageError
from xverse_chat.wording import say

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


class PackedLinear(nn.Module):
    """A Linear without bias whose weights are rows of a matrix that lies packed for the kernels."""

    def __init__(
        self, unpacker: Unpacker, kind: str, matrix: DeviceMatrix, *, first_row: int, rows: int
    ) -> None:
        super().__init__()
        self._unpacker = unpacker
        self._kind = kind
        self._matrix = matrix
        self._first_row = first_row
        self.in_features = matrix.columns
        self.out_features = rows

    @property
    def bits(self) -> int:
        """Bits of one weight: 4 or 8."""
        return self._matrix.bits

    def forward(self, hidden: Tensor) -> Tensor:
        """Return (…, N) for ``hidden`` (…, K), in its dtype."""
        rows = hidden.reshape(-1, self.in_features)
        out = rows.new_empty((len(rows), self._matrix.rows))
        self._unpacker.linear(self._kind, self._matrix, rows, out)
        own = out[:, self._first_row : self._first_row + self.out_features]
        return own.reshape(*hidden.shape[:-1], self.out_features)

    def extra_repr(self) -> str:
        """Say what it is in the printout of a model."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bits={self.bits}"

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "PackedLinear":
        weights = self._matrix.weights
        if fn(weights.new_empty(0)).device != weights.device:
            _refuse_to_move()
        return self


def fuse_weights(model: "LlamaForCausalLM", unpacker: Unpacker) -> ModelWeights:
    """Return the weights of a model on a GPU, in 16, 8 or 4 bits; its modules share them.

    Raises EngineError for weights that no kernel takes; the modules compute all the same.
    """
    fuser = _Fuser(model, unpacker)
    layers = []
    for number, layer in enumerate(model.model.layers):
        at = f"model.layers.{number}."
        attention = [f"{at}self_attn.{name}_proj" for name in "qkv"]
        layers.append(
            LayerWeights(
                input_norm=layer.input_layernorm.weight.data,
                qkv=fuser.fuse("qkv", attention),
                output=fuser.fuse("output", [f"{at}self_attn.o_proj"]),
                post_norm=layer.post_attention_layernorm.weight.data,
                gate_up=fuser.fuse("gate_up", [f"{at}mlp.gate_proj", f"{at}mlp.up_proj"]),
                down=fuser.fuse("down", [f"{at}mlp.down_proj"]),
            )
        )
        if model.device.type == "cuda":
            # Parts are smaller than what they become: nothing here would use their room again.
            torch.cuda.empty_cache()
    return ModelWeights(
        embedding=model.model.embed_tokens.weight.data,
        layers=layers,
        norm=model.model.norm.weight.data,
        head=fuser.fuse("head", ["lm_head"]),
    )


class _Fuser:
    def __init__(self, model: "LlamaForCausalLM", unpacker: Unpacker) -> None:
        self._model = model
        self._unpacker = unpacker

    def fuse(self, kind: str, names: Sequence[str]) -> DeviceMatrix:
        """Make one matrix of the linears ``names``; put what shares it into their places."""
        parts = [self._model.get_submodule(name) for name in names]
        is_gated = kind == "gate_up"
        plain = [part for part in parts if isinstance(part, nn.Linear)]
        if len(plain) == len(parts):
            return _fuse_plain(plain, is_gated=is_gated)
        quantized = [part for part in parts if isinstance(part, QuantizedLinear)]
        matrix = pack(_joined(quantized), is_gated=is_gated)
        first = 0
        for name, part in zip(names, quantized, strict=True):
            shared = PackedLinear(
                self._unpacker, kind, matrix, first_row=first, rows=part.out_features
            )
            self._model.set_submodule(name, shared)
            first += part.out_features
        return matrix


def _fuse_plain(parts: Sequence[nn.Linear], *, is_gated: bool) -> DeviceMatrix:
    weights = [part.weight.data for part in parts]
    matrix = plain_matrix(
        weights[0] if len(weights) == 1 else torch.cat(weights), is_gated=is_gated
    )
    first = 0
    for part in parts:
        rows = part.out_features
        part.weight = nn.Parameter(matrix.weights[first : first + rows], requires_grad=False)
        first += rows
    return matrix


def _joined(parts: Sequence[QuantizedLinear]) -> Codes:
    if len(parts) == 1:
        return Codes(parts[0].values, parts[0].scales, parts[0].zeros)
    zeros = [part.zeros for part in parts if part.zeros is not None]
    return Codes(
        torch.cat([part.values for part in parts]),
        torch.cat([part.scales for part in parts]),
        torch.cat(zeros) if zeros else None,
    )


def _refuse_to_move() -> NoReturn:
    raise UsageError(
        say(
            "A quantized model that has answered stays on its GPU: its weights lie there "
            "as the kernels read them."
        ),
        hint=say("Load the model again to use it elsewhere."),
    )
