"""A loaded model's weights as the kernels read them, and its modules as views of those.

Layer by layer: what a layer was before is freed before the next one is fused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from xverse_chat.engine.cuda.layout import DeviceMatrix, pack, plain_matrix
from xverse_chat.engine.cuda.step import LayerWeights, ModelWeights
from xverse_chat.engine.cuda.unpacking import Unpacker
from xverse_chat.engine.packed_linear import put_packed
from xverse_chat.engine.quant import QuantizedLinear, joined_codes

if TYPE_CHECKING:
    from xverse_chat.engine.llama import LlamaModel


@dataclass(frozen=True, slots=True)
class UnpackedMatrix:
    """A ``PackedMatrix``: one of the kernels' that multiplies by way of ``unpacker``."""

    unpacker: Unpacker
    kind: str
    matrix: DeviceMatrix

    @property
    def rows(self) -> int:
        """The width of the output."""
        return self.matrix.rows

    @property
    def columns(self) -> int:
        """The width of the input."""
        return self.matrix.columns

    @property
    def bits(self) -> int:
        """Bits of one weight: 4 or 8."""
        return self.matrix.bits

    @property
    def weights(self) -> Tensor:
        """The packed codes, on their device."""
        return self.matrix.weights

    def multiply(self, x: Tensor) -> Tensor:
        """Return (T, rows) in the dtype of ``x`` (T, columns)."""
        out = x.new_empty((len(x), self.rows))
        self.unpacker.linear(self.kind, self.matrix, x, out)
        return out


def fuse_weights(model: "LlamaModel", unpacker: Unpacker) -> ModelWeights:
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
    def __init__(self, model: "LlamaModel", unpacker: Unpacker) -> None:
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
        matrix = pack(joined_codes(quantized), is_gated=is_gated)
        put_packed(self._model, names, UnpackedMatrix(self._unpacker, kind, matrix))
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
