"""Bringing upstream's files together: those that are here already, and those still to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xverse_chat.errors import DataError, UnavailableError
from xverse_chat.hub.description import Description, read_description
from xverse_chat.hub.earlier import earlier_folders, link_earlier_files, whole_folder
from xverse_chat.hub.fetch import arrived_bytes, fetch_files
from xverse_chat.hub.listing import ListedFile, WantedFiles, choose_files
from xverse_chat.hub.naming import first_names
from xverse_chat.hub.order import Order
from xverse_chat.hub.server import list_files, open_server, server_name
from xverse_chat.hub.space import ShardSpace, check_space, needed_bytes
from xverse_chat.hub.staging import Staging
from xverse_chat.hub.verify import hash_files
from xverse_chat.progress import NoProgress, Progress, Stage
from xverse_chat.wording import say

if TYPE_CHECKING:
    from modelscope_hub import HubApi


@dataclass(frozen=True, slots=True)
class Source:
    """What is wanted, and whom to ask for it, or why nobody can be asked."""

    wanted: WantedFiles
    api: "HubApi | UnavailableError"


def list_wanted(order: Order) -> Source:
    """Ask the server what there is; without it, go by what is known or here from earlier.

    Nothing is written. Raises UnavailableError or, for a hostile list, DataError.
    """
    api = open_server(order.endpoint, order.staging.scratch)
    try:
        server = server_name(order.endpoint)
        listed = list_files(api, order.model_id, order.revision, server=server)
    except UnavailableError as error:
        wanted = _known_files(order)
        if wanted is None:
            raise
        return Source(wanted, error)
    return Source(choose_files(listed, order.model_id), api)


def find_missing(order: Order, wanted: WantedFiles, staging: Staging) -> list[ListedFile]:
    """Return what must be downloaded, after verifying everything that is there already.

    Raises DiskError when there is too little room for that and for the conversion.
    """
    shards = [file for file in wanted.shards if file.path not in staging.converted]
    needed = wanted.all if order.keep_original else (*wanted.small, *shards)
    _link_earlier(order, needed, staging)
    here = [file for file in needed if (staging.upstream / file.path).is_file()]
    _verify(here, staging, order.progress)
    missing = [file for file in needed if file.path not in staging.verified]
    missing_bytes = sum(file.size_bytes - arrived_bytes(staging.upstream, file) for file in missing)
    spaces = [
        ShardSpace(
            file.size_bytes,
            is_freed=not order.keep_original and not (staging.upstream / file.path).is_symlink(),
        )
        for file in shards
    ]
    all_bytes = sum(file.size_bytes for file in wanted.shards)
    quantized_bytes = int(all_bytes * order.quantized_share)
    needed_space = needed_bytes(missing_bytes, spaces, quantized_bytes=quantized_bytes)
    check_space(order.target.parent, needed_space)
    return missing


def fetch_missing(
    order: Order, source: Source, missing: Sequence[ListedFile], staging: Staging
) -> Description:
    """Download and verify what is missing, and return what the small files say.

    They come first, for they tell whether the rest is of any use.
    """
    wanted = source.wanted
    if missing:
        order.progress.begin(Stage.DOWNLOAD, sum(file.size_bytes for file in missing))
    # Hashing the small files takes no time, and must not end the display of the download.
    _fetch(order, source.api, [f for f in missing if f in wanted.small], staging, NoProgress())
    description = read_description(staging.upstream, [file.path for file in wanted.shards])
    _fetch(order, source.api, [f for f in missing if f in wanted.shards], staging, order.progress)
    return description


def _known_files(order: Order) -> WantedFiles | None:
    """Return what an earlier run of ours was told to bring, or what ModelScope's tools left."""
    staging = order.staging
    staging.read_journal()
    if staging.listed:
        order.progress.note(say("The server cannot be asked; going on with what is here already."))
        return choose_files(staging.listed, order.model_id)
    found = whole_folder(earlier_folders(order.cache_dir, order.model_id, order.revision))
    if found is None:
        return None
    folder, wanted = found
    order.progress.note(
        say(
            "The server cannot be asked; the files in {folder}, downloaded earlier, are "
            "used without comparing them with its list.",
            folder=folder,
        )
    )
    return wanted


def _link_earlier(order: Order, needed: Sequence[ListedFile], staging: Staging) -> None:
    folders = list(earlier_folders(order.cache_dir, order.model_id, order.revision))
    if linked := link_earlier_files(folders, needed, staging.upstream):
        order.progress.note(
            say(
                "{count} files were downloaded earlier and are used as they lie in {folders}.",
                count=len(linked),
                folders=", ".join(map(str, folders)),
            )
        )


def _fetch(
    order: Order,
    api: "HubApi | UnavailableError",
    files: Sequence[ListedFile],
    staging: Staging,
    verifying: Progress,
) -> None:
    if not files:
        return
    if isinstance(api, UnavailableError):
        raise api
    fetch_files(
        api,
        order.model_id,
        order.revision,
        files,
        folder=staging.upstream,
        scratch=staging.scratch,
        progress=order.progress,
    )
    if unhashed := [file.path for file in files if file.sha256 is None]:
        order.progress.note(
            say(
                "The server tells no sha256 of {names}: only the size could be compared.",
                names=first_names(unhashed),
            )
        )
    if bad := _verify(files, staging, verifying):
        raise DataError(
            say("{names} differs from the server's list and was removed.", names=", ".join(bad)),
            hint=say("Run the same command again."),
        )


def _verify(files: Sequence[ListedFile], staging: Staging, progress: Progress) -> list[str]:
    """Hash files that the journal does not know yet; remove those that differ, return them."""
    unknown = [file for file in files if file.path not in staging.verified]
    good, bad = hash_files(staging.upstream, unknown, progress)
    for path in bad:
        (staging.upstream / path).unlink(missing_ok=True)
    if unknown:
        staging.verified |= good
        staging.save()
    return bad
