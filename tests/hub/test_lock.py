import threading
from pathlib import Path

import pytest

from tests.hub.conftest import Recorder
from xverse_chat.errors import CannotCreateError
from xverse_chat.hub.lock import folder_lock


def test_the_second_waits_says_why_and_goes_on(tmp_path: Path) -> None:
    target, second = tmp_path / "models" / "owner--name", Recorder()
    entered = threading.Event()

    def enter() -> None:
        with folder_lock(target, second):
            entered.set()

    waiting = threading.Thread(target=enter)
    with folder_lock(target, Recorder()):
        waiting.start()
        assert not entered.wait(0.5)
        assert any("owner--name" in note and "waiting" in note for note in second.notes)
    waiting.join(5)
    assert entered.is_set()


def test_the_first_is_told_nothing(tmp_path: Path) -> None:
    progress = Recorder()
    with folder_lock(tmp_path / "model", progress):
        pass
    assert progress.notes == []


def test_a_file_system_without_locks_is_worked_on_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import filelock

    def fail(self: object, timeout: float | None = None) -> None:
        raise NotImplementedError("no flock here")

    monkeypatch.setattr(filelock.FileLock, "acquire", fail)
    progress = Recorder()
    with folder_lock(tmp_path / "model", progress):
        assert any("no locks" in note for note in progress.notes)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(CannotCreateError, match="file"),
        folder_lock(tmp_path / "file" / "model", Recorder()),
    ):
        pass
