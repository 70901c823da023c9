"""The user's own editor, here a shell script: what it is given, and what comes of its failures."""

import os
import stat
from pathlib import Path

import pytest

from xverse_chat.errors import UsageError
from xverse_chat.terminal.external_editor import edit_text
from xverse_chat.terminal.translation import translate


def script(folder: Path, body: str) -> str:
    path = folder / "my editor"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return f'"{path}" --wait'


def test_the_text_comes_back_as_the_editor_left_it(tmp_path: Path) -> None:
    editor = script(tmp_path, 'printf "%s\\n" "$1" > "$0.args"; printf "改\\n" >> "$2"')
    assert edit_text("原文\n", {"EDITOR": editor}) == "原文\n改"
    assert (tmp_path / "my editor.args").read_text() == "--wait\n"


def test_visual_goes_before_editor(tmp_path: Path) -> None:
    editor = script(tmp_path, 'echo new > "$2"')
    assert edit_text("old", {"VISUAL": editor, "EDITOR": "false"}) == "new"


def test_the_file_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    editor = script(tmp_path, 'ls -l "$2" > "$0.listed"; echo "$2" > "$0.name"')
    edit_text("secret", {"EDITOR": editor})
    assert (tmp_path / "my editor.listed").read_text().startswith("-rw-------")
    assert not Path((tmp_path / "my editor.name").read_text().strip()).exists()


def test_bytes_that_are_no_text_become_replacement_characters(tmp_path: Path) -> None:
    assert (
        edit_text("x", {"EDITOR": script(tmp_path, "printf 'a\\377b\\r\\nc' > \"$2\"")})
        == "a\ufffdb\nc"
    )


@pytest.mark.parametrize(
    ("command", "english", "chinese"),
    [
        ("false", "ended with code 1; the text is as it was", "以代码 1 结束"),
        ("/nowhere/editor", "cannot be run: No such file", "无法运行编辑器"),
        ("'unclosed", "cannot be run", "无法运行编辑器"),
    ],
)
def test_an_editor_that_fails_says_how(command: str, english: str, chinese: str) -> None:
    with pytest.raises(UsageError) as failed:
        edit_text("text", {"EDITOR": command})
    assert english in failed.value.message
    assert chinese in translate(failed.value.message, "zh")


def test_an_editor_that_removes_the_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="cannot be handed to an editor: No such file"):
        edit_text("text", {"EDITOR": script(tmp_path, 'rm "$2"')})


def test_without_a_variable_the_usual_ones_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "vi").write_text('#!/bin/sh\necho from vi > "$1"\n')
    (tmp_path / "vi").chmod(stat.S_IRWXU)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{tmp_path}"
    try:
        assert edit_text("x", {"PATH": str(tmp_path)}) == "from vi"
        with pytest.raises(UsageError, match="There is no editor here"):
            edit_text("x", {"PATH": str(tmp_path / "empty")})
    finally:
        os.environ["PATH"] = before
