"""The file of typed messages: private, bounded, shared by programs, never in the way."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.program import ROOT
from xverse_chat.chat.clean import clean_text
from xverse_chat.terminal.history_file import MAX_ENTRY_BYTES, HistoryFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "input-history.jsonl"


def test_what_was_added_is_read_in_its_order(path: Path) -> None:
    assert HistoryFile(path).read() == []
    for text in ("你好", "two\nlines", "“x”\\"):
        HistoryFile(path).add(text)
    assert HistoryFile(path).read() == ["你好", "two\nlines", "“x”\\"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(min_size=1), max_size=5))
def test_any_text_comes_back_as_it_was(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = HistoryFile(Path(folder) / "history")
        for text in texts:
            file.add(text)
        assert file.read() == [clean_text(text) for text in texts]


def test_only_the_user_can_read_it(path: Path) -> None:
    HistoryFile(path).add("secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    HistoryFile(path).add("another")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_never_grows_beyond_its_bound_and_keeps_the_newest(path: Path) -> None:
    file = HistoryFile(path, most_bytes=2000)
    for number in range(500):
        file.add(f"message {number}")
        assert path.stat().st_size <= 2000
    kept = file.read()
    assert kept == [f"message {number}" for number in range(500 - len(kept), 500)]
    assert len(kept) > 40
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_very_large_message_is_not_kept(path: Path) -> None:
    HistoryFile(path).add("before")
    HistoryFile(path).add("x" * MAX_ENTRY_BYTES)
    assert HistoryFile(path).read() == ["before"]


def test_a_torn_or_foreign_line_hides_no_other(path: Path) -> None:
    HistoryFile(path).add("first")
    with path.open("ab") as file:
        file.write(b'{"no": "text"}\n"torn\n\xff\xfe\n' + b"[" * 5000 + b'\n""\n')
    HistoryFile(path).add("last")
    assert HistoryFile(path).read() == ["first", "last"]


@pytest.mark.parametrize("kind", ["folder", "link", "pipe", "under a file"])
def test_a_place_that_takes_no_file_is_left_alone(kind: str, path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        (tmp_path / "elsewhere").write_text("mine")
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = tmp_path / "file" / "history"
        path.parent.write_text("")
    file = HistoryFile(path)
    file.add("text")
    assert file.read() == []
    assert kind != "link" or (tmp_path / "elsewhere").read_text() == "mine"


def test_programs_that_write_at_once_lose_and_tear_nothing(path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from xverse_chat.terminal.history_file import HistoryFile\n"
        "for number in range(100):\n"
        "    HistoryFile(Path(sys.argv[1])).add(sys.argv[2] * 20 + str(number))\n"
    )
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), letter],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )
        for letter in "abc"
    ]
    assert [program.wait(60) for program in programs] == [0, 0, 0]
    kept = HistoryFile(path).read()
    for letter in "abc":
        own = [text for text in kept if text.startswith(letter)]
        assert own == [f"{letter * 20}{number}" for number in range(100)]


def test_two_programs_may_shorten_it_at_once(path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from xverse_chat.terminal.history_file import HistoryFile\n"
        "for number in range(300):\n"
        "    HistoryFile(Path(sys.argv[1]), most_bytes=1000).add(sys.argv[2] + str(number))\n"
    )
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), letter],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )
        for letter in "ab"
    ]
    assert [program.wait(60) for program in programs] == [0, 0]
    assert path.stat().st_size <= 1000
    for letter in "ab":
        own = [int(text[1:]) for text in HistoryFile(path).read() if text.startswith(letter)]
        assert own == list(range(300))[len(range(300)) - len(own) :] or own == sorted(own)
