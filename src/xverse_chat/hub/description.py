"""Everything about a model but its weights: read from upstream's small files, and checked.

Standard library only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xverse_chat.checkpoint.config_file import read_config, read_generation_config
from xverse_chat.checkpoint.json_file import read_json
from xverse_chat.checkpoint.shards import (
    BIN_INDEX,
    SAFETENSORS_INDEX,
    ShardIndex,
    parse_index,
)
from xverse_chat.checkpoint.tokenizer_file import mend_tokenizer, special_tokens
from xverse_chat.checkpoint.weights import IGNORED_SUFFIX, check_complete, expected_tensors
from xverse_chat.errors import DataError
from xverse_chat.wording import say


@dataclass(frozen=True, slots=True)
class Description:
    """A model without weights: what its small files will say, and which tensors it must have."""

    config: Mapping[str, Any]
    generation: Mapping[str, Any]
    tokenizer: Mapping[str, Any]
    special_tokens: Mapping[str, str]
    index: ShardIndex
    expected: Mapping[str, tuple[int, ...]]


def read_description(folder: Path, shards: Sequence[str]) -> Description:
    """Read and check upstream's small files; ``shards`` are the listed files of weights.

    Raises DataError for anything that would make the model useless, so that this is known before
    its weights are downloaded.
    """
    config = read_config(folder)
    generation = read_generation_config(folder, config)
    tokenizer = mend_tokenizer(read_json(folder / "tokenizer.json"))
    _check_vocabulary(tokenizer, config["vocab_size"])
    expected = expected_tensors(config)
    return Description(
        config=config,
        generation=generation,
        tokenizer=tokenizer,
        special_tokens=special_tokens(tokenizer, generation),
        index=_read_index(folder, shards, expected),
        expected=expected,
    )


def _read_index(
    folder: Path, shards: Sequence[str], expected: Mapping[str, tuple[int, ...]]
) -> ShardIndex:
    is_safetensors = shards[0].endswith(".safetensors")
    name = SAFETENSORS_INDEX if is_safetensors else BIN_INDEX
    if not (folder / name).exists():
        return ShardIndex(tuple(shards), {}, is_safetensors)
    index = parse_index(read_json(folder / name), name=name, is_safetensors=is_safetensors)
    if different := set(index.files) ^ set(shards):
        raise DataError(
            say(
                "{name} and the list of files do not agree about {names}.",
                name=name,
                names=", ".join(sorted(different)[:3]),
            )
        )
    for tensor in index.weight_map:
        if tensor not in expected and not tensor.endswith(IGNORED_SUFFIX):
            raise DataError(
                say(
                    "{file} is refused: {name!r} is no tensor of this model.",
                    file=name,
                    name=tensor[:200],
                )
            )
    check_complete(set(index.weight_map), expected, where=name)
    return index


def _check_vocabulary(tokenizer: Mapping[str, Any], vocab_size: int) -> None:
    added = tokenizer.get("added_tokens") or ()
    try:
        ids = [*tokenizer["model"]["vocab"].values(), *(token["id"] for token in added)]
        fits = all(isinstance(token_id, int) and 0 <= token_id < vocab_size for token_id in ids)
    except (TypeError, LookupError) as error:
        raise DataError(say("tokenizer.json is damaged: its added_tokens are none.")) from error
    if not fits:
        raise DataError(
            say(
                "tokenizer.json is refused: it has ids beyond the model's {vocab_size} tokens.",
                vocab_size=vocab_size,
            )
        )
