"""Other ways through a conversation: nothing is lost on any of them."""

import threading

import pytest

from tests.scripted import ScriptedBackend
from tests.terminal.desk import Screen
from xverse_chat.chat.backend import Message
from xverse_chat.chat.turn import Turn


def run(turn: Turn | None, *pieces: str) -> None:
    assert turn is not None
    backend = ScriptedBackend(pieces)
    settings = backend.default_settings
    for _ in turn.run(backend, settings=settings, stop=threading.Event()):
        pass


def contents(screen: Screen) -> list[str]:
    return [message.content for message in screen.desk.session.messages]


def test_retry_keeps_the_earlier_answer_and_returns_to_it() -> None:
    screen = Screen()
    screen.converse("q", "one")
    run(screen.type("/retry"), "two")
    assert contents(screen) == ["q", "two"]
    screen.type("/retry 1")
    assert contents(screen) == ["q", "one"]
    shown = screen.text
    assert "Model: one" in shown
    assert "Answer 1 of 2. /retry NUMBER goes to another" in shown


@pytest.mark.parametrize("line", ["/retry 3", "/retry 0", "/retry x"])
def test_retry_of_an_answer_that_is_not_there_changes_nothing(line: str) -> None:
    screen = Screen()
    screen.converse("q", "one")
    assert screen.type(line) is None
    assert contents(screen) == ["q", "one"]
    assert screen.text.startswith("Error: ")


def test_continue_goes_on_where_an_answer_broke_off() -> None:
    screen = Screen()
    screen.converse("count")
    screen.desk.session.append(Message("assistant", "one two", interrupted=True))
    turn = screen.type("/continue")
    assert screen.text == "…one two\n"
    run(turn, " three")
    assert contents(screen) == ["count", "one two three"]


def test_continue_refuses_an_answer_that_was_said_to_its_end() -> None:
    screen = Screen("zh")
    screen.converse("q", "a")
    assert screen.type("/continue") is None
    assert screen.text.startswith("错误：")


def test_edit_puts_a_question_into_the_line_and_says_what_will_be() -> None:
    screen = Screen()
    screen.converse("one", "1", "two", "2")
    screen.type("/edit")
    assert (screen.desk.draft, screen.desk.instead_of) == ("two", 2)
    screen.type("/edit 1")
    assert (screen.desk.draft, screen.desk.instead_of) == ("one", 1)
    assert "Question 1 is in the line." in screen.text
    assert contents(screen) == ["one", "1", "two", "2"]


@pytest.mark.parametrize("line", ["/edit 3", "/edit 0", "/edit two"])
def test_edit_of_a_question_that_is_not_there_leaves_the_line_alone(line: str) -> None:
    screen = Screen()
    screen.converse("one", "1", "two", "2")
    screen.type(line)
    assert (screen.desk.draft, screen.desk.instead_of) == ("", None)
    assert screen.text.startswith("Error: ")


def test_undo_takes_rounds_back_and_redo_returns_them() -> None:
    screen = Screen()
    screen.converse("one", "1", "two", "2", "three", "3")
    screen.type("/undo")
    assert contents(screen) == ["one", "1", "two", "2"]
    screen.type("/undo 2")
    assert contents(screen) == []
    assert "Taken back, from “one” on. /redo brings it back." in screen.text
    screen.type("/redo")
    assert contents(screen) == ["one", "1", "two", "2", "three", "3"]
    screen.type("/redo")
    assert "There is nothing to bring back." in screen.text


def test_undo_of_more_than_there_is_takes_nothing_back() -> None:
    screen = Screen()
    screen.converse("one", "1")
    screen.type("/undo 2")
    assert contents(screen) == ["one", "1"]
