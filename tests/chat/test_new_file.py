import os
import stat
from pathlib import Path

import pytest

from xverse_chat.chat.new_file import write_new_file
from xverse_chat.errors import CannotCreateError, DiskError, UsageError


def test_a_file_is_written_and_nothing_beside_it_is_left(tmp_path: Path) -> None:
    write_new_file(tmp_path / "说.md", "你好\n")
    assert (tmp_path / "说.md").read_text(encoding="utf-8") == "你好\n"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("kind", ["file", "broken link"])
def test_a_file_that_is_there_is_not_overwritten_without_a_word(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.md"
    if kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="already"):
        write_new_file(path, "other")
    assert path.is_symlink() or path.read_text() == "mine"
    write_new_file(path, "other", may_replace=True)
    assert path.read_text() == "other"
    assert not path.is_symlink()


def test_a_file_made_meanwhile_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sync = tmp_path / "a.md", os.fsync

    def made_meanwhile(descriptor: int) -> None:
        path.write_text("mine")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", made_meanwhile)
    with pytest.raises(UsageError, match="already"):
        write_new_file(path, "other")
    assert path.read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotCreateError, match="No such file"):
        write_new_file(tmp_path / "no" / "a.md", "x")
    with pytest.raises(UsageError, match="is a folder"):
        write_new_file(tmp_path, "x", may_replace=True)


def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match="No space"):
        write_new_file(tmp_path / "a.md", "x")
    assert list(tmp_path.iterdir()) == []


def test_a_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    write_new_file(tmp_path / "a.md", "x")
    (tmp_path / "b").touch()
    assert stat.S_IMODE((tmp_path / "a.md").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "b").stat().st_mode
    )
