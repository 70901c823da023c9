"""A quantized model folder of random codes, as ``xverse-download --quant`` would leave it."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from xverse_chat.checkpoint.config_file import read_config
from xverse_chat.checkpoint.quantization import quantization_config, stored_forms
from xverse_chat.checkpoint.record import FileRecord, ModelFolderRecord
from xverse_chat.config import demo_folder

SHARDS = 4
_SMALL_FILES = ("generation_config.json", "tokenizer.json", "tokenizer_config.json")


def build_prepared_folder(folder: Path, *, bits: int, shape: dict[str, int]) -> Path:
    """Write a folder in ``shape`` (keys of config.json), with the demo model's tokenizer."""
    folder.mkdir(parents=True)
    config = json.loads((demo_folder() / "config.json").read_text("utf-8")) | shape
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    for name in _SMALL_FILES:
        (folder / name).write_bytes((demo_folder() / name).read_bytes())
    forms = stored_forms(read_config(folder), bits)
    config |= {"quantization_config": quantization_config(read_config(folder), bits)}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    names = list(forms)
    weight_map: dict[str, str] = {}
    for number in range(SHARDS):
        file = f"model-{number + 1:05}-of-{SHARDS:05}.safetensors"
        own = names[number * len(names) // SHARDS : (number + 1) * len(names) // SHARDS]
        save_file({name: _random_part(name, forms[name]) for name in own}, folder / file)
        weight_map |= dict.fromkeys(own, file)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    files = sorted(path.name for path in folder.iterdir())
    ModelFolderRecord(
        source_id="random/random",
        revision="none",
        converter_version="benchmark",
        quantization=f"int{bits}",
        licence="none",
        files=tuple(FileRecord.of(folder, name, "0" * 64) for name in files),
    ).write(folder)
    return folder


def _random_part(name: str, form: Any) -> Tensor:
    if name.endswith("weight_shape"):
        return torch.tensor([0, 0])
    dtype = getattr(torch, form.dtypes[0])
    if dtype == torch.int32:
        return torch.randint(-(2**31), 2**31 - 1, form.shape, dtype=torch.int32)
    if name.endswith("scale"):
        return torch.full(form.shape, 0.003, dtype=dtype)
    return torch.randn(form.shape, dtype=dtype) * 0.02
