"""Files of ``-f`` in a conversation, and its language: switched while it goes on."""

from pathlib import Path

import pytest

from tests.terminal.conversation import Start, ask, starter

CARRIED = "heard: '===== notes.txt =====\\n中文\\n\\nfirst'"


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return starter(tmp_path)


def test_a_file_goes_with_the_first_message_alone(start: Start) -> None:
    with start(attached="中文") as terminal:
        terminal.wait_for("The next message takes along notes.txt (4 B). /new leaves that out.")
        terminal.wait_for("notes.txt was read as GB18030.")
        ask(terminal, "first")
        terminal.wait_for(CARRIED)
        ask(terminal, "/new")
        ask(terminal, "second")
        terminal.wait_for("heard: 'second'")


def test_a_file_whose_message_was_taken_back_goes_with_the_next(start: Start) -> None:
    with start(attached="中文", replies=["memory"]) as terminal:
        ask(terminal, "none")
        terminal.wait_for("The GPU memory is full.")
        ask(terminal, "first")
        terminal.wait_for(CARRIED)


def test_new_leaves_a_file_out_that_no_message_carried(start: Start) -> None:
    with start(attached="中文", plain=True) as terminal:
        terminal.wait_for("You:")
        terminal.type("/new\r")
        terminal.wait_for("A new conversation.")
        terminal.type("first\r")
        terminal.wait_for("heard: 'first'")


@pytest.mark.parametrize("plain", [False, True])
def test_lang_switches_everything_that_is_said_from_then_on(plain: bool, start: Start) -> None:
    with start(plain=plain, replies=["memory"]) as terminal:
        terminal.wait_for("You:" if plain else "\n>")
        terminal.type("/lang zh\r")
        terminal.wait_for("界面语言已切换为中文。")
        terminal.type("/help\r")
        terminal.wait_for("列出命令，或说明其中一个")
        terminal.type("hello\r")
        terminal.wait_for("错误：The GPU memory is full.")  # a sentence of the test's own
        terminal.type("/lang en\r")
        terminal.wait_for("The program speaks English now.")
