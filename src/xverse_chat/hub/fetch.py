"""Downloading listed files with resume, and what went wrong when it did."""

import errno
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xverse_chat.errors import (
    DataError,
    DiskError,
    TransferError,
    UnavailableError,
    XverseChatError,
)
from xverse_chat.hub.listing import ListedFile
from xverse_chat.hub.naming import first_names
from xverse_chat.hub.space import size_text
from xverse_chat.hub.staging import PARTIAL_SUFFIX
from xverse_chat.hub.writing import is_full, write_error
from xverse_chat.progress import Progress
from xverse_chat.wording import say

if TYPE_CHECKING:
    from modelscope_hub import HubApi


def fetch_files(
    api: "HubApi",
    model_id: str,
    revision: str,
    files: Sequence[ListedFile],
    *,
    folder: Path,
    scratch: Path,
    progress: Progress,
) -> None:
    """Download ``files`` into ``folder``, each from where it stopped before.

    Raises DataError for bytes that are not those listed, UnavailableError for a file that the
    server lists and does not have, DiskError, and TransferError for everything that may go
    better next time.
    """
    from modelscope_hub.errors import FileDownloadError, HubError

    if not files:
        return
    try:
        api.download_repo(
            model_id,
            "model",
            revision=revision,
            cache_dir=scratch,
            local_dir=folder,
            file_list=[_entry(file) for file in files],
            progress_callbacks=[_callback_class(progress)],
        )
    except FileDownloadError as error:
        raise _error_of(error.failed_files, files, folder) from error
    except HubError as error:
        raise _broken_off() from error
    except OSError as error:
        raise write_error(folder, error) from error


def arrived_bytes(folder: Path, file: ListedFile) -> int:
    """Return how much of a file is in ``folder``, whole or not."""
    for path in (folder / file.path, folder / (file.path + PARTIAL_SUFFIX)):
        if path.is_file():
            return min(file.size_bytes, path.stat().st_size)
    return 0


def _entry(file: ListedFile) -> dict[str, object]:
    return {
        "Path": file.path,
        "Size": file.size_bytes,
        "Sha256": file.sha256,
        "Type": "blob",
    }


def _callback_class(progress: Progress) -> type:
    """Return the class that ModelScope makes an object of for each try of a file, in any thread."""
    told: dict[str, int] = {}

    class FileProgress:
        def __init__(self, name: str, size_bytes: int) -> None:
            self.name = name
            progress.start(name, size_bytes)
            if told.get(name):  # a try before this one, whose bytes were wrong
                self.update(-told[name])

        def update(self, size_bytes: int) -> None:
            told[self.name] = told.get(self.name, 0) + size_bytes
            progress.advance(self.name, size_bytes)

        def end(self) -> None:
            progress.finish(self.name)

    return FileProgress


def _error_of(
    failed: Mapping[str, BaseException], files: Sequence[ListedFile], folder: Path
) -> XverseChatError:
    """Choose the failure that the user can do most about."""
    from modelscope_hub import errors

    for error in failed.values():
        if isinstance(error, OSError) and (is_full(error) or error.errno == errno.EIO):
            return _disk_error(error, files, folder)
    for path, error in failed.items():
        if isinstance(error, errors.FileIntegrityError):
            return DataError(
                say(
                    "{path} is not the file that the server lists: size or sha256 differ. It was "
                    "removed.",
                    path=path,
                ),
                hint=say(
                    "Run the same command again; if it fails again, the server's copy is wrong."
                ),
            )
    for path, error in failed.items():
        if isinstance(error, errors.NotExistError):
            return UnavailableError(
                say("The server lists {path} and does not have it.", path=path),
                hint=say("Try again later, or another server with --endpoint."),
            )
        if isinstance(error, errors.AuthenticationError | errors.PermissionDeniedError):
            return UnavailableError(
                say("The server does not give {path} to everyone.", path=path),
                hint=say("Set MODELSCOPE_API_TOKEN to a token that has access to it."),
            )
    for path, error in failed.items():
        if isinstance(error, OSError) and not isinstance(error, errors.HubError) and error.errno:
            return write_error(folder / path, error)
    return _broken_off(failed)


def _disk_error(error: OSError, files: Sequence[ListedFile], folder: Path) -> DiskError:
    missing = sum(file.size_bytes - arrived_bytes(folder, file) for file in files)
    if not is_full(error):
        return DiskError(
            say("The disk of {folder} failed while a file was written.", folder=folder)
        )
    return DiskError(
        say(
            "The disk of {folder} is full: {size} are still to come.",
            folder=folder,
            size=size_text(missing),
        ),
        hint=say("Make room, then run the same command again: it goes on where it stopped."),
    )


def _broken_off(failed: Mapping[str, BaseException] | None = None) -> TransferError:
    return TransferError(
        say("The transfer of {names} broke off.", names=first_names(sorted(failed)))
        if failed
        else say("The download broke off."),
        hint=say("What arrived is kept. Run the same command again to go on where it stopped."),
    )
