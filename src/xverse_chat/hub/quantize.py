"""From a model folder to a quantized one, one shard at a time, so that a crash costs one shard.

How a weight is quantized is handed in: that is the engine's.
"""

import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xverse_chat.checkpoint.config_file import read_config
from xverse_chat.checkpoint.json_file import read_json
from xverse_chat.checkpoint.quantization import quantization_config, stored_forms
from xverse_chat.checkpoint.record import FileRecord, read_record, sha256_of
from xverse_chat.checkpoint.safetensors_file import read_header
from xverse_chat.checkpoint.shards import SAFETENSORS_INDEX, read_index
from xverse_chat.errors import DataError
from xverse_chat.hub.folder_files import NOTICE_FILE, write_index, write_record
from xverse_chat.hub.listing import ListedFile, WantedFiles
from xverse_chat.hub.shard_file import save_shard, shard_file_name
from xverse_chat.hub.space import check_space
from xverse_chat.hub.staging import ConvertedShard, Staging
from xverse_chat.hub.writing import sync, write_json, write_text, writing
from xverse_chat.progress import Progress, Stage
from xverse_chat.wording import say

if TYPE_CHECKING:
    from torch import Tensor

# Takes a weight's name, the weight and the model's config; returns what is stored in its place.
Quantizer = Callable[[str, "Tensor", Mapping[str, Any]], Mapping[str, "Tensor"]]

_DTYPE_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "int32": 4, "int64": 8}


def source_shards(source: Path) -> WantedFiles:
    """Return the shards of a model folder as its record lists them."""
    records = {file.path: file for file in read_record(source).files}
    files = (records[name] for name in read_index(source).files)
    return WantedFiles((), tuple(ListedFile(f.path, f.size_bytes, f.sha256) for f in files))


def quantize_shards(
    source: Path, staging: Staging, *, bits: int, quantizer: Quantizer, progress: Progress
) -> None:
    """Quantize every shard of a model folder that the journal does not have yet.

    Memory needed: about one quantized shard. Raises DiskError when the disk has too little room.
    """
    config = read_config(source)
    wanted = source_shards(source).shards
    todo = [file for file in wanted if file.path not in staging.converted]
    total = sum(file.size_bytes for file in todo)
    share = total / sum(file.size_bytes for file in wanted)
    check_space(staging.folder, math.ceil(share * quantized_bytes(config, source, bits)))
    progress.begin(Stage.QUANTIZE, total)
    for number, file in enumerate(wanted, start=1):
        if file not in todo:
            continue
        progress.start(file.path, file.size_bytes)
        parts: dict[str, Tensor] = {}
        for name, weight in _tensors(source / file.path):
            parts |= quantizer(name, weight, config)
            progress.advance(file.path, weight.nbytes)
        target = staging.model / shard_file_name(number, len(wanted))
        save_shard(parts, target)
        record = FileRecord.of(target.parent, target.name, sha256_of(target))
        staging.converted[file.path] = ConvertedShard(record, file.sha256)
        staging.save()
        progress.finish(file.path)


def finish_quantized(source: Path, staging: Staging, *, bits: int) -> None:
    """Write everything but the shards into the quantized folder, its record last."""
    config, old = read_config(source), read_record(source)
    weights = read_index(source).files
    shards = [staging.converted[name] for name in weights]
    for file in old.files:
        if file.path not in (*weights, SAFETENSORS_INDEX, "config.json", NOTICE_FILE):
            with writing(staging.model / file.path):
                shutil.copyfile(source / file.path, staging.model / file.path)
            sync(staging.model / file.path)
    section = {"quantization_config": quantization_config(config, bits)}
    write_json(staging.model / "config.json", read_json(source / "config.json") | section)
    notice = (source / NOTICE_FILE).read_text(encoding="utf-8")
    change = f"The linear layers were then quantized to {bits} bits, the last one to 8.\n"
    write_text(staging.model / NOTICE_FILE, notice + change)
    write_index(staging.model, shards, stored_forms(config, bits))
    write_record(
        staging.model,
        shards,
        source_id=staging.source_id,
        revision=staging.revision,
        licence_name=old.licence,
        quantization=f"int{bits}",
    )


def quantized_bytes(config: Mapping[str, Any], source: Path, bits: int) -> int:
    """Return the size of the weights that ``source`` will have in 4 or 8 bits."""
    dtypes = {
        tensor.name: tensor.dtype
        for name in read_index(source).files
        for tensor in read_header(source / name)
    }
    total = 0
    for name, form in stored_forms(config, bits).items():
        dtype = dtypes.get(name, form.dtypes[0])
        total += math.prod(form.shape) * _DTYPE_BYTES[dtype]
    return total


def _tensors(path: Path) -> "list[tuple[str, Tensor]]":
    """Return the tensors of a shard, mapped from the file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as shard:
            return [(name, shard.get_tensor(name)) for name in shard.keys()]  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise DataError(say("{path} is damaged: it is no safetensors file.", path=path)) from error
