"""The model folder's record: what is in the folder, where it came from, whether it is intact.

``hub`` writes it, ``engine`` reads it. Standard library only.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from xverse_chat.errors import DataError, DiskError
from xverse_chat.wording import say, system_reason

RECORD_FILE_NAME = "xverse_chat.json"
RECORD_FORMAT = 1

_HASH_BLOCK_BYTES = 4 * 2**20
_HEX_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of a model folder. ``path`` is relative, with forward slashes."""

    path: str
    size_bytes: int
    sha256: str
    modified_ns: int

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path).parts
        if not parts or self.path.startswith("/") or ".." in parts or "\\" in self.path:
            raise ValueError(f"unsafe path {self.path!r}")
        if len(self.sha256) != 64 or not _HEX_DIGITS.issuperset(self.sha256):
            raise ValueError(f"{self.path}: no sha256")
        if self.size_bytes < 0:
            raise ValueError(f"{self.path}: negative size")

    @classmethod
    def of(cls, folder: Path, path: str, sha256: str) -> "FileRecord":
        """Record a file as it lies in ``folder`` now, under a hash that is known already."""
        status = (folder / path).stat()
        return cls(path, status.st_size, sha256, status.st_mtime_ns)

    def looks_unchanged(self, folder: Path) -> bool:
        """Tell whether size and time are as recorded, without reading the file."""
        try:
            status = (folder / self.path).stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size_bytes, self.modified_ns)


@dataclass(frozen=True, slots=True)
class ModelFolderRecord:
    """The contents of ``xverse_chat.json``. ``quantization`` is None, "int4" or "int8"."""

    source_id: str
    revision: str
    converter_version: str
    quantization: str | None
    licence: str
    files: tuple[FileRecord, ...]

    def write(self, folder: Path) -> None:
        """Write the record into ``folder``, whole or not at all."""
        temporary = folder / (RECORD_FILE_NAME + ".new")
        text = json.dumps({"format": RECORD_FORMAT, **asdict(self)}, indent=2, ensure_ascii=False)
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / RECORD_FILE_NAME)


def has_record(folder: Path) -> bool:
    """Tell whether ``folder`` is a model folder, by its record alone."""
    return (folder / RECORD_FILE_NAME).is_file()


def read_record(folder: Path) -> ModelFolderRecord:
    """Read a model folder's record. Raises DataError when it is missing or not a record."""
    path = folder / RECORD_FILE_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _record_from_json(data)
    except FileNotFoundError as error:
        raise DataError(
            say(
                "{folder} is no model folder: it has no {name}.",
                folder=folder,
                name=RECORD_FILE_NAME,
            )
        ) from error
    except OSError as error:
        raise DiskError(
            say("{path} cannot be read: {reason}.", path=path, reason=system_reason(error))
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(
            say("{path} is damaged: it is not a model folder's record.", path=path),
            hint=say("Run xverse-download --verify, which repairs the folder."),
        ) from error


def damaged_files(
    folder: Path,
    files: Iterable[FileRecord],
    *,
    advance: Callable[[str, int], None] = lambda path, size_bytes: None,
) -> list[str]:
    """Hash files and return the paths of those that are missing or differ from their records.

    ``advance`` hears path and bytes as they are hashed.
    """
    return [file.path for file in files if not _is_intact(folder, file, advance)]


def sha256_of(path: Path, advance: Callable[[int], None] = lambda size_bytes: None) -> str:
    """Return a file's sha256 in hex, telling ``advance`` the bytes read so far, block by block."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        block = bytearray(_HASH_BLOCK_BYTES)
        view = memoryview(block)
        while count := file.readinto(block):
            digest.update(view[:count])
            advance(count)
    return digest.hexdigest()


def _is_intact(folder: Path, file: FileRecord, advance: Callable[[str, int], None]) -> bool:
    path = folder / file.path
    try:
        return (
            path.stat().st_size == file.size_bytes
            and sha256_of(path, partial(advance, file.path)) == file.sha256
        )
    except OSError:
        return False


def _record_from_json(data: dict[str, Any]) -> ModelFolderRecord:
    if data["format"] != RECORD_FORMAT:
        raise ValueError(f"format {data['format']}")
    files = tuple(
        FileRecord(
            path=str(file["path"]),
            size_bytes=int(file["size_bytes"]),
            sha256=str(file["sha256"]),
            modified_ns=int(file["modified_ns"]),
        )
        for file in data["files"]
    )
    quantization = data["quantization"]
    if quantization not in (None, "int4", "int8"):
        raise ValueError(f"quantization {quantization!r}")
    return ModelFolderRecord(
        source_id=str(data["source_id"]),
        revision=str(data["revision"]),
        converter_version=str(data["converter_version"]),
        quantization=quantization,
        licence=str(data["licence"]),
        files=files,
    )
