import errno
import os
from pathlib import Path

import pytest

from xverse_chat.errors import CannotCreateError, DiskError, XverseChatError
from xverse_chat.hub.writing import write_error, write_json, write_text


@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [
        (errno.ENOSPC, DiskError, "full"),
        (errno.EDQUOT, DiskError, "full"),
        (errno.EIO, DiskError, "failed"),
        (errno.EACCES, CannotCreateError, "Permission denied"),
        (errno.EROFS, CannotCreateError, "Read-only"),
        (errno.ENOTDIR, CannotCreateError, "Not a directory"),
    ],
)
def test_each_failure_of_a_disk_has_its_error(
    number: int, kind: type[XverseChatError], said: str
) -> None:
    error = write_error(Path("/x/y"), OSError(number, "raw"))
    assert type(error) is kind
    assert said in error.message
    assert "/x/y" in error.message


@pytest.mark.parametrize("fails_at", ["fsync", "replace"])
def test_a_failed_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: str
) -> None:
    path = tmp_path / "config.json"
    write_text(path, "old")

    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    if fails_at == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(DiskError):
        write_text(path, "new")
    assert path.read_text() == "old"


def test_chinese_stays_readable_in_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "元象"})
    assert "元象" in (tmp_path / "a.json").read_text(encoding="utf-8")
