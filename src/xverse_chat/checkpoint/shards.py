"""The files that hold the weights: which there are, and reading upstream's pickles safely.

torch and safetensors only inside functions.
"""

import errno
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xverse_chat.checkpoint.json_file import REPAIR_HINT, read_json
from xverse_chat.errors import DataError, DiskError
from xverse_chat.wording import say, system_reason

if TYPE_CHECKING:
    from torch import Tensor

SAFETENSORS_INDEX = "model.safetensors.index.json"
SAFETENSORS_FILE = "model.safetensors"
BIN_INDEX = "pytorch_model.bin.index.json"
BIN_FILE = "pytorch_model.bin"

_DISK_FAULTS = (errno.EIO, errno.EACCES, errno.EPERM, errno.EISDIR)
_SHARD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.(bin|safetensors)")


@dataclass(frozen=True, slots=True)
class ShardIndex:
    """The shards of a checkpoint, in order.

    ``weight_map`` says which file holds a tensor; it is empty where a single file has no index.
    """

    files: tuple[str, ...]
    weight_map: Mapping[str, str]
    is_safetensors: bool


def read_index(folder: Path) -> ShardIndex:
    """Return the shards of a model folder or an upstream folder; safetensors win over pickles.

    Raises DataError when there are none, or the index names a file outside the folder.
    """
    for name, is_safetensors in ((SAFETENSORS_INDEX, True), (BIN_INDEX, False)):
        if (folder / name).is_file():
            return parse_index(read_json(folder / name), name=name, is_safetensors=is_safetensors)
        single = SAFETENSORS_FILE if is_safetensors else BIN_FILE
        if (folder / single).is_file():
            return ShardIndex((single,), {}, is_safetensors)
    raise DataError(
        say(
            "{folder} holds no weights: neither {index} nor {other} is there.",
            folder=folder,
            index=SAFETENSORS_INDEX,
            other=BIN_INDEX,
        ),
        hint=REPAIR_HINT,
    )


def parse_index(data: Mapping[str, object], *, name: str, is_safetensors: bool) -> ShardIndex:
    """Check the contents of an index file. Raises DataError; ``name`` names it there."""
    weight_map = data.get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise DataError(
            say("{name} is damaged: it has no weight_map.", name=name), hint=REPAIR_HINT
        )
    suffix = ".safetensors" if is_safetensors else ".bin"
    for file in weight_map.values():
        if not isinstance(file, str) or not _SHARD_NAME.fullmatch(file) or ".." in file:
            raise DataError(
                say("{name} is refused: {file!r} is no name of a shard.", name=name, file=file)
            )
        if not file.endswith(suffix):
            raise DataError(
                say(
                    "{name} is refused: {file!r} is no {suffix} file.",
                    name=name,
                    file=file,
                    suffix=suffix,
                )
            )
    return ShardIndex(tuple(sorted(set(weight_map.values()))), weight_map, is_safetensors)


def read_bin_shard(path: Path) -> "dict[str, Tensor]":
    """Return the tensors of a ``.bin`` shard, mapped from the file, not read into memory.

    Only tensors are unpickled (``weights_only``); nothing in the file can run. Raises DataError
    for a file that is truncated, foreign, hostile or missing, DiskError for one unreadable.
    """
    import torch

    try:
        is_zip = zipfile.is_zipfile(path)  # what torch wrote before 1.6 is none, and has no mmap
        data = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except FileNotFoundError as error:
        raise DataError(say("{path} is missing.", path=path), hint=REPAIR_HINT) from error
    except Exception as error:
        # A broken file raises nearly anything. The text of an UnpicklingError advises to switch
        # the protection off: never shown.
        if isinstance(error, OSError) and error.errno in _DISK_FAULTS:
            raise DiskError(
                say("{path} cannot be read: {reason}.", path=path, reason=system_reason(error))
            ) from error
        raise DataError(
            say("{path} is damaged or no file of weights, and was not loaded.", path=path),
            hint=REPAIR_HINT,
        ) from error
    if not isinstance(data, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in data.items()
    ):
        raise DataError(say("{path} is refused: it holds something other than tensors.", path=path))
    return data
