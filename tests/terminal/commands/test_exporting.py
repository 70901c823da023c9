import json
from pathlib import Path

import pytest

from tests.terminal.desk import Screen


@pytest.mark.parametrize("suffix", [".md", ".json", ".html"])
def test_export_writes_the_conversation_and_says_where(suffix: str, tmp_path: Path) -> None:
    screen = Screen("zh")
    screen.converse("你好吗？", "很好。")
    screen.type(f"/export {tmp_path}/a conversation{suffix}")
    path = tmp_path / f"a conversation{suffix}"
    assert screen.text == f"对话已写入 {path}。\n"
    content = path.read_text(encoding="utf-8")
    assert "你好吗？" in content
    assert "很好。" in content
    if suffix == ".json":
        json.loads(content)


@pytest.mark.parametrize("name", ["", "talk.txt", "talk", "no/such/folder.md", "/proc/x.md"])
def test_export_to_where_none_can_be_says_why_and_writes_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    screen = Screen()
    screen.converse("q", "a")
    screen.type(f"/export {name}")
    assert screen.text.startswith("Error: ")
    assert list(tmp_path.iterdir()) == []


def test_export_never_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "talk.md"
    path.write_text("mine")
    screen = Screen()
    screen.converse("q", "a")
    screen.type(f"/export {path}")
    assert "already" in screen.text
    assert path.read_text() == "mine"


def test_export_of_nothing_says_so(tmp_path: Path) -> None:
    screen = Screen()
    screen.type(f"/export {tmp_path}/talk.md")
    assert screen.text == "Error: Nothing was said yet that could be exported.\n"
