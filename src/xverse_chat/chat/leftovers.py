"""Files that a killed program left half made beside the conversations. Standard library only."""

import time
from contextlib import suppress
from pathlib import Path

from xverse_chat.chat.disk import Disk

NEW_SUFFIX = ".new"
# Far longer than a file takes from its making to its lock and its name.
_LEFT_AFTER_S = 3600


def new_path(folder: Path, identity: str) -> Path:
    """Return where the file of a conversation is made before it gets its name."""
    return folder / f".{identity}{NEW_SUFFIX}"


def sweep(folder: Path, disk: Disk) -> None:
    """Remove what no living program is making. What cannot be removed stays until next time."""
    with suppress(OSError):
        for name in disk.names(folder):
            if name.startswith(".") and name.endswith(NEW_SUFFIX):
                with suppress(OSError):
                    _remove_if_left(folder / name, disk)


def _remove_if_left(path: Path, disk: Disk) -> None:
    descriptor = disk.open(path, to_write=True)
    try:
        is_old = time.time() - disk.status(descriptor).st_mtime > _LEFT_AFTER_S
        if is_old and disk.lock(descriptor):
            disk.remove(path)
    finally:
        disk.close(descriptor)
