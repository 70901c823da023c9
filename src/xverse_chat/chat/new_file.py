"""Writing a file that the user named: there whole or not at all. Standard library only."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from xverse_chat.errors import CannotCreateError, DiskError, UsageError
from xverse_chat.wording import say, system_reason

_NO_LINKS_HERE = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_REFUSED_BY_A_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}


def write_new_file(path: Path, content: str, *, may_replace: bool = False) -> None:
    """Write ``content`` as UTF-8 into a file beside its place, then give it its name.

    Raises UsageError where there is a file already and it may not be replaced, CannotCreateError
    where the folder takes none, DiskError where the disk is full.
    """
    if not may_replace and os.path.lexists(path):
        raise _is_there(path)
    if path.is_dir():
        raise UsageError(say("{path} is a folder.", path=path), hint=say("Name a file inside it."))
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.new")
    try:
        _write(beside, content.encode("utf-8", "replace"))
        _give_name(beside, path, may_replace=may_replace)
    except FileExistsError as error:
        raise _is_there(path) from error
    except OSError as error:
        kind = DiskError if error.errno in _REFUSED_BY_A_DISK else CannotCreateError
        raise kind(
            say("{path} cannot be written: {reason}.", path=path, reason=system_reason(error))
        ) from error
    finally:
        with suppress(OSError):
            os.unlink(beside)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _give_name(beside: Path, path: Path, *, may_replace: bool) -> None:
    if may_replace:
        os.replace(beside, path)
        return
    try:
        os.link(beside, path, follow_symlinks=False)  # unlike a rename it never replaces
    except OSError as error:
        if error.errno not in _NO_LINKS_HERE or os.path.lexists(path):
            raise
        os.replace(beside, path)


def _is_there(path: Path) -> UsageError:
    return UsageError(
        say("There is a file {path} already; it was left as it is.", path=path),
        hint=say("Choose another name."),
    )
