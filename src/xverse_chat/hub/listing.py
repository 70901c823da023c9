"""What a server says it has: checked before anything is believed, then chosen from.

Standard library only.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from xverse_chat.checkpoint.shards import (
    BIN_FILE,
    BIN_INDEX,
    SAFETENSORS_FILE,
    SAFETENSORS_INDEX,
)
from xverse_chat.errors import DataError, UnavailableError
from xverse_chat.wording import Sentence, say

NEEDED_FILES = ("config.json", "tokenizer.json")
OPTIONAL_FILES = ("generation_config.json", "special_tokens_map.json", "tokenizer_config.json")

_LICENCE_NAME = re.compile(r"(MODEL_)?LICEN[SC]E(\.(md|txt|pdf))?")
_SHARD_NAME = re.compile(r"(pytorch_model|model)(-\d{5}-of-\d{5})?\.(bin|safetensors)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_PATH_CHARACTERS = 1024
_MAX_SMALL_BYTES = 64 * 2**20
_MAX_SHARD_BYTES = 2**40


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file of a listing. ``sha256`` is None where the server tells none."""

    path: str
    size_bytes: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class WantedFiles:
    """What is downloaded of a model: never code. ``shards`` are in order."""

    small: tuple[ListedFile, ...]
    shards: tuple[ListedFile, ...]

    @property
    def all(self) -> tuple[ListedFile, ...]:
        """Every file, the small ones first."""
        return (*self.small, *self.shards)


def check_listing(entries: Iterable[tuple[str, int, str | None]]) -> tuple[ListedFile, ...]:
    """Return the files of a listing of (path, size, sha256). Raises DataError for a hostile one.

    Every path is checked, also of files that nobody wants: a server that lists one such path is
    not to be trusted with the others.
    """
    listed: dict[str, ListedFile] = {}
    for path, size_bytes, sha256 in entries:
        if (fault := path_fault(path)) is not None:
            raise _refused(path, fault)
        if path in listed:
            raise _refused(path, say("is listed twice"))
        if size_bytes < 0 or size_bytes > _MAX_SHARD_BYTES:
            raise _refused(path, say("has an impossible size of {size} bytes", size=size_bytes))
        checked = sha256.lower() if sha256 else None
        if checked is not None and not _SHA256.fullmatch(checked):
            raise _refused(path, say("has a sha256 that is none"))
        listed[path] = ListedFile(path, size_bytes, checked)
    return tuple(listed.values())


def path_fault(path: str) -> Sentence | None:
    """Return why ``path`` must not be joined to a folder, or None."""
    parts = PurePosixPath(path).parts
    windows = PureWindowsPath(path)
    if not parts or len(path) > _MAX_PATH_CHARACTERS:
        return say("is no path")
    if path.startswith("/") or windows.drive or windows.root:
        return say("is absolute")
    if ".." in parts or path.split("/") != list(parts):
        return say("leads elsewhere")
    # Category C: control and format characters, the bidirectional ones among them, surrogates.
    if "\\" in path or any(unicodedata.category(letter)[0] == "C" for letter in path):
        return say("holds a forbidden character")
    return None


def choose_files(listed: Iterable[ListedFile], model_id: str) -> WantedFiles:
    """Return what is needed of a model. Raises UnavailableError when it is no such model."""
    by_path = {file.path: file for file in listed}
    is_safetensors = SAFETENSORS_INDEX in by_path or SAFETENSORS_FILE in by_path
    index, suffix = (SAFETENSORS_INDEX, "model") if is_safetensors else (BIN_INDEX, "pytorch_model")
    shards = sorted(
        (file for file in by_path.values() if _is_shard(file.path, suffix)),
        key=lambda file: file.path,
    )
    missing = [name for name in NEEDED_FILES if name not in by_path]
    is_single = [file.path for file in shards] in ([BIN_FILE], [SAFETENSORS_FILE])
    if not shards or not (is_single or index in by_path):
        missing.append(index)
    if missing:
        raise UnavailableError(
            say(
                "{model_id} is no model that this program can use: it lacks {names}.",
                model_id=model_id,
                names=", ".join(missing),
            )
        )
    small = [
        file
        for file in by_path.values()
        if file.path in (*NEEDED_FILES, *OPTIONAL_FILES, index)
        or _LICENCE_NAME.fullmatch(file.path)
    ]
    _check_sizes(small, _MAX_SMALL_BYTES)
    _check_sizes(shards, _MAX_SHARD_BYTES)
    return WantedFiles(tuple(small), tuple(shards))


def listing_of_folder(folder: Path) -> tuple[ListedFile, ...]:
    """Return what lies in ``folder`` itself, as a server would list it, without hashes."""
    return check_listing(
        (path.name, path.stat().st_size, None) for path in folder.iterdir() if path.is_file()
    )


def is_licence(path: str) -> bool:
    """Tell whether a file of a model is its licence, by its name."""
    return _LICENCE_NAME.fullmatch(path) is not None


def _is_shard(path: str, stem: str) -> bool:
    found = _SHARD_NAME.fullmatch(path)
    wanted_suffix = "safetensors" if stem == "model" else "bin"
    return found is not None and found[1] == stem and found[3] == wanted_suffix


def _check_sizes(files: Iterable[ListedFile], most: int) -> None:
    for file in files:
        if not 0 < file.size_bytes <= most:
            raise _refused(
                file.path, say("has an impossible size of {size} bytes", size=file.size_bytes)
            )


def _refused(path: str, fault: Sentence) -> DataError:
    return DataError(
        say(
            "The server's list of files is refused: {path!r} {fault}.", path=path[:200], fault=fault
        ),
        hint=say("Nothing was downloaded. Check the model id and --endpoint."),
    )
