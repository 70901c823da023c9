import errno
import os
import stat
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.chat.failing_disk import FailingDisk
from xverse_chat.chat.backend import Message
from xverse_chat.chat.disk import Disk
from xverse_chat.chat.events import Event, Moved, Said
from xverse_chat.chat.journal import Journal
from xverse_chat.chat.log import parse_log
from xverse_chat.chat.session import Session
from xverse_chat.chat.store import Store
from xverse_chat.errors import DataError

TALK: list[Event] = [
    Said(0, Message("user", "你好" * 20)),
    Said(1, Message("assistant", "好", interrupted=True)),
    Moved(0),
    Said(0, Message("user", "再见")),
    Said(3, Message("assistant", "再见！")),
]


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix == ".jsonl")


def said(folder: Path) -> list[tuple[Event, ...]]:
    return [parse_log(path.read_bytes()).events for path in files(folder)]


def test_nothing_is_written_before_something_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "conversations"
    journal = Store(folder).begin("demo")
    journal.save(Session("be kind").events)
    assert not folder.exists()
    journal.save(TALK[:1])
    assert said(folder) == [tuple(TALK[:1])]


def test_only_the_user_can_read_what_is_saved(tmp_path: Path) -> None:
    folder = tmp_path / "conversations"
    folder.mkdir(mode=0o755)
    umask = os.umask(0)
    try:
        Store(folder).begin("demo").save(TALK)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_each_event_is_added_at_the_end(tmp_path: Path) -> None:
    journal, contents = Store(tmp_path).begin("demo"), []
    for count in range(1, len(TALK) + 1):
        journal.save(TALK[:count])
        contents.append(files(tmp_path)[0].read_bytes())
    assert all(later.startswith(earlier) for earlier, later in pairwise(contents))
    assert parse_log(contents[-1]).events == tuple(TALK)


def calls_of_a_conversation(folder: Path) -> int:
    disk = FailingDisk(lambda call: False)
    talk(Store(folder, disk).begin("demo"))
    return disk.calls


def talk(journal: Journal) -> None:
    for count in range(1, len(TALK) + 1):
        journal.save(TALK[:count])


COUNT = 60


def test_every_call_is_made_to_fail_in_the_tests_below(tmp_path: Path) -> None:
    assert 20 < calls_of_a_conversation(tmp_path) < COUNT


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EINTR])
@pytest.mark.parametrize("failing", range(1, COUNT))
def test_one_call_that_fails_loses_nothing(tmp_path: Path, failing: int, number: int) -> None:
    journal = Store(tmp_path, FailingDisk(lambda call: call == failing, number)).begin("demo")
    for count in range(1, len(TALK) + 1):
        journal.save(TALK[:count])
        if journal.failure is None:
            assert tuple(TALK[:count]) in said(tmp_path)
    journal.save(TALK)
    assert journal.failure is None
    assert tuple(TALK) in said(tmp_path)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("failing", range(1, COUNT))
def test_a_disk_that_fails_from_one_call_on_leaves_what_was_saved(
    tmp_path: Path, failing: int
) -> None:
    disk = FailingDisk(lambda call: call >= failing)
    journal, saved = Store(tmp_path, disk).begin("demo"), 0
    for count in range(1, len(TALK) + 1):
        journal.save(TALK[:count])
        saved = count if journal.failure is None else saved
    # What a program that starts now reads: a line that was never finished is no damage.
    kept = max((len(parse_log(path.read_bytes()).events) for path in files(tmp_path)), default=0)
    assert kept >= saved
    disk.fails = lambda call: False  # the disk works again
    journal.save(TALK)
    assert journal.failure is None
    assert said(tmp_path)[-1] == tuple(TALK)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("torn", [0, 1, 9])
@pytest.mark.parametrize("failing", range(1, 40))
def test_going_on_with_a_file_while_a_call_fails_loses_nothing(
    tmp_path: Path, failing: int, torn: int, held: bool
) -> None:
    first = Store(tmp_path).begin("demo")
    first.save(TALK[:3])
    if not held:
        first.close()
    path = files(tmp_path)[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size - torn])
    kept = parse_log(path.read_bytes()).events
    disk = FailingDisk(lambda call: call == failing, errno.EIO)
    try:
        opened = Store(tmp_path, disk).open(path.stem, model_id="demo")
    except DataError:
        assert parse_log(path.read_bytes()).events == kept
        return
    assert opened.is_copy == held
    session = opened.session
    session.on_change = lambda: opened.journal.save(session.events)
    session.append(Message("user", "again"))
    session.append(Message("assistant", "yes"))
    opened.journal.save(session.events)
    assert opened.journal.failure is None
    assert tuple(session.events)[: len(kept)] == kept
    assert tuple(session.events) in said(tmp_path)


def test_a_file_that_was_deleted_is_written_again_whole(tmp_path: Path) -> None:
    journal = Store(tmp_path).begin("demo")
    journal.save(TALK[:2])
    files(tmp_path)[0].unlink()
    journal.save(TALK)
    assert said(tmp_path) == [tuple(TALK)]


def test_a_file_that_another_program_changed_is_left_to_it(tmp_path: Path) -> None:
    journal = Store(tmp_path).begin("demo")
    journal.save(TALK[:2])
    with files(tmp_path)[0].open("ab") as file:
        file.write(b"its own line\n")
    changed = files(tmp_path)[0].read_bytes()
    journal.save(TALK)
    assert sorted(path.read_bytes() == changed for path in files(tmp_path)) == [False, True]
    assert tuple(TALK) in [
        parse_log(path.read_bytes()).events
        for path in files(tmp_path)
        if path.read_bytes() != changed
    ]


def test_what_is_too_large_to_be_read_again_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xverse_chat.chat.journal.MAX_LOG_BYTES", 1000)
    journal = Store(tmp_path).begin("demo")
    journal.save(TALK[:2])
    journal.save([*TALK[:2], Said(2, Message("user", "x" * 1000))])
    assert journal.failure is not None
    assert journal.failure.errno == errno.EFBIG
    assert said(tmp_path) == [tuple(TALK[:2])]


def test_a_large_message_is_saved_and_read_at_once(tmp_path: Path) -> None:
    began = time.process_time()
    large: list[Event] = [
        Said(0, Message("user", "汉" * 350_000)),
        Said(1, Message("user", "一行文字\n" * 10_000)),
    ]
    Store(tmp_path).begin("demo").save(large)
    assert said(tmp_path) == [tuple(large)]
    assert time.process_time() - began < 2


def test_what_a_killed_program_began_is_swept_up(tmp_path: Path) -> None:
    left = tmp_path / ".20260101-000000-00000000.new"
    left.write_bytes(b"half")
    held = tmp_path / ".20260101-000000-00000001.new"
    held.write_bytes(b"of a program that runs")
    disk = Disk()
    descriptor = disk.open(held, to_write=True)
    disk.lock(descriptor)
    os.utime(left, (0, 0))
    os.utime(held, (0, 0))
    Store(tmp_path).begin("demo").save(TALK)
    assert [path.name for path in tmp_path.glob(".*")] == [held.name]
    disk.close(descriptor)
