"""Which tensors a model has, and whether those at hand can be its weights.

torch only inside functions.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xverse_chat.checkpoint.json_file import REPAIR_HINT
from xverse_chat.errors import DataError
from xverse_chat.wording import Sentence, say

if TYPE_CHECKING:
    from torch import Tensor

# Buffers that old checkpoints carry and every engine computes for itself.
IGNORED_SUFFIX = "rotary_emb.inv_freq"

# A block of a disk that was never written reads as zeros. 4 KiB of them are at least 1024 values
# of one row; trained or random weights have hardly an exact zero.
_MOST_ZEROS_IN_ROW = 1 / 16
_SHORTEST_ROW = 64
_BLOCK_VALUES = 2**20


def expected_tensors(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return name and shape of every tensor of a model, in the order of the computation.

    ``config`` is from ``llama_config``. Matrices are (out, in), as in Hugging Face's Llama.
    """
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    vocabulary = (config["vocab_size"], hidden)
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": vocabulary}
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        shapes[prefix + "input_layernorm.weight"] = (hidden,)
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            shapes[f"{prefix}self_attn.{name}.weight"] = (hidden, hidden)
        shapes[prefix + "post_attention_layernorm.weight"] = (hidden,)
        shapes[prefix + "mlp.gate_proj.weight"] = (inner, hidden)
        shapes[prefix + "mlp.up_proj.weight"] = (inner, hidden)
        shapes[prefix + "mlp.down_proj.weight"] = (hidden, inner)
    shapes["model.norm.weight"] = (hidden,)
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = vocabulary
    return shapes


def parameter_count(config: Mapping[str, Any]) -> int:
    """Return the number of a model's parameters."""
    return sum(math.prod(shape) for shape in expected_tensors(config).values())


def check_weights(
    tensors: "Mapping[str, Tensor]", expected: Mapping[str, tuple[int, ...]], *, where: str
) -> None:
    """Refuse tensors that are unknown, of another shape or type, not finite, or blank.

    ``where`` names the file in the DataError. Tensors that are not in ``tensors`` are not missed.
    """
    for name, tensor in tensors.items():
        if name.endswith(IGNORED_SUFFIX):
            continue
        fault = _fault(tensor, expected.get(name), is_table="layers" not in name)
        if fault is not None:
            raise DataError(
                say("{path} is damaged: {name} {fault}.", path=where, name=name, fault=fault),
                hint=REPAIR_HINT,
            )


def check_complete(names: "set[str]", expected: Mapping[str, object], *, where: str) -> None:
    """Raise DataError when a tensor of the model is not among ``names``."""
    missing = [name for name in expected if name not in names]
    if missing:
        raise DataError(
            say(
                "{where} is incomplete: {missing} of {count} tensors are missing, the first "
                "is {name}.",
                where=where,
                missing=len(missing),
                count=len(expected),
                name=missing[0],
            ),
            hint=REPAIR_HINT,
        )


def _fault(tensor: "Tensor", shape: tuple[int, ...] | None, *, is_table: bool) -> Sentence | None:
    """Return what is wrong with one tensor, in words, or None."""
    import torch

    if shape is None:
        return say("is no tensor of this model")
    if tuple(tensor.shape) != shape:
        return say("has the shape {found}, not {wanted}", found=tuple(tensor.shape), wanted=shape)
    if tensor.dtype not in (torch.float16, torch.bfloat16, torch.float32):
        return say("has the type {dtype}", dtype=tensor.dtype)
    # Row blocks, because the sums of a whole matrix would be made from a copy of it.
    blank_rows, most = 0, 0
    rows = tensor.view(-1, shape[-1])
    for block in torch.split(rows, max(1, _BLOCK_VALUES // shape[-1])):
        values = block.float()
        # Finite where every value is: weights are far too small for their sum to overflow.
        if not bool(torch.isfinite(values.sum())):
            return say("holds values that are not finite")
        is_zero = values == 0
        if bool(is_zero.any()):  # counting takes longer than all else, and is hardly ever needed
            zeros = is_zero.sum(dim=-1)
            most = max(most, int(zeros.max()))
            blank_rows += int((zeros == shape[-1]).sum())
    has_rows = tensor.dim() == 2 and not is_table and shape[1] >= _SHORTEST_ROW
    if has_rows and most > shape[1] * _MOST_ZEROS_IN_ROW:
        return say(
            "holds a row with {zeros} zeros among {count} values", zeros=most, count=shape[1]
        )
    # An embedding's rows for tokens that never occur may be zero, a whole tensor may not.
    return say("holds nothing but zeros") if blank_rows == len(rows) else None
