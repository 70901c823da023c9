"""From a model id to a model folder: the whole way, and where it may be picked up again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xverse_chat.checkpoint.record import has_record
from xverse_chat.config import DEFAULT_REVISION, model_folder_path
from xverse_chat.errors import DataError, UnavailableError, UsageError
from xverse_chat.hub.existing import Existing, find_existing, intact_shards, looks_complete
from xverse_chat.hub.lock import folder_lock
from xverse_chat.hub.staging import Staging
from xverse_chat.progress import NoProgress, Progress, Stage

if TYPE_CHECKING:
    from modelscope_hub import HubApi

    from xverse_chat.hub.description import Description
    from xverse_chat.hub.listing import ListedFile, WantedFiles


_QUICK_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class _Order:
    """What was asked for."""

    model_id: str
    revision: str
    cache_dir: Path
    endpoint: str | None
    keep_original: bool
    verify: bool
    progress: Progress

    @property
    def target(self) -> Path:
        return model_folder_path(self.cache_dir, self.model_id)


def download_model(
    model_id: str,
    *,
    cache_dir: Path,
    revision: str = DEFAULT_REVISION,
    endpoint: str | None = None,
    keep_original: bool = False,
    verify: bool = False,
    progress: Progress,
) -> Path:
    """Download, verify and convert a model; return its model folder, complete.

    A folder that is complete already is returned at once, without the network; ``verify`` hashes
    it first, and only what is damaged is made again. After an interruption it goes on where it
    stopped. Raises any of UsageError, DataError, UnavailableError, CannotCreateError, DiskError,
    TransferError.
    """
    order = _Order(model_id, revision, cache_dir, endpoint, keep_original, verify, progress)
    _check(order)
    if not verify and looks_complete(order.target, model_id, revision):
        return order.target
    with folder_lock(order.target, progress):
        _publish_finished(order)
        existing = find_existing(
            order.target, model_id, revision, hash_all=verify, progress=progress
        )
        if existing is None or existing.damaged:
            _make(order, existing)
    return order.target


def _check(order: _Order) -> None:
    from xverse_chat.hub.server import check_endpoint

    check_endpoint(order.endpoint)
    revision = order.revision
    if not revision or not revision.isprintable() or ".." in revision or revision.startswith("/"):
        raise UsageError(f"{revision!r} is no revision.", hint="Name a branch, tag or commit.")


def _publish_finished(order: _Order) -> None:
    """Put a folder in its place that was finished just when an earlier run was stopped."""
    staging = Staging(order.target, order.model_id, order.revision)
    if looks_complete(staging.model, order.model_id, order.revision):
        staging.publish()


def _make(order: _Order, existing: Existing | None) -> None:
    """Make the model folder, of what is there already and what the server has."""
    from xverse_chat.hub.convert import convert_shards, finish_folder, refuse_foreign
    from xverse_chat.hub.folder_files import CONVERTER
    from xverse_chat.hub.licence import xverse_licence

    if existing is None and not (order.verify and has_record(order.target)):
        refuse_foreign(order.target)
    api, wanted = _list(order)
    staging = Staging.open(order.target, order.model_id, order.revision)
    if existing is not None:
        _tell_damage(existing, order.progress)
        staging.adopt(intact_shards(existing, wanted))
    staging.forget_stale(wanted.all)
    missing = _missing_files(order, wanted, staging)
    licence = xverse_licence(order.model_id, order.revision, CONVERTER)
    order.progress.note(licence.summary)
    description = _fetch(order, api, wanted, missing, staging)
    frees = not order.keep_original
    convert_shards(description, staging.upstream, staging, frees=frees, progress=order.progress)
    finish_folder(description, staging.upstream, staging, licence)
    if order.keep_original:
        kept = staging.keep_original()
        order.progress.note(f"The original files are kept in {kept}.")
    staging.publish()


def _list(order: _Order) -> "tuple[HubApi | None, WantedFiles]":
    """Ask the server what there is; without it, take a whole folder that is there from earlier."""
    from xverse_chat.hub.listing import choose_files
    from xverse_chat.hub.server import list_files, open_server, server_name

    scratch = Staging(order.target, order.model_id, order.revision).scratch
    api = open_server(order.endpoint, scratch)
    try:
        server = server_name(order.endpoint)
        listed = list_files(api, order.model_id, order.revision, server=server)
    except UnavailableError:
        from xverse_chat.hub.earlier import earlier_folders, whole_folder

        found = whole_folder(earlier_folders(order.cache_dir, order.model_id, order.revision))
        if found is None:
            raise
        folder, wanted = found
        order.progress.note(
            f"The server cannot be asked; the files in {folder}, downloaded earlier, are used "
            "without comparing them with its list."
        )
        return None, wanted
    return api, choose_files(listed, order.model_id)


def _missing_files(order: _Order, wanted: "WantedFiles", staging: Staging) -> "list[ListedFile]":
    """Return what must be downloaded, after looking at everything that is there already.

    Raises DiskError when there is too little room for that and for the conversion.
    """
    from xverse_chat.hub.earlier import earlier_folders, link_earlier_files
    from xverse_chat.hub.fetch import arrived_bytes
    from xverse_chat.hub.space import ShardSpace, check_space, needed_bytes

    shards = [file for file in wanted.shards if file.path not in staging.converted]
    needed = wanted.all if order.keep_original else (*wanted.small, *shards)
    folders = list(earlier_folders(order.cache_dir, order.model_id, order.revision))
    linked = link_earlier_files(folders, needed, staging.upstream)
    if linked:
        order.progress.note(
            f"{len(linked)} files that were downloaded earlier are used as they are, in "
            f"{', '.join(map(str, folders))}."
        )
    whole = [file for file in needed if (staging.upstream / file.path).is_file()]
    _verify(whole, staging, order.progress)
    missing = [file for file in needed if file.path not in staging.verified]
    check_space(
        staging.folder,
        needed_bytes(
            sum(file.size_bytes - arrived_bytes(staging.upstream, file) for file in missing),
            [
                ShardSpace(
                    file.size_bytes,
                    is_freed=not order.keep_original
                    and not (staging.upstream / file.path).is_symlink(),
                )
                for file in shards
            ],
        ),
    )
    return missing


def _fetch(
    order: _Order,
    api: "HubApi | None",
    wanted: "WantedFiles",
    missing: "Sequence[ListedFile]",
    staging: Staging,
) -> "Description":
    """Download what is missing: the small files first, for they tell whether the rest is of use."""
    from xverse_chat.hub.description import read_description
    from xverse_chat.hub.fetch import fetch_files

    if missing:
        order.progress.begin(Stage.DOWNLOAD, sum(file.size_bytes for file in missing))
    description = None
    for part in (wanted.small, wanted.shards):
        files = [file for file in missing if file in part]
        if files and api is None:
            raise UnavailableError(f"{files[0].path} is damaged and the server cannot be asked.")
        if files and api is not None:
            fetch_files(
                api,
                order.model_id,
                order.revision,
                files,
                folder=staging.upstream,
                scratch=staging.scratch,
                progress=order.progress,
            )
            _verify_fetched(order, files, staging)
        if description is None:
            names = [file.path for file in wanted.shards]
            description = read_description(staging.upstream, names)
    assert description is not None
    return description


def _verify(files: "Sequence[ListedFile]", staging: Staging, progress: Progress) -> list[str]:
    """Hash files that the journal does not know yet; remove those that differ, return them."""
    from xverse_chat.hub.verify import hash_files

    unknown = [file for file in files if file.path not in staging.verified]
    good, bad = hash_files(staging.upstream, unknown, progress)
    for path in bad:
        (staging.upstream / path).unlink()
    staging.verified |= good
    staging.save()
    return bad


def _verify_fetched(order: _Order, files: "Sequence[ListedFile]", staging: Staging) -> None:
    if unhashed := [file.path for file in files if file.sha256 is None]:
        order.progress.note(
            f"The server tells no sha256 of {', '.join(unhashed[:3])}"
            f"{' and others' if len(unhashed) > 3 else ''}: only the size could be compared."
        )
    # The small files come first, and their moment must not end the display of the download.
    is_quick = sum(file.size_bytes for file in files) < _QUICK_BYTES
    if bad := _verify(files, staging, NoProgress() if is_quick else order.progress):
        raise DataError(
            f"{', '.join(bad)} differs from the server's list and was removed.",
            hint="Run the same command again.",
        )


def _tell_damage(existing: Existing, progress: Progress) -> None:
    names = ", ".join(existing.damaged[:3]) + (" and others" if len(existing.damaged) > 3 else "")
    progress.note(f"{len(existing.damaged)} files are damaged or missing: {names}. Repairing.")
