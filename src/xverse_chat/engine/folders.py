"""What a folder with a model holds, known without torch and in milliseconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xverse_chat.checkpoint.config_file import read_config, read_generation_config
from xverse_chat.checkpoint.json_file import REPAIR_HINT
from xverse_chat.checkpoint.quantization import read_quantization_bits
from xverse_chat.checkpoint.record import (
    ModelFolderRecord,
    damaged_files,
    has_record,
    read_record,
)
from xverse_chat.checkpoint.shards import ShardIndex, read_index
from xverse_chat.errors import DataError, UnavailableError, UsageError
from xverse_chat.progress import Progress, Stage
from xverse_chat.wording import say


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model folder, or an upstream folder, whose ``record`` is None.

    ``config`` is whitelisted and checked; so is ``generation``, the folder's
    ``generation_config.json`` with the token ids filled in. ``quantization_bits`` is 4 or 8 where
    the weights on disk are quantized.
    """

    folder: Path
    config: Mapping[str, Any]
    generation: Mapping[str, Any]
    index: ShardIndex
    record: ModelFolderRecord | None
    quantization_bits: int | None


def inspect_folder(folder: Path) -> ModelFiles:
    """Read everything but the weights, and see that all files are there.

    Raises UnavailableError when there is no such folder, DataError when a file is missing, has
    another size than recorded, or has contents that cannot be.
    """
    if not folder.is_dir():
        raise UnavailableError(say("There is no folder {folder}.", folder=folder))
    config = read_config(folder)
    generation = read_generation_config(folder, config)
    bits = read_quantization_bits(folder, config)
    index = read_index(folder)
    for name in (*index.files, "tokenizer.json"):
        if not (folder / name).is_file():
            raise DataError(
                say("{folder} is incomplete: {name} is missing.", folder=folder, name=name),
                hint=REPAIR_HINT,
            )
    record = read_record(folder) if has_record(folder) else None
    if record is not None:
        _check_against_record(folder, index, record)
        if record.quantization != (None if bits is None else f"int{bits}"):
            raise DataError(
                say(
                    "{folder} is damaged: config.json and the record tell of different precisions.",
                    folder=folder,
                ),
                hint=REPAIR_HINT,
            )
    if bits is not None and not index.is_safetensors:
        raise DataError(
            say(
                "{folder} is refused: quantized weights in pickled files are unknown.",
                folder=folder,
            )
        )
    return ModelFiles(folder, config, generation, index, record, bits)


def loaded_bits(files: ModelFiles, quant: int | None) -> int | None:
    """Return the bits a folder is loaded in when ``quant`` is asked for: its own, where it has any.

    Raises UsageError when the folder is quantized otherwise than asked.
    """
    own = files.quantization_bits
    if own is None or quant in (None, own):
        return own or quant
    raise UsageError(
        say(
            "{folder} holds weights in {own} bits; --quant {quant} cannot be made of them.",
            folder=files.folder,
            own=own,
            quant=quant,
        ),
        hint=say("Leave --quant out, or name the folder of the 16-bit weights."),
    )


def verify_changed_files(files: ModelFiles, progress: Progress) -> None:
    """Hash every file whose size or time is not as recorded. Raises DataError for a damaged one."""
    if files.record is None:
        return
    changed = [file for file in files.record.files if not file.looks_unchanged(files.folder)]
    if not changed:
        return
    progress.begin(Stage.VERIFY, sum(file.size_bytes for file in changed))
    damaged: list[str] = []
    for file in changed:
        progress.start(file.path, file.size_bytes)
        damaged += damaged_files(files.folder, [file], advance=progress.advance)
        progress.finish(file.path)
    if damaged:
        raise DataError(
            say(
                "{folder} is damaged: {names} is not what was downloaded.",
                folder=files.folder,
                names=", ".join(damaged),
            ),
            hint=REPAIR_HINT,
        )


def _check_against_record(folder: Path, index: ShardIndex, record: ModelFolderRecord) -> None:
    recorded = {file.path: file.size_bytes for file in record.files}
    for name in ("config.json", "generation_config.json", "tokenizer.json", *index.files):
        if name not in recorded:
            raise DataError(
                say(
                    "{folder} is damaged: {name} is not among the files of its record.",
                    folder=folder,
                    name=name,
                ),
                hint=REPAIR_HINT,
            )
    for path, size_bytes in recorded.items():
        if not (folder / path).is_file():
            raise DataError(
                say("{folder} is incomplete: {name} is missing.", folder=folder, name=path),
                hint=REPAIR_HINT,
            )
        if (found := (folder / path).stat().st_size) != size_bytes:
            raise DataError(
                say(
                    "{folder} is damaged: {path} has {found} bytes, not {wanted}.",
                    folder=folder,
                    path=path,
                    found=found,
                    wanted=size_bytes,
                ),
                hint=REPAIR_HINT,
            )
