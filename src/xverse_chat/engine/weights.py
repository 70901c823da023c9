"""From a folder to a loaded model, tensor by tensor.

Each tensor goes to its device and precision, and into its codes when quantized, before the next
is read: the peak is the final size and one tensor more.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from xverse_chat.checkpoint.json_file import REPAIR_HINT
from xverse_chat.checkpoint.shards import read_bin_shard
from xverse_chat.checkpoint.weights import (
    IGNORED_SUFFIX,
    check_complete,
    check_weights,
    expected_tensors,
)
from xverse_chat.engine.folders import ModelFiles
from xverse_chat.engine.quant import bits_of, quantize_linear
from xverse_chat.errors import DataError, DiskError
from xverse_chat.progress import Progress, Stage

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


def read_weights(files: ModelFiles) -> Iterator[tuple[str, Tensor]]:
    """Yield name and tensor of every weight, mapped from the files, in the files' order.

    Where the files have a record their hashes vouch for the contents; elsewhere each tensor is
    checked. Raises DataError for one that is unknown, of another shape, blank or not finite, and
    at the end when some are missing.
    """
    expected = expected_tensors(files.config)
    seen: set[str] = set()
    for file in files.index.files:
        for name, tensor in _tensors_in(files, file):
            if name.endswith(IGNORED_SUFFIX):
                continue
            if name not in expected or files.record is None or tensor.shape != expected[name]:
                check_weights({name: tensor}, expected, where=str(files.folder / file))
            seen.add(name)
            yield name, tensor
    check_complete(seen, expected, where=str(files.folder))


def load_weights(
    model: "LlamaForCausalLM",
    files: ModelFiles,
    *,
    device: torch.device,
    dtype: torch.dtype,
    bits: int | None,
    progress: Progress,
) -> None:
    """Fill a ``model`` made on the meta device with the weights of a folder."""
    total = sum((files.folder / file).stat().st_size for file in files.index.files)
    progress.begin(Stage.LOAD if bits is None else Stage.QUANTIZE, total)
    progress.start("weights", total)
    quantized = bits is not None
    for name, tensor in read_weights(files):
        module_name, _, parameter = name.rpartition(".")
        module = model.get_submodule(module_name)
        moved = tensor.to(device=device, dtype=dtype, copy=True)
        if quantized and isinstance(module, nn.Linear):
            assert bits is not None
            linear = quantize_linear(moved, bits=bits_of(module_name, bits))
            model.set_submodule(module_name, linear)
        else:
            setattr(module, parameter, nn.Parameter(moved, requires_grad=False))
        progress.advance("weights", tensor.numel() * tensor.element_size())
    if files.config["tie_word_embeddings"]:
        model.tie_weights()
    progress.finish("weights")


def _tensors_in(files: ModelFiles, file: str) -> Iterator[tuple[str, Tensor]]:
    path = files.folder / file
    if not files.index.is_safetensors:
        yield from read_bin_shard(path).items()
        return
    try:
        with safe_open(path, framework="pt") as shard:
            for name in shard.keys():  # noqa: SIM118  (it is no mapping)
                yield name, shard.get_tensor(name)
    except SafetensorError as error:
        raise DataError(
            f"{path} is damaged: it is no safetensors file.", hint=REPAIR_HINT
        ) from error
    except OSError as error:
        raise DiskError(f"{path} cannot be read: {error.strerror or error}.") from error
