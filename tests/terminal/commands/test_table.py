"""The table as a whole: what ``/help`` shows, and what holds for every command."""

from pathlib import Path

import pytest

from tests.terminal.desk import Screen
from xverse_chat.terminal.commands.table import COMMANDS
from xverse_chat.terminal.languages import TEXTS
from xverse_chat.terminal.translation import Language

COLUMNS = 80


@pytest.mark.parametrize("language", list(TEXTS))
def test_help_lists_every_command_in_the_language_of_the_user(language: Language) -> None:
    screen = Screen(language)
    screen.type("/help")
    shown = screen.text
    for command in COMMANDS:
        texts = screen.desk.texts
        assert f"{command.usage(texts)}: {texts.told(command.help)}" in shown


@pytest.mark.parametrize("language", list(TEXTS))
def test_every_row_of_help_has_room_in_a_window_of_80_columns(language: Language) -> None:
    from prompt_toolkit.utils import get_cwidth

    texts = Screen(language).desk.texts
    usage = max(get_cwidth(command.usage(texts)) for command in COMMANDS)
    rows = [texts.told(command.help) for command in COMMANDS]
    assert [row for row in rows if get_cwidth(row) + usage + 4 > COLUMNS] == []


def test_no_two_commands_have_one_name() -> None:
    names = [name for row in COMMANDS for name in (row.name, *row.aliases, *row.words)]
    assert len(set(names)) == len(names)


def test_help_explains_one_command() -> None:
    screen = Screen()
    screen.type("/help new")
    assert screen.text == "/new: start a new conversation; the system text stays\n"
    screen.type("/help /quit")
    assert screen.text.startswith("/exit: leave")


def test_the_list_has_room_in_a_window_of_24_rows_with_the_next_prompt_and_the_foot() -> None:
    assert len(COMMANDS) + len(["", ">", "foot"]) <= 24


def test_help_for_no_command_says_so() -> None:
    screen = Screen("zh")
    screen.type("/help nothing")
    assert screen.text == "错误：没有 /nothing 这个命令。\n/help 列出所有命令。\n"


def test_help_names_no_key_that_the_line_editor_lacks() -> None:
    screen = Screen()
    screen.desk.has_keys = False
    screen.type("/help keys")
    shown = screen.text
    assert "Ctrl-C" in shown
    assert [key for key in ("Alt-Enter", "Ctrl-R", "Tab") if key in shown] == []


def test_an_unknown_command_is_told_without_its_escapes() -> None:
    screen = Screen()
    screen.type("/he\x1b[2Jlp")
    shown = screen.text
    assert "\x1b" not in shown
    assert "Did you mean /help?" in shown


def test_an_argument_that_is_not_taken_ends_nothing() -> None:
    screen = Screen()
    screen.type("/exit 5")
    assert screen.desk.exit_code is None
    assert screen.text == "/exit takes nothing after it.\n"


def test_exit_leaves_with_zero() -> None:
    screen = Screen()
    screen.type("exit")
    assert screen.desk.exit_code == 0


@pytest.mark.parametrize(
    ("before", "line", "said"),
    [("en", "/lang zh", "界面语言"), ("zh", "/lang EN", "speaks English")],
)
def test_lang_switches_what_is_said_from_then_on(before: Language, line: str, said: str) -> None:
    screen = Screen(before)
    screen.type(line)
    assert said in screen.text
    screen.type("/x")
    assert ("没有 /x" in screen.text) == line.endswith("zh")


@pytest.mark.parametrize("line", ["/lang", "/lang fr"])
def test_lang_without_a_language_names_those_there_are(line: str) -> None:
    screen = Screen()
    screen.type(line)
    assert screen.text == "Say which language: en zh.\n"
    assert screen.desk.texts.language == "en"


ARGUMENTS = [
    "",
    "0",
    "1",
    "99999999999",
    "-1",
    "一",
    "x" * 5000,
    "\x1b[2J",
    "/nowhere/at/all",
    "~no",
]


@pytest.mark.parametrize("language", list(TEXTS))
@pytest.mark.parametrize("command", [row.name for row in COMMANDS])
def test_no_argument_of_any_command_is_more_than_it_can_bear(
    command: str, language: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for contents in ((), ("hi",), ("hi", "there"), ("hi", "there", "again", "```\nx")):
        for argument in ARGUMENTS:
            screen = Screen(language, folder=tmp_path / "conversations")
            screen.converse(*contents)
            screen.type(f"{command} {argument}")
            shown = screen.text
            assert "\x1b" not in shown
            assert shown or screen.desk.exit_code == 0 or command in ("/retry", "/redo")
            screen.desk.keeper.begin("")  # which lets the file go
