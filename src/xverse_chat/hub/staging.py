"""Where a model folder is made, beside its place, and the journal of what is done already.

CACHE/xverse-chat/OWNER--NAME             the model folder, complete or absent
CACHE/xverse-chat/.OWNER--NAME.partial/
    upstream/        files as they come from the server
    model/           the model folder being made
    journal.json     which files are verified, which shards are converted
    scratch/         locks of the downloader
"""

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from xverse_chat.checkpoint.record import FileRecord
from xverse_chat.hub.listing import ListedFile
from xverse_chat.hub.writing import make_folder, sync, write_json, writing

# Of the ModelScope package: what has arrived of a file that is not whole.
PARTIAL_SUFFIX = ".incomplete"

_JOURNAL_FORMAT = 1
_SHARD_SUFFIXES = {".bin", ".safetensors"}


@dataclass(frozen=True, slots=True)
class ConvertedShard:
    """A shard that is safely in the model folder; ``upstream_sha256`` None when not known."""

    file: FileRecord
    upstream_sha256: str | None


@dataclass(slots=True)
class Staging:
    """The folders of one model in the making, and its journal, both keyed by upstream name."""

    target: Path
    source_id: str
    revision: str
    verified: dict[str, FileRecord] = field(default_factory=dict)
    converted: dict[str, ConvertedShard] = field(default_factory=dict)
    listed: tuple[ListedFile, ...] = ()

    def open(self) -> None:
        """Make the folders, or find them with what an earlier run left there."""
        for folder in (self.upstream, self.model, self.scratch):
            make_folder(folder)
        self.read_journal()

    @property
    def folder(self) -> Path:
        """The folder of everything, beside the target."""
        return self.target.parent / f".{self.target.name}.partial"

    @property
    def upstream(self) -> Path:
        """Files as they come from the server."""
        return self.folder / "upstream"

    @property
    def model(self) -> Path:
        """The model folder being made."""
        return self.folder / "model"

    @property
    def scratch(self) -> Path:
        """Whatever the downloader needs besides."""
        return self.folder / "scratch"

    @property
    def original(self) -> Path:
        """Where upstream's files go that are kept."""
        return self.target.parent / f"{self.target.name}-original"

    @property
    def old(self) -> Path:
        """Where a model folder of another revision waits for its end."""
        return self.target.parent / f".{self.target.name}.old"

    def save(self) -> None:
        """Write the journal, whole or not at all."""
        write_json(
            self.folder / "journal.json",
            {
                "format": _JOURNAL_FORMAT,
                "source_id": self.source_id,
                "revision": self.revision,
                "listed": [asdict(file) for file in self.listed],
                "verified": {name: asdict(file) for name, file in self.verified.items()},
                "converted": {name: asdict(shard) for name, shard in self.converted.items()},
            },
        )

    def forget_stale(self, listed: tuple[ListedFile, ...]) -> None:
        """Drop what changed on this disk or on the server: from the journal, and the files."""
        self.listed = listed
        files = {file.path: file for file in listed}
        self.verified = {
            name: record
            for name, record in self.verified.items()
            if name in files
            and record.looks_unchanged(self.upstream)
            and record.size_bytes == files[name].size_bytes
            and files[name].sha256 in (None, record.sha256)
        }
        self.converted = {
            name: shard
            for name, shard in self.converted.items()
            if name in files
            and shard.file.looks_unchanged(self.model)
            and (
                None in (files[name].sha256, shard.upstream_sha256)
                or files[name].sha256 == shard.upstream_sha256
            )
        }
        self.save()
        wanted = {name + suffix for name in files for suffix in ("", PARTIAL_SUFFIX)}
        _delete_others(self.upstream, wanted)
        _delete_others(self.model, {shard.file.path for shard in self.converted.values()})

    def adopt(self, converted: dict[str, ConvertedShard]) -> None:
        """Take a damaged model folder apart: its intact shards count as converted."""
        self.converted = converted
        self.save()
        with writing(self.target):
            shutil.rmtree(self.model)
            self.target.rename(self.model)
            sync(self.target.parent)

    def publish(self) -> None:
        """Rename the finished model folder into its place; what was there goes."""
        sync(self.model)
        with writing(self.target):
            if self.target.exists():
                if self.old.exists():
                    shutil.rmtree(self.old)
                self.target.rename(self.old)
            self.model.rename(self.target)
            sync(self.target.parent)
        self.clean_up()

    @property
    def has_leftovers(self) -> bool:
        """Tell whether a run was stopped after it published, with the model folder in place.

        A model still in the making is no leftover: it may be of another revision.
        """
        return self.old.exists() or (self.folder.exists() and not self.model.exists())

    def clean_up(self) -> None:
        """Delete what is left when the model folder is in its place."""
        with writing(self.folder):
            for leftover in (self.old, self.folder):
                if leftover.exists():
                    shutil.rmtree(leftover)

    def keep_original(self) -> Path | None:
        """Move upstream's files beside the model folder and return where they are.

        Returns None when the shards are not there, because they were freed or moved already.
        """
        found = self.upstream.iterdir() if self.upstream.is_dir() else ()
        if not any(path.suffix in _SHARD_SUFFIXES for path in found):
            return None
        with writing(self.original):
            if self.original.exists():
                shutil.rmtree(self.original)
            self.upstream.rename(self.original)
        return self.original

    def read_journal(self) -> None:
        """Read what an earlier run noted; a journal that is torn or foreign counts for nothing."""
        path = self.folder / "journal.json"
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if (data["format"], data["source_id"], data["revision"]) != (
                _JOURNAL_FORMAT,
                self.source_id,
                self.revision,
            ):
                return
            listed = tuple(ListedFile(**file) for file in data["listed"])
            verified = {name: FileRecord(**record) for name, record in data["verified"].items()}
            converted = {
                name: ConvertedShard(FileRecord(**shard["file"]), shard["upstream_sha256"])
                for name, shard in data["converted"].items()
            }
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return
        self.listed, self.verified, self.converted = listed, verified, converted


def _delete_others(folder: Path, wanted: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in wanted:
            with writing(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
