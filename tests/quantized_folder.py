"""Quantized model folders in tests, made of a small model as ``xverse-download --quant`` does."""

from collections.abc import Mapping
from pathlib import Path

import torch

from xverse_chat.checkpoint.record import read_record
from xverse_chat.config import model_folder_path
from xverse_chat.engine.packing import quantized_parts
from xverse_chat.hub.convert import convert_folder
from xverse_chat.hub.download_quantized import download_quantized
from xverse_chat.hub.licence import xverse_licence
from xverse_chat.hub.quantize import Quantizer
from xverse_chat.progress import NoProgress

MODEL_ID = "owner/Small-Chat"


def quantizer(bits: int) -> Quantizer:
    """Return what the command line hands to ``hub``."""

    def quantize(
        name: str, weight: torch.Tensor, config: Mapping[str, object]
    ) -> Mapping[str, torch.Tensor]:
        return quantized_parts(name, weight, config, bits=bits)

    return quantize


def build_plain_folder(upstream: Path, cache: Path) -> Path:
    """Convert an upstream folder to where ``xverse-download`` would have put it."""
    return convert_folder(
        upstream,
        model_folder_path(cache, MODEL_ID),
        source_id=MODEL_ID,
        revision="master",
        licence=xverse_licence(MODEL_ID, "master", "a test"),
        progress=NoProgress(),
    )


def build_quantized_folder(cache: Path, bits: int) -> Path:
    """Quantize what ``build_plain_folder`` made in ``cache``."""
    folder = download_quantized(
        MODEL_ID, bits=bits, quantizer=quantizer(bits), cache_dir=cache, progress=NoProgress()
    )
    assert read_record(folder).quantization == f"int{bits}"
    return folder
