from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from tests.scripted import ScriptedBackend
from tests.terminal.desk import Screen
from xverse_chat.terminal.commands.table import COMMANDS
from xverse_chat.terminal.completion import CommandCompleter


def offered(screen: Screen, typed: str) -> list[str]:
    """Return what the line would be with each of the candidates."""
    found = CommandCompleter(screen.desk).get_completions(Document(typed), CompleteEvent())
    return [typed[: len(typed) + one.start_position] + one.text for one in found]


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        ("/", [command.name for command in COMMANDS]),
        ("/N", ["/new"]),
        ("／ex", ["/export", "/exit"]),
        ("hello /", []),
        ("/new x", []),
        ("/help  re", ["/help  retry", "/help  redo", "/help  read"]),
        ("/lang ", ["/lang en", "/lang zh"]),
        ("/context s", ["/context summarise"]),
        ("/set temp", ["/set temperature"]),
        ("/set greedy o", ["/set greedy on", "/set greedy off"]),
        ("/set stats ", ["/set stats on", "/set stats off"]),
        ("/find x", []),
        ("/nonsense x", []),
        ("", []),
    ],
)
def test_a_command_and_what_follows_it_are_completed(typed: str, lines: list[str]) -> None:
    assert offered(Screen(), typed) == lines


def test_what_was_said_is_completed_by_number() -> None:
    screen = Screen(backend=ScriptedBackend())
    screen.converse("one", "a", "two", "```\nx\n```\n```\ny\n```")
    assert offered(screen, "/edit ") == ["/edit 2", "/edit 1"]
    assert offered(screen, "/copy ") == ["/copy 1", "/copy 2"]
    assert offered(screen, "/retry ") == ["/retry 1"]


def test_conversations_are_completed_by_their_titles(tmp_path: Path) -> None:
    for title in ("天气", "旅行"):
        Screen(folder=tmp_path).converse(title, "好")
    assert offered(Screen(folder=tmp_path), "/load ") == ["/load 旅行", "/load 天气"]
    assert offered(Screen(folder=tmp_path), "/load 天") == ["/load 天气"]


def test_an_old_conversation_among_many_is_completed_too(tmp_path: Path) -> None:
    for title in ("旧的", *(f"新 {number}" for number in range(25))):
        screen = Screen(folder=tmp_path)
        screen.converse(title, "好")
        screen.desk.keeper.begin("")  # which lets the file go
    assert offered(Screen(folder=tmp_path), "/load 旧") == ["/load 旧的"]
    assert len(offered(Screen(folder=tmp_path), "/load ")) == 20


def test_files_are_completed_along_their_path(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / "node").mkdir()
    (tmp_path / ".hidden").touch()
    (tmp_path / "nasty\x1b[2J").touch()
    assert offered(Screen(), f"/read {tmp_path}/no") == [
        f"/read {tmp_path}/node/",
        f"/read {tmp_path}/notes.txt",
    ]
    assert f"/read {tmp_path}/.hidden" not in offered(Screen(), f"/read {tmp_path}/")
    assert offered(Screen(), f"/read {tmp_path}/.h") == [f"/read {tmp_path}/.hidden"]
    assert offered(Screen(), "/read /nowhere/at/all/") == []
