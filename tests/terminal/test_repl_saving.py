"""Conversations that are kept: going on with them, and what is said when that is not as usual."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.chat.test_store import save
from tests.pseudo_terminal import CTRL_C, CTRL_D, ENTER
from tests.terminal.conversation import LONG, Start, ask, starter, wait_for_prompt
from xverse_chat.chat.backend import Message
from xverse_chat.chat.journal import log_path
from xverse_chat.chat.session import Session
from xverse_chat.chat.store import Store


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return starter(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "conversations")


def last(store: Store) -> Session:
    identity = store.latest()
    assert identity is not None
    return store.read(identity)


def contents(store: Store) -> list[str]:
    return [message.content for message in last(store).messages]


def test_what_was_said_is_there_again(start: Start, store: Store) -> None:
    with start(folder=str(store.folder), replies=[["Hello", " Ann."]]) as terminal:
        ask(terminal, "I am Ann")
        terminal.wait_for("Hello Ann.\n2 tokens")
        assert contents(store) == ["I am Ann", "Hello Ann."]
        terminal.signal(signal.SIGKILL)
    with start(folder=str(store.folder), goes_on=True) as terminal:
        terminal.wait_for("Going on with “I am Ann” (questions so far: 1).")
        terminal.wait_for("You: I am Ann\nModel: Hello Ann.\n\n>")
        ask(terminal, "my name?")
        terminal.wait_for("heard: 'I am Ann' | 'Hello Ann.' | 'my name?'")
    assert len(store.identities()) == 1


def test_a_reply_that_is_broken_off_is_saved_as_far_as_it_came(start: Start, store: Store) -> None:
    with start(folder=str(store.folder), replies=[LONG], piece_s=0.02) as terminal:
        ask(terminal, "数数")
        terminal.wait_for("一二三")
        terminal.type(CTRL_C)
        wait_for_prompt(terminal)
    answer = last(store).messages[-1]
    assert answer.content.startswith("一二三")
    assert answer.interrupted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_mid_reply_loses_nothing_of_it(
    start: Start, store: Store, number: signal.Signals
) -> None:
    with start(folder=str(store.folder), replies=[LONG], piece_s=0.02) as terminal:
        ask(terminal, "数数")
        terminal.wait_for("一二三四五六七八九十")
        terminal.signal(number)
        terminal.exit_code(timeout_s=5)
    assert last(store).messages[-1].interrupted
    assert last(store).messages[-1].content.startswith("一二三四五六七八九十")


def test_a_reply_left_behind_is_saved_when_the_user_leaves(start: Start, store: Store) -> None:
    with start(folder=str(store.folder), replies=[LONG], piece_s=0.02, deaf_s=30) as terminal:
        ask(terminal, "数数")
        terminal.wait_for("一二三")
        terminal.type(CTRL_C)
        wait_for_prompt(terminal)
        terminal.type(CTRL_D)
        assert terminal.exit_code(timeout_s=5) == 0
    assert last(store).messages[-1].content.startswith("一二三")


def test_a_kill_in_mid_reply_loses_the_reply_and_the_question_is_in_the_line(
    start: Start, store: Store
) -> None:
    with start(folder=str(store.folder), replies=[["ok"], LONG], piece_s=0.02) as terminal:
        ask(terminal, "first")
        terminal.wait_for("ok\n")
        ask(terminal, "数到一百")
        terminal.wait_for("一二三")
        terminal.signal(signal.SIGKILL)
    with start(folder=str(store.folder), goes_on=True, language="zh") as terminal:
        terminal.wait_for("最后一个问题没有得到回答，已放回输入行。\n\n> 数到一百")
        terminal.type(ENTER)
        terminal.wait_for("heard: 'first' | 'ok' | '数到一百'")
    assert contents(store)[2] == "数到一百"


def test_a_message_sent_while_the_model_loads_is_saved_at_once(start: Start, store: Store) -> None:
    with start(folder=str(store.folder), load_s=30) as terminal:
        ask(terminal, "an early question")
        terminal.wait_for("Loading the model")
        terminal.type(CTRL_C)
        assert terminal.exit_code(timeout_s=5) == 130
    assert last(store).unanswered == "an early question"


def test_a_second_window_gets_a_copy_and_both_go_on(start: Start, store: Store) -> None:
    save(store, "seed", "sown")
    one: dict[str, Any] = {"folder": str(store.folder), "goes_on": True, "replies": [["first"]]}
    with start(**one) as first, start(**{**one, "replies": [["second"]]}) as second:
        wait_for_prompt(first)
        wait_for_prompt(second)
        assert ("another window" in first.text) != ("another window" in second.text)
        ask(first, "a")
        first.wait_for("first\n")
        ask(second, "b")
        second.wait_for("second\n")
    kept = sorted(
        [message.content for message in store.read(one).messages] for one in store.identities()
    )
    assert kept == [["seed", "sown", "a", "first"], ["seed", "sown", "b", "second"]]


def test_a_named_conversation_is_begun_and_found_again(start: Start, store: Store) -> None:
    with start(folder=str(store.folder), name="旅行", language="zh") as terminal:
        terminal.wait_for("还没有名为“旅行”的对话，这段新对话就用这个名字。")
        ask(terminal, "去哪里？")
        terminal.wait_for("heard: '去哪里？'\n1 个 token")
    save(store, "another")
    with start(folder=str(store.folder), name="旅行", language="zh") as terminal:
        terminal.wait_for("继续“旅行”（已有 1 个问题）。")


def test_without_an_earlier_conversation_a_new_one_begins(start: Start, store: Store) -> None:
    with start(folder=str(store.folder), goes_on=True) as terminal:
        terminal.wait_for("There is no earlier conversation yet: this is a new one.")


def test_a_damaged_conversation_is_refused_before_anything_else(start: Start, store: Store) -> None:
    path = log_path(store.folder, save(store, "a", "b"))
    path.write_bytes(path.read_bytes().replace(b'"n": 1', b'"n": 7'))
    with start(folder=str(store.folder), goes_on=True) as terminal:
        assert terminal.exit_code() == 65
        assert "line 2 is damaged." in terminal.text.replace("\n", "")
        assert "demo" not in terminal.text


def test_a_torn_line_is_told(start: Start, store: Store) -> None:
    path = log_path(store.folder, save(store, "a", "b", "c"))
    path.write_bytes(path.read_bytes()[:-5])
    with start(folder=str(store.folder), goes_on=True) as terminal:
        terminal.wait_for("Its last line was never finished")


def test_a_saved_text_steers_no_terminal(start: Start, store: Store) -> None:
    save(store, "a\x1b]0;owned\x07\x1b[2Jb", "c\x9b31md")
    with start(folder=str(store.folder), goes_on=True) as terminal:
        wait_for_prompt(terminal)
        assert b"\x1b]0" not in terminal.raw
        assert b"\x1b[2J" not in terminal.raw
        assert b"\x9b31m" not in terminal.raw


def test_a_folder_that_takes_nothing_is_told_and_the_conversation_goes_on(
    start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "file" / "conversations"
    folder.parent.write_text("in the way")
    with start(folder=str(folder), replies=[["one"], ["two"], ["three"]]) as terminal:
        ask(terminal, "a")
        terminal.wait_for("This conversation is not being saved: Not a directory")
        ask(terminal, "b")
        terminal.wait_for("two\n")
        assert terminal.text.count("not being saved") == 1
        os.unlink(folder.parent)
        ask(terminal, "c")
        terminal.wait_for("Saving works again")
    assert contents(Store(folder)) == ["a", "one", "b", "two", "c", "three"]


def test_new_begins_a_file_of_its_own(start: Start, store: Store) -> None:
    with start(folder=str(store.folder)) as terminal:
        ask(terminal, "a")
        terminal.wait_for("heard: 'a'")
        ask(terminal, "/new")
        ask(terminal, "b")
        terminal.wait_for("heard: 'b'\n1 token")
    assert [store.read(one).messages[0] for one in store.identities()] == [
        Message("user", "b"),
        Message("user", "a"),
    ]


def test_plain_lines_bring_the_question_back_too(start: Start, store: Store) -> None:
    save(store, "a", "b", "unanswered")
    with start(folder=str(store.folder), goes_on=True, plain=True) as terminal:
        terminal.wait_for("You: unanswered")
        terminal.type(ENTER)
        terminal.wait_for("heard: 'a' | 'b' | 'unanswered'")
