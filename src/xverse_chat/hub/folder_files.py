"""What a model folder holds besides the weights, and its record, written last."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from xverse_chat import __version__
from xverse_chat.checkpoint.config_file import model_folder_config
from xverse_chat.checkpoint.record import FileRecord, ModelFolderRecord, sha256_of
from xverse_chat.checkpoint.safetensors_file import read_header
from xverse_chat.checkpoint.shards import SAFETENSORS_INDEX
from xverse_chat.checkpoint.tokenizer_file import tokenizer_config
from xverse_chat.errors import DataError
from xverse_chat.hub.description import Description
from xverse_chat.hub.licence import Licence
from xverse_chat.hub.listing import is_licence
from xverse_chat.hub.staging import ConvertedShard
from xverse_chat.hub.writing import sync, write_json, write_text, writing
from xverse_chat.wording import say

CONVERTER = f"xverse-chat {__version__}"
NOTICE_FILE = "NOTICE.txt"
UPSTREAM_HASHES = "upstream_sha256"  # in the index: what each shard was made from


def write_folder_files(
    folder: Path, description: Description, shards: Sequence[ConvertedShard]
) -> None:
    """Write config, tokenizer and index. Raises DataError when the shards lack a tensor."""
    bytes_by_type = write_index(folder, shards, description.expected)
    config, context = description.config, description.config["max_position_embeddings"]
    dtype = bytes_by_type.most_common(1)[0][0]
    contents = {
        "config.json": model_folder_config(config, dtype=dtype),
        "generation_config.json": description.generation,
        "tokenizer.json": description.tokenizer,
        "tokenizer_config.json": tokenizer_config(
            description.special_tokens, context_tokens=context
        ),
        "special_tokens_map.json": description.special_tokens,
    }
    for name, data in contents.items():
        write_json(folder / name, data)


def write_index(
    folder: Path, shards: Sequence[ConvertedShard], expected: Iterable[str]
) -> Counter[str]:
    """Write the index of the shards, and return their bytes by type (``bfloat16`` …).

    Raises DataError when a tensor that is ``expected`` is in none, or one is in two.
    """
    weight_map: dict[str, str] = {}
    bytes_by_type: Counter[str] = Counter()
    for shard in shards:
        for tensor in read_header(folder / shard.file.path):
            if tensor.name in weight_map:
                raise DataError(say("{name} is in two shards.", name=tensor.name))
            weight_map[tensor.name] = shard.file.path
            bytes_by_type[tensor.dtype] += tensor.size_bytes
    if missing := set(expected) - weight_map.keys():
        raise DataError(
            say("The model is incomplete: {name} is in none of its shards.", name=min(missing))
        )
    hashes = {shard.file.path: shard.upstream_sha256 for shard in shards}
    index = {
        "metadata": {"total_size": bytes_by_type.total(), UPSTREAM_HASHES: hashes},
        "weight_map": dict(sorted(weight_map.items())),
    }
    write_json(folder / SAFETENSORS_INDEX, index)
    return bytes_by_type


def write_licence(folder: Path, source: Path, licence: Licence) -> None:
    """Write the notice, and copy the licence files that upstream has."""
    write_text(folder / NOTICE_FILE, licence.notice)
    for path in sorted(source.iterdir()):
        if is_licence(path.name) and path.is_file():
            with writing(folder / path.name):
                (folder / path.name).write_bytes(path.read_bytes())
            sync(folder / path.name)


def write_record(
    folder: Path,
    shards: Sequence[ConvertedShard],
    *,
    source_id: str,
    revision: str,
    licence_name: str,
    quantization: str | None,
) -> None:
    """Write ``xverse_chat.json``: with it, the folder is a model folder."""
    known = {shard.file.path: shard.file for shard in shards}
    files = []
    for path in sorted(folder.iterdir()):
        if path.name in known:
            files.append(known[path.name])
        else:
            files.append(FileRecord.of(folder, path.name, sha256_of(path)))
    record = ModelFolderRecord(
        source_id=source_id,
        revision=revision,
        converter_version=CONVERTER,
        quantization=quantization,
        licence=licence_name,
        files=tuple(files),
    )
    with writing(folder):
        record.write(folder)
