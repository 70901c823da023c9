"""A model folder that is there already: whole, or what of it can be kept. Standard library only."""

from dataclasses import dataclass, replace
from pathlib import Path

from xverse_chat.checkpoint.json_file import read_json
from xverse_chat.checkpoint.record import (
    ModelFolderRecord,
    has_record,
    read_record,
)
from xverse_chat.checkpoint.shards import SAFETENSORS_INDEX
from xverse_chat.errors import DataError
from xverse_chat.hub.folder_files import UPSTREAM_HASHES
from xverse_chat.hub.listing import ListedFile, WantedFiles
from xverse_chat.hub.naming import first_names
from xverse_chat.hub.shard_file import shard_file_name
from xverse_chat.hub.staging import ConvertedShard
from xverse_chat.hub.verify import hash_files
from xverse_chat.hub.writing import writing
from xverse_chat.progress import Progress
from xverse_chat.wording import Sentence, say


@dataclass(frozen=True, slots=True)
class Existing:
    """A model folder of the wanted source and revision, and which of its files are damaged."""

    folder: Path
    record: ModelFolderRecord
    damaged: tuple[str, ...]

    def damage_text(self) -> Sentence:
        """Say what is damaged, in one sentence."""
        return say(
            "{damaged} of {count} files are damaged or gone: {names}.",
            damaged=len(self.damaged),
            count=len(self.record.files),
            names=first_names(self.damaged),
        )


def looks_complete(folder: Path, source_id: str, revision: str) -> bool:
    """Tell by sizes and times alone whether ``folder`` is the wanted model, whole."""
    if not has_record(folder):
        return False
    try:
        record = read_record(folder)
    except DataError:
        return False
    return _is_from(record, source_id, revision) and all(
        file.looks_unchanged(folder) for file in record.files
    )


def find_existing(
    folder: Path, source_id: str, revision: str, *, hash_all: bool, progress: Progress
) -> Existing | None:
    """Return the model folder that is there, or None when it is absent or another revision.

    Hashes the files whose size or time is not as recorded, or all. A record that cannot be read
    is a DataError; with ``hash_all`` it counts as no folder, so that it is made again.
    """
    if not has_record(folder):
        return None
    try:
        record = read_record(folder)
    except DataError:
        if hash_all:
            return None
        raise
    if not _is_from(record, source_id, revision):
        return None
    suspects = [
        ListedFile(file.path, file.size_bytes, file.sha256)
        for file in record.files
        if hash_all or not file.looks_unchanged(folder)
    ]
    _, damaged = hash_files(folder, suspects, progress)
    if not damaged:
        _note_times(folder, record)
    return Existing(folder, record, tuple(damaged))


def intact_shards(existing: Existing, wanted: WantedFiles) -> dict[str, ConvertedShard]:
    """Return the shards of a damaged folder that need not be made again, by upstream's names."""
    records = {
        file.path: file for file in existing.record.files if file.path not in existing.damaged
    }
    hashes: object = None
    if SAFETENSORS_INDEX in records:
        metadata = read_json(existing.folder / SAFETENSORS_INDEX).get("metadata")
        hashes = metadata.get(UPSTREAM_HASHES) if isinstance(metadata, dict) else None
    known = hashes if isinstance(hashes, dict) else {}
    kept = {}
    for number, file in enumerate(wanted.shards, start=1):
        name = shard_file_name(number, len(wanted.shards))
        if name in records:
            kept[file.path] = ConvertedShard(records[name], known.get(name))
    return kept


def _is_from(record: ModelFolderRecord, source_id: str, revision: str) -> bool:
    return (record.source_id, record.revision) == (source_id, revision)


def _note_times(folder: Path, record: ModelFolderRecord) -> None:
    """Record the times of files that proved intact, so that they are not hashed at every start."""
    files = tuple(
        replace(file, modified_ns=(folder / file.path).stat().st_mtime_ns) for file in record.files
    )
    if files != record.files:
        with writing(folder):
            replace(record, files=files).write(folder)
