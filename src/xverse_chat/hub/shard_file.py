"""One shard: from upstream's pickle, checked tensor by tensor, to a safetensors file."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from xverse_chat.checkpoint.shards import ShardIndex, read_bin_shard
from xverse_chat.checkpoint.weights import IGNORED_SUFFIX, check_weights
from xverse_chat.errors import DataError, DiskError
from xverse_chat.hub.writing import NEW_SUFFIX, sync, write_error, writing
from xverse_chat.wording import say, system_reason

if TYPE_CHECKING:
    from torch import Tensor

# How the safetensors library words ENOSPC; it has no number in its errors.
_FULL_TEXTS = ("os error 28", "No space left")


def shard_file_name(number: int, count: int) -> str:
    """Return the name of shard ``number`` of ``count``, counted from one."""
    return f"model-{number:05}-of-{count:05}.safetensors"


def convert_shard(
    source: Path,
    target: Path,
    index: ShardIndex,
    expected: Mapping[str, tuple[int, ...]],
    checked: Callable[[int], None],
) -> None:
    """Write the tensors of ``source`` into ``target``, in their own type, whole or not at all.

    ``checked`` hears the bytes of each tensor once it is found right. Raises DataError for
    tensors that are missing, unknown, of another shape, not finite or blank.
    """
    tensors = _read(source, is_safetensors=index.is_safetensors)
    _check_names(set(tensors), index, source.name)
    plain: dict[str, Tensor] = {}
    storages: set[int] = set()
    for name in sorted(tensors):
        tensor = tensors.pop(name)
        try:
            check_weights({name: tensor}, expected, where=source.name)
            plain[name] = _with_own_storage(tensor, storages)
        except RuntimeError as error:  # a sparse tensor; of an abstract one NotImplementedError
            raise DataError(
                say("{file} is refused: {name} is no plain tensor.", file=source.name, name=name)
            ) from error
        checked(tensor.nbytes)
    save_shard(plain, target)


def save_shard(tensors: "Mapping[str, Tensor]", target: Path) -> None:
    """Write a safetensors file, whole or not at all. Raises DiskError or CannotCreateError."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    new = target.with_name(target.name + NEW_SUFFIX)
    try:
        save_file(dict(tensors), new, metadata={"format": "pt"})
    except SafetensorError as error:
        new.unlink(missing_ok=True)
        if any(text in str(error) for text in _FULL_TEXTS):
            raise write_error(target, OSError(28, os.strerror(28))) from error
        raise DiskError(say("{target} could not be written.", target=target)) from error
    except OSError as error:
        new.unlink(missing_ok=True)
        raise write_error(target, error) from error
    sync(new)
    with writing(target):
        new.replace(target)
    sync(target.parent)


def _read(source: Path, *, is_safetensors: bool) -> "dict[str, Tensor]":
    if not is_safetensors:
        tensors = read_bin_shard(source)
    else:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            tensors = load_file(source)
        except SafetensorError as error:
            raise DataError(
                say("{path} is damaged: it is no safetensors file.", path=source)
            ) from error
        except OSError as error:
            raise DiskError(
                say("{path} cannot be read: {reason}.", path=source, reason=system_reason(error))
            ) from error
    return {name: value for name, value in tensors.items() if not name.endswith(IGNORED_SUFFIX)}


def _check_names(names: set[str], index: ShardIndex, file: str) -> None:
    """Refuse a shard that does not hold exactly what the index says of it."""
    if not index.weight_map:
        return
    promised = {
        name
        for name, holder in index.weight_map.items()
        if holder == file and not name.endswith(IGNORED_SUFFIX)
    }
    if missing := sorted(promised - names):
        raise DataError(
            say(
                "{file} is incomplete: it lacks {name}, which the index promises.",
                file=file,
                name=missing[0],
            )
        )
    if extra := sorted(names - promised):
        raise DataError(
            say(
                "{file} is refused: it holds {name!r}, which no index names.",
                file=file,
                name=extra[0][:200],
            )
        )


def _with_own_storage(tensor: "Tensor", storages: set[int]) -> "Tensor":
    """Return a tensor that shares its memory with no other: the format cannot hold views."""
    storage = tensor.untyped_storage()
    is_whole = tensor.is_contiguous() and storage.nbytes() == tensor.nbytes
    if is_whole and storage.data_ptr() not in storages:
        storages.add(storage.data_ptr())
        return tensor
    return tensor.contiguous().clone()
