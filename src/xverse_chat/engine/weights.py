"""From a folder to a loaded model, tensor by tensor, in the order of the computation.

Each tensor goes to its device and precision, and into its codes when quantized, while the next
are read: the peak is the final size and about a layer more.
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from xverse_chat.checkpoint.json_file import REPAIR_HINT
from xverse_chat.checkpoint.quantization import (
    SHAPE_SUFFIX,
    form_fault,
    linear_bits,
    stored_forms,
)
from xverse_chat.checkpoint.safetensors_file import read_header
from xverse_chat.checkpoint.shards import read_bin_shard
from xverse_chat.checkpoint.weights import (
    IGNORED_SUFFIX,
    check_complete,
    check_weights,
    expected_tensors,
)
from xverse_chat.engine.folders import ModelFiles
from xverse_chat.engine.packing import unpack
from xverse_chat.engine.quant import Codes, QuantizedLinear, bits_of, quantize_linear
from xverse_chat.engine.reader import Place, read_tensors
from xverse_chat.errors import DataError
from xverse_chat.progress import Progress, Stage
from xverse_chat.wording import say

if TYPE_CHECKING:
    from xverse_chat.engine.llama import LlamaModel

_CPU = torch.device("cpu")


def read_weights(
    files: ModelFiles, device: torch.device = _CPU
) -> Generator[tuple[str, Tensor | Codes]]:
    """Yield name and contents of every weight on ``device``, layer by layer.

    Names are those of ``expected_tensors``, in its order; a linear of a quantized folder comes as
    its codes. On a CPU tensors are mapped from the files.

    Where the files have a record their hashes vouch for the contents; elsewhere each tensor is
    checked. Raises DataError for one that is missing, unknown, of another shape, blank or not
    finite.
    """
    expected = expected_tensors(files.config)
    bits, where = files.quantization_bits, str(files.folder)
    stored = _read_stored(files, device) if files.index.is_safetensors else _read_pickled(files)
    with closing(stored):
        for name in expected:
            own_bits = None if bits is None else linear_bits(name, files.config, bits)
            weight = next(stored) if own_bits is None else _next_codes(stored, own_bits)
            if files.record is None and isinstance(weight, Tensor):
                check_weights({name: weight}, expected, where=where)
            elif files.record is None and isinstance(weight, Codes):
                _check_scales(name, weight, where=where)
            yield name, weight
            del weight  # before the memory of the next is taken


def load_weights(
    model: "LlamaModel",
    files: ModelFiles,
    *,
    device: torch.device,
    dtype: torch.dtype,
    bits: int | None,
    progress: Progress,
) -> None:
    """Fill a ``model`` made on the meta device with the weights of a folder.

    ``bits`` quantizes on the way; of a quantized folder they are its own. On a CPU what needs no
    change stays mapped from the files: nothing is read before it is used, and no memory is taken
    beside the page cache. This program replaces files by renaming, so a mapping stays what it is.
    """
    wanted = None if files.quantization_bits is not None else bits
    total = sum((files.folder / file).stat().st_size for file in files.index.files)
    progress.begin(Stage.LOAD if wanted is None else Stage.QUANTIZE, total)
    progress.start("weights", total)
    with closing(read_weights(files, device)) as weights:
        for name, weight in weights:
            _place(model, name, weight, device=device, dtype=dtype, bits=wanted)
            progress.advance("weights", _stored_bytes(weight))
            del weight  # before the memory of the next is taken
    if device.type == "cuda":
        # What passed through belongs to the stream that copied it; nobody else could use it.
        torch.cuda.empty_cache()
    if files.config["tie_word_embeddings"]:
        model.tie_weights()
    progress.finish("weights")


def _place(
    model: "LlamaModel",
    name: str,
    weight: Tensor | Codes,
    *,
    device: torch.device,
    dtype: torch.dtype,
    bits: int | None,
) -> None:
    """Put a weight into the model, in ``bits`` where it is a linear's and those are wanted."""
    module_name, _, parameter = name.rpartition(".")
    module = model.get_submodule(module_name)
    if isinstance(weight, Codes):
        model.set_submodule(module_name, QuantizedLinear(weight))
        return
    moved = weight.to(device=device, dtype=dtype)
    if bits is not None and isinstance(module, nn.Linear):
        model.set_submodule(module_name, quantize_linear(moved, bits=bits_of(module_name, bits)))
    else:
        setattr(module, parameter, nn.Parameter(moved, requires_grad=False))


def _read_stored(files: ModelFiles, device: torch.device) -> Generator[Tensor]:
    """Yield what safetensors files hold, in the order of ``stored_forms``, but for the shapes.

    Those stand in ``weight_shape`` for other programs; here the config tells them.
    """
    places: dict[str, Place] = {}
    forms = stored_forms(files.config, files.quantization_bits)
    for file in files.index.files:
        path = files.folder / file
        for tensor in read_header(path):
            if tensor.name.endswith(IGNORED_SUFFIX):
                continue
            fault = form_fault(tensor, forms.get(tensor.name))
            if tensor.name in places:
                fault = say("is in {file} too", file=places[tensor.name].path.name)
            if fault is not None:
                raise DataError(
                    say(
                        "{path} is damaged: {name} {fault}.",
                        path=path,
                        name=tensor.name,
                        fault=fault,
                    ),
                    hint=REPAIR_HINT,
                )
            places[tensor.name] = Place(path, tensor)
    check_complete(set(places), forms, where=str(files.folder))
    wanted = [places[name] for name in forms if not name.endswith(SHAPE_SUFFIX)]
    return read_tensors(wanted, device)


def _read_pickled(files: ModelFiles) -> Generator[Tensor]:
    """Yield the tensors of upstream's pickles, mapped, in the order of ``expected_tensors``."""
    tensors: dict[str, Tensor] = {}
    expected = expected_tensors(files.config)
    for file in files.index.files:
        path = files.folder / file
        for name, tensor in read_bin_shard(path).items():
            if name.endswith(IGNORED_SUFFIX):
                continue
            if name not in expected or tensor.shape != expected[name]:
                check_weights({name: tensor}, expected, where=str(path))
            tensors[name] = tensor
    check_complete(set(tensors), expected, where=str(files.folder))
    for name in expected:
        yield tensors.pop(name)


def _next_codes(stored: Iterator[Tensor], bits: int) -> Codes:
    packed, scale = next(stored), next(stored)
    return unpack(packed, scale, next(stored) if bits == 4 else None)


def _check_scales(name: str, codes: Codes, *, where: str) -> None:
    if not bool(torch.isfinite(codes.scales).all()):
        raise DataError(
            say("{path} is damaged: {name} has scales that are not finite.", path=where, name=name),
            hint=REPAIR_HINT,
        )


def _stored_bytes(weight: Tensor | Codes) -> int:
    """Return what a weight takes in its file; codes have scales of 16 bits, zero points of 4."""
    if isinstance(weight, Tensor):
        return weight.nbytes
    zeros = 0 if weight.zeros is None else weight.zeros.numel() // 2
    return weight.values.nbytes + weight.scales.numel() * 2 + zeros
