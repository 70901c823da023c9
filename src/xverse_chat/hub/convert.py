"""From upstream's files to a model folder, one shard at a time, so that a crash costs one shard."""

from pathlib import Path

from xverse_chat.checkpoint.record import FileRecord, has_record, sha256_of
from xverse_chat.errors import CannotCreateError
from xverse_chat.hub.description import Description, read_description
from xverse_chat.hub.folder_files import write_folder_files, write_licence, write_record
from xverse_chat.hub.licence import Licence
from xverse_chat.hub.listing import choose_files, listing_of_folder
from xverse_chat.hub.shard_file import convert_shard, shard_file_name
from xverse_chat.hub.staging import ConvertedShard, Staging
from xverse_chat.hub.writing import writing
from xverse_chat.progress import Progress, Stage
from xverse_chat.wording import say


def convert_folder(
    source: Path,
    target: Path,
    *,
    source_id: str,
    revision: str,
    licence: Licence,
    progress: Progress,
) -> Path:
    """Make a model folder from a whole upstream folder, which stays as it is; return it.

    Memory needed: about one shard. A model folder that is there already is replaced. Two
    conversions into one target must not run at once.
    """
    refuse_foreign(target)
    wanted = choose_files(listing_of_folder(source), source.name)
    description = read_description(source, [file.path for file in wanted.shards])
    staging = Staging(target, source_id, revision)
    staging.open()
    staging.forget_stale(())  # what an earlier attempt was made of is not known
    convert_shards(description, source, staging, frees=False, progress=progress)
    finish_folder(description, source, staging, licence)
    staging.publish()
    return target


def convert_shards(
    description: Description, source: Path, staging: Staging, *, frees: bool, progress: Progress
) -> None:
    """Convert every shard that the journal does not have yet, and note each in the journal.

    ``frees``: delete each source when its weights are safe. A link goes, its file stays.
    """
    names = description.index.files
    todo = [name for name in names if name not in staging.converted]
    if todo:
        sizes = {name: (source / name).stat().st_size for name in todo}
        progress.begin(Stage.CONVERT, sum(sizes.values()))
    for number, name in enumerate(names, start=1):
        if name in todo:
            progress.start(name, sizes[name])
            target = staging.model / shard_file_name(number, len(names))
            record = _convert_one(description, source / name, target, progress)
            known = staging.verified.get(name)
            staging.converted[name] = ConvertedShard(record, known.sha256 if known else None)
            staging.save()
            progress.finish(name)
        if frees:
            with writing(source / name):
                (source / name).unlink(missing_ok=True)


def finish_folder(
    description: Description, source: Path, staging: Staging, licence: Licence
) -> None:
    """Write everything but the shards into the model folder, its record last."""
    shards = [staging.converted[name] for name in description.index.files]
    write_folder_files(staging.model, description, shards)
    write_licence(staging.model, source, licence)
    write_record(
        staging.model,
        shards,
        source_id=staging.source_id,
        revision=staging.revision,
        licence_name=licence.name,
        quantization=None,
    )


def refuse_foreign(target: Path) -> None:
    """Raise CannotCreateError when something that is no model folder lies at ``target``."""
    is_empty = target.is_dir() and not any(target.iterdir())
    if target.exists() and not is_empty and not has_record(target):
        raise CannotCreateError(
            say("{target} exists and is no model folder of this program.", target=target),
            hint=say("Move it away, or choose another folder with --cache-dir."),
        )


def _convert_one(
    description: Description, source: Path, target: Path, progress: Progress
) -> FileRecord:
    """Convert and hash one shard. Checking counts as half of the work, writing as the other."""

    def advance(size_bytes: int) -> None:
        progress.advance(source.name, size_bytes // 2)

    convert_shard(source, target, description.index, description.expected, advance)
    sha256 = sha256_of(target, advance)
    return FileRecord.of(target.parent, target.name, sha256)
