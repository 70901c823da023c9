"""Writing files so that a crash leaves the old or the new, and saying plainly why it failed.

Standard library only.
"""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xverse_chat.errors import CannotCreateError, DiskError, XverseChatError
from xverse_chat.wording import say, system_reason

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FAILING = {*_FULL, errno.EIO}
NEW_SUFFIX = ".new"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Map an OSError inside to CannotCreateError or DiskError, both naming ``path``."""
    try:
        yield
    except OSError as error:
        raise write_error(path, error) from error


def write_error(path: Path, error: OSError) -> XverseChatError:
    """Return the error that tells why ``path`` could not be written."""
    reason = system_reason(error)
    if is_full(error):
        return DiskError(
            say("The disk is full: {path} could not be written.", path=path),
            hint=say(
                "Make room, or choose another disk with --cache-dir; then run the same "
                "command again. What is there already is kept."
            ),
        )
    if error.errno in _FAILING:
        return DiskError(
            say("The disk failed while {path} was written: {reason}.", path=path, reason=reason)
        )
    return CannotCreateError(
        say("{path} cannot be created: {reason}.", path=path, reason=reason),
        hint=say("Choose a folder that you may write to with --cache-dir."),
    )


def is_full(error: OSError) -> bool:
    """Tell whether there was no room left."""
    return error.errno in _FULL


def make_folder(path: Path) -> None:
    """Create a folder with its parents, unless it is there."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, and see it onto the disk."""
    new = path.with_name(path.name + NEW_SUFFIX)
    with writing(path):
        with new.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


def write_json(path: Path, data: object) -> None:
    """Write ``data`` as JSON, whole or not at all."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def sync(path: Path) -> None:
    """See a file's contents, or a folder's names, onto the disk."""
    with writing(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
