from pathlib import Path

import pytest

from tests.terminal.desk import Screen


def test_read_puts_a_file_into_the_next_message(tmp_path: Path) -> None:
    path = tmp_path / "a file.txt"
    path.write_text("中文", encoding="gbk")
    screen = Screen()
    screen.type(f"/read {path}")
    assert [file.text for file in screen.desk.attachments] == ["中文"]
    shown = screen.text
    assert "The next message takes along" in shown
    assert "was read as GB18030" in shown
    screen.converse("hi", "hello")
    screen.type(f"/read '{path}'")
    assert "The next message takes along" in screen.text
    assert len(screen.desk.attachments) == 2


@pytest.mark.parametrize("argument", ["", "/nowhere/x", ".", "/dev/null/x"])
def test_read_of_what_is_no_file_says_why(argument: str) -> None:
    screen = Screen()
    screen.type(f"/read {argument}")
    assert screen.text.startswith("Error: ")
    assert screen.desk.attachments == []


def test_files_are_refused_together_when_they_are_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_text("x" * 600_000)
    screen = Screen("zh")
    screen.type(f"/read {path}")
    screen.type(f"/read {path}")
    assert len(screen.desk.attachments) == 1
    assert "错误：" in screen.text
