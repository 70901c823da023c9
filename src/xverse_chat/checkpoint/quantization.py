"""How a quantized model folder stores its weights: compressed-tensors' pack-quantized layout.

Each linear has, in place of ``weight`` (N, K): ``weight_packed`` int32, the codes side by side
along K; ``weight_scale`` (N, groups); ``weight_shape`` int64; and at 4 bits ``weight_zero_point``
int32, packed along N. Standard library only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xverse_chat.checkpoint.json_file import read_json
from xverse_chat.checkpoint.safetensors_file import StoredTensor
from xverse_chat.checkpoint.weights import expected_tensors
from xverse_chat.config import QUANTIZATION_BITS
from xverse_chat.errors import DataError
from xverse_chat.wording import Sentence, say

GROUP_SIZE = 64
LM_HEAD_BITS = 8

SHAPE_SUFFIX = ".weight_shape"

_FLOATS = ("float16", "bfloat16", "float32")
_LM_HEAD = "lm_head"
_WEIGHT = ".weight"
_INT32_BITS = 32


@dataclass(frozen=True, slots=True)
class StoredForm:
    """The shape of a tensor in a file, and the dtypes it may have there."""

    shape: tuple[int, ...]
    dtypes: tuple[str, ...]


def quantization_config(config: Mapping[str, Any], bits: int) -> dict[str, Any]:
    """Return the ``quantization_config`` in the config.json of a folder of 4 or 8 bits.

    ``config`` is from ``llama_config``. A head that is the embedding's is not quantized.
    """
    groups = [_group(["Linear"], bits)]
    if bits != LM_HEAD_BITS and not config["tie_word_embeddings"]:
        groups.insert(0, _group([_LM_HEAD], LM_HEAD_BITS))  # a Linear too: named first
    return {
        "quant_method": "compressed-tensors",
        "format": "pack-quantized",
        "quantization_status": "compressed",
        "config_groups": {f"group_{number}": group for number, group in enumerate(groups)},
        "ignore": [_LM_HEAD] if config["tie_word_embeddings"] else [],
    }


def read_quantization_bits(folder: Path, config: Mapping[str, Any]) -> int | None:
    """Return 4 or 8 for the folder of a quantized model, None for any other.

    Raises DataError for a quantization that is not exactly one that this program writes.
    """
    section = read_json(folder / "config.json").get("quantization_config")
    if section is None:
        return None
    for bits in QUANTIZATION_BITS:
        if section == quantization_config(config, bits):
            return bits
    raise DataError(
        say(
            "{folder} is refused: its weights are quantized in another way than this "
            "program's 4 and 8 bits.",
            folder=folder,
        ),
        hint=say(
            "Use the folder of the 16-bit weights; --quant 4 or 8 quantizes it while loading."
        ),
    )


def linear_bits(name: str, config: Mapping[str, Any], bits: int) -> int | None:
    """Return the bits of the tensor ``name`` in a folder of ``bits``; None for one that stays."""
    module = name.removesuffix(_WEIGHT)
    if module == _LM_HEAD:
        return None if config["tie_word_embeddings"] else LM_HEAD_BITS
    return bits if module.endswith("_proj") else None


def part_names(name: str) -> dict[str, str]:
    """Return the names of the tensors that stand in place of the linear weight ``name``."""
    return {part: name + "_" + part for part in ("packed", "scale", "zero_point", "shape")}


def stored_forms(config: Mapping[str, Any], bits: int | None) -> dict[str, StoredForm]:
    """Return what the files of a model hold, in the order of the computation.

    ``config`` is from ``llama_config``; ``bits`` is None, 4 or 8.
    """
    forms: dict[str, StoredForm] = {}
    for name, shape in expected_tensors(config).items():
        own_bits = None if bits is None else linear_bits(name, config, bits)
        if own_bits is None:
            forms[name] = StoredForm(shape, _FLOATS)
        else:
            forms |= _parts(name, shape, own_bits)
    return forms


def form_fault(tensor: StoredTensor, form: StoredForm | None) -> Sentence | None:
    """Return in words what is wrong with a tensor in a file, or None."""
    if form is None:
        return say("is no tensor of this model")
    if tensor.shape != form.shape:
        return say("has the shape {found}, not {wanted}", found=tensor.shape, wanted=form.shape)
    if tensor.dtype in form.dtypes:
        return None
    return say("has the type {dtype}", dtype=tensor.dtype)


def _parts(name: str, shape: tuple[int, ...], bits: int) -> dict[str, StoredForm]:
    rows, columns = shape
    groups = columns // GROUP_SIZE if bits == 4 else 1
    names = part_names(name)
    parts = {
        names["packed"]: StoredForm((rows, _words(columns, bits)), ("int32",)),
        names["scale"]: StoredForm((rows, groups), _FLOATS),
    }
    if bits == 4:
        parts[names["zero_point"]] = StoredForm((_words(rows, bits), groups), ("int32",))
    return parts | {names["shape"]: StoredForm((2,), ("int64",))}


def _words(count: int, bits: int) -> int:
    return -(-count * bits // _INT32_BITS)


def _group(targets: list[str], bits: int) -> dict[str, Any]:
    is_grouped = bits == 4
    return {
        "targets": targets,
        "weights": {
            "num_bits": bits,
            "type": "int",
            "symmetric": not is_grouped,
            "strategy": "group" if is_grouped else "channel",
            "group_size": GROUP_SIZE if is_grouped else None,
            "dynamic": False,
        },
        "input_activations": None,
        "output_activations": None,
    }
